/*
 * The rate limit, in one statement on a database in RUN_DIR.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "rate.h"
#include "settings.h"
#include "store.h"

/* Opens the database of the limits, which is as durable as RUN_DIR. */
static enum failure_code
open_rates(struct store **out, const struct settings *settings)
{
	struct store	*s;
	char		 path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/rate.db",
	    settings->text[SETTING_RUN_DIR]);
	if ((*out = s = db_make(path)) == NULL)
		return FAILURE_STORAGE;
	if (db_connect(s, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) !=
	    FAILURE_NONE)
		return FAILURE_STORAGE;
	if (sqlite3_exec(s->db, "PRAGMA synchronous = OFF", NULL, NULL,
	    NULL) != SQLITE_OK ||
	    sqlite3_exec(s->db, store_statements[STATEMENT_RATE_CREATE], NULL,
	    NULL, NULL) != SQLITE_OK)
		return db_fail(s, path);
	return FAILURE_NONE;
}

/* Runs a statement of the key and two to three numbers. */
static enum failure_code
run(struct store *s, enum statement which, const char *key, int64_t a,
    int64_t b, int64_t c, int64_t *tat)
{
	sqlite3_stmt	*st;

	*tat = 0;
	if ((st = db_statement(s, which)) == NULL ||
	    !db_bind_text(st, 1, key, strlen(key)))
		return db_fail(s, "rate");
	if (which == STATEMENT_RATE_TAKE &&
	    (sqlite3_bind_int64(st, 2, a) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 3, b) != SQLITE_OK ||
	    sqlite3_bind_int64(st, 4, c) != SQLITE_OK))
		return db_fail(s, "rate");
	return db_run(s, st, tat);
}

/* Forgets keys whose time has passed: they may take as many as a new one. */
static void
sweep(struct store *s, int64_t now)
{
	sqlite3_stmt	*st = db_statement_of(s, STATEMENT_RATE_SWEEP, now);

	if (st != NULL)
		(void)db_run(s, st, NULL);	/* the next one tries again */
}

/* Takes one, or tells the seconds until it may be taken. */
static enum failure_code
take(struct store *s, const char *key, int64_t interval, int64_t early,
    int *wait)
{
	/* In the transaction, or an earlier time might come after a later. */
	const int64_t		now = clock_us();
	enum failure_code	rc;
	int64_t			tat;

	rc = run(s, STATEMENT_RATE_TAKE, key, now, interval, early, &tat);
	if (rc == FAILURE_NONE && tat != 0) {
		*wait = 0;
		sweep(s, now);
	} else if (rc == FAILURE_NONE) {
		rc = run(s, STATEMENT_RATE_WHEN, key, 0, 0, 0, &tat);
		*wait = (int)((tat - early - now + 999999) / 1000000);
		*wait = *wait < 1 ? 1 : *wait;
	}
	return rc;
}

int
rate_take(const struct settings *settings, const char *key, int64_t count,
    int64_t period, char *error, unsigned long size)
{
	const int64_t	 interval = period / count;
	struct store	*s;
	int		 wait = -1;

	if (open_rates(&s, settings) == FAILURE_NONE &&
	    db_begin(s) == FAILURE_NONE && db_end(s, take(s, key, interval,
	    (count - 1) * interval, &wait)) != FAILURE_NONE)
		wait = -1;
	if (wait == -1)
		(void)snprintf(error, size, "%s", store_error(s));
	store_close(s);
	return wait;
}

int
rate_forget(const struct settings *settings, const char *key, char *error,
    unsigned long size)
{
	enum failure_code	 rc;
	struct store		*s;
	int64_t			 none;

	if ((rc = open_rates(&s, settings)) == FAILURE_NONE &&
	    (rc = db_begin(s)) == FAILURE_NONE &&
	    (rc = db_end(s, run(s, STATEMENT_RATE_FORGET, key, 0, 0, 0,
	    &none))) == FAILURE_NONE &&
	    sqlite3_exec(s->db, store_statements[STATEMENT_VACUUM], NULL,
	    NULL, NULL) != SQLITE_OK)
		rc = db_fail(s, "vacuum");
	if (rc != FAILURE_NONE)
		(void)snprintf(error, size, "%s", store_error(s));
	store_close(s);
	return rc == FAILURE_NONE ? 0 : -1;
}
