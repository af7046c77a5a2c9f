/*
 * The rate limit, in a database in RUN_DIR.
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

/* The suffixes of the files of rate.db. */
static const char *const	rate_suffixes[] = { "", "-wal", "-shm",
    "-journal" };

/* Whether a path exists that is not a regular file. */
static bool
db_rate_is_odd(const char *path)
{
	struct stat	st;

	return lstat(path, &st) == 0 && (stat(path, &st) == -1 ||
	    !S_ISREG(st.st_mode));
}

/* Whether the last failure means that the file is damaged or not ours. */
static bool
db_rate_is_broken(const struct store *s)
{
	const int	code = s->db == NULL ? SQLITE_CANTOPEN :
			    sqlite3_errcode(s->db) & 0xff;
	char		path[PATH_MAX];
	size_t		i;

	if (s->db != NULL && db_full(s))
		return false;
	for (i = 0; i < sizeof(rate_suffixes) / sizeof(rate_suffixes[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s",
		    s->path, rate_suffixes[i]);
		if (db_rate_is_odd(path) || (access(path, F_OK) == 0 &&
		    access(path, R_OK | W_OK) == -1))
			return true;
	}
	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
	    code == SQLITE_ERROR || code == SQLITE_READONLY ||
	    code == SQLITE_IOERR;
}

/* Opens the database of the limits. */
static enum failure_code
db_rate_open(struct store **out, const struct settings *settings)
{
	struct store	*s;
	char		 path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/rate.db",
	    settings->text[SETTING_RUN_DIR]);
	if ((*out = s = db_make(path)) == NULL)
		return FAILURE_STORAGE;
	/* Opening a FIFO would block. */
	if (db_rate_is_odd(path)) {
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

/*
 * Counts one generation, or sets *wait to the seconds until the next is
 * allowed.
 */
static enum failure_code
db_rate_count(struct store *s, const char *key, int64_t interval, int64_t early,
    int *wait)
{
	/* Read the clock within the transaction, so that times never go
	   backwards. */
	const int64_t		now = clock_us();
	enum failure_code	rc;
	int64_t			tat;

	rc = store_run(s, STATEMENT_RATE_TAKE, &tat, ARGS(ARG_TEXT(key,
	    strlen(key)), ARG_INT(now), ARG_INT(interval), ARG_INT(early)));
	if (rc == FAILURE_NONE && tat != 0) {
		*wait = 0;
		/* Delete keys whose period is over: they are treated like new
		   ones.  If this fails, the next call tries again. */
		(void)store_run(s, STATEMENT_RATE_SWEEP, NULL,
		    ARGS(ARG_INT(now)));
	} else if (rc == FAILURE_NONE) {
		rc = store_run(s, STATEMENT_RATE_WHEN, &tat,
		    ARGS(ARG_TEXT(key, strlen(key))));
		*wait = (int)((tat - early - now + 999999) / 1000000);
		*wait = *wait < 1 ? 1 : *wait;
	}
	return rc;
}

/* An operation on the limits. */
struct rate_job {
	const char	*key;
	int64_t		 interval, early;	/* arguments of RATE_TAKE */
	int		 wait;			/* its result */
	bool		 forget;		/* forget the key instead */
};

static enum failure_code
db_rate_forget(struct store *s, const char *key)
{
	enum failure_code	rc;

	if ((rc = db_begin(s)) == FAILURE_NONE &&
	    (rc = db_end(s, store_run(s, STATEMENT_RATE_FORGET, NULL,
	    ARGS(ARG_TEXT(key, strlen(key)))))) == FAILURE_NONE &&
	    sqlite3_exec(s->db, store_statements[STATEMENT_VACUUM], NULL,
	    NULL, NULL) != SQLITE_OK)
		rc = db_fail(s, "rate");
	return rc;
}

/* Tries the operation once.  *broken: the file is damaged. */
static enum failure_code
db_rate_try(const struct settings *settings, struct rate_job *j, bool *broken,
    char *error, unsigned long size)
{
	enum failure_code	 rc;
	struct store		*s;

	*broken = false;
	if ((rc = db_rate_open(&s, settings)) != FAILURE_NONE) {
		*broken = s != NULL && db_rate_is_broken(s);
	} else if (j->forget) {
		rc = db_rate_forget(s, j->key);
		*broken = rc != FAILURE_NONE && db_rate_is_broken(s);
	} else if ((rc = db_begin(s)) == FAILURE_NONE) {
		rc = db_rate_count(s, j->key, j->interval, j->early, &j->wait);
		*broken = rc != FAILURE_NONE && db_rate_is_broken(s);
		rc = db_end(s, rc);
		/* The commit may fail, too. */
		*broken = *broken || (rc != FAILURE_NONE && s->damaged);
	}
	if (rc != FAILURE_NONE)
		(void)snprintf(error, size, "%s", store_error(s));
	store_close(s);
	return rc;
}

/*
 * Removes the database of the limits; the next call makes a new one.  If one of
 * its names is a non-empty directory, renames that.
 */
static void
db_rate_reset(const struct settings *settings, const char *why)
{
	char	path[PATH_MAX], aside[PATH_MAX + 16], text[512];
	size_t	i;

	log_line(LOG_LEVEL_WARNING, "rate.db=\"created again\" error=\"%s\"",
	    log_value(text, sizeof(text), why));
	for (i = 0; i < sizeof(rate_suffixes) / sizeof(rate_suffixes[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/rate.db%s",
		    settings->text[SETTING_RUN_DIR],
		    rate_suffixes[i]);
		if (unlink(path) == 0 || errno != EISDIR || rmdir(path) == 0)
			continue;
		(void)snprintf(aside, sizeof(aside), "%s.%ld.old", path,
		    (long)getpid());
		(void)rename(path, aside);
	}
}

/* Runs the operation; if the limits cannot be read, starts with new ones. */
static enum failure_code
db_rate_work(const struct settings *settings, struct rate_job *j, char *error,
    unsigned long size)
{
	const char		*run_dir = settings->text[SETTING_RUN_DIR];
	enum failure_code	 rc;
	bool			 broken;
	int			 fd;

	rc = db_rate_try(settings, j, &broken, error, size);
	if (!broken || (fd = lock_open(run_dir, "rate.db-lock")) == -1)
		return rc;
	/* One process repairs; the next one finds a good file. */
	if (lock_wait(fd, REPAIR_LOCK, clock_us() + STORE_TIMEOUT *
	    INT64_C(1000)) == 1) {
		rc = db_rate_try(settings, j, &broken, error, size);
		if (broken) {
			db_rate_reset(settings, error);
			rc = db_rate_try(settings, j, &broken, error, size);
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
	struct rate_job	j = { .key = key, .interval = period / count };

	(void)store;
	j.early = (count - 1) * j.interval;
	return db_rate_work(settings, &j, error, size) == FAILURE_NONE ?
	    j.wait : -1;
}

int
rate_forget(const struct settings *settings, const char *key, char *error,
    unsigned long size)
{
	struct rate_job	j = { .key = key, .forget = true };

	return db_rate_work(settings, &j, error, size) == FAILURE_NONE ? 0 : -1;
}
