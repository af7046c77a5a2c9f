/*
 * The session service on SQLite.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limit.h"
#include "store/sqlite/db.h"
#include "store/store.h"

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
	if ((rc = db_connect(s, SQLITE_OPEN_READWRITE)) != FAILURE_NONE &&
	    s->full) {
		/* There is no room for -shm: open in exclusive mode, which
		   needs none. */
		(void)sqlite3_close(s->db);
		s->alone = true;
		rc = db_connect(s, SQLITE_OPEN_READWRITE);
	}
	if (rc != FAILURE_NONE)
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
store_remember(const char *run_dir)
{
	(void)run_dir;
}

void
store_hosts(const char *database, void (*each)(void *,
    const struct store_host *), void *context)
{
	(void)database;
	(void)each;
	(void)context;
}

void
store_close(struct store *s)
{
	size_t	i;

	if (s == NULL)
		return;
	for (i = 0; i < STATEMENT__MAX; i++) {
		if (s->statement[i] != NULL)
			(void)sqlite3_finalize(s->statement[i]);
	}
	(void)sqlite3_close(s->db);
	if (s->lock != -1)
		(void)close(s->lock);
	free(s);
}

struct store_key *
store_key(struct store *s)
{
	return &s->key;
}

enum failure_code
store_refuse(struct store *s, const char *why)
{
	(void)snprintf(s->error, sizeof(s->error), "%s", why);
	return FAILURE_STORAGE;
}

const char *
store_error(const struct store *s)
{
	return s == NULL ? "no memory" : s->error;
}

enum failure_code
store_session_by_version(struct store *s, int64_t ticket, int64_t n,
    struct session *out)
{
	enum failure_code	rc;
	int64_t			id;

	memset(out, 0, sizeof(*out));
	rc = store_run(s, STATEMENT_SESSION_OF_VERSION, &id,
	    ARGS(ARG_INT(ticket), ARG_INT(n)));
	return rc != FAILURE_NONE || id == 0 ? rc :
	    store_session(s, ticket, id, out);
}

/* Checks that a ticket exists, or makes it. */
static enum failure_code
db_ticket(struct store *s, int64_t ticket, bool existing)
{
	enum failure_code	rc;
	bool			there;

	if ((rc = store_has_ticket(s, ticket, &there)) != FAILURE_NONE ||
	    there)
		return rc;
	if (existing)
		return FAILURE_UNKNOWN_TICKET;
	return store_run(s, STATEMENT_TICKET_ADD, NULL, ARGS(ARG_INT(ticket)));
}

/* The body of store_get_or_create's transaction. */
static enum failure_code
db_add_session(struct store *s, int64_t ticket, bool existing, int64_t *id)
{
	enum failure_code	rc;

	rc = db_ticket(s, ticket, existing);
	if (rc == FAILURE_NONE)
		rc = store_run(s, STATEMENT_SESSION_REUSE, id,
		    ARGS(ARG_INT(ticket)));
	if (rc == FAILURE_NONE && *id == 0)
		rc = store_run(s, STATEMENT_SESSION_ADD, id,
		    ARGS(ARG_INT(ticket)));
	return rc;
}

enum failure_code
store_get_or_create(struct store *s, int64_t ticket, bool existing,
    int64_t seen, int64_t *id)
{
	enum failure_code	rc;

	(void)seen;	/* the claim keeps others from answering meanwhile */
	*id = 0;
	/* A row without an answer may get lost in a power failure. */
	(void)sqlite3_exec(s->db, "PRAGMA synchronous = NORMAL", NULL, NULL,
	    NULL);
	if ((rc = db_begin(s)) == FAILURE_NONE)
		rc = db_end(s, db_add_session(s, ticket, existing, id));
	(void)sqlite3_exec(s->db, "PRAGMA synchronous = FULL", NULL, NULL,
	    NULL);
	return rc;
}

void
store_view(struct store *s, bool begin)
{
	/* If it fails, each read takes the locks itself. */
	(void)sqlite3_exec(s->db, begin ? "BEGIN" : "COMMIT", NULL, NULL,
	    NULL);
}

/* The body of store_question_add's transaction. */
static enum failure_code
db_add_question(struct store *s, int64_t ticket, int64_t root, int64_t *id)
{
	struct store_root	r;
	enum failure_code	rc;

	rc = store_run(s, STATEMENT_QUESTION_ADD, id, ARGS(ARG_INT(ticket),
	    ARG_INT(root), ARG_INT(THREAD_MAX)));
	if (rc != FAILURE_NONE || *id != 0)
		return rc;
	rc = store_root(s, ticket, root, &r);
	store_root_free(&r);
	return rc == FAILURE_NONE ? FAILURE_THREAD_FULL : rc;
}

enum failure_code
store_question_add(struct store *s, int64_t ticket, int64_t root, int64_t *id)
{
	enum failure_code	rc;

	*id = 0;
	/* As in store_get_or_create. */
	(void)sqlite3_exec(s->db, "PRAGMA synchronous = NORMAL", NULL, NULL,
	    NULL);
	if ((rc = db_begin(s)) == FAILURE_NONE)
		rc = db_end(s, db_add_question(s, ticket, root, id));
	(void)sqlite3_exec(s->db, "PRAGMA synchronous = FULL", NULL, NULL,
	    NULL);
	return rc;
}

enum failure_code
store_question_delete(struct store *s, int64_t id)
{
	enum failure_code	rc;

	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	return db_end(s, store_run(s, STATEMENT_QUESTION_DELETE, NULL,
	    ARGS(ARG_INT(id))));
}

static enum failure_code
db_add_cost(struct store *s, int64_t id, const struct answered *a)
{
	const struct cost	*c = a->cost;

	return store_run(s, STATEMENT_GENERATION_ADD, NULL, ARGS(ARG_INT(id),
	    ARG_TEXT(c->model, strlen(c->model)),
	    ARG_TEXT(c->done_reason, strlen(c->done_reason)),
	    ARG_INT(c->prompt_tokens), ARG_INT(c->answer_tokens),
	    ARG_INT(c->queued), ARG_INT(c->first_token), ARG_INT(c->total),
	    ARG_INT(c->load), ARG_INT(c->prompt), ARG_INT(c->answer),
	    ARG_TEXT(a->prompt_name, strlen(a->prompt_name)),
	    ARG_TEXT(a->user, strlen(a->user)),
	    ARG_TEXT(a->server, strlen(a->server))));
}

/* Saves the notes that the model was given. */
static enum failure_code
db_add_sources(struct store *s, int64_t id, const struct answered *a)
{
	const struct store_source	*n = a->sources;
	enum failure_code		 rc = FAILURE_NONE;
	size_t				 i;

	if (a->source_count > 0)
		rc = db_make_knowledge(s);
	for (i = 0; i < a->source_count && rc == FAILURE_NONE; i++)
		rc = store_run(s, STATEMENT_SOURCE_ADD, NULL, ARGS(ARG_INT(id),
		    ARG_INT(n[i].n), ARG_INT(n[i].passage),
		    ARG_TEXT(n[i].name, strlen(n[i].name)),
		    ARG_TEXT(n[i].title, strlen(n[i].title)),
		    ARG_TEXT(n[i].url, strlen(n[i].url)),
		    ARG_INT(n[i].ticket),
		    ARG_TEXT(n[i].text, strlen(n[i].text)),
		    ARG_INT(n[i].cited)));
	return rc;
}

/* Runs the UPDATE.  *changed: a row without an answer was updated. */
static enum failure_code
db_write_answer(struct store *s, int64_t id, const struct answered *a,
    bool *changed)
{
	enum failure_code	rc;
	char			hash[TEXT_HASH + 1];

	if ((rc = store_text_hash(s, a->prompt, a->prompt_len, hash)) !=
	    FAILURE_NONE)
		return rc;
	rc = store_run(s, STATEMENT_SESSION_ANSWER, NULL, ARGS(ARG_INT(id),
	    ARG_TEXT(a->prompt, a->prompt_len), ARG_TEXT(hash, TEXT_HASH),
	    ARG_TEXT(a->response, a->response_len),
	    ARG_TEXT(a->instruction, a->instruction_len),
	    ARG_TEXT(a->model_text, a->model_text_len)));
	*changed = rc == FAILURE_NONE && sqlite3_changes(s->db) == 1;
	return rc;
}

/* No row was changed: checks whether this same answer is already saved. */
static enum failure_code
db_check_answer(struct store *s, int64_t id, const struct answered *a)
{
	enum failure_code	rc;
	int64_t			found;

	rc = store_run(s, STATEMENT_SESSION_IS, &found, ARGS(ARG_INT(id),
	    ARG_TEXT(a->prompt, a->prompt_len),
	    ARG_TEXT(a->response, a->response_len)));
	if (rc != FAILURE_NONE || found == 1)
		return rc;
	(void)snprintf(s->error, sizeof(s->error), "session %lld %s",
	    (long long)id, found == 0 ? "is gone" : "has another answer");
	return found == 0 ? FAILURE_UNKNOWN_TICKET : FAILURE_INTERRUPTED;
}

enum failure_code
store_update_response(struct store *s, int64_t id, const struct answered *a,
    int64_t *versions)
{
	enum failure_code	rc;
	bool			changed = false;

	*versions = 0;
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	rc = db_write_answer(s, id, a, &changed);
	if (rc == FAILURE_NONE)
		rc = changed ? db_add_cost(s, id, a) :
		    db_check_answer(s, id, a);
	if (rc == FAILURE_NONE && changed)
		rc = db_add_sources(s, id, a);
	if (rc == FAILURE_NONE)
		rc = store_run(s, STATEMENT_VERSIONS, versions,
		    ARGS(ARG_INT(id)));
	return db_end(s, rc);
}

/* The body of store_rate's transaction. */
static enum failure_code
db_rate(struct store *s, int64_t session, const char *user,
    const struct rating *r, int64_t *good, int64_t *bad)
{
	enum failure_code	rc;

	rc = store_run(s, STATEMENT_RATE, NULL, ARGS(ARG_INT(session),
	    ARG_TEXT(user, strlen(user)), ARG_INT(r->good),
	    ARG_TEXT(r->reason, strlen(r->reason)),
	    ARG_TEXT(r->comment, r->comment_len)));
	if (rc == FAILURE_NONE)
		rc = store_run(s, STATEMENT_RATINGS_GOOD, good,
		    ARGS(ARG_INT(session)));
	if (rc == FAILURE_NONE)
		rc = store_run(s, STATEMENT_RATINGS_BAD, bad,
		    ARGS(ARG_INT(session)));
	return rc;
}

bool
store_has_ratings(struct store *s)
{
	return db_pragma(s, "PRAGMA user_version") >= 2;
}

enum failure_code
store_rate(struct store *s, int64_t session, const char *user,
    const struct rating *r, int64_t *good, int64_t *bad)
{
	enum failure_code	rc;

	*good = *bad = 0;
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	return db_end(s, db_rate(s, session, user, r, good, bad));
}

enum failure_code
store_stop(struct store *s, int64_t ticket, bool all, bool *heard)
{
	(void)s;
	(void)all;
	(void)ticket;
	*heard = false;
	return FAILURE_NONE;
}

enum failure_code
store_ticket_runs(struct store *s, int64_t ticket, bool *runs)
{
	(void)s;
	(void)ticket;
	*runs = false;
	return FAILURE_NONE;
}

