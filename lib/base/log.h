/*
 * The log: one line an event in logfmt, never ticket text, never a token.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/*
 * Where lines go: NULL and "stderr" are stderr, "syslog" is syslog(3)'s socket,
 * anything else a file that is opened for each line (so that it can be rotated
 * by renaming).  A file that cannot be written falls back to syslog.
 * `program' and `target' are kept.
 */
void log_open(const char *program, const char *target);

/*
 * Has "stderr" be that of the parent process, websocketd, from now on, and so
 * that of the service: ours is a pipe that websocketd reads for as long as we
 * live, and an answer outlives us.  Returns 0, or -1 where it cannot be
 * opened: a socket, as systemd's, is none that can.
 */
int log_open_parent(void);

/* The descriptor of "stderr", for a child. */
int log_descriptor(void);

/*
 * Writes one line: time, level, program, pid and then the text, which is
 * logfmt itself.  It is cut at LOG_LINE_MAX bytes; control characters become
 * `?'.  It never waits for whoever reads the log: a line that is not taken at
 * once is dropped, and the next one that is taken tells how many were, as
 * `dropped_lines=N' in front of its text.
 */
void log_line(enum log_level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The path of syslog's socket; only a test has another one. */
extern const char	*log_syslog;

/* A copy of a text from outside that may stand between quotes in a line. */
const char *log_value(char *to, size_t size, const char *text);

/* Makes what a terminal might obey, and what is not UTF-8, a `?'. */
void log_tame(char *, size_t len);

/*
 * Takes a user's name out of a log file: user="NAME" becomes user="-" and
 * blanks, of the same length and in the same place, so that lines which are
 * appended meanwhile stay where they are.  With `look' it is only counted.
 * Returns how many lines had it, or -1 with errno.
 */
int64_t log_forget_user(const char *path, const char *user, bool look);

#endif
