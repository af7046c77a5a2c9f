/*
 * What other people's programs do with the texts before an answer waits for a
 * slot: see hook/hook.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limit.h"
#include "base/log.h"
#include "generation/answer.h"
#include "generation/generation.h"
#include "hook/turn.h"
#include "knowledge/given.h"
#include "knowledge/printed.h"
#include "store/store.h"
#include "text/text.h"

/*
 * The parts, in their order: texts go through TICKET_FILTER; for PREPARE_FIND
 * KNOWLEDGE_COMMAND reads the filtered ticket; then the first note is filtered,
 * and so on.
 */
enum {
	PREPARE_TICKET, PREPARE_INSTRUCTION, PREPARE_QUESTION, PREPARE_FIND,
	PREPARE_NOTE
};

enum {
	PREPARE_TURN = 120,	/* seconds that we wait for a turn */
	PREPARE_TICK = 50	/* ms between two tries for one */
};

/* A text, and where the one that the model gets in its place goes. */
struct prepare {
	const char	*part;		/* HOOK_PART */
	const char	*text;
	size_t		 len;
	struct buf	*to;		/* NULL: a note, or its search */
	size_t		 most;		/* bytes of it */
};

static bool
prepare_is_set(const struct answer *a, enum setting program)
{
	return *a->settings.text[program] != '\0';
}

/* Whether KNOWLEDGE_COMMAND is to run: without fences there are no notes. */
static bool
prepare_finds(const struct answer *a)
{
	return prepare_is_set(a, SETTING_KNOWLEDGE_COMMAND) && !a->filter &&
	    a->follows == 0 && a->settings.number[SETTING_KNOWLEDGE] > 0 &&
	    strcmp(a->settings.text[SETTING_SYSTEM_PROMPT_FILE], "none") != 0;
}

/* The text of a note's part: its title and its text, in a->note. */
static bool
prepare_note(struct answer *a, struct prepare *p)
{
	const size_t	i = (size_t)(a->part - PREPARE_NOTE);
	struct buf	*b = &a->note;

	if (i >= a->notes.count)
		return false;
	if (!a->hooked) {
		buf_clear(b);
		b->cap = strlen(a->notes.note[i].title) +
		    strlen(a->notes.note[i].text) + 1;
		if (printed_join(&a->notes.note[i], b) == -1)
			answer_fail(a, FAILURE_INTERNAL, strerror(errno));
	}
	*p = (struct prepare){ .part = "note", .text = b->data,
	    .len = b->len };
	return true;
}

/* Finds the text of the current part.  Returns false if there is none. */
static bool
prepare_text(struct answer *a, struct prepare *p)
{
	const bool		 asks = a->follows != 0;
	const struct store_sent	 ticket = answer_ticket(a);

	if (a->part == PREPARE_FIND) {
		*p = (struct prepare){ .part = "ticket", .text = ticket.text,
		    .len = ticket.len };
		return prepare_finds(a);
	}
	if (!prepare_is_set(a, SETTING_TICKET_FILTER))
		return false;
	switch (a->part) {
	case PREPARE_TICKET:
		*p = (struct prepare){ "ticket", ticket.text, ticket.len,
		    asks ? &a->model_ticket : &a->model_text,
		    (size_t)a->settings.number[SETTING_MAX_TICKET_BYTES] };
		/* The text that the answer was written with is used again. */
		return !asks || a->root.model_text == NULL;
	case PREPARE_INSTRUCTION:
		*p = (struct prepare){ "instruction", asks ?
		    a->root.instruction : a->instruction.data, asks ?
		    a->root.instruction_len : a->instruction.len,
		    &a->model_instruction, INSTRUCTION_MAX };
		return p->len > 0;
	case PREPARE_QUESTION:
		*p = (struct prepare){ "question", a->prompt.data,
		    a->prompt.len, &a->model_text, QUESTION_MAX };
		return asks;
	default:
		return prepare_note(a, p);
	}
}

/* Logs that a program failed, or what it said although it did not. */
static void
prepare_log(const struct answer *a, const char *part, const char *why)
{
	log_line(*why == '\0' ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
	    "ticket=%" PRId64 " session=%" PRId64 " hook=%s part=%s "
	    "error=\"%s\" stderr=\"%s\"", a->ticket, a->session,
	    settings_key(a->part == PREPARE_FIND ? SETTING_KNOWLEDGE_COMMAND :
	    SETTING_TICKET_FILTER), part, why, a->hook.said);
}

/*
 * Takes a turn for the programs of all parts.  Returns 1 if we have one, 0 if
 * we must wait, -1 with the reason in `why'.
 */
static int
prepare_turn(struct answer *a, int64_t now)
{
	int	got;

	/* At a shell one person runs one program, and no file is left. */
	if (a->has_turn || a->filter)
		return 1;
	if (a->turn_until == 0)
		a->turn_until = now + PREPARE_TURN * INT64_C(1000000);
	got = turn_take(a->settings.text[SETTING_RUN_DIR], TURN_PREPARE,
	    &a->turn);
	a->has_turn = got == 1;
	if (got == 0 && now < a->turn_until) {
		a->due = now + PREPARE_TICK * INT64_C(1000);
		return 0;
	}
	if (got != 1)
		(void)snprintf(a->hook.why, sizeof(a->hook.why), "%s",
		    got == -1 ? strerror(errno) :
		    "too many others were running for too long");
	return got == 1 ? 1 : -1;
}

/*
 * Starts the program of the current part.  Returns 1 if it runs, 0 if it must
 * wait for a turn, -1 if it failed.
 */
static int
prepare_start(struct answer *a, const struct prepare *p, int64_t now)
{
	const bool		finds = a->part == PREPARE_FIND;
	const struct hook_call	call = {
		.settings = &a->settings, .program = finds ?
		SETTING_KNOWLEDGE_COMMAND : SETTING_TICKET_FILTER,
		.part = p->part, .ticket = a->ticket, .session = a->session,
		.text = p->text, .len = p->len, .most = finds ?
		HOOK_NOTES_MAX : settings_ticket_max(&a->settings),
		.seconds = HOOK_SECONDS, .language = a->language
	};
	int			i;

	if ((i = prepare_turn(a, now)) != 1)
		return i;
	if (hook_start(&a->hook, &call) == -1)
		return -1;
	for (i = 0; i < 3; i++) {
		if (a->hook.fd[i] != -1 && hub_wake(&a->hub, a->hook.fd[i]) ==
		    -1)
			answer_fail(a, FAILURE_INTERNAL, strerror(errno));
	}
	a->due = a->hook.deadline;
	a->hooked = true;
	return 1;
}

/* Takes what the filter made of a text.  Returns what is wrong with it. */
static const char *
prepare_take_text(struct answer *a, const struct prepare *p)
{
	const struct buf	*out = &a->hook.out;
	const char		*wrong = hook_wrong_text(out);

	if (wrong != NULL)
		return wrong;
	if (p->to == NULL) {
		if (printed_split(&a->notes.note[a->part - PREPARE_NOTE],
		    out->data, out->len) == -1)
			answer_fail(a, FAILURE_INTERNAL, strerror(errno));
	} else if (out->len > p->most) {
		a->failure = failure_too_large(p->most, a->part ==
		    PREPARE_TICKET ? FAILURE_USUAL : FAILURE_TEXT);
		a->reason = "the text is too long when it is filtered";
	} else if (!text_same(p->text, p->len, out->data, out->len)) {
		p->to->cap = out->len;
		if (buf_add(p->to, out->data, out->len) == -1)
			answer_fail(a, FAILURE_INTERNAL, strerror(errno));
	}
	return NULL;
}

/* Takes the notes.  Returns what is wrong with them. */
static const char *
prepare_take_notes(struct answer *a)
{
	const struct buf	*out = &a->hook.out;

	return printed_notes(&a->notes, out->data == NULL ? "" : out->data,
	    out->len, (size_t)a->settings.number[SETTING_KNOWLEDGE],
	    a->hook.why, sizeof(a->hook.why)) == 0 ? NULL : a->hook.why;
}

/*
 * The program of the current part has ended.  Without KNOWLEDGE_COMMAND the
 * answer is written without notes; without the filter it is not.
 */
static void
prepare_end(struct answer *a, const struct prepare *p, bool failed)
{
	const char	*why = a->hook.why;
	bool		 bad = failed;

	if (!failed) {
		why = a->part == PREPARE_FIND ? prepare_take_notes(a) :
		    prepare_take_text(a, p);
		bad = why != NULL;
	}
	if (bad || *a->hook.said != '\0')
		prepare_log(a, p->part, bad ? why : "");
	if (bad && a->part != PREPARE_FIND)
		answer_fail(a, FAILURE_FILTER_FAILED, why);
	a->noted = a->noted || a->part == PREPARE_FIND;
	a->hooked = false;
	a->part++;
}

/* The filtered notes are made ready as unfiltered ones are. */
static bool
prepare_done(struct answer *a)
{
	if (a->part > PREPARE_NOTE && given_prepare(&a->notes) == -1)
		answer_fail(a, FAILURE_INTERNAL, strerror(errno));
	return true;
}

bool
answer_prepares(const struct answer *a)
{
	return prepare_is_set(a, SETTING_TICKET_FILTER) || prepare_finds(a);
}

/*
 * Goes on with the program of the current part.  Returns false if there is
 * something to wait for.
 */
static bool
prepare_run(struct answer *a, const struct prepare *p, int64_t now)
{
	enum hook_progress	rc = HOOK_FAILED;
	const int		started = a->hooked ? 1 :
				    prepare_start(a, p, now);

	if (started == 0 || (started == 1 &&
	    (rc = hook_step(&a->hook, now)) == HOOK_MORE))
		return false;
	prepare_end(a, p, rc == HOOK_FAILED);
	return true;
}

bool
answer_prepare(struct answer *a, int64_t now)
{
	struct prepare	p;

	/* At a shell RUN_DIR may be missing. */
	if (a->filter && a->part == 0 && !a->hooked)
		(void)generation_prepare(a->settings.text[SETTING_RUN_DIR]);
	if (a->follows != 0 && !answer_read_root(a))
		return true;
	while (a->failure.code == FAILURE_NONE) {
		if (!prepare_text(a, &p)) {
			if (a->part >= PREPARE_NOTE)
				return prepare_done(a);
			/* Before the filter gets them. */
			if (a->part == PREPARE_FIND && !a->filter &&
			    a->follows == 0)
				answer_find(a);
			a->part++;
			continue;
		}
		if (!prepare_run(a, &p, now))
			return false;
	}
	return true;
}
