/*
 * Attaching to the generation of a ticket, or starting it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "generation/generation.h"
#include "store/identity.h"
#include "viewer/attach.h"
#include "viewer/follow.h"
#include "viewer/outcome.h"

static void
let_claim_go(struct question *q)
{
	if (q->claim != -1)
		(void)close(q->claim);
	q->claim = -1;
}

/* Tries to connect; tells whether nobody is generating. */
static bool
connect_to(struct question *q)
{
	int	fd;

	switch (generation_connect(q->settings->text[SETTING_RUN_DIR],
	    q->connection->ticket, &fd)) {
	case GENERATION_NONE:
		return true;
	case GENERATION_RUNNING:
		follow_begin(q, fd);
		return false;
	case GENERATION_BUSY:
		return false;
	case GENERATION_ERROR:
	default:
		outcome_system(q, FAILURE_INTERNAL, "connect", strerror(errno));
		return false;
	}
}

static void
unknown_ticket(struct question *q)
{
	struct failure	f;
	char		name[24];

	(void)snprintf(name, sizeof(name), "%" PRId64, q->connection->ticket);
	f = failure_make(FAILURE_UNKNOWN_TICKET, name);
	outcome_error(q, &f);
}

void
attach_start(struct question *q, const char *user_hash)
{
	const struct settings	*s = q->settings;
	const struct request	*r = &q->request;
	const int64_t		 ticket = q->connection->ticket;
	enum failure_code	 rc;
	int64_t			 session = 0;
	int			 fd;

	/* Where several machines share the database, answer does that. */
	rc = q->remote ? FAILURE_NONE : store_get_or_create(q->store,
	    ticket, s->number[SETTING_TICKETS] == TICKETS_EXISTING, q->newest,
	    &session);
	if (rc == FAILURE_UNKNOWN_TICKET) {
		unknown_ticket(q);	/* deleted since we looked */
	} else if (rc != FAILURE_NONE) {
		outcome_store(q, rc);
	} else if ((fd = generation_listen(s->text[SETTING_RUN_DIR],
	    ticket)) == -1) {
		outcome_system(q, FAILURE_INTERNAL, "listen", strerror(errno));
	} else {
		/* In its backlog first: it may be over before we come. */
		(void)connect_to(q);
		if (q->state == QUESTION_FOLLOWING && generation_start(s,
		    ticket, session, q->newest, fd, r->body.data,
		    r->body.len, q->text_hash, user_hash, q->run_dir) == -1) {
			outcome_system(q, FAILURE_INTERNAL, "answer",
			    strerror(errno));
			generation_sweep(s->text[SETTING_RUN_DIR], ticket);
		}
		/* Our copy would make a dead generator seem to listen. */
		(void)close(fd);
	}
	let_claim_go(q);
}

/* One try to attach. */
static void
try(struct question *q, int64_t now)
{
	if (!connect_to(q) || q->state != QUESTION_ATTACHING)
		return;
	if (generation_prepare(q->settings->text[SETTING_RUN_DIR]) == -1) {
		outcome_system(q, FAILURE_INTERNAL, "run_dir", strerror(errno));
		return;
	}
	q->claim = generation_claim(q->settings->text[SETTING_RUN_DIR],
	    q->connection->ticket);
	if (q->claim == -1) {
		if (errno != 0)
			outcome_system(q, FAILURE_INTERNAL, "claim",
			    strerror(errno));
		return;
	}
	/* Somebody may have come, or gone, before the claim was ours. */
	if (connect_to(q) && q->state == QUESTION_ATTACHING)
		question_ask(q, QUERY_BEGIN, now);
	else
		let_claim_go(q);
}

void
attach_step(struct question *q, int64_t now)
{
	try(q, now);
	if (q->state != QUESTION_ATTACHING)
		return;
	if (now >= q->deadline) {
		outcome_system(q, FAILURE_INTERNAL, "attach",
		    "nobody starts the generation");
		return;
	}
	q->next = clock_us() + q->pause;
	q->pause = q->pause * 2 < ATTACH_PAUSE_US_MAX ? q->pause * 2 :
	    ATTACH_PAUSE_US_MAX;
}

/*
 * Shares RUN_DIR, which must be this database's.  At a shell a service that
 * ends, or starts anew, is waited for, and what is wrong is a wrong setting.
 */
static bool
share(struct question *q, const char *id)
{
	const bool	shell = !q->connection->websocketd;
	char		why[1024], text[1024];

	if (q->run_dir != -1)
		return true;
	if (generation_prepare(q->settings->text[SETTING_RUN_DIR]) == -1) {
		outcome_system(q, FAILURE_INTERNAL, "run_dir", strerror(errno));
		return false;
	}
	q->run_dir = identity_share(q->settings, id, shell ? q->store : NULL,
	    shell ? IDENTITY_WAIT : 0, why, sizeof(why));
	if (q->run_dir != -1)
		return true;
	log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64 " error=\"%s\"",
	    q->connection->id, q->connection->ticket, log_value(text,
	    sizeof(text), why));
	outcome_foreign(q);
	return false;
}

void
attach_begin(struct question *q, const struct verdict *v, int64_t now)
{
	memcpy(q->text_hash, v->text_hash, sizeof(q->text_hash));
	if (!share(q, v->identity))
		return;
	q->pause = ATTACH_PAUSE_US_MIN;
	q->deadline = now + ATTACH_TIMEOUT * INT64_C(1000);
	attach_step(q, now);
}
