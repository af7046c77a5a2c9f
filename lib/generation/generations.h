/*
 * The generations of all tickets, for the administrator's commands: which ones
 * run, and how to prevent new ones while data is being changed.
 */
#ifndef GENERATIONS_H
#define GENERATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "generation/generation.h"

/*
 * Calls `each' for everything that has a socket in RUN_DIR, even a stale one
 * that nobody listens on: a ticket's answer or a question.  Stops early if
 * `each' returns false.  Returns 0, or -1 with errno.
 */
int generations_each(const char *run_dir,
    bool (*each)(void *, const struct subject *), void *);

/*
 * Takes a ticket's claim, so that neither an answer nor a question of the
 * ticket can start until the caller closes the returned descriptor.  Returns -1
 * with errno on error: EBUSY if one runs or another process holds the claim.
 */
int generations_hold(const char *run_dir, int64_t ticket);

/* As generations_hold, but questions of the ticket may run. */
int generations_hold_answer(const char *run_dir, int64_t ticket);

/*
 * As generations_hold, but first asks what runs for the ticket to end, and
 * waits for its end.
 */
int generations_end(const char *run_dir, int64_t ticket);

/* As generations_hold, for all tickets. */
int generations_hold_all(const char *run_dir);

/*
 * As generations_hold_all, but waits up to `ms' milliseconds for running
 * generations to end; meanwhile no new one can start.  `report' is called a few
 * times a second with the number of those that still run.
 */
int generations_await(const char *run_dir, int64_t ms,
    void (*report)(void *, int running), void *);

#endif
