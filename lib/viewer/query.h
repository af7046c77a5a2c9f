/*
 * What a question asks the database, and the verdict.  All decisions that
 * depend on what is saved are made in query_run.  If the database is a file,
 * chat calls query_run itself.  A server is asked by a small program,
 * libexec/lookup, which reads one line of JSON and prints one or two; so chat
 * itself neither loads libpq nor waits for the server.  The program that was
 * started last stays for a while and is asked first: see resident.h.
 *
 *	printf '{"ticket":42,"ticketBody":"printer jam"}' | lookup
 */
#ifndef QUERY_H
#define QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/admission.h"
#include "base/buf.h"
#include "base/child.h"
#include "frame/failure.h"
#include "request/request.h"
#include "settings/settings.h"
#include "store/store.h"
#include "text/text.h"

enum query_kind {
	QUERY_LOOK,	/* is there a saved answer that can be used? */
	QUERY_BEGIN,	/* the same with the claim, and: may one be generated?
			   Or, for opening an answer: is another machine
			   generating it?  Or, for the user's own answer: save
			   it */
	QUERY_SESSION,	/* get the answer of this session */
	QUERY_SOURCES,	/* get the sources of this session's answer */
	QUERY_TURNS,	/* get the next turns of a thread */
	QUERY_RATE,	/* save the user's rating of an answer */
	QUERY_STOP	/* stop the ticket's generation on any machine */
};

/* All pointers are borrowed. */
struct query {
	enum query_kind		 kind;
	int64_t			 ticket;
	int64_t			 session;	/* QUERY_SESSION, QUERY_SOURCES;
						   QUERY_TURNS: the thread's
						   root */
	const struct request	*request;	/* unused for QUERY_STOP */
	/* For QUERY_BEGIN and QUERY_RATE, and if the request is WRITE or
	   QUESTION, or names a version. */
	const char		*user;		/* from admission_who; "":
						   none */
	bool			 charge;	/* count it in RATE_LIMIT */
	int64_t			 after;		/* QUERY_TURNS: the last turn
						   so far; 0: none */
};

struct verdict {
	struct failure	failure;	/* code FAILURE_NONE: no failure */
	char		error[1024];	/* the reason for the log, and */
	char		call[16];	/* the call that failed; "": none
					   failed */
	int64_t		session;	/* whose saved answer is used, or the
					   last turn; 0: none */
	/* For a question: the answer that it is about, and its name. */
	int64_t		follows, version;
	char		question[QUESTION_HASH + 1];	/* "": not known */
	int64_t		newest;		/* session of the newest answer, 0:
					   none; SEEN_UNKNOWN: not looked for */
	/* If no saved answer can be used; "": not known. */
	char		identity[STORE_IDENTITY + 1];	/* of the database */
	char		text_hash[TEXT_HASH + 1];
	char		instruction_hash[TEXT_HASH + 1];
	/* QUERY_BEGIN */
	char		user_hash[TEXT_HASH + 1];
	char		user_name[ADMISSION_WHO];	/* as in ratings */
	bool		heard;		/* QUERY_STOP: something runs;
					   QUERY_BEGIN for opening an answer:
					   another machine is generating it */
};

/*
 * Asks the database.  Opens it if *store is NULL; the store stays open.  If a
 * saved answer can be used, appends its `cached' frame to `frames', else leaves
 * `frames' unchanged.
 */
void query_run(struct store **, const struct settings *, const struct query *,
    struct buf *frames, struct verdict *);

/* A question under way to a server. */
struct asking {
	struct child		 child;		/* the program, or the
						   resident's socket; fd -1:
						   none */
	const struct settings	*settings;
	struct buf		 line;		/* the question, until the
						   resident has accepted it */
	int			 timeout;	/* ms, for the whole question */
	bool			 stay;		/* a program started for it may
						   become the resident */
};

#define ASKING_NONE	{ .child = { .fd = -1, .pidfd = -1 } }

/*
 * Asks a server through a lookup program.  `stay': a program that must be
 * started may stay afterwards.  Returns 0, or -1 with errno.  Then call
 * query_heard whenever the child's descriptor or deadline is due; when the
 * verdict has arrived it returns true, once, and ends the question.
 */
int query_start(struct asking *, const struct settings *, const struct query *,
    bool stay);
bool query_heard(struct asking *, int64_t now, struct buf *frames,
    struct verdict *);

/* Ends a question and frees it; does nothing if none was started. */
void query_end(struct asking *);

/* Whether the lookup program is installed; false with errno. */
bool query_is_built(void);

/*
 * Write and read the lines of JSON.  query_write and verdict_write return 0, or
 * -1 as buf_add.  query_read sets the query's request, which the caller frees;
 * request.failure says what is wrong with the line.  verdict_read returns false
 * if the line is not a verdict.
 */
int query_write(struct buf *, const struct query *)
    __attribute__((warn_unused_result));
void query_read(struct query *, struct request *, char user[], size_t size,
    const char *line, size_t len, size_t max_body);
int verdict_write(struct buf *, const struct verdict *)
    __attribute__((warn_unused_result));
bool verdict_read(struct verdict *, const char *line, size_t len);

#endif
