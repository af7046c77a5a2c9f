/*
 * Mails in HTML.
 */
#ifndef MAIL_HTML_H
#define MAIL_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Whether a text is HTML, and not a text that has some in it, as a ticket about
 * a web page may.
 */
bool mail_is_html(const char *text, size_t len);

/*
 * Appends the text of a mail in HTML without quoted mails and signatures that
 * its tags mark.  Returns 0, or -1 as buf_add.
 */
int mail_html(const char *text, size_t len, struct buf *)
    __attribute__((warn_unused_result));

#endif
