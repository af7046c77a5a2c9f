/*
 * Connects to a PostgreSQL database without blocking.  Tries the hosts of
 * DATABASE one after the other, the last good one first, and of a host with
 * several addresses one after the other; each has DIAL_TIMEOUT, all together
 * DIAL_ALL.  The host that answered is noted in RUN_DIR (store_remember) with
 * the server's system identifier and timeline, so that an old primary that
 * comes back is recognized.  Names are looked up in a thread, one at a time per
 * process: a silent name server delays only what needs a name, for
 * DIAL_TIMEOUT.
 */
#ifndef DIAL_H
#define DIAL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/postgres/pg.h"

/* Begins to connect.  Errors are reported by dial_step. */
struct dial *dial_start(const char *uri);

/* What to poll for, and when dial_step is due at the latest: clock_us. */
int64_t dial_wait(const struct dial *, struct pollfd *);

/* Continues without blocking. */
enum pg_progress dial_step(struct dial *, int64_t now);

/* After PG_DONE: the connection, which the caller then owns, the schema's
   version (-1: no schema), and which server it is (zeros without a schema). */
PGconn *dial_result(struct dial *, int *version, struct pg_server *);

/* Why connecting failed: the error of the last host tried. */
const char *dial_error(const struct dial *);

/* Whether any host did not answer in time. */
bool dial_silent(const struct dial *);

/*
 * To be called before the first step: dial_step then tries all hosts, calls
 * `each' for every one, stays connected to none, and returns PG_FAILED at the
 * end.
 */
void dial_survey(struct dial *, void (*each)(void *,
    const struct store_host *), void *context);

void dial_free(struct dial *);

#endif
