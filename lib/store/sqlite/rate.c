/*
 * The rate limit, in one statement on a database in RUN_DIR.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/rate.h"
#include "settings/settings.h"
#include "store/sqlite/db.h"
#include "store/store.h"

enum { REPAIR_LOCK = 4 };	/* the byte of rate.db-lock */

/* What lies in RUN_DIR for the limits. */
static const char *const	ends[] = { "", "-wal", "-shm", "-journal" };

/* Whether something that is no file lies where one belongs. */
static bool
is_odd(const char *path)
{
	struct stat	st;

	return lstat(path, &st) == 0 && (stat(path, &st) == -1 ||
	    !S_ISREG(st.st_mode));
}

/* Whether what has just failed was the file: damaged, or none of ours. */
static bool
is_broken(const struct store *s)
{
	const int	code = s->db == NULL ? SQLITE_CANTOPEN :
			    sqlite3_errcode(s->db) & 0xff;
	char		path[PATH_MAX];
	size_t		i;

	if (s->db != NULL && db_full(s))
		return false;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", s->path, ends[i]);
		if (is_odd(path) || (access(path, F_OK) == 0 &&
		    access(path, R_OK | W_OK) == -1))
			return true;
	}
	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
	    code == SQLITE_ERROR || code == SQLITE_READONLY ||
	    code == SQLITE_IOERR;
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
	/* A pipe would be waited for. */
	if (is_odd(path)) {
		(void)snprintf(s->error, sizeof(s->error), "%s: not a regular "
		    "file", s->path);
		return FAILURE_STORAGE;
	}
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
db_rate_run(struct store *s, enum statement which, const char *key, int64_t a,
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
db_sweep(struct store *s, int64_t now)
{
	sqlite3_stmt	*st = db_statement_of(s, STATEMENT_RATE_SWEEP, now);

	if (st != NULL)
		(void)db_run(s, st, NULL);	/* the next one tries again */
}

/* Takes one, or tells the seconds until it may be taken. */
static enum failure_code
db_take(struct store *s, const char *key, int64_t interval, int64_t early,
    int *wait)
{
	/* In the transaction, or an earlier time might come after a later. */
	const int64_t		now = clock_us();
	enum failure_code	rc;
	int64_t			tat;

	rc = db_rate_run(
	    s, STATEMENT_RATE_TAKE, key, now, interval, early, &tat);
	if (rc == FAILURE_NONE && tat != 0) {
		*wait = 0;
		db_sweep(s, now);
	} else if (rc == FAILURE_NONE) {
		rc = db_rate_run(s, STATEMENT_RATE_WHEN, key, 0, 0, 0, &tat);
		*wait = (int)((tat - early - now + 999999) / 1000000);
		*wait = *wait < 1 ? 1 : *wait;
	}
	return rc;
}

/* What is done with the limits. */
struct job {
	const char	*key;
	int64_t		 interval, early;	/* of RATE_TAKE */
	int		 wait;			/* the outcome */
	bool		 forget;		/* or this */
};

static enum failure_code
db_forget(struct store *s, const char *key)
{
	enum failure_code	rc;
	int64_t			none;

	if ((rc = db_begin(s)) == FAILURE_NONE &&
	    (rc = db_end(s, db_rate_run(s, STATEMENT_RATE_FORGET, key, 0, 0, 0,
	    &none))) == FAILURE_NONE &&
	    sqlite3_exec(s->db, store_statements[STATEMENT_VACUUM], NULL,
	    NULL, NULL) != SQLITE_OK)
		rc = db_fail(s, "rate");
	return rc;
}

/* Does it with the limits as they are; *broken tells whether the file is. */
static enum failure_code
db_try(const struct settings *settings, struct job *j, bool *broken,
    char *error, unsigned long size)
{
	enum failure_code	 rc;
	struct store		*s;

	*broken = false;
	if ((rc = open_rates(&s, settings)) != FAILURE_NONE) {
		*broken = s != NULL && is_broken(s);
	} else if (j->forget) {
		rc = db_forget(s, j->key);
		*broken = rc != FAILURE_NONE && is_broken(s);
	} else if ((rc = db_begin(s)) == FAILURE_NONE) {
		rc = db_take(s, j->key, j->interval, j->early, &j->wait);
		*broken = rc != FAILURE_NONE && is_broken(s);
		rc = db_end(s, rc);
		/* The end of it may be what fails. */
		*broken = *broken || (rc != FAILURE_NONE && s->damaged);
	}
	if (rc != FAILURE_NONE)
		(void)snprintf(error, size, "%s", store_error(s));
	store_close(s);
	return rc;
}

/*
 * Removes the database of the limits, which the next one makes anew.  A
 * directory that somebody keeps something in is moved out of the way.
 */
static void
begin_anew(const struct settings *settings, const char *why)
{
	char	path[PATH_MAX], aside[PATH_MAX + 16], text[512];
	size_t	i;

	log_line(LOG_LEVEL_WARNING, "rate.db=\"created again\" error=\"%s\"",
	    log_value(text, sizeof(text), why));
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/rate.db%s",
		    settings->text[SETTING_RUN_DIR], ends[i]);
		if (unlink(path) == 0 || errno != EISDIR || rmdir(path) == 0)
			continue;
		(void)snprintf(aside, sizeof(aside), "%s.%ld.old", path,
		    (long)getpid());
		(void)rename(path, aside);
	}
}

/* Does it, with new limits where the old ones cannot be read. */
static enum failure_code
db_work(const struct settings *settings, struct job *j, char *error,
    unsigned long size)
{
	const char		*run_dir = settings->text[SETTING_RUN_DIR];
	enum failure_code	 rc;
	bool			 broken;
	int			 fd;

	rc = db_try(settings, j, &broken, error, size);
	if (!broken || (fd = lock_open(run_dir, "rate.db-lock")) == -1)
		return rc;
	/* One at a time: the second process finds a good one. */
	if (lock_wait(fd, REPAIR_LOCK, clock_us() + STORE_TIMEOUT *
	    INT64_C(1000)) == 1) {
		rc = db_try(settings, j, &broken, error, size);
		if (broken) {
			begin_anew(settings, error);
			rc = db_try(settings, j, &broken, error, size);
		}
	}
	(void)close(fd);
	return rc;
}

int
rate_take(struct store *store, const struct settings *settings,
    const char *key, int64_t count, int64_t period, char *error,
    unsigned long size)
{
	struct job	j = { .key = key, .interval = period / count };

	(void)store;
	j.early = (count - 1) * j.interval;
	return db_work(settings, &j, error, size) == FAILURE_NONE ? j.wait : -1;
}

int
rate_forget(const struct settings *settings, const char *key, char *error,
    unsigned long size)
{
	struct job	j = { .key = key, .forget = true };

	return db_work(settings, &j, error, size) == FAILURE_NONE ? 0 : -1;
}
