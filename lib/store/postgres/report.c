/*
 * The administrator's reports.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "store/postgres/pg.h"

/* Calls `row' with the n-th row. */
static bool
pg_report_row(const PGresult *res, int n, store_row *row, void *ctx)
{
	enum { BIGINT = 20, INTEGER = 23 };	/* OIDs from pg_type.dat */
	struct cell	cell[CELLS_MAX];
	int		i, cells = PQnfields(res);

	cells = cells < CELLS_MAX ? cells : CELLS_MAX;
	for (i = 0; i < cells; i++) {
		cell[i].name = PQfname(res, i);
		cell[i].text = PQgetisnull(res, n, i) ? NULL :
		    PQgetvalue(res, n, i);
		cell[i].len = (size_t)PQgetlength(res, n, i);
		cell[i].number = cell[i].text != NULL &&
		    (PQftype(res, i) == BIGINT || PQftype(res, i) == INTEGER);
	}
	return row(ctx, cell, cells);
}

/* Runs a statement in a transaction and calls `row' for its rows.  If `stay',
   the transaction is the caller's, and the connection must not end. */
static enum failure_code
pg_report_run(struct store *s, enum statement which, const struct pg_args *a,
    store_row *row, void *ctx, bool stay)
{
	PGresult	*res;
	bool		 wanted = true;

	/* The first row may take long. */
	s->patience = -1;
	if (!pg_put(s->db, which, a) || PQsetSingleRowMode(s->db) != 1)
		return pg_fail(s, "", NULL);
	while ((res = pg_next(s)) != NULL &&
	    PQresultStatus(res) == PGRES_SINGLE_TUPLE) {
		wanted = wanted && pg_report_row(res, 0, row, ctx);
		PQclear(res);
		if (!wanted && !stay) {
			/* Do not read the rows that are left. */
			pg_drop(s);
			return FAILURE_NONE;
		}
	}
	if (res == NULL)
		return FAILURE_STORAGE;
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		return pg_fail(s, "", res);
	PQclear(res);
	return FAILURE_NONE;
}

/* Converts the arguments for libpq. */
static void
pg_args_of(struct pg_args *to, const struct arg *a, int count)
{
	int	i;

	to->count = 0;
	for (i = 0; i < count; i++) {
		if (a[i].is_text)
			pg_text(to, a[i].text, a[i].len);
		else
			pg_int(to, a[i].number);
	}
}

enum failure_code
store_run(struct store *s, enum statement which, int64_t *number,
    const struct arg *a, int count)
{
	struct pg_args	args;

	pg_args_of(&args, a, count);
	return pg_run(s, which, &args, number);
}

enum failure_code
store_rows(struct store *s, enum statement which, store_row *row, void *ctx,
    const struct arg *a, int count)
{
	struct pg_args		args;
	enum failure_code	rc;

	pg_args_of(&args, a, count);
	if (s->inside)
		return pg_report_run(s, which, &args, row, ctx, true);
	if ((rc = pg_begin(s)) != FAILURE_NONE)
		return rc;
	rc = pg_report_run(s, which, &args, row, ctx, false);
	return s->db == NULL ? rc : pg_end(s, rc);
}

enum failure_code
store_get(struct store *s, enum statement which, store_row *row, void *ctx,
    const struct arg *a, int count)
{
	struct pg_args		 args;
	enum failure_code	 rc;
	PGresult		*res;
	int			 i;

	pg_args_of(&args, a, count);
	if ((rc = pg_query(s, which, &args, &res)) != FAILURE_NONE)
		return rc;
	for (i = 0; i < PQntuples(res) && pg_report_row(res, i, row, ctx); i++)
		;
	PQclear(res);
	return FAILURE_NONE;
}

enum failure_code
store_report_ready(struct store *s)
{
	return pg_copy_end(s);
}

enum failure_code
store_totals_make(struct store *s)
{
	(void)s;
	return FAILURE_NONE;
}

enum failure_code
store_asks(struct store *s)
{
	enum failure_code	rc;

	/* A temporary table: it ends with the connection. */
	if ((rc = pg_begin(s)) == FAILURE_NONE)
		rc = pg_run(s, STATEMENT_ASKS_CREATE, NULL, NULL);
	return rc == FAILURE_NONE ? pg_copy(s, STATEMENT_ASKS_COPY) : rc;
}

/* Appends a value from a log: whatever it holds, it must be counted. */
static int
pg_report_log_cell(struct buf *b, const char *text)
{
	struct utf8_cleaner	cleaner = { .len = 0 };
	struct buf		clean = BUF_INIT(LOG_LINE_MAX * 16);
	int			rc;

	rc = utf8_clean(&cleaner, text, strlen(text), &clean);
	if (rc == 0 && cleaner.len > 0)
		rc = buf_puts(&clean, "\xef\xbf\xbd");
	if (rc == 0)
		rc = pg_copy_cell(b, clean.data == NULL ? "" : clean.data,
		    clean.len);
	buf_free(&clean);
	return rc;
}

enum failure_code
store_ask(struct store *s, const char *day, const char *user,
    const char *outcome)
{
	struct buf		b = BUF_INIT(OUTPUT_MAX);
	enum failure_code	rc;

	if (pg_report_log_cell(&b, day) == -1 || pg_report_log_cell(&b, user) ==
	    -1 || pg_report_log_cell(&b, outcome) == -1)
		rc = pg_refuse(s, FAILURE_STORAGE, "%s", strerror(errno));
	else
		rc = pg_copy_row(s, &b);
	buf_free(&b);
	return rc;
}
