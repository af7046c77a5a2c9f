/*
 * A generation among nodes: machines that share a database.  For a ticket one
 * of them generates; what runs for it elsewhere waits for what becomes of that,
 * so that the model is asked once.  That one owns a row with a lease, which it
 * renews; nothing of it is in a connection, and nothing here waits for the
 * database.  Where the database is a file there is one node only, kernel locks
 * are all that is needed, and most of this does nothing.
 */
#ifndef NODE_H
#define NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/failure.h"
#include "frame/frame.h"
#include "settings/settings.h"
#include "store/store.h"

struct node;

enum node_state {
	NODE_ASKING,	/* not known yet */
	NODE_OURS,	/* the ticket is ours: node_session */
	NODE_THEIRS,	/* another node has it: node_shows */
	NODE_LATE,	/* it is answered, or was: its viewers look again */
	NODE_OVER	/* node_failure tells why */
};

/* What is to be generated; all of it is borrowed. */
struct node_wish {
	const struct settings	*settings;
	int64_t			 ticket;
	int64_t			 session;	/* 0: node_session tells */
	int64_t			 seen;		/* the newest answer, then */
	const char		*text_hash;	/* of the text; "": not known */
	const char		*user;		/* whose turn it takes: a hash;
						   NULL: nobody's */
};

/*
 * Begins; where the database is a file it is NODE_OURS at once, elsewhere
 * slots_try asks for it.  Returns as the functions of lib/store/store.h.
 */
enum failure_code node_open(struct node **, const struct node_wish *);

/* Why something failed, for the log. */
const char *node_error(const struct node *);

/* Whose the ticket is, and if it is ours, for which session. */
enum node_state node_state(const struct node *);
int64_t node_session(const struct node *);

/* What the other node does with the ticket; FRAME_STATE__MAX: not known yet. */
enum frame_state node_shows(const struct node *);

/* Why it is over, or must end though the model goes on; NONE: it need not. */
enum failure_code node_failure(const struct node *);

/*
 * While it runs: the descriptor to watch for reading (-1: none), when
 * node_step is due though nothing comes (CLOCK_NEVER: never), and the step
 * itself, which waits for nothing.
 */
int node_fd(const struct node *);
int64_t node_deadline(const struct node *);
void node_step(struct node *, int64_t now);

/* Tells whether somebody follows here; node_watched, whether somebody may on
 * another node. */
void node_viewers(struct node *, bool here);
bool node_watched(const struct node *);

/* A viewer wants an end to what another node does, or may do: where it is not
 * known yet whose the ticket is, node_release sees to it. */
void node_say_stop(struct node *);

/*
 * Keeps the answer, which is borrowed until then, with its slot given up, as
 * long as the ticket is ours: a try, or a look at the one that is on its way.
 * A file is waited for SAVE_TRY at a time.  Returns as store_update_response;
 * FAILURE_INTERRUPTED also where another node has the ticket now.  node_again
 * tells, after FAILURE_STORAGE, whether to call it again: it is on its way,
 * somebody was in the way, or the database is out of reach.  node_saved: there
 * is news.  node_hurry waits for it, NODE_LINGER at most.
 */
enum failure_code node_save(struct node *, const struct answered *,
    int64_t *versions);
bool node_again(const struct node *);
bool node_saved(const struct node *);
void node_hurry(struct node *);

/*
 * It is over, and how it ended: the ticket and the slot are given up, if that
 * is done within NODE_LINGER; else others wait for the lease.  NULL is nothing.
 */
void node_release(struct node *, enum failure_code);

/* NULL is nothing. */
void node_close(struct node *);

#endif
