/*
 * A ticket's socket, its claim, and starting `answer'.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
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

/* The descriptors that `answer' inherits; `log' and `shared' may be -1. */
struct generation_fds {
	int	in, listener, log, shared;
};

/*
 * Starts the program with `log' as its stderr, or /dev/null if -1.  Returns as
 * posix_spawn.
 */
static int
generation_exec(pid_t *pid, const char *program, const struct generation_fds *g,
    char *const argv[], char *const env[])
{
	posix_spawn_file_actions_t	files;
	posix_spawnattr_t		attr;
	sigset_t			all, none;
	int				rc;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	if ((rc = posix_spawn_file_actions_init(&files)) != 0)
		return rc;
	if ((rc = posix_spawnattr_init(&attr)) != 0)
		goto files;
	/* Set descriptor 3 after 2 and 0: `log' or `in' may itself be number
	   3. */
	if ((rc = g->log == -1 ? 0 : posix_spawn_file_actions_adddup2(&files,
	    g->log, 2)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, g->in, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, g->listener,
	    3)) == 0 &&
	    (g->shared == -1 || (rc = posix_spawn_file_actions_adddup2(&files,
	    g->shared, 4)) == 0) &&
	    (rc = posix_spawn_file_actions_addopen(&files, 1, "/dev/null",
	    O_WRONLY, 0)) == 0 &&
	    (rc = g->log != -1 ? 0 : posix_spawn_file_actions_adddup2(&files, 1,
	    2)) == 0 &&
	    /* `answer' may outlive the shell that started chat: close
	       everything that the shell left open. */
	    (rc = posix_spawn_file_actions_addclosefrom_np(&files,
	    g->shared == -1 ? 4 : 5)) == 0 &&
	    (rc = posix_spawnattr_setsigdefault(&attr, &all)) == 0 &&
	    (rc = posix_spawnattr_setsigmask(&attr, &none)) == 0 &&
	    (rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)) == 0)
		rc = posix_spawn(pid, program, &files, &attr, argv, env);
	(void)posix_spawnattr_destroy(&attr);
files:
	(void)posix_spawn_file_actions_destroy(&files);
	return rc;
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
	struct generation_fds	g = { -1, listener, -1, -1 };
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
		g.log = log_descriptor();
	if ((g.in = child_input(text, len)) == -1) {
		rc = errno;
	} else {
		/* 5 or higher, so that dup2 to 0, 2 and 3 does not overwrite
		   it. */
		g.shared = run_dir == -1 ? -1 : fcntl(run_dir,
		    F_DUPFD_CLOEXEC, 5);
		rc = run_dir != -1 && g.shared == -1 ? errno :
		    generation_exec(&pid, generation_program(s), &g, argv, env);
		(void)close(g.in);
		if (g.shared != -1)
			(void)close(g.shared);
	}
	free(env);
	errno = rc;
	return rc == 0 ? (int)pid : -1;
}
