/*
 * Generations and their processes: see answers.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/limit.h"
#include "base/number.h"
#include "frame/failure.h"
#include "program.h"
#include "sessions/answers.h"

/*
 * Bytes of the environment of one of our processes: the settings, and some
 * room.
 */
#define ENVIRONMENT_MAX	1048576

bool
answers_hear(int fd, struct buf *in, bool (*each)(void *, const char *,
    size_t), void *context)
{
	char	data[READ_MAX], *line, *nl;
	ssize_t	n;
	bool	more = true;

	n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	if (buf_add(in, data, (size_t)n) == -1)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	for (line = in->data; more && (nl = memchr(line, '\n', in->len -
	    (size_t)(line - in->data))) != NULL; line = nl + 1)
		more = each(context, line, (size_t)(nl - line));
	buf_drop(in, (size_t)(line - in->data));
	return true;
}

int
answers_ask_who(int fd)
{
	const int	on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

bool
answers_who(int fd, int *process)
{
	union {
		struct cmsghdr	head;
		char		room[CMSG_SPACE(sizeof(struct ucred))];
	}		 control;
	char		 data[READ_MAX];
	struct iovec	 io = { data, sizeof(data) };
	struct msghdr	 m;
	struct cmsghdr	*c;
	struct ucred	 who = { 0, 0, 0 };
	ssize_t		 n;

	*process = -1;
	do {
		memset(&m, 0, sizeof(m));
		m.msg_iov = &io;
		m.msg_iovlen = 1;
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
		if (c != NULL && c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&who, CMSG_DATA(c), sizeof(who));
	} while (n > 0 && who.pid == 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (who.pid != 0)
		*process = pidfd_open(who.pid, 0);
	return true;
}

/* Reads the beginning of a file in /proc/PID and puts two NULs after it.
   Returns its length, or -1. */
static ssize_t
answers_read_proc(pid_t pid, const char *name, char *data, size_t size)
{
	char	path[64];
	ssize_t	n;
	size_t	len = 0;
	int	fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	while (len < size - 2 && (n = read(fd, data + len, size - 2 - len)) !=
	    0) {
		if (n == -1 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	(void)close(fd);
	data[len] = data[len + 1] = '\0';
	return (ssize_t)len;
}

/* Reads the word ROOT-QUESTION, if it is one. */
static void
answers_read_question(struct answers_process *p, const char *word)
{
	const char	*dash = strchr(word, '-');

	if (dash != NULL && hex_is(dash + 1, QUESTION_HASH))
		memcpy(p->subject.question, dash + 1, QUESTION_HASH + 1);
}

/*
 * Whether the arguments are `answer TICKET SESSION' or `answer TICKET +SEEN',
 * perhaps with further words; sets the subject and the session.
 */
static bool
answers_has_arguments(struct answers_process *p)
{
	char		 line[256];
	const char	*ticket, *session, *word;
	ssize_t		 len;

	len = answers_read_proc(p->pid, "cmdline", line, sizeof(line));
	if (len <= 0 || strcmp(line, "answer") != 0)
		return false;
	ticket = line + strlen(line) + 1;
	session = ticket + strlen(ticket) + 1;
	if (session >= line + len)
		return false;
	memset(&p->subject, 0, sizeof(p->subject));
	for (word = session; word < line + len; word += strlen(word) + 1)
		answers_read_question(p, word);
	p->subject.ticket = number_id(ticket);
	p->session = number_id(session);
	return p->subject.ticket > 0 && (p->session > 0 || *session == '+');
}

/* Whether `name', the RUN_DIR of a process, is this directory. */
static bool
answers_is_dir(pid_t pid, const char *name, const struct stat *run_dir)
{
	char		path[PATH_MAX];
	struct stat	st;
	int		n;

	n = snprintf(path, sizeof(path), *name == '/' ? "/proc/%ld/root%s" :
	    "/proc/%ld/cwd/%s", (long)pid, name);
	if (n < (int)sizeof(path) && stat(path, &st) == 0)
		return st.st_dev == run_dir->st_dev &&
		    st.st_ino == run_dir->st_ino;
	return errno != ENOENT;		/* assume so if it cannot be checked */
}

/* Whether a process runs for this RUN_DIR; true if that cannot be checked. */
static bool
answers_has_run_dir(pid_t pid, const struct stat *run_dir)
{
	static const char	prefix[] = "TICKETCHAT_", key[] = "RUN_DIR=";
	char			*data, *p;
	ssize_t			 len;
	bool			 found = true;

	if ((data = malloc(ENVIRONMENT_MAX)) == NULL)
		return true;
	len = answers_read_proc(pid, "environ", data, ENVIRONMENT_MAX);
	for (p = data; len > 0 && p < data + len; p += strlen(p) + 1) {
		const char	*name = p;

		if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
			name += sizeof(prefix) - 1;
		if (strncmp(name, key, sizeof(key) - 1) == 0)
			found = answers_is_dir(pid, name + sizeof(key) - 1,
			    run_dir);
	}
	free(data);
	return found;
}

/* The state: the letter after the name in parentheses in /proc/PID/stat. */
static char
answers_state_of(pid_t pid)
{
	char		 line[512];
	const char	*p;

	if (answers_read_proc(pid, "stat", line, sizeof(line)) <= 0 ||
	    (p = strrchr(line, ')')) == NULL || p[1] != ' ')
		return '?';
	return p[2];
}

/* Whether a process is a generation of this directory. */
static bool
answers_is_generation(struct answers_process *p, const struct stat *run_dir)
{
	char		path[64];
	struct stat	st;

	(void)snprintf(path, sizeof(path), "/proc/%ld", (long)p->pid);
	if (stat(path, &st) == -1 || st.st_uid != run_dir->st_uid ||
	    !answers_has_arguments(p) || !answers_has_run_dir(p->pid, run_dir))
		return false;
	p->state = answers_state_of(p->pid);
	return p->state != 'Z' && p->state != 'X';
}

int
answers_each(const char *run_dir, bool (*each)(void *,
    const struct answers_process *), void *context)
{
	struct answers_process	 p;
	struct stat		 st;
	struct dirent		*e;
	DIR			*d;
	bool			 more = true;

	if (stat(run_dir, &st) == -1 || (d = opendir("/proc")) == NULL)
		return -1;
	while (more && (e = readdir(d)) != NULL) {
		p.pid = (pid_t)number_id(e->d_name);
		if (p.pid > 0 && answers_is_generation(&p, &st))
			more = each(context, &p);
	}
	(void)closedir(d);
	return 0;
}

bool
answers_hangs(const struct answers_process *p)
{
	return p->state == 'T' || p->state == 't' || p->state == 'D';
}

bool
answers_still_hangs(struct answers_process *p)
{
	p->state = answers_state_of(p->pid);
	return answers_hangs(p);
}

int
answers_signal(const char *run_dir, const struct answers_process *p, int sig)
{
	struct answers_process	now = { .pid = p->pid };
	struct stat		st;
	int			fd, rc = -1, saved;

	/* Check again after pidfd_open: from here on the pid cannot be
	   reused. */
	if (stat(run_dir, &st) == -1 || (fd = pidfd_open(p->pid, 0)) == -1)
		return -1;
	errno = ESRCH;
	if (answers_is_generation(&now, &st) && generation_same(&now.subject,
	    &p->subject) && now.session == p->session)
		rc = pidfd_send_signal(fd, sig, NULL, 0);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return rc;
}
