/*
 * What both stores do in the same way: reports, single numbers, texts, counts.
 */
#include <stdlib.h>
#include <string.h>

#include "store/maintain.h"
#include "store/statement.h"

/* The statement of each report, and its third argument if it has one. */
static const struct {
	enum statement	statement;
	int		by;
} reports[STORE_REPORT__MAX] = {
	[STORE_EXPORT] = { STATEMENT_EXPORT, 0 },
	[STORE_EXPORT_RATINGS] = { STATEMENT_EXPORT_RATINGS, 0 },
	[STORE_LIST] = { STATEMENT_LIST, 0 },
	[STORE_SHOW] = { STATEMENT_SHOW, 0 },
	[STORE_HISTORY] = { STATEMENT_HISTORY, 0 },
	[STORE_STATS] = { STATEMENT_STATS, 0 },
	[STORE_STATS_BY_DAY] = { STATEMENT_STATS, 1 },
	[STORE_STATS_BY_MODEL] = { STATEMENT_STATS, 2 },
	[STORE_ASKS] = { STATEMENT_ASKS, 0 },
	[STORE_METRICS] = { STATEMENT_METRICS, 0 },
	[STORE_HEAD] = { STATEMENT_HEAD, 0 },
	[STORE_AGES] = { STATEMENT_AGES, 0 },
};

enum failure_code
store_report(struct store *s, enum store_report which, int64_t arg,
    int64_t rows, store_row *row, void *ctx)
{
	enum failure_code	rc;

	if ((rc = store_report_ready(s)) != FAILURE_NONE)
		return rc;
	return store_rows(s, reports[which].statement, row, ctx,
	    ARGS(ARG_INT(arg), ARG_INT(rows), ARG_INT(reports[which].by)));
}

int64_t
store_cell_number(const struct cell *c)
{
	return c->text == NULL ? 0 : strtoll(c->text, NULL, 10);
}

const char *
store_user(const char *who)
{
	static const char	prefix[] = STORE_USER;

	return strncmp(who, prefix, sizeof(prefix) - 1) == 0 ?
	    who + sizeof(prefix) - 1 : NULL;
}

enum failure_code
store_is(struct store *s, enum statement which, int64_t ticket, bool *yes)
{
	enum failure_code	rc;
	int64_t			n = 0;

	rc = store_run(s, which, &n, ARGS(ARG_INT(ticket)));
	*yes = rc == FAILURE_NONE && n > 0;
	return rc;
}

enum failure_code
store_has_ticket(struct store *s, int64_t ticket, bool *there)
{
	return store_is(s, STATEMENT_TICKET_EXISTS, ticket, there);
}

enum failure_code
store_newest(struct store *s, int64_t ticket, int64_t *id)
{
	return store_run(s, STATEMENT_NEWEST_ANSWER, id,
	    ARGS(ARG_INT(ticket)));
}

/* The callback for each text. */
struct text_listener {
	void	(*text)(void *, int64_t, const char *, size_t);
	void	*context;
};

static bool
common_texts(void *context, const struct cell *c, int cells)
{
	const struct text_listener	*l = context;
	int				 i;

	for (i = 1; i < cells; i++) {
		if (c[i].text != NULL)
			l->text(l->context, store_cell_number(&c[0]),
			    c[i].text, c[i].len);
	}
	return true;
}

enum failure_code
store_texts(struct store *s, int64_t ticket, void (*text)(void *, int64_t,
    const char *, size_t), void *context)
{
	struct text_listener	l = { text, context };
	enum failure_code	rc;

	rc = ticket == 0 ?
	    store_rows(s, STATEMENT_TEXTS, common_texts, &l, NO_ARGS) :
	    store_rows(s, STATEMENT_TEXTS_OF_TICKET, common_texts, &l,
	    ARGS(ARG_INT(ticket)));
	return rc != FAILURE_NONE || !store_has_ratings(s) ? rc :
	    store_rows(s, STATEMENT_TEXTS_OF_RATINGS, common_texts, &l,
	    ARGS(ARG_INT(ticket)));
}

/* The callback for each fault. */
struct fault_listener {
	void	(*found)(void *, const char *);
	void	*context;
};

static bool
common_fault(void *context, const struct cell *c, int cells)
{
	const struct fault_listener	*l = context;

	(void)cells;
	if (c[0].text != NULL && strcmp(c[0].text, "ok") != 0)
		l->found(l->context, c[0].text);
	return true;
}

enum failure_code
store_faults(struct store *s, enum statement which, void (*found)(void *,
    const char *), void *context)
{
	struct fault_listener	l = { found, context };

	return store_rows(s, which, common_fault, &l, NO_ARGS);
}

static bool
common_census(void *context, const struct cell *c, int cells)
{
	struct census	*census = context;

	(void)cells;
	census->tickets = store_cell_number(&c[0]);
	census->sessions = store_cell_number(&c[1]);
	census->unanswered = store_cell_number(&c[2]);
	return true;
}

enum failure_code
store_census(struct store *s, struct census *c)
{
	return store_rows(s, STATEMENT_CENSUS, common_census, c, NO_ARGS);
}

void
session_free(struct session *s)
{
	free(s->prompt);
	free(s->response);
	memset(s, 0, sizeof(*s));
}
