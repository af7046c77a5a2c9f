/*
 * How a question ends.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "frame/frame.h"
#include "viewer/outcome.h"

void
outcome(struct question *q, const char *word, enum failure_code code)
{
	int64_t	now = clock_us();
	char	user[128];

	/* First of all; if it cannot be written the owner will see. */
	(void)!output_write(q->out, now);
	if (!q->request.quiet)
		log_line(LOG_LEVEL_INFO, "id=%s remote=%s user=\"%s\" ticket=%"
	    PRId64 " session=%" PRId64 " outcome=%s code=%s bytes=%zu"
	    " tokens=%" PRId64 " first_ms=%" PRId64 " total_ms=%" PRId64,
	    q->connection->id, q->connection->remote,
	    log_value(user, sizeof(user), admission_user(q->admission)),
	    q->connection->ticket, q->session, word, code == FAILURE_NONE ?
	    "-" : failure_name(code), q->bytes, q->tokens,
	    q->first == 0 ? 0 : (q->first - q->started) / 1000,
	    (now - q->started) / 1000);
	if ((int)failure_exit(code) > q->exit_code)
		q->exit_code = (int)failure_exit(code);
	question_free(q);
}

void
outcome_count(struct question *q, size_t before)
{
	q->bytes += q->out->data.len - before;
}

void
outcome_text(struct question *q)
{
	if (q->first == 0)
		q->first = clock_us();
}

void
outcome_error(struct question *q, const struct failure *f)
{
	size_t	before = q->out->data.len;

	if (frame_error(&q->out->data, f, q->request.language) == -1)
		log_line(LOG_LEVEL_ERROR, "error=\"no memory\"");
	outcome_count(q, before);
	outcome(q, "error", f->code);
}

void
outcome_code(struct question *q, enum failure_code code)
{
	struct failure	f = failure_make(code, NULL);

	outcome_error(q, &f);
}

void
outcome_system(struct question *q, enum failure_code code, const char *what,
    const char *why)
{
	char	text[512];

	/* The outcome closes the store, whose words these may be. */
	(void)log_value(text, sizeof(text), why);
	outcome_code(q, code);
	log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64
	    " call=%s error=\"%s\"", q->connection->id, q->connection->ticket,
	    what, text);
}

void
outcome_foreign(struct question *q)
{
	const int	before = q->exit_code;

	outcome_code(q, FAILURE_INTERNAL);
	q->exit_code = before > EXIT_SETTINGS ? before : EXIT_SETTINGS;
}

void
outcome_store(struct question *q, enum failure_code code)
{
	outcome_system(q, code, "store", store_error(q->store));
}

void
outcome_cached(struct question *q, int64_t session, size_t before)
{
	q->session = session;
	if (frame_done(&q->out->data, false, 0) == -1) {
		outcome_code(q, FAILURE_INTERNAL);
		return;
	}
	outcome_count(q, before);
	outcome_text(q);
	outcome(q, "cached", FAILURE_NONE);
}
