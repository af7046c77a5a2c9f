/*
 * Whether the service can do its work: for load balancers.
 */
#ifndef HEALTHZ_H
#define HEALTHZ_H

#include <stddef.h>

#include "settings/settings.h"

/*
 * Looks at RUN_DIR, the disk and the database, as the first step of a question
 * does; writes nothing.  Returns NULL, or a few words about what is wrong,
 * which name no path.  The reason for the log, if there is one, is in `why'.
 */
const char *healthz_look(const struct settings *, char *why, size_t size);

/*
 * Whether a model server answers, by `answer check', whose result is kept in
 * RUN_DIR for ten seconds.  Returns as healthz_look.
 */
const char *healthz_model(const struct settings *, char *why, size_t size);

#endif
