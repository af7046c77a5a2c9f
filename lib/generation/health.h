/*
 * Which upstreams have failed lately and when they may be asked again, stored
 * in RUN_DIR/health for all generations on this machine.  If the file is lost,
 * generations only try a failed server once more.
 */
#ifndef HEALTH_H
#define HEALTH_H

#include <stdint.h>

/* Each function accepts NULL and then remembers nothing. */
struct health;

/* Opens or makes the file.  Returns NULL on error. */
struct health *health_open(const char *run_dir);

/* Reads the current state from the file. */
void health_read(struct health *);

/*
 * When a server (a url_key) may be asked again, as of the last health_read:
 * clock_us; 0: the server has not failed.
 */
int64_t health_again(struct health *, uint64_t server, int64_t now);

/*
 * Notes that a server has failed.  Returns when it may be asked again:
 * clock_us.
 */
int64_t health_failed(struct health *, uint64_t server, int64_t now);

/* Notes that a server has answered. */
void health_good(struct health *, uint64_t server);

/* Closes the file; what was noted stays in it. */
void health_close(struct health *);

#endif
