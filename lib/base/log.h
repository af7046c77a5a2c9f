/*
 * The log: one line in logfmt for each event.  Never holds a ticket's text or a
 * JWT.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/*
 * Where lines go: NULL or "stderr" to stderr, "syslog" to syslog's socket, all
 * else to a file, which is opened for each line so that it can be rotated by
 * renaming it.  If the file cannot be written, the line goes to syslog.
 * `program' and `target' are borrowed.
 */
void log_open(const char *program, const char *target);

/*
 * Sends lines for "stderr" to the stderr of the parent process (websocketd, so
 * that of the service) from now on.  Our own stderr is a pipe that websocketd
 * reads only while chat lives, and `answer' lives longer.  Returns 0, or -1 if
 * the parent's stderr cannot be opened, such as systemd's socket.
 */
int log_open_parent(void);

/* The descriptor for "stderr", to be inherited by a child. */
int log_descriptor(void);

/*
 * Writes a line: time, level, program, pid, and then the text, which is logfmt,
 * too.  Cuts the line at LOG_LINE_MAX bytes; replaces control characters by
 * `?'.  Never blocks: a line that cannot be written at once is dropped, and the
 * next line that can be written begins its text with `dropped_lines=N'.
 */
void log_line(enum log_level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The path of syslog's socket; changed only by a test. */
extern const char	*log_syslog;

/*
 * Copies a text from outside so that it can stand between quotes in a line.
 * Returns `to'.
 */
const char *log_value(char *to, size_t size, const char *text);

/* Replaces control characters and invalid UTF-8 by `?'. */
void log_tame(char *, size_t len);

/*
 * Removes a user's name from a log file: user="NAME" becomes user="-" and
 * spaces.  Length and position stay, so that other processes can append lines
 * meanwhile.  With `count_only' nothing is changed.  Returns the number of
 * lines with the name, or -1 with errno.
 */
int64_t log_forget_user(const char *path, const char *user, bool count_only);

#endif
