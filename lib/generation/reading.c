/*
 * What the model reads for an answer (ollama/prompt.h), made when the answer
 * has its slot.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limit.h"
#include "base/log.h"
#include "generation/answer.h"
#include "knowledge/given.h"
#include "knowledge/similar.h"
#include "ollama/prompt.h"
#include "store/store.h"
#include "text/cite.h"

/* The texts beside the notes in which the word must not occur. */
enum { READING_TEXTS = 5 };

/* Finds out which server answered the ticket last, if there are several. */
static void
reading_last_server(struct answer *a, struct store *store)
{
	char	name[STORE_SERVER];

	if (a->pool.count > 1 &&
	    store_last_server(store, a->ticket, name) == FAILURE_NONE)
		pool_note_last(&a->pool, name);
}

/* Gives the model a note, the next one of a->notes, under its number. */
static void
reading_give(struct answer *a, size_t i, int64_t number)
{
	const struct note	*n = &a->notes.note[i];
	struct prompt		*p = &a->upstream.prompt;

	p->notes[p->note_count++] = (struct prompt_note){ number, n->title,
	    n->text };
	a->sources[i] = (struct store_source){
		.n = number, .passage = n->passage, .name = n->name,
		.title = n->title, .url = n->url, .ticket = n->ticket,
		.text = n->text
	};
}

/*
 * Finds the notes that fit the ticket, unless they are known.  If that fails,
 * the answer is written without; so it is without fences, which keep a note
 * from being an instruction.
 */
static void
reading_find(struct answer *a, struct store *store)
{
	const struct store_sent	 ticket = answer_ticket(a);
	const struct settings	*s = &a->settings;
	enum failure_code	 rc;
	char			 why[512];

	if (a->noted || strcmp(s->text[SETTING_SYSTEM_PROMPT_FILE], "none") ==
	    0)
		return;
	a->noted = true;
	rc = knowledge_similar(store, s, ticket.text, ticket.len,
	    (size_t)s->number[SETTING_KNOWLEDGE], &a->notes);
	if (rc == FAILURE_NONE && given_prepare(&a->notes) == 0)
		return;
	log_line(LOG_LEVEL_WARNING, "ticket=%" PRId64 " call=knowledge "
	    "error=\"%s\"", a->ticket, log_value(why, sizeof(why),
	    rc == FAILURE_NONE ? strerror(errno) : store_error(store)));
	notes_free(&a->notes);
}

void
answer_find(struct answer *a)
{
	struct store	*store;

	if (store_open(&store, a->settings.text[SETTING_DATABASE]) ==
	    FAILURE_NONE)
		reading_find(a, store);
	/* If not, there are none: with the slot they would come unfiltered. */
	a->noted = true;
	store_close(store);
}

/* For reading the sources of a root. */
struct reading_sources {
	struct answer	*answer;
	bool		 failed;	/* no memory */
};

/* Gives the model a note that it was given before. */
static void
reading_add_source(void *context, const struct store_source *s)
{
	struct reading_sources	*r = context;
	struct notes		*notes = &r->answer->notes;
	struct note		*n = &notes->note[notes->count];

	if (notes->count == SOURCES_MAX || r->failed)
		return;
	*n = (struct note){
		.passage = s->passage, .ticket = s->ticket,
		.name = strdup(s->name), .title = strdup(s->title),
		.url = strdup(s->url), .text = strdup(s->text)
	};
	notes->count++;
	r->failed = n->name == NULL || n->title == NULL || n->url == NULL ||
	    n->text == NULL;
	if (!r->failed)
		reading_give(r->answer, notes->count - 1, s->n);
}

/* Gives the model the notes that it was given for the root, byte for byte. */
static enum failure_code
reading_find_again(struct answer *a, struct store *store)
{
	struct reading_sources	r = { a, false };
	enum failure_code	rc;

	if (*a->upstream.prompt.system == '\0')
		return FAILURE_NONE;
	rc = store_sources(store, a->follows, reading_add_source, &r);
	return r.failed ? FAILURE_INTERNAL : rc;
}

void
answer_cite(struct answer *a)
{
	const unsigned	 cited = text_cited(a->text.data, a->text.len);
	struct store_source	*s;

	for (s = a->sources; s < a->sources + a->notes.count; s++)
		s->cited = s->n >= 1 && s->n <= CITE_MAX &&
		    (cited >> s->n & 1) == 1;
}

/* What the model gets of a text: what a filter made of it, if that differs. */
static struct store_sent
reading_sent(const struct buf *filtered, const char *text, size_t len)
{
	return filtered->len > 0 ?
	    (struct store_sent){ filtered->data, filtered->len } :
	    (struct store_sent){ text, len };
}

struct store_sent
answer_ticket(const struct answer *a)
{
	const struct store_root	*r = &a->root;

	if (a->follows == 0)
		return reading_sent(&a->model_text, a->prompt.data,
		    a->prompt.len);
	return reading_sent(&a->model_ticket, r->model_text == NULL ? r->text :
	    r->model_text, r->model_text == NULL ? r->text_len :
	    r->model_text_len);
}

static struct store_sent
reading_instruction(const struct answer *a)
{
	return a->follows == 0 ? reading_sent(&a->model_instruction,
	    a->instruction.data, a->instruction.len) :
	    reading_sent(&a->model_instruction, a->root.instruction,
	    a->root.instruction_len);
}

static struct store_sent
reading_question(const struct answer *a)
{
	return a->follows == 0 ? (struct store_sent){ "", 0 } :
	    reading_sent(&a->model_text, a->prompt.data, a->prompt.len);
}

/*
 * Computes the word of the fences from the database, unless there are no
 * fences.  It is that of the ticket's own text, whatever a filter made of it.
 */
static enum failure_code
reading_word(struct answer *a, struct store *store)
{
	struct prompt		*p = &a->upstream.prompt;
	const struct store_sent	 ticket = a->follows == 0 ?
				    (struct store_sent){ a->prompt.data,
				    a->prompt.len } : (struct store_sent){
				    a->root.text, a->root.text_len };
	struct store_sent	 sent[READING_TEXTS + 2 * KNOWLEDGE_MAX] = {
		{ p->system, strlen(p->system) }, ticket, answer_ticket(a),
		reading_instruction(a), reading_question(a)
	};
	size_t			 i, n = READING_TEXTS;

	if (*p->system == '\0')
		return FAILURE_NONE;
	for (i = 0; i < p->note_count; i++) {
		sent[n++] = (struct store_sent){ p->notes[i].title,
		    strlen(p->notes[i].title) };
		sent[n++] = (struct store_sent){ p->notes[i].text,
		    strlen(p->notes[i].text) };
	}
	return store_fence(store, a->ticket, ticket.text, ticket.len, sent, n,
	    p->word);
}

/*
 * Reads what the database knows.  If it cannot be read now, the answer is
 * written without.
 */
static void
reading_look(struct answer *a)
{
	struct store		*store;
	enum failure_code	 rc;
	char			 why[512];
	size_t			 i;

	rc = store_open(&store, a->settings.text[SETTING_DATABASE]);
	if (rc == FAILURE_NONE)
		reading_find(a, store);
	for (i = 0; i < a->notes.count && *a->upstream.prompt.system != '\0';
	    i++)
		reading_give(a, i, (int64_t)i + 1);
	if (rc == FAILURE_NONE) {
		reading_last_server(a, store);
		rc = reading_word(a, store);
	}
	if (rc != FAILURE_NONE) {
		log_line(LOG_LEVEL_WARNING, "ticket=%" PRId64
		    " call=fence error=\"%s\"", a->ticket, log_value(why,
		    sizeof(why), store_error(store)));
		a->upstream.prompt.word[0] = '\0';
	}
	store_close(store);
}

/* Notes that the thread cannot be read. */
static bool
reading_failed(struct answer *a, enum failure_code rc, const char *reason)
{
	static char	why[256];
	char		ticket[24];

	(void)snprintf(why, sizeof(why), "%s", reason);
	answer_fail(a, rc, why);
	(void)snprintf(ticket, sizeof(ticket), "%" PRId64, a->ticket);
	if (rc == FAILURE_UNKNOWN_TICKET)
		a->failure = failure_make(rc, ticket);
	return false;
}

/* If the thread is too long for any model, its older half leaves. */
static void
reading_shorten(struct answer *a)
{
	struct prompt	*p = &a->upstream.prompt;
	size_t		 left = 1;

	while (left != 0 && prompt_bytes(p) > THREAD_BYTES) {
		left = prompt_halve(p);
		a->upstream.turns_left_out += left;
	}
}

/* Appends the thread's turns and the question. */
static enum failure_code
reading_turns(struct answer *a, struct store *store)
{
	struct prompt		*p = &a->upstream.prompt;
	struct session		 turn;
	enum failure_code	 rc;
	const struct store_sent	 question = reading_question(a);
	int64_t			 after = 0;
	int			 added = 0;

	do {
		rc = store_thread_read(store, a->ticket, a->follows, after,
		    &turn);
		after = turn.id;
		if (rc == FAILURE_NONE && after != 0)
			added = prompt_turn(p, turn.prompt, turn.prompt_len,
			    turn.response, turn.response_len);
		session_free(&turn);
		reading_shorten(a);
	} while (rc == FAILURE_NONE && after != 0 && added == 0);
	if (added == 0 && rc == FAILURE_NONE)
		added = prompt_question(p, question.text, question.len);
	reading_shorten(a);
	return added == -1 ? FAILURE_INTERNAL : rc;
}

bool
answer_read_root(struct answer *a)
{
	struct store		*store;
	enum failure_code	 rc;
	bool			 good;

	if (a->root.text != NULL)
		return true;
	rc = store_open(&store, a->settings.text[SETTING_DATABASE]);
	if (rc == FAILURE_NONE)
		rc = store_root(store, a->ticket, a->follows, &a->root);
	good = rc == FAILURE_NONE || reading_failed(a, rc, store_error(store));
	store_close(store);
	return good;
}

/* Makes the prompt of a question: the ticket, the answer, and the thread. */
static bool
reading_thread(struct answer *a)
{
	struct prompt		*p = &a->upstream.prompt;
	struct store_sent	 ticket, instruction;
	struct store		*store;
	enum failure_code	 rc;
	bool			 good;

	rc = store_open(&store, a->settings.text[SETTING_DATABASE]);
	if (rc == FAILURE_NONE && a->root.text == NULL)
		rc = store_root(store, a->ticket, a->follows, &a->root);
	if (rc == FAILURE_NONE)
		rc = reading_find_again(a, store);
	if (rc == FAILURE_NONE) {
		reading_last_server(a, store);
		rc = reading_word(a, store);
	}
	ticket = answer_ticket(a);
	instruction = reading_instruction(a);
	if (rc == FAILURE_NONE && (prompt_ticket(p, ticket.text, ticket.len,
	    instruction.text, instruction.len) == -1 ||
	    prompt_answer(p, a->root.answer, a->root.answer_len) == -1))
		rc = FAILURE_INTERNAL;
	if (rc == FAILURE_NONE)
		rc = reading_turns(a, store);
	good = rc == FAILURE_NONE || reading_failed(a, rc,
	    store_error(store));
	store_close(store);
	return good;
}

bool
answer_read(struct answer *a)
{
	static char		 why[256];
	struct prompt		*p = &a->upstream.prompt;
	struct store_sent	 ticket, instruction;
	const char		*wrong;

	if ((p->system = prompt_system(&a->settings, &wrong)) == NULL) {
		(void)snprintf(why, sizeof(why), "SYSTEM_PROMPT_FILE: %s",
		    wrong == NULL ? strerror(errno) : wrong);
		answer_fail(a, FAILURE_INTERNAL, why);
		return false;
	}
	prompt_name(p->system, a->prompt_name);
	if (a->follows != 0)
		return reading_thread(a);
	if (!a->filter)
		reading_look(a);
	ticket = answer_ticket(a);
	instruction = reading_instruction(a);
	/* Without the database the word is drawn: the model's server then reads
	   the prompt from its beginning. */
	if ((*p->system == '\0' || *p->word != '\0' ||
	    prompt_draw(p, ticket.text, ticket.len) == 0) &&
	    prompt_ticket(p, ticket.text, ticket.len, instruction.text,
	    instruction.len) == 0)
		return true;
	(void)snprintf(why, sizeof(why), "%s", strerror(errno));
	answer_fail(a, FAILURE_INTERNAL, why);
	return false;
}
