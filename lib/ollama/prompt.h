/*
 * What the model reads: the system prompt, and the ticket in its fence.  The
 * fence is two lines with the same random word; the system prompt says that
 * what stands between them is data.  Whoever writes a ticket cannot know the
 * word, so no text can end the fence.
 */
#ifndef PROMPT_H
#define PROMPT_H

#include <stddef.h>

#include "base/buf.h"
#include "settings/settings.h"

/*
 * The system prompt: SYSTEM_PROMPT_FILE's or the one that ships; "" for
 * `none'.  NULL with errno, and with words for it in *why: it cannot be read
 * (so that the start refuses it), or holds no text in UTF-8 (EILSEQ); the
 * caller frees it.  A byte order mark is dropped.
 */
char *prompt_system(const struct settings *, const char **why);

/* The fence's word: hexadecimal digits, the first one 0; 60 bits. */
enum { PROMPT_WORD = 16 };

/*
 * Appends a ticket's text in its same-text form (lib/text/text.h): fenced, or
 * bare where there is no system prompt, as the original sent it.  `word' gets
 * the fence's, or is empty.  Returns 0, or -1 as buf_add, or with
 * getrandom(2)'s errno.
 */
int prompt_ticket(struct buf *, const char *system, const char *text,
    size_t len, char word[PROMPT_WORD + 1])
    __attribute__((warn_unused_result));

#endif
