/*
 * Whose RUN_DIR it is.  Claims, sockets and slots in it are about the tickets
 * of one database: RUN_DIR/identity holds that database's random name, and
 * whoever uses them shares a lock on its byte 0 as long as it does so.  The
 * service has byte 1 alone; and a byte of a database that is a file, see
 * store_serve.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stddef.h>

#include "settings/settings.h"
#include "store/store.h"

/*
 * Sees that RUN_DIR is the one of the database of this name and shares it:
 * returns a descriptor whose closing, in every process that has it, ends that.
 * A RUN_DIR of another database is taken over when nobody shares it, and waited
 * for so many milliseconds.  With a store (NULL: without), so is it refused
 * where the database's service lives under another RUN_DIR.  Returns -1 with
 * the reason, a line that names both.
 */
int identity_share(const struct settings *, const char *id, struct store *,
    int wait_ms, char *why, size_t size);

/*
 * The same for the service, which holds the database and RUN_DIR alone as long
 * as the process lives.  Returns 0 or -1.
 */
int identity_serve(const struct settings *, struct store *, char *why,
    size_t size);

/*
 * After a restore, under all claims: RUN_DIR of the service that runs gets the
 * database's name, which may be another one now.  Returns 0 or -1.
 */
int identity_renew(const struct settings *, struct store *, char *why,
    size_t size);

#endif
