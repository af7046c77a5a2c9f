/*
 * Where the viewers of a ticket meet: the socket on which the ticket's running
 * generation listens, and the claim, which allows one process to start it.
 */
#ifndef GENERATION_H
#define GENERATION_H

#include <stddef.h>
#include <stdint.h>

#include "settings/settings.h"

/* The result of generation_connect. */
enum generation {
	GENERATION_ERROR = -1,	/* errno is set */
	GENERATION_NONE,	/* nobody listens */
	GENERATION_BUSY,	/* it runs, but its backlog is full: try
				   again */
	GENERATION_RUNNING	/* connected */
};

/*
 * Makes RUN_DIR with mode 0700 if its parent exists.  Checks that RUN_DIR
 * belongs to our uid, is closed to others, and is short enough for a socket's
 * path.  Returns 0, or -1 with errno (EPERM: another owner, or open to others;
 * ENAMETOOLONG).
 */
int generation_prepare(const char *run_dir);

/*
 * Connects to a ticket's generation.  With GENERATION_RUNNING the caller owns
 * *fd.
 */
enum generation generation_connect(const char *run_dir, int64_t ticket,
    int *fd);

/*
 * Asks a generation to end, for all its viewers.  Never blocks: five bytes
 * always fit into the socket's buffer.
 */
void generation_say_stop(int fd);

/*
 * Opens the file of the claims, in which byte n is ticket n's claim.  Returns
 * the descriptor, or -1 with errno.
 */
int generation_claims(const char *run_dir);

/*
 * Tries to take a ticket's claim.  Returns its descriptor (closing it releases
 * the claim), -1 with errno 0 if another process holds the claim, or -1 with
 * another errno.
 */
int generation_claim(const char *run_dir, int64_t ticket);

/*
 * To be called with the claim when nobody listens: removes a stale socket,
 * makes a new one and listens.  Returns the listener, or -1 with errno.
 */
int generation_listen(const char *run_dir, int64_t ticket);

/*
 * To be called with the claim: removes the socket of a generation that could
 * not be started.
 */
void generation_sweep(const char *run_dir, int64_t ticket);

/*
 * Starts `answer' for a session of the ticket, detached.  The program is
 * LIBEXEC/answer-postgres if DATABASE is a server, LIBEXEC/answer-http if every
 * upstream is plain HTTP at "localhost" or a numeric address, else
 * LIBEXEC/answer.  It inherits
 *
 *	descriptor 0	the ticket's text
 *	descriptor 3	the listener
 *	descriptor 4	the shared lock on RUN_DIR (store/identity.h)
 *	environment	the settings and GENERATION_USER only
 *
 * If `session' is 0, `answer' gets it from the database, and `seen' is the
 * session of the newest answer that the caller knows.  `answer' sends
 * `text_hash' in its first line ("": not known) and waits in the queue as the
 * user with the hash `user' ("": nobody), which is passed in the environment
 * because other users of the machine cannot read that.  `run_dir' may be -1.
 *
 * The caller keeps the listener and must close its copy.  Returns the pid, or
 * -1 with errno.
 */
#define GENERATION_USER	"QUEUE_USER"
int generation_start(const struct settings *, int64_t ticket, int64_t session,
    int64_t seen, int listener, const char *text, size_t len,
    const char *text_hash, const char *user, int run_dir);

/* Whether the process at the other end of a Unix socket has our uid. */
int generation_peer_is_ours(int fd);

/*
 * Writes the path of a ticket's socket.  Returns 0, or -1 with errno if the
 * path is too long.
 */
int generation_path(char *path, size_t size, const char *run_dir,
    int64_t ticket);

#endif
