/*
 * Sends an answer: when, in which pieces, how much of it, and how it breaks
 * off.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "replay.h"

#define YIELD_US	40	/* time for the client to read a piece */

/*
 * Waits, for ever if usec is below 0.  Returns whether the client has closed
 * the connection or its sending half.
 */
static bool
gone_within(int fd, long long usec)
{
	struct pollfd	pfd = { fd, POLLRDHUP, 0 };
	struct timespec	ts = { usec / 1000000, usec % 1000000 * 1000 };

	return ppoll(&pfd, 1, usec < 0 ? NULL : &ts, NULL) > 0;
}

size_t
play_bytes(int fd, const char *p, size_t len, long long split)
{
	struct pollfd	pfd = { fd, POLLOUT | POLLRDHUP, 0 };
	size_t		piece = split > 0 ? (size_t)split : len, done = 0;
	size_t		want;
	ssize_t		n;

	for (; done < len; done += n < 0 ? 0 : (size_t)n) {
		if (piece < len && done > 0 && gone_within(fd, YIELD_US))
			break;
		want = len - done < piece ? len - done : piece;
		if (poll(&pfd, 1, -1) < 0 || (pfd.revents & ~POLLOUT) != 0)
			break;
		n = send(fd, p + done, want, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			break;
	}
	return done;
}

/* Sends `limit' bytes, with a pause before each chunk except the first. */
static size_t
play_chunks(int fd, const struct text *a, size_t limit,
    const struct manner *how)
{
	const char	*p = strstr(a->p, "\r\n\r\n"), *data;
	size_t		 done = 0, n, to;
	bool		 first = true;

	if (p == NULL || how->pace <= 0)
		return play_bytes(fd, a->p, limit, how->split);
	for (p += 4; (to = (size_t)(p - a->p)) < limit &&
	    recording_chunk(&p, a->p + a->len, &data, &n); first = false) {
		if (first)
			continue;
		done += play_bytes(fd, a->p + done, to - done, how->split);
		if (done < to || gone_within(fd, how->pace *
		    (how->uneven ? 500 + random() % 1001 : 1000)))
			return done;
	}
	return done + play_bytes(fd, a->p + done, limit - done, how->split);
}

/*
 * Keeps the connection open until the file of --until exists.  Returns whether
 * the client has gone.
 */
static bool
gone_while_stalled(int fd)
{
	while (options.until == NULL || access(options.until, F_OK) != 0)
		if (gone_within(fd, options.until == NULL ? -1 : 10000))
			return true;
	return false;
}

enum fate
play(int fd, const struct text *a, const struct manner *how)
{
	struct linger	rst = { 1, 0 };
	size_t		limit = a->len;
	bool		stall, gone;

	if (how->cut >= 0 && (size_t)how->cut < limit)
		limit = (size_t)how->cut;
	stall = how->stall >= 0 && (size_t)how->stall < limit;
	if (stall)
		limit = (size_t)how->stall;
	gone = (how->delay > 0 && gone_within(fd, how->delay * 1000)) ||
	    play_chunks(fd, a, limit, how) < limit ||
	    (stall && gone_while_stalled(fd));
	if (stall && !gone) {
		gone = play_bytes(fd, a->p + limit, a->len - limit,
		    how->split) < a->len - limit;
		limit = a->len;
	}
	if (how->reset)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
	if (gone)
		return GONE;
	return limit < a->len || how->reset ? ENDED : SENT;
}
