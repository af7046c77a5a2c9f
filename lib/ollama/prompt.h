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
 * Returns the system prompt: that of SYSTEM_PROMPT_FILE without a byte order
 * mark, or the one that ships; "" for `none'. The caller frees it.  NULL with
 * errno, and with words for it in *why: the file cannot be read, or holds no
 * text in UTF-8 (EILSEQ).
 */
char *prompt_system(const struct settings *, const char **why);

/* The fence's word: hexadecimal digits, the first one 0; 60 bits. */
enum { PROMPT_WORD = 16 };

/*
 * Appends a ticket's text in its same-text form (text/text.h): within the
 * fence, or bare if there is no system prompt.  `word' becomes the word of the
 * fence, or is empty.  Returns 0, or -1 as buf_add, or with getrandom(2)'s
 * errno.
 */
int prompt_ticket(struct buf *, const char *system, const char *text,
    size_t len, char word[PROMPT_WORD + 1])
    __attribute__((warn_unused_result));

#endif
