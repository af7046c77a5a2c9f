/*
 * A connection to a PostgreSQL database: the statements of sql/postgres/, each
 * in a transaction of its own that goes to the server in one piece (BEGIN, the
 * limits, the statement, COMMIT) and has a deadline.  Nothing of ours stays in
 * the connection, so that a pooler may stand in front of it.  Only the files
 * that stand behind lib/store/store.h use it.
 */
#ifndef PG_H
#define PG_H

#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "frame/failure.h"
#include "sql_postgres.h"
#include "store/statement.h"
#include "store/store.h"

enum { PG_ARGS_MAX = 18 };

enum pg_progress {
	PG_MORE,	/* nothing to do until something comes */
	PG_DONE,
	PG_FAILED
};

/* SQLSTATEs of a server that only follows: of our BEGIN, which wants to write,
 * and of a statement in a transaction that may not. */
#define PG_STANDBY	"0A000"
#define PG_READ_ONLY	"25006"

/* Which server it is; zeros where it does not say so. */
struct pg_server {
	unsigned long long	system;		/* see struct store_host */
	unsigned long		timeline;
	int64_t			started;
};

struct store {
	PGconn		*db;
	struct dial	*dial;		/* while it connects */
	int		 version;	/* of the schema; -1: there is none */
	struct pg_server server;
	char		*uri;
	char		 id[STORE_IDENTITY + 1];	/* "": not read yet */
	unsigned char	 secret[TEXT_SECRET];
	int64_t		 patience;	/* ms for a statement; -1: as long as
					   the server is there */
	int64_t		 heard;		/* when it last said something, */
	int		 unheard;	/* looks since then: it is not there */
	bool		 silent;	/* a host, when connecting failed */
	bool		 broken;	/* no answer came; good for nothing */
	bool		 inside;	/* between pg_begin and pg_end */
	bool		 warned;	/* the last call was remarked upon */
	int		 part;		/* of the call on its way; 2 is the
					   statement; -1: none is */
	bool		 wrong;		/* a part of it has failed */
	PGresult	*result;	/* of the statement */
	char		 state[6];	/* SQLSTATE of what failed; "": none */
	bool		 copying;	/* between pg_copy and pg_copy_end */
	size_t		 unsent;	/* bytes of it, at most */
	char		 error[1024];	/* why the last call failed */
	/* What is told how far something long is; see store_watch. */
	void		(*tell)(void *, const char *, int64_t, int64_t);
	void		*tell_context;
	const char	*telling;	/* what is being done */
};

/* The arguments of a statement; texts are borrowed until it has run. */
struct pg_args {
	int		 count;
	const char	*value[PG_ARGS_MAX];
	int		 len[PG_ARGS_MAX], format[PG_ARGS_MAX];
	Oid		 type[PG_ARGS_MAX];
	char		 number[PG_ARGS_MAX][24];
};

/* Appends an argument; a text need not end with '\0'. */
void pg_int(struct pg_args *, int64_t);
void pg_text(struct pg_args *, const char *, size_t len);

/* Draws a name that nobody else has, for what is asked; false: it cannot. */
enum { PG_NAME = 33 };
bool pg_draw_name(char name[PG_NAME]);

/* Sends a statement as it is, without waiting; false: it cannot. */
bool pg_put(PGconn *, enum statement, const struct pg_args *);

/* A store that is not connected; NULL if there is no memory. */
struct store *pg_make(const char *uri);

/*
 * Connects it, waiting, and tells the version of the schema, -1 where there is
 * none.  The functions below return FAILURE_NONE, or FAILURE_STORAGE with the
 * reason in `error'.
 */
enum failure_code pg_connect(struct store *, int *version);

/*
 * The same without waiting: pg_start, then pg_step until it is no longer
 * PG_MORE.  pg_call sends a statement, pg_step brings its result, once it is
 * committed: in s->result, which is cleared by the next call.  After PG_FAILED
 * the connection is to be dropped; pg_passes tells whether it may go well the
 * next time.
 */
enum failure_code pg_start(struct store *);
enum failure_code pg_call(struct store *, enum statement,
    const struct pg_args *);
enum pg_progress pg_step(struct store *);
bool pg_passes(const struct store *);

/* Looks at every host, waiting, as store_hosts. */
void pg_survey(struct store *, void (*each)(void *,
    const struct store_host *), void *context);

/* What to wait for meanwhile, and while connecting until when at most. */
int64_t pg_wait(const struct store *, struct pollfd *);

/* Lets the connection go, or what was to become one. */
void pg_drop(struct store *);

/* Notes the reason, `res' may be NULL and is cleared.  FAILURE_STORAGE. */
enum failure_code pg_fail(struct store *, const char *what, PGresult *res);

/* The reason in our own words; returns the code. */
enum failure_code pg_refuse(struct store *, enum failure_code,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Runs a statement whose rows are wanted: *res is the caller's then.  Once more
 * over a new connection, where that may help: if the server said that nothing
 * was done.  If it said nothing (a connection was lost, perhaps only the
 * acknowledgement) only what sql/postgres/ declares to be good twice, by
 * `again' behind its name; anything else fails, and the reason says that it is
 * not known whether it was done.  Within pg_begin, and with the patience of an
 * administrator's tool, nothing that was sent is repeated.
 */
enum failure_code pg_query(struct store *, enum statement,
    const struct pg_args *, PGresult **res);

/* Runs a statement; *number (may be NULL) gets its first value; 0: none. */
enum failure_code pg_run(struct store *, enum statement,
    const struct pg_args *, int64_t *number);

/* As pg_run, with numbers; tells how many rows it changed. */
enum failure_code pg_change(struct store *, enum statement,
    const struct pg_args *, int64_t *rows);

/* Runs some statements of which nothing is wanted, as they stand. */
enum failure_code pg_script(struct store *, const char *sql);

/* Runs a statement that may be in no transaction. */
enum failure_code pg_alone(struct store *, enum statement,
    const struct pg_args *, int64_t *number);

/* Begins a transaction of several statements, connecting anew where the last
 * connection was let go; ends it as db_end does: commits if rc is NONE. */
enum failure_code pg_begin(struct store *);
enum failure_code pg_end(struct store *, enum failure_code rc);

/* Waits until the server has taken what was sent. */
enum failure_code pg_flush(struct store *);

/*
 * Waits for the last result of what pg_put has sent, or for the next row where
 * rows come one by one; NULL with the reason noted.
 */
PGresult *pg_next(struct store *);

/*
 * Begins to send rows by a COPY; the cells of each are appended to a buffer,
 * NULL is NULL, and sent with pg_copy_row, which clears it.  What is wrong with
 * them is told by pg_copy_end at the latest; it may be called when there was
 * no pg_copy.
 */
enum failure_code pg_copy(struct store *, enum statement);
int pg_copy_cell(struct buf *, const char *, size_t len)
    __attribute__((warn_unused_result));
enum failure_code pg_copy_row(struct store *, struct buf *);
enum failure_code pg_copy_end(struct store *);

/* A value of a row as a number. */
int64_t pg_number(const PGresult *, int row, int column);

/* Tells how far something has come; see store_watch. */
void pg_tell(struct store *, const char *what, int64_t done, int64_t total);

#endif
