/*
 * Turns: how many of other people's programs run at once on this machine.  A
 * turn is a locked byte of RUN_DIR/hooks, which the kernel frees when its
 * process ends.
 */
#ifndef TURN_H
#define TURN_H

/* Each kind has so many turns of its own. */
enum { TURNS = 8 };

enum turn_kind {
	TURN_DONE,		/* DONE_COMMAND */
	TURN_PREPARE		/* TICKET_FILTER and KNOWLEDGE_COMMAND */
};

/*
 * Tries to take a turn, without waiting.  *fd must be -1 before the first try;
 * closing it gives the turn back.  Returns 1 if taken, 0 if others have all of
 * them, -1 with errno.
 */
int turn_take(const char *run_dir, enum turn_kind, int *fd);

#endif
