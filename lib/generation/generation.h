/*
 * Where the viewers of a ticket meet: the socket on which the ticket's running
 * generation listens, and the claim, which allows one process to start it.
 */
#ifndef GENERATION_H
#define GENERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings/settings.h"
#include "store/store.h"

/* What a generation is about: its socket has a name for each. */
struct subject {
	int64_t	 ticket;
	char	 question[QUESTION_HASH + 1];	/* store_question_hash; "": the
						   ticket's answer */
};

/* Whether both are about the same. */
bool generation_same(const struct subject *, const struct subject *);

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
 * Connects to a generation.  With GENERATION_RUNNING the caller owns *fd.
 */
enum generation generation_connect(const char *run_dir,
    const struct subject *, int *fd);

/*
 * Asks a generation to end, for all its viewers.  Never blocks: five bytes
 * always fit into the socket's buffer.
 */
void generation_say_stop(int fd);

/*
 * Tells a generation that we need another one, and only wait for its end: see
 * hub_step.  Never blocks either.
 */
void generation_say_wait(int fd);

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
 * The same for a question's claim, a byte of the file `questions'.  Whoever has
 * it also shares its ticket's claim, with the descriptor *ticket: so whoever
 * has the ticket's claim alone keeps questions of the ticket from beginning.
 */
int generation_claim_question(const char *run_dir, const struct subject *,
    int *ticket);

/*
 * To be called with the claim when nobody listens: removes a stale socket,
 * makes a new one and listens.  Returns the listener, or -1 with errno.
 */
int generation_listen(const char *run_dir, const struct subject *);

/*
 * To be called with the claim: removes the socket of a generation that could
 * not be started.
 */
void generation_sweep(const char *run_dir, const struct subject *);

/* What `answer' is to generate.  All pointers are borrowed. */
struct generation_wish {
	int64_t		 ticket;
	int64_t		 session;	/* whose answer it is; 0: `answer' gets
					   the session from the database */
	int64_t		 seen;		/* used if `session' is 0: the session
					   of the newest answer that the caller
					   knows */
	int64_t		 follows;	/* the answer that is asked about; 0:
					   none */
	const char	*question;	/* the name of the question (struct
					   subject); "": the ticket's answer is
					   wanted */
	const char	*text;		/* the ticket's text, or the question */
	size_t		 len;
	const char	*text_hash;	/* of `text'; "": not known */
	const char	*instruction;	/* a hint for the answer, may be NULL */
	size_t		 instruction_len;
	const char	*instruction_hash;	/* "": no instruction */
	const char	*user_name;	/* as in ratings; kept with the cost */
	const char	*user;		/* the hash of the user as whom
					   `answer' waits in the queue; "":
					   nobody.  It is passed in the
					   environment because other users of
					   the machine cannot read that. */
	enum language	 language;	/* of whoever asks; it becomes LANGUAGE
					   of `answer' */
	int		 listener;	/* the socket made by generation_listen;
					   the caller keeps it and must close
					   its copy */
	int		 run_dir;	/* the shared lock on RUN_DIR
					   (store/identity.h); -1: none */
};

/*
 * Writes for people which libcurl an answer uses with these settings, and what
 * it costs.  Returns false if a smaller one could be used but was not built.
 */
bool generation_libcurl(const struct settings *, char *text, size_t size);

/*
 * The path of the variant of `answer' that these settings need:
 * LIBEXEC/answer-postgres if DATABASE is a server, LIBEXEC/answer-http if every
 * upstream is plain HTTP at "localhost" or a numeric address, else
 * LIBEXEC/answer.
 */
const char *generation_program(const struct settings *);

/*
 * Starts `answer' for a wish, detached.  It inherits
 *
 *	descriptor 0	the ticket's text or the question, a NUL, the
 *			instruction, a NUL, the user's name, a NUL, and the
 *			language of whoever asks
 *	descriptor 3	the listener
 *	descriptor 4	the shared lock on RUN_DIR
 *	environment	the settings and GENERATION_USER only
 *
 * `answer' sends the subject in its first line.  Returns the pid, or -1 with
 * errno.
 */
#define GENERATION_USER	"QUEUE_USER"
int generation_start(const struct settings *, const struct generation_wish *);

/*
 * Starts `answer hook SESSION', which tells DONE_COMMAND of a saved answer
 * (generation/tell.h), detached; does nothing if that is not set.
 */
void generation_tell(const struct settings *, int64_t session);

/*
 * Starts `answer learn SESSION', which makes knowledge of an answer that was
 * written or rated, or makes it be none (knowledge/answers.h), detached; does
 * nothing with KNOWLEDGE_ANSWERS=off.
 */
void generation_learn(const struct settings *, int64_t session);

/*
 * Writes the path of a generation's socket.  Returns 0, or -1 with errno if the
 * path is too long.
 */
int generation_path(char *path, size_t size, const char *run_dir,
    const struct subject *);

/* The longest RUN_DIR in which every socket's path fits, in bytes. */
enum { RUN_DIR_MAX = 65 };

#endif
