/*
 * The team's knowledge in a file: an FTS5 table with its own content.
 */
#include <stdlib.h>

#include "store/knowledge.h"
#include "store/sqlite/db.h"

enum {
	COUNT_FIRST = 300,	/* passages of a word that is not common */
	MERGE_PAGES = 100,	/* of one transaction; with fewer nearly all of
				   its time is the commit */
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

/* How the passages that hold a word are visited. */
struct visit {
	int		(*each)(const Fts5ExtensionApi *, Fts5Context *,
			    void *visit);
	int64_t		 count, most;
	int64_t		 reached;	/* behind so many: this passage */
	struct hits	*hits;
	double		 value;
};

/*
 * The function visit_passages.  FTS5 calls it for the first passage, and it
 * calls each() for all of them.  The rows of fts5vocab, with the columns in
 * which a word stands, take twice the time, and cannot be left early.
 */
static void
db_visit_all(const Fts5ExtensionApi *api, Fts5Context *fts,
    sqlite3_context *result, int count, sqlite3_value **values)
{
	struct visit	**v = api->xUserData(fts);
	int		  rc = SQLITE_OK;

	(void)count;
	(void)values;
	/* What FTS5 takes apart is in no passage as one word. */
	if (api->xPhraseSize(fts, 0) == 1)
		rc = api->xQueryPhrase(fts, 0, *v, (*v)->each);
	if (rc != SQLITE_OK)
		sqlite3_result_error_code(result, rc);
}

static enum failure_code
db_visit(struct store *s, const struct store_word *w, struct visit *v)
{
	static struct visit	*now;	/* one at a time */
	enum failure_code	 rc;
	fts5_api		*api;

	if (s->statement[STATEMENT_WORD] == NULL &&
	    ((api = db_fts5(s)) == NULL || api->xCreateFunction(api,
	    "visit_passages", (void *)&now, db_visit_all, NULL) != SQLITE_OK))
		return db_fail(s, s->path);
	now = v;
	rc = store_run(s, STATEMENT_WORD, NULL,
	    ARGS(ARG_TEXT(w->text, w->len)));
	now = NULL;
	return rc;
}

static int
db_visit_count(const Fts5ExtensionApi *api, Fts5Context *fts, void *visit)
{
	struct visit	*v = visit;

	if (++v->count <= v->most)
		return SQLITE_OK;
	v->reached = api->xRowid(fts);
	return SQLITE_DONE;
}

/* A word that stands in many passages. */
struct common {
	struct store_word	*word;
	int64_t			 reached;	/* the last one that was seen */
};

/* The one that is met less often first. */
static int
db_common_compare(const void *a, const void *b)
{
	const struct common	*x = a, *y = b;

	return x->reached > y->reached ? -1 : x->reached < y->reached;
}

/* What is known of the words that are counted. */
struct counted {
	size_t	words;
	int64_t	rows, largest;
};

static enum failure_code
db_count(struct store *s, struct store_word *w, struct visit *v,
    struct counted *c)
{
	enum failure_code	rc;

	v->count = 0;
	if ((rc = db_visit(s, w, v)) != FAILURE_NONE || v->count > v->most)
		return rc;
	w->passages = v->count;
	c->words += v->count > 0;
	c->rows += v->count;
	if (v->count > c->largest)
		c->largest = v->count;
	return FAILURE_NONE;
}

/*
 * Looks at the beginning of each word's passages.  Then follows those words
 * that have more, about the rarest first, and none further than it may matter.
 */
enum failure_code
store_words(struct store *s, struct store_word *w, size_t count, size_t least,
    int64_t rows)
{
	struct visit		 v = { .each = db_visit_count };
	struct counted		 c = { 0, 0, 0 };
	struct common		*more;
	enum failure_code	 rc = FAILURE_NONE;
	size_t			 i, n = 0;

	if ((more = calloc(count + 1, sizeof(*more))) == NULL)
		return FAILURE_INTERNAL;
	v.most = rows == INT64_MAX ? rows : COUNT_FIRST;
	for (i = 0; rc == FAILURE_NONE && i < count; i++) {
		if (w[i].passages != STORE_UNCOUNTED)
			continue;
		rc = db_count(s, &w[i], &v, &c);
		if (w[i].passages == STORE_UNCOUNTED)
			more[n++] = (struct common){ &w[i], v.reached };
	}
	qsort(more, n, sizeof(*more), db_common_compare);
	for (i = 0; rc == FAILURE_NONE && i < n; i++) {
		/* What is in more passages than this is in more than any word
		   that is counted, and with them in more than `rows'. */
		v.most = c.words < least ? INT64_MAX :
		    c.largest > rows - c.rows ? c.largest : rows - c.rows;
		if (v.most > COUNT_FIRST)
			rc = db_count(s, more[i].word, &v, &c);
	}
	free(more);
	return rc;
}

/* What is known of a passage that holds some of the words. */
struct hit {
	int64_t	passage;
	double	value;
};

/* Passages in the order of their ids, and the same ones with those of another
   word, while it is visited. */
struct hits {
	struct hit	*hit, *next;
	size_t		 count, next_count;
	size_t		 taken;		/* of `hit' into `next' */
};

/* Takes those in front of a passage. */
static void
db_hits_take(struct hits *h, int64_t passage)
{
	while (h->taken < h->count && h->hit[h->taken].passage < passage)
		h->next[h->next_count++] = h->hit[h->taken++];
}

/* Adds what a word is worth that stands in a passage so often. */
static void
db_hits_add(struct hits *h, int64_t passage, double value, double times)
{
	struct hit	hit = { passage, 0 };

	db_hits_take(h, passage);
	if (h->taken < h->count && h->hit[h->taken].passage == passage)
		hit = h->hit[h->taken++];
	hit.value += value * times / (times + SATURATION);
	h->next[h->next_count++] = hit;
}

/* Values a passage by where the word stands in it.  There is no room for more
   passages than were counted. */
static int
db_visit_hit(const Fts5ExtensionApi *api, Fts5Context *fts, void *visit)
{
	struct visit	*v = visit;
	Fts5PhraseIter	 at;
	double		 times = 0;
	int		 column, place, rc;

	if (++v->count > v->most)
		return SQLITE_INTERNAL;
	for (rc = api->xPhraseFirst(fts, 0, &at, &column, &place);
	    rc == SQLITE_OK && column >= 0;
	    api->xPhraseNext(fts, &at, &column, &place))
		times += column == 0 ? TITLE_TIMES : 1;
	if (rc == SQLITE_OK)
		db_hits_add(v->hits, api->xRowid(fts), v->value, times);
	return rc;
}

static enum failure_code
db_hits_read(struct store *s, const struct store_word *w, struct hits *h)
{
	struct visit		 v = { .each = db_visit_hit, .hits = h,
				    .most = w->passages, .value = w->value };
	struct hit		*last = h->hit;
	enum failure_code	 rc;

	h->taken = h->next_count = 0;
	rc = db_visit(s, w, &v);
	db_hits_take(h, INT64_MAX);
	h->hit = h->next;
	h->count = h->next_count;
	h->next = last;
	return rc;
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

	for (i = 0; i < h->count; i++) {
		if (count == most &&
		    !db_hit_is_better(&h->hit[i], &best[count - 1]))
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
	struct hits		 h = { NULL, NULL, 0, 0, 0 };
	struct hit		*best;
	enum failure_code	 rc = FAILURE_INTERNAL;
	size_t			 i, n = 0, all = 1;

	for (i = 0; i < count; i++)
		all += (size_t)w[i].passages;
	best = calloc((size_t)most, sizeof(*best));
	h.hit = malloc(all * sizeof(*h.hit));
	h.next = malloc(all * sizeof(*h.next));
	if (best != NULL && h.hit != NULL && h.next != NULL)
		rc = FAILURE_NONE;
	for (i = 0; rc == FAILURE_NONE && i < count; i++)
		rc = db_hits_read(s, &w[i], &h);
	if (rc == FAILURE_NONE)
		n = db_hits_best(&h, best, (size_t)most);
	for (i = 0; rc == FAILURE_NONE && i < n; i++)
		rc = store_rows(s, STATEMENT_CANDIDATES, row, ctx,
		    ARGS(ARG_INT(best[i].passage)));
	free(best);
	free(h.hit);
	free(h.next);
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
store_documents_find(struct store *s, const struct store_text names[],
    size_t count, store_row *row, void *ctx)
{
	enum failure_code	rc = FAILURE_NONE;
	size_t			i;

	for (i = 0; rc == FAILURE_NONE && i < count; i++)
		rc = store_rows(s, STATEMENT_DOCUMENT_FIND, row, ctx,
		    ARGS(TEXT(names[i]), ARG_INT((int64_t)i)));
	return rc;
}

enum failure_code
store_documents_put(struct store *s, const struct store_document d[],
    size_t count, int64_t id[], store_row *row, void *ctx)
{
	enum failure_code	rc = FAILURE_NONE;
	size_t			i;

	for (i = 0; rc == FAILURE_NONE && i < count; i++) {
		rc = store_run(s, STATEMENT_DOCUMENT_PUT, &id[i],
		    ARGS(TEXT(d[i].name), TEXT(d[i].source), TEXT(d[i].hash),
		    TEXT(d[i].title), TEXT(d[i].url), TEXT(d[i].question),
		    ARG_INT(d[i].ticket), ARG_INT(d[i].session)));
		if (rc == FAILURE_NONE && id[i] != 0)
			rc = store_rows(s, STATEMENT_DOCUMENT_PASSAGES, row,
			    ctx, ARGS(ARG_INT(id[i]), ARG_INT((int64_t)i)));
	}
	return rc;
}

enum failure_code
store_passage_add(struct store *s, int64_t document,
    const struct store_passage *p)
{
	enum failure_code	rc;
	int64_t			id;

	rc = store_run(s, STATEMENT_PASSAGE_ADD, &id, ARGS(ARG_INT(document),
	    TEXT(p->title), TEXT(p->text), TEXT(p->hash)));
	return rc != FAILURE_NONE ? rc : store_index_put(s, id, &p->words);
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
