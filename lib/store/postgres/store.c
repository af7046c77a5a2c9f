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
	buf_free(&s->passages);
	free(s->uri);
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
	return pg_refuse(s, FAILURE_STORAGE, "%s", why);
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
	return store_find(s, STATEMENT_ANSWER_BY_VERSION,
	    ARGS(ARG_INT(ticket), ARG_INT(n)), out);
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

void
store_view(struct store *s, bool begin)
{
	(void)s;
	(void)begin;
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
