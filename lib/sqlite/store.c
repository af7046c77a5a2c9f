/*
 * The session service on SQLite.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db.h"
#include "limit.h"
#include "store.h"

bool
store_serves(const char *database)
{
	return strncmp(database, "postgres", 8) != 0;
}

enum failure_code
store_open(struct store **out, const char *path)
{
	return db_open(out, path, STORE_TIMEOUT);
}

enum failure_code
db_open(struct store **out, const char *path, int timeout)
{
	enum failure_code	 rc;
	struct store		*s;
	int			 version;

	if ((*out = s = db_make(path)) == NULL)
		return FAILURE_STORAGE;
	s->timeout = timeout;
	if ((rc = db_connect(s, SQLITE_OPEN_READWRITE)) != FAILURE_NONE)
		return rc;
	if ((version = db_pragma(s, "PRAGMA user_version")) == INT_MIN)
		return db_fail(s, path);
	if (version == SCHEMA_VERSION)
		return FAILURE_NONE;
	(void)snprintf(s->error, sizeof(s->error), "%s: schema %d, this "
	    "program has %d", path, version, SCHEMA_VERSION);
	return FAILURE_SCHEMA;
}

void
store_close(struct store *s)
{
	size_t	i;

	if (s == NULL)
		return;
	for (i = 0; i < STATEMENT__MAX; i++)
		(void)sqlite3_finalize(s->statement[i]);
	(void)sqlite3_close(s->db);
	if (s->lock != -1)
		(void)close(s->lock);
	free(s);
}

const char *
store_error(const struct store *s)
{
	return s == NULL ? "no memory" : s->error;
}

/* A copy of a text column; returns NULL if there is no memory. */
static char *
copy(sqlite3_stmt *st, int column, size_t *len)
{
	const char	*text;
	char		*p;

	if (!db_column_text(st, column, &text, len) ||
	    (p = malloc(*len + 1)) == NULL)
		return NULL;
	if (text != NULL)
		memcpy(p, text, *len);
	p[*len] = '\0';
	return p;
}

/* Runs a statement that finds a session; the parameters are bound. */
static enum failure_code
find(struct store *s, sqlite3_stmt *st, struct session *out)
{
	const char	*created;
	size_t		 len;
	bool		 good;
	int		 rc;

	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		out->id = sqlite3_column_int64(st, 0);
		out->prompt = copy(st, 1, &out->prompt_len);
		out->response = copy(st, 2, &out->response_len);
		if ((good = db_column_text(st, 3, &created, &len)) &&
		    created != NULL)
			(void)snprintf(out->created, sizeof(out->created),
			    "%s", created);
		out->versions = sqlite3_column_int64(st, 4);
		out->cut = sqlite3_column_int(st, 5) != 0;
		out->version = sqlite3_column_count(st) > 6 ?
		    sqlite3_column_int64(st, 6) : out->versions;
		if (!good || out->prompt == NULL || out->response == NULL) {
			session_free(out);
			rc = SQLITE_NOMEM;
		}
	}
	return db_done(s, st, rc);
}

enum failure_code
store_session_by_ticket(struct store *s, int64_t ticket, struct session *out)
{
	sqlite3_stmt	*st;

	memset(out, 0, sizeof(*out));
	if ((st = db_statement_of(s, STATEMENT_ANSWER_BY_TICKET,
	    ticket)) == NULL)
		return db_fail(s, "select");
	return find(s, st, out);
}

enum failure_code
store_session(struct store *s, int64_t ticket, int64_t id, struct session *out)
{
	sqlite3_stmt	*st;

	memset(out, 0, sizeof(*out));
	if ((st = db_statement_of(s, STATEMENT_ANSWER_BY_SESSION,
	    id)) == NULL ||
	    sqlite3_bind_int64(st, 2, ticket) != SQLITE_OK)
		return db_fail(s, "select");
	return find(s, st, out);
}

enum failure_code
store_session_by_version(struct store *s, int64_t ticket, int64_t n,
    struct session *out)
{
	enum failure_code	 rc;
	sqlite3_stmt		*st;
	int64_t			 id = 0;

	memset(out, 0, sizeof(*out));
	if ((st = db_statement_of(s, STATEMENT_SESSION_OF_VERSION,
	    ticket)) == NULL || sqlite3_bind_int64(st, 2, n) != SQLITE_OK)
		return db_fail(s, "select");
	rc = db_run(s, st, &id);
	return rc != FAILURE_NONE || id == 0 ? rc :
	    store_session(s, ticket, id, out);
}

/* Runs a statement of one number; *found is 0 where it has no row. */
static enum failure_code
number(struct store *s, enum statement which, int64_t arg, int64_t *found)
{
	sqlite3_stmt	*st;

	*found = 0;
	if ((st = db_statement_of(s, which, arg)) == NULL)
		return db_fail(s, "select");
	return db_run(s, st, found);
}

enum failure_code
store_has_ticket(struct store *s, int64_t ticket, bool *there)
{
	enum failure_code	rc;
	int64_t			n;

	rc = number(s, STATEMENT_TICKET_EXISTS, ticket, &n);
	*there = n != 0;
	return rc;
}

enum failure_code
store_newest(struct store *s, int64_t ticket, int64_t *id)
{
	return number(s, STATEMENT_NEWEST_ANSWER, ticket, id);
}

/* A session statement with its ticket and prompt. */
static enum failure_code
session_write(struct store *s, enum statement which, int64_t ticket,
    const char *prompt, size_t len, int64_t *id)
{
	sqlite3_stmt	*st;

	if ((st = db_statement_of(s, which, ticket)) == NULL ||
	    !db_bind_text(st, 2, prompt, len))
		return db_fail(s, "write");
	return db_run(s, st, id);
}

/* Sees that the ticket is there, or makes it. */
static enum failure_code
ticket_ready(struct store *s, int64_t ticket, bool existing)
{
	enum failure_code	 rc;
	sqlite3_stmt		*st;
	int64_t			 there;

	if ((rc = number(s, STATEMENT_TICKET_EXISTS, ticket, &there)) !=
	    FAILURE_NONE || there != 0)
		return rc;
	if (existing)
		return FAILURE_UNKNOWN_TICKET;
	if ((st = db_statement_of(s, STATEMENT_TICKET_ADD, ticket)) == NULL)
		return db_fail(s, "write");
	return db_run(s, st, NULL);
}

/* The body of store_get_or_create's transaction. */
static enum failure_code
add_session(struct store *s, int64_t ticket, const char *prompt, size_t len,
    bool existing, int64_t *id)
{
	enum failure_code	rc;

	rc = ticket_ready(s, ticket, existing);
	if (rc == FAILURE_NONE)
		rc = session_write(s, STATEMENT_SESSION_REUSE, ticket, prompt,
		    len, id);
	if (rc == FAILURE_NONE && *id == 0)
		rc = session_write(s, STATEMENT_SESSION_ADD, ticket, prompt,
		    len, id);
	return rc;
}

enum failure_code
store_get_or_create(struct store *s, int64_t ticket, const char *prompt,
    size_t len, bool existing, int64_t seen, int64_t *id)
{
	enum failure_code	rc;

	(void)seen;	/* the claim has kept everybody else out */
	*id = 0;
	/* A row without an answer need not outlive a power cut. */
	(void)sqlite3_exec(s->db, "PRAGMA synchronous = NORMAL", NULL, NULL,
	    NULL);
	if ((rc = db_begin(s)) == FAILURE_NONE)
		rc = db_end(s, add_session(s, ticket, prompt, len, existing,
		    id));
	(void)sqlite3_exec(s->db, "PRAGMA synchronous = FULL", NULL, NULL,
	    NULL);
	return rc;
}

static enum failure_code
cost_add(struct store *s, int64_t id, const struct cost *c)
{
	const int64_t	 n[] = { c->prompt_tokens, c->answer_tokens, c->queued,
			    c->first_token, c->total, c->load, c->prompt,
			    c->answer };
	sqlite3_stmt	*st;
	size_t		 i;

	if ((st = db_statement_of(s, STATEMENT_GENERATION_ADD, id)) == NULL ||
	    !db_bind_text(st, 2, c->model, strlen(c->model)) ||
	    !db_bind_text(st, 3, c->done_reason, strlen(c->done_reason)))
		return db_fail(s, "write");
	for (i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		if (sqlite3_bind_int64(st, (int)i + 4, n[i]) != SQLITE_OK)
			return db_fail(s, "write");
	}
	return db_run(s, st, NULL);
}

enum failure_code
store_update_response(struct store *s, int64_t id, const char *response,
    size_t len, const struct cost *cost, int64_t *versions)
{
	enum failure_code	 rc;
	sqlite3_stmt		*st;

	*versions = 0;
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	if ((st = db_statement_of(s, STATEMENT_SESSION_ANSWER, id)) == NULL ||
	    !db_bind_text(st, 2, response, len))
		rc = db_fail(s, "write");
	else
		rc = db_run(s, st, NULL);
	if (rc == FAILURE_NONE && sqlite3_changes(s->db) == 1)
		rc = cost_add(s, id, cost);
	/* None, and no error: somebody has deleted the session. */
	if (rc == FAILURE_NONE && (rc = number(s, STATEMENT_VERSIONS, id,
	    versions)) == FAILURE_NONE && *versions == 0)
		rc = FAILURE_UNKNOWN_TICKET;
	return db_end(s, rc);
}

void
session_free(struct session *s)
{
	free(s->prompt);
	free(s->response);
	memset(s, 0, sizeof(*s));
}

