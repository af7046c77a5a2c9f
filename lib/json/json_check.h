/*
 * The grammar of JSON (RFC 8259): what jsmn does not look at.
 */
#ifndef JSON_CHECK_H
#define JSON_CHECK_H

#include <stddef.h>

/*
 * Whether a text is one value with nothing but white space around it: 0, or
 * EINVAL, or E2BIG where its brackets are deeper than max_depth (64 at most).
 */
int json_check(const char *text, size_t len, unsigned max_depth);

/* The value of the four hexadecimal digits at p, or -1. */
int json_hex4(const char *p, const char *end);

#endif
