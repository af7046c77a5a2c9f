/*
 * The parts of replay, the played-back Ollama; replay.c has its manual.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

struct text {
	char	*p;		/* to be freed; a NUL follows */
	size_t	 len;
};

/* How an answer is sent; -1 where nothing is asked for. */
struct manner {
	long long	delay, pace;		/* ms, before and between */
	long long	split, cut, stall;	/* bytes */
	bool		reset, uneven;		/* the pace, by a half */
};

extern struct options {
	const char	*file, *then;		/* `then' after `times' POSTs */
	const char	*demo, *bodies, *log, *tags, *ps, *until;
	long long	 times, context;
	struct manner	 how;
	int		 log_fd;
	atomic_uint	*posts;			/* shared by all children */
} options;

/* What came of it. */
enum fate { SENT, GONE, ENDED };	/* GONE: the client was first */

/* replay.c: a file's bytes, or the end of us; memory to write to, which is
 * in t once the stream is closed. */
struct text load(const char *name);
FILE *memory(struct text *t);

/* recording.c: a whole HTTP answer out of a file or of NDJSON lines, by
 * /api/generate or, chat, by /api/chat; context: integers in the done line. */
struct text recording_file(const char *name, bool chat, long long context);
struct text recording_lines(const struct text *lines, bool chat,
    long long context);

/* Steps over the chunk at *p, which holds n bytes of data.  False: it is the
 * last one, or not whole, or none. */
bool recording_chunk(const char **p, const char *end, const char **data,
    size_t *n);

/* demo.c: NDJSON lines that answer a request, out of DIR/TOPIC.LANG.txt. */
struct text demo_lines(const char *dir, const char *body);

/* server.c: serves a connection to its end. */
void converse(int fd);

/* play.c: sends an answer.  Sends bytes, all of them or until the client has
 * gone; returns how many. */
enum fate play(int fd, const struct text *a, const struct manner *how);
size_t play_bytes(int fd, const char *p, size_t len, long long split);

#endif
