/*
 * The team's knowledge in a file: an FTS5 table with its own content.
 */
#include <stdlib.h>

#include "store/knowledge.h"
#include "store/sqlite/db.h"

enum {
	HITS = 1024,		/* passages in the first table */
	MERGE_PAGES = 500,	/* of one transaction: some 20 ms */
	MERGE_CHANGES = 2
};

/* As in lib/knowledge/similar.c, but for the length of a passage. */
#define TITLE_TIMES	2.0
#define SATURATION	0.9

#define TEXT(t)	ARG_TEXT((t).text, (t).len)

enum failure_code
store_knowledge_there(struct store *s, bool *there)
{
	int64_t			n = 0;
	enum failure_code	rc;

	rc = store_run(s, STATEMENT_KNOWLEDGE_THERE, &n, NO_ARGS);
	*there = rc == FAILURE_NONE && n > 0;
	return rc;
}

enum failure_code
db_make_knowledge(struct store *s)
{
	enum failure_code	rc;
	bool			there;

	if ((rc = store_knowledge_there(s, &there)) != FAILURE_NONE || there)
		return rc;
	return sqlite3_exec(s->db, store_statements[
	    STATEMENT_KNOWLEDGE_CREATE], NULL, NULL, NULL) == SQLITE_OK ?
	    FAILURE_NONE : db_fail(s, s->path);
}

enum failure_code
store_knowledge_make(struct store *s)
{
	enum failure_code	rc;
	bool			there;

	if ((rc = store_knowledge_there(s, &there)) != FAILURE_NONE || there ||
	    (rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	return db_end(s, db_make_knowledge(s));
}

enum failure_code
store_knowledge_read(struct store *s)
{
	return store_run(s, STATEMENT_KNOWLEDGE_READ, NULL, NO_ARGS);
}

void
store_knowledge_read_end(struct store *s)
{
	/* Fails only if an error has ended the transaction already. */
	(void)store_run(s, STATEMENT_KNOWLEDGE_READ_END, NULL, NO_ARGS);
}

enum failure_code
store_words(struct store *s, struct store_word *w, size_t count,
    int64_t *passages)
{
	enum failure_code	rc;
	size_t			i;

	rc = store_run(s, STATEMENT_PASSAGES_COUNT, passages, NO_ARGS);
	for (i = 0; rc == FAILURE_NONE && i < count; i++)
		rc = store_run(s, STATEMENT_WORD_PASSAGES, &w[i].passages,
		    ARGS(ARG_TEXT(w[i].text, w[i].len)));
	return rc;
}

/* What is known of a passage that holds some of the words. */
struct hit {
	int64_t	passage;		/* 0: the place is free */
	double	value;
};

/* A table of passages that grows; its size is a power of two. */
struct hits {
	struct hit	*hit;
	size_t		 size, count;
};

static struct hit *
db_hit_place(const struct hits *h, int64_t passage)
{
	size_t	i = (size_t)((uint64_t)passage * UINT64_C(11400714819323198485)
		    >> 32) & (h->size - 1);

	while (h->hit[i].passage != 0 && h->hit[i].passage != passage)
		i = (i + 1) & (h->size - 1);
	return &h->hit[i];
}

/* Doubles the table when half of it is in use.  Returns false: no memory. */
static bool
db_hits_grow(struct hits *h)
{
	struct hits	more = { NULL, h->size == 0 ? HITS : 2 * h->size, 0 };
	size_t		i;

	if (h->size > 0 && 2 * h->count < h->size)
		return true;
	if ((more.hit = calloc(more.size, sizeof(*more.hit))) == NULL)
		return false;
	for (i = 0; i < h->size; i++) {
		if (h->hit[i].passage != 0)
			*db_hit_place(&more, h->hit[i].passage) = h->hit[i];
	}
	more.count = h->count;
	free(h->hit);
	*h = more;
	return true;
}

/* Adds what a word is worth that stands in a passage so often. */
static bool
db_hit_add(struct hits *h, int64_t passage, double value, double times)
{
	struct hit	*hit;

	if (times <= 0)
		return true;
	if (!db_hits_grow(h))
		return false;
	hit = db_hit_place(h, passage);
	h->count += hit->passage == 0;
	hit->passage = passage;
	hit->value += value * times / (times + SATURATION);
	return true;
}

/*
 * Reads where a word stands.  This takes a fifth of the time of FTS5's own
 * rank, which looks up the length of each passage.
 */
static enum failure_code
db_hits_read(struct store *s, const struct store_word *w, struct hits *h)
{
	sqlite3_stmt	*st;
	const char	*column;
	int64_t		 last = 0, passage;
	double		 times = 0;
	bool		 good = true;
	int		 rc;

	st = db_bound(s, STATEMENT_HITS, ARGS(ARG_TEXT(w->text, w->len)));
	if (st == NULL)
		return db_fail(s, s->path);
	while (good && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		passage = sqlite3_column_int64(st, 0);
		if (passage != last) {
			good = db_hit_add(h, last, w->value, times);
			last = passage;
			times = 0;
		}
		column = (const char *)sqlite3_column_text(st, 1);
		times += column != NULL && *column == 't' ? TITLE_TIMES : 1;
	}
	if (good)
		good = db_hit_add(h, last, w->value, times);
	if (!good) {
		(void)sqlite3_reset(st);
		return FAILURE_INTERNAL;
	}
	return db_done(s, st, rc);
}

/* Whether a passage is better than another one: by value, then by id. */
static bool
db_hit_is_better(const struct hit *a, const struct hit *b)
{
	return a->value > b->value ||
	    (a->value >= b->value && a->passage < b->passage);
}

/* Puts the best passages in front, in their order.  Returns how many. */
static size_t
db_hits_best(const struct hits *h, struct hit *best, size_t most)
{
	size_t	i, j, count = 0;

	for (i = 0; i < h->size; i++) {
		if (h->hit[i].passage == 0 || (count == most &&
		    !db_hit_is_better(&h->hit[i], &best[count - 1])))
			continue;
		j = count < most ? count++ : count - 1;
		for (; j > 0 && db_hit_is_better(&h->hit[i], &best[j - 1]); j--)
			best[j] = best[j - 1];
		best[j] = h->hit[i];
	}
	return count;
}

enum failure_code
store_candidates(struct store *s, const struct store_word *w, size_t count,
    int64_t most, store_row *row, void *ctx)
{
	struct hits		 h = { NULL, 0, 0 };
	struct hit		*best;
	enum failure_code	 rc = FAILURE_NONE;
	size_t			 i, n = 0;

	if ((best = calloc((size_t)most, sizeof(*best))) == NULL)
		return FAILURE_INTERNAL;
	for (i = 0; rc == FAILURE_NONE && i < count; i++)
		rc = db_hits_read(s, &w[i], &h);
	if (rc == FAILURE_NONE)
		n = db_hits_best(&h, best, (size_t)most);
	for (i = 0; rc == FAILURE_NONE && i < n; i++)
		rc = store_rows(s, STATEMENT_CANDIDATES, row, ctx,
		    ARGS(ARG_INT(best[i].passage)));
	free(best);
	free(h.hit);
	return rc;
}

enum failure_code
store_learn_begin(struct store *s)
{
	return db_begin(s);
}

enum failure_code
store_learn_end(struct store *s, enum failure_code rc)
{
	return db_end(s, rc);
}

enum failure_code
store_passage_delete(struct store *s, int64_t id)
{
	static const enum statement	all[] = {
		STATEMENT_INDEX_DELETE, STATEMENT_PASSAGE_UNASK,
		STATEMENT_PASSAGE_DELETE
	};
	enum failure_code		rc = FAILURE_NONE;
	size_t				i;

	for (i = 0; rc == FAILURE_NONE && i < sizeof(all) / sizeof(all[0]);
	    i++)
		rc = store_run(s, all[i], NULL, ARGS(ARG_INT(id)));
	return rc;
}

enum failure_code
store_index_put(struct store *s, int64_t id, const struct store_index *x)
{
	enum failure_code	rc;

	rc = store_run(s, STATEMENT_INDEX_DELETE, NULL, ARGS(ARG_INT(id)));
	return rc != FAILURE_NONE ? rc : store_run(s, STATEMENT_INDEX_ADD,
	    NULL, ARGS(ARG_INT(id), TEXT(x->title), TEXT(x->body),
	    TEXT(x->asked)));
}

enum failure_code
store_index_optimize(struct store *s)
{
	enum failure_code	rc;

	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	return db_end(s, store_run(s, STATEMENT_INDEX_OPTIMIZE, NULL,
	    NO_ARGS));
}

/*
 * The first merge takes all parts of the index, the others go on with it.  One
 * that changes nothing but the table's own row has nothing left to do.
 */
enum failure_code
store_index_merge(struct store *s)
{
	enum failure_code	rc = FAILURE_NONE;
	int64_t			pages = -MERGE_PAGES;
	int			before, changed = MERGE_CHANGES;

	while (rc == FAILURE_NONE && changed >= MERGE_CHANGES) {
		if ((rc = db_begin(s)) != FAILURE_NONE)
			return rc;
		before = sqlite3_total_changes(s->db);
		rc = db_end(s, store_run(s, STATEMENT_INDEX_MERGE, NULL,
		    ARGS(ARG_INT(pages))));
		changed = sqlite3_total_changes(s->db) - before;
		pages = MERGE_PAGES;
	}
	return rc;
}

enum failure_code
store_knowledge_check(struct store *s, bool full, void (*fault)(void *,
    const char *), void *ctx)
{
	enum failure_code	rc;

	rc = store_faults(s, STATEMENT_CHECK_KNOWLEDGE, fault, ctx);
	if (rc != FAILURE_NONE || !full || sqlite3_db_readonly(s->db, "main"))
		return rc;
	/* It is a write for SQLite, although it changes nothing. */
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	if (db_end(s, store_run(s, STATEMENT_INDEX_CHECK, NULL, NO_ARGS)) ==
	    FAILURE_NONE)
		return FAILURE_NONE;
	fault(ctx, "PassageIndex: it does not match its words, and is made "
	    "anew");
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	return db_end(s, store_run(s, STATEMENT_INDEX_REBUILD, NULL,
	    NO_ARGS));
}
