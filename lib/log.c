/*
 * Writing the log.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "limit.h"
#include "log.h"
#include "utf8.h"

static const char	*log_program = "ticketchat";
static const char	*log_target;

static const struct {
	const char	*name;
	int		 priority;
} levels[] = {
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_WARNING] = { "warning", LOG_WARNING },
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
};

void
log_open(const char *program, const char *target)
{
	log_program = program;
	log_target = target;
}

void
log_tame(char *s, size_t len)
{
	size_t	i;
	int	n;

	for (i = 0; i < len; i += (size_t)n) {
		unsigned char	c = (unsigned char)s[i];

		n = utf8_char(s + i, len - i);
		if (n == 1 ? c >= 0x20 && c != 0x7f : n > 1 && (c != 0xc2 ||
		    (unsigned char)s[i + 1] >= 0xa0))
			continue;	/* U+0080 to U+009F are controls too */
		s[i] = '?';
		n = 1;
	}
}

/* Writes the whole line to the log's file; returns 0 or -1. */
static int
write_file(const char *line, size_t len)
{
	ssize_t	n;
	int	fd;

	fd = open(log_target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOCTTY, 0600);
	if (fd == -1)
		return -1;
	n = write(fd, line, len);	/* one write: lines never mix */
	(void)close(fd);
	return n == (ssize_t)len ? 0 : -1;
}

void
log_line(enum log_level level, const char *format, ...)
{
	char		line[LOG_LINE_MAX + 1], when[32];
	struct timespec	now;
	struct tm	tm;
	va_list		ap;
	size_t		len, head;
	int		n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(line, sizeof(line), "time=%s.%03ldZ level=%s ", when,
	    now.tv_nsec / 1000000, levels[level].name);
	head = (size_t)n;	/* syslog has its own of both */
	n = snprintf(line + head, sizeof(line) - head, "prog=%s pid=%ld ",
	    log_program, (long)getpid());
	len = head + (size_t)n;
	va_start(ap, format);
	n = vsnprintf(line + len, sizeof(line) - len, format, ap);
	va_end(ap);
	if (n > 0)
		len += (size_t)n;
	if (len > LOG_LINE_MAX - 1)
		len = utf8_cut(line, LOG_LINE_MAX, LOG_LINE_MAX - 1);
	log_tame(line, len);
	line[len] = '\n';
	if (log_target == NULL) {
		(void)!write(STDERR_FILENO, line, len + 1);
		return;
	}
	if (strcmp(log_target, "syslog") != 0 &&
	    write_file(line, len + 1) == 0)
		return;
	line[len] = '\0';
	syslog(LOG_DAEMON | levels[level].priority, "%s", line + head);
}

const char *
log_value(char *to, size_t size, const char *text)
{
	char	*p;

	(void)snprintf(to, size, "%s", text);
	for (p = to; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			*p = '\'';
	}
	return to;
}
