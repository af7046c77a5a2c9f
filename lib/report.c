/*
 * What the administrator's tool asks of the store.
 */
#include "db.h"
#include "store.h"

static const enum statement	statements[STORE_REPORT__MAX] = {
	[STORE_LIST] = STATEMENT_LIST,
	[STORE_SHOW] = STATEMENT_SHOW,
};

enum failure_code
store_report(struct store *s, enum store_report which, int64_t arg,
    int64_t rows, bool (*row)(void *, const struct cell *, int), void *ctx)
{
	struct cell	 cell[CELLS_MAX];
	sqlite3_stmt	*st;
	int		 i, n, rc;

	if ((st = db_statement_of(s, statements[which], arg)) == NULL ||
	    sqlite3_bind_int64(st, 2, rows) != SQLITE_OK)
		return db_fail(s, "select");
	n = sqlite3_column_count(st);
	n = n < CELLS_MAX ? n : CELLS_MAX;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		for (i = 0; i < n; i++) {
			cell[i].name = sqlite3_column_name(st, i);
			cell[i].number = sqlite3_column_type(st, i) ==
			    SQLITE_INTEGER;
			cell[i].text = (const char *)sqlite3_column_text(st,
			    i);
			cell[i].len = (size_t)sqlite3_column_bytes(st, i);
		}
		if (!row(ctx, cell, n))
			break;
	}
	return db_done(s, st, rc);
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
		return db_end(s, db_fail(s, "delete"));
	rc = db_run(s, st, NULL);
	*found = rc == FAILURE_NONE && sqlite3_changes(s->db) > 0;
	return db_end(s, rc);
}
