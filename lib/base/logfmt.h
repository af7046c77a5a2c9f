/*
 * Reads the lines that log.c writes.
 */
#ifndef LOGFMT_H
#define LOGFMT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Copies the value of a key in a line, without its quotes, truncated to size.
 * Returns false and sets "" if the line does not have the key.
 */
bool logfmt_value(const char *line, const char *key, char *to, size_t size);

#endif
