/*
 * The team's knowledge on a server: texts, a tsvector made of their words, and
 * a table of how many passages hold each word.
 */
#include <stdio.h>
#include <string.h>

#include "json/jsonw.h"
#include "store/knowledge.h"
#include "store/postgres/pg.h"

enum {
	WORDS_BYTES = 1 << 20,
	PASSAGES_MANY = 200,	/* are sent together, or */
	PASSAGES_BYTES = 1 << 20,	/* those that are so long */
	JSON_BYTES = 1 << 26,
	/* Passages that may match: each of them is valued by the server, which
	   is slower than SQLite's rank. */
	MATCHES_MAX = 10000,
	MATCHES_WORDS = 3	/* so many words whatever they match */
};

#define TEXT(t)	ARG_TEXT((t).text, (t).len)

enum failure_code
store_knowledge_there(struct store *s, bool *there)
{
	(void)s;
	*there = true;
	return FAILURE_NONE;
}

enum failure_code
store_knowledge_make(struct store *s)
{
	(void)s;
	return FAILURE_NONE;
}

enum failure_code
store_knowledge_read(struct store *s)
{
	enum failure_code	rc;

	if ((rc = pg_begin(s)) != FAILURE_NONE)
		return rc;
	rc = pg_run(s, STATEMENT_KNOWLEDGE_READ, NULL, NULL);
	if (rc == FAILURE_NONE)
		rc = pg_run(s, STATEMENT_KNOWLEDGE_TIME, NULL, NULL);
	return rc == FAILURE_NONE ? rc : pg_end(s, rc);
}

void
store_knowledge_read_end(struct store *s)
{
	if (s->inside)
		(void)pg_end(s, FAILURE_NONE);
}

/* Joins words by blanks; in quotes each one is a tsquery. */
static bool
pg_words(struct buf *b, const struct store_word *w, size_t count,
    const char *quote)
{
	size_t	i;

	/* A word has only letters, digits and marks: nothing in it is
	   syntax. */
	for (i = 0; i < count; i++) {
		if ((i > 0 && buf_puts(b, " ") == -1) ||
		    buf_puts(b, quote) == -1 ||
		    buf_add(b, w[i].text, w[i].len) == -1 ||
		    buf_puts(b, quote) == -1)
			return false;
	}
	return true;
}

enum failure_code
store_words(struct store *s, struct store_word *w, size_t count, size_t least,
    int64_t rows)
{
	struct buf		b = BUF_INIT(WORDS_BYTES);
	struct pg_args		a = { .count = 0 };
	enum failure_code	rc = FAILURE_INTERNAL;
	PGresult		*res = NULL;
	size_t			i;

	(void)least;
	(void)rows;
	for (i = 0; i < count && w[i].passages != STORE_UNCOUNTED; i++)
		;
	if (i == count)
		return FAILURE_NONE;
	if (pg_words(&b, w, count, "")) {
		pg_text(&a, b.data, b.len);
		rc = pg_query(s, STATEMENT_WORDS, &a, &res);
	}
	for (i = 0; rc == FAILURE_NONE && i < count &&
	    (int)i < PQntuples(res); i++)
		w[i].passages = pg_number(res, (int)i, 0);
	PQclear(res);
	buf_free(&b);
	return rc;
}

enum failure_code
store_candidates(struct store *s, const struct store_word *w, size_t count,
    int64_t most, store_row *row, void *ctx)
{
	struct buf		words = BUF_INIT(WORDS_BYTES),
				values = BUF_INIT(WORDS_BYTES);
	enum failure_code	rc = FAILURE_INTERNAL;
	char			number[40];
	int64_t			matches = 0;
	size_t			i;
	bool			good = true;

	for (i = 0; good && i < count; i++) {
		(void)snprintf(number, sizeof(number), "%s%.6f",
		    i == 0 ? "" : " ", w[i].value);
		good = buf_puts(&values, number) == 0;
	}
	/* The rare ones come first. */
	for (i = 0; i < count && (i < MATCHES_WORDS || matches +
	    w[i].passages <= MATCHES_MAX); i++)
		matches += w[i].passages;
	if (good && pg_words(&words, w, count, "'"))
		rc = store_rows(s, STATEMENT_CANDIDATES, row, ctx,
		    ARGS(ARG_INT((int64_t)i),
		    ARG_TEXT(words.data, words.len),
		    ARG_TEXT(values.data, values.len), ARG_INT(most)));
	buf_free(&words);
	buf_free(&values);
	return rc;
}

/* Sends the passages that wait. */
static enum failure_code
pg_passages_send(struct store *s)
{
	enum failure_code	rc;

	if (s->passage_count == 0)
		return FAILURE_NONE;
	s->passage_count = 0;
	rc = buf_puts(&s->passages, "]") == -1 ?
	    pg_refuse(s, FAILURE_STORAGE, "no memory") :
	    store_run(s, STATEMENT_PASSAGES_ADD, NULL,
	    ARGS(ARG_TEXT(s->passages.data, s->passages.len)));
	buf_clear(&s->passages);
	return rc;
}

static void
pg_json_text(struct jsonw *w, const char *key, struct store_text t)
{
	jsonw_string(w, key, t.text, t.len);
}

enum failure_code
store_passage_add(struct store *s, int64_t document,
    const struct store_passage *p)
{
	struct jsonw	w;

	s->passages.cap = JSON_BYTES;
	if (buf_puts(&s->passages, s->passage_count == 0 ? "[" : ",") == -1)
		return pg_refuse(s, FAILURE_STORAGE, "no memory");
	jsonw_begin(&w, &s->passages);
	jsonw_object(&w, NULL);
	jsonw_int(&w, "document", document);
	pg_json_text(&w, "title", p->title);
	pg_json_text(&w, "text", p->text);
	pg_json_text(&w, "hash", p->hash);
	pg_json_text(&w, "head", p->words.title);
	pg_json_text(&w, "body", p->words.body);
	pg_json_text(&w, "asked", p->words.asked);
	if (jsonw_end(&w, false) == -1)
		return pg_refuse(s, FAILURE_STORAGE, "no memory");
	return ++s->passage_count < PASSAGES_MANY &&
	    s->passages.len < PASSAGES_BYTES ? FAILURE_NONE :
	    pg_passages_send(s);
}

enum failure_code
store_documents_find(struct store *s, const struct store_text names[],
    size_t count, store_row *row, void *ctx)
{
	struct buf		b = BUF_INIT(JSON_BYTES);
	struct jsonw		w;
	enum failure_code	rc;
	size_t			i;

	jsonw_begin(&w, &b);
	jsonw_array(&w, NULL);
	for (i = 0; i < count; i++)
		pg_json_text(&w, NULL, names[i]);
	rc = jsonw_end(&w, false) == -1 ?
	    pg_refuse(s, FAILURE_STORAGE, "no memory") :
	    store_get(s, STATEMENT_DOCUMENTS_FIND, row, ctx,
	    ARGS(ARG_TEXT(b.data, b.len)));
	buf_free(&b);
	return rc;
}

/* What store_documents_put is told. */
struct put {
	int64_t		*id;
	store_row	*row;
	void		*context;
};

static bool
pg_document_row(void *context, const struct cell *c, int cells)
{
	struct put	*p = context;

	p->id[store_cell_number(&c[2])] = store_cell_number(&c[3]);
	return c[0].text == NULL || p->row(p->context, c, cells);
}

static int
pg_documents(struct buf *b, const struct store_document d[], size_t count)
{
	struct jsonw	w;
	size_t		i;

	jsonw_begin(&w, b);
	jsonw_array(&w, NULL);
	for (i = 0; i < count; i++) {
		jsonw_object(&w, NULL);
		jsonw_int(&w, "n", (int64_t)i);
		pg_json_text(&w, "name", d[i].name);
		pg_json_text(&w, "source", d[i].source);
		pg_json_text(&w, "hash", d[i].hash);
		pg_json_text(&w, "title", d[i].title);
		pg_json_text(&w, "url", d[i].url);
		pg_json_text(&w, "question", d[i].question);
		jsonw_int(&w, "ticket", d[i].ticket);
		jsonw_int(&w, "session", d[i].session);
		jsonw_close(&w);
	}
	return jsonw_end(&w, false);
}

enum failure_code
store_documents_put(struct store *s, const struct store_document d[],
    size_t count, int64_t id[], store_row *row, void *ctx)
{
	struct buf		b = BUF_INIT(JSON_BYTES);
	struct put		p = { id, row, ctx };
	enum failure_code	rc;

	memset(id, 0, count * sizeof(*id));
	rc = pg_documents(&b, d, count) == -1 ?
	    pg_refuse(s, FAILURE_STORAGE, "no memory") :
	    store_get(s, STATEMENT_DOCUMENTS_PUT, pg_document_row, &p,
	    ARGS(ARG_TEXT(b.data, b.len)));
	buf_free(&b);
	return rc;
}

enum failure_code
store_learn_begin(struct store *s)
{
	enum failure_code	rc;

	s->passage_count = 0;
	buf_clear(&s->passages);
	if ((rc = pg_begin(s)) != FAILURE_NONE)
		return rc;
	rc = pg_run(s, STATEMENT_KNOWLEDGE_LOCK, NULL, NULL);
	return rc == FAILURE_NONE ? rc : pg_end(s, rc);
}

enum failure_code
store_learn_end(struct store *s, enum failure_code rc)
{
	return pg_end(s, rc != FAILURE_NONE ? rc : pg_passages_send(s));
}

enum failure_code
store_passage_delete(struct store *s, int64_t id)
{
	return store_run(s, STATEMENT_PASSAGE_DELETE, NULL, ARGS(ARG_INT(id)));
}

enum failure_code
store_index_put(struct store *s, int64_t id, const struct store_index *x)
{
	return store_run(s, STATEMENT_INDEX_PUT, NULL, ARGS(ARG_INT(id),
	    TEXT(x->title), TEXT(x->body), TEXT(x->asked)));
}

enum failure_code
store_index_optimize(struct store *s)
{
	return pg_alone(s, STATEMENT_INDEX_OPTIMIZE, NULL, NULL);
}

enum failure_code
store_index_merge(struct store *s)
{
	return pg_alone(s, STATEMENT_INDEX_MERGE, NULL, NULL);
}

/* Counts the words anew. */
static enum failure_code
pg_count_words(struct store *s)
{
	enum failure_code	rc;

	if ((rc = store_learn_begin(s)) != FAILURE_NONE)
		return rc;
	rc = store_run(s, STATEMENT_INDEX_CLEAR, NULL, NO_ARGS);
	if (rc == FAILURE_NONE)
		rc = store_run(s, STATEMENT_INDEX_REBUILD, NULL, NO_ARGS);
	return store_learn_end(s, rc);
}

enum failure_code
store_knowledge_check(struct store *s, bool full, void (*fault)(void *,
    const char *), void *ctx)
{
	enum failure_code	rc;
	int64_t			wrong = 0;

	rc = store_faults(s, STATEMENT_CHECK_KNOWLEDGE, fault, ctx);
	if (rc == FAILURE_NONE && full)
		rc = store_run(s, STATEMENT_INDEX_CHECK, &wrong, NO_ARGS);
	if (rc != FAILURE_NONE || wrong == 0)
		return rc;
	fault(ctx, "PassageWords: it does not match the passages, and is made "
	    "anew");
	return pg_count_words(s);
}
