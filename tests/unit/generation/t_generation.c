/*
 * lib/generation/generation: RUN_DIR, the socket's path, claims, stale sockets,
 * and what a started `answer' inherits.  The file is compiled in here, with an
 * `answer' of the test.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "t.h"

#undef LIBEXECDIR
#define LIBEXECDIR	"."
#include "generation/generation.c"

static void
paths(void)
{
	char	path[128], dir[128];
	size_t	n;
	int	l;

	check_int(generation_path(path, sizeof(path), "/run/x", 42), 0);
	check_str(path, "/run/x/42.sock");
	check_int(generation_path(path, 15, "/run/x", 42), 0);
	check_int(generation_path(path, 14, "/run/x", 42), -1);
	check_int(errno, ENAMETOOLONG);
	/* 107 bytes and a NUL, with the longest ticket id. */
	for (n = 81; n <= 83; n++) {
		row("a directory of %zu bytes", n);
		memset(dir, 'd', n);
		dir[n] = '\0';
		errno = 0;
		check_int(generation_prepare(dir), n <= 82 ? 0 : -1);
		check_int(errno == ENAMETOOLONG, n > 82);
		if (n > 82)
			continue;
		check((l = generation_listen(dir, INT64_MAX)) != -1);
		(void)close(l);
	}
}

static void
prepares(void)
{
	struct stat	st;

	check_int(generation_prepare("run"), 0);
	check(stat("run", &st) == 0 && (st.st_mode & 07777) == 0700);
	check_int(generation_prepare("run"), 0);
	row("open to others");
	check(chmod("run", 0750) == 0);
	check(generation_prepare("run") == -1 && errno == EPERM);
	check(chmod("run", 0701) == 0);
	check(generation_prepare("run") == -1 && errno == EPERM);
	check(chmod("run", 0700) == 0);
	row("another's");
	if (geteuid() == 0) {
		check(chown("run", 65534, 65534) == 0);
		check(generation_prepare("run") == -1 && errno == EPERM);
		check(chown("run", 0, 0) == 0);
	}
	row("no directory");
	t_write("plain", "", 0);
	check(generation_prepare("plain") == -1 && errno == ENOTDIR);
	check(generation_prepare("not/there") == -1 && errno == ENOENT);
}

static void
meets(void)
{
	struct stat	st;
	int		l, fd = -1, fd2 = -1, peer;
	char		c;

	row("nobody");
	check_int(generation_connect("run", 42, &fd), GENERATION_NONE);
	row("somebody");
	check((l = generation_listen("run", 42)) != -1);
	check_int(fcntl(l, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	check_int(generation_connect("run", 42, &fd), GENERATION_RUNNING);
	check_int(generation_connect("run", 43, &fd2), GENERATION_NONE);
	check_int(fd2, -1);
	check((peer = accept(l, NULL, NULL)) != -1);
	check_int(write(peer, "x", 1), 1);
	check(read(fd, &c, 1) == 1 && c == 'x');
	check(generation_peer_is_ours(peer));
	check(read(fd, &c, 1) == -1 && errno == EAGAIN);
	(void)close(peer);
	(void)close(fd);
	row("a stale socket");
	(void)close(l);
	check(lstat("run/42.sock", &st) == 0);
	check_int(generation_connect("run", 42, &fd), GENERATION_NONE);
	check((l = generation_listen("run", 42)) != -1);
	check_int(generation_connect("run", 42, &fd), GENERATION_RUNNING);
	(void)close(fd);
	row("swept");
	generation_sweep("run", 42);
	check(lstat("run/42.sock", &st) == -1 && errno == ENOENT);
	generation_sweep("run", 42);
	check_int(generation_connect("run", 42, &fd), GENERATION_NONE);
	(void)close(l);
	row("no socket");
	t_write("run/42.sock", "", 0);
	check_int(generation_connect("run", 42, &fd), GENERATION_NONE);
	generation_sweep("run", 42);
	row("no directory");
	check_int(generation_connect("nothere", 42, &fd), GENERATION_NONE);
	check(generation_listen("nothere", 42) == -1);
	row("a directory in its place");
	check(mkdir("run/42.sock", 0700) == 0);
	check(generation_listen("run", 42) == -1);
	check(rmdir("run/42.sock") == 0);
}

/* A full backlog means that a process is alive. */
static void
busy(void)
{
	struct sockaddr_un	a = { .sun_family = AF_UNIX };
	enum generation		g = GENERATION_NONE;
	int			l, fd[9], n;

	(void)generation_path(a.sun_path, sizeof(a.sun_path), "run", 5);
	if ((l = socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    bind(l, (const struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(l, 1) == -1)
		t_die("listen");
	for (n = 0; n < 9; n++) {
		g = generation_connect("run", 5, &fd[n]);
		if (g != GENERATION_RUNNING)
			break;
	}
	check_int(g, GENERATION_BUSY);
	while (n > 0)
		(void)close(fd[--n]);
	(void)close(l);
	generation_sweep("run", 5);
}

/* A socket of another user is refused. */
static void
peers(void)
{
	int	sv[2], p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1 || pipe(p) == -1)
		t_die("socketpair");
	check(generation_peer_is_ours(sv[0]));
	check(!generation_peer_is_ours(p[0]));
	check(!generation_peer_is_ours(-1));
	(void)close(sv[0]);
	(void)close(sv[1]);
	(void)close(p[0]);
	(void)close(p[1]);
	if (geteuid() != 0)
		return;
	row("another's");
	if (seteuid(65534) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1 || seteuid(0) == -1)
		t_die("seteuid");
	check(!generation_peer_is_ours(sv[0]));
	(void)close(sv[0]);
	(void)close(sv[1]);
}

static void
claims_are_exclusive(void)
{
	int	a, b, ready[2];
	char	c;
	pid_t	pid;

	check((a = generation_claim("run", 42)) != -1);
	check(generation_claim("run", 42) == -1 && errno == 0);
	check((b = generation_claim("run", 43)) != -1);
	(void)close(b);
	check((b = generation_claim("run", INT64_MAX)) != -1);
	(void)close(b);
	(void)close(a);
	check((a = generation_claim("run", 42)) != -1);
	(void)close(a);
	row("killed");
	if (pipe(ready) == -1)
		t_die("pipe");
	if ((pid = t_fork()) == 0) {
		if (generation_claim("run", 42) == -1)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		(void)pause();
		_exit(0);
	}
	check_int(read(ready[0], &c, 1), 1);
	check(generation_claim("run", 42) == -1 && errno == 0);
	(void)kill(pid, SIGKILL);
	check_int(t_wait(pid), 256 + SIGKILL);
	check((a = generation_claim("run", 42)) != -1);
	(void)close(a);
	(void)close(ready[0]);
	(void)close(ready[1]);
	row("no directory");
	check(generation_claim("nothere", 42) == -1 && errno == ENOENT);
}

static void
variants(void)
{
	static const struct {
		const char	*database, *server, *want;
	} rows[] = {
		{ "a.db", "http://127.0.0.1:11434", "./answer-http" },
		{ "a.db", "http://localhost http://[::1]:8", "./answer-http" },
		{ "a.db", "https://127.0.0.1:11434", "./answer" },
		{ "a.db", "http://ollama.example", "./answer" },
		{ "a.db", "http://127.0.0.1 http://gpu", "./answer" },
		{ "postgres://x/y", "http://127.0.0.1", "./answer-postgres" },
		{ "postgresql://x/y", "https://gpu", "./answer-postgres" },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct settings	s = { 0 };

		row("%s %s", rows[i].database, rows[i].server);
		s.text[SETTING_DATABASE] = rows[i].database;
		s.text[SETTING_OLLAMA_SERVER] = rows[i].server;
		check_str(generation_program(&s), rows[i].want);
	}
}

/* What the test's `answer' saw, written to files. */
static const char	fake[] =
    "#!/bin/sh\n"
    "cat >text.new\n"
    "{ printf '%s\\n' \"$@\"; } >args\n"
    "cut -d ' ' -f 6 /proc/$$/stat >sid\n"	/* our name contains no space */
    "env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= >env\n"
    "for i in 0 1 2 3 4 5 6 7 8 9; do\n"
    "	[ ! -e /proc/$$/fd/$i ] || printf '%s ' $i\n"
    "done >fds\n"
    "out=$(readlink /proc/$$/fd/1 /proc/$$/fd/2)\n"
    "printf '%s\\n' \"$out\" >out\n"
    "readlink /proc/$$/fd/3 | cut -c1-6 >listener\n"
    "awk '/^Sig(Blk|Ign)/ { print substr($2, 10) }' /proc/self/status \\\n"
    "	>signals\n"		/* 1 to 28: libc uses 32 and 33 */
    "mv text.new text\n";

static void
saw(const char *file, const char *want)
{
	size_t	 len;
	char	*text = t_read(file, &len);

	row("%s", file);
	check_mem(text, len, want, strlen(want));
	free(text);
}

static void
starts(void)
{
	static char	ticket[200000];
	struct settings	s;
	struct stat	st;
	sigset_t	set;
	char		want[64];
	int		l, pid, i;

	memset(ticket, 't', sizeof(ticket) - 1);
	t_write("answer-http", fake, sizeof(fake) - 1);
	check(chmod("answer-http", 0700) == 0);
	check(setenv("HTTP_COOKIE", "secret", 1) == 0);
	check_int(settings_load(&s, NULL, 0), 0);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGHUP, SIG_IGN);
	l = generation_listen("run", 42);
	/* A descriptor that a shell may have left open, without
	   close-on-exec. */
	check(dup2(l, 8) == 8);
	pid = generation_start(&s, 42, 7, 0, l, ticket, sizeof(ticket) - 1,
	    "", "0123456789abcdef0123456789abcdef", -1);
	check(pid > 0);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	for (i = 0; i < 2000 && stat("text", &st) == -1; i++)
		t_sleep_ms(10);
	check_int(t_wait(pid), 0);
	(void)close(8);
	saw("text", ticket);
	saw("args", "42\n7\n");
	(void)snprintf(want, sizeof(want), "%d\n", pid);
	saw("sid", want);
	/* dash has its script open as 10; none of the inherited ones is
	   closed. */
	saw("fds", "0 1 2 3 ");
	saw("out", "/dev/null\n/dev/null\n");
	saw("listener", "socket\n");
	saw("signals", "0000000\n0000000\n");
	{
		size_t	 len;
		char	*env = t_read("env", &len), *p = env;

		row("env");
		check(strstr(env, "HTTP_") == NULL);
		check(strstr(env, "TICKETCHAT_QUEUE_MAX=64\n") != NULL);
		check(strstr(env, "TICKETCHAT_AUTH=off\n") != NULL);
		/* Settings for websocketd, its parents and the timer are not
		   passed on. */
		check(strstr(env, "TICKETCHAT_PORT=") == NULL);
		check(strstr(env, "TICKETCHAT_STOP_WAIT=") == NULL);
		check(strstr(env, "TICKETCHAT_BACKUPS=") == NULL);
		for (i = 0; (p = strchr(p, '\n')) != NULL; p++)
			i++;
		check_int(i, SETTING__MAX - 9 + 1);
		check(strstr(env, "\nQUEUE_USER=0123456789abcdef"
		    "0123456789abcdef\n") != NULL);
		free(env);
	}
	row("it cannot be started");
	check(unlink("answer-http") == 0);
	check(generation_start(&s, 42, 7, 0, l, "x", 1, "", "", -1) == -1 &&
	    errno == ENOENT);
	(void)close(l);
	settings_free(&s);
}

int
main(void)
{
	t_begin();
	run(paths);
	run(prepares);
	run(meets);
	run(busy);
	run(peers);
	run(claims_are_exclusive);
	run(variants);
	run(starts);
	return t_end();
}
