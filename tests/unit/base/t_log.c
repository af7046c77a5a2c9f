/*
 * lib/base/log: one line per event, at most 1,000 bytes, with nothing that a
 * terminal acts on.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/limit.h"
#include "base/log.h"
#include "base/utf8.h"
#include "t.h"

/* Logs a text to a file.  The caller frees the lines. */
static char *
logged(enum log_level level, const char *text, size_t *len)
{
	(void)unlink("log");
	log_open("t", "log");
	log_line(level, "%s", text);
	return t_read("log", len);
}

static void
lines(void)
{
	static const struct {
		enum log_level	 level;
		const char	*name, *text, *want;
	} rows[] = {
		{ LOG_LEVEL_INFO, "info", "a=1 b=\"c\"", "a=1 b=\"c\"" },
		{ LOG_LEVEL_WARNING, "warning", "", "" },
		{ LOG_LEVEL_ERROR, "error", "\xc3\xa1\xe2\x82\xac",
		    "\xc3\xa1\xe2\x82\xac" },
		{ LOG_LEVEL_INFO, "info", "a\nb\rc\td\x1b[31m\x7f",
		    "a?b?c?d?[31m?" },
		{ LOG_LEVEL_INFO, "info", "\xc2\x9b" "31m\xc2\x80\xc2\xa0",
		    "??31m??\xc2\xa0" },
		{ LOG_LEVEL_INFO, "info", "\x9b\xff" "a\xc3", "??a?" },
		{ LOG_LEVEL_INFO, "info", "\xe2\x82", "??" },
		{ LOG_LEVEL_INFO, "info", "%s%n", "%s%n" },
	};
	char	*line, head[100];
	size_t	 i, len;
	int	 n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		line = logged(rows[i].level, rows[i].text, &len);
		/* time=2026-01-02T03:04:05.678Z and a space */
		check(strncmp(line, "time=20", 7) == 0 && line[28] == 'Z' &&
		    line[15] == 'T' && line[24] == '.' && line[29] == ' ');
		n = snprintf(head, sizeof(head), "level=%s prog=t pid=%ld ",
		    rows[i].name, (long)getpid());
		check_mem(line + 30, len < 30 + (size_t)n ? 0 : (size_t)n,
		    head, (size_t)n);
		check_mem(line + 30 + n, len - 31 - (size_t)n, rows[i].want,
		    strlen(rows[i].want));
		check(line[len - 1] == '\n');
		free(line);
	}
}

/* Wherever the line is cut, it stays one short line of UTF-8. */
static void
cuts(void)
{
	static const char	*const unit[] = { "a", "\xc3\xa1",
				    "\xe2\x82\xac", "\xf0\x9f\x98\x80",
				    "\xff" };
	static char		text[5000];
	size_t			i, shift, n, len;
	char			*line;

	for (i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
		for (shift = 0; shift < 4; shift++) {
			row("%s shifted by %zu", unit[i], shift);
			memset(text, 'x', shift);
			for (n = shift; n + 5 < sizeof(text); )
				n += (size_t)snprintf(text + n,
				    sizeof(text) - n, "%s", unit[i]);
			line = logged(LOG_LEVEL_INFO, text, &len);
			check(len <= LOG_LINE_MAX && len > LOG_LINE_MAX - 4);
			check(utf8_valid(line, len));
			check(strchr(line, '\n') == line + len - 1);
			free(line);
		}
	}
	for (n = 800; n < 1000; n++) {
		row("%zu bytes", n);
		memset(text, 'x', n);
		text[n] = '\0';
		line = logged(LOG_LEVEL_INFO, text, &len);
		check(len <= LOG_LINE_MAX && line[len - 1] == '\n' &&
		    line[len - 2] == 'x');
		free(line);
	}
}

static void
targets(void)
{
	struct stat	st;
	char		*line;
	size_t		 len;
	int		 saved, fd;

	row("a file that is moved away");
	line = logged(LOG_LEVEL_INFO, "one", &len);
	free(line);
	check(stat("log", &st) == 0 && (st.st_mode & 0777) == 0600);
	log_line(LOG_LEVEL_INFO, "two");
	check(rename("log", "log.1") == 0);
	log_line(LOG_LEVEL_INFO, "three");
	line = t_read("log.1", &len);
	check(strstr(line, "one\n") != NULL && strstr(line, "two\n") != NULL);
	free(line);
	line = t_read("log", &len);
	check(strstr(line, " three\n") != NULL && strstr(line, "two") == NULL);
	free(line);
	row("stderr");
	(void)fflush(stderr);
	if ((saved = dup(2)) == -1 || (fd = open("err",
	    O_CREAT | O_WRONLY | O_TRUNC, 0600)) == -1 || dup2(fd, 2) == -1)
		t_die("dup");
	log_open("t", NULL);
	log_line(LOG_LEVEL_INFO, "to %s %d", "stderr", 2);
	/* Neither of these may write to the terminal or fail. */
	log_open("t", "nothere/log");
	log_line(LOG_LEVEL_INFO, "from t_log: to syslog");
	log_open("t", "syslog");
	log_line(LOG_LEVEL_INFO, "from t_log: to syslog");
	if (dup2(saved, 2) == -1)
		t_die("dup2");
	(void)close(saved);
	(void)close(fd);
	line = t_read("err", &len);
	check(strstr(line, " to stderr 2\n") != NULL);
	check(strchr(line, '\n') == line + len - 1);
	free(line);
	log_open("t", NULL);
}

/* A socket in place of syslog's. */
static int
syslogd(const char *path, int type)
{
	struct sockaddr_un	a = { .sun_family = AF_UNIX };
	int			fd;

	(void)unlink(path);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) ==
	    -1 || (type == SOCK_STREAM && listen(fd, 5) == -1))
		t_die("syslogd");
	log_syslog = path;
	return fd;
}

/* What has arrived, as a string. */
static const char *
heard(int fd)
{
	static char	data[1 << 20];
	size_t		len = 0;
	ssize_t		n;

	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		t_die("fcntl");
	while (len < sizeof(data) - 1 && (n = read(fd, data + len,
	    sizeof(data) - 1 - len)) > 0)
		len += (size_t)n;
	data[len] = '\0';
	while (len-- > 0)	/* a line for syslog ends with a NUL */
		data[len] = data[len] == '\0' ? '\n' : data[len];
	return data;
}

/* Logs more lines than the buffers between us and the reader can hold. */
static void
flood(void)
{
	int	i;

	for (i = 0; i < 5000; i++)
		log_line(LOG_LEVEL_INFO, "n=%d %0500d", i, 0);
}

/*
 * The first line that gets through says how many were dropped; the next does
 * not.
 */
static void
tells_dropped(int fd)
{
	const char	*first = heard(fd), *n;
	long		 lines = 0;

	while ((n = strstr(first, " n=")) != NULL) {
		check(strtol(n + 3, NULL, 10) == lines);
		lines++;
		first = n + 3;
	}
	check(lines > 0 && lines < 5000);
	log_line(LOG_LEVEL_INFO, "again=1");
	log_line(LOG_LEVEL_INFO, "again=2");
	first = heard(fd);
	n = strstr(first, " dropped_lines=");
	check(n != NULL && strtol(n + 15, NULL, 10) == 5000 - lines);
	check(n != NULL && strstr(n, " again=1\n") != NULL &&
	    strstr(n + 2, "dropped_lines") == NULL);
	check(strstr(first, "again=2") != NULL);
}

/* Logging never waits for the reader. */
static void
never_waits(void)
{
	int	fd, pipe_fd[2], saved, sys;

	sys = syslogd("sys", SOCK_DGRAM);
	row("syslog that nobody reads");
	log_open("t", "syslog");
	flood();
	tells_dropped(sys);
	row("syslog that is started anew");
	(void)close(sys);
	log_line(LOG_LEVEL_INFO, "lost");
	sys = syslogd("sys", SOCK_DGRAM);
	log_line(LOG_LEVEL_ERROR, "good=1");
	check(strncmp(heard(sys), "<27>", 4) == 0);
	row("a FIFO without a reader: syslog has the line");
	if (mkfifo("fifo", 0600) == -1)
		t_die("mkfifo");
	log_open("t", "fifo");
	log_line(LOG_LEVEL_INFO, "no=reader");
	check(strstr(heard(sys), " no=reader\n") != NULL);
	row("a FIFO that nobody reads, and no syslog");
	(void)close(sys);
	if ((fd = open("fifo", O_RDONLY | O_NONBLOCK)) == -1)
		t_die("fifo");
	flood();
	tells_dropped(fd);
	(void)close(fd);
	row("a stream of syslog's");
	fd = syslogd("stream", SOCK_STREAM);
	log_open("t", "syslog");
	log_line(LOG_LEVEL_INFO, "one");
	if ((sys = accept(fd, NULL, NULL)) == -1)
		t_die("accept");
	check(strstr(heard(sys), " one\n") != NULL);
	flood();
	check(strstr(heard(sys), " n=0 ") != NULL);
	(void)close(sys);
	(void)close(fd);
	row("a pipe as stderr that nobody reads");
	log_open("t", NULL);
	log_line(LOG_LEVEL_INFO, "what was dropped until now is told here");
	if ((saved = dup(2)) == -1 || pipe(pipe_fd) == -1 ||
	    dup2(pipe_fd[1], 2) == -1)
		t_die("pipe");
	flood();
	tells_dropped(pipe_fd[0]);
	if (dup2(saved, 2) == -1)
		t_die("dup2");
	(void)close(saved);
	(void)close(pipe_fd[0]);
	(void)close(pipe_fd[1]);
}

static void
values(void)
{
	char	to[8];

	check_str(log_value(to, sizeof(to), "a\"b\\c"), "a'b'c");
	check_str(log_value(to, sizeof(to), ""), "");
	check_str(log_value(to, sizeof(to), "12345678901"), "1234567");
	check_str(log_value(to, sizeof(to), "%s"), "%s");
}

int
main(void)
{
	t_begin();
	run(lines);
	run(cuts);
	run(targets);
	run(never_waits);
	run(values);
	return t_end();
}
