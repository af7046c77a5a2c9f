/*
 * The resident lookup: see resident.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limit.h"
#include "base/peer.h"
#include "store/resident.h"
#include "text/siphash.h"

/* Computes the key of these settings.  Returns false if there is no memory. */
static bool
resident_key(const struct settings *s, unsigned char key[SIPHASH_128])
{
	static const unsigned char	none[SIPHASH_KEY];
	static const char		version[] = VERSION;
	char				**env, *end = NULL;
	size_t				i, len;

	if ((env = settings_environment(s, NULL)) == NULL)
		return false;
	/* settings_environment stores the texts one after the other. */
	for (i = 0; env[i] != NULL; i++)
		end = env[i] + strlen(env[i]);
	siphash_128(none, env[0], (size_t)(end - env[0]), key);
	free(env);
	len = strnlen(version, SIPHASH_128);
	for (i = 0; i < len; i++)
		key[i] ^= (unsigned char)version[i];
	return true;
}

/* Sets the socket's address.  Returns false if RUN_DIR is too long. */
static bool
resident_address(const struct settings *s, struct sockaddr_un *a)
{
	int	n;

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	n = snprintf(a->sun_path, sizeof(a->sun_path), "%s/lookup",
	    s->text[SETTING_RUN_DIR]);
	return n > 0 && (size_t)n < sizeof(a->sun_path);
}

static int
resident_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int
resident_ask(const struct settings *s, const char *question, size_t len)
{
	unsigned char		key[SIPHASH_128];
	struct iovec		v[2] = { { key, sizeof(key) },
				    { (void *)(uintptr_t)question, len } };
	const struct msghdr	m = { .msg_iov = v, .msg_iovlen = 2 };
	struct sockaddr_un	a;
	int			fd;

	if (!resident_address(s, &a) || !resident_key(s, key) ||
	    (fd = resident_socket()) == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
	    peer_is_ours(fd) &&
	    sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)(sizeof(key) + len) &&
	    shutdown(fd, SHUT_WR) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* Whether a resident is there that would accept our questions. */
static bool
resident_answers(const struct settings *s)
{
	struct pollfd	p = { .events = POLLIN };
	char		byte;
	bool		there;

	if ((p.fd = resident_ask(s, "", 0)) == -1)
		return false;
	there = poll(&p, 1, QUERY_HEARD) == 1 && read(p.fd, &byte, 1) == 1;
	(void)close(p.fd);
	return there;
}

int
resident_begin(struct resident *r, const struct settings *s)
{
	struct sockaddr_un	a;
	struct stat		st;
	int			i, rc = -1;

	if (!resident_address(s, &a) || (r->listener = resident_socket()) == -1)
		return -1;
	for (i = 0; i < 2 && rc == -1; i++) {
		rc = bind(r->listener, (const struct sockaddr *)&a, sizeof(a));
		if (rc == -1 && (errno != EADDRINUSE || resident_answers(s)))
			break;
		/* The last resident was killed, hangs, or has other
		   settings. */
		if (rc == -1)
			(void)unlink(a.sun_path);
	}
	if (rc == 0 && listen(r->listener, BACKLOG) == 0 &&
	    lstat(a.sun_path, &st) == 0) {
		r->place = st.st_ino;
		return 0;
	}
	(void)close(r->listener);
	return -1;
}

bool
resident_is(const struct resident *r, const struct settings *s)
{
	struct sockaddr_un	a;
	struct stat		st;

	return resident_address(s, &a) && lstat(a.sun_path, &st) == 0 &&
	    st.st_ino == r->place;
}

void
resident_leave(const struct resident *r, const struct settings *s)
{
	struct sockaddr_un	a;

	if (resident_is(r, s) && resident_address(s, &a))
		(void)unlink(a.sun_path);
}

void
resident_end(const struct settings *s)
{
	struct sockaddr_un	a;

	if (resident_address(s, &a))
		(void)unlink(a.sun_path);
}

/* Reads until the other side ends; the client sends everything at once. */
static bool
resident_read(int fd, struct buf *b)
{
	const struct timeval	patience = { 1, 0 };
	char			data[READ_MAX];
	ssize_t			n;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience)) == -1 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO,
	    &patience, sizeof(patience)) == -1)
		return false;
	while ((n = read(fd, data, sizeof(data))) > 0) {
		if (buf_add(b, data, (size_t)n) == -1)
			return false;
	}
	return n == 0;
}

bool
resident_is_waited_for(int fd)
{
	struct pollfd	p = { .fd = fd };

	return poll(&p, 1, 0) == 0;
}

int
resident_hear(const struct resident *r, const struct settings *s,
    struct buf *question)
{
	unsigned char	key[SIPHASH_128];
	int		fd;

	if ((fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC)) == -1)
		return -1;
	if (peer_is_ours(fd) && resident_read(fd, question) &&
	    question->len >= sizeof(key) && resident_key(s, key) &&
	    memcmp(question->data, key, sizeof(key)) == 0 &&
	    resident_is_waited_for(fd) &&
	    send(fd, "\n", 1, MSG_NOSIGNAL) == 1) {
		buf_drop(question, sizeof(key));
		return fd;
	}
	(void)close(fd);
	return -1;
}
