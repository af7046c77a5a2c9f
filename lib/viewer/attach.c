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

/*
 * Notes the hash of the text, while there is a database, so that it can be
 * compared with the one that is answered.  Without it nothing is compared.
 */
static void
hash_text(struct question *q)
{
	const struct buf	*body = &q->request.body;

	if (q->text_hash[0] == '\0' && question_open_store(q) ==
	    FAILURE_NONE && store_text_hash(q->store, body->data, body->len,
	    q->text_hash) != FAILURE_NONE)
		q->text_hash[0] = '\0';
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
		hash_text(q);
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

/*
 * Whether a generation may be started: the ticket is there where it must be,
 * and the user has one left.  It is charged once for a question, however often
 * its generation must be started.
 */
static bool
may_start(struct question *q)
{
	struct failure	f;
	bool		there = true;

	if (q->settings->number[SETTING_TICKETS] == TICKETS_EXISTING &&
	    store_has_ticket(q->store, q->connection->ticket, &there) ==
	    FAILURE_NONE && !there) {
		unknown_ticket(q);
		return false;
	}
	if (q->charged)
		return true;
	q->charged = true;
	f = admission_charge(q->admission);
	if (f.code != FAILURE_NONE)
		outcome_error(q, &f);
	return f.code == FAILURE_NONE;
}

/*
 * Whose turn a generation takes: the user's hash, so that neither the queue's
 * locks nor anything else shows a name.  Without it, "", it takes nobody's.
 */
static void
hash_user(struct question *q, char hash[TEXT_HASH + 1])
{
	char	who[ADMISSION_WHO];

	admission_who(q->admission, who);
	if (who[0] == '\0' || store_text_hash(q->store, who, strlen(who),
	    hash) != FAILURE_NONE)
		hash[0] = '\0';
}

/* Under the claim, when nobody generates and no answer is kept. */
static void
start(struct question *q)
{
	const struct settings	*s = q->settings;
	const struct request	*r = &q->request;
	const int64_t		 ticket = q->connection->ticket;
	char			 user[TEXT_HASH + 1];
	enum failure_code	 rc;
	int64_t			 session = 0;
	int			 fd;

	if (!may_start(q))
		return;
	/* Where several machines share the database, answer does that. */
	rc = !store_is_file() ? FAILURE_NONE : store_get_or_create(q->store,
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
		hash_user(q, user);	/* connected we have no store */
		/* In its backlog first: it may be over before we come. */
		(void)connect_to(q);
		if (q->state == QUESTION_FOLLOWING && generation_start(s,
		    ticket, session, q->newest, fd, r->body.data,
		    r->body.len, q->text_hash, user, q->run_dir) == -1) {
			outcome_system(q, FAILURE_INTERNAL, "answer",
			    strerror(errno));
			generation_sweep(s->text[SETTING_RUN_DIR], ticket);
		}
		/* Our copy would make a dead generator seem to listen. */
		(void)close(fd);
	}
}

/* One try to attach. */
static void
try(struct question *q)
{
	int	claim;

	if (!connect_to(q) || q->state != QUESTION_ATTACHING)
		return;
	if (generation_prepare(q->settings->text[SETTING_RUN_DIR]) == -1) {
		outcome_system(q, FAILURE_INTERNAL, "run_dir", strerror(errno));
		return;
	}
	claim = generation_claim(q->settings->text[SETTING_RUN_DIR],
	    q->connection->ticket);
	if (claim == -1) {
		if (errno != 0)
			outcome_system(q, FAILURE_INTERNAL, "claim",
			    strerror(errno));
		return;
	}
	/* Somebody may have come, or gone, before the claim was ours. */
	if (connect_to(q) && q->state == QUESTION_ATTACHING &&
	    !question_serve(q))
		start(q);
	(void)close(claim);
}

void
attach_step(struct question *q, int64_t now)
{
	try(q);
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
share(struct question *q)
{
	const bool	shell = !q->connection->websocketd;
	char		why[1024], text[1024];

	if (q->run_dir != -1)
		return true;
	if (generation_prepare(q->settings->text[SETTING_RUN_DIR]) == -1) {
		outcome_system(q, FAILURE_INTERNAL, "run_dir", strerror(errno));
		return false;
	}
	q->run_dir = identity_share(q->settings, q->store, shell ?
	    IDENTITY_WAIT : 0, shell, why, sizeof(why));
	if (q->run_dir != -1)
		return true;
	log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64 " error=\"%s\"",
	    q->connection->id, q->connection->ticket, log_value(text,
	    sizeof(text), why));
	outcome_foreign(q);
	return false;
}

void
attach_begin(struct question *q, int64_t now)
{
	if (!share(q))
		return;
	q->pause = ATTACH_PAUSE_US_MIN;
	q->deadline = now + ATTACH_TIMEOUT * INT64_C(1000);
	attach_step(q, now);
}
