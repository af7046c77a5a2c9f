/*
 * Examines, when the service starts, whether a program of other people could
 * run, without running it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/limit.h"
#include "hook/hook.h"
#include "sandbox/harden.h"

/* Interpreters that are scripts themselves; the kernel follows as many. */
enum { EXAMINE_SCRIPTS = 4, EXAMINE_FILES = 64 };

/* What keeps a file from being executed, as far as its inode says. */
static const char *
examine_file(int fd, const char *path)
{
	struct statvfs	fs;
	struct stat	st;

	if (fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "it is not a file";
	if (fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_NOEXEC) != 0)
		return "its file system does not allow executing files "
		    "(noexec)";
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == -1 ?
	    "it is not executable (chmod +x)" : NULL;
}

/* What keeps a file from being executed, as far as its content says. */
static const char *
examine_head(int fd, bool *script)
{
	char	head[HARDEN_INTERPRETER];
	ssize_t	n;

	n = read(fd, head, sizeof(head) - 1);
	head[n < 0 ? 0 : n] = '\0';
	*script = strncmp(head, "#!", 2) == 0;
	if (*script && head[strcspn(head, "\n")] == '\n' &&
	    head[strcspn(head, "\n") - 1] == '\r')
		return "its lines end with CR and LF, as on Windows; they must "
		    "end with LF";
	return *script || strncmp(head, "\177ELF", 4) == 0 ? NULL :
	    "it is neither a program nor a script whose first line begins "
	    "with #!";
}

/*
 * What keeps a program from running, in the domain in which we are now; "" in
 * `why': nothing.
 */
static void
examine_path(const char *program, char *why, size_t size)
{
	char		path[SETTING_MAX + 1], next[HARDEN_INTERPRETER];
	const char	*fault = NULL;
	bool		script = true;
	int		fd, i;

	*why = '\0';
	(void)snprintf(path, sizeof(path), "%s", program);
	for (i = 0; i <= EXAMINE_SCRIPTS && script && fault == NULL; i++) {
		if (i > 0) {
			harden_interpreter(path, next);
			(void)snprintf(path, sizeof(path), "%s", next);
		}
		if (*path != '/') {
			fault = "not an absolute path";
			break;
		}
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd == -1) {
			fault = strerror(errno);
			break;
		}
		if ((fault = examine_file(fd, path)) == NULL)
			fault = examine_head(fd, &script);
		(void)close(fd);
	}
	if (fault != NULL && strcmp(path, program) == 0)
		(void)snprintf(why, size, "%s", fault);
	else if (fault != NULL)
		(void)snprintf(why, size, "its interpreter %.255s: %s",
		    path, fault);
}

/* In a process of its own: restricts itself and writes the reason. */
static void __attribute__((noreturn))
examine_restricted(const struct settings *s, const char *program, int to)
{
	char	why[512];
	int	domain;

	if (harden(s, EXAMINE_FILES) == HARDEN_FAILED ||
	    (domain = harden_narrow(program, "")) == -1 ||
	    harden_enter(domain) == -1)
		(void)snprintf(why, sizeof(why), "the sandbox: %s",
		    strerror(errno));
	else
		examine_path(program, why, sizeof(why));
	(void)!write(to, why, strlen(why));
	_exit(0);
}

int
hook_examine(const struct settings *s, enum setting program, char *why,
    size_t size)
{
	const pid_t	self = getpid();
	int		fd[2], status = -1;
	ssize_t		n;
	pid_t		pid;

	*why = '\0';
	(void)signal(SIGCHLD, SIG_DFL);
	if (pipe2(fd, O_CLOEXEC) == -1) {
		(void)snprintf(why, size, "%s", strerror(errno));
		return -1;
	}
	if ((pid = fork()) == 0) {
		child_end_with(self);
		examine_restricted(s, s->text[program], fd[1]);
	}
	(void)close(fd[1]);
	n = read(fd[0], why, size - 1);		/* at once: it is short */
	why[n < 0 ? 0 : n] = '\0';
	(void)close(fd[0]);
	while (pid > 0 && waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (pid == -1 || status != 0)
		(void)snprintf(why, size, "it could not be examined");
	return *why == '\0' ? 0 : -1;
}
