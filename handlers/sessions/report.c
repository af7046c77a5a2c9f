/*
 * `sessions report': counts what the database knows about the last days.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "program.h"
#include "sessions/command.h"
#include "sessions/report.h"
#include "store/knowledge.h"

enum {
	DAYS_MAX = 3660,
	NAMES_MAX = 20000,	/* different notes; far more than models */
	NAME_MAX_BYTES = 200,
	UNFITTED_MAX = 50	/* tickets that are listed */
};

/*
 * Waits are counted in steps, so that a million of them need no more memory
 * than a few.  The page rounds at multiples of a step, so that its figures are
 * those of the waits themselves; only above an hour they are up to 100 s less.
 */
enum {
	WAIT_MS = 10000,	/* ms: up to here each one is a step */
	WAIT_TENTHS = 100000,	/* up to here the page shows tenths */
	WAIT_HOUR = 3600000,
	WAIT_MOST = 1000000000,	/* as the store has it */
	WAIT_STEPS = WAIT_MS + (WAIT_TENTHS - WAIT_MS) / 10 +
	    (WAIT_HOUR - WAIT_TENTHS) / 500 +
	    (WAIT_MOST - WAIT_HOUR) / 100000 + 1
};

static const struct {
	int64_t	below, step;	/* ms */
} wait_steps[] = {
	{ WAIT_MS, 1 }, { WAIT_TENTHS, 10 }, { WAIT_HOUR, 500 },
	{ INT64_MAX, 100000 }
};

struct report_reader {
	struct report_figures	*f;
	/* How many waits are of each step: in a bar, and in all of them. */
	uint32_t		 wait[REPORT_BARS][WAIT_STEPS],
				 waits[WAIT_STEPS];
};

static void *
report_grow(void *old, size_t *size, size_t count, size_t one)
{
	void	*p = old;

	if (count < *size)
		return old;
	*size = *size == 0 ? 64 : *size * 2;
	if ((p = reallocarray(old, *size, one)) == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	return p;
}

/* A copy of the beginning of a text. */
static char *
report_copy(const char *text, size_t most)
{
	char	*copy = strndup(text, utf8_cut(text, strlen(text), most));

	if (copy == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	return copy;
}

/* Finds a name, or adds it; NULL: there are too many. */
static struct report_name *
report_find(struct report_names *n, const char *name, const char *title)
{
	size_t			 low = 0, high = n->count, middle;
	struct report_name	*r;
	char			 cut[NAME_MAX_BYTES + 1];
	int			 order;

	(void)snprintf(cut, sizeof(cut), "%.*s", (int)utf8_cut(name,
	    strlen(name), NAME_MAX_BYTES), name);
	while (low < high) {
		middle = (low + high) / 2;
		order = strcmp(cut, n->name[middle].name);
		if (order == 0)
			return &n->name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	if (n->count == NAMES_MAX) {
		n->others++;
		return NULL;
	}
	n->name = report_grow(n->name, &n->size, n->count, sizeof(*n->name));
	r = &n->name[low];
	memmove(r + 1, r, (n->count++ - low) * sizeof(*r));
	memset(r, 0, sizeof(*r));
	r->name = report_copy(cut, NAME_MAX_BYTES);
	r->title = report_copy(title, NAME_MAX_BYTES);
	return r;
}

static const char *
report_text(const struct cell *c)
{
	return c->text == NULL ? "" : c->text;
}

/* The bar of a day: the last one that does not begin later. */
static size_t
report_bar(const struct report_reader *r, const char *day)
{
	size_t	i = r->f->bars;

	while (--i > 0 && strcmp(day, r->f->bar[i].first) < 0)
		;
	return i;
}

/* Counts an answer, or a rating of one, for whatever wrote it. */
static void
report_writer(struct report_figures *f, const struct cell *author,
    const struct cell *model, const struct cell *prompt, int64_t answers,
    int64_t good, int64_t bad)
{
	struct report_name	*n[2] = { NULL, NULL };
	int			 i;

	if (author->text != NULL) {
		n[0] = report_find(&f->authors, author->text, "");
	} else if (model->text != NULL) {
		n[0] = report_find(&f->models, model->text, "");
		n[1] = report_find(&f->prompts, report_text(prompt), "");
	}
	for (i = 0; i < 2; i++) {
		if (n[i] == NULL)
			continue;
		n[i]->answers += answers;
		n[i]->good += good;
		n[i]->bad += bad;
	}
}

/* The step of a wait. */
static size_t
report_step(int64_t ms)
{
	int64_t	from = 0, step = 0;
	size_t	i;

	ms = ms < 0 ? 0 : ms > WAIT_MOST ? WAIT_MOST : ms;
	for (i = 0; ms >= wait_steps[i].below; from = wait_steps[i++].below)
		step += (wait_steps[i].below - from) / wait_steps[i].step;
	return (size_t)(step + (ms - from) / wait_steps[i].step);
}

/* The shortest wait of a step. */
static int64_t
report_step_ms(int64_t step)
{
	int64_t	from = 0, steps;
	size_t	i;

	for (i = 0; ; from = wait_steps[i++].below) {
		steps = (wait_steps[i].below - from) / wait_steps[i].step;
		if (step < steps)
			return from + step * wait_steps[i].step;
		step -= steps;
	}
}

static void
report_wait(struct report_reader *r, size_t bar, int64_t ms)
{
	const size_t	step = report_step(ms);

	r->f->bar[bar].waits++;
	r->f->all.waits++;
	r->wait[bar][step]++;
	r->waits[step]++;
}

static void
report_count(struct report_span *s, const struct cell *c, bool written)
{
	if (written)
		s->written++;
	else if (store_cell_number(&c[1]) != 0)
		s->questions++;
	else
		s->answers++;
	s->model_ms += store_cell_number(&c[6]);
	s->prompt_tokens += store_cell_number(&c[7]);
	s->answer_tokens += store_cell_number(&c[8]);
}

/* A row of REPORT_ANSWERS: day, follows, author, model, prompt, wait_ms,
   total_ms, prompt_tokens, answer_tokens. */
static bool
report_answer(void *context, const struct cell *c, int cells)
{
	struct report_reader	*r = context;
	const bool		 written = c[2].text != NULL;
	size_t			 bar;

	if (cells < 9)
		return false;
	bar = report_bar(r, report_text(&c[0]));
	report_count(&r->f->all, c, written);
	report_count(&r->f->bar[bar], c, written);
	report_writer(r->f, &c[2], &c[3], &c[4], 1, 0, 0);
	if (c[5].text != NULL)
		report_wait(r, bar, store_cell_number(&c[5]));
	return true;
}

/* A row of REPORT_RATINGS: day, author, model, prompt, good, reason. */
static bool
report_rating(void *context, const struct cell *c, int cells)
{
	struct report_reader	*r = context;
	struct report_name	*n;
	int64_t			 good;

	if (cells < 6)
		return false;
	good = store_cell_number(&c[4]) != 0;
	r->f->all.good += good;
	r->f->all.bad += !good;
	report_writer(r->f, &c[1], &c[2], &c[3], 0, good, !good);
	if (!good && (n = report_find(&r->f->reasons, report_text(&c[5]),
	    "")) != NULL)
		n->bad++;
	return true;
}

static bool
report_source(void *context, const struct cell *c, int cells)
{
	struct report_reader	*r = context;
	struct report_name	*n;

	if (cells >= 3 && (n = report_find(&r->f->notes, report_text(&c[0]),
	    report_text(&c[1]))) != NULL) {
		n->given++;
		n->cited += store_cell_number(&c[2]) != 0;
	}
	return cells >= 3;
}

static bool
report_document(void *context, const struct cell *c, int cells)
{
	struct report_reader	*r = context;
	struct report_name	*n;

	if (cells < 2)
		return false;
	r->f->documents++;
	if ((n = report_find(&r->f->notes, report_text(&c[0]),
	    report_text(&c[1]))) != NULL) {
		/* Sources have the titles of passages. */
		free(n->title);
		n->title = report_copy(report_text(&c[1]), NAME_MAX_BYTES);
		n->known = true;
	}
	if (n == NULL || n->cited == 0)
		r->f->uncited++;
	return true;
}

static bool
report_unfitted(void *context, const struct cell *c, int cells)
{
	struct report_reader	*r = context;
	struct report_figures	*f = r->f;
	struct report_ticket	*t;

	if (cells < 3)
		return false;
	f->unfitted_all++;
	if (f->unfitted_count == UNFITTED_MAX)
		return true;
	t = &f->unfitted[f->unfitted_count++];
	t->ticket = report_copy(report_text(&c[0]), 20);
	t->day = report_copy(report_text(&c[1]), 10);
	t->words = report_copy(report_text(&c[2]), 400);
	return true;
}

/* The wait of the n-th viewer, who waited no shorter than those before. */
static int64_t
report_waited(const uint32_t waits[WAIT_STEPS], int64_t n)
{
	int64_t	step = 0;

	for (n -= waits[0]; n > 0 && step < WAIT_STEPS - 1; n -= waits[step])
		step++;
	return report_step_ms(step);
}

/* Sets the wait of half and of 95 % of the viewers. */
static void
report_half(struct report_span *s, const uint32_t waits[WAIT_STEPS])
{
	if (s->waits == 0)
		return;
	s->wait_half = report_waited(waits, (s->waits + 1) / 2);
	s->wait_most = report_waited(waits, (s->waits * 95 + 99) / 100);
}

static void
report_waits(struct report_reader *r)
{
	size_t	i;

	for (i = 0; i < r->f->bars; i++)
		report_half(&r->f->bar[i], r->wait[i]);
	report_half(&r->f->all, r->waits);
}

/* Makes the bars: the last one ends today. */
static void
report_make_bars(struct report_figures *f, int64_t days)
{
	const time_t		 today = time(NULL) / 86400 * 86400;
	time_t			 first;
	size_t			 i;

	f->days = days;
	f->days_a_bar = (days + REPORT_BARS - 1) / REPORT_BARS;
	f->bars = (size_t)((days + f->days_a_bar - 1) / f->days_a_bar);
	/* The first bar may begin before the first day that counts. */
	first = today - ((time_t)f->bars * f->days_a_bar - 1) * 86400;
	for (i = 0; i < f->bars; i++)
		(void)clock_day(first + (time_t)i * f->days_a_bar * 86400,
		    f->bar[i].first);
	(void)clock_day(today - (days - 1) * 86400, f->begins);
	(void)clock_day(today, f->last);
}

static void
report_read(struct report_reader *r, struct store *store)
{
	static const struct {
		store_row		*row;
		enum store_report	which;
		bool			knowledge;
	} parts[] = {
		{ report_answer, STORE_REPORT_ANSWERS, false },
		{ report_rating, STORE_REPORT_RATINGS, false },
		{ report_source, STORE_REPORT_SOURCES, true },
		{ report_document, STORE_REPORT_DOCUMENTS, true },
		{ report_unfitted, STORE_REPORT_UNFITTED, true },
	};
	size_t	i;

	command_need(store_knowledge_there(store, &r->f->knowledge), store);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].knowledge || r->f->knowledge)
			command_need(store_report(store, parts[i].which,
			    r->f->days, INT64_MAX, parts[i].row, r), store);
	}
	report_waits(r);
}

static void
report_free_names(struct report_names *n)
{
	size_t	i;

	for (i = 0; i < n->count; i++) {
		free(n->name[i].name);
		free(n->name[i].title);
	}
	free(n->name);
}

static void
report_free(struct report_figures *f)
{
	size_t	i;

	for (i = 0; i < f->unfitted_count; i++) {
		free(f->unfitted[i].ticket);
		free(f->unfitted[i].day);
		free(f->unfitted[i].words);
	}
	free(f->unfitted);
	report_free_names(&f->models);
	report_free_names(&f->prompts);
	report_free_names(&f->authors);
	report_free_names(&f->reasons);
	report_free_names(&f->notes);
}

/* The language of the page: of --lang, of LANGUAGE, or Portuguese. */
static enum language
report_language(const struct settings *s, const char *tag)
{
	enum language	language;

	if (tag != NULL) {
		if ((language = language_of(tag)) == LANGUAGE__MAX)
			program_fail(EXIT_USAGE, "report: --lang is pt-BR, en "
			    "or es");
		return language;
	}
	return s->number[SETTING_LANGUAGE] == LANGUAGE_FIXED_EN ? LANGUAGE_EN :
	    s->number[SETTING_LANGUAGE] == LANGUAGE_FIXED_ES ? LANGUAGE_ES :
	    LANGUAGE_PT;
}

int
command_report(const struct settings *s, int argc, char *argv[])
{
	int64_t				 days = 30;
	const char			*tag = NULL;
	const struct command_option	 options[] = {
		{ "days", NULL, &days, NULL },
		{ "lang", NULL, NULL, &tag },
		{ NULL, NULL, NULL, NULL },
	};
	static struct report_figures	 f;
	static struct report_reader	 r;
	struct store			*store;

	(void)command_options(argc, argv, options, 0, 0);
	if (days > DAYS_MAX)
		program_fail(EXIT_USAGE, "report: --days is at most %d",
		    DAYS_MAX);
	f.language = report_language(s, tag);
	if ((f.unfitted = calloc(UNFITTED_MAX, sizeof(*f.unfitted))) == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	report_make_bars(&f, days);
	r.f = &f;
	store = command_store(s);
	report_read(&r, store);
	store_close(store);
	report_page(&f);
	report_free(&f);
	command_flush();
	return EXIT_GOOD;
}
