/*
 * The meeting place of a ticket's viewers: the socket on which its running
 * generation listens, and the claim by which one process starts it.
 */
#ifndef GENERATION_H
#define GENERATION_H

#include <stddef.h>
#include <stdint.h>

#include "settings/settings.h"

/* What connecting found. */
enum generation {
	GENERATION_ERROR = -1,	/* errno tells */
	GENERATION_NONE,	/* nobody listens */
	GENERATION_BUSY,	/* alive, but its backlog is full: again */
	GENERATION_RUNNING	/* connected */
};

/*
 * Makes RUN_DIR, mode 0700, if its parent is there, and checks that it is
 * ours alone and short enough for a socket's path.  Returns 0, or -1 with
 * errno (EPERM: somebody else's or open to others; ENAMETOOLONG).
 */
int generation_prepare(const char *run_dir);

/* Connects to a ticket's generation; *fd is the caller's if it runs. */
enum generation generation_connect(const char *run_dir, int64_t ticket,
    int *fd);

/* Asks a generation to end, for everyone; five bytes always fit. */
void generation_say_stop(int fd);

/* Opens the file of the claims, byte n for ticket n; -1 with errno. */
int generation_claims(const char *run_dir);

/*
 * Tries to take a ticket's claim.  Returns its descriptor (closing it gives
 * the claim back), -1 with errno 0 if somebody else has it, or -1 with errno.
 */
int generation_claim(const char *run_dir, int64_t ticket);

/*
 * Under the claim, when nobody listens: sweeps a stale socket and listens.
 * Returns the listener, or -1 with errno.
 */
int generation_listen(const char *run_dir, int64_t ticket);

/* Under the claim: removes the socket of a generation that did not start. */
void generation_sweep(const char *run_dir, int64_t ticket);

/*
 * Starts `answer' (LIBEXEC/answer-http where every upstream can be reached by
 * number over plain HTTP, answer-postgres for a DATABASE that is a server, else
 * answer) for a session (0: the one that the database tells, where the
 * newest answer that the caller has seen is `seen'), detached: its own session,
 * stdin the ticket's text, descriptor 3 the listener, 4 what shares RUN_DIR
 * (identity.h; -1: nothing), an environment of settings and of GENERATION_USER
 * only: the hash of the user whose turn in the queue it takes ("": nobody's;
 * the environment, since no other user of the machine can read it).  Its first
 * line tells the text's hash ("": not known).  The caller still owns the
 * listener and must close its copy.  Returns the pid, or -1 with errno.
 */
#define GENERATION_USER	"QUEUE_USER"
int generation_start(const struct settings *, int64_t ticket, int64_t session,
    int64_t seen, int listener, const char *text, size_t len,
    const char *text_hash, const char *user, int run_dir);

/* Whether the process at the other end of a unix socket is of our uid. */
int generation_peer_is_ours(int fd);

/* Writes the path of a ticket's socket; returns -1 if it is too long. */
int generation_path(char *path, size_t size, const char *run_dir,
    int64_t ticket);

#endif
