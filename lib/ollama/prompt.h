/*
 * What the model reads: the system prompt, the ticket, and the conversation
 * about its answer, as messages of a user and the model in turns.
 *
 * Each text that a person typed stands in a fence of its own: two lines with
 * the ticket's word around the text's same-text form (text/text.h).  The system
 * prompt says what the fences are.  Only the database can compute the word, so
 * that nobody can write a text that ends its fence.
 *
 *	[[word]]
 *	text
 *	[[/word]]
 *
 * The notes that were found for the ticket follow its fence, each in one of its
 * own that begins with a line `Note 1: title', and then what the model must
 * know about them.
 *
 * A model server caches the beginning of a prompt.  All prompts about an answer
 * therefore begin with the same bytes, and new text is only ever appended.
 */
#ifndef PROMPT_H
#define PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limit.h"
#include "settings/settings.h"
#include "text/text.h"

/*
 * Returns the system prompt: that of SYSTEM_PROMPT_FILE without a byte order
 * mark, or the one that ships; "" for `none'. The caller frees it.  NULL with
 * errno, and with words for it in *why: the file cannot be read, or holds no
 * text in UTF-8 (EILSEQ).
 */
char *prompt_system(const struct settings *, const char **why);

/*
 * Writes the name of a system prompt: 8 hexadecimal digits of a hash, the same
 * in all databases.
 */
enum { PROMPT_NAME = 8 };
void prompt_name(const char *system, char name[PROMPT_NAME + 1]);

struct prompt_message {
	bool		model;		/* an answer of the model, not a text
					   of a user */
	struct buf	text;
};

/* A note, number n.  All pointers are borrowed. */
struct prompt_note {
	int64_t		 n;
	const char	*title, *text;	/* in same-text form; the title is one
					   line */
};

struct prompt {
	/* Set by the caller before messages are appended. */
	char			*system;	/* from prompt_system; owned */
	char			 word[TEXT_WORD + 1];	/* "": no fences */
	struct prompt_note	 notes[KNOWLEDGE_MAX];	/* only with a word */
	size_t			 note_count;

	struct prompt_message	*messages;
	size_t			 count, size;
};

/* Draws a word that is not in the text.  Returns 0, or -1 with errno. */
int prompt_draw(struct prompt *, const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * Append a message: the ticket, with the notes, and with an instruction unless
 * that is empty; an answer of the model; a question.  The ticket and its answer
 * come first, then for each earlier turn its question and its answer, and at
 * the end the question to be answered.  Return 0, or -1 with errno ENOMEM.
 */
int prompt_ticket(struct prompt *, const char *text, size_t len,
    const char *instruction, size_t instruction_len)
    __attribute__((warn_unused_result));
int prompt_answer(struct prompt *, const char *text, size_t len)
    __attribute__((warn_unused_result));
int prompt_question(struct prompt *, const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * Appends an earlier turn: a question and its answer.  Leaves it out if the
 * word occurs in it: then it was saved after the word was computed, by somebody
 * who has learned the word, and could end its fence.  Returns as above.
 */
int prompt_turn(struct prompt *, const char *question, size_t question_len,
    const char *answer, size_t answer_len)
    __attribute__((warn_unused_result));

/*
 * Removes the older half of the earlier turns, or a few more: of a growing
 * thread the same number leaves for several questions, so that their prompts
 * begin with the same bytes.  Returns how many turns left; 0: there are none.
 */
size_t prompt_halve(struct prompt *);

/* Bytes of all messages, and of what a request adds to each. */
size_t prompt_bytes(const struct prompt *);

void prompt_free(struct prompt *);

#endif
