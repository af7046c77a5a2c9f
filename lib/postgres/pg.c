/*
 * A connection to a PostgreSQL database.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "limit.h"
#include "pg.h"

enum { TELL_TICK = 100 };	/* milliseconds */

#define DISK_FULL	"53100"		/* its SQLSTATE */

/* One line, without what libpq says on others. */
static void
note(struct store *s, const char *what, const char *why)
{
	char	*p;

	(void)snprintf(s->error, sizeof(s->error), "%s%s%s", what,
	    *what == '\0' ? "" : ": ", why);
	for (p = s->error; (p = strpbrk(p, "\n\t")) != NULL; )
		*p = p[1] == '\0' ? '\0' : ' ';
}

enum failure_code
pg_fail(struct store *s, const char *what, PGresult *res)
{
	const char	*why = res == NULL ? NULL : PQresultErrorField(res,
			    PG_DIAG_MESSAGE_PRIMARY);
	const char	*state = res == NULL ? NULL : PQresultErrorField(res,
			    PG_DIAG_SQLSTATE);

	if (state != NULL && strcmp(state, DISK_FULL) == 0)
		what = "the database server's disk is full, and nothing is "
		    "changed";
	note(s, what, why != NULL ? why : s->db == NULL ? "no memory" :
	    PQerrorMessage(s->db));
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
	if ((s->uri = strdup(uri)) == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

/* What the server has to remark is nothing for our stderr. */
static void
ignore(void *context, const PGresult *res)
{
	(void)context;
	(void)res;
}

/* Waits for the server; false with the reason noted: nothing more comes. */
static bool
wait_for(struct store *s, int64_t until)
{
	struct pollfd	p = { .fd = PQsocket(s->db), .events = POLLIN };
	const int	rest = PQflush(s->db);
	int64_t		tick;
	int		rc;

	if (rest == 1)
		p.events |= POLLOUT;
	/* Who watches hears now and then that it goes on. */
	tick = clock_us() + TELL_TICK * INT64_C(1000);
	rc = rest == -1 ? -1 : poll(&p, 1, clock_poll(clock_us(),
	    s->tell != NULL && tick < until ? tick : until));
	if (rc == 0 && clock_us() < until) {
		if (s->tell != NULL)
			s->tell(s->tell_context, s->telling, 0, 0);
		return true;
	}
	if (rc == 0) {
		note(s, "", "the database does not answer");
		s->broken = true;
		return false;
	}
	if (rest != -1 && PQconsumeInput(s->db) == 1)
		return true;
	note(s, "", PQerrorMessage(s->db));
	s->broken = true;
	return false;
}

static int64_t
deadline(const struct store *s)
{
	return s->patience == -1 ? CLOCK_NEVER : clock_us() +
	    s->patience * 1000;
}

PGresult *
pg_next(struct store *s)
{
	const int64_t	 until = deadline(s);
	PGresult	*res, *last = NULL;

	for (;;) {
		while (PQisBusy(s->db) == 1) {
			if (!wait_for(s, until)) {
				PQclear(last);
				return NULL;
			}
		}
		if ((res = PQgetResult(s->db)) == NULL)
			return last;
		/* The first error is the one that matters. */
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

/* Whether a result is a good one. */
static bool
is_good(const PGresult *res)
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

enum failure_code
pg_connect(struct store *s, int *version)
{
	/* A later one wins: what the address says over our defaults. */
	static const char *const	keys[] = { "connect_timeout",
					    "keepalives_idle",
					    "keepalives_interval",
					    "keepalives_count",
					    "tcp_user_timeout",
					    "target_session_attrs",
					    "application_name", "dbname",
					    "client_encoding", NULL };
	const char *const		values[] = { "5", "10", "5", "3",
					    "25000", "read-write",
					    "ticketchat", s->uri, "UTF8",
					    NULL };
	char				sql[2048];
	PGresult			*res;

	*version = -1;
	s->db = PQconnectdbParams(keys, values, 1);
	if (s->db == NULL || PQstatus(s->db) != CONNECTION_OK)
		return pg_fail(s, "", NULL);
	(void)PQsetNoticeReceiver(s->db, ignore, NULL);
	(void)PQsetnonblocking(s->db, 1);
	(void)snprintf(sql, sizeof(sql), "%s%s",
	    store_statements[STATEMENT_OPEN],
	    store_statements[STATEMENT_VERSION]);
	if (PQsendQuery(s->db, sql) != 1)
		return pg_fail(s, "", NULL);
	if ((res = pg_next(s)) == NULL)
		return FAILURE_STORAGE;
	if (PQresultStatus(res) == PGRES_TUPLES_OK) {
		*version = (int)pg_number(res, 0, 0);
		PQclear(res);
		return FAILURE_NONE;
	}
	PQclear(res);
	/* No such table; the settings went with it. */
	return pg_script(s, store_statements[STATEMENT_OPEN]);
}

bool
pg_send(struct store *s, enum statement which, const struct pg_args *a)
{
	static const struct pg_args	none;

	if (a == NULL)
		a = &none;
	return PQsendQueryParams(s->db, store_statements[which], a->count,
	    a->type, a->value, a->len, a->format, 0) == 1;
}

enum failure_code
pg_query(struct store *s, enum statement which, const struct pg_args *a,
    PGresult **res)
{
	*res = NULL;
	if (!pg_send(s, which, a))
		return pg_fail(s, "", NULL);
	if ((*res = pg_next(s)) == NULL)
		return FAILURE_STORAGE;
	if (is_good(*res))
		return FAILURE_NONE;
	(void)pg_fail(s, "", *res);
	*res = NULL;
	return FAILURE_STORAGE;
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
	if (!is_good(res))
		return pg_fail(s, "", res);
	PQclear(res);
	return FAILURE_NONE;
}

enum failure_code
pg_begin(struct store *s)
{
	return pg_script(s, "BEGIN");
}

enum failure_code
pg_end(struct store *s, enum failure_code rc)
{
	char	why[sizeof(s->error)];

	if (rc == FAILURE_NONE)
		return pg_script(s, "COMMIT");
	memcpy(why, s->error, sizeof(why));
	(void)pg_script(s, "ROLLBACK");
	memcpy(s->error, why, sizeof(why));
	return rc;
}

enum failure_code
pg_settle(struct store *s)
{
	PGresult	*res = pg_next(s);
	bool		 good;

	if (res == NULL)
		return PQstatus(s->db) == CONNECTION_OK ? FAILURE_NONE :
		    FAILURE_STORAGE;
	good = is_good(res);
	if (!good)
		return pg_fail(s, "", res);
	PQclear(res);
	return FAILURE_NONE;
}

void
pg_tell(struct store *s, const char *what, int64_t done, int64_t total)
{
	s->telling = what;
	if (s->tell != NULL)
		s->tell(s->tell_context, what, done, total);
}
