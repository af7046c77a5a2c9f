/*
 * The administrator's reports.
 */
#include <string.h>

#include "store/sqlite/db.h"
#include "store/sqlite/report.h"
#include "store/store.h"

/* The statement of each report, and its ?3 if it has one. */
static const struct {
	enum statement	statement;
	int		by;
} reports[STORE_REPORT__MAX] = {
	[STORE_EXPORT] = { STATEMENT_EXPORT, 0 },
	[STORE_EXPORT_RATINGS] = { STATEMENT_EXPORT_RATINGS, 0 },
	[STORE_LIST] = { STATEMENT_LIST, 0 },
	[STORE_SHOW] = { STATEMENT_SHOW, 0 },
	[STORE_HISTORY] = { STATEMENT_HISTORY, 0 },
	[STORE_STATS] = { STATEMENT_STATS, 0 },
	[STORE_STATS_BY_DAY] = { STATEMENT_STATS, 1 },
	[STORE_STATS_BY_MODEL] = { STATEMENT_STATS, 2 },
	[STORE_ASKS] = { STATEMENT_ASKS, 0 },
	[STORE_METRICS] = { STATEMENT_METRICS, 0 },
	[STORE_HEAD] = { STATEMENT_HEAD, 0 },
	[STORE_AGES] = { STATEMENT_AGES, 0 },
};

enum failure_code
report_rows(struct store *s, sqlite3_stmt *st, store_row *row, void *ctx)
{
	struct cell	 cell[CELLS_MAX];
	bool		 good = true;
	int		 i, n, rc;

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

/* Sorts in memory: reports must work on a full disk. */
static enum failure_code
db_report_in_memory(struct store *s)
{
	return sqlite3_exec(s->db, "PRAGMA temp_store = MEMORY", NULL, NULL,
	    NULL) == SQLITE_OK ? FAILURE_NONE : db_fail(s, s->path);
}

enum failure_code
store_report(struct store *s, enum store_report which, int64_t arg,
    int64_t rows, store_row *row, void *ctx)
{
	enum failure_code	 rc;
	sqlite3_stmt		*st;

	if ((rc = db_report_in_memory(s)) != FAILURE_NONE)
		return rc;
	if ((st = db_statement_of(s, reports[which].statement, arg)) == NULL ||
	    sqlite3_bind_int64(st, 2, rows) != SQLITE_OK ||
	    (sqlite3_bind_parameter_count(st) > 2 &&
	    sqlite3_bind_int(st, 3, reports[which].by) != SQLITE_OK))
		return db_fail(s, s->path);
	return report_rows(s, st, row, ctx);
}

enum failure_code
store_asks(struct store *s)
{
	enum failure_code	 rc;
	sqlite3_stmt		*st;

	if ((rc = db_report_in_memory(s)) != FAILURE_NONE)
		return rc;
	if ((st = db_statement(s, STATEMENT_ASKS_CREATE)) == NULL)
		return db_fail(s, s->path);
	if ((rc = db_run(s, st, NULL)) != FAILURE_NONE)
		return rc;
	if ((st = db_statement(s, STATEMENT_ASKS_BEGIN)) == NULL)
		return db_fail(s, s->path);
	return db_run(s, st, NULL);
}

enum failure_code
store_ask(struct store *s, const char *day, const char *user,
    const char *outcome)
{
	sqlite3_stmt	*st;

	if ((st = db_statement(s, STATEMENT_ASKS_ADD)) == NULL ||
	    !db_bind_text(st, 1, day, strlen(day)) ||
	    !db_bind_text(st, 2, user, strlen(user)) ||
	    !db_bind_text(st, 3, outcome, strlen(outcome)))
		return db_fail(s, s->path);
	return db_run(s, st, NULL);
}

enum failure_code
store_delete(struct store *s, int64_t ticket, bool *found)
{
	enum failure_code	 rc;
	sqlite3_stmt		*st;

	*found = false;
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	if ((st = db_statement_of(s, STATEMENT_TICKET_DELETE,
	    ticket)) == NULL)
		return db_end(s, db_fail(s, s->path));
	rc = db_run(s, st, NULL);
	*found = rc == FAILURE_NONE && sqlite3_changes(s->db) > 0;
	return db_end(s, rc);
}
