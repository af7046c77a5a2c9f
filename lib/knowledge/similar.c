/*
 * Retrieval.  The terms of the ticket are looked up; the rare ones, as many as
 * a budget of rows allows, choose candidates; each candidate is scored by its
 * terms, and counts if it shares enough that is rare.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "knowledge/clean.h"
#include "knowledge/similar.h"
#include "knowledge/synonyms.h"
#include "knowledge/terms.h"
#include "store/knowledge.h"

enum {
	TERMS_MAX = 2000,	/* different terms of a ticket */
	SLOTS = 4096,		/* of the table that finds them again */
	ASKED_MAX = 64,		/* terms that choose candidates */
	ASKED_MIN = 3,		/* as many whatever they cost */
	/* Rows of the index: half of all passages, between these.  More find
	   nothing better. */
	BUDGET_LEAST = 20000, BUDGET_MOST = 50000,
	CANDIDATES = 50,
	FEW = 20,		/* with fewer passages nothing would be rare:
				   they are valued as if there were so many */
	NUMBERS_MAX = 8		/* terms with a digit that count for the
				   floor: a log has thousands */
};

#define RARE_ENOUGH	0.05	/* the least value of a term */
#define CODE_VALUE	2.0
#define TITLE_TIMES	2.0
#define SATURATION	1.2
#define LENGTH_SHARE	0.5
#define USUAL_LENGTH	60.0	/* terms of a passage */
#define WHOLE_TICKET	0.8	/* so much of a short ticket is enough */

struct wanted {
	char	 text[TERM_MAX + 1];
	double	 weight;
	bool	 common, code;
	int	 group;		/* of synonyms, which count once; 0: none */
};

struct search {
	const struct synonyms	*synonyms;
	struct wanted		*wanted;
	struct store_word	*word;		/* of the same index */
	short			 slot[SLOTS];	/* index + 1; 0: free */
	size_t			 count;
	int			 numbers;
	size_t			 asked[ASKED_MAX];	/* the chosen ones */
	size_t			 asked_count;
	double			 one;		/* a word of a single passage */
	double			 need;		/* the floor */
	double			 floor;
	struct {
		int64_t	 id;
		double	 score, mass;
	}			 found[CANDIDATES];
	size_t			 found_count;
};

/* The slot of a term in the table: where it is, or would be. */
static short *
similar_slot(struct search *x, const char *text, size_t len)
{
	uint32_t	h = 2166136261u;
	size_t		i;

	for (i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619u;
	for (i = h % SLOTS; x->slot[i] != 0 && strcmp(x->wanted[x->slot[i] -
	    1].text, text) != 0; i = (i + 1) % SLOTS)
		;
	return &x->slot[i];
}

/* Adds a term that the ticket, or (with `group') a synonym, has. */
static bool
similar_want(struct search *x, const struct term *t, int group)
{
	short		*slot = similar_slot(x, t->text, t->len);
	struct wanted	*w;

	if (*slot != 0 || t->len > TERM_MAX)
		return true;
	if (x->count == TERMS_MAX)
		return false;
	w = &x->wanted[x->count];
	memcpy(w->text, t->text, t->len);
	w->text[t->len] = '\0';
	w->weight = t->weight;
	w->code = t->code;
	w->group = group;
	x->word[x->count].passages = STORE_UNCOUNTED;
	w->common = t->common || (t->digit && ++x->numbers > NUMBERS_MAX);
	x->word[x->count].text = w->text;
	x->word[x->count].len = t->len;
	*slot = (short)++x->count;
	return true;
}

static bool
similar_take(void *context, const struct term *t)
{
	struct search	*x = context;
	struct term	 other = *t;
	const char	*text = NULL;
	const int	 group = synonyms_find(x->synonyms, t->text, t->len);
	size_t		 n = 0;

	if (!similar_want(x, t, group))
		return false;
	while (group != 0 &&
	    (text = synonyms_member(x->synonyms, group, n++)) != NULL) {
		other.text = text;
		other.len = strlen(text);
		if (!similar_want(x, &other, group))
			return false;
	}
	return true;
}

/*
 * Values the terms, and sums up those that the floor counts: of a group of
 * synonyms only the best one.
 */
static double
similar_value(struct search *x, int64_t passages)
{
	double	total = 0, best;
	size_t	i, j;

	if (passages < FEW)
		passages = FEW;
	x->one = log((double)passages + 1);
	for (i = 0; i < x->count; i++) {
		const double	 df = x->word[i].passages == STORE_UNCOUNTED ?
				    (double)passages :
				    (double)x->word[i].passages;
		const double	 rare = log(((double)passages - df + 0.5) /
				    (df + 0.5));
		double		*v = &x->word[i].value;

		*v = x->wanted[i].weight * (df == 0 ? x->one :
		    rare > RARE_ENOUGH ? rare : RARE_ENOUGH);
		if (x->wanted[i].code && df > 0)
			*v *= CODE_VALUE;
	}
	for (i = 0; i < x->count; i++) {
		if (x->wanted[i].common)
			continue;
		best = x->word[i].value;
		for (j = 0; x->wanted[i].group != 0 && j < x->count; j++) {
			if (x->wanted[j].group != x->wanted[i].group || j == i)
				continue;
			/* Counted with the first one; what is not known counts
			   only if none of them is. */
			if (j < i)
				best = 0;
			else if (best > 0 && x->word[j].passages != 0 &&
			    (x->word[i].passages == 0 ||
			    x->word[j].value > best))
				best = x->word[j].value;
		}
		total += best;
	}
	return total;
}

/*
 * Counts the terms, as far as it matters, values them, and sets the floor.
 */
static enum failure_code
similar_weigh(struct store *s, struct search *x, int64_t passages,
    int64_t budget)
{
	enum failure_code	rc;
	double			whole;

	if ((rc = store_words(s, x->word, x->count, ASKED_MIN, budget)) !=
	    FAILURE_NONE)
		return rc;
	/* A term that was not counted is worth more, if anything. */
	whole = WHOLE_TICKET * similar_value(x, passages);
	if (x->floor > 0 && whole < x->floor * x->one) {
		if ((rc = store_words(s, x->word, x->count, 0, INT64_MAX)) !=
		    FAILURE_NONE)
			return rc;
		whole = WHOLE_TICKET * similar_value(x, passages);
	}
	x->need = x->floor * x->one < whole ? x->floor * x->one : whole;
	if (x->floor <= 0)
		x->need = 0;
	return FAILURE_NONE;
}

static const struct search	*similar_sorting;

/* By how many passages hold it, then by its bytes. */
static int
similar_compare(const void *a, const void *b)
{
	const struct search	*x = similar_sorting;
	const size_t		 i = *(const size_t *)a, j = *(const size_t *)b;

	if (x->word[i].passages != x->word[j].passages)
		return x->word[i].passages < x->word[j].passages ? -1 : 1;
	return strcmp(x->wanted[i].text, x->wanted[j].text);
}

/* Chooses the terms that look for candidates.  Returns -1: no memory. */
static int
similar_choose(struct search *x, int64_t budget)
{
	size_t	*order, i, n = 0;
	int64_t	 rows = 0;

	if ((order = malloc((x->count + 1) * sizeof(*order))) == NULL)
		return -1;
	for (i = 0; i < x->count; i++) {
		if (x->word[i].passages > 0)
			order[n++] = i;
	}
	similar_sorting = x;
	qsort(order, n, sizeof(*order), similar_compare);
	for (i = 0; i < n && i < ASKED_MAX; i++) {
		rows += x->word[order[i]].passages;
		if (i >= ASKED_MIN && rows > budget)
			break;
		x->asked[x->asked_count++] = order[i];
	}
	free(order);
	return 0;
}

/* Counts the wanted terms in a list of terms, and all of its terms. */
static size_t
similar_count(struct search *x, const struct cell *c, double times, double *tf)
{
	const char	*p = c->text == NULL ? "" : c->text;
	const char	*end = p + (c->text == NULL ? 0 : c->len);
	char		 term[TERM_MAX + 1];
	size_t		 len, terms_count = 0;
	short		*slot;

	for (; p < end; p += len + 1) {
		const char	*blank = memchr(p, ' ', (size_t)(end - p));

		len = (size_t)((blank == NULL ? end : blank) - p);
		if (len == 0)
			continue;
		terms_count++;
		if (len > TERM_MAX)
			continue;
		memcpy(term, p, len);
		term[len] = '\0';
		slot = similar_slot(x, term, len);
		if (*slot != 0)
			tf[*slot - 1] += times;
	}
	return terms_count;
}

/* Scores a candidate: id, words of the title, of the text, of tickets. */
static bool
similar_score(void *context, const struct cell *c, int cells)
{
	static double	 tf[TERMS_MAX];
	struct search	*x = context;
	double		 norm, score = 0, mass = 0;
	size_t		 i, j, len;

	(void)cells;
	memset(tf, 0, sizeof(tf));
	len = similar_count(x, &c[1], TITLE_TIMES, tf);
	len += similar_count(x, &c[2], 1, tf);
	(void)similar_count(x, &c[3], 1, tf);
	norm = 1 - LENGTH_SHARE + LENGTH_SHARE * (double)len / USUAL_LENGTH;
	for (i = 0; i < x->asked_count; i++) {
		const size_t	w = x->asked[i];
		bool		better = false;

		if (tf[w] == 0)
			continue;
		/* Of synonyms the most valuable one. */
		for (j = 0; x->wanted[w].group != 0 && j < x->asked_count;
		    j++) {
			const size_t	o = x->asked[j];

			better |= o != w && tf[o] > 0 &&
			    x->wanted[o].group == x->wanted[w].group &&
			    (x->word[o].value > x->word[w].value ||
			    (x->word[o].value >= x->word[w].value && j < i));
		}
		if (better)
			continue;
		score += x->word[w].value * tf[w] * (SATURATION + 1) /
		    (tf[w] + SATURATION * norm);
		if (!x->wanted[w].common)
			mass += x->word[w].value;
	}
	if (mass < x->need || (mass <= 0 && x->floor > 0) ||
	    x->found_count == CANDIDATES)
		return true;
	x->found[x->found_count].id = store_cell_number(&c[0]);
	x->found[x->found_count].score = score;
	x->found[x->found_count++].mass = mass / x->one;
	return true;
}

/* The index of the best candidate that is left; found_count: none is. */
static size_t
similar_best(const struct search *x)
{
	size_t	i, best = x->found_count;

	for (i = 0; i < x->found_count; i++) {
		if (x->found[i].id != 0 && (best == x->found_count ||
		    x->found[i].score > x->found[best].score ||
		    (x->found[i].score >= x->found[best].score &&
		    x->found[i].id < x->found[best].id)))
			best = i;
	}
	return best;
}

/* For reading the passages that were chosen. */
struct reading {
	struct notes	*notes;
	size_t		 bytes;
	bool		 failed;	/* no memory */
};

static char *
similar_copy(const struct cell *c, bool *failed)
{
	char	*text;

	if (c->text == NULL)
		text = strdup("");
	else
		text = strndup(c->text, c->len);
	*failed |= text == NULL;
	return text;
}

/* A row of PASSAGE. */
static bool
similar_read(void *context, const struct cell *c, int cells)
{
	struct reading	*r = context;
	struct note	*n = &r->notes->note[r->notes->count];

	(void)cells;
	/* What is too long for the rest is left out; something shorter behind
	   it may fit. */
	if (r->bytes + c[3].len > KNOWLEDGE_BYTES)
		return true;
	r->bytes += c[3].len;
	n->name = similar_copy(&c[0], &r->failed);
	n->title = similar_copy(&c[1], &r->failed);
	n->url = similar_copy(&c[2], &r->failed);
	n->text = similar_copy(&c[3], &r->failed);
	n->ticket = store_cell_number(&c[4]);
	r->notes->count++;
	return true;
}

/* Looks the terms up, and reads the best passages, in one transaction. */
static enum failure_code
similar_search(struct store *s, struct search *x, size_t most,
    struct notes *out)
{
	struct store_word	 asked[ASKED_MAX];
	struct reading		 r = { .notes = out };
	enum failure_code	 rc;
	int64_t			 passages = 0, budget;
	size_t			 i, best, before;

	if ((rc = store_passages_count(s, &passages)) != FAILURE_NONE ||
	    passages == 0)
		return rc;
	budget = passages / 2;
	if (budget < BUDGET_LEAST)
		budget = BUDGET_LEAST;
	if (budget > BUDGET_MOST)
		budget = BUDGET_MOST;
	if ((rc = similar_weigh(s, x, passages, budget)) != FAILURE_NONE)
		return rc;
	if (similar_choose(x, budget) == -1)
		return FAILURE_INTERNAL;
	if (x->asked_count == 0)
		return FAILURE_NONE;
	for (i = 0; i < x->asked_count; i++)
		asked[i] = x->word[x->asked[i]];
	rc = store_candidates(s, asked, x->asked_count, CANDIDATES,
	    similar_score, x);
	while (rc == FAILURE_NONE && out->count < most &&
	    (best = similar_best(x)) < x->found_count) {
		before = out->count;
		rc = store_passage(s, x->found[best].id, similar_read, &r);
		if (out->count > before) {
			out->note[before].passage = x->found[best].id;
			out->note[before].score = x->found[best].mass;
		}
		x->found[best].id = 0;
	}
	return r.failed ? FAILURE_INTERNAL : rc;
}

/* Reads the terms of the ticket. */
static enum failure_code
similar_terms(struct search *x, const char *text, size_t len)
{
	struct buf	b = BUF_INIT(CLEAN_MAX);

	x->wanted = calloc(TERMS_MAX, sizeof(*x->wanted));
	x->word = calloc(TERMS_MAX, sizeof(*x->word));
	if (x->wanted == NULL || x->word == NULL ||
	    clean(text, len, &b) == -1) {
		buf_free(&b);
		return FAILURE_INTERNAL;
	}
	if (b.len > 0)
		terms(b.data, b.len, similar_take, x);
	buf_free(&b);
	return FAILURE_NONE;
}

enum failure_code
knowledge_similar(struct store *s, const struct settings *settings,
    const char *text, size_t len, size_t most, struct notes *out)
{
	struct search		*x;
	struct synonyms		*synonyms = NULL;
	enum failure_code	 rc;
	bool			 there;

	memset(out, 0, sizeof(*out));
	if (settings->number[SETTING_KNOWLEDGE] == 0 || most == 0)
		return FAILURE_NONE;
	if ((rc = store_knowledge_there(s, &there)) != FAILURE_NONE || !there)
		return rc;
	if (most > NOTES_MAX)
		most = NOTES_MAX;
	if ((x = calloc(1, sizeof(*x))) == NULL)
		return FAILURE_INTERNAL;
	/* A file that cannot be read costs some hits, and is told at start. */
	x->synonyms = synonyms = synonyms_read(
	    settings->text[SETTING_KNOWLEDGE_SYNONYMS], NULL);
	x->floor = (double)settings->number[SETTING_KNOWLEDGE_FLOOR] / 1000;
	if ((rc = similar_terms(x, text, len)) == FAILURE_NONE && x->count >
	    0 && (rc = store_knowledge_read(s)) == FAILURE_NONE) {
		rc = similar_search(s, x, most, out);
		store_knowledge_read_end(s);
	}
	free(x->wanted);
	free(x->word);
	free(x);
	synonyms_free(synonyms);
	return rc;
}
