/*
 * How a question ends: its terminal frame and its line in the log.  Each of
 * these but the first two ends it and gives back what it holds.
 */
#ifndef OUTCOME_H
#define OUTCOME_H

#include "viewer/question.h"

/* Counts what was appended to the output since it had `before' bytes. */
void outcome_count(struct question *, size_t before);

/* Text of the answer is going out: when it first did is in the log. */
void outcome_text(struct question *);

/* The terminal frame has been written: a word for the log, and the code. */
void outcome(struct question *, const char *word, enum failure_code);

/* With an `error' frame. */
void outcome_error(struct question *, const struct failure *);
void outcome_code(struct question *, enum failure_code);

/* The same, and why in the log: what failed and its words. */
void outcome_system(struct question *, enum failure_code, const char *what,
    const char *why);
void outcome_store(struct question *, enum failure_code);

/* With the saved answer of a session, whole: its frame is what the output has
 * behind the first `before' bytes. */
void outcome_cached(struct question *, int64_t session, size_t before);

/* Ends it: RUN_DIR is another database's.  The exit code is a setting's. */
void outcome_foreign(struct question *);

#endif
