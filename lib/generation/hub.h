/*
 * The followers of a generation: a listener, the frames so far in one buffer,
 * and for each follower a descriptor and how much of the buffer it has got.  A
 * slow follower delays nobody.
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
	size_t	 offset;	/* of frames, sent */
	char	 head[288];	/* lines that go before the next frame */
	size_t	 head_len, head_sent;
	unsigned status;	/* the number of the status line it got */
	char	 in[16];	/* what it says: a line */
	size_t	 in_len;
	bool	 plain;		/* stdout, not a socket */
	bool	 blocked;	/* we wait until it can be written to */
};

struct hub {
	int		 epoll;		/* readable: call hub_step */
	int		 listener;	/* -1: closed */
	struct follower	**followers;
	size_t		 count, size;
	struct buf	 frames;	/* append whole lines; never shrinks */
	char		 first[128];	/* the line that each gets first */
	char		 alive[32];	/* the one that each socket gets when
					   there was nothing else to say for
					   ALIVE_PAUSE; empty: none */
	int64_t		 beat;		/* when it is due, */
	size_t		 beat_frames;	/* unless more than this is said */
	unsigned	 beat_status;
	char		 status[128];	/* the newest status line */
	unsigned	 status_number;	/* 0: none yet */
	bool		 met;		/* somebody has been here */
	bool		 stop;		/* a follower said stop */
	bool		 ending;	/* somebody said that the service
					   ends */
	int		 signals;	/* signalfd(2) of SIGTERM and SIGINT */
	bool		 terminate;	/* one of them has come */
	int64_t		 accept_again;	/* after EMFILE; 0: at once */
};

/*
 * `frames' gets the cap.  SIGTERM and SIGINT are blocked from now on and set
 * `terminate'.  Returns 0, or -1 with errno.
 */
int hub_init(struct hub *, size_t cap);

/* Follow from a listening socket, or on stdout.  As hub_init. */
int hub_listen(struct hub *, int listener);
int hub_add(struct hub *, int fd, bool plain);

/*
 * Adds a descriptor to the epoll set.  The hub only wakes up; the caller reads
 * the descriptor itself.  As hub_init.
 */
int hub_wake(struct hub *, int fd);

/*
 * Sets the status line, which replaces the last one.  Unless it is news, only
 * followers that have not got the last one get it.
 */
void hub_status(struct hub *, const char *line, size_t len, bool news);

/*
 * Sets the line that each follower gets first; those that are connected get it
 * now, before there is a frame.
 */
void hub_first(struct hub *, const char *line, size_t len);

/* When hub_step is due though nothing comes; CLOCK_NEVER: it is not. */
int64_t hub_deadline(const struct hub *);

/*
 * Accepts followers, reads what they say, writes what they can take.  Whoever
 * says `end' gets the line that says that we are alive, and is disconnected: it
 * is the service that ends, and no viewer.  `end now' is as good as SIGTERM.
 */
void hub_step(struct hub *, int64_t now);

/* Writes new frames to all that can take them: once a turn of the loop. */
void hub_write(struct hub *);

/* Accepts those that wait in the backlog and closes the listener. */
void hub_close_listener(struct hub *);

/* Whether every follower has got everything. */
bool hub_drained(const struct hub *);

void hub_free(struct hub *);

#endif
