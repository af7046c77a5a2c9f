/*
 * Writes the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/limit.h"
#include "base/log.h"
#include "base/utf8.h"

static const char	*log_program = "ticketchat";
static const char	*log_target;
static int		 log_fd = STDERR_FILENO;
const char		*log_syslog = _PATH_LOG;

static const struct {
	const char	*name;
	int		 priority;
} log_levels[] = {
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

int
log_open_parent(void)
{
	char	path[64];
	int	fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/fd/2", (long)getppid());
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);
	if (fd == -1)
		return -1;
	log_fd = fd;
	return 0;
}

int
log_descriptor(void)
{
	return log_fd;
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
			continue;	/* U+0080 to U+009F are control
					   characters, too */
		s[i] = '?';
		n = 1;
	}
}

/* Appends a whole line to the log file.  Returns 0 or -1. */
static int
log_to_file(const char *line, size_t len)
{
	ssize_t	n;
	int	fd;

	/* O_NONBLOCK: do not wait for a slow or missing reader of a FIFO. */
	fd = open(log_target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK, 0600);
	if (fd == -1)
		return -1;
	n = write(fd, line, len);	/* one write per line, so that lines do
					   not mix */
	(void)close(fd);
	return n == (ssize_t)len ? 0 : -1;
}

/*
 * Writes a whole line to stderr if that does not block.  Returns 0 or -1.  Sets
 * no O_NONBLOCK, because other processes may share stderr.
 */
static int
log_to_stderr(const char *line, size_t len)
{
	struct pollfd	p = { .fd = log_fd, .events = POLLOUT };

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0)
		return -1;
	return write(log_fd, line, len) == (ssize_t)len ? 0 : -1;
}

/* Connects to syslog's socket: a datagram socket, seldom a stream. */
static int
log_connect_syslog(void)
{
	static const int	types[] = { SOCK_DGRAM, SOCK_STREAM };
	struct sockaddr_un	a = { .sun_family = AF_UNIX };
	size_t			i;
	int			fd, saved;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", log_syslog);
	for (i = 0; i < 2; i++) {
		if ((fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0)) == -1)
			return -1;
		if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
			return fd;
		saved = errno;
		(void)close(fd);
		errno = saved;
		if (saved != EPROTOTYPE)
			return -1;
	}
	return -1;
}

/*
 * Sends a line to syslog in the format of syslog(3), which we do not call
 * because it blocks while nobody reads the socket.  Returns 0 or -1.
 */
static int
log_to_syslog(int priority, const struct tm *tm, const char *text)
{
	static int	fd = -1;
	char		line[LOG_LINE_MAX + 64], when[32];
	bool		fresh;
	ssize_t		sent;
	int		n;

	(void)strftime(when, sizeof(when), "%b %e %H:%M:%S", tm);
	n = snprintf(line, sizeof(line), "<%d>%s %s: %s",
	    LOG_DAEMON | priority, when, program_invocation_short_name, text);
	n = n < (int)sizeof(line) ? n : (int)sizeof(line) - 1;
	do {
		fresh = fd == -1;
		if (fresh && (fd = log_connect_syslog()) == -1)
			return -1;
		/* The NUL ends the line on a stream socket. */
		sent = send(fd, line, (size_t)n + 1, MSG_NOSIGNAL);
		if (sent == n + 1)
			return 0;
		if (sent == -1 && (errno == EAGAIN || errno == ENOBUFS))
			return -1;
		/* syslog was restarted: connect again. */
		(void)close(fd);
		fd = -1;
	} while (!fresh);
	return -1;
}

void
log_line(enum log_level level, const char *format, ...)
{
	static unsigned	dropped;
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
	    now.tv_nsec / 1000000, log_levels[level].name);
	head = (size_t)n;	/* syslog adds its own time and level */
	n = snprintf(line + head, sizeof(line) - head, "prog=%s pid=%ld ",
	    log_program, (long)getpid());
	len = head + (size_t)n;
	if (dropped > 0)
		len += (size_t)snprintf(line + len, sizeof(line) - len,
		    "dropped_lines=%u ", dropped);
	va_start(ap, format);
	n = vsnprintf(line + len, sizeof(line) - len, format, ap);
	va_end(ap);
	if (n > 0)
		len += (size_t)n;
	if (len > LOG_LINE_MAX - 1)
		len = utf8_cut(line, LOG_LINE_MAX, LOG_LINE_MAX - 1);
	log_tame(line, len);
	line[len] = '\n';
	if (log_target == NULL || strcmp(log_target, "stderr") == 0)
		n = log_to_stderr(line, len + 1);
	else if (strcmp(log_target, "syslog") == 0 ||
	    (n = log_to_file(line, len + 1)) == -1) {
		line[len] = '\0';
		n = log_to_syslog(log_levels[level].priority, &tm, line + head);
	}
	dropped = n == 0 ? 0 : dropped + 1;
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
