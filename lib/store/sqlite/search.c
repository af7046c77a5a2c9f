/*
 * Full-text search with a temporary FTS5 table.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/limit.h"
#include "store/sqlite/db.h"

enum failure_code
store_search_begin(struct store *s, void (*progress)(void *, const char *,
    int64_t, int64_t), void *context)
{
	enum failure_code	rc;
	int64_t			all = 0, done = 0, next = 0;

	if ((rc = store_run(s, STATEMENT_SEARCH_TEXTS, NULL, NO_ARGS)) !=
	    FAILURE_NONE ||
	    (rc = store_run(s, STATEMENT_SEARCH_CREATE, NULL, NO_ARGS)) !=
	    FAILURE_NONE ||
	    (rc = store_run(s, STATEMENT_SEARCH_LAST, &all, NO_ARGS)) !=
	    FAILURE_NONE)
		return rc;
	/* One part at a time, so that no long read transaction is in a writer's
	   way. */
	while (rc == FAILURE_NONE && done < all) {
		rc = store_run(s, STATEMENT_SEARCH_NEXT, &next,
		    ARGS(ARG_INT(done)));
		if (rc == FAILURE_NONE && next > done)
			rc = store_run(s, STATEMENT_SEARCH_FILL, NULL,
			    ARGS(ARG_INT(done), ARG_INT(next)));
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
	struct buf		query = BUF_INIT(ANSWER_MAX);
	enum failure_code	rc;
	int			i;

	for (i = 0; i < count; i++) {
		if (db_search_quote(&query, words[i]) == -1) {
			buf_free(&query);
			return db_fail(s, strerror(errno));
		}
	}
	rc = store_rows(s, STATEMENT_SEARCH, row, ctx,
	    ARGS(ARG_TEXT(query.data, query.len), ARG_INT(rows)));
	buf_free(&query);
	return rc;
}
