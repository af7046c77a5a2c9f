/*
 * Following a generation: what it sends goes to the viewer, the rest of the
 * question waits.
 */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "question.h"

/* Connected by fd: from now on forward what comes, without a database. */
void follow_begin(struct question *, int fd);

/* Takes what has come; the terminal frame, or the end of all, ends it. */
void follow_step(struct question *, int64_t now);

/* Sends the viewer's wish to stop, if there is one, once. */
void follow_stop(struct question *);

#endif
