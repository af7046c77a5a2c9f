/*
 * The lookup that stays: the last one of this node that had to be loaded goes
 * on for a while, connected, and whoever asks next asks it by the socket
 * `lookup' in RUN_DIR.  Loading libpq and connecting take twenty times as long
 * as asking.
 *
 * Whoever asks sends the key and the question, and ends its side.  The resident
 * answers at once with an empty line, then as lookup does on stdout.  It has
 * one question at a time: whoever does not get the empty line soon starts a
 * lookup of its own.  So does whoever has other settings, or another version:
 * that is what the key tells, a hash of them.
 */
#ifndef RESIDENT_H
#define RESIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "settings/settings.h"

/*
 * Asks it, without waiting.  Returns the socket on which it answers, or -1:
 * there is none, or the question is longer than what fits a socket at once.
 */
int resident_ask(const struct settings *, const char *question, size_t len);

/* A place to be asked. */
struct resident {
	int	listener;	/* non-blocking */
	ino_t	place;		/* which file its socket is */
};

/*
 * Takes the place, if nobody has it who would take our question.  Returns 0, or
 * -1: somebody has, or there can be no place.
 */
int resident_begin(struct resident *, const struct settings *);

/* Whether the place is still ours: RUN_DIR may be gone, or another's by now. */
bool resident_is(const struct resident *, const struct settings *);

/*
 * Takes the next question that waits, into an empty buffer, and says that it is
 * heard.  Returns its socket, or -1: there is none, or it was none for us.
 */
int resident_hear(const struct resident *, const struct settings *,
    struct buf *question);

/* Whether whoever asked still waits for the answer. */
bool resident_is_waited_for(int fd);

/* Leaves the place; questions that are there may still be heard, then the
 * listener is the caller's to close. */
void resident_leave(const struct resident *, const struct settings *);

/* Ends whoever has it: within QUERY_TICK, or when it has answered. */
void resident_end(const struct settings *);

#endif
