/*
 * Keeping the store in order: what an administrator does now and then.  These
 * return as the functions of lib/store/store.h do; what is refused, and why, is
 * FAILURE_BAD_REQUEST with the reason in store_error.
 */
#ifndef MAINTAIN_H
#define MAINTAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/failure.h"
#include "store/store.h"

/*
 * Has `tell' called while something long goes on: what it is, how far it has
 * come and of how much (0: not known).
 */
void store_watch(struct store *, void (*tell)(void *, const char *what,
    int64_t done, int64_t total), void *);

/* What is too old. */
struct purge {
	int64_t		 before;	/* seconds since 1970 */
	bool		 tickets;	/* tickets without a session go too */
	const char	*run_dir;
	/* Keeps a ticket from being answered until its descriptor is closed;
	   -1 with errno, EBUSY: something runs (generations_hold). */
	int		(*hold)(const char *run_dir, int64_t ticket);
	int64_t		 old;		/* what store_purge_count has found */
	int64_t		 sessions;	/* what store_purge has deleted */
	int64_t		 emptied;	/* tickets that it has deleted */
	int64_t		 running;	/* spared: a generation works on them */
};

/* Counts the sessions that are too old. */
enum failure_code store_purge_count(struct store *, struct purge *);

/*
 * Deletes them, some at a time, so that others can write in between.  Each
 * transaction is whole: what ends it early leaves the rest as it was.
 */
enum failure_code store_purge(struct store *, struct purge *);

/*
 * Deletes a ticket with all that belongs to it and leaves no byte of it in
 * the database and its log: secure deletion alone does not clear what moved
 * within a page before, so the file is written anew.  Its claim must be held.
 */
enum failure_code store_forget(struct store *, int64_t ticket, bool *found);

/*
 * Deletes the ratings of a user, and what a server's database notes about the
 * user's generations (a hash), and leaves no byte of them.  `who' is as
 * admission_who writes it.  store_user_left counts the rows that still name the
 * user, on a server those of the rate limit too.
 */
enum failure_code store_forget_user(struct store *, const char *who);
enum failure_code store_user_left(struct store *, const char *who,
    int64_t *rows);

/*
 * Calls `row' for each generation that is wanted or runs on one of the machines
 * that share the database: ticket, session, state, node, began.  Where it is a
 * file that is told by nobody.
 */
enum failure_code store_runs(struct store *, store_row *row, void *);

/*
 * Refuses where the disk has not the room that store_forget takes, the reserve
 * counted in: asked first, so that nothing is half done.
 */
enum failure_code store_forget_room(struct store *);

/*
 * Some room that is kept for the way out of a full disk, as a file beside a
 * database, DATABASE-reserve: 4 MB, or half of what is free where that is less.
 * store_reserve makes it, or makes it larger, where it can; store_release gives
 * it up where the disk is nearly full, and tells whether it did.  Nothing where
 * the database is a server's.
 */
void store_reserve(const char *database);
bool store_release(const char *database);

/* Moves the database's log (-wal) over and cuts it to nothing, waiting for
 * readers that are in the way. */
enum failure_code store_cut(struct store *);

/* Calls `text' for every prompt and answer of a ticket; of all for 0. */
enum failure_code store_texts(struct store *, int64_t ticket,
    void (*text)(void *, int64_t session, const char *, size_t), void *);

/*
 * The same of a ticket in a copy, of whatever version; what is no copy, or is
 * damaged, has none.  Nothing is found in copies of a server's database.
 */
void store_texts_of_copy(const char *file, int64_t ticket,
    void (*text)(void *, int64_t session, const char *, size_t), void *);

/* What store_check has counted. */
struct census {
	int64_t	tickets, sessions, unanswered;
};

/*
 * Looks for what must not be: damage (with `full' also indexes that do not
 * fit their tables), rows without their owner, texts that are no UTF-8.
 * Calls `found' with a line for each.
 */
enum failure_code store_check(struct store *, bool full, struct census *,
    void (*found)(void *, const char *line), void *);

#endif
