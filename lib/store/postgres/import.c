/*
 * Gathers sessions in a temporary table and merges them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limit.h"
#include "store/import.h"
#include "store/postgres/pg.h"

enum failure_code
import_begin(struct store *s)
{
	enum failure_code	rc;

	char			id[STORE_IDENTITY + 1];

	s->patience = -1;
	/* Read the identity now: during COPY no other statement can run. */
	if ((rc = store_identity(s, id)) != FAILURE_NONE ||
	    (rc = pg_begin(s)) != FAILURE_NONE ||
	    (rc = pg_run(s, STATEMENT_IMPORT_CREATE, NULL, NULL)) !=
	    FAILURE_NONE)
		return rc;
	return pg_copy(s, STATEMENT_IMPORT_COPY);
}

/* Appends a value in the format of COPY. */
static int
pg_import_cell(struct buf *b, const struct record *r, int i)
{
	const struct record_value	*v = &r->value[i];
	char				 number[24];

	if (v->null)
		return pg_copy_cell(b, NULL, 0);
	if (i == RECORD_PROMPT && r->value[RECORD_RESPONSE].null)
		return pg_copy_cell(b, "", 0);
	if (!record_is_number(i))
		return pg_copy_cell(b, v->text.len == 0 ? "" : v->text.data,
		    v->text.len);
	(void)snprintf(number, sizeof(number), "%" PRId64, v->number);
	return pg_copy_cell(b, number, strlen(number));
}

/* Appends the hash of the text that was answered. */
static enum failure_code
pg_import_hash(struct store *s, struct buf *b, const struct record *r)
{
	const struct buf	*prompt = &r->value[RECORD_PROMPT].text;
	const bool		 none = r->value[RECORD_PROMPT].null ||
				    r->value[RECORD_RESPONSE].null;
	char			 hash[TEXT_HASH + 1];
	enum failure_code	 rc;

	if (!none && (rc = store_text_hash(s, prompt->data, prompt->len,
	    hash)) != FAILURE_NONE)
		return rc;
	return pg_copy_cell(b, none ? NULL : hash, none ? 0 : TEXT_HASH) ==
	    0 ? FAILURE_NONE : pg_refuse(s, FAILURE_STORAGE, "%s",
	    strerror(errno));
}

enum failure_code
import_add(struct store *s, const struct record *r, int64_t line)
{
	struct buf		row = BUF_INIT(OUTPUT_MAX);
	enum failure_code	code;
	char			number[24];
	int			i, rc;

	for (i = 0; i < RECORD__MAX; i++) {
		if (r->value[i].null || record_is_number(i) ||
		    memchr(r->value[i].text.data == NULL ? "" :
		    r->value[i].text.data, '\0', r->value[i].text.len) == NULL)
			continue;
		return pg_refuse(s, FAILURE_BAD_REQUEST, "a text contains "
		    "U+0000, which PostgreSQL cannot store");
	}
	(void)snprintf(number, sizeof(number), "%" PRId64, line);
	rc = pg_copy_cell(&row, number, strlen(number));
	for (i = 0; i < RECORD__MAX && rc == 0; i++)
		rc = pg_import_cell(&row, r, i);
	code = rc == 0 ? pg_import_hash(s, &row, r) :
	    pg_refuse(s, FAILURE_STORAGE, "%s", strerror(errno));
	if (code == FAILURE_NONE)
		code = pg_copy_row(s, &row);
	buf_free(&row);
	return code;
}

enum failure_code
import_original(struct store *s, const char *file, int64_t *last)
{
	*last = 0;
	return pg_refuse(s, FAILURE_BAD_REQUEST, "%s: import it into a file "
	    "first (DATABASE=x.db sessions migrate, then import --aspnet), "
	    "then that file into this database (DATABASE=x.db sessions export "
	    "| sessions import)", file);
}

enum failure_code
import_merge_original(struct store *s, struct import *i,
    void (*late)(void *, int64_t, int64_t), void *context)
{
	(void)late;
	(void)context;
	memset(i, 0, sizeof(*i));
	return pg_refuse(s, FAILURE_INTERNAL, "there is nothing to import");
}

/* A callback for rows of a line and an id, and the last row. */
struct import_rows {
	void	(*each)(void *, int64_t, int64_t);
	void	*context;
	int64_t	 count;
	int64_t	 line, id;	/* the last one */
};

static bool
pg_import_row(void *context, const struct cell *c, int cells)
{
	struct import_rows	*t = context;

	(void)cells;
	t->count++;
	t->line = store_cell_number(&c[0]);
	t->id = store_cell_number(&c[1]);
	if (t->each != NULL)
		t->each(t->context, t->line, t->id);
	return true;
}

/* Refuses records that are wrong whatever the database holds. */
static enum failure_code
pg_import_examine(struct store *s)
{
	static const struct {
		enum statement	 statement;	/* finds such lines */
		const char	*what, *why;	/* before and after the id */
	} wrong[] = {
		{ STATEMENT_IMPORT_TWICE, "session", "is there twice" },
		{ STATEMENT_IMPORT_STRANGERS, "there is no ticket",
		    "in TICKETS_TABLE, and import adds none" },
		{ STATEMENT_IMPORT_STRAYS, "session", "follows what is no "
		    "answer of its ticket; nothing was imported" },
	};
	struct import_rows	t = { .count = 0 };
	enum failure_code	rc;
	size_t			i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if ((rc = store_rows(s, wrong[i].statement, pg_import_row, &t,
		    NO_ARGS)) != FAILURE_NONE)
			return rc;
		if (t.count > 0)
			return pg_refuse(s, FAILURE_BAD_REQUEST, "line %" PRId64
			    ": %s %" PRId64 " %s", t.line, wrong[i].what, t.id,
			    wrong[i].why);
	}
	return FAILURE_NONE;
}

/* Makes new ids continue above the imported ones. */
static enum failure_code
pg_raise_ids(struct store *s)
{
	enum failure_code	rc;
	int64_t			last;

	if ((rc = pg_run(s, STATEMENT_IMPORT_LAST, NULL, &last)) !=
	    FAILURE_NONE || last == 0)
		return rc;
	return store_run(s, STATEMENT_LAST_IDS_RAISE, NULL,
	    ARGS(ARG_INT(last), ARG_INT(0)));
}

/* Merges all that was gathered. */
static enum failure_code
pg_merge(struct store *s, struct import *i)
{
	enum failure_code	rc;
	int64_t			ours, costs, ratings, sources;

	if ((rc = pg_run(s, STATEMENT_TICKETS_ARE_OURS, NULL, &ours)) !=
	    FAILURE_NONE || (ours != 0 && (rc = pg_change(s,
	    STATEMENT_MERGE_TICKETS, NULL, &i->tickets)) != FAILURE_NONE) ||
	    (rc = pg_change(s, STATEMENT_MERGE_SESSIONS, NULL,
	    &i->sessions)) != FAILURE_NONE || (rc = pg_change(s,
	    STATEMENT_MERGE_COSTS, NULL, &costs)) != FAILURE_NONE ||
	    (rc = pg_change(s, STATEMENT_MERGE_RATINGS, NULL, &ratings)) !=
	    FAILURE_NONE || (rc = pg_change(s, STATEMENT_MERGE_SOURCES, NULL,
	    &sources)) != FAILURE_NONE)
		return rc;
	return pg_raise_ids(s);
}

/* The body of import_merge's transaction. */
static enum failure_code
pg_import_compare(struct store *s, struct import *i,
    struct import_rows *conflicts)
{
	enum failure_code	rc;

	if ((rc = pg_run(s, STATEMENT_IMPORT_LOCK, NULL, NULL)) !=
	    FAILURE_NONE ||
	    (rc = pg_import_examine(s)) != FAILURE_NONE ||
	    (rc = pg_run(s, STATEMENT_IMPORT_COUNT, NULL, &i->known)) !=
	    FAILURE_NONE ||
	    (rc = store_rows(s, STATEMENT_IMPORT_CONFLICTS, pg_import_row,
	    conflicts, NO_ARGS)) != FAILURE_NONE)
		return rc;
	if ((i->left = conflicts->count) > 0)
		return pg_refuse(s, FAILURE_BAD_REQUEST, "%" PRId64 " sessions "
		    "are here with other contents; nothing was imported",
		    i->left);
	pg_show_progress(s, "importing", 0, 0);
	return pg_merge(s, i);
}

enum failure_code
import_merge(struct store *s, struct import *i,
    void (*conflict)(void *, int64_t, int64_t), void *context)
{
	struct import_rows		conflicts = { conflict, context, 0, 0,
	    0 };
	enum failure_code	rc;

	memset(i, 0, sizeof(*i));
	pg_show_progress(s, "comparing", 0, 0);
	if ((rc = pg_copy_end(s)) != FAILURE_NONE ||
	    (rc = pg_run(s, STATEMENT_IMPORT_ANALYZE, NULL, NULL)) !=
	    FAILURE_NONE)
		return rc;
	rc = pg_end(s, pg_import_compare(s, i, &conflicts));
	i->known -= i->sessions;
	return rc;
}
