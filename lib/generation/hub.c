/*
 * The viewers of a generation: see hub.h.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/peer.h"
#include "generation/generation.h"
#include "generation/hub.h"

/*
 * Pause after accept(2) failed because there are no descriptors or places left,
 * in ms.
 */
#define ACCEPT_PAUSE	100

static int
hub_watch(struct hub *h, int how, int fd, uint32_t events, void *source)
{
	struct epoll_event	e = { .events = events };

	e.data.ptr = source;
	return epoll_ctl(h->epoll, how, fd, &e);
}

int
hub_init(struct hub *h, size_t cap)
{
	sigset_t	set;

	memset(h, 0, sizeof(*h));
	h->frames.cap = cap;
	h->listener = h->signals = -1;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if ((h->epoll = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    (h->signals = signalfd(-1, &set, SFD_CLOEXEC)) == -1)
		return -1;
	return hub_watch(h, EPOLL_CTL_ADD, h->signals, EPOLLIN, &h->signals);
}

int
hub_listen(struct hub *h, int listener)
{
	h->listener = listener;
	return hub_watch(h, EPOLL_CTL_ADD, listener, EPOLLIN, h);
}

int
hub_wake(struct hub *h, int fd)
{
	return hub_watch(h, EPOLL_CTL_ADD, fd, EPOLLIN, &h->met);
}

int
hub_add(struct hub *h, int fd, bool plain)
{
	struct follower	**list, *f;
	size_t		  size;

	if (h->count == h->size) {
		size = h->size == 0 ? 4 : h->size * 2;
		list = realloc(h->followers, size * sizeof(*list));
		if (list == NULL)
			return -1;
		h->followers = list;
		h->size = size;
	}
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return -1;
	f->fd = fd;
	f->plain = plain;
	/* epoll refuses a regular file (EPERM), which never blocks anyway. */
	if (hub_watch(h, EPOLL_CTL_ADD, fd, plain ? 0 : EPOLLIN, f) == -1 &&
	    errno != EPERM) {
		free(f);
		return -1;
	}
	f->head_len = strlen(h->first);
	memcpy(f->head, h->first, f->head_len);
	h->followers[h->count++] = f;
	h->met = true;
	return 0;
}

/* Accepts all connections in the backlog. */
static void
hub_accept(struct hub *h, int64_t now)
{
	int	fd;

	while (h->count < FOLLOWERS_MAX) {
		fd = accept4(h->listener, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd == -1 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd == -1) {
			/* No descriptors left: further viewers wait in the
			   backlog. */
			if (errno != EAGAIN)
				h->accept_again = now + ACCEPT_PAUSE * 1000;
			return;
		}
		if (!peer_is_ours(fd) || hub_add(h, fd, false) == -1)
			(void)close(fd);
	}
	h->accept_again = now + ACCEPT_PAUSE * 1000;
}

/*
 * Writes up to len bytes.  Returns their number, 0 if nothing can be written
 * without blocking, or -1 with errno.
 */
static ssize_t
hub_put(const struct follower *f, const char *data, size_t len)
{
	struct pollfd	p = { .fd = f->fd, .events = POLLOUT };
	ssize_t		n;

	if (f->plain) {
		/* Other processes may share stdout, so do not set O_NONBLOCK;
		   write at most WRITE_MAX bytes instead. */
		if (poll(&p, 1, 0) != 1)
			return 0;
		n = write(f->fd, data, len < WRITE_MAX ? len : WRITE_MAX);
	} else {
		n = send(f->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
		return 0;
	return n;
}

/* Inserts the newest status line, if the follower is between two frames. */
static void
hub_insert_status(const struct hub *h, struct follower *f)
{
	if (f->head_sent < f->head_len || f->status == h->status_number ||
	    f->aside || (f->offset > 0 &&
	    h->frames.data[f->offset - 1] != '\n'))
		return;
	f->head_len = strlen(h->status);
	f->head_sent = 0;
	memcpy(f->head, h->status, f->head_len);
	f->status = h->status_number;
}

/* How many bytes of the frames are for a follower now.  One that has sent
   `wait' only gets the end of a line that was begun. */
static size_t
hub_due(const struct hub *h, const struct follower *f)
{
	const char	*from = h->frames.data + f->offset, *nl;
	const size_t	 len = h->frames.len - f->offset;

	if (!f->aside || len == 0)
		return len;
	if (f->offset == 0 || from[-1] == '\n' ||
	    (nl = memchr(from, '\n', len)) == NULL)
		return 0;
	return (size_t)(nl + 1 - from);
}

/* Whether a follower has received everything. */
static bool
hub_complete(const struct hub *h, const struct follower *f)
{
	if (f->aside)
		return f->head_sent == f->head_len && hub_due(h, f) == 0;
	return f->head_sent == f->head_len && f->offset == h->frames.len &&
	    f->status == h->status_number;
}

/*
 * Writes as much as a follower accepts.  Returns -1 if its connection is
 * broken.
 */
static int
hub_feed(struct hub *h, struct follower *f)
{
	bool	blocked = false;
	ssize_t	n;

	while (!hub_complete(h, f) && !blocked) {
		hub_insert_status(h, f);
		if (f->head_sent < f->head_len) {
			n = hub_put(f, f->head + f->head_sent,
			    f->head_len - f->head_sent);
			if (n > 0)
				f->head_sent += (size_t)n;
		} else {
			n = hub_put(f, h->frames.data + f->offset,
			    hub_due(h, f));
			if (n > 0)
				f->offset += (size_t)n;
		}
		if (n == -1)
			return -1;
		blocked = n == 0;
	}
	if (blocked != f->blocked) {
		f->blocked = blocked;
		(void)hub_watch(h, EPOLL_CTL_MOD, f->fd, (f->plain ? 0U :
		    (unsigned)EPOLLIN) | (blocked ? (unsigned)EPOLLOUT : 0U),
		    f);
	}
	return 0;
}

/*
 * Reads and acts on what a follower sends.  Returns -1 if it disconnected or is
 * to be disconnected.
 */
static int
hub_receive(struct hub *h, struct follower *f)
{
	bool	 end = false;
	char	*nl;
	ssize_t	 n;

	n = recv(f->fd, f->in + f->in_len, sizeof(f->in) - f->in_len,
	    MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	f->in_len += (size_t)n;
	while ((nl = memchr(f->in, '\n', f->in_len)) != NULL) {
		if (nl - f->in == 4 && memcmp(f->in, "wait", 4) == 0 &&
		    !f->aside) {
			f->aside = true;
			h->aside++;
		}
		if (nl - f->in == 4 && memcmp(f->in, "stop", 4) == 0 &&
		    !f->aside)
			h->stop = true;
		if (nl - f->in == 3 && memcmp(f->in, "end", 3) == 0)
			end = h->ending = true;
		if (nl - f->in == 7 && memcmp(f->in, "end now", 7) == 0)
			end = h->terminate = true;
		f->in_len -= (size_t)(nl + 1 - f->in);
		memmove(f->in, nl + 1, f->in_len);
	}
	if (f->in_len == sizeof(f->in))
		f->in_len = 0;	/* no command is that long */
	if (end)
		(void)hub_put(f, h->alive, strlen(h->alive));
	return end ? -1 : 0;
}

/* Disconnects a follower.  The last one in the list moves to its place. */
static void
hub_drop(struct hub *h, struct follower *f)
{
	size_t	i;

	/* A viewer may send "stop" and close at once: read what is left before
	   dropping the connection. */
	if (!f->plain)
		(void)hub_receive(h, f);
	for (i = 0; h->followers[i] != f; i++)
		;
	h->followers[i] = h->followers[--h->count];
	h->aside -= f->aside;
	(void)close(f->fd);	/* this also removes it from the epoll set */
	free(f);
}

void
hub_status(struct hub *h, const char *line, size_t len, bool news)
{
	if (len >= sizeof(h->status))
		return;
	memcpy(h->status, line, len);
	h->status[len] = '\0';
	if (news || h->status_number == 0)
		h->status_number++;
}

void
hub_first(struct hub *h, const char *line, size_t len)
{
	size_t	i;

	if (len >= sizeof(h->first))
		return;
	memcpy(h->first, line, len);
	h->first[len] = '\0';
	for (i = 0; i < h->count; i++) {
		struct follower	*f = h->followers[i];

		if (f->head_sent == f->head_len)
			f->head_sent = f->head_len = 0;
		if (f->head_len + len > sizeof(f->head))
			continue;
		memcpy(f->head + f->head_len, line, len);
		f->head_len += len;
		h->aside -= f->aside;
		f->aside = false;
	}
}

int64_t
hub_deadline(const struct hub *h)
{
	int64_t	d = h->accept_again == 0 ? CLOCK_NEVER : h->accept_again;

	return h->alive[0] != '\0' && h->count > 0 && h->beat < d ? h->beat :
	    d;
}

/*
 * If nothing was sent for ALIVE_PAUSE, sends the `alive' line to the followers
 * that have received everything else.
 */
static void
hub_beat(struct hub *h, int64_t now)
{
	const bool	said = h->beat == 0 ||
			    h->frames.len != h->beat_frames ||
			    h->status_number != h->beat_status;
	size_t		i;

	if (h->alive[0] == '\0' || (!said && now < h->beat))
		return;
	h->beat = now + ALIVE_PAUSE * INT64_C(1000);
	h->beat_frames = h->frames.len;
	h->beat_status = h->status_number;
	for (i = 0; i < h->count && !said; i++) {
		struct follower	*f = h->followers[i];

		if (f->plain || !hub_complete(h, f))
			continue;
		f->head_len = strlen(h->alive);
		f->head_sent = 0;
		memcpy(f->head, h->alive, f->head_len);
	}
}

void
hub_tick(struct hub *h, int64_t now)
{
	/* While accept fails, do not wait for the listener: it would be
	   readable all the time. */
	if (h->listener != -1 && h->accept_again != 0) {
		bool	wait = now < h->accept_again;

		(void)hub_watch(h, EPOLL_CTL_MOD, h->listener, wait ? 0U :
		    (unsigned)EPOLLIN, h);
		if (!wait)
			h->accept_again = 0;
	}
	hub_beat(h, now);
}

void
hub_step(struct hub *h, int64_t now)
{
	struct signalfd_siginfo	info;
	struct epoll_event	e[64];
	int			i, n;

	if ((n = epoll_wait(h->epoll, e, 64, 0)) == -1)
		n = 0;
	for (i = 0; i < n; i++) {
		struct follower	*f = e[i].data.ptr;
		int		 rc = 0;

		if (e[i].data.ptr == &h->met)
			continue;
		if (e[i].data.ptr == h) {
			hub_accept(h, now);
			continue;
		}
		if (e[i].data.ptr == &h->signals) {
			(void)!read(h->signals, &info, sizeof(info));
			h->terminate = true;
			continue;
		}
		if (f->plain && (e[i].events & (EPOLLERR | EPOLLHUP)) != 0)
			rc = -1;
		else if (!f->plain && (e[i].events & ~(unsigned)EPOLLOUT) != 0)
			rc = hub_receive(h, f);
		if (rc == 0)
			rc = hub_feed(h, f);
		if (rc == -1)
			hub_drop(h, f);
	}
	hub_tick(h, now);
}

void
hub_write(struct hub *h)
{
	size_t	i;

	for (i = 0; i < h->count; ) {
		if (!h->followers[i]->blocked && !hub_complete(h,
		    h->followers[i]) && hub_feed(h, h->followers[i]) == -1)
			hub_drop(h, h->followers[i]);
		else
			i++;
	}
}

size_t
hub_viewers(const struct hub *h)
{
	return h->count - h->aside;
}

void
hub_dismiss(struct hub *h)
{
	size_t	i;

	for (i = 0; i < h->count; ) {
		if (h->followers[i]->aside)
			hub_drop(h, h->followers[i]);
		else
			i++;
	}
}

void
hub_close_listener(struct hub *h)
{
	if (h->listener == -1)
		return;
	hub_accept(h, 0);
	(void)close(h->listener);
	h->listener = -1;
	h->accept_again = 0;	/* no listener any more */
}

bool
hub_drained(const struct hub *h)
{
	size_t	i;

	for (i = 0; i < h->count; i++) {
		if (!hub_complete(h, h->followers[i]))
			return false;
	}
	return true;
}

void
hub_free(struct hub *h)
{
	while (h->count > 0)
		hub_drop(h, h->followers[0]);
	free(h->followers);
	buf_free(&h->frames);
	if (h->listener != -1)
		(void)close(h->listener);
	if (h->signals != -1)
		(void)close(h->signals);
	if (h->epoll != -1)
		(void)close(h->epoll);
}
