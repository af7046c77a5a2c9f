/*
 * Learning.  Documents wait until there are some of them; then the database is
 * asked which ones are known.  The others are folded, and wait until there are
 * enough; then they are written in short transactions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/limit.h"
#include "knowledge/clean.h"
#include "text/fold.h"
#include "knowledge/learn.h"
#include "knowledge/terms.h"
#include "store/knowledge.h"
#include "text/siphash.h"

enum {
	HASH_MAX = 2 * SIPHASH_128 + 1,
	WORDS_MAX = 1 << 20,	/* bytes of a passage's words */
	STAGE_SHIFT = 40	/* bits of the time in a stage's number */
};

/* A passage that waits. */
struct waiting_passage {
	char		*title, *text;
	struct buf	 title_words, words;
	char		 hash[HASH_MAX];
};

/* A document that waits, with its asked words. */
struct waiting {
	struct waiting		*next;
	char			*name, *source, *title, *url, *question;
	char			 hash[HASH_MAX];
	int64_t			 ticket, session;
	struct buf		 asked;
	size_t			 count;
	struct waiting_passage	 passage[];
};

struct learning {
	struct store		*store;
	/* Of which it is not known yet whether they are new. */
	struct waiting		*asked[STORE_DOCUMENTS_MAX];
	size_t			 asked_count, asked_passages;
	struct waiting		*first, **last;		/* to be written */
	size_t			 waiting;	/* passages */
	bool			 purge;
	int64_t			 stage;		/* negative: in place of a
						   document's id */
	struct learn_counts	 counts;
	learn_moved		*moved;
	void			*context;
};

static struct store_text
learn_text(const char *s)
{
	struct store_text	t = { s, strlen(s) };

	return t;
}

static struct store_text
learn_buf(const struct buf *b)
{
	struct store_text	t = { b->len == 0 ? "" : b->data, b->len };

	return t;
}

/* A hash of several texts, with a NUL behind each.  Only tells whether they
   have changed, so that the key is no secret. */
static int
learn_hash(const char *const texts[], size_t count, char hash[HASH_MAX])
{
	static const unsigned char	key[SIPHASH_KEY];
	struct buf			b = BUF_INIT(64 * 1024 * 1024);
	unsigned char			out[SIPHASH_128];
	size_t				i;
	int				rc = 0;

	for (i = 0; i < count && rc == 0; i++)
		rc = buf_add(&b, texts[i], strlen(texts[i]) + 1);
	if (rc == 0) {
		siphash_128(key, b.data, b.len, out);
		for (i = 0; i < sizeof(out); i++)
			(void)snprintf(hash + 2 * i, 3, "%02x", out[i]);
	}
	buf_free(&b);
	return rc;
}

/* The hash of a document with all of its passages. */
static int
learn_document_hash(const struct learn_document *d, const char *question,
    char hash[HASH_MAX])
{
	const char	**all;
	size_t		  i, n = 0;
	int		  rc;

	all = malloc((2 * d->cut->count + 3) * sizeof(*all));
	if (all == NULL)
		return -1;
	all[n++] = d->cut->title;
	all[n++] = d->url;
	all[n++] = question;
	for (i = 0; i < d->cut->count; i++) {
		all[n++] = d->cut->passage[i].title;
		all[n++] = d->cut->passage[i].text;
	}
	rc = learn_hash(all, n, hash);
	free(all);
	return rc;
}

static void
learn_free(struct waiting *w)
{
	size_t	i;

	for (i = 0; i < w->count; i++) {
		free(w->passage[i].title);
		free(w->passage[i].text);
		buf_free(&w->passage[i].title_words);
		buf_free(&w->passage[i].words);
	}
	buf_free(&w->asked);
	free(w->name);
	free(w->source);
	free(w->title);
	free(w->url);
	free(w->question);
	free(w);
}

/* Appends the words of a ticket that a passage answered. */
static int
learn_asked(const char *text, size_t len, struct buf *asked)
{
	struct buf	b = BUF_INIT(CLEAN_MAX);
	int		rc;

	if ((rc = clean(text, len, &b)) == 0 && b.len > 0)
		rc = terms_join_distinct(b.data, b.len, ASKED_WORDS, asked);
	buf_free(&b);
	return rc;
}

/* Copies a document.  NULL: no memory. */
static struct waiting *
learn_copy(const struct learn_document *d)
{
	struct waiting	*w;
	size_t		 i;
	bool		 failed;

	w = calloc(1, sizeof(*w) + d->cut->count * sizeof(w->passage[0]));
	if (w == NULL)
		return NULL;
	w->asked.cap = WORDS_MAX;
	w->name = strdup(d->name);
	w->source = strdup(d->source);
	w->title = strdup(d->cut->title);
	w->url = strdup(d->url);
	w->question = strndup(d->question, d->question_len);
	w->ticket = d->ticket;
	w->session = d->session;
	failed = w->name == NULL || w->source == NULL || w->title == NULL ||
	    w->url == NULL || w->question == NULL ||
	    learn_document_hash(d, w->question, w->hash) == -1;
	for (i = 0; i < d->cut->count && !failed; i++) {
		const struct cut_passage	*from = &d->cut->passage[i];
		struct waiting_passage		*p = &w->passage[i];

		w->count++;
		p->title_words.cap = p->words.cap = WORDS_MAX;
		p->title = strdup(from->title);
		p->text = strndup(from->text, from->len);
		failed = p->title == NULL || p->text == NULL;
	}
	if (!failed)
		return w;
	learn_free(w);
	return NULL;
}

/* Folds a document's texts.  Returns 0; -1: no memory. */
static int
learn_fold(struct waiting *w)
{
	size_t	i;
	int	rc;

	rc = learn_asked(w->question, strlen(w->question), &w->asked);
	for (i = 0; i < w->count && rc == 0; i++) {
		struct waiting_passage	*p = &w->passage[i];

		if (terms_join(p->title, strlen(p->title), &p->title_words) ==
		    -1 || terms_join(p->text, strlen(p->text), &p->words) ==
		    -1 || learn_hash((const char *const []){ p->title, p->text,
		    w->question }, 3, p->hash) == -1)
			rc = -1;
	}
	return rc;
}

/* The passages that a document has. */
struct had {
	struct {
		int64_t	id;
		char	hash[HASH_MAX];
		bool	kept;
	}	passage[2 * PASSAGES_MAX];
	size_t	count;
};

static bool
learn_had(void *context, const struct cell *c, int cells)
{
	struct had	*h = context;

	(void)cells;
	if (h->count == 2 * PASSAGES_MAX)
		return true;
	h->passage[h->count].id = store_cell_number(&c[0]);
	h->passage[h->count].kept = false;
	(void)snprintf(h->passage[h->count++].hash, HASH_MAX, "%.*s",
	    (int)c[1].len, c[1].text == NULL ? "" : c[1].text);
	return true;
}

/* The same for several documents: with the number of its own in the row. */
static bool
learn_had_of(void *context, const struct cell *c, int cells)
{
	struct had	*all = context;

	return learn_had(&all[store_cell_number(&c[2])], c, cells);
}

/* Keeps a passage that is there already.  Returns its id; 0: there is none. */
static int64_t
learn_keep(struct had *h, const char *hash)
{
	size_t	i;

	for (i = 0; i < h->count; i++) {
		if (!h->passage[i].kept &&
		    strcmp(h->passage[i].hash, hash) == 0) {
			h->passage[i].kept = true;
			return h->passage[i].id;
		}
	}
	return 0;
}

static enum failure_code
learn_add(struct store *s, int64_t document, const struct waiting *w, size_t i)
{
	const struct waiting_passage	*p = &w->passage[i];
	const struct store_passage	 to = {
		learn_text(p->title), learn_text(p->text), learn_text(p->hash),
		{ learn_buf(&p->title_words), learn_buf(&p->words),
		learn_buf(&w->asked) }
	};

	return store_passage_add(s, document, &to);
}

/*
 * Adds the new passages of a document that is too large for one transaction, as
 * passages without a document: nobody finds them, and a sweep removes them if
 * we are killed.
 */
static enum failure_code
learn_stage(struct learning *l, const struct waiting *w)
{
	static struct had	h;
	const struct store_text	name = learn_text(w->name);
	struct store_ids	document = { .count = 0 };
	enum failure_code	rc;
	int64_t			began;
	size_t			i = 0, added;

	h.count = 0;
	rc = store_documents_find(l->store, &name, 1, store_ids_add,
	    &document);
	if (rc == FAILURE_NONE && document.count > 0)
		rc = store_document_passages(l->store, document.id[0],
		    learn_had, &h);
	while (i < w->count && rc == FAILURE_NONE) {
		if ((rc = store_learn_begin(l->store)) != FAILURE_NONE)
			return rc;
		began = clock_us();
		for (added = 0; i < w->count && rc == FAILURE_NONE &&
		    added < LEARN_BATCH && clock_us() - began < LEARN_MS *
		    INT64_C(1000); i++) {
			if (learn_keep(&h, w->passage[i].hash) != 0)
				continue;
			rc = learn_add(l->store, l->stage, w, i);
			added++;
		}
		rc = store_learn_end(l->store, rc);
	}
	return rc;
}

/* Takes what is left of a document's old passages away from it.  Deleting many
   takes long: the rest is swept. */
static enum failure_code
learn_drop(struct store *s, const struct had *h)
{
	enum failure_code	rc = FAILURE_NONE;
	size_t			i, deleted = 0;

	for (i = 0; i < h->count && rc == FAILURE_NONE; i++) {
		if (h->passage[i].kept)
			continue;
		rc = deleted++ < LEARN_BATCH ?
		    store_passage_delete(s, h->passage[i].id) :
		    store_passage_move(s, h->passage[i].id, 0);
	}
	return rc;
}

/* Writes the passages of a document that has these.  What has not changed keeps
   its id, and with it the tickets that it answered. */
static enum failure_code
learn_passages(struct learning *l, const struct waiting *w, int64_t id,
    struct had *h)
{
	static struct had	 staged;
	enum failure_code	 rc = FAILURE_NONE;
	int64_t			 there;
	size_t			 i;

	staged.count = 0;
	if (w->count > LEARN_BATCH)
		rc = store_document_passages(l->store, l->stage, learn_had,
		    &staged);
	for (i = 0; i < w->count && rc == FAILURE_NONE; i++) {
		if (learn_keep(h, w->passage[i].hash) != 0)
			continue;
		/* What a sweep has removed meanwhile is added once more. */
		there = learn_keep(&staged, w->passage[i].hash);
		rc = there != 0 ? store_passage_move(l->store, there, id) :
		    learn_add(l->store, id, w, i);
	}
	return rc != FAILURE_NONE ? rc : learn_drop(l->store, h);
}

/* Writes some documents in the current transaction. */
static enum failure_code
learn_write(struct learning *l, const struct waiting *w, size_t count)
{
	static struct had	 h[STORE_DOCUMENTS_MAX];
	struct store_document	 d[STORE_DOCUMENTS_MAX] = {
		{ .ticket = 0 }
	};
	int64_t			 id[STORE_DOCUMENTS_MAX];
	const struct waiting	*next = w;
	enum failure_code	 rc;
	size_t			 i;

	for (i = 0; i < count; i++, next = next->next) {
		h[i].count = 0;
		d[i] = (struct store_document){
			learn_text(next->name), learn_text(next->source),
			learn_text(next->hash), learn_text(next->title),
			learn_text(next->url), learn_text(next->question),
			next->ticket, next->session
		};
	}
	rc = store_documents_put(l->store, d, count, id, learn_had_of, h);
	for (i = 0; i < count && rc == FAILURE_NONE; i++, w = w->next) {
		/* 0: another process learnt a note of its name. */
		if (id[i] != 0)
			rc = learn_passages(l, w, id[i], &h[i]);
	}
	return rc;
}

/* Whether one of the documents from `from' on up to w has its name. */
static bool
learn_named(const struct waiting *from, const struct waiting *w)
{
	while (from != w && strcmp(from->name, w->name) != 0)
		from = from->next;
	return from != w;
}

/*
 * How many documents from w on are written together in a transaction that has
 * `passages' and began with `from'; 0: it is full.  Two of one name are not in
 * one transaction.
 */
static size_t
learn_together(const struct waiting *from, const struct waiting *w,
    size_t passages)
{
	size_t	n = 0, more = 0;

	for (; w != NULL && n < STORE_DOCUMENTS_MAX &&
	    more < STORE_DOCUMENTS_MAX; w = w->next, n++) {
		if (w != from && (passages + w->count > LEARN_BATCH ||
		    learn_named(from, w)))
			break;
		passages += w->count;
		more += w->count;
	}
	return n;
}

/* Writes what comes first, in a transaction that is short.  Sets *end to what
   comes next. */
static enum failure_code
learn_transaction(struct learning *l, struct waiting **end)
{
	struct waiting		*w = l->first;
	enum failure_code	 rc;
	size_t			 n, i, passages = 0;
	const int64_t		 began = clock_us();

	if ((rc = store_learn_begin(l->store)) != FAILURE_NONE)
		return rc;
	while (rc == FAILURE_NONE && (w == l->first || clock_us() - began <
	    LEARN_MS * INT64_C(1000)) &&
	    (n = learn_together(l->first, w, passages)) > 0) {
		rc = learn_write(l, w, n);
		for (i = 0; i < n; i++, w = w->next)
			passages += w->count;
	}
	*end = w;
	return store_learn_end(l->store, rc);
}

/* Writes what waits. */
static enum failure_code
learn_flush(struct learning *l)
{
	enum failure_code	 rc = FAILURE_NONE;
	struct waiting		*from, *end;

	while (l->first != NULL && rc == FAILURE_NONE) {
		if (l->first->count > LEARN_BATCH)
			rc = learn_stage(l, l->first);
		if (rc == FAILURE_NONE)
			rc = learn_transaction(l, &end);
		for (from = l->first; rc == FAILURE_NONE && from != end;
		    from = l->first) {
			l->first = from->next;
			l->waiting -= from->count;
			learn_free(from);
		}
	}
	if (l->first == NULL)
		l->last = &l->first;
	return rc;
}

/* What is known of the names that are asked for. */
struct known {
	const struct learning	*learning;
	struct {
		int64_t	 id;
		bool	 same;
		char	*moved;		/* from this source; owned */
	}	name[STORE_DOCUMENTS_MAX];
	bool	failed;
};

/* Whether a cell has this text. */
static bool
learn_is(const struct cell *c, const char *text)
{
	return c->text != NULL && c->len == strlen(text) &&
	    memcmp(c->text, text, c->len) == 0;
}

static bool
learn_know(void *context, const struct cell *c, int cells)
{
	struct known		*k = context;
	const size_t		 n = (size_t)store_cell_number(&c[3]);
	const struct waiting	*w = k->learning->asked[n];

	(void)cells;
	k->name[n].id = store_cell_number(&c[0]);
	k->name[n].same = learn_is(&c[1], w->hash);
	/* The second time if a server is asked again. */
	if (k->name[n].moved == NULL && !learn_is(&c[2], w->source) &&
	    (k->name[n].moved = strndup(c[2].text == NULL ? "" : c[2].text,
	    c[2].len)) == NULL)
		k->failed = true;
	return true;
}

/* Takes a document, unless it is known as it is, by what is known of its name.
   Returns whether it is to be written. */
static bool
learn_is_new(struct learning *l, const struct waiting *w, int64_t id,
    bool same, const char *moved)
{
	if (moved != NULL && l->moved != NULL)
		l->moved(l->context, w->name, moved, w->source);
	if (moved != NULL && w->session != 0) {
		l->counts.taken++;
		return false;
	}
	if (same && moved == NULL) {
		l->counts.same++;
		return false;
	}
	l->counts.passages += (int64_t)w->count;
	l->counts.added += id == 0;
	l->counts.replaced += id != 0;
	return true;
}

/* Asks which documents are known, and lets the others wait to be written. */
static enum failure_code
learn_ask(struct learning *l)
{
	struct known		 k = { .learning = l };
	struct store_text	 names[STORE_DOCUMENTS_MAX];
	enum failure_code	 rc = FAILURE_NONE;
	struct waiting		*w;
	size_t			 i;

	for (i = 0; i < l->asked_count; i++)
		names[i] = learn_text(l->asked[i]->name);
	if (l->asked_count > 0)
		rc = store_documents_find(l->store, names, l->asked_count,
		    learn_know, &k);
	if (rc == FAILURE_NONE && k.failed)
		rc = FAILURE_INTERNAL;
	for (i = 0; i < l->asked_count; i++) {
		w = l->asked[i];
		if (rc == FAILURE_NONE && learn_is_new(l, w, k.name[i].id,
		    k.name[i].same, k.name[i].moved)) {
			*l->last = w;
			l->last = &w->next;
			l->waiting += w->count;
			if (learn_fold(w) == -1)
				rc = FAILURE_INTERNAL;
		} else {
			learn_free(w);
		}
		free(k.name[i].moved);
	}
	l->asked_count = l->asked_passages = 0;
	return rc;
}

enum failure_code
learn_document(struct learning *l, const struct learn_document *d)
{
	enum failure_code	 rc;
	struct waiting		*w;

	if ((w = learn_copy(d)) == NULL)
		return FAILURE_INTERNAL;
	l->asked[l->asked_count++] = w;
	l->asked_passages += w->count;
	if (l->asked_count < STORE_DOCUMENTS_MAX &&
	    l->asked_passages < LEARN_BATCH)
		return FAILURE_NONE;
	if ((rc = learn_ask(l)) != FAILURE_NONE)
		return rc;
	return l->waiting < LEARN_BATCH ? FAILURE_NONE : learn_flush(l);
}

/* Writes all that is not written yet. */
static enum failure_code
learn_finish(struct learning *l)
{
	enum failure_code	rc;

	rc = learn_ask(l);
	return rc != FAILURE_NONE ? rc : learn_flush(l);
}

/* For pruning: which documents of a source are not kept. */
struct pruning {
	bool		(*keep)(void *, const char *, size_t);
	void		*context;
	int64_t		 last;
	struct store_ids gone;
};

static bool
learn_look(void *context, const struct cell *c, int cells)
{
	struct pruning	*p = context;

	(void)cells;
	p->last = store_cell_number(&c[0]);
	if (p->gone.count < STORE_IDS_MAX && !p->keep(p->context,
	    c[1].text == NULL ? "" : c[1].text, c[1].len))
		p->gone.id[p->gone.count++] = p->last;
	return true;
}

void
learn_tell(struct learning *l, learn_moved *moved, void *context)
{
	l->moved = moved;
	l->context = context;
}

void
learn_purge(struct learning *l)
{
	l->purge = true;
}

/* Empties the texts of documents in what answers were given. */
static enum failure_code
learn_purge_texts(struct learning *l, const struct store_ids *gone)
{
	enum failure_code	rc;

	if (!l->purge || gone->count == 0)
		return FAILURE_NONE;
	rc = store_learn_begin(l->store);
	return rc != FAILURE_NONE ? rc : store_learn_end(l->store,
	    store_sources_purge(l->store, gone));
}

enum failure_code
learn_prune(struct learning *l, const char *source, bool (*keep)(void *,
    const char *, size_t), void *context)
{
	struct pruning		p = { .keep = keep, .context = context };
	enum failure_code	rc;
	int64_t			behind;
	size_t			i;

	if ((rc = learn_finish(l)) != FAILURE_NONE)
		return rc;
	do {
		behind = p.last;
		p.gone.count = 0;
		rc = store_documents_of(l->store, learn_text(source), behind,
		    STORE_IDS_MAX, learn_look, &p);
		if (rc == FAILURE_NONE)
			rc = learn_purge_texts(l, &p.gone);
		for (i = 0; rc == FAILURE_NONE && i < p.gone.count; i++) {
			if ((rc = store_learn_begin(l->store)) !=
			    FAILURE_NONE)
				return rc;
			rc = store_learn_end(l->store,
			    store_document_delete(l->store, p.gone.id[i]));
			l->counts.removed += rc == FAILURE_NONE;
		}
	} while (rc == FAILURE_NONE && p.last > behind);
	return rc;
}

/* The words of a passage, while they are made anew. */
struct anew {
	struct buf	title, body, asked;
	bool		there, failed;
};

/* A row of PASSAGE. */
static bool
learn_anew(void *context, const struct cell *c, int cells)
{
	struct anew	*a = context;

	(void)cells;
	a->there = true;
	a->failed = terms_join(c[1].text == NULL ? "" : c[1].text, c[1].len,
	    &a->title) == -1 || terms_join(c[3].text == NULL ? "" : c[3].text,
	    c[3].len, &a->body) == -1 || (c[5].text != NULL &&
	    learn_asked(c[5].text, c[5].len, &a->asked) == -1);
	return true;
}

static bool
learn_ticket(void *context, const struct cell *c, int cells)
{
	struct anew	*a = context;

	(void)cells;
	if (c[0].text != NULL)
		a->failed |= learn_asked(c[0].text, c[0].len, &a->asked) == -1;
	return true;
}

enum failure_code
learn_index(struct store *s, int64_t passage)
{
	struct anew		a = { BUF_INIT(WORDS_MAX), BUF_INIT(WORDS_MAX),
				    BUF_INIT(WORDS_MAX), false, false };
	struct store_index	x;
	enum failure_code	rc;

	rc = store_passage(s, passage, learn_anew, &a);
	if (rc == FAILURE_NONE)
		rc = store_asked_texts(s, passage, learn_ticket, &a);
	x.title = learn_buf(&a.title);
	x.body = learn_buf(&a.body);
	x.asked = learn_buf(&a.asked);
	if (rc == FAILURE_NONE && a.failed)
		rc = FAILURE_INTERNAL;
	if (rc == FAILURE_NONE && a.there)
		rc = store_index_put(s, passage, &x);
	buf_free(&a.title);
	buf_free(&a.body);
	buf_free(&a.asked);
	return rc;
}

/* Indexes all passages anew, some at a time. */
static enum failure_code
learn_all_anew(struct store *s)
{
	struct store_ids	ids = { .count = 0 };
	enum failure_code	rc;
	int64_t			last = 0;
	size_t			i;

	do {
		ids.count = 0;
		rc = store_passages_next(s, last, STORE_IDS_MAX,
		    store_ids_add, &ids);
		if (rc != FAILURE_NONE || ids.count == 0)
			break;
		if ((rc = store_learn_begin(s)) != FAILURE_NONE)
			return rc;
		for (i = 0; i < ids.count && rc == FAILURE_NONE; i++)
			rc = learn_index(s, last = ids.id[i]);
		rc = store_learn_end(s, rc);
	} while (rc == FAILURE_NONE);
	if (rc == FAILURE_NONE &&
	    (rc = store_learn_begin(s)) == FAILURE_NONE)
		rc = store_learn_end(s, store_fold_set(s, FOLD_VERSION));
	return rc;
}

enum failure_code
learn_begin(struct store *s, struct learning **out)
{
	struct learning		*l;
	enum failure_code	 rc;
	int64_t			 version;

	if ((*out = l = calloc(1, sizeof(*l))) == NULL)
		return FAILURE_INTERNAL;
	l->store = s;
	l->last = &l->first;
	l->stage = -((int64_t)getpid() << STAGE_SHIFT | (clock_us() &
	    ((INT64_C(1) << STAGE_SHIFT) - 1)));
	if ((rc = store_knowledge_make(s)) == FAILURE_NONE &&
	    (rc = store_fold(s, &version)) == FAILURE_NONE &&
	    version != FOLD_VERSION)
		rc = learn_all_anew(s);
	return rc;
}

enum failure_code
learn_end(struct learning *l, struct learn_counts *counts)
{
	enum failure_code	 rc;
	struct waiting		*w;

	if (l == NULL)
		return FAILURE_INTERNAL;
	rc = learn_finish(l);
	while ((w = l->first) != NULL) {
		l->first = w->next;
		learn_free(w);
	}
	*counts = l->counts;
	free(l);
	return rc;
}

/* Repairs what one row of orphans names. */
static enum failure_code
learn_repair(struct store *s, enum store_orphans kind, int64_t id,
    int64_t other)
{
	enum failure_code	rc;

	switch (kind) {
	case STORE_ORPHANS_ASKED:
		rc = store_asked_delete(s, id, other);
		return rc != FAILURE_NONE ? rc : learn_index(s, id);
	case STORE_ORPHANS_SOURCES:
		return store_source_delete(s, id, other);
	case STORE_ORPHANS_DOCUMENTS:
		return store_document_delete(s, id);
	case STORE_ORPHANS_PASSAGES:
		return store_passage_delete(s, id);
	case STORE_ORPHANS_INDEX:
	default:
		return learn_index(s, id);
	}
}

static bool
learn_same_ids(const struct store_ids *a, const struct store_ids *b)
{
	return a->count == b->count &&
	    memcmp(a->id, b->id, a->count * sizeof(a->id[0])) == 0 &&
	    memcmp(a->other, b->other, a->count * sizeof(a->other[0])) == 0;
}

/* Repairs all orphans of a kind, some in each transaction, until there are none
   or nothing helps. */
static enum failure_code
learn_sweep_kind(struct store *s, enum store_orphans kind)
{
	struct store_ids	ids, before = { .count = 0 };
	enum failure_code	rc;
	size_t			i;

	do {
		ids.count = 0;
		rc = store_orphans(s, kind, STORE_IDS_MAX, store_ids_add, &ids);
		if (rc != FAILURE_NONE || learn_same_ids(&ids, &before))
			return rc;
		before = ids;
		if ((rc = store_learn_begin(s)) != FAILURE_NONE)
			return rc;
		for (i = 0; i < ids.count && rc == FAILURE_NONE; i++)
			rc = learn_repair(s, kind, ids.id[i], ids.other[i]);
		rc = store_learn_end(s, rc);
	} while (rc == FAILURE_NONE);
	return rc;
}

enum failure_code
learn_sweep(struct store *s, bool words)
{
	static const enum store_orphans	kinds[] = {
		STORE_ORPHANS_DOCUMENTS, STORE_ORPHANS_ASKED,
		STORE_ORPHANS_PASSAGES, STORE_ORPHANS_INDEX,
		STORE_ORPHANS_SOURCES
	};
	enum failure_code		rc;
	bool				there;
	size_t				i;

	if ((rc = store_knowledge_there(s, &there)) != FAILURE_NONE || !there)
		return rc;
	for (i = 0; rc == FAILURE_NONE &&
	    i < sizeof(kinds) / sizeof(kinds[0]); i++)
		rc = learn_sweep_kind(s, kinds[i]);
	return rc != FAILURE_NONE || !words ? rc : store_index_optimize(s);
}
