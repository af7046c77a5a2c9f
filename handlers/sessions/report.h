/*
 * `sessions report': what is counted, and the page that shows it.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/language.h"

/* Bars in a chart over time; more days share one. */
enum { REPORT_BARS = 62 };

/* What one bar is about: a day, or some. */
struct report_span {
	char	first[CLOCK_DATE];	/* a day, UTC */
	int64_t	answers;		/* of the model, about the ticket */
	int64_t	questions;		/* of the model, to questions */
	int64_t	written;		/* by people */
	int64_t	good, bad;
	int64_t	prompt_tokens, answer_tokens, model_ms;
	int64_t	waits;			/* answers whose wait is known */
	int64_t	wait_half, wait_most;	/* ms: half of them, and 95 %, waited
					   no longer */
};

/* What belongs to a name: a model, a prompt, an author, a note. */
struct report_name {
	char	*name, *title;		/* owned */
	int64_t	 answers, good, bad;
	int64_t	 given, cited;		/* of a note */
	bool	 known;			/* it is still learnt */
};

/* Names, sorted by bytes. */
struct report_names {
	struct report_name	*name;
	size_t			 count, size;
	int64_t			 others;	/* rows whose names did not
						   fit */
};

/* A ticket that no note fitted. */
struct report_ticket {
	char	*ticket, *day, *words;	/* owned */
};

struct report_figures {
	enum language		 language;
	int64_t			 days, days_a_bar;
	char			 begins[CLOCK_DATE];	/* the first day that
							   counts */
	char			 last[CLOCK_DATE];	/* today */
	struct report_span	 all, bar[REPORT_BARS];
	size_t			 bars;
	struct report_names	 models, prompts, authors, reasons, notes;
	bool			 knowledge;	/* there may be notes */
	int64_t			 documents, uncited;	/* notes that are
							   learnt, and those
							   never cited */
	struct report_ticket	*unfitted;
	size_t			 unfitted_count;
	int64_t			 unfitted_all;
};

/* Writes the page to standard output. */
void report_page(const struct report_figures *);

#endif
