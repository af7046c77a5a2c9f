/*
 * Reading JSON from outside: checked by RFC 8259, then split into tokens by
 * jsmn, which alone would accept much that is no JSON.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * A parsed text.  It is empty if all of it is zero; use it again to save
 * allocations.
 */
struct json {
	const char	*text;		/* borrowed */
	void		*tokens;	/* jsmn's, owned */
	size_t		 size;		/* allocated tokens */
	int		 count;
};

enum json_type {
	JSON_NONE,	/* no such value */
	JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_BOOL, JSON_NULL
};

/*
 * Parses one value with nothing but white space around it; value 0 is its
 * root: an object, array or string; a bare number or word is refused.
 * The text must stay while the values are used.  Returns 0, or -1 with errno
 * EINVAL (not JSON), EILSEQ (not UTF-8), E2BIG (deeper than max_depth or
 * more than max_tokens tokens) or ENOMEM.
 */
int json_parse(struct json *, const char *text, size_t len,
    unsigned max_depth, size_t max_tokens)
    __attribute__((warn_unused_result));

/*
 * Whether a text is one value with nothing but white space around it: 0, or
 * EINVAL, or E2BIG where its brackets are deeper than max_depth (64 at most).
 */
int json_check(const char *text, size_t len, unsigned max_depth);

void json_free(struct json *);

/* The type of a value; JSON_NONE for a negative one. */
enum json_type json_type(const struct json *, int value);

/*
 * The value of an object's member.  Returns -1 if there is none, or if `object'
 * is no object, and -2 if the object has the name twice.  Names are compared
 * after unescaping.
 */
int json_member(const struct json *, int object, const char *name);

/*
 * The name of an object's first member (`before' is -1), or of the one after
 * the name `before'; -1: there is no more.  A name's value is the token after
 * it (+ 1).
 */
int json_name(const struct json *, int object, int before);

/* The first element of an array and the one after `element'; -1 at the end. */
int json_first(const struct json *, int array);
int json_next(const struct json *, int array, int element);

/*
 * Appends a string's text, unescaped.  With `strict' a lone surrogate is
 * refused (errno EILSEQ), otherwise it becomes U+FFFD; \u0000 becomes a NUL
 * byte in both.  Returns 0, or -1 also if it is no string (EINVAL) or as
 * buf_add.
 */
int json_string(const struct json *, int value, bool strict, struct buf *)
    __attribute__((warn_unused_result));

/* A value as it is written; a string without its quotes. */
const char *json_raw(const struct json *, int value, size_t *len);

/* Whether a value is this string. */
bool json_equals(const struct json *, int value, const char *);

/* A whole number within 63 bits; otherwise `fallback'. */
int64_t json_int(const struct json *, int value, int64_t fallback);

/*
 * A number of seconds, rounded up; it may have a fraction or an exponent (RFC
 * 7519 2, NumericDate). Returns `fallback' if it is none, or not within 62
 * bits.
 */
int64_t json_seconds(const struct json *, int value, int64_t fallback);

/* Whether a value is `true'. */
bool json_true(const struct json *, int value);

#endif
