/*
 * Writing to the client.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "viewer/output.h"

void
output_open(struct output *o, int fd)
{
	struct stat	st;
	char		path[32];
	int		own = -1;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	o->own = own != -1;
	o->fd = o->own ? own : fd;
}

bool
output_pending(const struct output *o)
{
	return o->sent < o->data.len;
}

size_t
output_size(const struct output *o)
{
	return o->data.len - o->sent;
}

/* How many bytes may be written to fd now without blocking; -1 with errno. */
static ssize_t
output_room(const struct output *o)
{
	struct pollfd	p = { .fd = o->fd, .events = POLLOUT };
	size_t		len = output_size(o);

	if (o->own)
		return (ssize_t)len;	/* a full pipe makes write fail with
					   EAGAIN */
	if (poll(&p, 1, 0) == -1 && errno != EINTR)
		return -1;
	if ((p.revents & (POLLOUT | POLLERR | POLLHUP | POLLNVAL)) == 0)
		return 0;
	return (ssize_t)(len < WRITE_MAX ? len : WRITE_MAX);
}

int
output_write(struct output *o, int64_t now)
{
	ssize_t	n;

	if (output_pending(o) && !o->waiting) {
		o->waiting = true;
		o->progress = now;
	}
	while (output_pending(o)) {
		if ((n = output_room(o)) > 0)
			n = write(o->fd, o->data.data + o->sent, (size_t)n);
		if (n == -1 && errno != EINTR && errno != EAGAIN)
			return -1;
		if (n <= 0) {
			/* The bytes already sent need no memory any more. */
			if (o->sent >= OUTPUT_PENDING) {
				buf_drop(&o->data, o->sent);
				o->sent = 0;
			}
			return 0;
		}
		o->sent += (size_t)n;
		o->progress = now;
	}
	/* Free the memory of a large answer; reuse that of a small one. */
	if (o->data.size > OUTPUT_PENDING)
		buf_free(&o->data);
	else
		buf_clear(&o->data);
	o->sent = 0;
	o->waiting = false;
	return 0;
}

int64_t
output_deadline(const struct output *o, int64_t timeout_us)
{
	return o->waiting ? o->progress + timeout_us : CLOCK_NEVER;
}
