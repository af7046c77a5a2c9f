/*
 * Good answers as knowledge.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "knowledge/answers.h"
#include "store/knowledge.h"
#include "text/cite.h"

enum {
	PART = 50,		/* answers that are read at a time */
	SETTLE_MAX = 5,		/* how often one is settled again */
	NAME_MAX_BYTES = 40
};

/* Lends the ticket's words to the passages that the answer cited. */
static enum failure_code
answers_ask(struct store *s, int64_t session)
{
	struct store_ids	p = { .count = 0 };
	enum failure_code	rc;
	size_t			i;

	if ((rc = store_cited(s, session, store_ids_add, &p)) !=
	    FAILURE_NONE || p.count == 0)
		return rc;
	if ((rc = store_learn_begin(s)) != FAILURE_NONE)
		return rc;
	for (i = 0; i < p.count && rc == FAILURE_NONE; i++) {
		rc = store_asked_add(s, p.id[i], session);
		if (rc == FAILURE_NONE)
			rc = learn_index(s, p.id[i]);
	}
	return store_learn_end(s, rc);
}

/*
 * Learns an answer as the document "Ticket N", in place of an older one of the
 * ticket, and lends the ticket's words to the passages that it cited.  The
 * document has no citations: they would name other notes in another prompt.
 * All texts are valid UTF-8.
 */
static enum failure_code
answers_learn(struct learning *l, struct store *s, int64_t session,
    int64_t ticket, const char *text, size_t len, const char *answer,
    size_t answer_len)
{
	struct buf		 b = BUF_INIT(answer_len + 1);
	char			 name[NAME_MAX_BYTES];
	struct cut		 c;
	struct learn_document	 d = { .name = name, .source = ANSWERS_SOURCE,
				    .cut = &c, .url = "", .question = text,
				    .question_len = len, .ticket = ticket,
				    .session = session };
	enum failure_code	 rc = FAILURE_NONE;

	(void)snprintf(name, sizeof(name), "Ticket %" PRId64, ticket);
	if (text_uncited(answer, answer_len, &b) == -1) {
		buf_free(&b);
		return FAILURE_INTERNAL;
	}
	/* What is too long for a document is left out. */
	if (cut(CUT_MARKDOWN, b.len == 0 ? "" : b.data, b.len, name, name,
	    &c) == 0)
		rc = learn_document(l, &d);
	else if (errno == ENOMEM)
		rc = FAILURE_INTERNAL;
	cut_free(&c);
	buf_free(&b);
	return rc != FAILURE_NONE ? rc : answers_ask(s, session);
}

/* Takes back what answers_learn did: the document, and the words. */
static enum failure_code
answers_unlearn(struct store *s, int64_t session)
{
	struct store_ids	p = { .count = 0 };
	enum failure_code	rc;
	int64_t			document = 0;
	bool			there;
	size_t			i;

	if ((rc = store_knowledge_there(s, &there)) != FAILURE_NONE || !there)
		return rc;
	if ((rc = store_document_of_session(s, session, &document)) !=
	    FAILURE_NONE || (rc = store_asked_of(s, session, store_ids_add,
	    &p)) != FAILURE_NONE || (document == 0 && p.count == 0))
		return rc;
	if ((rc = store_learn_begin(s)) != FAILURE_NONE)
		return rc;
	if (document != 0)
		rc = store_document_delete(s, document);
	for (i = 0; i < p.count && rc == FAILURE_NONE; i++) {
		rc = store_asked_delete(s, p.id[i], session);
		if (rc == FAILURE_NONE)
			rc = learn_index(s, p.id[i]);
	}
	return store_learn_end(s, rc);
}

/* An answer that was read. */
struct good {
	int64_t	 session, ticket;
	char	*text, *answer;
	size_t	 len, answer_len;
};

struct goods {
	struct good	good[PART];
	size_t		count;
	bool		failed;		/* no memory */
};

static char *
answers_copy(const struct cell *c, size_t *len)
{
	*len = c->text == NULL ? 0 : c->len;
	return strndup(c->text == NULL ? "" : c->text, *len);
}

static bool
answers_read(void *context, const struct cell *c, int cells)
{
	struct goods	*g = context;
	struct good	*to;

	(void)cells;
	if (g->count == PART)
		return true;
	to = &g->good[g->count++];
	to->session = store_cell_number(&c[0]);
	to->ticket = store_cell_number(&c[1]);
	to->text = answers_copy(&c[2], &to->len);
	to->answer = answers_copy(&c[3], &to->answer_len);
	g->failed |= to->text == NULL || to->answer == NULL;
	return true;
}

static void
answers_free(struct goods *g)
{
	while (g->count > 0) {
		g->count--;
		free(g->good[g->count].text);
		free(g->good[g->count].answer);
	}
}

/* Learns or unlearns an answer, by what the database says now.  Sets *good. */
static enum failure_code
answers_settle_once(struct store *s, int64_t session, bool written, bool *good)
{
	struct goods		 g = { .count = 0 };
	struct good		*a = &g.good[0];
	struct learning		*l = NULL;
	struct learn_counts	 counts;
	enum failure_code	 rc, ended;

	rc = store_good_answer(s, session, written, answers_read, &g);
	*good = rc == FAILURE_NONE && g.count > 0;
	if (g.failed)
		rc = FAILURE_INTERNAL;
	if (rc == FAILURE_NONE && !*good)
		rc = answers_unlearn(s, session);
	if (rc == FAILURE_NONE && *good) {
		rc = learn_begin(s, &l);
		if (rc == FAILURE_NONE)
			rc = answers_learn(l, s, session, a->ticket, a->text,
			    a->len, a->answer, a->answer_len);
		ended = learn_end(l, &counts);
		rc = rc == FAILURE_NONE ? ended : rc;
	}
	answers_free(&g);
	return rc;
}

enum failure_code
answers_settle(struct store *s, int64_t session, bool written)
{
	enum failure_code	rc;
	bool			good, before;
	int			i;

	rc = answers_settle_once(s, session, written, &good);
	for (i = 0; i < SETTLE_MAX && rc == FAILURE_NONE; i++) {
		before = good;
		rc = answers_settle_once(s, session, written, &good);
		if (good == before)
			break;
	}
	return rc;
}

/* Unlearns the answers that taught something and are not good any more. */
static enum failure_code
answers_unlearn_bad(struct store *s)
{
	struct store_ids	sessions;
	struct goods		g;
	enum failure_code	rc;
	int64_t			last = 0;
	size_t			i;

	do {
		sessions.count = 0;
		rc = store_teachers(s, last, STORE_IDS_MAX, store_ids_add,
		    &sessions);
		for (i = 0; i < sessions.count && rc == FAILURE_NONE; i++) {
			last = sessions.id[i];
			g.count = 0;
			g.failed = false;
			rc = store_good_answer(s, last, false, answers_read,
			    &g);
			if (rc == FAILURE_NONE && g.count == 0)
				rc = answers_settle(s, last, false);
			answers_free(&g);
		}
	} while (rc == FAILURE_NONE && sessions.count == STORE_IDS_MAX);
	return rc;
}

enum failure_code
answers_sweep(struct store *s)
{
	enum failure_code	rc;
	bool			there;

	if ((rc = store_knowledge_there(s, &there)) != FAILURE_NONE || !there)
		return rc;
	rc = answers_unlearn_bad(s);
	return rc != FAILURE_NONE ? rc : learn_sweep(s, true);
}

/* The tickets with a good answer. */
struct kept {
	int64_t	*ticket;
	size_t	 count, size;
};

static bool
answers_add(struct kept *k, int64_t ticket)
{
	int64_t	*more;

	if (k->count == k->size) {
		k->size = k->size == 0 ? 64 : 2 * k->size;
		more = realloc(k->ticket, k->size * sizeof(*more));
		if (more == NULL)
			return false;
		k->ticket = more;
	}
	k->ticket[k->count++] = ticket;
	return true;
}

static int
answers_compare(const void *a, const void *b)
{
	const int64_t	x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Whether a document, by its name, comes from one of the tickets. */
static bool
answers_keep(void *context, const char *name, size_t len)
{
	const struct kept	*k = context;
	int64_t			 ticket = 0;
	const size_t		 word = strlen("Ticket ");

	return len > word && number_read(name + word, len - word, INT64_MAX,
	    &ticket) && k->count > 0 && bsearch(&ticket, k->ticket, k->count,
	    sizeof(ticket), answers_compare) != NULL;
}

enum failure_code
answers_learn_all(struct learning *l, struct store *s)
{
	struct kept		 kept = { NULL, 0, 0 };
	struct goods		 g;
	enum failure_code	 rc;
	int64_t			 last = 0;
	size_t			 i;
	bool			 more;

	do {
		memset(&g, 0, sizeof(g));
		rc = store_good_answers(s, last, PART, answers_read, &g);
		if (g.failed)
			rc = FAILURE_INTERNAL;
		for (i = 0; i < g.count; i++) {
			struct good	*a = &g.good[i];

			last = a->session;
			if (rc == FAILURE_NONE && !answers_add(&kept,
			    a->ticket))
				rc = FAILURE_INTERNAL;
			if (rc == FAILURE_NONE)
				rc = answers_learn(l, s, a->session, a->ticket,
				    a->text, a->len, a->answer,
				    a->answer_len);
		}
		more = g.count == PART;
		answers_free(&g);
	} while (rc == FAILURE_NONE && more);
	if (rc == FAILURE_NONE) {
		if (kept.count > 0)
			qsort(kept.ticket, kept.count, sizeof(int64_t),
			    answers_compare);
		rc = learn_prune(l, ANSWERS_SOURCE, answers_keep, &kept);
	}
	free(kept.ticket);
	return rc != FAILURE_NONE ? rc : answers_unlearn_bad(s);
}
