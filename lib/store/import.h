/*
 * Taking sessions in from elsewhere: gathered first, in a table of the
 * connection's own, then merged in one transaction, so that all of them are
 * taken in or none, and nobody waits while a pipe is read.  These return as
 * the functions of lib/store/maintain.h.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include <stdint.h>

#include "frame/failure.h"
#include "store/record.h"

struct store;

/*
 * Begins to gather, once for a store.  What has no answer is gathered without
 * its text, and what has one gets the hash that its text has here.
 */
enum failure_code import_begin(struct store *);

/*
 * Gathers one, with the number of the line that it comes from.  An id that
 * was gathered already is refused.
 */
enum failure_code import_add(struct store *, const struct record *,
    int64_t line);

/*
 * Gathers what the database of the original ASP.NET service holds, which is
 * only read; *last is the number of the last line.  A value that does not fit
 * is refused.
 */
enum failure_code import_original(struct store *, const char *file,
    int64_t *last);

/* What a merge has done. */
struct import {
	int64_t	tickets, sessions;	/* taken in */
	int64_t	known;			/* sessions that were here already */
	int64_t	left;			/* conflicts, or tickets left out */
};

/*
 * Merges what was gathered.  Ids are kept, and what is here already is left as
 * it is.  An id that is another session's here is a conflict: `conflict' is
 * called for each, with its line, and nothing is taken in.
 */
enum failure_code import_merge(struct store *, struct import *,
    void (*conflict)(void *, int64_t line, int64_t session), void *);

/*
 * Merges what came from the original service: a ticket one of whose ids is
 * taken gets new ones, in the same order.  One that has been answered here
 * since is left out: `late' is called for it.
 */
enum failure_code import_merge_original(struct store *, struct import *,
    void (*late)(void *, int64_t ticket, int64_t), void *);

#endif
