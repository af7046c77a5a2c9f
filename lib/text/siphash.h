/*
 * SipHash-2-4 with 128 bits (Aumasson and Bernstein): a hash that nobody can
 * predict without the key.
 */
#ifndef SIPHASH_H
#define SIPHASH_H

#include <stddef.h>

enum { SIPHASH_KEY = 16, SIPHASH_128 = 16 };

/* Writes the hash of `len' bytes to `out'. */
void siphash_128(const unsigned char key[SIPHASH_KEY], const void *data,
    size_t len, unsigned char out[SIPHASH_128]);

#endif
