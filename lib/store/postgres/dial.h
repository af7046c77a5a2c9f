/*
 * Connecting to a PostgreSQL database, without waiting: one host of the address
 * after the other, DIAL_TIMEOUT each, the last good one first.  What answered
 * is noted in RUN_DIR (store_remember), with the server's own number and its
 * timeline, so that an old primary that comes back is told from the new one.
 * Names are looked up by a thread: a name server that is silent holds up
 * nobody.
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

/* After PG_DONE: the connection, which is the caller's then, and the version of
 * the schema, -1 where there is none. */
PGconn *dial_take(struct dial *, int *version);

/* Why it failed; the address's last host has the word. */
const char *dial_error(const struct dial *);

void dial_free(struct dial *);

#endif
