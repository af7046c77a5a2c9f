/*
 * The rate limit, in one statement on a database in RUN_DIR.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "db.h"
#include "limit.h"
#include "lock.h"
#include "log.h"
#include "rate.h"
#include "settings.h"
#include "store.h"

enum { REPAIR_LOCK = 4 };	/* the byte of rate.db-lock */

/* Whether what has just failed was the file: damaged, or none of ours. */
static bool
is_broken(const struct store *s)
{
	const int	code = s->db == NULL ? SQLITE_OK :
			    sqlite3_errcode(s->db) & 0xff;

	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
	    code == SQLITE_ERROR;
}

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

/* Takes one of the limits as they are; *broken tells whether the file is. */
static int
try(const struct settings *settings, const char *key, int64_t interval,
    int64_t early, bool *broken, char *error, unsigned long size)
{
	enum failure_code	 rc;
	struct store		*s;
	int			 wait = -1;

	*broken = false;
	if ((rc = open_rates(&s, settings)) != FAILURE_NONE) {
		*broken = s != NULL && is_broken(s);
	} else if ((rc = db_begin(s)) == FAILURE_NONE) {
		rc = take(s, key, interval, early, &wait);
		*broken = rc != FAILURE_NONE && is_broken(s);
		rc = db_end(s, rc);
	}
	if (rc != FAILURE_NONE) {
		(void)snprintf(error, size, "%s", store_error(s));
		wait = -1;
	}
	store_close(s);
	return wait;
}

/* Removes the database of the limits, which the next one makes anew. */
static void
begin_anew(const struct settings *settings, const char *why)
{
	static const char *const	ends[] = { "", "-wal", "-shm",
					    "-journal" };
	char				path[PATH_MAX], text[512];
	size_t				i;

	log_line(LOG_LEVEL_WARNING, "rate.db=\"begun anew\" error=\"%s\"",
	    log_value(text, sizeof(text), why));
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/rate.db%s",
		    settings->text[SETTING_RUN_DIR], ends[i]);
		(void)unlink(path);
	}
}

int
rate_take(const struct settings *settings, const char *key, int64_t count,
    int64_t period, char *error, unsigned long size)
{
	const int64_t	interval = period / count;
	const int64_t	early = (count - 1) * interval;
	const char	*run_dir = settings->text[SETTING_RUN_DIR];
	bool		broken;
	int		fd, wait;

	wait = try(settings, key, interval, early, &broken, error, size);
	if (!broken || (fd = lock_open(run_dir, "rate.db-lock")) == -1)
		return wait;
	/* One at a time: who comes second finds a good one. */
	if (lock_wait(fd, REPAIR_LOCK, clock_us() + STORE_TIMEOUT *
	    INT64_C(1000)) == 1) {
		wait = try(settings, key, interval, early, &broken, error,
		    size);
		if (broken) {
			begin_anew(settings, error);
			wait = try(settings, key, interval, early, &broken,
			    error, size);
		}
	}
	(void)close(fd);
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
		rc = db_fail(s, "rate");
	if (rc != FAILURE_NONE)
		(void)snprintf(error, size, "%s", store_error(s));
	store_close(s);
	return rc == FAILURE_NONE ? 0 : -1;
}
