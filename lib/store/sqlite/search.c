/*
 * Full-text search with a temporary FTS5 table.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/limit.h"
#include "store/sqlite/report.h"

/*
 * Runs a statement, with ?1 and ?2 bound if it has them.  *found may be NULL.
 */
static enum failure_code
db_search_run(struct store *s, enum statement which, int64_t first,
    int64_t second, int64_t *found)
{
	sqlite3_stmt	*st;
	int		 n;

	if ((st = db_statement(s, which)) == NULL)
		return db_fail(s, s->path);
	n = sqlite3_bind_parameter_count(st);
	if ((n > 0 && sqlite3_bind_int64(st, 1, first) != SQLITE_OK) ||
	    (n > 1 && sqlite3_bind_int64(st, 2, second) != SQLITE_OK))
		return db_fail(s, s->path);
	return db_run(s, st, found);
}

enum failure_code
store_search_begin(struct store *s, void (*progress)(void *, const char *,
    int64_t, int64_t), void *context)
{
	enum failure_code	rc;
	int64_t			all = 0, done = 0, next = 0;

	if ((rc = db_search_run(s, STATEMENT_SEARCH_TEXTS, 0, 0, NULL)) !=
		FAILURE_NONE ||
	    (rc = db_search_run(s, STATEMENT_SEARCH_CREATE, 0, 0, NULL)) !=
		FAILURE_NONE ||
	    (rc = db_search_run(s, STATEMENT_SEARCH_LAST, 0, 0, &all)) !=
		FAILURE_NONE)
		return rc;
	/* One part at a time, so that no long read transaction is in a writer's
	   way. */
	while (rc == FAILURE_NONE && done < all) {
		rc = db_search_run(s, STATEMENT_SEARCH_NEXT, done, 0, &next);
		if (rc == FAILURE_NONE && next > done)
			rc = db_search_run(
			    s, STATEMENT_SEARCH_FILL, done, next, NULL);
		else
			next = all;	/* the last tickets were just deleted */
		done = next;
		if (progress != NULL)
			progress(context, "reading the texts", done, all);
	}
	return rc;
}

/* Appends a word quoted for FTS5, so that it is not taken for syntax. */
static int
db_search_quote(struct buf *b, const char *word)
{
	size_t	len = strlen(word), i;
	bool	prefix = len > 1 && word[len - 1] == '*';

	if (buf_puts(b, "\"") == -1)
		return -1;
	for (i = 0; i < len - prefix; i++) {
		if (buf_add(b, "\"\"", word[i] == '"' ? 2 : 0) == -1 ||
		    (word[i] != '"' && buf_add(b, word + i, 1) == -1))
			return -1;
	}
	return buf_puts(b, prefix ? "\" * " : "\" ");
}

enum failure_code
store_search(struct store *s, char *const words[], int count, int64_t rows,
    store_row *row, void *ctx)
{
	struct buf		 query = BUF_INIT(ANSWER_MAX);
	enum failure_code	 rc;
	sqlite3_stmt		*st;
	int			 i;

	for (i = 0; i < count; i++) {
		if (db_search_quote(&query, words[i]) == -1) {
			buf_free(&query);
			return db_fail(s, strerror(errno));
		}
	}
	if ((st = db_statement(s, STATEMENT_SEARCH)) == NULL ||
	    !db_bind_text(st, 1, query.data, query.len) ||
	    sqlite3_bind_int64(st, 2, rows) != SQLITE_OK)
		rc = db_fail(s, s->path);
	else
		rc = report_rows(s, st, row, ctx);
	buf_free(&query);
	return rc;
}
