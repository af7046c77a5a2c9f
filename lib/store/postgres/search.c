/*
 * Full-text search with the index of the words of all sessions.
 */
#include <errno.h>
#include <string.h>

#include "base/limit.h"
#include "store/postgres/pg.h"

enum failure_code
store_search_begin(struct store *s, void (*progress)(void *, const char *,
    int64_t, int64_t), void *context)
{
	s->progress = progress;
	s->progress_context = context;
	s->progress_what = "reading the texts";
	return FAILURE_NONE;
}

enum failure_code
store_search(struct store *s, char *const words[], int count, int64_t rows,
    store_row *row, void *ctx)
{
	struct buf		query = BUF_INIT(ANSWER_MAX);
	enum failure_code	rc;
	int			i, failed = 0;

	for (i = 0; i < count && failed == 0; i++) {
		if (i > 0)
			failed = buf_puts(&query, "\x1f");
		if (failed == 0)
			failed = buf_puts(&query, words[i]);
	}
	if (failed == -1)
		rc = pg_refuse(s, FAILURE_STORAGE, "%s", strerror(errno));
	else
		rc = store_rows(s, STATEMENT_SEARCH, row, ctx,
		    ARGS(ARG_TEXT(query.data, query.len), ARG_INT(rows)));
	buf_free(&query);
	return rc;
}
