/*
 * A generation among nodes: machines that share a database.  For a ticket one
 * of them generates, and what runs for it elsewhere follows that one, so that
 * the model is asked once.  Where the database is a file there is one node
 * only, and all of this does nothing.
 */
#ifndef NODE_H
#define NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "failure.h"
#include "settings.h"
#include "store.h"

struct node;

enum node_role {
	NODE_FAILED = -1,	/* the database is out of reach */
	NODE_OWNER,		/* the ticket is ours, until node_close */
	NODE_FOLLOWER,		/* another one generates: node_step brings it */
	NODE_LATE		/* the session is answered already, or gone */
};

/* Who gets what a follower hears. */
struct node_taker {
	void	(*frames)(void *, const char *lines, size_t);
	void	(*status)(void *, const char *line, size_t);
	void	*context;
};

/*
 * A node for one session of a ticket; the settings are borrowed.  Returns as
 * the functions of lib/store.h.
 */
enum failure_code node_open(struct node **, const struct settings *,
    int64_t ticket, int64_t session, const struct node_taker *);

/* Why something failed, for the log. */
const char *node_error(const struct node *);

/*
 * Takes the ticket, or begins to follow who has it.  May be called again by a
 * follower who has heard nothing yet, when the owner is gone.
 */
enum node_role node_enter(struct node *);

/*
 * While it runs: the descriptor to watch for reading (-1: none), when
 * node_step is due though nothing comes (CLOCK_NEVER: never), and the step
 * itself, which blocks an owner for nothing.
 */
int node_fd(const struct node *);
int64_t node_deadline(const struct node *);
void node_step(struct node *, int64_t now);

/* What steps have found until now. */
bool node_stopped(const struct node *);	/* a viewer elsewhere said stop */
bool node_watched(const struct node *);	/* somebody elsewhere follows */
bool node_lost(const struct node *);	/* owner: another one has the ticket
					   now; follower: the owner is gone */

/*
 * The owner tells what it has: all frames so far, which only grow, and the
 * newest status line.  Both are borrowed until node_close; node_step reads them
 * if somebody elsewhere follows.
 */
void node_publish(struct node *, const struct buf *frames,
    const char *status);

/* A follower's viewer wants an end. */
void node_say_stop(struct node *);

/*
 * The store to keep the answer in, as long as the ticket is ours.  It stays the
 * node's, until the next call.  Where the database is a file, what is done with
 * it waits for others for SAVE_TRY at a time.  Returns as store_open, or
 * FAILURE_INTERRUPTED if another node has the ticket now.  node_again tells,
 * after FAILURE_STORAGE of this or of that store, whether to try it all once
 * more: somebody was in the way, or the database is out of reach.  Keeping the
 * same answer twice keeps it once.
 */
enum failure_code node_store(struct node *, struct store **);
bool node_again(struct node *);

/*
 * It is over: an owner's followers elsewhere are told the last frames, and the
 * ticket and the slot are given up.  Nothing more is heard.  NULL is nothing.
 */
void node_release(struct node *);

/* NULL is nothing. */
void node_close(struct node *);

#endif
