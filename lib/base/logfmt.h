/*
 * Reading the log that lib/base/log.c writes.
 */
#ifndef LOGFMT_H
#define LOGFMT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Copies the value of a key in a line, without the quotes around it, cut to
 * size; returns false, with "" in its place, if the line has none.
 */
bool logfmt_value(const char *line, const char *key, char *to, size_t size);

#endif
