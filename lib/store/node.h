/*
 * A generation among nodes: machines that share a database.  Only one node
 * generates a ticket's answer, so the model is asked once; processes for the
 * same ticket on other nodes wait for the result.  The generating process owns
 * a row with a lease, which it renews.  The connection holds no state, and no
 * function here waits for the database unless it says so.  If the database is a
 * file, there is only one node: kernel locks suffice, and most functions do
 * nothing.
 */
#ifndef NODE_H
#define NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "frame/failure.h"
#include "frame/frame.h"
#include "settings/settings.h"
#include "store/store.h"

struct node;

enum node_state {
	NODE_ASKING,	/* not known yet */
	NODE_OURS,	/* this process generates: node_session */
	NODE_THEIRS,	/* another node generates: node_shows */
	NODE_LATE,	/* already answered: viewers ask the database */
	NODE_OVER	/* failed: node_failure */
};

/* What is to be generated.  All pointers are borrowed. */
struct node_wish {
	const struct settings	*settings;
	int64_t			 ticket;
	int64_t			 session;	/* 0: see node_session */
	int64_t			 seen;		/* only if `session' is 0: the
						   newest answer that the caller
						   knows */
	int64_t			 follows;	/* the answer that is asked
						   about; 0: none */
	const char		*question;	/* store_question_hash; "": the
						   ticket's answer is wanted */
	const char		*text_hash;	/* of the text; "": not known */
	const char		*instruction_hash;	/* "": none */
	const char		*user;		/* hash of the user who waits in
						   the queue; NULL: nobody */
};

/*
 * Opens a node.  If the database is a file, the state is NODE_OURS at once,
 * else slots_try asks the database for it.  Returns as the functions of
 * lib/store/store.h.
 */
enum failure_code node_open(struct node **, const struct node_wish *);

/* Why something failed, in the database's words; for the log. */
const char *node_error(const struct node *);

/* Who generates the ticket's answer, and, if NODE_OURS, for which session. */
enum node_state node_state(const struct node *);
int64_t node_session(const struct node *);

/*
 * What the other node's generation is about: as text_hash and instruction_hash
 * of its wish.
 */
void node_theirs(const struct node *, char text_hash[TEXT_HASH + 1],
    char instruction_hash[TEXT_HASH + 1]);

/* What the other node is doing; FRAME_STATE__MAX: not known yet. */
enum frame_state node_shows(const struct node *);

/*
 * Why this process must end although the model goes on; FAILURE_NONE: it need
 * not.
 */
enum failure_code node_failure(const struct node *);

/*
 * For the event loop: the descriptor to poll for reading (-1: none), when
 * node_step is due even if nothing arrives (clock_us or CLOCK_NEVER), and the
 * step, which does not wait.
 */
int node_fd(const struct node *);
int64_t node_deadline(const struct node *);
void node_step(struct node *, int64_t now);

/* node_viewers tells the node whether this process has viewers; node_watched
   returns whether processes on other nodes may have some. */
void node_viewers(struct node *, bool here);
bool node_watched(const struct node *);

/* A viewer asks to stop the generation on another node.  If it is not known yet
   who generates, node_release passes the request on. */
void node_say_stop(struct node *);

/*
 * Saves the answer, which is borrowed until the node is closed; the slot must
 * have been released.  Each call starts a try or looks at the one under way.
 * For a file it waits up to SAVE_TRY ms each.  Returns as
 * store_update_response, and FAILURE_INTERRUPTED also if another node has taken
 * over the ticket.  After FAILURE_STORAGE node_again returns whether to call it
 * again: the try is under way, the database is busy, or it cannot be reached.
 * node_saved returns whether there is news.  node_hurry waits for news, at most
 * NODE_LINGER ms.
 */
enum failure_code node_save(struct node *, const struct answered *,
    int64_t *versions);
bool node_again(const struct node *);
bool node_saved(const struct node *);
void node_hurry(struct node *);

/*
 * Ends a run with its result: deletes the row of a question without an answer,
 * and gives up the ticket and the slot, waiting up to NODE_LINGER ms for the
 * server.  If that fails, the lease expires by itself.  Accepts NULL.
 */
void node_release(struct node *, enum failure_code);

/*
 * For lookup: makes a call for the run of another process on this machine, and
 * appends the row that it returns.
 *
 *	{"run":"watch","args":[7,1,1]}	{"row":["running"]}
 *
 * Opens the store if it is NULL.  Returns false if the line is no such call,
 * else true and *rc; FAILURE_BAD_REQUEST: there is no call of that name.
 */
bool node_relay(struct store **, const struct settings *, const char *line,
    size_t len, struct buf *out, enum failure_code *rc);

/* Frees a node; accepts NULL. */
void node_close(struct node *);

#endif
