/*
 * What grows old while nobody looks: the copies that the nightly upkeep makes,
 * the certificate of TLS_CERT, the answers.
 */
#ifndef AGING_H
#define AGING_H

#include <stddef.h>
#include <stdint.h>

#include "settings/settings.h"
#include "store/store.h"

/*
 * When the newest copy was made, in seconds since 1970, and the folder of them
 * as deploy/upkeep.sh has it.  0: there is none; -1 with errno: the folder
 * cannot be read.
 */
int64_t aging_copy(const struct settings *, char *folder, size_t size);

/* When the certificate ends; -1 with one line in `error'. */
int64_t aging_certificate(const struct settings *, char *error, size_t size);

/* So many days without an answer, and the clock may be wrong: `sessions purge'
 * deletes nothing then. */
enum { AGING_QUIET = 30 };

/* When the first of the kept answers was made, and the newest; 0: none. */
enum failure_code aging_answers(struct store *, int64_t *first,
    int64_t *newest);

#endif
