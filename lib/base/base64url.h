/*
 * base64url without padding (RFC 4648 5, RFC 7515 2).
 */
#ifndef BASE64URL_H
#define BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Appends the bytes that s encodes.  Returns false for any other alphabet or
 * length, for padding, for unused bits that are not 0, and if there is no
 * memory.
 */
bool base64url_decode(const char *s, size_t len, struct buf *out);

/* Appends the encoded bytes.  Returns 0, or -1 as buf_add. */
int base64url_encode(struct buf *out, const unsigned char *, size_t len)
    __attribute__((warn_unused_result));

#endif
