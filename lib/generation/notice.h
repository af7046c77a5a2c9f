/*
 * What was noticed about a model while it answered, for `sessions doctor'.
 * Each notice is a line per day, such as "2026-11-29 thoughts NAME", in
 * RUN_DIR/health behind the records of health.c.  If the file is lost, only a
 * warning is lost.
 */
#ifndef NOTICE_H
#define NOTICE_H

#include <stdbool.h>

enum notice {
	NOTICE_THOUGHTS,	/* the model ended thoughts that it had not
				   begun */
	NOTICE_MARKS,		/* the model wrote the prompt's fence or its
				   template's marks */
	NOTICE__MAX
};

/* Notes something about a model, once a day. */
void notice_add(const char *run_dir, enum notice, const char *model);

/* Calls `report' for every notice of the last NOTICE_DAYS days, once for each
   model, with the day when it was last noticed (ISO 8601). */
void notice_each(const char *run_dir, void (*report)(void *, enum notice,
    const char *day, const char *model), void *);

#endif
