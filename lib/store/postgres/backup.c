/*
 * Backup and restore with the server's own tools, pg_dump and pg_restore.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limit.h"
#include "store/backup.h"
#include "store/maintain.h"
#include "store/postgres/pg.h"
#include "store/store.h"

#define OLD_SEQUENCE	" ticketchat ticketairuns "

enum {
	SAYS_MAX = 65536,	/* bytes of a tool's output that are kept */
	ARGUMENTS = 10,
	/* Seconds.  The gate is closed for GATE_SECONDS at a time.  Running
	   generations have GATE_TIMEOUT to end, which is longer than a
	   lease. */
	GATE_SECONDS = 15,
	GATE_TIMEOUT = 25
};

extern char	**environ;

/* Runs a tool that prints nothing if all is well.  `says' may be NULL. */
static enum failure_code
pg_backup_run(struct store *s, const char *const arguments[], struct buf *says)
{
	struct buf		out = BUF_INIT(SAYS_MAX);
	enum failure_code	rc = FAILURE_NONE;
	char			*argv[ARGUMENTS + 1] = { NULL }, *end;
	int			i, code = 0;

	/* execve(2) takes them as non-const but does not change them. */
	for (i = 0; i < ARGUMENTS && arguments[i] != NULL && code == 0; i++)
		code = (argv[i] = strdup(arguments[i])) == NULL ? -1 : 0;
	if (code == 0)
		code = child_run(argv, environ, -1, true, &out);
	if (code == -1 && errno == ENOENT)
		rc = pg_refuse(s, FAILURE_STORAGE, "there is no %s: install "
		    "the package postgresql-client", arguments[0]);
	else if (code == -1)
		rc = pg_refuse(s, FAILURE_STORAGE, "%s: %s", arguments[0],
		    strerror(errno));
	else if (code != 0) {
		/* The first line says what is wrong, the others where. */
		if (out.len > 0 && (end = strchr(out.data, '\n')) != NULL)
			*end = '\0';
		rc = pg_refuse(s, FAILURE_STORAGE, "%.900s", out.len == 0 ?
		    arguments[0] : out.data);
	}
	if (says != NULL && rc == FAILURE_NONE && out.len > 0 &&
	    buf_add(says, out.data, out.len) == -1)
		rc = pg_refuse(s, FAILURE_STORAGE, "%s", strerror(errno));
	for (i = 0; i < ARGUMENTS; i++)
		free(argv[i]);
	buf_free(&out);
	return rc;
}

/* Locks backups until the store is closed. */
static enum failure_code
pg_backup_lock(struct store *s)
{
	struct pg_args		a = { .count = 0 };
	enum failure_code	rc;
	int64_t			ours;

	pg_text(&a, "backup", strlen("backup"));
	if ((rc = pg_alone(s, STATEMENT_LOCK, &a, &ours)) != FAILURE_NONE ||
	    ours != 0)
		return rc;
	return pg_refuse(s, FAILURE_BAD_REQUEST, "a backup or restore of it is "
	    "running");
}

/* Checks whether a file may be written; `tmp' is its temporary name. */
static enum failure_code
pg_may_make(struct store *s, const char *file, bool force)
{
	struct stat	st;

	if (strlen(file) + 32 > PATH_MAX)
		return pg_refuse(s, FAILURE_BAD_REQUEST, "the name is too "
		    "long");
	if (!file_is_plain(file))
		return pg_refuse(s, FAILURE_BAD_REQUEST, "%.900s: this is not "
		    "a regular file, and is not replaced", file);
	if (!force && lstat(file, &st) == 0)
		return pg_refuse(s, FAILURE_BAD_REQUEST, "%.900s: the file "
		    "exists (--force replaces it)", file);
	return FAILURE_NONE;
}

/* Writes a copy without the rows of generations and of the rate limit. */
static enum failure_code
pg_backup_dump(struct store *s, const char *file, bool force)
{
	char			tmp[PATH_MAX], to[PATH_MAX + 16],
				from[SETTING_MAX + 16];
	static const char	no_runs[] = "--exclude-table-data="
				    "ticketchat.ticketairuns";
	const char *const	copy[] = { "pg_dump", "--format=custom",
				    "--schema=ticketchat", "--no-owner",
				    "--no-unlogged-table-data", no_runs, to,
				    from, NULL };
	const char *const	look[] = { "pg_restore", "--file=/dev/null",
				    tmp, NULL };
	enum failure_code	rc;

	(void)snprintf(tmp, sizeof(tmp), "%s.tmp", file);
	(void)snprintf(to, sizeof(to), "--file=%s", tmp);
	(void)snprintf(from, sizeof(from), "--dbname=%s", s->uri);
	if (file_remove(tmp) == -1)
		return pg_refuse(s, FAILURE_STORAGE, "%.900s: %s", tmp,
		    strerror(errno));
	pg_show_progress(s, "copying", 0, 0);
	if ((rc = pg_backup_run(s, copy, NULL)) == FAILURE_NONE &&
	    (rc = pg_backup_run(s, look, NULL)) == FAILURE_NONE &&
	    file_place(tmp, file, force) == -1)
		rc = pg_refuse(s, FAILURE_STORAGE, "%.900s: %s", file,
		    strerror(errno));
	if (rc != FAILURE_NONE)
		(void)!file_remove(tmp);
	return rc;
}

enum failure_code
store_backup(struct store *s, const char *file, bool force)
{
	enum failure_code	rc;

	if ((rc = pg_may_make(s, file, force)) != FAILURE_NONE ||
	    (rc = pg_backup_lock(s)) != FAILURE_NONE)
		return rc;
	return pg_backup_dump(s, file, force);
}

/* Checks whether a file is a backup that this program can restore. */
static enum failure_code
pg_examine(struct store *s, const char *file, long *version)
{
	static const char	head[] = "COPY ticketchat.schemaversion ";
	const char *const	list[] = { "pg_restore", "--data-only",
				    "--schema=ticketchat",
				    "--table=schemaversion", "--file=-", file,
				    NULL };
	const char *const	look[] = { "pg_restore", "--file=/dev/null",
				    file, NULL };
	struct buf		says = BUF_INIT(SAYS_MAX);
	enum failure_code	rc;
	const char		*p;

	*version = 0;

	if ((rc = pg_backup_run(s, list, &says)) == FAILURE_NONE &&
	    (rc = pg_backup_run(s, look, NULL)) == FAILURE_NONE) {
		if (says.len > 0 && (p = strstr(says.data, head)) != NULL &&
		    (p = strchr(p, '\n')) != NULL)
			*version = strtol(p + 1, NULL, 10);
		if (*version < 1 || *version > SCHEMA_VERSION)
			rc = pg_refuse(s, FAILURE_SCHEMA, "%.900s: this "
			    "program cannot read schema %ld, only 1 to %d",
			    file, *version, SCHEMA_VERSION);
	}
	buf_free(&says);
	return rc;
}

/* Restores the database's name. */
static enum failure_code
pg_keep_identity(struct store *s, const char *id)
{
	s->key.id[0] = '\0';
	return store_run(s, STATEMENT_IDENTITY_SET, NULL,
	    ARGS(ARG_TEXT(id, strlen(id))));
}

/*
 * Writes the table of contents of a backup of schema 1 to a file for
 * pg_restore, without a sequence whose name is now that of a table.
 */
static enum failure_code
pg_backup_list(struct store *s, const char *file, const char *list)
{
	const char *const	command[] = { "pg_restore", "--list", file,
				    NULL };
	struct buf		says = BUF_INIT(SAYS_MAX);
	enum failure_code	rc;
	const char		*line, *end;
	FILE			*f = NULL;
	bool			good = true;

	if ((rc = pg_backup_run(s, command, &says)) == FAILURE_NONE &&
	    (file_remove(list) == -1 || (f = fopen(list, "wx")) == NULL))
		rc = pg_refuse(s, FAILURE_STORAGE, "%.900s: %s", list,
		    strerror(errno));
	for (line = says.data; f != NULL && line != NULL && *line != '\0';
	    line = end) {
		end = strchr(line, '\n');
		end = end == NULL ? line + strlen(line) : end + 1;
		if (memmem(line, (size_t)(end - line), OLD_SEQUENCE,
		    sizeof(OLD_SEQUENCE) - 1) == NULL)
			good &= fwrite(line, 1, (size_t)(end - line), f) ==
			    (size_t)(end - line);
	}
	if (f != NULL && (fclose(f) == EOF || !good))
		rc = pg_refuse(s, FAILURE_STORAGE, "%.900s: %s", list,
		    strerror(errno));
	buf_free(&says);
	return rc;
}

/*
 * Replaces all tables in one transaction.  Ids continue above ours.  The
 * identity stays ours unless the database was made just now.
 */
static enum failure_code
pg_exchange(struct store *s, const char *file, bool made, long version)
{
	char			 to[SETTING_MAX + 16], list[PATH_MAX],
				 use[PATH_MAX + 16];
	const char		*restore[] = { "pg_restore", "--clean",
				    "--if-exists", "--single-transaction",
				    "--no-owner", "--schema=ticketchat", to,
				    file, NULL, NULL };
	struct pg_args		 a = { .count = 0 };
	enum failure_code	 rc;
	PGresult		*res;
	char			 id[STORE_IDENTITY + 1];

	if ((rc = store_identity(s, id)) != FAILURE_NONE ||
	    (rc = pg_query(s, STATEMENT_LAST_IDS, NULL, &res)) !=
	    FAILURE_NONE)
		return rc;
	pg_int(&a, pg_number(res, 0, 0));
	pg_int(&a, pg_number(res, 0, 1));
	PQclear(res);
	(void)snprintf(to, sizeof(to), "--dbname=%s", s->uri);
	if (version == 1) {
		(void)snprintf(list, sizeof(list), "%.*s.list",
		    PATH_MAX - 32, file);
		(void)snprintf(use, sizeof(use), "--use-list=%s", list);
		restore[8] = use;
		if ((rc = pg_backup_list(s, file, list)) != FAILURE_NONE)
			return rc;
	}
	pg_show_progress(s, "exchanging", 0, 0);
	rc = pg_backup_run(s, restore, NULL);
	if (version == 1)
		(void)!file_remove(list);
	if (rc != FAILURE_NONE ||
	    (rc = pg_run(s, STATEMENT_RUNS_END_ALL, NULL, NULL)) !=
	    FAILURE_NONE)
		return rc;
	rc = pg_run(s, STATEMENT_LAST_IDS_RAISE, &a, NULL);
	return rc == FAILURE_NONE && !made ? pg_keep_identity(s, id) : rc;
}

/* Closes the gate for `seconds' and counts the generations that still run. */
static enum failure_code
pg_backup_close_gate(struct store *s, int seconds, int64_t *lives)
{
	return store_run(s, STATEMENT_RUN_CLOSE, lives,
	    ARGS(ARG_TEXT("restore", strlen("restore")), ARG_INT(seconds)));
}

/*
 * Prevents new generations on all machines and ends the running ones.  The row
 * that closes the gate is replaced by the restore; from then on a lock of this
 * connection keeps it closed, until the store is closed.
 */
static enum failure_code
pg_backup_end_runs(struct store *s)
{
	const int64_t		until = clock_us() + GATE_TIMEOUT *
				    INT64_C(1000000);
	enum failure_code	rc;
	int64_t			lives;

	while ((rc = pg_backup_close_gate(s, GATE_SECONDS, &lives)) ==
	    FAILURE_NONE && lives > 0) {
		if (clock_us() > until) {
			(void)pg_backup_close_gate(s, 0, &lives);
			return pg_refuse(s, FAILURE_BAD_REQUEST, "%lld "
			    "generations do not end", (long long)lives);
		}
		pg_show_progress(s, "waiting for generations to end", 0, 0);
		(void)usleep(200 * 1000);
	}
	return rc == FAILURE_NONE ? pg_alone(s, STATEMENT_LOCK_GATE, NULL,
	    NULL) : rc;
}

/* Replaces the tables while the gate is closed. */
static enum failure_code
pg_backup_restore(struct store *s, const char *file, const char *before,
    bool made, long version)
{
	enum failure_code	rc;
	int64_t			lives;
	char			why[sizeof(s->error)];

	if ((rc = pg_backup_end_runs(s)) != FAILURE_NONE)
		return rc;
	if (!made)
		rc = pg_backup_dump(s, before, true);
	if (rc == FAILURE_NONE)
		rc = pg_exchange(s, file, made, version);
	memcpy(why, s->error, sizeof(why));
	(void)pg_backup_close_gate(s, 0, &lives);
	memcpy(s->error, why, sizeof(why));
	return rc;
}

enum failure_code
store_restore(struct store **out, const char *database, const char *file,
    bool force, void (*progress)(void *, const char *, int64_t, int64_t),
    void *context)
{
	enum failure_code	 rc;
	struct store		*s;
	char			 before[PATH_MAX];
	int			 from, to;
	long			 version;

	/* This makes what the backup expects to exist. */
	if ((rc = store_migrate(out, database, &from, &to, NULL)) !=
	    FAILURE_NONE)
		return rc;
	s = *out;
	store_watch(s, progress, context);
	(void)snprintf(before, sizeof(before), "%s.before-restore", file);
	if ((rc = pg_may_make(s, before, force || from == 0)) != FAILURE_NONE ||
	    (rc = pg_examine(s, file, &version)) != FAILURE_NONE ||
	    (rc = pg_backup_lock(s)) != FAILURE_NONE)
		return rc;
	return pg_backup_restore(s, file, before, from == 0, version);
}
