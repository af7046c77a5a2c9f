/*
 * Reads a body in chunks.
 */
#include <stdbool.h>

#include "door/chunked.h"

enum {
	CHUNKED_DIGITS = 15,	/* of a size: far more than any cap */
	CHUNKED_SPARE = 4096	/* bytes that nobody needs */
};

/* The value of a hexadecimal digit; -1: it is none. */
static int
chunked_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A byte behind a size, where blanks may be.  False: it must not be there. */
static bool
chunked_blank(struct chunked *k, char c)
{
	k->state = c == '\r' ? CHUNKED_SIZE_LF : c == ';' ?
	    CHUNKED_EXTENSION : CHUNKED_BLANK;
	return (c == '\r' || c == ';' || c == ' ' || c == '\t') &&
	    ++k->spare <= CHUNKED_SPARE;
}

/* A byte of the line with the size.  False: it must not be there. */
static bool
chunked_size(struct chunked *k, char c)
{
	const int	digit = chunked_digit(c);

	if (digit != -1) {
		k->left = k->left * 16 + (unsigned)digit;
		return ++k->digits <= CHUNKED_DIGITS;
	}
	return k->digits > 0 && chunked_blank(k, c);
}

/* A byte that is not of the body.  False: it must not be there. */
static bool
chunked_byte(struct chunked *k, char c)
{
	switch (k->state) {
	case CHUNKED_SIZE:
		return chunked_size(k, c);
	case CHUNKED_BLANK:
		return chunked_blank(k, c);
	case CHUNKED_EXTENSION:
	case CHUNKED_FIELD:
		if (c == '\r')
			k->state = k->state == CHUNKED_FIELD ?
			    CHUNKED_FIELD_LF : CHUNKED_SIZE_LF;
		return c != '\n' && ++k->spare <= CHUNKED_SPARE;
	case CHUNKED_SIZE_LF:
		k->state = k->left > 0 ? CHUNKED_DATA : CHUNKED_TRAILER;
		k->digits = 0;
		return c == '\n';
	case CHUNKED_CR:
		k->state = CHUNKED_LF;
		return c == '\r';
	case CHUNKED_LF:
		k->state = CHUNKED_SIZE;
		return c == '\n';
	case CHUNKED_TRAILER:
		k->state = c == '\r' ? CHUNKED_TRAILER_LF : CHUNKED_FIELD;
		return c != '\n' && ++k->spare <= CHUNKED_SPARE;
	case CHUNKED_TRAILER_LF:
		k->state = CHUNKED_END;
		return c == '\n';
	case CHUNKED_FIELD_LF:
		k->state = CHUNKED_TRAILER;
		return c == '\n';
	case CHUNKED_DATA:
	case CHUNKED_END:
		break;
	}
	return false;
}

enum chunked_progress
chunked_read(struct chunked *k, const char *p, size_t len, struct buf *body)
{
	const char	*end = p + len;
	size_t		 n;

	while (p < end && k->state != CHUNKED_END) {
		if (k->state != CHUNKED_DATA) {
			if (!chunked_byte(k, *p++))
				return CHUNKED_BAD;
			if (k->state == CHUNKED_DATA &&
			    k->left > body->cap - body->len)
				return CHUNKED_LARGE;
			continue;
		}
		n = (size_t)(end - p);
		if (n > k->left)
			n = (size_t)k->left;
		if (buf_add(body, p, n) == -1)
			return CHUNKED_LARGE;
		p += n;
		k->left -= n;
		if (k->left == 0)
			k->state = CHUNKED_CR;
	}
	return k->state == CHUNKED_END ? CHUNKED_DONE : CHUNKED_MORE;
}
