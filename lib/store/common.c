/*
 * What both stores do in the same way: reports, single numbers, sessions,
 * texts, counts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "json/jsonw.h"
#include "store/knowledge.h"
#include "store/maintain.h"
#include "store/statement.h"
#include "text/text.h"

/* The statement of each report, and its third argument if it has one. */
static const struct {
	enum statement	statement;
	int		by;
} reports[STORE_REPORT__MAX] = {
	[STORE_EXPORT] = { STATEMENT_EXPORT, 0 },
	[STORE_EXPORT_RATINGS] = { STATEMENT_EXPORT_RATINGS, 0 },
	[STORE_EXPORT_SOURCES] = { STATEMENT_EXPORT_SOURCES, 0 },
	[STORE_EVENT] = { STATEMENT_EVENT, 0 },
	[STORE_LIST] = { STATEMENT_LIST, 0 },
	[STORE_SHOW] = { STATEMENT_SHOW, 0 },
	[STORE_SHOW_SOURCES] = { STATEMENT_SHOW_SOURCES, 0 },
	[STORE_HISTORY] = { STATEMENT_HISTORY, 0 },
	[STORE_STATS] = { STATEMENT_STATS, 0 },
	[STORE_STATS_BY_DAY] = { STATEMENT_STATS, 1 },
	[STORE_STATS_BY_MODEL] = { STATEMENT_STATS, 2 },
	[STORE_STATS_BY_PROMPT] = { STATEMENT_STATS, 3 },
	[STORE_ASKS] = { STATEMENT_ASKS, 0 },
	[STORE_METRICS] = { STATEMENT_METRICS, 0 },
	[STORE_HEAD] = { STATEMENT_HEAD, 0 },
	[STORE_AGES] = { STATEMENT_AGES, 0 },
	[STORE_REPORT_ANSWERS] = { STATEMENT_REPORT_ANSWERS, 0 },
	[STORE_REPORT_RATINGS] = { STATEMENT_REPORT_RATINGS, 0 },
	[STORE_REPORT_SOURCES] = { STATEMENT_REPORT_SOURCES, 0 },
	[STORE_REPORT_DOCUMENTS] = { STATEMENT_REPORT_DOCUMENTS, 0 },
	[STORE_REPORT_UNFITTED] = { STATEMENT_REPORT_UNFITTED, 0 },
	[STORE_KNOWLEDGE] = { STATEMENT_KNOWLEDGE, 0 },
};

enum failure_code
store_report(struct store *s, enum store_report which, int64_t arg,
    int64_t rows, store_row *row, void *ctx)
{
	enum failure_code	rc;

	if ((rc = store_report_ready(s)) != FAILURE_NONE)
		return rc;
	return store_rows(s, reports[which].statement, row, ctx,
	    ARGS(ARG_INT(arg), ARG_INT(rows), ARG_INT(reports[which].by)));
}

int64_t
store_cell_number(const struct cell *c)
{
	return c->text == NULL ? 0 : strtoll(c->text, NULL, 10);
}

int
store_cells_json(const struct cell *c, int cells, struct buf *b)
{
	struct jsonw	w;
	int		i;

	jsonw_begin(&w, b);
	jsonw_object(&w, NULL);
	for (i = 0; i < cells; i++) {
		if (c[i].text == NULL)
			jsonw_trusted(&w, c[i].name, "null");
		else if (c[i].number)
			jsonw_trusted(&w, c[i].name, c[i].text);
		else
			jsonw_string(&w, c[i].name, c[i].text, c[i].len);
	}
	return jsonw_end(&w, true);
}

const char *
store_user(const char *who)
{
	static const char	prefix[] = STORE_USER;

	return strncmp(who, prefix, sizeof(prefix) - 1) == 0 ?
	    who + sizeof(prefix) - 1 : NULL;
}

enum failure_code
store_is(struct store *s, enum statement which, int64_t ticket, bool *yes)
{
	enum failure_code	rc;
	int64_t			n = 0;

	rc = store_run(s, which, &n, ARGS(ARG_INT(ticket)));
	*yes = rc == FAILURE_NONE && n > 0;
	return rc;
}

enum failure_code
store_has_ticket(struct store *s, int64_t ticket, bool *there)
{
	return store_is(s, STATEMENT_TICKET_EXISTS, ticket, there);
}

enum failure_code
store_newest(struct store *s, int64_t ticket, int64_t *id)
{
	return store_run(s, STATEMENT_NEWEST_ANSWER, id,
	    ARGS(ARG_INT(ticket)));
}

/* A row of IDENTITY. */
static bool
common_key(void *context, const struct cell *c, int cells)
{
	struct store_key	*k = context;

	(void)cells;
	if (c[0].text != NULL && c[0].len == STORE_IDENTITY &&
	    text_secret(k->secret, c[1].text))
		memcpy(k->id, c[0].text, STORE_IDENTITY + 1);
	return false;
}

/* Reads the row of Identity, unless it is known. */
static enum failure_code
common_read_key(struct store *s)
{
	struct store_key	*k = store_key(s);
	enum failure_code	 rc;

	if (k->id[0] != '\0')
		return FAILURE_NONE;
	rc = store_get(s, STATEMENT_IDENTITY, common_key, k, NO_ARGS);
	return rc != FAILURE_NONE || k->id[0] != '\0' ? rc :
	    store_refuse(s, "the database has no identity");
}

enum failure_code
store_identity(struct store *s, char id[STORE_IDENTITY + 1])
{
	enum failure_code	rc;

	/* A restore of a server's may have changed it since. */
	if (!store_is_file())
		store_key(s)->id[0] = '\0';
	if ((rc = common_read_key(s)) == FAILURE_NONE)
		memcpy(id, store_key(s)->id, STORE_IDENTITY + 1);
	return rc;
}

enum failure_code
store_text_hash(struct store *s, const char *text, size_t len,
    char hash[TEXT_HASH + 1])
{
	enum failure_code	rc;

	if ((rc = common_read_key(s)) != FAILURE_NONE)
		return rc;
	return text_hash(store_key(s)->secret, text, len, hash) == 0 ?
	    FAILURE_NONE : store_refuse(s, "no memory");
}

enum failure_code
store_word(struct store *s, int64_t ticket, const char *text, size_t len,
    unsigned counter, char word[TEXT_WORD + 1])
{
	enum failure_code	rc;

	if ((rc = common_read_key(s)) != FAILURE_NONE)
		return rc;
	return text_word(store_key(s)->secret, ticket, text, len, counter,
	    word) == 0 ? FAILURE_NONE : store_refuse(s, "no memory");
}

/* Copies a text, unless it is NULL.  Returns false if there is no memory. */
static bool
common_copy(const struct cell *c, char **text, size_t *len)
{
	if (c->text == NULL)
		return true;
	if ((*text = malloc(c->len + 1)) == NULL)
		return false;
	memcpy(*text, c->text, c->len);
	(*text)[c->len] = '\0';
	*len = c->len;
	return true;
}

/* For finding a session. */
struct common_session {
	struct session	*session;
	bool		 failed;	/* no memory */
};

/* A row of ANSWER_BY_SESSION. */
static bool
common_session(void *context, const struct cell *c, int cells)
{
	struct common_session	*found = context;
	struct session		*s = found->session;
	size_t			 len;

	(void)cells;
	s->id = store_cell_number(&c[0]);
	(void)snprintf(s->created, sizeof(s->created), "%s",
	    c[3].text == NULL ? "" : c[3].text);
	s->versions = store_cell_number(&c[4]);
	s->cut = store_cell_number(&c[5]) != 0;
	s->version = c[6].text == NULL ? s->versions :
	    store_cell_number(&c[6]);
	s->follows = store_cell_number(&c[7]);
	found->failed = !common_copy(&c[1], &s->prompt, &s->prompt_len) ||
	    !common_copy(&c[2], &s->response, &s->response_len) ||
	    !common_copy(&c[8], &s->author, &len) ||
	    !common_copy(&c[9], &s->instruction, &len);
	return false;
}

enum failure_code
store_find(struct store *s, enum statement which, const struct arg *a,
    int count, struct session *out)
{
	struct common_session	found = { out, false };
	enum failure_code	rc;

	memset(out, 0, sizeof(*out));
	rc = store_get(s, which, common_session, &found, a, count);
	if (!found.failed)
		return rc;
	session_free(out);
	return store_refuse(s, "no memory");
}

enum failure_code
store_session_by_ticket(struct store *s, int64_t ticket, struct session *out)
{
	return store_find(s, STATEMENT_ANSWER_BY_TICKET,
	    ARGS(ARG_INT(ticket)), out);
}

enum failure_code
store_session(struct store *s, int64_t ticket, int64_t id, struct session *out)
{
	return store_find(s, STATEMENT_ANSWER_BY_SESSION, ARGS(ARG_INT(id),
	    ARG_INT(ticket)), out);
}

/* A session that is looked for by its text. */
struct common_text {
	const char	*text;
	size_t		 len;
	int64_t		 id;
};

/* A row of SESSION_OF_TEXT. */
static bool
common_is_text(void *context, const struct cell *c, int cells)
{
	struct common_text	*t = context;

	(void)cells;
	if (c[1].text == NULL || text_same(c[1].text, c[1].len, t->text,
	    t->len))
		t->id = store_cell_number(&c[0]);
	return t->id == 0;
}

enum failure_code
store_session_by_text(struct store *s, int64_t ticket, const char *text,
    size_t len, struct session *out)
{
	struct common_text	t = { text, len, 0 };
	char			hash[TEXT_HASH + 1];
	enum failure_code	rc;

	memset(out, 0, sizeof(*out));
	rc = store_text_hash(s, text, len, hash);
	if (rc == FAILURE_NONE)
		rc = store_get(s, STATEMENT_SESSION_OF_TEXT, common_is_text,
		    &t, ARGS(ARG_INT(ticket), ARG_TEXT(hash, TEXT_HASH)));
	return rc != FAILURE_NONE || t.id == 0 ? rc :
	    store_session(s, ticket, t.id, out);
}

enum failure_code
store_thread_next(struct store *s, int64_t ticket, int64_t root, int64_t after,
    struct session *out)
{
	return store_find(s, STATEMENT_THREAD_NEXT, ARGS(ARG_INT(ticket),
	    ARG_INT(root), ARG_INT(after)), out);
}

enum failure_code
store_thread_read(struct store *s, int64_t ticket, int64_t root, int64_t after,
    struct session *out)
{
	return store_find(s, STATEMENT_THREAD_READ, ARGS(ARG_INT(ticket),
	    ARG_INT(root), ARG_INT(after)), out);
}

/* The callback for each text. */
struct text_listener {
	void	(*text)(void *, int64_t, const char *, size_t);
	void	*context;
};

static bool
common_texts(void *context, const struct cell *c, int cells)
{
	const struct text_listener	*l = context;
	int				 i;

	for (i = 1; i < cells; i++) {
		if (c[i].text != NULL)
			l->text(l->context, store_cell_number(&c[0]),
			    c[i].text, c[i].len);
	}
	return true;
}

enum failure_code
store_texts(struct store *s, int64_t ticket, void (*text)(void *, int64_t,
    const char *, size_t), void *context)
{
	/* What schema 1 does not have. */
	static const enum statement	more[] = {
		STATEMENT_TEXTS_OF_THREADS, STATEMENT_TEXTS_OF_COSTS,
		STATEMENT_TEXTS_OF_RATINGS
	};
	struct text_listener		l = { text, context };
	enum failure_code		rc;
	size_t				i;
	bool				there = false;

	rc = ticket == 0 ?
	    store_rows(s, STATEMENT_TEXTS, common_texts, &l, NO_ARGS) :
	    store_rows(s, STATEMENT_TEXTS_OF_TICKET, common_texts, &l,
	    ARGS(ARG_INT(ticket)));
	for (i = 0; rc == FAILURE_NONE && store_has_ratings(s) &&
	    i < sizeof(more) / sizeof(more[0]); i++)
		rc = store_rows(s, more[i], common_texts, &l,
		    ARGS(ARG_INT(ticket)));
	/* The texts of notes are not the ticket's. */
	if (rc == FAILURE_NONE && ticket == 0)
		rc = store_knowledge_there(s, &there);
	if (rc == FAILURE_NONE && there)
		rc = store_rows(s, STATEMENT_TEXTS_OF_SOURCES, common_texts,
		    &l, NO_ARGS);
	return rc != FAILURE_NONE || !there ? rc :
	    store_rows(s, STATEMENT_TEXTS_OF_KNOWLEDGE, common_texts, &l,
	    NO_ARGS);
}

static bool
common_server(void *context, const struct cell *c, int cells)
{
	char	*name = context;

	(void)cells;
	(void)snprintf(name, STORE_SERVER, "%.*s", (int)c[0].len,
	    c[0].text == NULL ? "" : c[0].text);
	return false;
}

enum failure_code
store_last_server(struct store *s, int64_t ticket, char name[STORE_SERVER])
{
	*name = '\0';
	return store_get(s, STATEMENT_LAST_SERVER, common_server, name,
	    ARGS(ARG_INT(ticket)));
}

/* A word that no saved text may contain. */
struct common_word {
	const char	*word;
	bool		 found;
};

static void
common_look_for_word(void *context, int64_t session, const char *text,
    size_t len)
{
	struct common_word	*w = context;

	(void)session;
	w->found = w->found || text_has_word(text, len, w->word);
}

enum failure_code
store_fence(struct store *s, int64_t ticket, const char *text, size_t len,
    const struct store_sent *sent, size_t count, char word[TEXT_WORD + 1])
{
	struct common_word	w = { word, true };
	struct text_listener	l = { common_look_for_word, &w };
	enum failure_code	rc = FAILURE_NONE;
	unsigned		counter;
	size_t			i;

	/* Nobody can write the words that are still to come. */
	for (counter = 0; rc == FAILURE_NONE && w.found; counter++) {
		rc = store_word(s, ticket, text, len, counter, word);
		w.found = false;
		for (i = 0; rc == FAILURE_NONE && i < count; i++)
			w.found = w.found || text_has_word(sent[i].text,
			    sent[i].len, word);
		if (rc == FAILURE_NONE && !w.found)
			rc = store_rows(s, STATEMENT_TEXTS_NEAR, common_texts,
			    &l, ARGS(ARG_INT(ticket)));
	}
	return rc;
}

/* The callback for each fault. */
struct fault_listener {
	void	(*found)(void *, const char *);
	void	*context;
};

static bool
common_fault(void *context, const struct cell *c, int cells)
{
	const struct fault_listener	*l = context;

	(void)cells;
	if (c[0].text != NULL && strcmp(c[0].text, "ok") != 0)
		l->found(l->context, c[0].text);
	return true;
}

enum failure_code
store_faults(struct store *s, enum statement which, void (*found)(void *,
    const char *), void *context)
{
	struct fault_listener	l = { found, context };

	return store_rows(s, which, common_fault, &l, NO_ARGS);
}

static bool
common_census(void *context, const struct cell *c, int cells)
{
	struct census	*census = context;

	(void)cells;
	census->tickets = store_cell_number(&c[0]);
	census->sessions = store_cell_number(&c[1]);
	census->unanswered = store_cell_number(&c[2]);
	return true;
}

enum failure_code
store_census(struct store *s, struct census *c)
{
	return store_rows(s, STATEMENT_CENSUS, common_census, c, NO_ARGS);
}

void
session_free(struct session *s)
{
	free(s->prompt);
	free(s->response);
	free(s->author);
	free(s->instruction);
	memset(s, 0, sizeof(*s));
}

/* A question that is looked for among others. */
struct common_question {
	char	*folded;
	size_t	 len;
	int64_t	 id, questions;
	bool	 failed;	/* no memory */
};

/* A row of THREAD_QUESTIONS: a session, and its question if it is answered. */
static bool
common_compare_question(void *context, const struct cell *c, int cells)
{
	struct common_question	*q = context;
	char			*folded;
	size_t			 len;

	(void)cells;
	q->questions++;
	if (q->id != 0 || c[1].text == NULL)
		return true;
	if ((folded = text_folded(c[1].text, c[1].len, &len)) == NULL) {
		q->failed = true;
		return false;
	}
	if (len == q->len && memcmp(folded, q->folded, len) == 0)
		q->id = store_cell_number(&c[0]);
	free(folded);
	return true;
}

enum failure_code
store_thread_find(struct store *s, int64_t ticket, int64_t root,
    const char *question, size_t len, int64_t *id, int64_t *questions)
{
	struct common_question	q = { 0 };
	enum failure_code	rc;

	*id = *questions = 0;
	if ((q.folded = text_folded(question, len, &q.len)) == NULL)
		return FAILURE_INTERNAL;
	rc = store_rows(s, STATEMENT_THREAD_QUESTIONS, common_compare_question,
	    &q, ARGS(ARG_INT(ticket), ARG_INT(root)));
	free(q.folded);
	*id = q.id;
	*questions = q.questions;
	return q.failed ? FAILURE_INTERNAL : rc;
}

enum failure_code
store_question_hash(struct store *s, int64_t root, const char *question,
    size_t len, char hash[QUESTION_HASH + 1])
{
	char			 all[TEXT_HASH + 1], number[32], *folded;
	struct buf		 b = BUF_INIT(len + sizeof(number));
	enum failure_code	 rc = FAILURE_INTERNAL;
	size_t			 folded_len;

	(void)snprintf(number, sizeof(number), "%" PRId64 " ", root);
	folded = text_folded(question, len, &folded_len);
	if (folded != NULL && buf_puts(&b, number) == 0 &&
	    buf_add(&b, folded, folded_len) == 0)
		rc = store_text_hash(s, b.data, b.len, all);
	if (rc == FAILURE_NONE)
		(void)snprintf(hash, QUESTION_HASH + 1, "%.*s", QUESTION_HASH,
		    all);
	free(folded);
	buf_free(&b);
	return rc;
}

/* The callback for each source. */
struct common_sources {
	void	(*each)(void *, const struct store_source *);
	void	*context;
};

/* A row of SOURCES. */
static bool
common_source(void *context, const struct cell *c, int cells)
{
	const struct common_sources	*l = context;
	const struct store_source	 source = {
		.n = store_cell_number(&c[0]),
		.passage = store_cell_number(&c[1]),
		.name = c[2].text, .title = c[3].text, .url = c[4].text,
		.ticket = store_cell_number(&c[5]), .text = c[6].text,
		.cited = store_cell_number(&c[7]) != 0
	};

	(void)cells;
	l->each(l->context, &source);
	return true;
}

enum failure_code
store_sources(struct store *s, int64_t session, void (*each)(void *,
    const struct store_source *), void *context)
{
	struct common_sources	l = { each, context };
	enum failure_code	rc;
	bool			there;

	if ((rc = store_knowledge_there(s, &there)) != FAILURE_NONE || !there)
		return rc;
	return store_rows(s, STATEMENT_SOURCES, common_source, &l,
	    ARGS(ARG_INT(session)));
}

/* For reading a root. */
struct common_root {
	struct store_root	*root;
	bool			 failed;	/* no memory */
};

/* A row of ROOT. */
static bool
common_copy_root(void *context, const struct cell *c, int cells)
{
	struct common_root	*found = context;
	struct store_root	*r = found->root;

	(void)cells;
	found->failed = !common_copy(&c[0], &r->text, &r->text_len) ||
	    !common_copy(&c[1], &r->answer, &r->answer_len) ||
	    !common_copy(&c[2], &r->instruction, &r->instruction_len) ||
	    !common_copy(&c[3], &r->model_text, &r->model_text_len);
	return false;
}

enum failure_code
store_root(struct store *s, int64_t ticket, int64_t id, struct store_root *r)
{
	struct common_root	found = { r, false };
	enum failure_code	rc;

	memset(r, 0, sizeof(*r));
	rc = store_get(s, STATEMENT_ROOT, common_copy_root, &found,
	    ARGS(ARG_INT(ticket), ARG_INT(id)));
	if (found.failed)
		return FAILURE_INTERNAL;
	return rc != FAILURE_NONE || r->answer != NULL ? rc :
	    FAILURE_UNKNOWN_TICKET;
}

void
store_root_free(struct store_root *r)
{
	free(r->text);
	free(r->answer);
	free(r->instruction);
	free(r->model_text);
	memset(r, 0, sizeof(*r));
}
