/*
 * The administrator's reports.
 */
#include <string.h>

#include "store/knowledge.h"
#include "store/sqlite/db.h"
#include "store/store.h"

enum failure_code
store_rows(struct store *s, enum statement which, store_row *row, void *ctx,
    const struct arg *a, int count)
{
	struct cell	 cell[CELLS_MAX];
	sqlite3_stmt	*st;
	bool		 good = true;
	int		 i, n, rc;

	if ((st = db_bound(s, which, a, count)) == NULL)
		return db_fail(s, s->path);
	n = sqlite3_column_count(st);
	n = n < CELLS_MAX ? n : CELLS_MAX;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		for (i = 0; i < n && good; i++) {
			cell[i].name = sqlite3_column_name(st, i);
			cell[i].number = sqlite3_column_type(st, i) ==
			    SQLITE_INTEGER;
			good = db_column_text(st, i, &cell[i].text,
			    &cell[i].len);
		}
		if (!good) {
			rc = SQLITE_NOMEM;
			break;
		}
		if (!row(ctx, cell, n))
			break;
	}
	return db_done(s, st, rc);
}

enum failure_code
store_get(struct store *s, enum statement which, store_row *row, void *ctx,
    const struct arg *a, int count)
{
	return store_rows(s, which, row, ctx, a, count);
}

/* Whether the table of sql/totals.sql is there. */
static enum failure_code
report_totals_there(struct store *s, bool *there)
{
	enum failure_code	rc;
	int64_t			n = 0;

	rc = store_run(s, STATEMENT_TOTALS_THERE, &n, NO_ARGS);
	*there = n > 0;
	return rc;
}

/* Sorts in memory: reports must work on a full disk. */
enum failure_code
store_report_ready(struct store *s)
{
	enum failure_code	rc;
	bool			there;

	if (sqlite3_exec(s->db, "PRAGMA temp_store = MEMORY", NULL, NULL,
	    NULL) != SQLITE_OK)
		return db_fail(s, s->path);
	if ((rc = store_knowledge_there(s, &there)) == FAILURE_NONE && !there)
		rc = store_run(s, STATEMENT_SOURCES_NONE, NULL, NO_ARGS);
	if (rc == FAILURE_NONE &&
	    (rc = report_totals_there(s, &there)) == FAILURE_NONE && !there)
		rc = store_run(s, STATEMENT_TOTALS_NONE, NULL, NO_ARGS);
	return rc;
}

enum failure_code
store_totals_make(struct store *s)
{
	enum failure_code	rc;
	bool			there;

	if ((rc = report_totals_there(s, &there)) != FAILURE_NONE || there ||
	    (rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	rc = sqlite3_exec(s->db, store_statements[STATEMENT_TOTALS_CREATE],
	    NULL, NULL, NULL) == SQLITE_OK ? FAILURE_NONE :
	    db_fail(s, s->path);
	return db_end(s, rc);
}

enum failure_code
store_asks(struct store *s)
{
	enum failure_code	rc;

	if ((rc = store_report_ready(s)) != FAILURE_NONE ||
	    (rc = store_run(s, STATEMENT_ASKS_CREATE, NULL, NO_ARGS)) !=
	    FAILURE_NONE)
		return rc;
	return store_run(s, STATEMENT_ASKS_BEGIN, NULL, NO_ARGS);
}

enum failure_code
store_ask(struct store *s, const char *day, const char *user,
    const char *outcome)
{
	return store_run(s, STATEMENT_ASKS_ADD, NULL,
	    ARGS(ARG_TEXT(day, strlen(day)), ARG_TEXT(user, strlen(user)),
	    ARG_TEXT(outcome, strlen(outcome))));
}

enum failure_code
store_delete(struct store *s, int64_t ticket, bool *found)
{
	enum failure_code	rc;

	*found = false;
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	rc = store_run(s, STATEMENT_TICKET_DELETE, NULL,
	    ARGS(ARG_INT(ticket)));
	*found = rc == FAILURE_NONE && sqlite3_changes(s->db) > 0;
	return db_end(s, rc);
}
