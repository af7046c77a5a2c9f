/*
 * What grows old unnoticed: the copies made by the nightly upkeep, the
 * certificate in TLS_CERT, the answers.
 */
#ifndef AGING_H
#define AGING_H

#include <stddef.h>
#include <stdint.h>

#include "settings/settings.h"
#include "store/store.h"

/*
 * When the newest copy was made (seconds since 1970), and the folder of the
 * copies, the same as in deploy/upkeep.sh.  0: there is no copy; -1 with errno:
 * the folder cannot be read.
 */
int64_t aging_copy(const struct settings *, char *folder, size_t size);

/*
 * When the certificate expires (seconds since 1970); -1 with the reason in
 * `error'.
 */
int64_t aging_certificate(const struct settings *, char *error, size_t size);

/* If there was no answer for so many days, the clock may be wrong: `sessions
   purge' then deletes nothing. */
enum { AGING_QUIET = 30 };

/*
 * When the oldest and the newest saved answer were made (seconds since 1970);
 * 0: there is none.
 */
enum failure_code aging_answers(struct store *, int64_t *first,
    int64_t *newest);

#endif
