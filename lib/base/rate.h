/*
 * Rate limits: a user may start `count' generations at once and then as many
 * per period, evenly spread (GCRA).  Exact over all processes, and over all
 * machines that share a database.
 */
#ifndef RATE_H
#define RATE_H

#include <stdbool.h>
#include <stdint.h>

struct settings;
struct store;

/*
 * Reads "10/min" (or /sec, /hour, /day) or "off" (count 0).  Returns false for
 * any other text.  The period is in microseconds.
 */
bool rate_parse(const char *, int64_t *count, int64_t *period);

/*
 * A key is what admission_who writes, for RATE_LIMIT.  With a prefix it counts
 * something else.
 */
#define RATE_OPEN	"open:"		/* told that there is no answer */
#define RATE_RATINGS	"rate:"		/* ratings */
#define RATE_WRITTEN	"write:"	/* a user's own answers */
enum {
	RATE_KEY_MAX = 512,
	RATE_MINUTE = 60000000		/* microseconds */
};

/*
 * Counts one event for a key.  The limits are in the database if it is a
 * server, else in RUN_DIR; the store must be open.  Returns 0 if the event is
 * allowed, else the seconds until the next one is, or -1 if the limits cannot
 * be read or written, with the reason in `error'.
 */
int rate_take(struct store *, const struct settings *, const char *key,
    int64_t count, int64_t period, char *error, unsigned long size);

/*
 * Deletes a key, leaving no byte of it on disk.  Returns 0, or -1 with the
 * reason in `error'.
 */
int rate_forget(const struct settings *, const char *key, char *error,
    unsigned long size);

#endif
