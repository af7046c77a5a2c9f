/*
 * A connection to a PostgreSQL database: see pg.h.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limit.h"
#include "store/postgres/dial.h"
#include "store/postgres/pg.h"

enum { PROGRESS_TICK = 100 };	/* ms between two calls of the progress
				   callback */

#define DISK_FULL	"53100"		/* an SQLSTATE */

enum { PARTS_MAX = 16 };

/* Notes a reason on one line. */
static void
pg_note(struct store *s, const char *what, const char *why)
{
	char	*p;

	(void)snprintf(s->error, sizeof(s->error), "%s%s%s", what,
	    *what == '\0' ? "" : ": ", why);
	for (p = s->error; (p = strpbrk(p, "\n\t")) != NULL; )
		*p = p[1] == '\0' ? '\0' : ' ';
}

/* Notes the server's reason, or the connection's if `res' is NULL. */
static void
pg_note_result(struct store *s, const char *what, const PGresult *res)
{
	const char	*why = res == NULL ? NULL : PQresultErrorField(res,
			    PG_DIAG_MESSAGE_PRIMARY);
	const char	*state = res == NULL ? NULL : PQresultErrorField(res,
			    PG_DIAG_SQLSTATE);

	(void)snprintf(s->state, sizeof(s->state), "%s", state == NULL ? "" :
	    state);
	if (strcmp(s->state, DISK_FULL) == 0)
		what = "the database server's disk is full; nothing is changed";
	pg_note(s, what, why != NULL ? why : s->db == NULL ? "no memory" :
	    PQerrorMessage(s->db));
}

enum failure_code
pg_fail(struct store *s, const char *what, PGresult *res)
{
	pg_note_result(s, what, res);
	PQclear(res);
	return FAILURE_STORAGE;
}

enum failure_code
pg_refuse(struct store *s, enum failure_code code, const char *format, ...)
{
	va_list	ap;

	va_start(ap, format);
	(void)vsnprintf(s->error, sizeof(s->error), format, ap);
	va_end(ap);
	return code;
}

struct store *
pg_make(const char *uri)
{
	struct store	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->patience = STORE_TIMEOUT;
	s->part = -1;
	if ((s->uri = strdup(uri)) == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

/* Handles notices, which libpq would print on stderr.  A warning at COMMIT may
   mean that no standby has confirmed it. */
static void
pg_notice(void *context, const PGresult *res)
{
	struct store	*s = context;
	const char	*severity = PQresultErrorField(res,
			    PG_DIAG_SEVERITY_NONLOCALIZED);

	s->warned |= severity != NULL && strcmp(severity, "WARNING") == 0;
}

/*
 * Whether the server still responds, asked over another connection.  An error
 * is a response, too; a response from a different server is not.
 */
static bool
pg_is_there(const struct store *s)
{
	struct store	*other;
	int		 version;
	bool		 there = true;

	if ((other = pg_make(s->uri)) == NULL)
		return true;
	if (pg_connect(other, &version) != FAILURE_NONE)
		there = !other->silent;
	else if (version >= 0 && s->version >= 0)
		there = other->server.system == s->server.system &&
		    other->server.timeline == s->server.timeline &&
		    other->server.started == s->server.started;
	store_close(other);
	return there;
}

/* For a statement without a time limit: checks now and then whether its server
   responds.  Returns until when to wait; 0: the server is gone. */
static int64_t
pg_check_server(struct store *s, int64_t now)
{
	const int64_t	pause = CALL_LOOK * INT64_C(1000);

	if (now < s->heard + pause)
		return s->heard + pause;
	s->unheard = pg_is_there(s) ? 0 : s->unheard + 1;
	s->heard = clock_us();
	return s->unheard < CALL_LOOKS ? s->heard + pause : 0;
}

/* Waits for an event, until `until' at most.  Returns false with the reason
   noted if the time is over. */
static bool
pg_wait_event(struct store *s, int64_t until)
{
	const bool	look = s->patience == -1 && s->dial == NULL;
	struct pollfd	p;
	int64_t		now = clock_us(), due = pg_wait(s, &p);
	int		rc;

	if (look && (due = pg_check_server(s, now)) == 0)
		until = now;
	if (now >= until) {
		pg_note(s, "", "the database does not answer");
		s->broken = true;
		return false;
	}
	due = due < until ? due : until;
	/* Call the progress callback now and then. */
	if (s->progress != NULL && due > now + PROGRESS_TICK * INT64_C(1000))
		due = now + PROGRESS_TICK * INT64_C(1000);
	rc = poll(&p, 1, clock_poll(clock_us(), due));
	if (rc > 0) {
		s->heard = clock_us();
		s->unheard = 0;
	} else if (rc == 0 && s->progress != NULL) {
		s->progress(s->progress_context, s->progress_what, 0, 0);
	}
	return true;
}

/*
 * Waits for data from the server.  Returns false with the reason noted if the
 * connection is lost or the time is over.
 */
static bool
pg_wait_for(struct store *s, int64_t until)
{
	if (!pg_wait_event(s, until))
		return false;
	if (PQflush(s->db) != -1 && PQconsumeInput(s->db) == 1)
		return true;
	pg_note(s, "", PQerrorMessage(s->db));
	s->broken = true;
	return false;
}

/* The deadline of a statement that begins now; CLOCK_NEVER if it may run as
   long as its server responds. */
static int64_t
pg_deadline(struct store *s, int64_t ms)
{
	s->heard = clock_us();
	s->unheard = 0;
	return s->patience == -1 ? CLOCK_NEVER : s->heard + ms * 1000;
}

enum failure_code
pg_flush(struct store *s)
{
	const int64_t	until = pg_deadline(s, s->patience);
	int		rc;

	while ((rc = PQflush(s->db)) == 1) {
		if (!pg_wait_for(s, until))
			return FAILURE_STORAGE;
	}
	return rc == 0 ? FAILURE_NONE : pg_fail(s, "", NULL);
}

PGresult *
pg_next(struct store *s)
{
	const int64_t	 until = pg_deadline(s, s->patience);
	PGresult	*res, *last = NULL;

	for (;;) {
		while (PQisBusy(s->db) == 1) {
			if (!pg_wait_for(s, until)) {
				PQclear(last);
				return NULL;
			}
		}
		if ((res = PQgetResult(s->db)) == NULL)
			return last;
		/* Return the first error. */
		if (last != NULL && PQresultStatus(last) ==
		    PGRES_FATAL_ERROR) {
			PQclear(res);
			continue;
		}
		PQclear(last);
		last = res;
		if (PQresultStatus(res) == PGRES_COPY_IN ||
		    PQresultStatus(res) == PGRES_SINGLE_TUPLE)
			return last;
	}
}

/* Whether a result is not an error. */
static bool
pg_is_good(const PGresult *res)
{
	switch ((int)PQresultStatus(res)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_COPY_IN:
		return true;
	default:
		return false;
	}
}

void
pg_drop(struct store *s)
{
	dial_free(s->dial);
	PQclear(s->result);
	PQfinish(s->db);
	s->dial = NULL;
	s->result = NULL;
	s->db = NULL;
	s->broken = s->inside = s->copying = false;
	s->part = -1;
}

enum failure_code
pg_start(struct store *s)
{
	pg_drop(s);
	s->state[0] = '\0';
	if ((s->dial = dial_start(s->uri)) != NULL)
		return FAILURE_NONE;
	pg_note(s, "", "no memory");
	return FAILURE_STORAGE;
}

/* Continues connecting. */
static enum pg_progress
pg_step_dial(struct store *s)
{
	enum pg_progress	rc;

	if ((rc = dial_step(s->dial, clock_us())) == PG_MORE)
		return rc;
	if (rc == PG_DONE) {
		s->db = dial_result(s->dial, &s->version, &s->server);
		(void)PQsetNoticeReceiver(s->db, pg_notice, s);
	} else {
		s->silent = dial_silent(s->dial);
		pg_note(s, "", dial_error(s->dial));
	}
	dial_free(s->dial);
	s->dial = NULL;
	return rc;
}

int64_t
pg_wait(const struct store *s, struct pollfd *p)
{
	if (s->dial != NULL)
		return dial_wait(s->dial, p);
	*p = (struct pollfd){ .fd = s->db == NULL ? -1 : PQsocket(s->db),
	    .events = POLLIN };
	if (s->db != NULL && PQflush(s->db) == 1)
		p->events |= POLLOUT;
	return CLOCK_NEVER;
}

/* Waits for the end of pg_start or pg_call, until `until' at most. */
static enum pg_progress
pg_wait_out(struct store *s, int64_t until)
{
	enum pg_progress	rc;

	while ((rc = pg_step(s)) == PG_MORE) {
		if (!pg_wait_event(s, until))
			return PG_FAILED;
	}
	return rc;
}

enum failure_code
pg_connect(struct store *s, int *version)
{
	*version = -1;
	if (pg_start(s) != FAILURE_NONE ||
	    pg_wait_out(s, CLOCK_NEVER) == PG_FAILED)
		return FAILURE_STORAGE;
	*version = s->version;
	return FAILURE_NONE;
}

void
pg_survey(struct store *s, void (*each)(void *, const struct store_host *),
    void *context)
{
	if (pg_start(s) != FAILURE_NONE)
		return;
	dial_survey(s->dial, each, context);
	(void)pg_wait_out(s, CLOCK_NEVER);
}

enum failure_code
pg_call(struct store *s, enum statement which, const struct pg_args *a)
{
	const bool	patient = s->patience == -1;
	struct pg_args	limits = { .count = 0 };

	PQclear(s->result);
	s->result = NULL;
	s->state[0] = '\0';
	s->wrong = s->warned = false;
	s->part = 0;
	pg_int(&limits, patient ? 0 : CALL_STATEMENT);
	pg_int(&limits, patient ? STORE_TIMEOUT : CALL_LOCK);
	if (s->db != NULL && PQenterPipelineMode(s->db) == 1 &&
	    pg_put(s->db, STATEMENT_BEGIN, NULL) &&
	    pg_put(s->db, STATEMENT_LIMITS, &limits) &&
	    pg_put(s->db, which, a) && pg_put(s->db, STATEMENT_COMMIT, NULL) &&
	    PQpipelineSync(s->db) == 1)
		return FAILURE_NONE;
	s->broken = true;
	return pg_fail(s, "", NULL);
}

/* Notes the first error of a call. */
static void
pg_part_failed(struct store *s, const PGresult *res)
{
	if (s->wrong)
		return;
	s->wrong = true;
	pg_note_result(s, "", res);
}

/* The last result has arrived: returns how the call ended. */
static enum pg_progress
pg_end_call(struct store *s)
{
	while (PQgetResult(s->db) != NULL)
		;
	s->part = -1;
	/* Roll back a failed transaction before the next statement. */
	if (PQtransactionStatus(s->db) != PQTRANS_IDLE) {
		s->wrong = true;
		if (!pg_put(s->db, STATEMENT_ROLLBACK, NULL) ||
		    PQpipelineSync(s->db) != 1) {
			s->broken = true;
			return PG_FAILED;
		}
		s->part = 3;
		return PG_MORE;
	}
	if (PQexitPipelineMode(s->db) != 1)
		s->broken = true;
	return s->wrong || s->broken ? PG_FAILED : PG_DONE;
}

/* Handles a result of the call.  Returns PG_MORE if more results follow. */
static enum pg_progress
pg_read_part(struct store *s, PGresult *res)
{
	enum pg_progress	rc = PG_MORE;

	switch ((int)PQresultStatus(res)) {
	case PGRES_PIPELINE_SYNC:
		rc = pg_end_call(s);
		break;
	case PGRES_FATAL_ERROR:
		pg_part_failed(s, res);
		break;
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
		if (s->part == 2) {
			PQclear(s->result);
			s->result = res;
			return rc;
		}
		/* If the transaction failed, COMMIT reports ROLLBACK. */
		if (s->part == 3 && !s->wrong &&
		    strcmp(PQcmdStatus(res), "COMMIT") != 0)
			s->wrong = true;
		break;
	default:
		break;
	}
	PQclear(res);
	return rc;
}

enum pg_progress
pg_step(struct store *s)
{
	enum pg_progress	 rc;
	PGresult		*res;

	if (s->dial != NULL)
		return pg_step_dial(s);
	if (s->db == NULL || s->part == -1)
		return s->db == NULL ? PG_FAILED : PG_DONE;
	if (PQflush(s->db) == -1 || PQconsumeInput(s->db) != 1 ||
	    PQstatus(s->db) != CONNECTION_OK) {
		pg_note(s, "", PQerrorMessage(s->db));
		s->broken = true;
		return PG_FAILED;
	}
	while (PQisBusy(s->db) == 0) {
		if ((res = PQgetResult(s->db)) == NULL) {
			if (++s->part > PARTS_MAX)
				break;
			continue;
		}
		rc = pg_read_part(s, res);
		if (rc != PG_MORE)
			return rc;
	}
	if (PQstatus(s->db) == CONNECTION_OK && s->part <= PARTS_MAX)
		return PG_MORE;
	pg_note(s, "", PQerrorMessage(s->db));
	s->broken = true;
	return PG_FAILED;
}

bool
pg_passes(const struct store *s)
{
	static const char *const	pass[] = { "08", "40", "53", "55",
					    "57", NULL };
	int				i;

	/* No SQLSTATE: the connection failed.  A full disk does not empty
	   itself. */
	if (s->state[0] == '\0' || strcmp(s->state, PG_STANDBY) == 0)
		return true;
	for (i = 0; pass[i] != NULL; i++) {
		if (strncmp(s->state, pass[i], 2) == 0)
			return strcmp(s->state, DISK_FULL) != 0;
	}
	return false;
}

/* Runs a single statement and waits for its result. */
static enum failure_code
pg_fetch(struct store *s, enum statement which, const struct pg_args *a,
    PGresult **res)
{
	if (!pg_put(s->db, which, a))
		return pg_fail(s, "", NULL);
	if ((*res = pg_next(s)) == NULL)
		return FAILURE_STORAGE;
	return pg_is_good(*res) ? FAILURE_NONE : pg_fail(s, "", *res);
}

/* Tries once, in a transaction of its own or in the open one, for up to `ms'
   milliseconds. */
static enum failure_code
pg_try(struct store *s, enum statement which, const struct pg_args *a, int ms)
{
	PGresult		*res;
	enum failure_code	 rc;

	if (!s->inside)
		return pg_call(s, which, a) == FAILURE_NONE &&
		    pg_wait_out(s, pg_deadline(s, ms)) == PG_DONE ?
		    FAILURE_NONE : FAILURE_STORAGE;
	s->state[0] = '\0';
	if ((rc = pg_fetch(s, which, a, &res)) == FAILURE_NONE)
		s->result = res;
	return rc;
}

/* Whether a failed statement may be repeated: it was not sent, the server
   reported that nothing was done, or repeating is safe. */
static bool
pg_may_repeat(struct store *s, enum statement which, bool sent)
{
	char	why[sizeof(s->error)];

	if (s->inside || (sent && (s->patience == -1 || !pg_passes(s))))
		return false;
	if (!sent || store_again[which] || (s->state[0] != '\0' && !s->broken))
		return true;
	memcpy(why, s->error, sizeof(why));
	pg_note(s, "it is not known whether it was done", why);
	return false;
}

enum failure_code
pg_query(struct store *s, enum statement which, const struct pg_args *a,
    PGresult **res)
{
	const bool		sent = !s->broken && s->db != NULL;
	enum failure_code	rc;
	int			version;

	*res = NULL;
	/* The server may have hung since the last call; another may replace
	   it. */
	rc = sent ? pg_try(s, which, a, store_again[which] ? CALL_KEPT :
	    CALL_TIMEOUT) : FAILURE_STORAGE;
	if (rc != FAILURE_NONE && pg_may_repeat(s, which, sent) &&
	    (rc = pg_connect(s, &version)) == FAILURE_NONE)
		rc = pg_try(s, which, a, CALL_TIMEOUT);
	if (rc == FAILURE_NONE) {
		*res = s->result;
		s->result = NULL;
	}
	return rc;
}

enum failure_code
pg_alone(struct store *s, enum statement which, const struct pg_args *a,
    int64_t *number)
{
	PGresult		*res;
	enum failure_code	 rc;

	if ((rc = pg_fetch(s, which, a, &res)) != FAILURE_NONE)
		return rc;
	if (number != NULL)
		*number = PQntuples(res) > 0 ? pg_number(res, 0, 0) : 0;
	PQclear(res);
	return FAILURE_NONE;
}

enum failure_code
pg_run(struct store *s, enum statement which, const struct pg_args *a,
    int64_t *number)
{
	enum failure_code	 rc;
	PGresult		*res;

	if (number != NULL)
		*number = 0;
	if ((rc = pg_query(s, which, a, &res)) == FAILURE_NONE &&
	    number != NULL && PQntuples(res) > 0)
		*number = pg_number(res, 0, 0);
	PQclear(res);
	return rc;
}

enum failure_code
pg_change(struct store *s, enum statement which, const struct pg_args *a,
    int64_t *rows)
{
	enum failure_code	 rc;
	PGresult		*res;

	*rows = 0;
	if ((rc = pg_query(s, which, a, &res)) == FAILURE_NONE)
		*rows = strtoll(PQcmdTuples(res), NULL, 10);
	PQclear(res);
	return rc;
}

enum failure_code
pg_script(struct store *s, const char *sql)
{
	PGresult	*res;

	if (PQsendQuery(s->db, sql) != 1)
		return pg_fail(s, "", NULL);
	if ((res = pg_next(s)) == NULL)
		return FAILURE_STORAGE;
	if (!pg_is_good(res))
		return pg_fail(s, "", res);
	PQclear(res);
	return FAILURE_NONE;
}

enum failure_code
pg_begin(struct store *s)
{
	enum failure_code	rc;
	int			version;

	if (s->db == NULL && (rc = pg_connect(s, &version)) != FAILURE_NONE)
		return rc;
	rc = pg_script(s, store_statements[STATEMENT_BEGIN_LONG]);
	s->inside = rc == FAILURE_NONE;
	return rc;
}

/* Commits.  A rollback or a warning counts as an error. */
static enum failure_code
pg_commit(struct store *s)
{
	PGresult	*res;
	bool		 good;

	s->warned = false;
	if (!pg_put(s->db, STATEMENT_COMMIT, NULL))
		return pg_fail(s, "", NULL);
	if ((res = pg_next(s)) == NULL)
		return FAILURE_STORAGE;
	good = pg_is_good(res) && strcmp(PQcmdStatus(res), "COMMIT") == 0;
	if (!good)
		return pg_fail(s, "", res);
	PQclear(res);
	return s->warned ? pg_refuse(s, FAILURE_STORAGE, "no standby has "
	    "confirmed it") : FAILURE_NONE;
}

enum failure_code
pg_end(struct store *s, enum failure_code rc)
{
	char	why[sizeof(s->error)];

	s->inside = false;
	if (rc == FAILURE_NONE)
		return pg_commit(s);
	memcpy(why, s->error, sizeof(why));
	(void)pg_script(s, store_statements[STATEMENT_ROLLBACK]);
	memcpy(s->error, why, sizeof(why));
	return rc;
}

void
pg_show_progress(struct store *s, const char *what, int64_t done, int64_t total)
{
	s->progress_what = what;
	if (s->progress != NULL)
		s->progress(s->progress_context, what, done, total);
}
