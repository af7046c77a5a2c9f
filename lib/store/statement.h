/*
 * Running the statements of sql/ and of sql/postgres/ in one way, for what both
 * stores do alike (common.c).  Used only by the files behind store.h.
 */
#ifndef STATEMENT_H
#define STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "statements.h"
#include "store/store.h"

/* An argument: a number, or a text that is borrowed and need not end in NUL. */
struct arg {
	bool		 is_text;
	const char	*text;		/* NULL is an empty text */
	size_t		 len;
	int64_t		 number;
};

#define ARG_INT(n)	{ .number = (n) }
#define ARG_TEXT(s, n)	{ .is_text = true, .text = (s), .len = (n) }

/* The arguments of a statement, as the last two arguments of a function. */
#define NO_ARGS		NULL, 0
#define ARGS(...)	(const struct arg[]){ __VA_ARGS__ }, \
	(int)(sizeof((const struct arg[]){ __VA_ARGS__ }) / sizeof(struct arg))

/*
 * Runs a statement, which may have fewer parameters than there are arguments.
 * *number (may be NULL) becomes the first value of its first row, or 0.
 */
enum failure_code store_run(struct store *, enum statement, int64_t *number,
    const struct arg *, int count);

/* Runs a statement and calls `row' for each row until that returns false. */
enum failure_code store_rows(struct store *, enum statement, store_row *row,
    void *, const struct arg *, int count);

/*
 * As store_rows, for a few rows.  A server gives them in one call, which has a
 * deadline and is repeated where that is safe.
 */
enum failure_code store_get(struct store *, enum statement, store_row *row,
    void *, const struct arg *, int count);

/* Runs a statement that finds a session, with the columns of
   ANSWER_BY_SESSION. */
enum failure_code store_find(struct store *, enum statement, const struct arg *,
    int count, struct session *);

/* What a connection has read of Identity; id is "" before. */
struct store_key {
	char		id[STORE_IDENTITY + 1];
	unsigned char	secret[TEXT_SECRET];
};

/* That of a connection. */
struct store_key *store_key(struct store *);

/* Notes a reason.  Returns FAILURE_STORAGE. */
enum failure_code store_refuse(struct store *, const char *why);

/* Whether the database has ratings: a copy of schema 1 has not. */
bool store_has_ratings(struct store *);

/* Runs a statement about a ticket.  Sets *yes if the number is positive. */
enum failure_code store_is(struct store *, enum statement, int64_t ticket,
    bool *yes);

/* As text_word, with the database's secret. */
enum failure_code store_word(struct store *, int64_t ticket, const char *text,
    size_t len, unsigned counter, char word[TEXT_WORD + 1]);

/* Prepares the connection for a report. */
enum failure_code store_report_ready(struct store *);

/* Calls `found' with the text of each row that is not "ok". */
enum failure_code store_faults(struct store *, enum statement,
    void (*found)(void *, const char *), void *);

/* Counts what is in the database. */
struct census;
enum failure_code store_census(struct store *, struct census *);

#endif
