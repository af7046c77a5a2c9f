/*
 * What Prometheus scrapes, in its text format, for `sessions metrics' and the
 * door.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "frame/failure.h"
#include "settings/settings.h"

/*
 * Writes all metrics to a file, which should be in memory: after an error some
 * may be there.  From now on no counter falls when tickets are deleted
 * (store_totals_make), if the database can be written.  Returns FAILURE_NONE,
 * or what has failed, with the reason in `why'.
 */
enum failure_code metrics_write(const struct settings *, FILE *, char *why,
    size_t size);

#endif
