/*
 * A copy of the database, and putting one in its place, by the server's own
 * tools: pg_dump and pg_restore.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup.h"
#include "child.h"
#include "file.h"
#include "limit.h"
#include "maintain.h"
#include "pg.h"
#include "store.h"

enum {
	SAYS_MAX = 65536,	/* of what a tool says */
	ARGUMENTS = 8
};

extern char	**environ;

/* Runs a tool that says nothing when all is well; `says' may be NULL. */
static enum failure_code
run(struct store *s, const char *const arguments[], struct buf *says)
{
	struct buf		out = BUF_INIT(SAYS_MAX);
	enum failure_code	rc = FAILURE_NONE;
	char			*argv[ARGUMENTS + 1] = { NULL }, *end;
	int			i, code = 0;

	/* As execve(2) has it, which changes none of them. */
	for (i = 0; i < ARGUMENTS && arguments[i] != NULL && code == 0; i++)
		code = (argv[i] = strdup(arguments[i])) == NULL ? -1 : 0;
	if (code == 0)
		code = child_run(argv, environ, -1, &out);
	if (code == -1 && errno == ENOENT)
		rc = pg_refuse(s, FAILURE_STORAGE, "there is no %s: install "
		    "the package postgresql-client", arguments[0]);
	else if (code == -1)
		rc = pg_refuse(s, FAILURE_STORAGE, "%s: %s", arguments[0],
		    strerror(errno));
	else if (code != 0) {
		/* Its first line tells what, the others of it where. */
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

/* Takes a lock until the store is closed, or refuses. */
static enum failure_code
lock(struct store *s, const char *what, const char *refusal)
{
	struct pg_args		a = { .count = 0 };
	enum failure_code	rc;
	int64_t			ours;

	pg_text(&a, what, strlen(what));
	if ((rc = pg_alone(s, STATEMENT_LOCK, &a, &ours)) != FAILURE_NONE ||
	    ours != 0)
		return rc;
	return pg_refuse(s, FAILURE_BAD_REQUEST, "%s", refusal);
}

static enum failure_code
lock_backups(struct store *s)
{
	return lock(s, "backup", "a backup or restore of it runs");
}

/* Whether a file may be made, of which `tmp' will be a part. */
static enum failure_code
may_make(struct store *s, const char *file, bool force)
{
	struct stat	st;

	if (strlen(file) + 32 > PATH_MAX)
		return pg_refuse(s, FAILURE_BAD_REQUEST, "the name is too "
		    "long");
	if (!file_is_plain(file))
		return pg_refuse(s, FAILURE_BAD_REQUEST, "%.900s: is no "
		    "regular file, and not replaced", file);
	if (!force && lstat(file, &st) == 0)
		return pg_refuse(s, FAILURE_BAD_REQUEST, "%.900s: is there "
		    "already (--force replaces it)", file);
	return FAILURE_NONE;
}

/* Writes a copy; what is of a generation or of the rate limit stays here. */
static enum failure_code
dump(struct store *s, const char *file, bool force)
{
	char			tmp[PATH_MAX], to[PATH_MAX + 16],
				from[SETTING_MAX + 16];
	const char *const	copy[] = { "pg_dump", "--format=custom",
				    "--schema=ticketchat", "--no-owner",
				    "--no-unlogged-table-data",
				    "--exclude-table-data=ticketchat."
				    "ticketairuns", to, from, NULL };
	const char *const	look[] = { "pg_restore", "--file=/dev/null",
				    tmp, NULL };
	enum failure_code	rc;

	(void)snprintf(tmp, sizeof(tmp), "%s.tmp", file);
	(void)snprintf(to, sizeof(to), "--file=%s", tmp);
	(void)snprintf(from, sizeof(from), "--dbname=%s", s->uri);
	if (file_remove(tmp) == -1)
		return pg_refuse(s, FAILURE_STORAGE, "%.900s: %s", tmp,
		    strerror(errno));
	pg_tell(s, "copying", 0, 0);
	if ((rc = run(s, copy, NULL)) == FAILURE_NONE &&
	    (rc = run(s, look, NULL)) == FAILURE_NONE &&
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

	if ((rc = may_make(s, file, force)) != FAILURE_NONE ||
	    (rc = lock_backups(s)) != FAILURE_NONE)
		return rc;
	return dump(s, file, force);
}

/* Looks whether a file is a backup that this program can take. */
static enum failure_code
examine(struct store *s, const char *file)
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
	long			version = 0;

	if ((rc = run(s, list, &says)) == FAILURE_NONE &&
	    (rc = run(s, look, NULL)) == FAILURE_NONE) {
		if (says.len > 0 && (p = strstr(says.data, head)) != NULL &&
		    (p = strchr(p, '\n')) != NULL)
			version = strtol(p + 1, NULL, 10);
		if (version < 1 || version > SCHEMA_VERSION)
			rc = pg_refuse(s, FAILURE_SCHEMA, "%.900s: schema %ld "
			    "is not one of this program's, 1 to %d", file,
			    version, SCHEMA_VERSION);
	}
	buf_free(&says);
	return rc;
}

/* Gives the database its name back. */
static enum failure_code
keep_identity(struct store *s, const char *id)
{
	struct pg_args	a = { .count = 0 };

	s->id[0] = '\0';
	pg_text(&a, id, strlen(id));
	return pg_run(s, STATEMENT_IDENTITY_SET, &a, NULL);
}

/*
 * Exchanges all of it in one transaction; ids go on behind ours, and the
 * identity is ours unless the database was made just now.
 */
static enum failure_code
exchange(struct store *s, const char *file, bool made)
{
	char			 to[SETTING_MAX + 16];
	const char *const	 restore[] = { "pg_restore", "--clean",
				    "--if-exists", "--single-transaction",
				    "--no-owner", "--schema=ticketchat", to,
				    file };
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
	pg_tell(s, "exchanging", 0, 0);
	if ((rc = run(s, restore, NULL)) != FAILURE_NONE)
		return rc;
	rc = pg_run(s, STATEMENT_LAST_IDS_RAISE, &a, NULL);
	return rc == FAILURE_NONE && !made ? keep_identity(s, id) : rc;
}

enum failure_code
store_restore(struct store **out, const char *database, const char *file,
    bool force, void (*tell)(void *, const char *, int64_t, int64_t),
    void *context)
{
	enum failure_code	 rc;
	struct store		*s;
	char			 before[PATH_MAX];
	int			 from, to;

	/* What the backup takes for granted is there then. */
	if ((rc = store_migrate(out, database, &from, &to)) != FAILURE_NONE)
		return rc;
	s = *out;
	store_watch(s, tell, context);
	(void)snprintf(before, sizeof(before), "%s.before-restore", file);
	if ((rc = may_make(s, before, force || from == 0)) != FAILURE_NONE ||
	    (rc = examine(s, file)) != FAILURE_NONE ||
	    (rc = lock_backups(s)) != FAILURE_NONE ||
	    (rc = lock(s, "all", "a generation runs on one of the machines: "
	    "wait for it, or stop the service")) != FAILURE_NONE)
		return rc;
	if (from != 0 && (rc = dump(s, before, true)) != FAILURE_NONE)
		return rc;
	return exchange(s, file, from == 0);
}
