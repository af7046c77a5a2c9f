/*
 * lib/store/resident: asking a lookup process that stays.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t.h"
#include "store/resident.h"

static struct settings	settings, other;

/* What arrives next; "-": nothing. */
static const char *
hears(const struct resident *r, const struct settings *s, int *fd)
{
	static char	text[64];
	struct buf	b = BUF_INIT(1000);

	*fd = resident_hear(r, s, &b);
	(void)snprintf(text, sizeof(text), "%s", *fd == -1 ? "-" :
	    b.data == NULL ? "" : b.data);
	buf_free(&b);
	return text;
}

/* Everything until the other side closes; "?": nothing has arrived yet. */
static const char *
told(int fd)
{
	static char	text[64];
	ssize_t		n, len = 0;

	while ((n = read(fd, text + len, sizeof(text) - 1 - (size_t)len)) > 0)
		len += n;
	text[len] = '\0';
	(void)close(fd);
	return n == -1 && len == 0 ? "?" : text;
}

static void
is_asked(void)
{
	struct resident	r;
	int		fd, q, late;

	row("nobody stays");
	check_int(resident_ask(&settings, "q", 1), -1);
	check_int(resident_begin(&r, &settings), 0);
	check_int(resident_is(&r, &settings), true);
	row("a question");
	check_int((q = resident_ask(&settings, "what?\n", 6)) != -1, 1);
	check_str(hears(&r, &settings, &fd), "what?\n");
	check_int(resident_is_waited_for(fd), true);
	check_int(write(fd, "this\n", 5), 5);
	(void)close(fd);
	check_str(told(q), "\nthis\n");
	row("nothing more waits");
	check_str(hears(&r, &settings, &fd), "-");
	row("whoever has left meanwhile");
	check_int((q = resident_ask(&settings, "q", 1)) != -1, 1);
	(void)close(q);
	check_str(hears(&r, &settings, &fd), "-");
	row("whoever leaves behind that");
	check_int((q = resident_ask(&settings, "q", 1)) != -1, 1);
	check_str(hears(&r, &settings, &fd), "q");
	(void)close(q);
	check_int(resident_is_waited_for(fd), false);
	(void)close(fd);
	row("other settings");
	check_int((q = resident_ask(&other, "q", 1)) != -1, 1);
	check_str(hears(&r, &settings, &fd), "-");
	check_str(told(q), "");
	row("what came before the place was left");
	check_int((late = resident_ask(&settings, "late", 4)) != -1, 1);
	resident_leave(&r, &settings);
	check_int(resident_is(&r, &settings), false);
	check_int(resident_ask(&settings, "q", 1), -1);
	check_str(hears(&r, &settings, &fd), "late");
	(void)close(fd);
	(void)close(r.listener);
	check_str(told(late), "\n");
}

/* Lines that do not fit into the socket's buffer are left to a program. */
static void
is_not_asked_what_is_long(void)
{
	enum { LONG = 8 * 1024 * 1024 };
	char		*line = malloc(LONG);
	struct resident	r;
	int		fd;

	memset(line, 'x', LONG);
	check_int(resident_begin(&r, &settings), 0);
	check_int(resident_ask(&settings, line, LONG), -1);
	row("over what it may hold");
	check_int((fd = resident_ask(&settings, line, 1001)) != -1, 1);
	check_str(hears(&r, &settings, &(int){ 0 }), "-");
	(void)close(fd);
	resident_leave(&r, &settings);
	(void)close(r.listener);
	free(line);
}

/* Only a process that would answer keeps another one away. */
static void
takes_the_place(void)
{
	struct resident	old, r;
	int		fd, status;
	pid_t		pid;

	row("of one that stands still");
	check_int(resident_begin(&old, &settings), 0);
	check_int(resident_begin(&r, &settings), 0);
	check_int(resident_is(&old, &settings), false);
	resident_leave(&old, &settings);
	check_int(resident_is(&r, &settings), true);
	row("of one that was killed");
	(void)close(old.listener);
	(void)close(r.listener);
	check_int(resident_begin(&r, &settings), 0);
	row("not of one that answers");
	if ((pid = fork()) == 0) {
		(void)alarm(20);
		while (hears(&r, &settings, &fd)[0] == '-')
			(void)usleep(1000);
		_exit(0);
	}
	check_int(resident_begin(&old, &settings), -1);
	check_int(waitpid(pid, &status, 0), pid);
	check_int(resident_is(&r, &settings), true);
	row("of one with other settings");
	if ((pid = fork()) == 0) {
		(void)alarm(20);
		for (;;) {
			(void)hears(&r, &settings, &fd);
			(void)usleep(1000);
		}
	}
	check_int(resident_begin(&old, &other), 0);
	check_int(kill(pid, SIGKILL), 0);
	check_int(waitpid(pid, &status, 0), pid);
	check_int(resident_is(&r, &settings), false);
	resident_leave(&old, &other);
	(void)close(old.listener);
	(void)close(r.listener);
}

static void
needs_a_directory(void)
{
	static char	far[200];
	struct settings	s = settings;
	struct resident	r;

	row("none");
	s.text[SETTING_RUN_DIR] = "/nonexistent";
	check_int(resident_begin(&r, &s), -1);
	check_int(resident_ask(&s, "q", 1), -1);
	row("too long a name");
	memset(far, 'd', sizeof(far) - 1);
	s.text[SETTING_RUN_DIR] = far;
	check_int(resident_begin(&r, &s), -1);
	check_int(resident_ask(&s, "q", 1), -1);
}

int
main(void)
{
	size_t	i;

	t_begin();
	for (i = 0; i < SETTING__MAX; i++)
		settings.text[i] = "";
	settings.text[SETTING_RUN_DIR] = ".";
	other = settings;
	other.text[SETTING_CACHE] = "body";
	run(is_asked);
	run(is_not_asked_what_is_long);
	run(takes_the_place);
	run(needs_a_directory);
	return t_end();
}
