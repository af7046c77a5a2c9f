/*
 * Gathers sessions and merges them.
 */
#include <stdio.h>
#include <string.h>

#include "store/import.h"
#include "store/maintain.h"
#include "store/sqlite/db.h"

enum failure_code
import_begin(struct store *s)
{
	enum failure_code	rc;

	if ((rc = store_run(s, STATEMENT_IMPORT_CREATE, NULL, NO_ARGS)) !=
	    FAILURE_NONE)
		return rc;
	return store_run(s, STATEMENT_IMPORT_INDEX, NULL, NO_ARGS);
}

static bool
db_import_bind(sqlite3_stmt *st, const struct record *r, int i)
{
	const struct record_value	*v = &r->value[i];

	if (v->null)
		return sqlite3_bind_null(st, i + 1) == SQLITE_OK;
	if (record_is_number(i))
		return sqlite3_bind_int64(st, i + 1, v->number) == SQLITE_OK;
	return db_bind_text(st, i + 1, v->text.data, v->text.len);
}

/* Binds the text's hash; NULL for a session without an answer. */
static enum failure_code
db_import_bind_text(struct store *s, sqlite3_stmt *st, const struct record *r,
    char hash[TEXT_HASH + 1])
{
	const struct record_value	*prompt = &r->value[RECORD_PROMPT];
	enum failure_code		 rc;

	if (prompt->null)
		return FAILURE_NONE;
	if (r->value[RECORD_RESPONSE].null)
		return db_bind_text(st, RECORD_PROMPT + 1, "", 0) ?
		    FAILURE_NONE : db_fail(s, s->path);
	rc = store_text_hash(s, prompt->text.data, prompt->text.len, hash);
	if (rc == FAILURE_NONE && !db_bind_text(st, RECORD__MAX + 2, hash,
	    TEXT_HASH))
		rc = db_fail(s, s->path);
	return rc;
}

enum failure_code
import_add(struct store *s, const struct record *r, int64_t line)
{
	char			 hash[TEXT_HASH + 1];
	enum failure_code	 code;
	sqlite3_stmt		*st;
	int			 i, rc;

	if ((st = db_statement(s, STATEMENT_IMPORT_ADD)) == NULL ||
	    sqlite3_bind_int64(st, RECORD__MAX + 1, line) != SQLITE_OK)
		return db_fail(s, s->path);
	for (i = 0; i < RECORD__MAX; i++) {
		if (!db_import_bind(st, r, i))
			return db_fail(s, s->path);
	}
	if ((code = db_import_bind_text(s, st, r, hash)) != FAILURE_NONE)
		return code;
	if ((rc = sqlite3_step(st)) == SQLITE_CONSTRAINT_UNIQUE) {
		(void)db_done(s, st, SQLITE_DONE);
		(void)snprintf(s->error, sizeof(s->error),
		    "session %lld is there twice", (long long)
		    r->value[RECORD_SESSION].number);
		return FAILURE_BAD_REQUEST;
	}
	return db_done(s, st, rc);
}

/* Calls `each' for the rows of a statement and counts them. */
static enum failure_code
db_import_each(struct store *s, enum statement which, int64_t *count,
    void (*each)(void *, int64_t, int64_t), void *context)
{
	sqlite3_stmt	*st;
	int		 rc;

	if ((st = db_statement(s, which)) == NULL)
		return db_fail(s, s->path);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		++*count;
		each(context, sqlite3_column_int64(st, 0),
		    sqlite3_column_int64(st, 1));
	}
	return db_done(s, st, rc);
}

/* Runs a statement of the merge and counts the rows that it changed. */
static enum failure_code
db_step(struct store *s, enum statement which, int64_t *count)
{
	enum failure_code	rc = store_run(s, which, NULL, NO_ARGS);

	*count = rc == FAILURE_NONE ? sqlite3_changes64(s->db) : 0;
	return rc;
}

/* The line and the session of a question that follows nothing. */
struct import_stray {
	int64_t	line, session;
};

static void
db_import_stray(void *context, int64_t line, int64_t session)
{
	*(struct import_stray *)context = (struct import_stray){ line,
	    session };
}

/* Refuses a question about an answer that is neither here nor in the file. */
static enum failure_code
db_import_strays(struct store *s)
{
	struct import_stray	stray;
	enum failure_code	rc;
	int64_t			count = 0;

	rc = db_import_each(s, STATEMENT_IMPORT_STRAYS, &count,
	    db_import_stray, &stray);
	if (rc != FAILURE_NONE || count == 0)
		return rc;
	(void)snprintf(s->error, sizeof(s->error), "line %lld: session %lld "
	    "follows what is no answer of its ticket; nothing was imported",
	    (long long)stray.line, (long long)stray.session);
	return FAILURE_BAD_REQUEST;
}

/* Merges all that was gathered. */
static enum failure_code
db_merge(struct store *s, struct import *i)
{
	enum failure_code	rc;
	int64_t			costs, ratings, sources = 0;

	if ((rc = db_step(s, STATEMENT_MERGE_TICKETS, &i->tickets)) ==
	    FAILURE_NONE && (rc = db_step(s, STATEMENT_MERGE_SESSIONS,
	    &i->sessions)) == FAILURE_NONE)
		rc = db_step(s, STATEMENT_MERGE_COSTS, &costs);
	if (rc == FAILURE_NONE)
		rc = db_step(s, STATEMENT_MERGE_RATINGS, &ratings);
	if (rc == FAILURE_NONE)
		rc = store_run(s, STATEMENT_MERGE_SOURCES_COUNT, &sources,
		    NO_ARGS);
	if (rc == FAILURE_NONE && sources > 0 &&
	    (rc = db_make_knowledge(s)) == FAILURE_NONE)
		rc = db_step(s, STATEMENT_MERGE_SOURCES, &sources);
	return rc;
}

enum failure_code
import_merge(struct store *s, struct import *i,
    void (*conflict)(void *, int64_t, int64_t), void *context)
{
	enum failure_code	rc;

	memset(i, 0, sizeof(*i));
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	db_progress(s, "comparing", 0, 0);
	if ((rc = store_run(s, STATEMENT_IMPORT_COUNT, &i->known, NO_ARGS)) ==
	    FAILURE_NONE)
		rc = db_import_each(
		    s, STATEMENT_IMPORT_CONFLICTS, &i->left, conflict, context);
	if (rc == FAILURE_NONE && i->left > 0) {
		(void)snprintf(s->error, sizeof(s->error), "%lld sessions are "
		    "here with other contents; nothing was imported",
		    (long long)i->left);
		rc = FAILURE_BAD_REQUEST;
	}
	if (rc == FAILURE_NONE)
		rc = db_import_strays(s);
	db_progress(s, "importing", 0, 0);
	if (rc == FAILURE_NONE)
		rc = db_merge(s, i);
	i->known -= i->sessions;
	return db_end(s, rc);
}

enum failure_code
import_merge_original(struct store *s, struct import *i,
    void (*late)(void *, int64_t, int64_t), void *context)
{
	enum failure_code	rc;
	int64_t			count;

	memset(i, 0, sizeof(*i));
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	db_progress(s, "comparing", 0, 0);
	if ((rc = db_step(s, STATEMENT_ORIGINAL_KNOWN, &i->known)) ==
	    FAILURE_NONE &&
	    (rc = db_import_each(s, STATEMENT_ORIGINAL_LATE, &i->left, late,
	    context)) == FAILURE_NONE &&
	    (rc = db_step(s, STATEMENT_ORIGINAL_LATE_DELETE, &count)) ==
	    FAILURE_NONE &&
	    (rc = db_step(s, STATEMENT_ORIGINAL_RENUMBER, &count)) ==
	    FAILURE_NONE) {
		db_progress(s, "importing", 0, 0);
		rc = db_merge(s, i);
	}
	return db_end(s, rc);
}
