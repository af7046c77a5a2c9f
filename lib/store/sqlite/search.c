/*
 * Full-text search with a temporary FTS5 table.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/limit.h"
#include "base/utf8.h"
#include "store/sqlite/db.h"
#include "text/fold.h"

enum {
	SEARCH_WORD = 256,	/* bytes of a folded word */
	SEARCH_CHAR = 4		/* bytes of a character, at most */
};

/* What FTS5 calls for each token: its text, and where it stands. */
typedef int search_token(void *, int flags, const char *, int len, int from,
    int to);

/* A word, while a text is divided. */
struct search_word {
	search_token	*token;
	void		*context;
	char		 text[SEARCH_WORD];
	size_t		 len;
	size_t		 from, to;	/* bytes of the text */
	int		 rc;		/* SQLite's */
};

static bool
db_search_tell(struct search_word *w)
{
	if (w->len > 0)
		w->rc = w->token(w->context, 0, w->text, (int)w->len,
		    (int)w->from, (int)w->to);
	w->len = 0;
	return w->rc == SQLITE_OK;
}

/* Takes a folded character.  In scripts without spaces each one is a word, so
   that any part of a run can be searched for. */
static bool
db_search_take(void *context, uint32_t c, size_t from, size_t to)
{
	struct search_word	*w = context;
	const enum fold_kind	 kind = fold_kind(c);
	const bool		 alone = fold_spaceless(c);

	if (kind == FOLD_OTHER || (kind == FOLD_MARK && w->len == 0 && !alone))
		return db_search_tell(w);
	if (alone && !db_search_tell(w))
		return false;
	if (w->len == 0)
		w->from = from;
	if (w->len + SEARCH_CHAR <= sizeof(w->text))
		w->len += utf8_encode(c, w->text + w->len);
	w->to = to;
	return !alone || db_search_tell(w);
}

static int
db_search_divide(Fts5Tokenizer *t, void *context, int flags, const char *text,
    int len, search_token *token)
{
	struct search_word	w = { .token = token, .context = context,
				    .rc = SQLITE_OK };

	(void)t;
	(void)flags;
	fold_text(text, (size_t)len, db_search_take, &w);
	if (w.rc == SQLITE_OK)
		(void)db_search_tell(&w);
	return w.rc;
}

/* The tokenizer has no state: SQLite gets any pointer that is not NULL. */
static int
db_search_create(void *context, const char **arguments, int count,
    Fts5Tokenizer **out)
{
	static char	any;

	(void)context;
	(void)arguments;
	(void)count;
	*out = (Fts5Tokenizer *)(void *)&any;
	return SQLITE_OK;
}

static void
db_search_delete(Fts5Tokenizer *t)
{
	(void)t;
}

/* Gives this connection the tokenizer that folds words as lib/text/fold.h. */
static enum failure_code
db_search_fold(struct store *s)
{
	static fts5_tokenizer	 folded = {
		db_search_create, db_search_delete, db_search_divide
	};
	fts5_api		*api = db_fts5(s);

	return api != NULL && api->xCreateTokenizer(api, "folded", NULL,
	    &folded, NULL) == SQLITE_OK ? FAILURE_NONE : db_fail(s, "search");
}

enum failure_code
store_search_begin(struct store *s, void (*progress)(void *, const char *,
    int64_t, int64_t), void *context)
{
	enum failure_code	rc;
	int64_t			all = 0, done = 0, next = 0;

	if ((rc = db_search_fold(s)) != FAILURE_NONE ||
	    (rc = store_run(s, STATEMENT_SEARCH_TEXTS, NULL, NO_ARGS)) !=
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
