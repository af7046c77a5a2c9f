/*
 * How many generations a user may start: so many at once, then evenly over
 * the period (GCRA), exact over all processes, and over all machines that
 * share a database.
 */
#ifndef RATE_H
#define RATE_H

#include <stdbool.h>
#include <stdint.h>

struct settings;
struct store;

/*
 * Reads "10/min" (also /sec, /hour, /day) or "off" (count 0); false if it is
 * neither.  The period is in microseconds.
 */
bool rate_parse(const char *, int64_t *count, int64_t *period);

/*
 * A key is admission_who's, for RATE_LIMIT; with this in front of it, it is for
 * how often somebody may hear that there is nothing to open.
 */
#define RATE_OPEN	"open:"
enum {
	RATE_KEY_MAX = 512,
	RATE_MINUTE = 60000000		/* microseconds */
};

/*
 * Takes one for a key.  The store is open; the limits are in it where it is a
 * server's, and in RUN_DIR where it is a file.  Returns 0 if it is allowed,
 * else the seconds after which the next one is; -1 if the database of the
 * limits cannot be used, with the reason in `error'.
 */
int rate_take(struct store *, const struct settings *, const char *key,
    int64_t count, int64_t period, char *error, unsigned long size);

/*
 * Forgets a key and leaves no byte of it.  Returns 0, or -1 with the reason
 * in `error'.
 */
int rate_forget(const struct settings *, const char *key, char *error,
    unsigned long size);

#endif
