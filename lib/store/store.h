/*
 * The session service: which answers are saved for a ticket.  A program is
 * linked with one implementation, SQLite (lib/store/sqlite/) or PostgreSQL
 * (lib/store/postgres/).  A store is opened for a few statements and then
 * closed; no transaction stays open while waiting for anything else.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limit.h"
#include "frame/failure.h"
#include "frame/session.h"
#include "text/text.h"

struct store;

/*
 * All functions return FAILURE_NONE, FAILURE_STORAGE (with the reason in
 * store_error), FAILURE_SCHEMA, or what their comments say.
 */

/* Whether this implementation is for this kind of DATABASE. */
bool store_serves(const char *database);

/* Whether this implementation's DATABASE is a file. */
bool store_is_file(void);

/*
 * Opens the database made by `sessions migrate'.  Checks only the schema's
 * version: migrate has checked that the database is ours, and in any other one
 * the statements find no tables.
 */
enum failure_code store_open(struct store **, const char *database);

/*
 * For a store refused by store_open: whether it is a file with an older schema,
 * which store_migrate can update but which programs of the older version may
 * have open.
 */
bool store_behind(struct store *);

/* Closes a store; accepts NULL. */
void store_close(struct store *);

/*
 * Sets where to note which host of a server answered last, a file in RUN_DIR.
 * That host is tried first the next time.
 */
void store_remember(const char *run_dir);

/* A host in a server's address, or one of its addresses if it has several. */
struct store_host {
	const char	*name, *port;	/* "": the default port */
	const char	*wrong;		/* what is wrong; "": it is good, or a
					   standby */
	bool		 writable;	/* true also for an old primary */
	/* Which server it is; zeros if not known or not writable.  Two names of
	   the same server have the same three values. */
	uint64_t	 system;	/* the system identifier, shared with
					   standbys */
	unsigned long	 timeline;	/* changes when a standby is promoted */
	int64_t		 started;	/* when it started, microseconds since
					   1970 */
};

/* Calls `each' for every host in a server's address, waiting for each host.
   Calls nothing for a file. */
void store_hosts(const char *database, void (*each)(void *,
    const struct store_host *), void *);

/* Why the last call failed, in the database's words; for the log. */
const char *store_error(const struct store *);

/*
 * Gets a ticket's newest session with an answer; id 0: none.  The caller frees
 * it with session_free.
 */
enum failure_code store_session_by_ticket(struct store *, int64_t ticket,
    struct session *);

/*
 * Gets this session if it belongs to the ticket and has an answer; else id 0.
 */
enum failure_code store_session(struct store *, int64_t ticket, int64_t id,
    struct session *);

/* As store_session, for the ticket's n-th answer; the oldest is 1. */
enum failure_code store_session_by_version(struct store *, int64_t ticket,
    int64_t n, struct session *);

/* Gets the id of the newest session with an answer; 0: none. */
enum failure_code store_newest(struct store *, int64_t ticket, int64_t *id);

/* Whether the table Tickets contains a ticket. */
enum failure_code store_has_ticket(struct store *, int64_t ticket,
    bool *there);

/*
 * Gets the ticket's newest session that answers the same text
 * (lib/text/text.h); id 0: none.
 */
enum failure_code store_session_by_text(struct store *, int64_t ticket,
    const char *text, size_t len, struct session *);

/* The hash of a text's same-text form, made with the database's own secret. */
enum failure_code store_text_hash(struct store *, const char *text,
    size_t len, char hash[TEXT_HASH + 1]);

/* A text that the model will read; borrowed. */
struct store_sent {
	const char	*text;
	size_t		 len;
};

/*
 * Computes the word of the fences (lib/ollama/prompt.h) around a ticket's text:
 * the first one of text_word that occurs neither in the texts that will be sent
 * nor in any saved text of the ticket.  The same ticket and text have the same
 * word as long as that is so.
 */
enum failure_code store_fence(struct store *, int64_t ticket,
    const char *text, size_t len, const struct store_sent *, size_t count,
    char word[TEXT_WORD + 1]);

/* The database's random name: 32 hexadecimal digits. */
enum { STORE_IDENTITY = 32 };
enum failure_code store_identity(struct store *, char id[STORE_IDENTITY + 1]);

/*
 * Gets the ticket's newest session if that has no answer yet, else makes a new
 * one.  The text is saved later, with the answer.  With `existing' the ticket
 * must exist (else FAILURE_UNKNOWN_TICKET), otherwise it is made.  Id 0:
 * another machine has saved an answer newer than session `seen' (0: none); ask
 * again.
 */
enum failure_code store_get_or_create(struct store *, int64_t ticket,
    bool existing, int64_t seen, int64_t *id);

/*
 * Questions about an answer, the root: rows of their own, which follow the
 * root's row.  Answered ones are the turns of the root's thread.
 */
enum {
	THREAD_MAX = 200,	/* questions about one answer */
	QUESTION_HASH = 16	/* hexadecimal digits */
};

/*
 * Begins or ends a view: between the two, reads of a file see one state of it,
 * and take its locks only once.  It must not wait for anybody in between.  With
 * a server each read is as without.
 */
void store_view(struct store *, bool begin);

/*
 * Gets the next turn after session `after' (0: the first), in the order in
 * which they were asked; id 0: there is none.  `prompt' is the question.  The
 * caller frees it with session_free.
 */
enum failure_code store_thread_next(struct store *, int64_t ticket,
    int64_t root, int64_t after, struct session *);

/* The same, but `prompt' is what the model got in place of the question. */
enum failure_code store_thread_read(struct store *, int64_t ticket,
    int64_t root, int64_t after, struct session *);

/*
 * Gets the newest turn with the same question, blanks folded (text_folded); 0:
 * none.  *questions is how many there are, those without an answer included.
 */
enum failure_code store_thread_find(struct store *, int64_t ticket,
    int64_t root, const char *question, size_t len, int64_t *id,
    int64_t *questions);

/*
 * The name of a question's generation: a hash of the root and the folded
 * question, made with the database's own secret.
 */
enum failure_code store_question_hash(struct store *, int64_t root,
    const char *question, size_t len, char hash[QUESTION_HASH + 1]);

/*
 * Makes a row for a question.  FAILURE_THREAD_FULL: there are THREAD_MAX;
 * FAILURE_UNKNOWN_TICKET: the root was deleted.  store_question_delete deletes
 * the row of a question that ended without an answer.
 */
enum failure_code store_question_add(struct store *, int64_t ticket,
    int64_t root, int64_t *id);
enum failure_code store_question_delete(struct store *, int64_t id);

/* What the model reads of an answer to be asked about.  All texts are owned. */
struct store_root {
	char	*text;		/* the ticket's text */
	size_t	 text_len;
	char	*answer;
	size_t	 answer_len;
	char	*instruction;	/* NULL: none */
	size_t	 instruction_len;
	char	*model_text;	/* what the model got in place of `text'; NULL:
				   `text' itself */
	size_t	 model_text_len;
};

/*
 * Gets a root; FAILURE_UNKNOWN_TICKET if it was deleted.  The caller calls
 * store_root_free, also after an error.
 */
enum failure_code store_root(struct store *, int64_t ticket, int64_t id,
    struct store_root *);
void store_root_free(struct store_root *);

/*
 * A note that the model was given for an answer, number n of them.  All
 * pointers are borrowed.
 */
struct store_source {
	int64_t		 n;		/* from 1 to SOURCES_MAX */
	int64_t		 passage;	/* 0: it is none of ours */
	const char	*name, *title, *url;	/* url "": none */
	int64_t		 ticket;	/* the solved ticket that it comes from;
					   0: none */
	const char	*text;		/* as sent */
	bool		 cited;		/* the answer cites it */
};
enum { SOURCES_MAX = KNOWLEDGE_MAX };

/*
 * Calls `each' for each note that the model was given for a session's answer,
 * in their order.
 */
enum failure_code store_sources(struct store *, int64_t session,
    void (*each)(void *, const struct store_source *), void *);

/* What is saved of an answer.  All pointers are borrowed. */
struct answered {
	const char		*prompt;	/* the ticket's text as asked */
	size_t			 prompt_len;
	const char		*response;
	size_t			 response_len;
	const char		*instruction;	/* "": none */
	size_t			 instruction_len;
	const char		*model_text;	/* what the model got in place
						   of `prompt'; may be NULL */
	size_t			 model_text_len;	/* 0: `prompt' itself */
	const struct cost	*cost;
	/* Kept with the cost; "": not known. */
	const char		*prompt_name;	/* of prompt_name */
	const char		*user;		/* for whom it was generated, as
						   in ratings */
	const char		*server;	/* of url_name */
	const struct store_source	*sources;
	size_t			 source_count;
};

/*
 * Saves the text, its hash, the answer, its cost and its sources in one
 * transaction; all other columns of the row become NULL.  May be repeated if it
 * is not known whether it succeeded: a session that holds this same answer is a
 * success.
 * Returns FAILURE_INTERRUPTED if the session holds another answer,
 * FAILURE_UNKNOWN_TICKET if it was deleted.  Sets *versions to the number of
 * answers the ticket has now.
 */
enum failure_code store_update_response(struct store *, int64_t id,
    const struct answered *, int64_t *versions);

/*
 * Gets the name of the server that generated the ticket's newest answer; "":
 * not known.
 */
enum { STORE_SERVER = 640 };
enum failure_code store_last_server(struct store *, int64_t ticket,
    char name[STORE_SERVER]);

/* What admission_who writes in front of the user of a token. */
#define STORE_USER	"user:"

/* The user of a token in what admission_who writes; NULL if it names none. */
const char *store_user(const char *who);

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

/* A person's answer.  All pointers are borrowed. */
struct written {
	int64_t		 ticket;
	int64_t		 session;	/* the answer that it replaces; 0: the
					   newest */
	const char	*author;	/* "": without a name */
	const char	*response;
	size_t		 response_len;
	unsigned	 cited;		/* of text_cited */
};

/*
 * Saves a person's answer as the ticket's next version, with the ticket's text
 * and the sources of the answer that it replaces; the caller has the ticket's
 * claim.
 * Sets *session and *version to those of the newest answer, which is this one
 * after FAILURE_NONE.  If the newest answer is this very text by this author,
 * nothing is saved: a repeated call does no harm.  Returns FAILURE_NO_ANSWER;
 * FAILURE_BAD_REQUEST: the session to be replaced is not an answer of this
 * ticket; FAILURE_ANSWER_CHANGED: it is one, but not the newest;
 * FAILURE_ANSWER_RUNNING: another machine is generating an answer.
 */
enum failure_code store_write(struct store *, const struct written *,
    int64_t *session, int64_t *version);

/*
 * Asks all machines that share the database to stop a ticket's answer, and with
 * `all' the questions, too; *heard: something runs.  Does nothing for a file.
 */
enum failure_code store_stop(struct store *, int64_t ticket, bool all,
    bool *heard);

/*
 * Whether a generation for the ticket runs on any machine that shares the
 * database; always false for a file.
 */
enum failure_code store_ticket_runs(struct store *, int64_t ticket,
    bool *runs);

void session_free(struct session *);

/*
 * How to treat running generations of an older version, which could not save
 * their answers after a migration: wait up to `ms' milliseconds for them, or
 * end them now.  `progress' is called a few times a second with their number.
 */
struct store_quiet {
	int64_t	 ms;
	bool	 now;
	void	(*progress)(void *, int running);
	void	*context;
};

/*
 * For the administrator: makes the database if it does not exist, or migrates
 * it to this program's schema; sets *from and *to to the versions.  On a
 * server, no generation of an older version can begin meanwhile on any machine,
 * and running ones are waited for (not if `quiet' is NULL);
 * FAILURE_BAD_REQUEST: some still run, and nothing was changed.  If the
 * database is a file, the caller must prevent generations.
 */
enum failure_code store_migrate(struct store **, const char *database,
    int *from, int *to, const struct store_quiet *);

/*
 * After FAILURE_STORAGE: whether trying later may help, as with a server that
 * cannot be reached.
 */
bool store_passes(const struct store *);

/* Gives a new name to a database that began as a copy of another one. */
enum failure_code store_new_identity(struct store *);

/*
 * Links the sessions to another application's table of tickets: deleting a
 * ticket there deletes its sessions.  We never write to that table.  Fails if
 * sessions exist whose ticket is not in the table.
 */
enum failure_code store_use_tickets(struct store *, const char *table,
    const char *id_column);

/*
 * Holds the database open like an idle connection, with descriptors that stay
 * open after store_close and exec(2).  Otherwise each process that opens the
 * database alone would rebuild the shared memory (-shm) from the whole log.
 */
enum failure_code store_hold(struct store *);

/*
 * If the database is a file: locks it exclusively as its service, as long as
 * the process lives, and notes RUN_DIR for others.  Returns 1, 0 if another
 * service has the lock, or -1 on error (store_error).  Always 1 for a server.
 */
int store_serve(struct store *, const char *run_dir);

/*
 * Whether a service with another RUN_DIR uses the database; sets `other' to
 * that RUN_DIR ("?": not noted yet).
 */
bool store_served(struct store *, const char *run_dir, char *other,
    size_t size);

/*
 * The reports of sql/reports.sql and sql/report.sql: each row is a list of
 * named texts.
 * STORE_HEAD is for `sessions doctor' and differs between files and servers.
 */
enum store_report {
	STORE_EXPORT, STORE_EVENT, STORE_EXPORT_RATINGS, STORE_EXPORT_SOURCES,
	STORE_LIST, STORE_SHOW, STORE_SHOW_SOURCES,
	STORE_HISTORY, STORE_STATS, STORE_STATS_BY_DAY,
	STORE_STATS_BY_MODEL, STORE_STATS_BY_PROMPT,
	STORE_ASKS, STORE_METRICS, STORE_HEAD, STORE_AGES,
	STORE_REPORT_ANSWERS, STORE_REPORT_RATINGS, STORE_REPORT_SOURCES,
	STORE_REPORT_DOCUMENTS, STORE_REPORT_UNFITTED,
	STORE_KNOWLEDGE,
	STORE_REPORT__MAX
};

enum { CELLS_MAX = 24 };

/* A cell; text is NULL for an SQL NULL. */
struct cell {
	const char	*name;
	const char	*text;
	size_t		 len;
	bool		 number;
};

/* The number in a cell; 0 if it is NULL. */
int64_t store_cell_number(const struct cell *);

/* Appends a row as a line of JSON.  Returns as buf_add. */
int store_cells_json(const struct cell *, int cells, struct buf *)
    __attribute__((warn_unused_result));

/* A callback for each row; returns false to end the report. */
typedef bool store_row(void *, const struct cell *, int cells);

/*
 * Runs a report with at most `rows' rows.  The comment above the report's
 * statement says what `arg' means.
 */
enum failure_code store_report(struct store *, enum store_report, int64_t arg,
    int64_t rows, store_row *row, void *);

/*
 * From now on the counters of STORE_METRICS keep what deleted generations had
 * counted.  A file costs each connection a little more then, so this is for
 * somebody who watches them; a server's database always does it.
 */
enum failure_code store_totals_make(struct store *);

/*
 * For STORE_ASKS, whose rows belong to this connection: store_asks makes an
 * empty table, store_ask counts a question of a user and its outcome.
 */
enum failure_code store_asks(struct store *);
enum failure_code store_ask(struct store *, const char *day, const char *user,
    const char *outcome);

/*
 * Full-text search in all tickets and answers; letters are folded as in
 * text/fold.h, and in scripts without spaces each character is a word.
 * store_search_begin reads all of them into an index that belongs to this
 * connection, and calls `progress' (may be NULL) now and then.  store_search
 * finds what contains all words, best match first.  A word that contains spaces
 * is a phrase; one that ends with `*' is a prefix.
 */
enum failure_code store_search_begin(struct store *,
    void (*progress)(void *, const char *what, int64_t done, int64_t all),
    void *);
enum failure_code store_search(struct store *, char *const words[], int count,
    int64_t rows, store_row *row, void *);

/* Deletes a ticket and all that belongs to it; *found: the ticket existed. */
enum failure_code store_delete(struct store *, int64_t ticket, bool *found);

#endif
