/*
 * A ticket's socket, its claim, and starting `answer'.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/child.h"
#include "base/limit.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/url.h"
#include "generation/generation.h"
#include "store/store.h"
#include "text/text.h"

/* The path of the variant of `answer' that these settings need. */
static const char *
generation_program(const struct settings *s)
{
	if (!store_serves(s->text[SETTING_DATABASE]))
		return LIBEXECDIR "/answer-postgres";
	return url_simple(s->text[SETTING_OLLAMA_SERVER]) ?
	    LIBEXECDIR "/answer-http" : LIBEXECDIR "/answer";
}

int
generation_path(char *path, size_t size, const char *run_dir, int64_t ticket)
{
	int	n;

	n = snprintf(path, size, "%s/%" PRId64 ".sock", run_dir, ticket);
	if (n < 0 || (size_t)n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int
generation_prepare(const char *run_dir)
{
	char		path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat	st;

	if (generation_path(path, sizeof(path), run_dir, INT64_MAX) == -1)
		return -1;
	if (mkdir(run_dir, 0700) == -1 && errno != EEXIST)
		return -1;
	if (stat(run_dir, &st) == -1)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

int
generation_peer_is_ours(int fd)
{
	struct ucred	peer;
	socklen_t	len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	    peer.uid == geteuid();
}

/*
 * Makes a socket and sets *a to the ticket's address.  Returns the socket, or
 * -1 with errno.
 */
static int
generation_socket(const char *run_dir, int64_t ticket, struct sockaddr_un *a)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (generation_path(a->sun_path, sizeof(a->sun_path), run_dir,
	    ticket) == -1)
		return -1;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

enum generation
generation_connect(const char *run_dir, int64_t ticket, int *fd)
{
	struct sockaddr_un	a;
	int			s, saved;

	if ((s = generation_socket(run_dir, ticket, &a)) == -1)
		return GENERATION_ERROR;
	if (connect(s, (const struct sockaddr *)&a, sizeof(a)) == 0) {
		if (generation_peer_is_ours(s)) {
			*fd = s;
			return GENERATION_RUNNING;
		}
		errno = EPERM;
	}
	saved = errno;
	(void)close(s);
	errno = saved;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return GENERATION_NONE;
	return errno == EAGAIN || errno == EINTR ? GENERATION_BUSY :
	    GENERATION_ERROR;
}

void
generation_say_stop(int fd)
{
	static const char	line[] = "stop\n";

	(void)!send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int
generation_claims(const char *run_dir)
{
	return lock_open(run_dir, "claims");
}

int
generation_claim(const char *run_dir, int64_t ticket)
{
	int	fd, got, saved;

	if ((fd = generation_claims(run_dir)) == -1)
		return -1;
	if ((got = lock_try(fd, ticket)) == 1)
		return fd;
	saved = got == 0 ? 0 : errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
generation_listen(const char *run_dir, int64_t ticket)
{
	struct sockaddr_un	a;
	int			s, saved;

	if ((s = generation_socket(run_dir, ticket, &a)) == -1)
		return -1;
	if ((unlink(a.sun_path) == 0 || errno == ENOENT) &&
	    bind(s, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(s, BACKLOG) == 0)
		return s;
	saved = errno;
	(void)close(s);
	errno = saved;
	return -1;
}

void
generation_sweep(const char *run_dir, int64_t ticket)
{
	char	path[sizeof(((struct sockaddr_un *)0)->sun_path)];

	if (generation_path(path, sizeof(path), run_dir, ticket) == 0)
		(void)unlink(path);
}

int
generation_start(const struct settings *s, int64_t ticket, int64_t session,
    int64_t seen, int listener, const char *text, size_t len,
    const char *text_hash, const char *user, int run_dir)
{
	char	 name[] = "answer", t[24], id[24], hash[TEXT_HASH + 1], **env;
	char	 turn[sizeof(GENERATION_USER "=") + TEXT_HASH];
	char	*argv[] = { name, t, id, *text_hash == '\0' ? NULL : hash,
		    NULL };
	/* What `answer' inherits: the text, /dev/null, a log or /dev/null, the
	   listener, the lock of RUN_DIR or nothing. */
	int	 fd[5] = { -1, -1, -1, listener, -1 };
	pid_t	 pid = -1;
	int	 rc;

	(void)snprintf(t, sizeof(t), "%" PRId64, ticket);
	(void)snprintf(id, sizeof(id), "%s%" PRId64, session == 0 ? "+" : "",
	    session == 0 ? seen : session);
	(void)snprintf(hash, sizeof(hash), "%s", text_hash);
	(void)snprintf(turn, sizeof(turn), GENERATION_USER "=%s", user);
	if ((env = settings_environment(s, *user == '\0' ? NULL : turn)) ==
	    NULL)
		return -1;
	if (strcmp(s->text[SETTING_LOG], "stderr") == 0)
		fd[2] = log_descriptor();
	if ((fd[0] = child_input(text, len)) == -1) {
		rc = errno;
	} else {
		/* As child_spawn demands, not one of the lower ones. */
		fd[4] = run_dir == -1 ? -1 : fcntl(run_dir, F_DUPFD_CLOEXEC,
		    4);
		rc = run_dir != -1 && fd[4] == -1 ? errno :
		    child_spawn(&pid, generation_program(s), argv, env, fd,
		    run_dir == -1 ? 4 : 5, true);
		(void)close(fd[0]);
		if (fd[4] != -1)
			(void)close(fd[4]);
	}
	free(env);
	errno = rc;
	return rc == 0 ? (int)pid : -1;
}
