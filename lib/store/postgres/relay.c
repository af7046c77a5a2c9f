/*
 * The calls of a run that begins or waits, made by the resident: see runs.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "json/json.h"
#include "json/jsonw.h"
#include "store/postgres/runs.h"
#include "store/resident.h"

enum {
	RELAY_MAX = 16384,	/* bytes of a call or its row */
	RELAY_DEPTH = 3, RELAY_TOKENS = 64
};

/* The calls that the resident makes for others; each may be repeated. */
static const struct {
	const char	*name;
	enum statement	 statement;
} relay_calls[] = {
	{ "begin", STATEMENT_RUN_BEGIN }, { "renew", STATEMENT_RUN_RENEW },
	{ "watch", STATEMENT_RUN_WATCH },
};

enum { CALLS = sizeof(relay_calls) / sizeof(relay_calls[0]) };

/* Writes a call as one line. */
static int
relay_write(struct buf *out, size_t call, const struct pg_args *a)
{
	struct jsonw	w;
	int		i;

	jsonw_begin(&w, out);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "run", relay_calls[call].name);
	jsonw_array(&w, "args");
	for (i = 0; i < a->count; i++) {
		if (a->value[i] == a->number[i])
			jsonw_trusted(&w, NULL, a->value[i]);
		else
			jsonw_string(&w, NULL, a->value[i], (size_t)a->len[i]);
	}
	return jsonw_end(&w, true);
}

bool
relay_start(struct node *n, enum statement statement, const struct pg_args *a)
{
	struct buf	line = BUF_INIT(RELAY_MAX);
	size_t		call;

	for (call = 0; relay_calls[call].statement != statement; call++)
		;
	if (relay_write(&line, call, a) == 0)
		n->relay = resident_ask(n->wish.settings, line.data, line.len);
	buf_free(&line);
	n->reply.cap = RELAY_MAX;
	n->relayed = false;
	return n->relay != -1;
}

void
relay_end(struct node *n)
{
	if (n->relay != -1)
		(void)close(n->relay);
	n->relay = -1;
	buf_free(&n->reply);
}

/* Sets a value of the row; NULL becomes an SQL NULL. */
static bool
relay_set(PGresult *row, int column, const struct json *j, int value)
{
	struct buf	b = BUF_INIT(RELAY_MAX);
	bool		good;

	if (json_type(j, value) == JSON_NULL)
		return PQsetvalue(row, 0, column, NULL, -1) == 1;
	good = json_string(j, value, true, &b) == 0 && PQsetvalue(row, 0,
	    column, b.data, (int)b.len) == 1;
	buf_free(&b);
	return good;
}

/* Makes a result of the row in a reply.  Returns NULL if it has none. */
static PGresult *
relay_row(const struct json *j)
{
	static char	no_name[] = "";
	PGresAttDesc	attributes[PG_ARGS_MAX];
	PGresult	*row;
	const int	array = json_member(j, 0, "row");
	int		columns = 0, i, value;

	memset(attributes, 0, sizeof(attributes));
	for (value = json_first(j, array); value != -1 &&
	    columns < PG_ARGS_MAX; value = json_next(j, array, value))
		attributes[columns++].name = no_name;
	if (columns == 0 || value != -1 ||
	    (row = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK)) == NULL)
		return NULL;
	i = PQsetResultAttrs(row, columns, attributes) == 1 ? 0 : -1;
	value = json_first(j, array);
	while (i != -1 && i < columns) {
		i = relay_set(row, i, j, value) ? i + 1 : -1;
		value = json_next(j, array, value);
	}
	if (i != -1)
		return row;
	PQclear(row);
	return NULL;
}

/* The resident has closed the socket: reads its reply. */
static enum pg_progress
relay_read(struct node *n)
{
	struct json	j = { 0 };

	PQclear(n->store->result);
	n->store->result = NULL;
	if (n->relayed && json_parse(&j, n->reply.data + 1, n->reply.len - 1,
	    RELAY_DEPTH, RELAY_TOKENS) == 0)
		n->store->result = relay_row(&j);
	json_free(&j);
	relay_end(n);
	return n->store->result == NULL ? PG_FAILED : PG_DONE;
}

enum pg_progress
relay_step(struct node *n, int64_t now)
{
	char	data[READ_MAX];
	ssize_t	len;

	while ((len = recv(n->relay, data, sizeof(data), MSG_DONTWAIT)) > 0) {
		if (buf_add(&n->reply, data, (size_t)len) == -1)
			break;
	}
	/* An empty line acknowledges the call. */
	if (!n->relayed && n->reply.len > 0 && n->reply.data[0] == '\n') {
		n->relayed = true;
		n->until = now + CALL_TIMEOUT * INT64_C(1000);
	}
	if (len == 0)
		return relay_read(n);
	if (len == -1 && (errno == EAGAIN || errno == EINTR) && now < n->until)
		return PG_MORE;
	relay_end(n);
	return PG_FAILED;
}

/* Reads the arguments of a call; `text' gets their texts. */
static bool
relay_args(const struct json *j, struct pg_args *a, struct buf *text)
{
	size_t		end[PG_ARGS_MAX] = { 0 }, start = 0;
	const int	array = json_member(j, 0, "args");
	int		value, i = 0;

	/* All texts first: adding one may move the others. */
	for (value = json_first(j, array); value != -1;
	    value = json_next(j, array, value)) {
		if (i == PG_ARGS_MAX || (json_type(j, value) != JSON_NUMBER &&
		    json_string(j, value, true, text) == -1))
			return false;
		end[i++] = text->len;
	}
	value = json_first(j, array);
	for (i = 0; value != -1; i++) {
		if (json_type(j, value) == JSON_NUMBER)
			pg_int(a, json_int(j, value, 0));
		else
			pg_text(a, text->data == NULL ? "" : text->data +
			    start, end[i] - start);
		start = end[i];
		value = json_next(j, array, value);
	}
	return true;
}

/* Writes the result's first row. */
static int
relay_write_row(struct buf *out, const PGresult *row)
{
	struct jsonw	w;
	int		i;

	jsonw_begin(&w, out);
	jsonw_object(&w, NULL);
	jsonw_array(&w, "row");
	for (i = 0; i < PQnfields(row) && PQntuples(row) == 1; i++) {
		if (PQgetisnull(row, 0, i))
			jsonw_trusted(&w, NULL, "null");
		else
			jsonw_string(&w, NULL, PQgetvalue(row, 0, i),
			    (size_t)PQgetlength(row, 0, i));
	}
	return jsonw_end(&w, true);
}

/* Makes a call that was read. */
static enum failure_code
relay_make(struct store *s, const struct json *j, struct buf *out)
{
	struct buf		 text = BUF_INIT(RELAY_MAX);
	struct pg_args		 a = { .count = 0 };
	PGresult		*row = NULL;
	enum failure_code	 rc = FAILURE_BAD_REQUEST;
	size_t			 call;

	for (call = 0; call < CALLS; call++) {
		if (json_equals(j, json_member(j, 0, "run"),
		    relay_calls[call].name))
			break;
	}
	if (call < CALLS && relay_args(j, &a, &text))
		rc = pg_query(s, relay_calls[call].statement, &a, &row);
	if (rc == FAILURE_NONE && relay_write_row(out, row) == -1)
		rc = FAILURE_INTERNAL;
	PQclear(row);
	buf_free(&text);
	return rc;
}

bool
node_relay(struct store **store, const struct settings *s, const char *line,
    size_t len, struct buf *out, enum failure_code *rc)
{
	struct json	j = { 0 };
	bool		is_call;

	/* Most lines are questions: parse no long ones twice. */
	is_call = len <= RELAY_MAX && json_parse(&j, line, len, RELAY_DEPTH,
	    RELAY_TOKENS) == 0 && json_member(&j, 0, "run") != -1;
	*rc = FAILURE_NONE;
	if (is_call && *store == NULL)
		*rc = store_open(store, s->text[SETTING_DATABASE]);
	if (is_call && *rc == FAILURE_NONE)
		*rc = relay_make(*store, &j, out);
	json_free(&j);
	return is_call;
}
