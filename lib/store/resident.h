/*
 * The resident: a lookup process that stays for a while after its first
 * question, with its database connection, and answers further questions on the
 * socket RUN_DIR/lookup.  Loading libpq and connecting takes twenty times as
 * long as asking.
 *
 * A client sends the key and the question, and shuts down its sending side.
 * The resident first replies with an empty line, then with what lookup prints.
 * It handles one question at a time: a client that does not get the empty line
 * soon starts a lookup of its own.  So does a client with other settings or
 * another version, which the key, a hash of both, shows.
 */
#ifndef RESIDENT_H
#define RESIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "settings/settings.h"

/*
 * Sends a question to the resident without waiting.  Returns the socket on
 * which the resident replies, or -1 if there is none or the question does not
 * fit into the socket's buffer.
 */
int resident_ask(const struct settings *, const char *question, size_t len);

/* The place of the resident: its socket. */
struct resident {
	int	listener;	/* non-blocking */
	ino_t	place;		/* inode of the socket's file */
};

/*
 * Becomes the resident, unless another one would accept our questions.  Returns
 * 0, or -1 if there is another one or on error.
 */
int resident_begin(struct resident *, const struct settings *);

/*
 * Whether the socket's file is still ours.  RUN_DIR may have been removed, or
 * another resident may have replaced it.
 */
bool resident_is(const struct resident *, const struct settings *);

/*
 * Accepts the next question, into an empty buffer, and acknowledges it.
 * Returns its socket, or -1 if no question waits or it is not for us.
 */
int resident_hear(const struct resident *, const struct settings *,
    struct buf *question);

/* Whether the client still waits for the answer. */
bool resident_is_waited_for(int fd);

/* Removes the socket's file.  Questions already sent may still be accepted;
   then the caller closes the listener. */
void resident_leave(const struct resident *, const struct settings *);

/* Makes the resident end: within QUERY_TICK ms, or after its current answer. */
void resident_end(const struct settings *);

#endif
