/*
 * The log: one line an event in logfmt, never ticket text, never a token.
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/*
 * Where lines go: NULL is stderr, "syslog" is syslog(3), anything else a file
 * that is opened for each line (so that it can be rotated by renaming).  A
 * file that cannot be written falls back to syslog.  `program' is kept.
 */
void log_open(const char *program, const char *target);

/*
 * Writes one line: time, level, program, pid and then the text, which is
 * logfmt itself.  It is cut at LOG_LINE_MAX bytes; control characters become
 * `?'.
 */
void log_line(enum log_level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A copy of a text from outside that may stand between quotes in a line. */
const char *log_value(char *to, size_t size, const char *text);

#endif
