/*
 * Runs a program of other people (TICKET_FILTER, KNOWLEDGE_COMMAND,
 * DONE_COMMAND) beside the event loop: a text on its stdin, what it prints in a
 * buffer.
 *
 * The program gets a process group and a session of its own, default signals,
 * the environment PATH, LANG, TMPDIR, HOOK_TICKET, HOOK_SESSION, HOOK_PART and
 * HOOK_LANGUAGE, and no other descriptors.  It lives in a narrower domain than
 * we do (harden_narrow): it may write only in TMPDIR, which is also its working
 * directory, and can read neither the database nor RUN_DIR nor a key.  When it
 * ends, or is ended, all processes that it left behind are killed and reaped,
 * whatever group they moved to: this process becomes the parent of orphans, and
 * must have no other children.
 */
#ifndef HOOK_H
#define HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "settings/settings.h"

enum {
	HOOK_SECONDS = 5,	/* that a filter may take */
	HOOK_NOTES_MAX = 262144	/* bytes that KNOWLEDGE_COMMAND may print */
};

/* What to run.  All pointers are borrowed, and only by hook_start. */
struct hook_call {
	const struct settings	*settings;
	enum setting		 program;	/* the setting that names it */
	const char		*part;		/* HOOK_PART; NULL: none */
	int64_t			 ticket, session;	/* 0: not set in the
							   environment */
	const char		*language;	/* HOOK_LANGUAGE; NULL or "":
						   LANGUAGE, unless that is
						   `auto' */
	const char		*text;		/* its stdin */
	size_t			 len;
	size_t			 most;		/* bytes that it may print; 0:
						   all of it is thrown away */
	int			 seconds;	/* that it may take */
};

enum hook_progress {
	HOOK_MORE,	/* still running: poll the descriptors */
	HOOK_ENDED,	/* exit code 0; `out' is complete */
	HOOK_FAILED	/* see `why' */
};

/* Initialise it with HOOK_INIT. */
struct hook {
	int		 fd[3];		/* to poll for reading; -1: none */
	int64_t		 deadline;	/* clock_us: when hook_step is due */
	struct buf	 out;		/* what it has printed */
	char		 said[256];	/* the first line of its stderr */
	char		 why[160];	/* for the log: what failed */

	/* Used by hook.c. */
	pid_t		 pid;		/* 0: none runs */
	size_t		 said_len;
	const char	*name;		/* of the setting */
	int		 seconds;
	bool		 silent;	/* its stdout is /dev/null */
	char		 place[512];	/* the path of TMPDIR; "": not made */
	int		 lock;		/* on it */
};
#define HOOK_INIT	{ .fd = { -1, -1, -1 }, .lock = -1 }

/*
 * Starts a program; none may be running.  TMPDIR is made once, in RUN_DIR,
 * which must exist.  Returns 0, or -1 with the reason in `why'.  That the
 * program cannot be executed is a HOOK_FAILED of hook_step.
 */
int hook_start(struct hook *, const struct hook_call *)
    __attribute__((warn_unused_result));

/* Reads what has arrived, without waiting. */
enum hook_progress hook_step(struct hook *, int64_t now);

/* Starts a program and waits for its end, as hook_step returns it. */
enum hook_progress hook_run(struct hook *, const struct hook_call *);

/* Kills the program if it runs, and all that it has started. */
void hook_end(struct hook *);

/*
 * hook_end, and frees the output.  Removes TMPDIR and those of processes that
 * were killed; this may take long if programs have filled them.
 */
void hook_close(struct hook *);

/*
 * What keeps the output from being a text for the model: an empty or blank one,
 * no UTF-8, a NUL.  NULL: nothing.
 */
const char *hook_wrong_text(const struct buf *);

/*
 * Whether a setting's program, and the interpreter in its first line, can be
 * opened and executed in the domain in which it would run; it is not run.
 * Returns 0, or -1 with the reason in `why'.
 */
int hook_examine(const struct settings *, enum setting program, char *why,
    size_t size);

#endif
