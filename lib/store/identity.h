/*
 * Which database a RUN_DIR belongs to.  The claims, sockets and slots in
 * RUN_DIR are about the tickets of one database.  RUN_DIR/identity holds that
 * database's random name; every process that uses RUN_DIR shares a lock on byte
 * 0 of that file.  The service locks byte 1 exclusively, and, if the database
 * is a file, also a byte beside the database: see store_serve.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stddef.h>

#include "settings/settings.h"
#include "store/store.h"

/*
 * Checks that RUN_DIR belongs to the database with this name and shares the
 * lock.  Returns a descriptor; closing it, in all processes that have it,
 * releases the lock.  If RUN_DIR belongs to another database, takes RUN_DIR
 * over when no process uses it, waiting up to `wait_ms' milliseconds.  If a
 * store is given, also refuses if the database's service runs with another
 * RUN_DIR.  Returns -1 with the reason in `why', a line that names both.
 */
int identity_share(const struct settings *, const char *id, struct store *,
    int wait_ms, char *why, size_t size);

/*
 * As identity_share, for the service: locks the database and RUN_DIR
 * exclusively as long as the process lives.  Returns 0 or -1.
 */
int identity_serve(const struct settings *, struct store *, char *why,
    size_t size);

/*
 * After a restore, with all claims: writes the database's name, which may be
 * another one now, into the RUN_DIR of the running service.  Returns 0 or -1.
 */
int identity_renew(const struct settings *, struct store *, char *why,
    size_t size);

#endif
