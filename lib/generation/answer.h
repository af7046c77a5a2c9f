/*
 * A generation's parts: answer.c is its life, generate.c what it does with the
 * model, keep.c how the answer is saved, state.c what viewers are told of all
 * that.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "frame/failure.h"
#include "frame/frame.h"
#include "generation/hub.h"
#include "generation/pool.h"
#include "store/slot.h"
#include "ollama/http.h"
#include "ollama/upstream.h"
#include "settings/settings.h"
#include "store/node.h"

struct answer {
	struct settings		 settings;
	const struct http	*http;
	struct hub		 hub;
	struct node		*node;		/* NULL: a filter */
	struct slot		 slot;
	struct upstream		 upstream;
	struct frame_stream	 stream;
	struct buf		 prompt, text;
	struct failure		 failure;
	const char		*reason;	/* for the log */
	bool			 filter;	/* from stdin to stdout */
	int64_t			 ticket, session;	/* 0: not known yet */
	int64_t			 seen;		/* the newest answer, then */
	const char		*text_hash;	/* of the prompt; "": none */
	char			 path[sizeof(((struct sockaddr_un *)0)->
				    sun_path)];	/* of our socket */
	struct stat		 socket;	/* and which one it was */
	int64_t			 versions;	/* of the ticket's answer */
	int64_t			 started;
	struct pool		 pool;
	bool			 has_state;	/* the next ones are set */
	enum frame_state	 state;		/* the newest */
	int			 position;
	size_t			 viewers;	/* in our own line, */
	size_t			 viewers_told;	/* and in one to all */
	int64_t			 viewers_again;	/* not before */
	bool			 over;		/* the last frame is there */
	bool			 theirs;	/* another machine has the
						   ticket */
	bool			 late;		/* its viewers are to look
						   again, without a word */
	bool			 settled;	/* what was shown is not what
						   is kept */
};

/* Notes the first failure; the reason, for the log, is borrowed. */
void answer_fail(struct answer *, enum failure_code, const char *reason);

/* Loads libcurl, only now; returns false with the failure noted. */
bool answer_load(struct answer *);

/* Tells a new state; the position is of FRAME_QUEUED. */
void answer_status(struct answer *, enum frame_state, int position);

/* Each turn: tells how many viewers there are, if that has changed, and when
 * that is due. */
void answer_viewers(struct answer *, int64_t now);
int64_t answer_viewers_due(const struct answer *);

/* The last frame is about to come: nothing is told behind it. */
void answer_over(struct answer *);

/* Keeps the whole answer, or notes why it cannot be. */
void answer_keep(struct answer *);

/* When a turn is due, but for what the caller waits for until `d'. */
int64_t answer_deadline(const struct answer *, int64_t d);

/* A turn of followers, here and on other machines. */
void answer_turn(struct answer *, int64_t now);

/* Waits for a turn, and has it; ms is at most how long, -1: no matter. */
void answer_wait(struct answer *, int ms);

/* Why this must end, whatever the model does; NONE: it need not. */
enum failure_code answer_ended(const struct answer *);

/* Leaves the meeting place, so that who asks from now on starts anew. */
void answer_leave(struct answer *);

/* Tells which session it works on; 0: another machine does. */
void answer_session(struct answer *, int64_t session);

/* Waits for a slot of a server, then streams the answer from it. */
void generate(struct answer *);

#endif
