/*
 * What was noticed about a model while it answered, for `sessions doctor':
 * behind the records of lib/health in RUN_DIR/health, a line for each of it and
 * day, as "2026-11-29 thoughts NAME".  Losing it costs nothing but a warning.
 */
#ifndef NOTICE_H
#define NOTICE_H

#include <stdbool.h>

enum notice {
	NOTICE_THOUGHTS,	/* it ended thoughts that it had not begun */
	NOTICE_MARKS,		/* it wrote the fence or its template's marks */
	NOTICE__MAX
};

/* Notes something of a model, once a day. */
void notice_add(const char *run_dir, enum notice, const char *model);

/* Tells what was noticed in the last NOTICE_DAYS days, each of a model once,
 * with the day when it was last seen. */
void notice_each(const char *run_dir, void (*tell)(void *, enum notice,
    const char *day, const char *model), void *);

#endif
