/*
 * What a question asks of the database, and the verdict on it.  All that is
 * decided by what is saved is decided in query_run.  Where the database is a
 * file, chat calls that itself.  A server is asked by a small program,
 * libexec/lookup: it reads one line of JSON and prints one or two, so neither
 * libpq nor a wait for the server is ever in chat.  The last one that was
 * started stays for a while, see resident.h, and is asked first.
 *
 *	printf '{"ticket":42,"ticketBody":"printer jam"}' | lookup
 */
#ifndef QUERY_H
#define QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/child.h"
#include "frame/failure.h"
#include "request/request.h"
#include "settings/settings.h"
#include "store/store.h"
#include "text/text.h"

enum query_kind {
	QUERY_LOOK,	/* is there an answer that serves? */
	QUERY_BEGIN,	/* the same under the claim; may one be generated?
			   To open one: does another machine generate it? */
	QUERY_SESSION,	/* the answer of this session */
	QUERY_RATE,	/* save what the user thinks of an answer */
	QUERY_STOP	/* end what runs for the ticket on any machine */
};

/* All of it is borrowed. */
struct query {
	enum query_kind		 kind;
	int64_t			 ticket;
	int64_t			 session;	/* of QUERY_SESSION */
	const struct request	*request;	/* not of QUERY_STOP */
	/* Of QUERY_BEGIN and QUERY_RATE. */
	const char		*user;		/* whose turn it takes: see
						   admission_who; "": none */
	bool			 charge;	/* it counts in RATE_LIMIT */
};

struct verdict {
	struct failure	failure;	/* code NONE: all is well */
	char		error[1024];	/* why it failed, for the log, and */
	char		call[16];	/* what did; "": it is no fault */
	int64_t		session;	/* whose answer serves; 0: none does */
	int64_t		newest;		/* session with an answer, 0: none;
					   SEEN_UNKNOWN: not looked for */
	/* Where no answer serves; "": not known. */
	char		identity[STORE_IDENTITY + 1];	/* the database's */
	char		text_hash[TEXT_HASH + 1];
	char		user_hash[TEXT_HASH + 1];	/* of QUERY_BEGIN */
	bool		heard;		/* of QUERY_STOP: something runs;
					   of QUERY_BEGIN to open an answer:
					   so it does on another machine */
};

/*
 * Asks the database, which is opened if *store is NULL and stays open.  The
 * frame of the answer that serves, `cached', is appended to the buffer, which
 * is unchanged where none serves.
 */
void query_run(struct store **, const struct settings *, const struct query *,
    struct buf *frames, struct verdict *);

/* A question that is on its way to a server. */
struct asking {
	struct child		 child;		/* the program, or the socket of
						   one that stays; fd -1: none */
	const struct settings	*settings;
	struct buf		 line;		/* the question, until the one
						   that stays has heard it */
	int			 timeout;	/* ms, of all of it */
	bool			 stay;		/* a new one may stay */
};

#define ASKING_NONE	{ .child = { .fd = -1, .pidfd = -1 } }

/*
 * Asks a server by the program; `stay': one that has to be started may go on
 * when it has answered.  Returns 0, or -1 with errno.  Then, whenever its
 * child's descriptor or deadline is due: query_heard, which returns true with
 * the verdict, once, when there is one, and has ended it then.
 */
int query_start(struct asking *, const struct settings *, const struct query *,
    bool stay);
bool query_heard(struct asking *, int64_t now, struct buf *frames,
    struct verdict *);

/* Ends it, and frees; one that was not started is nothing. */
void query_end(struct asking *);

/* Whether the program is there; false with errno. */
bool query_is_built(void);

/*
 * The lines of JSON.  query_write and verdict_write return 0, or -1 as buf_add.
 * query_read gives the query its request, which the caller frees; what is wrong
 * with the line is in the request's failure.  verdict_read returns false for a
 * line that is none.
 */
int query_write(struct buf *, const struct query *)
    __attribute__((warn_unused_result));
void query_read(struct query *, struct request *, char user[], size_t size,
    const char *line, size_t len, size_t max_body);
int verdict_write(struct buf *, const struct verdict *)
    __attribute__((warn_unused_result));
bool verdict_read(struct verdict *, const char *line, size_t len);

#endif
