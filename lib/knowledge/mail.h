/*
 * What a person wrote in a mail: mail-text, the filter that ships.
 */
#ifndef MAIL_H
#define MAIL_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Appends a mail's text (valid UTF-8) without the tags of HTML, `data:'
 * addresses, quoted mails, their heads and signatures; of several blank lines
 * one stays.  What was forwarded stays, without its head but for the subject.
 * A text that is no HTML keeps its tags and entities.  If nothing is left, all
 * of the text is appended.  Returns 0, or -1 as buf_add.
 */
int mail_text(const char *text, size_t len, struct buf *)
    __attribute__((warn_unused_result));

#endif
