/*
 * One answer being generated, as an automaton.  Each state has one function,
 * which returns whether to call the next state's function at once or to wait.
 * answer_wait alone waits, answer_deadline alone knows the next deadline, and
 * answer_free alone frees.
 *
 *	QUEUED ──▶ CHOOSING ──▶ WRITING ──▶ SAVING ──▶ DRAINING ──▶ ENDED
 *	   ▲           │           │
 *	   └───────────┴───────────┘	the server failed, and there is another
 *
 * With TICKET_FILTER or KNOWLEDGE_COMMAND, PREPARING is in front of QUEUED.
 *
 * Every failure leads to DRAINING with an error frame.  answer.c has the
 * states, preparing.c what other people's programs do, status.c what viewers
 * are told about the states, reading.c what the model reads.
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
#include "hook/hook.h"
#include "knowledge/note.h"
#include "ollama/http.h"
#include "ollama/upstream.h"
#include "settings/settings.h"
#include "store/node.h"
#include "store/slot.h"

enum answer_state {
	ANSWER_PREPARING,	/* other people's programs prepare the texts */
	ANSWER_QUEUED,		/* waiting for a server with a free slot */
	ANSWER_CHOOSING,	/* asking several servers which models they have
				   loaded */
	ANSWER_WRITING,		/* the upstream sends text */
	ANSWER_SAVING,		/* the text is complete but not saved yet */
	ANSWER_DRAINING,	/* until slow viewers have read the last
				   frame */
	ANSWER_ENDED
};

struct answer {
	/* Set by the caller. */
	struct settings		 settings;
	const struct http	*http;		/* set by answer_load */
	struct buf		 prompt;	/* the ticket's text, or the
						   question */
	struct buf		 instruction;	/* a hint for a new answer;
						   empty: none */
	struct buf		 user;		/* for whom it is generated: see
						   struct answered */
	char			 language[8];	/* tag of whoever asks; "": not
						   known */
	struct slot		 slot;
	bool			 filter;	/* frames go to `out', not to
						   whoever connects to the
						   socket ANSWER_LISTENER */
	int			 out;
	int64_t			 ticket;	/* 0: none, a filter */
	int64_t			 session;	/* 0: not known yet */
	int64_t			 seen;		/* session of the ticket's
						   newest answer when chat
						   asked */
	int64_t			 follows;	/* the answer that is asked
						   about; 0: none */
	char			 question[QUESTION_HASH + 1];	/* "": the
								   ticket's
								   answer */
	const char		*text_hash;	/* of the prompt; "": none */
	const char		*instruction_hash;	/* "": none */

	/* Set by answer_fail and by the states. */
	struct failure		 failure;
	const char		*reason;	/* for the log; borrowed */

	/* Used by answer.c. */
	enum answer_state	 state;
	int64_t			 due;		/* end of the current wait:
						   clock_us */
	struct hub		 hub;
	struct node		*node;		/* NULL for a filter */
	struct pool		 pool;
	struct upstream		 upstream;
	struct frame_stream	 stream;
	struct buf		 text;
	struct notes		 notes;		/* that the model was given */
	struct store_source	 sources[SOURCES_MAX];	/* the same, to be
							   saved; borrowed */
	char			 prompt_name[PROMPT_NAME + 1];
	char			 server[URL_NAME_MAX];	/* that generates it */
	char			 path[sizeof(((struct sockaddr_un *)0)->
				    sun_path)];	/* of our socket */
	struct stat		 socket;	/* the file at `path' that is
						   our socket */
	int64_t			 started;
	bool			 wait_failed;	/* libcurl's wait returned an
						   error */

	bool			 full_once;	/* QUEUED: the queue was full at
						   the last try */
	int			 position;	/* QUEUED: the one that viewers
						   know */
	bool			 theirs;	/* QUEUED: another node
						   generates the answer */
	bool			 late;		/* the ticket is answered
						   already: viewers ask the
						   database and get no last
						   frame */
	int64_t			 save_began;	/* SAVING: clock_us; 0: not
						   begun */
	int64_t			 save_pause;	/* SAVING: until the next try,
						   milliseconds */
	bool			 save_sent;	/* SAVING: viewers got the
						   status `saving' */
	bool			 saved;		/* by this process, just now */
	int64_t			 versions;	/* of the ticket's answer, this
						   one included */
	bool			 settled;	/* the text to save differs from
						   the text that was streamed */

	/* Used by preparing.c and reading.c. */
	struct hook		 hook;
	int			 part;		/* PREPARING: which text it is
						   about */
	bool			 hooked;	/* PREPARING: `hook' runs */
	int			 turn;		/* PREPARING: a descriptor, see
						   hook/turn.h; -1: none */
	bool			 has_turn;
	int64_t			 turn_until;	/* clock_us: so long it waits
						   for one; 0: not yet */
	bool			 noted;		/* `notes' are those to be
						   given */
	struct store_root	 root;		/* the answer that is asked
						   about, if it is known */
	struct buf		 model_text;	/* what the model gets in place
						   of `prompt', */
	struct buf		 model_instruction;	/* of the instruction
							   (or the root's), */
	struct buf		 model_ticket;	/* of the root's ticket; empty:
						   the same */
	struct buf		 note;		/* PREPARING: the note that is
						   filtered */

	/* Used by status.c. */
	bool			 has_status;	/* `status' and `place' are
						   set */
	enum frame_state	 status;	/* the newest */
	int			 place;		/* in the queue; only with
						   FRAME_QUEUED */
	size_t			 viewers;	/* their number in the newest
						   status line, and */
	size_t			 viewers_sent;	/* in the newest one that was
						   sent to all viewers */
	int64_t			 viewers_again;	/* earliest time of the next
						   such line: clock_us */
	bool			 over;		/* the last frame is appended */
};

/* The descriptor of the listening socket, as in sd_listen_fds(3). */
enum { ANSWER_LISTENER = 3 };

/*
 * Notes a failure, unless one is noted already.  The reason, for the log, is
 * borrowed.
 */
void answer_fail(struct answer *, enum failure_code, const char *reason);

/*
 * Loads libcurl.  Called only when needed, since loading takes 3 ms.  Returns
 * false with the failure noted.
 */
bool answer_load(struct answer *);

/*
 * Generates the answer, from the queue to the last frame.  If a failure is
 * noted already, only sends its error frame.  Returns 0, or -1 with errno if
 * the hub cannot be opened, so that no viewer can be told.
 */
int answer_run(struct answer *);

/* Frees what answer_run has allocated, but not the settings. */
void answer_free(struct answer *);

/*
 * preparing.c: has TICKET_FILTER and KNOWLEDGE_COMMAND run, without waiting.
 * Returns whether all of that has ended, or a failure is noted; otherwise it is
 * to be called again when the hub wakes up or at `due'.  answer_prepares
 * returns whether there is anything to do.
 */
bool answer_prepares(const struct answer *);
bool answer_prepare(struct answer *, int64_t now);

/*
 * reading.c: finds the notes for the ticket's text as the model gets it, unless
 * they are known.
 */
void answer_find(struct answer *);

/* reading.c: the ticket's text as the model gets it. */
struct store_sent answer_ticket(const struct answer *);

/*
 * reading.c: reads the answer that is asked about, unless it is known.  Returns
 * false with the failure noted.
 */
bool answer_read_root(struct answer *);

/*
 * reading.c: makes the prompt, when the answer has a slot.  Returns false with
 * the failure noted.
 */
bool answer_read(struct answer *);

/* reading.c: notes which of the notes the finished text cites. */
void answer_cite(struct answer *);

/*
 * status.c: sends a new state to all viewers.  `place' is the place in the
 * queue with FRAME_QUEUED, else 0.
 */
void answer_status(struct answer *, enum frame_state, int place);

/*
 * Tells all viewers which session is being answered (0: not known yet), or that
 * another node does it.
 */
void answer_session(struct answer *, int64_t session, bool elsewhere);

/*
 * Sends the number of viewers if it has changed, at most once in VIEWERS_PAUSE.
 * answer_viewers_due returns when to call answer_viewers again: clock_us or
 * CLOCK_NEVER.
 */
void answer_viewers(struct answer *, int64_t now);
int64_t answer_viewers_due(const struct answer *);

#endif
