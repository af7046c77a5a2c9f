/*
 * lib/log: one line an event, at most 1,000 bytes, nothing in it that a
 * terminal would obey.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "limit.h"
#include "log.h"
#include "t.h"
#include "utf8.h"

/* Logs a text to a file of ours; the caller frees the lines. */
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

/* Whatever is at the cut, the line stays whole, short and UTF-8. */
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
	/* Neither of these may reach it, nor fail. */
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
	run(values);
	return t_end();
}
