/*
 * Maintenance of the store by the administrator.  The functions return as those
 * of lib/store/store.h.  FAILURE_BAD_REQUEST means that the function refuses,
 * with the reason in store_error.
 */
#ifndef MAINTAIN_H
#define MAINTAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/failure.h"
#include "store/store.h"

/*
 * Has `progress' called during long operations: what is being done, how far it
 * has come, and the total (0: not known).
 */
void store_watch(struct store *, void (*progress)(void *, const char *what,
    int64_t done, int64_t total), void *);

/* What to purge, and the result. */
struct purge {
	int64_t		 before;	/* older sessions are purged; seconds
					   since 1970 */
	bool		 tickets;	/* also delete tickets without a
					   session */
	const char	*run_dir;
	/* Prevents generations for a ticket until the returned descriptor is
	   closed; -1 with errno, EBUSY if one runs (generations_hold). */
	int		(*hold)(const char *run_dir, int64_t ticket);
	int64_t		 old;		/* counted by store_purge_count */
	int64_t		 sessions;	/* deleted by store_purge */
	int64_t		 emptied;	/* tickets deleted by store_purge */
	int64_t		 running;	/* not deleted: a generation runs for
					   them */
};

/* Counts the sessions to be purged. */
enum failure_code store_purge_count(struct store *, struct purge *);

/*
 * Deletes these sessions in several short transactions, so that others can
 * write in between.  If the purge is interrupted, the rest stays as it was.
 */
enum failure_code store_purge(struct store *, struct purge *);

/*
 * Deletes a ticket and all that belongs to it, leaving no byte of it in the
 * database and its log.  The file is rebuilt, because secure deletion alone
 * does not clear copies that moved within a page.  `sweep' removes what the
 * ticket has left elsewhere, before the file is rewritten.  The caller must
 * hold the ticket's claim.
 */
enum failure_code store_forget(struct store *, int64_t ticket,
    enum failure_code (*sweep)(struct store *), bool *found);

/*
 * Deletes the ratings of a user, the user's name beside answers that the user
 * wrote or asked for (the answers stay), and what a server's database notes
 * about the user's generations (a hash), and leaves no byte of them.  `sweep'
 * removes what these ratings have left elsewhere; it is called when they count
 * no more, before the file is rewritten, and again by the next call if this one
 * is interrupted.  `who' is as admission_who writes it.  store_user_left counts
 * the rows that still name the user, on a server those of the rate limit too.
 */
enum failure_code store_forget_user(struct store *, const char *who,
    enum failure_code (*sweep)(struct store *));
enum failure_code store_user_left(struct store *, const char *who,
    int64_t *rows);

/*
 * Calls `row' for each generation that is queued or runs on any machine with
 * this database: ticket, session, state, node, when it began.  Calls nothing if
 * the database is a file.
 */
enum failure_code store_runs(struct store *, store_row *row, void *);

/*
 * Refuses if the disk does not have the room that store_forget needs, the
 * reserve included.  To be called first, so that store_forget does not fail
 * halfway.
 */
enum failure_code store_forget_room(struct store *);

/*
 * The reserve: a file DATABASE-reserve that keeps some disk space for getting
 * out of a full disk: 4 MB, or half of the free space if that is less.
 * store_reserve makes or extends it if possible.  store_release deletes it if
 * the disk is nearly full, and returns whether it did.  Both do nothing if the
 * database is on a server.
 */
void store_reserve(const char *database);
bool store_release(const char *database);

/* Moves the content of the database's log (-wal) into the database and
   truncates the log, waiting for readers that still need it. */
enum failure_code store_cut(struct store *);

/*
 * Calls `text' for every prompt and answer of a ticket, or of all tickets if
 * `ticket' is 0.
 */
enum failure_code store_texts(struct store *, int64_t ticket,
    void (*text)(void *, int64_t session, const char *, size_t), void *);

/*
 * As store_texts, for a ticket in a copy with any schema version.  Calls
 * nothing for a file that is damaged or not a copy, or for a copy of a server's
 * database.
 */
void store_texts_of_copy(const char *file, int64_t ticket,
    void (*text)(void *, int64_t session, const char *, size_t), void *);

/* The counts of store_check. */
struct census {
	int64_t	tickets, sessions, unanswered;
};

/*
 * Checks for damage (with `full' also for indexes that do not match their
 * tables), for rows without their owner, and for texts that are not UTF-8.
 * Calls `found' with a line about each.
 */
enum failure_code store_check(struct store *, bool full, struct census *,
    void (*found)(void *, const char *line), void *);

#endif
