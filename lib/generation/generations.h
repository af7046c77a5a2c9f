/*
 * The generations of all tickets, for the administrator: which ones run, and
 * keeping them from running while something is changed under them.
 */
#ifndef GENERATIONS_H
#define GENERATIONS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Calls `each' for every ticket whose socket stands in RUN_DIR, also where
 * nobody listens any more; ends early where it returns false.  Returns 0, or
 * -1 with errno.
 */
int generations_each(const char *run_dir,
    bool (*each)(void *, int64_t ticket), void *);

/*
 * Makes sure that nothing runs for a ticket, and that nothing begins until
 * the descriptor that it returns is closed: the ticket's claim.  Or -1 with
 * errno: EBUSY where something runs, or is about to.
 */
int generations_hold(const char *run_dir, int64_t ticket);

/* As generations_hold, but what runs is stopped first, and waited for. */
int generations_end(const char *run_dir, int64_t ticket);

/* As generations_hold, for all tickets. */
int generations_hold_all(const char *run_dir);

/*
 * As generations_hold_all, but what runs is waited for, so many milliseconds;
 * meanwhile nothing begins.  `tell' hears a few times a second how many run.
 */
int generations_await(const char *run_dir, int64_t ms,
    void (*tell)(void *, int running), void *);

#endif
