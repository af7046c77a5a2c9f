/*
 * Which of the model's servers have failed lately, and when they may be asked
 * again: remembered in RUN_DIR/health for all generations on this machine.
 * Losing it costs nothing but a few tries.
 */
#ifndef HEALTH_H
#define HEALTH_H

#include <stdint.h>

/* NULL everywhere: nothing is remembered. */
struct health;

/* Opens the file, or makes it; NULL: that cannot be. */
struct health *health_open(const char *run_dir);

/* Reads what all generations have found until now. */
void health_read(struct health *);

/*
 * When a server (url_key) may be asked again, a clock_us, as it was read; 0:
 * it has not failed.
 */
int64_t health_again(struct health *, uint64_t server, int64_t now);

/* It has failed.  Returns when it may be asked again. */
int64_t health_failed(struct health *, uint64_t server, int64_t now);

/* It has answered. */
void health_good(struct health *, uint64_t server);

/* What was noted stays. */
void health_close(struct health *);

#endif
