/*
 * Connecting to a PostgreSQL database, without waiting: one host of DATABASE
 * after the other, of a host that has several addresses one after the other,
 * DIAL_TIMEOUT each and DIAL_ALL in all, the last good one first.  What
 * answered is noted in RUN_DIR (store_remember), with the server's own number
 * and its timeline, so that an old primary that comes back is told from the new
 * one.
 * Names are looked up by a thread, one at a time in a process: a name server
 * that is silent holds up nothing but what needs a name, and that for
 * DIAL_TIMEOUT.
 */
#ifndef DIAL_H
#define DIAL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/postgres/pg.h"

/* Begins; it never fails before dial_step says so. */
struct dial *dial_start(const char *uri);

/* What to wait for, and until when at most. */
int64_t dial_wait(const struct dial *, struct pollfd *);

/* Goes on. */
enum pg_progress dial_step(struct dial *, int64_t now);

/* After PG_DONE: the connection, which is the caller's then, the version of the
 * schema, -1 where there is none, and which server it is, zeros then. */
PGconn *dial_take(struct dial *, int *version, struct pg_server *);

/* Why it failed: what was wrong with the last one tried. */
const char *dial_error(const struct dial *);

/* Whether one of them did not answer in time. */
bool dial_silent(const struct dial *);

/*
 * Before the first step: it is to look at all of them and connect to none.
 * `each' is called for every one, then it ends with PG_FAILED.
 */
void dial_survey(struct dial *, void (*each)(void *,
    const struct store_host *), void *context);

void dial_free(struct dial *);

#endif
