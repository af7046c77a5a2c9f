/*
 * Writing to the client.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "clock.h"
#include "limit.h"
#include "output.h"

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

int
output_write(struct output *o, int64_t now)
{
	struct pollfd	p = { .fd = o->fd, .events = POLLOUT };
	size_t		len;
	ssize_t		n;

	if (output_pending(o) && !o->waiting) {
		o->waiting = true;
		o->progress = now;
	}
	while (output_pending(o)) {
		if (poll(&p, 1, 0) == -1 && errno != EINTR)
			return -1;
		if ((p.revents & (POLLOUT | POLLERR | POLLHUP |
		    POLLNVAL)) == 0) {
			/* What was sent long ago need not stay. */
			if (o->sent >= OUTPUT_PENDING) {
				buf_drop(&o->data, o->sent);
				o->sent = 0;
			}
			return 0;
		}
		len = output_size(o) < WRITE_MAX ? output_size(o) : WRITE_MAX;
		if ((n = write(o->fd, o->data.data + o->sent, len)) == -1) {
			if (errno == EINTR || errno == EAGAIN)
				return 0;
			return -1;
		}
		o->sent += (size_t)n;
		o->progress = now;
	}
	/* A large answer's memory goes back, a frame's is used again. */
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
