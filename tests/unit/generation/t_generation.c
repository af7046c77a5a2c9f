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
#include "generation/generations.h"

#define T(n)	(&(const struct subject){ .ticket = (n) })

static void
paths(void)
{
	char	path[128], dir[128];
	size_t	n;
	int	l;

	check_int(generation_path(path, sizeof(path), "/run/x", T(42)), 0);
	check_str(path, "/run/x/42.sock");
	check_int(generation_path(path, 15, "/run/x", T(42)), 0);
	check_int(generation_path(path, 14, "/run/x", T(42)), -1);
	check_int(errno, ENAMETOOLONG);
	/* 107 bytes and a NUL, with the longest ticket id. */
	for (n = 81; n <= 83; n++) {
		row("a directory of %zu bytes", n);
		memset(dir, 'd', n);
		dir[n] = '\0';
		errno = 0;
		check_int(generation_prepare(dir), n <= RUN_DIR_MAX ? 0 : -1);
		check_int(errno == ENAMETOOLONG, n > RUN_DIR_MAX);
		if (n > RUN_DIR_MAX)
			continue;
		check((l = generation_listen(dir, T(INT64_MAX))) != -1);
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
	check_int(generation_connect("run", T(42), &fd), GENERATION_NONE);
	row("somebody");
	check((l = generation_listen("run", T(42))) != -1);
	check_int(fcntl(l, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	check_int(generation_connect("run", T(42), &fd), GENERATION_RUNNING);
	check_int(generation_connect("run", T(43), &fd2), GENERATION_NONE);
	check_int(fd2, -1);
	check((peer = accept(l, NULL, NULL)) != -1);
	check_int(write(peer, "x", 1), 1);
	check(read(fd, &c, 1) == 1 && c == 'x');
	check(peer_is_ours(peer));
	check(read(fd, &c, 1) == -1 && errno == EAGAIN);
	(void)close(peer);
	(void)close(fd);
	row("a stale socket");
	(void)close(l);
	check(lstat("run/42.sock", &st) == 0);
	check_int(generation_connect("run", T(42), &fd), GENERATION_NONE);
	check((l = generation_listen("run", T(42))) != -1);
	check_int(generation_connect("run", T(42), &fd), GENERATION_RUNNING);
	(void)close(fd);
	row("swept");
	generation_sweep("run", T(42));
	check(lstat("run/42.sock", &st) == -1 && errno == ENOENT);
	generation_sweep("run", T(42));
	check_int(generation_connect("run", T(42), &fd), GENERATION_NONE);
	(void)close(l);
	row("no socket");
	t_write("run/42.sock", "", 0);
	check_int(generation_connect("run", T(42), &fd), GENERATION_NONE);
	generation_sweep("run", T(42));
	row("no directory");
	check_int(generation_connect("nothere", T(42), &fd), GENERATION_NONE);
	check(generation_listen("nothere", T(42)) == -1);
	row("a directory in its place");
	check(mkdir("run/42.sock", 0700) == 0);
	check(generation_listen("run", T(42)) == -1);
	check(rmdir("run/42.sock") == 0);
}

/* A full backlog means that a process is alive. */
static void
busy(void)
{
	struct sockaddr_un	a = { .sun_family = AF_UNIX };
	enum generation		g = GENERATION_NONE;
	int			l, fd[9], n;

	(void)generation_path(a.sun_path, sizeof(a.sun_path), "run", T(5));
	if ((l = socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    bind(l, (const struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(l, 1) == -1)
		t_die("listen");
	for (n = 0; n < 9; n++) {
		g = generation_connect("run", T(5), &fd[n]);
		if (g != GENERATION_RUNNING)
			break;
	}
	check_int(g, GENERATION_BUSY);
	while (n > 0)
		(void)close(fd[--n]);
	(void)close(l);
	generation_sweep("run", T(5));
}

/* A socket of another user is refused. */
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
    "tr '\\0' '|' >text.new\n"
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
	static char	ticket[200000], all[200022];
	struct generation_wish	wish = { .ticket = 42, .session = 7,
			    .text = ticket, .len = sizeof(ticket) - 1,
			    .text_hash = "0123456789abcdef0123456789abcdef",
			    .instruction = "be brief", .instruction_len = 8,
			    .instruction_hash =
			    "ffffffffffffffff0123456789abcdef",
			    .user_name = "maria",
			    .user = "0123456789abcdef0123456789abcdef",
			    .run_dir = -1 };
	struct settings	s;
	struct stat	st;
	sigset_t	set;
	char		want[64];
	int		l, pid, i;

	memset(ticket, 't', sizeof(ticket) - 1);
	memset(all, 't', sizeof(ticket) - 1);
	memcpy(all + sizeof(ticket) - 1, "|be brief|maria|pt-BR", 22);
	t_write("answer-http", fake, sizeof(fake) - 1);
	check(chmod("answer-http", 0700) == 0);
	check(setenv("HTTP_COOKIE", "secret", 1) == 0);
	check_int(settings_load(&s, NULL, 0), 0);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGHUP, SIG_IGN);
	l = generation_listen("run", T(42));
	/* A descriptor that a shell may have left open, without
	   close-on-exec. */
	check(dup2(l, 8) == 8);
	wish.listener = l;
	pid = generation_start(&s, &wish);
	check(pid > 0);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	for (i = 0; i < 2000 && stat("text", &st) == -1; i++)
		t_sleep_ms(10);
	check_int(t_wait(pid), 0);
	(void)close(8);
	saw("text", all);
	saw("args", "42\n7\n0123456789abcdef0123456789abcdef\n"
	    "ffffffffffffffff0123456789abcdef\n");
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
		check_int(i, SETTING__MAX - 12 + 2);
		check(strstr(env, "\n" SETTINGS_MALLOC "\n") != NULL);
		check(strstr(env, "\nQUEUE_USER=0123456789abcdef"
		    "0123456789abcdef\n") != NULL);
		free(env);
	}
	row("it cannot be started");
	check(unlink("answer-http") == 0);
	check(generation_start(&s, &wish) == -1 && errno == ENOENT);
	(void)close(l);
	settings_free(&s);
}

/* For generations_each. */
static bool
collect(void *context, const struct subject *s)
{
	struct buf	*all = context;
	char		 line[64];

	(void)snprintf(line, sizeof(line), "%lld:%s ", (long long)s->ticket,
	    s->question);
	check_int(buf_puts(all, line), 0);
	return true;
}

/*
 * A question has a socket and a claim of its own; whoever has its ticket's
 * claim keeps it from beginning.
 */
static void
questions(void)
{
	const struct subject	a = { 42, "0123456789abcdef" },
				b = { 42, "fedcba9876543210" },
				max = { INT64_MAX, "ffffffffffffffff" };
	static const char *const	strange[] = {
		"run/42-0123456789abcde.sock", "run/42-0123456789ABCDEF.sock",
		"run/-0123456789abcdef.sock", "run/x-0123456789abcdef.sock",
		"run/42-0123456789abcdef", "run/.sock", "run/0.sock",
	};
	struct buf	all = BUF_INIT(1000);
	char		path[200], dir[RUN_DIR_MAX + 1];
	int		claim, other, fd, l, ticket, shared;
	size_t		i;

	memset(dir, 'x', RUN_DIR_MAX);
	dir[RUN_DIR_MAX] = '\0';
	check_int(generation_path(path, 108, dir, &max), 0);
	check_int(generation_path(path, 107, dir, &max), -1);
	check(generation_same(&a, &a) && !generation_same(&a, &b) &&
	    !generation_same(&a, T(42)));
	(void)mkdir("run", 0700);
	check((l = generation_listen("run", &a)) != -1);
	check_int(generation_connect("run", &a, &fd), GENERATION_RUNNING);
	(void)close(fd);
	check_int(generation_connect("run", &b, &fd), GENERATION_NONE);
	check_int(generation_connect("run", T(42), &fd), GENERATION_NONE);
	row("other files are no sockets");
	for (i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
		(void)close(open(strange[i], O_CREAT | O_WRONLY, 0600));
	check_int(generations_each("run", collect, &all), 0);
	check_str(all.data, "42:0123456789abcdef ");
	for (i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
		(void)unlink(strange[i]);
	row("what runs for a ticket is seen by whoever wants it alone");
	check(generations_hold("run", 42) == -1 && errno == EBUSY);
	check(generations_hold_all("run") == -1 && errno == EBUSY);
	check((claim = generations_hold("run", 43)) != -1);
	(void)close(claim);
	(void)close(l);
	(void)generation_path(path, sizeof(path), "run", &a);
	check(access(path, F_OK) == 0);
	check((claim = generations_hold("run", 42)) != -1);
	check(access(path, F_OK) == -1);
	(void)close(claim);
	row("claims");
	check((claim = generation_claim_question("run", &a, &shared)) != -1);
	check(generation_claim_question("run", &a, &ticket) == -1 &&
	    errno == 0 && ticket == -1);
	check((other = generation_claim_question("run", &b, &ticket)) != -1);
	check(generation_claim("run", 42) == -1 && errno == 0);
	(void)close(other);
	(void)close(ticket);
	check(generation_claim("run", 42) == -1 && errno == 0);
	(void)close(claim);
	(void)close(shared);
	check((claim = generation_claim("run", 42)) != -1);
	check(generation_claim_question("run", &a, &ticket) == -1 &&
	    errno == 0);
	(void)close(claim);
	check((claim = generations_hold_all("run")) != -1);
	check(generation_claim_question("run", &max, &ticket) == -1 &&
	    errno == 0);
	(void)close(claim);
	check((claim = generation_claim_question("run", &max, &ticket)) != -1);
	(void)close(claim);
	(void)close(ticket);
	check(generation_claim_question("nothere", &a, &ticket) == -1 &&
	    errno == ENOENT);
	buf_free(&all);
}

int
main(void)
{
	t_begin();
	run(paths);
	run(prepares);
	run(meets);
	run(busy);
	run(claims_are_exclusive);
	run(variants);
	run(questions);
	run(starts);
	return t_end();
}
