/*
 * Bytes as lower-case hexadecimal digits.
 */
#ifndef HEX_H
#define HEX_H

#include <stdbool.h>
#include <stddef.h>

/* Writes two digits for each byte, and a NUL. */
void hex_write(const unsigned char *bytes, size_t count, char *digits);

/* Whether a text is so many of these digits. */
bool hex_is(const char *text, size_t digits);

#endif
