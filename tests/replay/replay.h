/*
 * The parts of replay, which plays back Ollama's answers: see replay.c.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

struct text {
	char	*p;		/* a NUL follows; to be freed */
	size_t	 len;
};

/* How to send an answer; -1: not requested. */
struct manner {
	long long	delay, pace;		/* ms before the answer and
						   between pieces */
	long long	split, cut, stall;	/* bytes */
	bool		reset, uneven;		/* uneven: vary the pace by
						   half */
};

extern struct options {
	const char	*file, *then;		/* play `then' after `times'
						   POSTs */
	const char	*demo, *bodies, *log, *tags, *ps, *models, *until;
	long long	 times, context, room, read;
	bool		 no_version;
	struct manner	 how;
	int		 log_fd;
	atomic_uint	*posts;			/* shared by all children */
	struct slot {
		size_t	len;
		char	prompt[1 << 20];	/* the last one, cut there */
	}		*slot;			/* shared, too */
} options;

/* How sending ended. */
enum fate { SENT, GONE, ENDED };	/* GONE: the client closed the
					   connection first */

/* replay.c: load reads a file or exits; memory opens a stream into memory,
   which is in `t' once the stream is closed. */
struct text load(const char *name);
FILE *memory(struct text *t);

/* The APIs, and what is posted to for each. */
enum api { GENERATE, CHAT, OPENAI };

/* recording.c: a whole HTTP answer from a file or from lines of NDJSON, for one
   of the APIs.  `context' is the number of integers in the last line. */
struct text recording_file(const char *name, enum api api, long long context);
struct text recording_lines(const struct text *lines, enum api api,
    long long context);

/* Skips the chunk at *p, which holds n bytes of data.  Returns false if it is
   the last one, incomplete, or not a chunk. */
bool recording_chunk(const char **p, const char *end, const char **data,
    size_t *n);

/* demo.c: lines of NDJSON that answer a request, from DIR/TOPIC.LANG.txt. */
struct text demo_lines(const char *dir, const char *body);

/* prompt.c: all texts of a request in the order in which the model reads them,
   still escaped; how many of their bytes are new to the slot, which then holds
   them; and Ollama's refusal of a prompt that does not fit. */
struct text prompt_text(const char *body);
size_t prompt_new(const struct text *);
struct text prompt_refusal(void);

/* server.c: serves a connection until it ends. */
void converse(int fd);

/* play.c: play sends an answer; play_bytes sends bytes until all are sent or
   the client has gone, and returns how many were sent. */
enum fate play(int fd, const struct text *a, const struct manner *how);
size_t play_bytes(int fd, const char *p, size_t len, long long split);

#endif
