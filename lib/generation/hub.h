/*
 * The hub: a listener, all frames so far in one buffer, and for each connected
 * follower (a viewer's chat, or stdout) a descriptor and how much of the buffer
 * has been sent to it.  A slow follower does not delay the others.
 */
#ifndef HUB_H
#define HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct follower {
	int	 fd;
	size_t	 offset;	/* bytes of hub.frames sent to it */
	char	 head[512];	/* lines to send before the next frame */
	size_t	 head_len, head_sent;
	unsigned status;	/* status_number of the status line last sent to
				   it */
	char	 in[16];	/* an incomplete line from it */
	size_t	 in_len;
	bool	 plain;		/* fd is stdout, not a socket */
	bool	 blocked;	/* waiting until fd is writable */
	bool	 aside;		/* it sent `wait': it is no viewer, and only
				   waits for the end */
};

struct hub {
	int		 epoll;		/* when readable, call hub_step */
	int		 listener;	/* -1: closed */
	struct follower	**followers;
	size_t		 count, size;
	size_t		 aside;		/* of them; the others are viewers */
	struct buf	 frames;	/* the caller appends whole lines; grows
					   until hub_free */
	char		 first[256];	/* the line that every follower gets
					   first */
	char		 alive[32];	/* sent if nothing else was sent for
					   ALIVE_PAUSE; "": never */
	int64_t		 beat;		/* when `alive' is due (clock_us) */
	size_t		 beat_frames;	/* sizes at the last beat: if they grew,
					   something was sent since */
	unsigned	 beat_status;
	char		 status[128];	/* the newest status line */
	unsigned	 status_number;	/* 0: none yet */
	bool		 met;		/* at least one follower has
					   connected */
	bool		 stop;		/* a follower sent `stop' */
	bool		 ending;	/* someone sent `end': the service
					   ends */
	int		 signals;	/* signalfd(2) for SIGTERM and SIGINT */
	bool		 terminate;	/* one of the two signals arrived */
	int64_t		 accept_again;	/* clock_us, after accept failed; 0: no
					   pause */
};

/*
 * Initializes a hub whose `frames' may grow to `cap' bytes.  Blocks SIGTERM and
 * SIGINT; their arrival sets `terminate'.  Returns 0, or -1 with errno.
 */
int hub_init(struct hub *, size_t cap);

/*
 * Adds followers: those who connect to a listening socket, or stdout.  Return
 * as hub_init.
 */
int hub_listen(struct hub *, int listener);
int hub_add(struct hub *, int fd, bool plain);

/*
 * Adds a descriptor to the epoll set.  The hub only wakes up; the caller reads
 * the descriptor itself.  Returns as hub_init.
 */
int hub_wake(struct hub *, int fd);

/*
 * Sets the newest status line.  Followers that have not received the previous
 * one get only the new one.  With `news' set, the others get it too.
 */
void hub_status(struct hub *, const char *line, size_t len, bool news);

/*
 * Sets the line that every follower gets first.  Followers that are already
 * connected get it now, before their next frame; those who sent `wait' decide
 * anew.
 */
void hub_first(struct hub *, const char *line, size_t len);

/* When hub_tick is due even if no event arrives: clock_us or CLOCK_NEVER. */
int64_t hub_deadline(const struct hub *);

/*
 * Accepts followers, reads what they send, and writes what they can accept.
 * Whoever sends `end' or `end now' is not a viewer but the service ending: it
 * gets the `alive' line and is disconnected.  `end now' sets `terminate'.
 * Whoever sends `wait' needs another generation: it gets no more frames, cannot
 * stop this one, and is disconnected by hub_dismiss.
 */
void hub_step(struct hub *, int64_t now);

/* What is due by the time alone; hub_step does it as well. */
void hub_tick(struct hub *, int64_t now);

/*
 * Writes new frames to all followers that can accept them.  To be called once
 * in each turn of the event loop.
 */
void hub_write(struct hub *);

/* How many viewers are connected. */
size_t hub_viewers(const struct hub *);

/* Disconnects those who sent `wait'. */
void hub_dismiss(struct hub *);

/* Accepts the connections in the backlog and closes the listener. */
void hub_close_listener(struct hub *);

/* Whether every follower has received everything. */
bool hub_drained(const struct hub *);

void hub_free(struct hub *);

#endif
