/*
 * The head of an HTTP/1.1 request (RFC 9112), read strictly: what two programs
 * could read in two ways is refused.  The parser is our own because Debian 12
 * has only http-parser, which nobody maintains any more, and Debian 13 only
 * llhttp.
 */
#ifndef HEAD_H
#define HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	HEAD_MAX = 16384,	/* bytes of a head, its empty line included */
	HEAD_FIELDS = 100	/* of one head */
};

struct head_field {
	const char	*name, *value;	/* the value without blanks around it */
};

struct head {
	const char		*method;
	const char		*path;		/* begins with a slash; "*" for
						   OPTIONS */
	char			*authority;	/* of a target that names its
						   server; NULL: it is a path */
	const char		*query;		/* behind the question mark;
						   "": none */
	bool			 old;		/* HTTP/1.0 */
	bool			 chunked;	/* the body is in chunks, */
	int64_t			 length;	/* or has so many bytes */
	struct head_field	 field[HEAD_FIELDS];
	size_t			 count;
};

/*
 * The length of the head at the start of a text, up to and including its empty
 * line; 0: the empty line has not come yet.
 */
size_t head_end(const char *text, size_t len);

/*
 * Reads a head of this length, which head_end has found, and changes it: all
 * texts point into it.  Returns 0, or the status with which the request is to
 * be refused; *what then names what is wrong.
 */
int head_read(struct head *, char *text, size_t len, const char **what);

/* The value of a field, whose name is in small letters; NULL: none. */
const char *head_field(const struct head *, const char *name);

/*
 * The host that the request is for: the one of its target, which counts more
 * than the field (RFC 9112 3.2.2).  NULL: none, which only HTTP/1.0 has.
 */
const char *head_host(const struct head *);

/*
 * The values of a field that may be there several times, joined by a comma, in
 * the buffer, which stays empty if there is one value.  Returns as head_field,
 * and NULL also if there is no memory.
 */
const char *head_joined(const struct head *, const char *name, struct buf *);

/*
 * The value of a name in a query (NAME=VALUE&...), which is at most size - 1
 * bytes of letters, digits, `-' and `_'.  Returns 1, 0 if the query has no such
 * name, or -1 if the value has another form or the name is there twice.
 */
int head_query(const char *query, const char *name, char value[], size_t size);

/*
 * How much a list of Accept wants a media type, in thousandths; 0: not at all.
 * The most exact range counts.
 */
int head_accepts(const char *list, const char *type);

/*
 * Whether a Content-Type is this media type.  The only parameter that it may
 * have is the charset UTF-8.
 */
bool head_is_type(const char *value, const char *type);

/* Whether a list of words, as of Prefer, has this one. */
bool head_has_word(const char *list, const char *word);

#endif
