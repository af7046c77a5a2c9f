/*
 * Reads a database of the original ASP.NET service.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "store/import.h"
#include "store/maintain.h"
#include "store/sqlite/db.h"
#include "store/sqlite/db_copy.h"
#include "store/store.h"

/*
 * Copies a column.  Returns -1 if there is no memory or the text is too long.
 */
static int
aspnet_column(struct record *r, int i, sqlite3_stmt *st)
{
	struct record_value	*v = &r->value[i];
	const char		*text;
	size_t			 len;

	v->null = i >= sqlite3_column_count(st) ||
	    sqlite3_column_type(st, i) == SQLITE_NULL;
	if (v->null)
		return 0;
	if (record_is_number(i)) {
		v->number = sqlite3_column_type(st, i) == SQLITE_INTEGER ?
		    sqlite3_column_int64(st, i) : 0;
		return 0;
	}
	return !db_column_text(st, i, &text, &len) ? -1 :
	    record_set(r, (enum record_field)i, text, len);
}

/* Gathers the current row of a statement. */
static enum failure_code
aspnet_gather(struct store *s, struct record *r, sqlite3_stmt *st, int64_t line)
{
	char	why[128];
	int	i, rc = 0;

	r->value[RECORD_SESSION].number = 0;
	for (i = 0; i < RECORD__MAX && rc == 0; i++)
		rc = aspnet_column(r, i, st);
	if (rc == -1 || record_check(r, why, sizeof(why)) == -1) {
		(void)snprintf(s->error, sizeof(s->error),
		    "ticket %lld, session %lld: %s",
		    (long long)r->value[RECORD_TICKET].number,
		    (long long)r->value[RECORD_SESSION].number,
		    rc == -1 ? "a text is too long" : why);
		return FAILURE_BAD_REQUEST;
	}
	return import_add(s, r, line);
}

/* Gathers all rows of a statement. */
static enum failure_code
aspnet_gather_all(struct store *s, struct store *from, enum statement which,
    struct record *r, int64_t *line)
{
	enum failure_code	 rc = FAILURE_NONE;
	sqlite3_stmt		*st;
	int			 step = SQLITE_DONE;

	if ((st = db_statement(from, which)) == NULL)
		return db_copy_error(s, from, db_fail(from, from->path));
	while (rc == FAILURE_NONE && (step = sqlite3_step(st)) == SQLITE_ROW) {
		rc = aspnet_gather(s, r, st, ++*line);
		db_progress(s, "reading", *line, 0);
	}
	if (rc != FAILURE_NONE) {
		(void)sqlite3_reset(st);
		return rc;
	}
	return db_copy_error(s, from, db_done(from, st, step));
}

enum failure_code
import_original(struct store *s, const char *file, int64_t *last)
{
	enum failure_code	 rc;
	struct record		 r = { .json = { .count = 0 } };
	struct store		*from;
	int			 version;

	*last = 0;
	if (strlen(file) >= sizeof(from->path))
		return db_copy_refuse(s, file, "the name is too long");
	if ((from = db_make(file)) == NULL)
		return db_copy_system(s, file);
	if ((rc = db_connect(from, SQLITE_OPEN_READONLY)) != FAILURE_NONE)
		rc = db_copy_error(s, from, rc);
	else if ((version = db_pragma(from, "PRAGMA user_version")) == INT_MIN)
		rc = db_copy_error(s, from, db_fail(from, file));
	else if (version != 0 && !db_foreign(from, version))
		rc = db_copy_refuse(s, file, "this is a database of ticketchat "
		    "itself: use restore, or export and import");
	if (rc == FAILURE_NONE)
		rc = aspnet_gather_all(s, from, STATEMENT_ORIGINAL_TICKETS, &r,
		    last);
	if (rc == FAILURE_NONE)
		rc = aspnet_gather_all(s, from, STATEMENT_ORIGINAL_SESSIONS, &r,
		    last);
	record_free(&r);
	store_close(from);
	return rc;
}
