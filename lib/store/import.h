/*
 * Importing sessions.  They are gathered in a temporary table of the connection
 * and then merged in one transaction, so that all or none are imported and no
 * writer waits while a pipe is read.  The functions return as those of
 * lib/store/maintain.h.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include <stdint.h>

#include "frame/failure.h"
#include "store/record.h"

struct store;

/* Begins to gather; to be called once for a store. */
enum failure_code import_begin(struct store *);

/*
 * Gathers a session from line number `line'.  The text is gathered only with an
 * answer, and its hash is made with this database's secret.  Refuses an id that
 * was gathered before.
 */
enum failure_code import_add(struct store *, const struct record *,
    int64_t line);

/*
 * Gathers the sessions from the database of the original ASP.NET service, which
 * is only read; sets *last to the number of the last line.  Refuses a value
 * that does not fit.
 */
enum failure_code import_original(struct store *, const char *file,
    int64_t *last);

/* The result of a merge. */
struct import {
	int64_t	tickets, sessions;	/* imported */
	int64_t	known;			/* sessions that exist here already */
	int64_t	left;			/* conflicts, or tickets that were left
					   out */
};

/*
 * Merges what was gathered.  Ids do not change, and existing sessions stay as
 * they are.  If an id belongs to a different session here, calls `conflict'
 * with the line and the id, and imports nothing.
 */
enum failure_code import_merge(struct store *, struct import *,
    void (*conflict)(void *, int64_t line, int64_t session), void *);

/*
 * Merges what came from the original service.  If an id of a ticket is in use
 * here, the ticket's sessions get new ids, in the same order.  A ticket that
 * has been answered here since then is left out, and `late' is called for it.
 */
enum failure_code import_merge_original(struct store *, struct import *,
    void (*late)(void *, int64_t ticket, int64_t), void *);

#endif
