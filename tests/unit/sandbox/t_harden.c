/*
 * lib/sandbox/harden: what is still possible afterwards and what is not.  Each
 * row is a process, since hardening cannot be undone.
 */
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sandbox/harden.h"
#include "t.h"

enum act { READS, WRITES, MAKES, REMOVES, RUNS };

/* Tries an action.  Returns 0, or errno. */
static int
act(enum act what, const char *path)
{
	int	fd, flags = O_RDONLY;

	if (what == REMOVES)
		return unlink(path) == 0 ? 0 : errno;
	if (what == RUNS) {
		(void)execl(path, path, (char *)NULL);
		return errno;
	}
	if (what == WRITES)
		flags = O_WRONLY | O_TRUNC;
	else if (what == MAKES)
		flags = O_WRONLY | O_CREAT | O_EXCL;
	if ((fd = open(path, flags, 0600)) == -1)
		return errno;
	(void)close(fd);
	return 0;
}

static void
fences(void)
{
	static const struct {
		enum act	 what;
		const char	*path;
		bool		 may;
	} rows[] = {
		{ READS, "state/db", true }, { WRITES, "state/db", true },
		{ MAKES, "state/db-wal", true }, { REMOVES, "state/db",
		    true }, { WRITES, "run/claims", true },
		{ MAKES, "run/42.sock", true }, { MAKES, "logs/new", true },
		{ WRITES, "logs/log", true }, { READS, "conf/key one", false },
		{ READS, "conf/a", true }, { READS, "conf/b", true },
		{ READS, "conf/my prompt", true },
		{ READS, "conf/words", true }, { WRITES, "conf/words", false },
		{ READS, "conf/token", true }, { WRITES, "conf/a", false },
		{ READS, "conf/other", false }, { WRITES, "conf/other",
		    false }, { MAKES, "conf/new", false },
		{ REMOVES, "conf/a", false }, { READS, "elsewhere", false },
		{ MAKES, "new", false }, { READS, "/etc/passwd", true },
		{ WRITES, "/etc/passwd", false }, { WRITES, "/dev/null",
		    true }, { READS, "/dev/urandom", true },
		{ RUNS, "/bin/true", true }, { RUNS, "state/program", false },
	};
	static const char	*const files[] = { "state/db", "run/claims",
				    "logs/log", "conf/key one", "conf/a",
				    "conf/b", "conf/my prompt", "conf/token",
				    "conf/words",
				    "conf/other", "elsewhere" };
	struct settings	s;
	enum harden	h = HARDEN_FAILED;
	size_t		i;
	pid_t		pid;
	int		rc;

	if (mkdir("state", 0700) == -1 || mkdir("run", 0700) == -1 ||
	    mkdir("logs", 0700) == -1 || mkdir("conf", 0700) == -1)
		t_die("mkdir");
	t_write("state/program", "#!/bin/sh\n", 10);
	if (chmod("state/program", 0700) == -1)
		t_die("chmod");
	check_int(settings_load(&s, NULL, 0), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t	k;

		row("%u %s", rows[i].what, rows[i].path);
		for (k = 0; k < sizeof(files) / sizeof(files[0]); k++)
			t_write(files[k], "x", 1);
		(void)unlink("new");
		(void)unlink("state/db-wal");
		if ((pid = t_fork()) == 0) {
			h = harden(&s, 64);
			if (h != HARDEN_DONE)
				_exit(h == HARDEN_FAILED ? 200 : 201);
			_exit(act(rows[i].what, rows[i].path));
		}
		rc = t_wait(pid);
		if (rc == 201) {
			(void)printf("t_harden: this kernel has no "
			    "Landlock; fences are not tested\n");
			break;
		}
		check(rc != 200);
		check_int(rc == 0, rows[i].may);
		if (!rows[i].may)
			check(rc == EACCES || rc == EPERM);
	}
	settings_free(&s);
}

/* The limits and no_new_privs. */
static void
limits(void)
{
	struct settings	s;
	struct rlimit	core, files, before;
	pid_t		pid;

	check_int(settings_load(&s, NULL, 0), 0);
	if (getrlimit(RLIMIT_NOFILE, &before) == -1)
		t_die("getrlimit");
	if ((pid = t_fork()) == 0) {
		if (harden(&s, 60) == HARDEN_FAILED)
			_exit(1);
		if (getrlimit(RLIMIT_CORE, &core) == -1 ||
		    core.rlim_cur != 0)
			_exit(2);
		if (getrlimit(RLIMIT_NOFILE, &files) == -1 ||
		    files.rlim_cur != 60 || files.rlim_max != before.rlim_max)
			_exit(3);
		if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
			_exit(4);
		if (harden_descriptors(200) == -1 ||
		    getrlimit(RLIMIT_NOFILE, &files) == -1 ||
		    files.rlim_cur != 200)
			_exit(5);
		_exit(0);
	}
	check_int(t_wait(pid), 0);
	/* harden succeeds with Landlock, or reports that there is none. */
	if ((pid = t_fork()) == 0)
		_exit(harden(&s, 60));
	check_int(t_wait(pid), harden_landlock() > 0 ? HARDEN_DONE :
	    HARDEN_NO_LANDLOCK);
	settings_free(&s);
}

#if defined(__x86_64__) || defined(__aarch64__)
#if defined(__x86_64__)
/* getpid of x86, which a kernel may not have. */
static long
old_call(void)
{
	long	rc = 20;

	__asm__ volatile("int $0x80" : "+a"(rc) : : "memory", "cc", "r8", "r9",
	    "r10", "r11");
	return rc;
}
#endif

/* What a program of other people may call. */
static int
calls_fault(void)
{
	int	pair[2];

	if (harden_enter(HARDEN_NONE) == -1)
		return 1;
	if (socket(AF_UNIX, SOCK_STREAM, 0) != -1 || errno != EACCES)
		return 2;
	if (socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) != -1 ||
	    errno != EACCES)
		return 3;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return 4;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) != -1 ||
	    errno != EACCES)
		return 5;
	if (socket(AF_INET, SOCK_STREAM, 0) == -1 ||
	    socket(AF_INET, SOCK_DGRAM, 0) == -1)
		return 6;
	if (syscall(SYS_io_uring_setup, 1, NULL) != -1 || errno != ENOSYS)
		return 7;
	if (syscall(0x40000000 | SYS_getpid) != -1 || errno != ENOSYS)
		return 8;
	return 0;
}

static void
calls(void)
{
	pid_t	pid;

	if ((pid = t_fork()) == 0)
		_exit(calls_fault());
	check_int(t_wait(pid), 0);
#if defined(__x86_64__)
	if ((pid = t_fork()) == 0)
		_exit(old_call() == (long)getpid() ? 0 : 1);
	if (t_wait(pid) != 0)
		return;
	if ((pid = t_fork()) == 0)
		_exit(harden_enter(HARDEN_NONE) == 0 &&
		    old_call() == -ENOSYS ? 0 : 1);
	check_int(t_wait(pid), 0);
#endif
}
#endif

int
main(void)
{
	t_begin();
	if (setenv("TICKETCHAT_DATABASE", "state/db", 1) != 0 ||
	    setenv("TICKETCHAT_RUN_DIR", "run", 1) != 0 ||
	    setenv("TICKETCHAT_LOG", "logs/log", 1) != 0 ||
	    setenv("TICKETCHAT_JWT_KEY_FILE", "conf/a conf/b", 1) != 0 ||
	    setenv("OLLAMA_TOKEN_FILE", "conf/token", 1) != 0 ||
	    setenv("TICKETCHAT_SYSTEM_PROMPT_FILE", "conf/my prompt", 1) != 0 ||
	    setenv("TICKETCHAT_KNOWLEDGE_SYNONYMS", "conf/words", 1) != 0)
		t_die("setenv");
	run(fences);
	run(limits);
#if defined(__x86_64__) || defined(__aarch64__)
	run(calls);
#endif
	return t_end();
}
