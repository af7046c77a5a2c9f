/*
 * The session service on PostgreSQL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limit.h"
#include "json/jsonw.h"
#include "store/maintain.h"
#include "store/postgres/pg.h"
#include "store/store.h"

bool
store_serves(const char *database)
{
	return strncmp(database, "postgres://", 11) == 0 ||
	    strncmp(database, "postgresql://", 13) == 0;
}

bool
store_behind(struct store *s)
{
	(void)s;
	return false;
}

void
store_texts_of_copy(const char *file, int64_t ticket, void (*text)(void *,
    int64_t, const char *, size_t), void *context)
{
	(void)file;
	(void)ticket;
	(void)text;
	(void)context;
}

bool
store_passes(const struct store *s)
{
	return s != NULL && pg_passes(s);
}

bool
store_is_file(void)
{
	return false;
}

/* Checks that the database has our schema. */
static enum failure_code
pg_check_schema(struct store *s)
{
	if (s->version == SCHEMA_VERSION)
		return FAILURE_NONE;
	if (s->version == -1)
		return pg_refuse(s, FAILURE_SCHEMA, "%s: not migrated",
		    PQdb(s->db));
	return pg_refuse(s, FAILURE_SCHEMA, "%s: schema %d, this program has "
	    "%d", PQdb(s->db), s->version, SCHEMA_VERSION);
}

enum failure_code
store_open(struct store **out, const char *database)
{
	enum failure_code	 rc;
	struct store		*s;
	int			 version;

	if ((*out = s = pg_make(database)) == NULL)
		return FAILURE_STORAGE;
	rc = pg_connect(s, &version);
	return rc == FAILURE_NONE ? pg_check_schema(s) : rc;
}

void
store_hosts(const char *uri, void (*each)(void *, const struct store_host *),
    void *context)
{
	struct store	*s;

	if ((s = pg_make(uri)) != NULL)
		pg_survey(s, each, context);
	store_close(s);
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	pg_drop(s);
	free(s->uri);
	free(s);
}

const char *
store_error(const struct store *s)
{
	return s == NULL ? "no memory" : s->error;
}

/* Copies a value.  Returns NULL if there is no memory. */
static char *
pg_store_copy(const PGresult *res, int column, size_t *len)
{
	char	*p;

	*len = (size_t)PQgetlength(res, 0, column);
	if ((p = malloc(*len + 1)) != NULL)
		memcpy(p, PQgetvalue(res, 0, column), *len + 1);
	return p;
}

/* The same of a value that may be NULL; false: there is no memory. */
static bool
pg_store_optional(const PGresult *res, int column, char **text)
{
	size_t	len;

	return PQgetisnull(res, 0, column) ||
	    (*text = pg_store_copy(res, column, &len)) != NULL;
}

/* Runs a statement that finds a session. */
static enum failure_code
pg_find(struct store *s, enum statement which, const struct pg_args *a,
    struct session *out)
{
	enum failure_code	 rc;
	PGresult		*res;

	memset(out, 0, sizeof(*out));
	if ((rc = pg_query(s, which, a, &res)) != FAILURE_NONE)
		return rc;
	if (PQntuples(res) > 0) {
		out->id = pg_number(res, 0, 0);
		out->prompt = pg_store_copy(res, 1, &out->prompt_len);
		out->response = pg_store_copy(res, 2, &out->response_len);
		(void)snprintf(out->created, sizeof(out->created), "%s",
		    PQgetvalue(res, 0, 3));
		out->versions = pg_number(res, 0, 4);
		out->cut = pg_number(res, 0, 5) != 0;
		out->version = PQgetisnull(res, 0, 6) ? out->versions :
		    pg_number(res, 0, 6);
		out->follows = pg_number(res, 0, 7);
		if (!pg_store_optional(res, 8, &out->author) ||
		    !pg_store_optional(res, 9, &out->instruction) ||
		    out->prompt == NULL || out->response == NULL) {
			session_free(out);
			rc = pg_refuse(s, FAILURE_STORAGE, "no memory");
		}
	}
	PQclear(res);
	return rc;
}

enum failure_code
store_session_by_ticket(struct store *s, int64_t ticket, struct session *out)
{
	struct pg_args	a = { .count = 0 };

	pg_int(&a, ticket);
	return pg_find(s, STATEMENT_ANSWER_BY_TICKET, &a, out);
}

enum failure_code
store_session(struct store *s, int64_t ticket, int64_t id, struct session *out)
{
	struct pg_args	a = { .count = 0 };

	pg_int(&a, id);
	pg_int(&a, ticket);
	return pg_find(s, STATEMENT_ANSWER_BY_SESSION, &a, out);
}

enum failure_code
store_session_by_version(struct store *s, int64_t ticket, int64_t n,
    struct session *out)
{
	struct pg_args	a = { .count = 0 };

	pg_int(&a, ticket);
	pg_int(&a, n);
	return pg_find(s, STATEMENT_ANSWER_BY_VERSION, &a, out);
}

/* Reads the row of Identity, unless it is known. */
static enum failure_code
pg_identity(struct store *s)
{
	enum failure_code	 rc;
	PGresult		*res;

	if (s->id[0] != '\0')
		return FAILURE_NONE;
	if ((rc = pg_query(s, STATEMENT_IDENTITY, NULL, &res)) != FAILURE_NONE)
		return rc;
	if (PQntuples(res) != 1 ||
	    PQgetlength(res, 0, 0) != STORE_IDENTITY ||
	    !text_secret(s->secret, PQgetvalue(res, 0, 1)))
		rc = pg_refuse(s, FAILURE_STORAGE, "the database has no "
		    "identity");
	else
		memcpy(s->id, PQgetvalue(res, 0, 0), STORE_IDENTITY + 1);
	PQclear(res);
	return rc;
}

enum failure_code
store_identity(struct store *s, char id[STORE_IDENTITY + 1])
{
	enum failure_code	rc;

	/* A restore may have changed it since. */
	s->id[0] = '\0';
	if ((rc = pg_identity(s)) == FAILURE_NONE)
		memcpy(id, s->id, sizeof(s->id));
	return rc;
}

enum failure_code
store_text_hash(struct store *s, const char *text, size_t len,
    char hash[TEXT_HASH + 1])
{
	enum failure_code	rc;

	if ((rc = pg_identity(s)) != FAILURE_NONE)
		return rc;
	return text_hash(s->secret, text, len, hash) == 0 ? FAILURE_NONE :
	    pg_refuse(s, FAILURE_STORAGE, "no memory");
}

enum failure_code
store_word(struct store *s, int64_t ticket, const char *text, size_t len,
    unsigned counter, char word[TEXT_WORD + 1])
{
	enum failure_code	rc;

	if ((rc = pg_identity(s)) != FAILURE_NONE)
		return rc;
	return text_word(s->secret, ticket, text, len, counter, word) == 0 ?
	    FAILURE_NONE : pg_refuse(s, FAILURE_STORAGE, "no memory");
}

enum failure_code
store_session_by_text(struct store *s, int64_t ticket, const char *text,
    size_t len, struct session *out)
{
	char			 hash[TEXT_HASH + 1];
	struct pg_args		 a = { .count = 0 };
	enum failure_code	 rc;
	PGresult		*res;
	int64_t			 id = 0;
	int			 i;

	memset(out, 0, sizeof(*out));
	if ((rc = store_text_hash(s, text, len, hash)) != FAILURE_NONE)
		return rc;
	pg_int(&a, ticket);
	pg_text(&a, hash, TEXT_HASH);
	if ((rc = pg_query(s, STATEMENT_SESSION_OF_TEXT, &a, &res)) !=
	    FAILURE_NONE)
		return rc;
	for (i = 0; i < PQntuples(res) && id == 0; i++) {
		if (PQgetisnull(res, i, 1) || text_same(PQgetvalue(res, i, 1),
		    (size_t)PQgetlength(res, i, 1), text, len))
			id = pg_number(res, i, 0);
	}
	PQclear(res);
	return id == 0 ? FAILURE_NONE : store_session(s, ticket, id, out);
}

enum failure_code
store_get_or_create(struct store *s, int64_t ticket, bool existing,
    int64_t seen, int64_t *id)
{
	enum failure_code	rc;

	rc = store_run(s, STATEMENT_SESSION_BEGIN, id, ARGS(ARG_INT(ticket),
	    ARG_INT(seen), ARG_INT(existing)));
	if (rc != FAILURE_NONE || *id >= 0)
		return rc;
	*id = 0;
	return FAILURE_UNKNOWN_TICKET;
}

/* Gets a turn with one of the two statements. */
static enum failure_code
pg_thread_turn(struct store *s, enum statement statement, int64_t ticket,
    int64_t root, int64_t after, struct session *out)
{
	struct pg_args	a = { .count = 0 };

	pg_int(&a, ticket);
	pg_int(&a, root);
	pg_int(&a, after);
	return pg_find(s, statement, &a, out);
}

void
store_view(struct store *s, bool begin)
{
	(void)s;
	(void)begin;
}

enum failure_code
store_thread_next(struct store *s, int64_t ticket, int64_t root, int64_t after,
    struct session *out)
{
	return pg_thread_turn(s, STATEMENT_THREAD_NEXT, ticket, root, after,
	    out);
}

enum failure_code
store_thread_read(struct store *s, int64_t ticket, int64_t root, int64_t after,
    struct session *out)
{
	return pg_thread_turn(s, STATEMENT_THREAD_READ, ticket, root, after,
	    out);
}

enum failure_code
store_question_add(struct store *s, int64_t ticket, int64_t root, int64_t *id)
{
	enum failure_code	rc;

	rc = store_run(s, STATEMENT_QUESTION_ADD, id, ARGS(ARG_INT(ticket),
	    ARG_INT(root), ARG_INT(THREAD_MAX)));
	if (rc == FAILURE_NONE && *id <= 0)
		rc = *id == 0 ? FAILURE_THREAD_FULL : FAILURE_UNKNOWN_TICKET;
	if (rc != FAILURE_NONE)
		*id = 0;
	return rc;
}

enum failure_code
store_question_delete(struct store *s, int64_t id)
{
	return store_run(s, STATEMENT_QUESTION_DELETE, NULL,
	    ARGS(ARG_INT(id)));
}

/* Writes a source of pg_sources. */
static void
pg_source(struct jsonw *w, const struct store_source *n)
{
	jsonw_object(w, NULL);
	jsonw_int(w, "n", n->n);
	jsonw_int(w, "passage", n->passage);
	jsonw_text(w, "name", n->name);
	jsonw_text(w, "title", n->title);
	jsonw_text(w, "url", n->url);
	jsonw_int(w, "ticket", n->ticket);
	jsonw_text(w, "text", n->text);
	jsonw_bool(w, "cited", n->cited);
	jsonw_close(w);
}

int
pg_sources(struct buf *b, const struct answered *a)
{
	struct jsonw	w;
	size_t		i;

	jsonw_begin(&w, b);
	jsonw_array(&w, NULL);
	for (i = 0; i < a->source_count; i++)
		pg_source(&w, &a->sources[i]);
	return jsonw_end(&w, false);
}

enum failure_code
store_update_response(struct store *s, int64_t id, const struct answered *all,
    int64_t *versions)
{
	const struct cost	*c = all->cost;
	struct buf		 given = BUF_INIT(OUTPUT_MAX);
	char			 hash[TEXT_HASH + 1];
	enum failure_code	 rc;

	*versions = 0;
	if ((rc = store_text_hash(s, all->prompt, all->prompt_len, hash)) !=
	    FAILURE_NONE)
		return rc;
	if (pg_sources(&given, all) == -1)
		return pg_refuse(s, FAILURE_STORAGE, "no memory");
	rc = store_run(s, STATEMENT_SESSION_ANSWER, versions, ARGS(ARG_INT(id),
	    ARG_TEXT(all->prompt, all->prompt_len), ARG_TEXT(hash, TEXT_HASH),
	    ARG_TEXT(all->response, all->response_len),
	    ARG_TEXT(c->model, strlen(c->model)),
	    ARG_TEXT(c->done_reason, strlen(c->done_reason)),
	    ARG_INT(c->prompt_tokens), ARG_INT(c->answer_tokens),
	    ARG_INT(c->queued), ARG_INT(c->first_token), ARG_INT(c->total),
	    ARG_INT(c->load), ARG_INT(c->prompt), ARG_INT(c->answer),
	    ARG_TEXT(all->instruction, all->instruction_len),
	    ARG_TEXT(all->prompt_name, strlen(all->prompt_name)),
	    ARG_TEXT(all->user, strlen(all->user)),
	    ARG_TEXT(all->server, strlen(all->server)),
	    ARG_TEXT(all->model_text, all->model_text_len),
	    ARG_TEXT(given.data, given.len)));
	buf_free(&given);
	if (rc != FAILURE_NONE || *versions > 0)
		return rc;
	rc = *versions == 0 ? FAILURE_UNKNOWN_TICKET : FAILURE_INTERRUPTED;
	*versions = 0;
	return pg_refuse(s, rc, "session %lld %s", (long long)id,
	    rc == FAILURE_UNKNOWN_TICKET ? "is gone" : "has another answer");
}

bool
store_has_ratings(struct store *s)
{
	(void)s;
	return true;
}

enum failure_code
store_rate(struct store *s, int64_t session, const char *user,
    const struct rating *r, int64_t *good, int64_t *bad)
{
	struct pg_args		 a = { .count = 0 };
	enum failure_code	 rc;
	PGresult		*res;

	*good = *bad = 0;
	pg_int(&a, session);
	pg_text(&a, user, strlen(user));
	pg_int(&a, r->good);
	pg_text(&a, r->reason, strlen(r->reason));
	pg_text(&a, r->comment, r->comment_len);
	if ((rc = pg_query(s, STATEMENT_RATE, &a, &res)) != FAILURE_NONE)
		return rc;
	if (PQgetisnull(res, 0, 0)) {
		rc = pg_refuse(s, FAILURE_STORAGE, "session %lld is gone",
		    (long long)session);
	} else {
		*good = pg_number(res, 0, 0);
		*bad = pg_number(res, 0, 1);
	}
	PQclear(res);
	return rc;
}

enum failure_code
store_stop(struct store *s, int64_t ticket, bool all, bool *heard)
{
	return store_is(s, all ? STATEMENT_RUN_STOP_ALL : STATEMENT_RUN_STOP,
	    ticket, heard);
}

enum failure_code
store_ticket_runs(struct store *s, int64_t ticket, bool *runs)
{
	return store_is(s, STATEMENT_RUN_IS, ticket, runs);
}

enum failure_code
store_hold(struct store *s)
{
	(void)s;	/* a server needs no open connection */
	return FAILURE_NONE;
}

int
store_serve(struct store *s, const char *run_dir)
{
	(void)s;	/* each node has a RUN_DIR of its own */
	(void)run_dir;
	return 1;
}

bool
store_served(struct store *s, const char *run_dir, char *other, size_t size)
{
	(void)s;
	(void)run_dir;
	(void)size;
	*other = '\0';
	return false;
}

enum failure_code
store_delete(struct store *s, int64_t ticket, bool *found)
{
	return store_is(s, STATEMENT_TICKET_DELETE, ticket, found);
}
