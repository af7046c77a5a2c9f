/*
 * The session service: which answers are kept for a ticket.  Behind it stands
 * SQLite (lib/store/sqlite/) or PostgreSQL (lib/store/postgres/), whichever a
 * program is linked with.  A store is opened for a few statements and closed
 * again; no transaction is open across a wait for anything else.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/failure.h"
#include "frame/session.h"
#include "text/text.h"

struct store;

/*
 * All of them return FAILURE_NONE, or FAILURE_STORAGE (the reason is in
 * store_error), FAILURE_SCHEMA, or what is said below.
 */

/* Whether this implementation is the one for such a DATABASE. */
bool store_serves(const char *database);

/* Whether a DATABASE of this implementation is a file. */
bool store_is_file(void);

/*
 * Opens the database that `sessions migrate' has made.  Looks at its version
 * only: whose it is migrate has seen before the service began, and in another
 * one the statements find no tables.
 */
enum failure_code store_open(struct store **, const char *database);

/*
 * Of one that store_open refused: whether it is a file of an older version,
 * which store_migrate would bring up to date while programs of that version may
 * still have it open.
 */
bool store_behind(struct store *);

/* Closes it; NULL is nothing. */
void store_close(struct store *);

/*
 * Where it may note which of a server's hosts answered: a file in RUN_DIR.  It
 * is tried first the next time.
 */
void store_remember(const char *run_dir);

/* A host of a server's address; one of its addresses where it has several. */
struct store_host {
	const char	*name, *port;	/* "": the default one */
	const char	*wrong;		/* "": it is good, or a standby */
	bool		 writable;	/* also where it is an old primary */
	/* Which server it is; zeros where it is not known, or not writable.
	 * Two names of one server have the same three. */
	uint64_t	 system;	/* its number, which a standby shares */
	unsigned long	 timeline;	/* a promotion begins a new one */
	int64_t		 started;	/* microseconds since 1970 */
};

/* Calls `each' for every host of a server's address, waiting for each of them.
 * A file has none. */
void store_hosts(const char *database, void (*each)(void *,
    const struct store_host *), void *);

/* Why the last call failed, in the database's words; for the log. */
const char *store_error(const struct store *);

/*
 * Get session by ticket id: the newest that has an answer.  None: id 0.  The
 * caller frees the session with session_free.
 */
enum failure_code store_session_by_ticket(struct store *, int64_t ticket,
    struct session *);

/* The session itself, if it is the ticket's and has an answer; else id 0. */
enum failure_code store_session(struct store *, int64_t ticket, int64_t id,
    struct session *);

/* As store_session: that of the ticket's n-th answer, n from 1, the oldest. */
enum failure_code store_session_by_version(struct store *, int64_t ticket,
    int64_t n, struct session *);

/* The id of the newest session that has an answer; 0: none. */
enum failure_code store_newest(struct store *, int64_t ticket, int64_t *id);

/* Whether the table Tickets has this one. */
enum failure_code store_has_ticket(struct store *, int64_t ticket,
    bool *there);

/*
 * The ticket's newest session that answers the same text (lib/text/text.h);
 * none: id 0.
 */
enum failure_code store_session_by_text(struct store *, int64_t ticket,
    const char *text, size_t len, struct session *);

/* The hash of a text's same-text form with the database's own secret. */
enum failure_code store_text_hash(struct store *, const char *text,
    size_t len, char hash[TEXT_HASH + 1]);

/* The database's random name, of 32 hexadecimal digits. */
enum { STORE_IDENTITY = 32 };
enum failure_code store_identity(struct store *, char id[STORE_IDENTITY + 1]);

/*
 * Get or create session: the newest one of the ticket, if it has no answer,
 * else a new one.  Its text is kept with its answer, not before.  With
 * `existing' the ticket must be there (FAILURE_UNKNOWN_TICKET), otherwise it
 * is made.  Id 0: it was answered on another machine since the answer `seen'
 * (0: none); look again.
 */
enum failure_code store_get_or_create(struct store *, int64_t ticket,
    bool existing, int64_t seen, int64_t *id);

/* What is kept of an answer; all of it is borrowed. */
struct answered {
	const char		*prompt;	/* as it was asked */
	size_t			 prompt_len;
	const char		*response;
	size_t			 response_len;
	const struct cost	*cost;
};

/*
 * Update session response: keeps the text, its hash, the whole answer and its
 * cost in one transaction.  May be done again when it is not known whether it
 * was done: a session that holds this very answer is good.  One that holds
 * another is FAILURE_INTERRUPTED, one that is gone FAILURE_UNKNOWN_TICKET.
 * Tells how many answers the ticket has now.
 */
enum failure_code store_update_response(struct store *, int64_t id,
    const struct answered *, int64_t *versions);

/* What a user thinks of a session's answer; all of it is borrowed. */
struct rating {
	bool		 good;
	const char	*reason;	/* a word; "": none */
	const char	*comment;	/* may be NULL */
	size_t		 comment_len;
};

/*
 * Saves what a user thinks of a session, in place of what the same user thought
 * of it before.  Returns how many users find it good, and bad.
 */
enum failure_code store_rate(struct store *, int64_t session,
    const char *user, const struct rating *, int64_t *good, int64_t *bad);

/*
 * Has what runs for a ticket on any machine that shares the database end; tells
 * whether there is something.  Where it is a file there is no other machine.
 */
enum failure_code store_stop(struct store *, int64_t ticket, bool *heard);

/*
 * Whether a generation of the ticket runs on any machine that shares the
 * database.  Where it is a file there is no other machine.
 */
enum failure_code store_ticket_runs(struct store *, int64_t ticket,
    bool *runs);

void session_free(struct session *);

/*
 * Of generations of an older version, which could not save their answer any
 * more: waits for them so many milliseconds, or has them end.  `tell' hears a
 * few times a second how many run.
 */
struct store_quiet {
	int64_t	 ms;
	bool	 now;
	void	(*tell)(void *, int running);
	void	*context;
};

/*
 * For the administrator.  store_migrate makes the database if need be and
 * brings it to this program's version, told in *from and *to.  On a server
 * none of an older version begins meanwhile, on whatever machine, and what
 * runs is waited for; FAILURE_BAD_REQUEST: it runs still, nothing is changed.
 * NULL waits for none.  Those that share a file the caller holds off.
 */
enum failure_code store_migrate(struct store **, const char *database,
    int *from, int *to, const struct store_quiet *);

/*
 * Of what was FAILURE_STORAGE: whether it passes by itself, as a server that is
 * out of reach does.
 */
bool store_passes(const struct store *);

/* Draws a new name for a database that began as a copy of another one. */
enum failure_code store_new_identity(struct store *);

/*
 * Has the sessions belong to somebody else's table of tickets, whose deleting
 * a ticket deletes its sessions; nothing of ours writes to it.  Sessions whose
 * ticket it has not are an error.
 */
enum failure_code store_use_tickets(struct store *, const char *table,
    const char *id_column);

/*
 * Holds the database as an idle connection would, in descriptors that stay
 * open, over exec(2) too, when the store is closed.  Otherwise each one that
 * opens it alone makes its shared memory anew, from a log that is never taken
 * for moved.  As others see it, it is a connection like any.
 */
enum failure_code store_hold(struct store *);

/*
 * Of a database that is a file: holds it as its service, alone, as long as the
 * process lives, and notes its RUN_DIR for others.  Returns 1, 0 where another
 * service has it, -1 on error (store_error).  A server's is always 1.
 */
int store_serve(struct store *, const char *run_dir);

/*
 * Whether a service has it that is not this RUN_DIR's, and which is its own
 * ("?": it has not said so yet).
 */
bool store_served(struct store *, const char *run_dir, char *other,
    size_t size);

/*
 * The reports of sql/reports.sql: one row is a list of named texts.  STORE_HEAD
 * is what the doctor wants to know of a file or of a server, each its own.
 */
enum store_report {
	STORE_EXPORT, STORE_LIST, STORE_SHOW, STORE_HISTORY,
	STORE_STATS, STORE_STATS_BY_DAY, STORE_STATS_BY_MODEL,
	STORE_ASKS, STORE_METRICS, STORE_HEAD, STORE_AGES,
	STORE_REPORT__MAX
};

enum { CELLS_MAX = 17 };

/* A cell; text is NULL where the database holds NULL. */
struct cell {
	const char	*name;
	const char	*text;
	size_t		 len;
	bool		 number;
};

/* Is called for each row; false ends the report early. */
typedef bool store_row(void *, const struct cell *, int cells);

/*
 * Runs a report, for at most so many rows.  What `arg' is stands above the
 * report's statement.
 */
enum failure_code store_report(struct store *, enum store_report, int64_t arg,
    int64_t rows, store_row *row, void *);

/*
 * For STORE_ASKS, which is about this connection alone: begins with none, and
 * counts a question of a user and how it ended.
 */
enum failure_code store_asks(struct store *);
enum failure_code store_ask(struct store *, const char *day, const char *user,
    const char *outcome);

/*
 * Full text search in all tickets and answers, accents and case folded.
 * store_search_begin reads them all, once, into an index of this connection
 * alone, and tells `progress' (may be NULL) now and then how much of all it
 * has got.  store_search finds what has each of the words, best first: a word
 * of several is a phrase, one that ends with `*' stands for all that begin so.
 */
enum failure_code store_search_begin(struct store *,
    void (*progress)(void *, const char *what, int64_t done, int64_t all),
    void *);
enum failure_code store_search(struct store *, char *const words[], int count,
    int64_t rows, store_row *row, void *);

/* Deletes a ticket with all that belongs to it; *found tells if it was. */
enum failure_code store_delete(struct store *, int64_t ticket, bool *found);

#endif
