/*
 * A connection to a PostgreSQL database.  Runs the statements of sql/postgres/,
 * each in a transaction of its own that is sent in one piece (BEGIN, limits,
 * the statement, COMMIT) and has a deadline.  The connection holds no state of
 * ours, so a pooler may be in between.  Used only by the implementation of
 * lib/store/store.h.
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

enum { PG_ARGS_MAX = 24 };

enum pg_progress {
	PG_MORE,	/* nothing to do until something arrives */
	PG_DONE,
	PG_FAILED
};

/* SQLSTATEs of a standby: for BEGIN READ WRITE, and for a write in a read-only
   transaction. */
#define PG_STANDBY	"0A000"
#define PG_READ_ONLY	"25006"

/* Which server it is; zeros if it does not say. */
struct pg_server {
	unsigned long long	system;		/* see struct store_host */
	unsigned long		timeline;
	int64_t			started;
};

struct store {
	PGconn		*db;
	struct dial	*dial;		/* while connecting */
	int		 version;	/* of the schema; -1: no schema */
	struct pg_server server;
	char		*uri;
	struct store_key key;
	int64_t		 patience;	/* ms for a statement; -1: as long as
					   the server responds */
	int64_t		 heard;		/* when the server last sent something:
					   clock_us */
	int		 unheard;	/* checks since then that got no
					   response */
	bool		 silent;	/* connecting failed, and a host did not
					   answer */
	bool		 broken;	/* no answer came: do not use the
					   connection */
	bool		 inside;	/* between pg_begin and pg_end */
	bool		 warned;	/* the last call caused a warning */
	int		 part;		/* of the call under way, 2 is the
					   statement; -1: no call */
	bool		 wrong;		/* a part of the call failed */
	PGresult	*result;	/* of the statement */
	char		 state[6];	/* SQLSTATE of the error; "": none */
	bool		 copying;	/* between pg_copy and pg_copy_end */
	size_t		 unsent;	/* an upper bound of bytes not sent
					   yet */
	struct buf	 passages;	/* that are not sent yet: an array in
					   JSON without its end */
	size_t		 passage_count;
	char		 error[1024];	/* why the last call failed */
	/* A callback for long operations: see store_watch. */
	void		(*progress)(void *, const char *, int64_t, int64_t);
	void		*progress_context;
	const char	*progress_what;	/* what is being done */
};

/* The arguments of a statement.  Texts are borrowed until it has run. */
struct pg_args {
	int		 count;
	const char	*value[PG_ARGS_MAX];
	int		 len[PG_ARGS_MAX], format[PG_ARGS_MAX];
	Oid		 type[PG_ARGS_MAX];
	char		 number[PG_ARGS_MAX][24];
};

/* Appends an argument.  A text need not end with a NUL. */
void pg_int(struct pg_args *, int64_t);
void pg_text(struct pg_args *, const char *, size_t len);

/*
 * Makes a random name, to recognize a repeated request.  Returns false with
 * errno on error.
 */
enum { PG_NAME = 33 };
bool pg_draw_name(char name[PG_NAME]);

/* Sends a statement without waiting.  Returns false on error. */
bool pg_put(PGconn *, enum statement, const struct pg_args *);

/* Makes a store that is not connected.  Returns NULL if there is no memory. */
struct store *pg_make(const char *uri);

/*
 * Connects, waiting, and sets *version to the schema's version (-1: no schema).
 * The functions below return FAILURE_NONE, or FAILURE_STORAGE with the reason
 * in `error'.
 */
enum failure_code pg_connect(struct store *, int *version);

/*
 * Connecting and calling without blocking.  pg_start begins to connect, pg_call
 * sends a statement; then call pg_step until it no longer returns PG_MORE.
 * After PG_DONE of a call it is committed, and its result is in s->result until
 * the next call.  After PG_FAILED drop the connection; pg_passes then returns
 * whether a later try may succeed.
 */
enum failure_code pg_start(struct store *);
enum failure_code pg_call(struct store *, enum statement,
    const struct pg_args *);
enum pg_progress pg_step(struct store *);
bool pg_passes(const struct store *);

/* Tries every host, waiting; as store_hosts. */
void pg_survey(struct store *, void (*each)(void *,
    const struct store_host *), void *context);

/* What to poll for, and while connecting also the deadline: clock_us. */
int64_t pg_wait(const struct store *, struct pollfd *);

/* Closes the connection, or stops connecting. */
void pg_drop(struct store *);

/*
 * Notes the reason of an error and clears `res', which may be NULL.  Returns
 * FAILURE_STORAGE.
 */
enum failure_code pg_fail(struct store *, const char *what, PGresult *res);

/* Notes a reason in our own words.  Returns the code. */
enum failure_code pg_refuse(struct store *, enum failure_code,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Runs a statement; the caller owns *res.  After an error runs the statement
 * again over a new connection if that is safe: if the server reported that
 * nothing was done, or, without a report (perhaps only the acknowledgement was
 * lost), if sql/postgres/ declares the statement as safe to repeat (`again'
 * after its name).  Otherwise fails, and the reason says that the outcome is
 * not known.  Within pg_begin, and with a patience of -1, never repeats what
 * was sent.
 */
enum failure_code pg_query(struct store *, enum statement,
    const struct pg_args *, PGresult **res);

/*
 * Runs a statement.  Sets *number, which may be NULL, to the first value, 0 if
 * there is no row.
 */
enum failure_code pg_run(struct store *, enum statement,
    const struct pg_args *, int64_t *number);

/* As pg_run; sets *rows to the number of rows that were changed. */
enum failure_code pg_change(struct store *, enum statement,
    const struct pg_args *, int64_t *rows);

/* Runs SQL statements without results. */
enum failure_code pg_script(struct store *, const char *sql);

/* Runs a statement outside a transaction. */
enum failure_code pg_alone(struct store *, enum statement,
    const struct pg_args *, int64_t *number);

/* Begins a transaction of several statements, connecting again if necessary;
   ends it: commits if rc is FAILURE_NONE, else rolls back, as db_end. */
enum failure_code pg_begin(struct store *);
enum failure_code pg_end(struct store *, enum failure_code rc);

/* Waits until all data has been sent. */
enum failure_code pg_flush(struct store *);

/*
 * Waits for the last result of what pg_put has sent, or, in single-row mode,
 * for the next row.  Returns NULL with the reason noted on error.
 */
PGresult *pg_next(struct store *);

/*
 * Sends rows with COPY.  The cells of a row are appended to a buffer (NULL for
 * an SQL NULL), which pg_copy_row sends and clears.  Errors in the rows are
 * reported by pg_copy_end at the latest, which may also be called without
 * pg_copy.
 */
enum failure_code pg_copy(struct store *, enum statement);
int pg_copy_cell(struct buf *, const char *, size_t len)
    __attribute__((warn_unused_result));
enum failure_code pg_copy_row(struct store *, struct buf *);
enum failure_code pg_copy_end(struct store *);

/* The value in a row as a number. */
int64_t pg_number(const PGresult *, int row, int column);

/* Appends an answer's sources as an array in JSON.  Returns as buf_add. */
int pg_sources(struct buf *, const struct answered *)
    __attribute__((warn_unused_result));

/* Calls the callback of store_watch. */
void pg_show_progress(struct store *, const char *what, int64_t done,
    int64_t total);

#endif
