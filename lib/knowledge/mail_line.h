/*
 * A line of a mail: whether it is the writer's own, or quotes another mail.
 */
#ifndef MAIL_LINE_H
#define MAIL_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* Borrowed. */
struct mail_line {
	const char	*text;
	size_t		 len;
};

/* The line without the white space around it; all others get such a one. */
struct mail_line mail_line_trim(const char *, size_t len);

/* Whether it begins with these words, in whatever case. */
bool mail_line_begins(const struct mail_line *, const char *with);

/* Whether one of the words, with a NULL behind the last one, is in a text, in
   whatever case. */
bool mail_line_has(const char *, const char *end, const char *const words[]);

/* The characters of a valid UTF-8 text. */
size_t mail_line_count(const char *, size_t len);

/* Whether it says who wrote what is quoted below, in at most `most' characters
   between "On" and "wrote:". */
bool mail_line_wrote(const struct mail_line *, size_t most);

/* Whether it is at least so many dashes and "Original message" or the like,
   with nothing or dashes behind it. */
bool mail_line_is_rule(const struct mail_line *, size_t dashes);

/* Whether it is a line of the head of a quoted mail, such as "From: ". */
bool mail_line_is_header(const struct mail_line *);

#endif
