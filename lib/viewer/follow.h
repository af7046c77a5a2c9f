/*
 * Following a generation: what it sends goes to the viewer, the rest of the
 * question waits.
 */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "viewer/question.h"

/* Connected by fd: from now on forward what comes, without a database. */
void follow_begin(struct question *, int fd);

/* Takes what has come; the terminal frame, or the end of all, ends it. */
void follow_step(struct question *, int64_t now);

/*
 * Nothing has come, though we have listened for it, or not.  A generation that
 * has not said a word for ALIVE_WAITS waits of ours, or for ALIVE_WAITS_STOP
 * since it was told to stop, stands still: it is ended, and the question with
 * it.  We count waits and not time, so that neither a machine that slept nor a
 * container that was paused gives anybody up.
 */
void follow_wait(struct question *, bool listening, int64_t now);

/* When follow_wait is due; CLOCK_NEVER: it is not. */
int64_t follow_deadline(const struct question *);

/* Sends the viewer's wish to stop, if there is one, once. */
void follow_stop(struct question *, int64_t now);

#endif
