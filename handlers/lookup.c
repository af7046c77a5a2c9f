/*
 * lookup - asks a PostgreSQL database what a question needs to know.
 *
 *	printf '{"ticket":42,"ticketBody":"printer jam"}' | lookup | jq
 *
 * chat runs it, so that a process that lives as long as its viewer neither
 * loads libpq nor waits for the database server.  Standard input is one JSON
 * object: a client's message (websocket.md) with the field `ticket', and with
 * `begin' before a generation is started, or `session' for the answer of that
 * session.  Standard output gets the frame of a saved answer that can be used,
 * if any, and then the verdict.  lib/viewer/query.h describes the fields.
 *
 * It also makes calls for runs that begin or wait (lib/store/node.h):
 *
 *	printf '{"run":"watch","args":[7,1,1]}' | lookup | jq
 *
 * `lookup stay', which chat runs under websocketd, then closes standard output
 * and becomes this node's resident (lib/store/resident.h) until nobody has
 * asked for a while.
 *
 * Exit code: see lib/frame/failure.h; 102 settings.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "auth/admission.h"
#include "base/clock.h"
#include "base/limit.h"
#include "program.h"
#include "request/request.h"
#include "settings/settings.h"
#include "store/node.h"
#include "store/resident.h"
#include "store/store.h"
#include "viewer/query.h"

static const char	usage[] =
    "usage: lookup [-c FILE] [stay]\n"
    "Reads a question as one JSON object from standard input, looks in the\n"
    "database (PostgreSQL), and prints the frame of a saved answer, if one\n"
    "fits, and a verdict.\n"
    "  printf '{\"ticket\":42,\"ticketBody\":\"printer jam\"}' | lookup\n"
    "  stay               afterwards serve other processes for a while\n"
    "  -c, --config FILE  read settings from FILE, not " CONF_FILE "\n"
    "  -h, --help         print this text\n"
    "  -V, --version      print the version\n"
    "Exit code: 0 good, 1 the question is refused, 100 wrong arguments, 102\n"
    "wrong settings, 111 system error.\n";

/* The settings and the connection to the database. */
struct lookup {
	struct settings	 settings;
	struct store	*store;		/* NULL: not connected */
	int64_t		 connected;	/* clock_us: when it was opened */
};

/* Asks the database.  Invalid input is refused as in a client's message. */
static void
lookup_ask(struct lookup *l, const struct buf *line, struct buf *out,
    struct verdict *v)
{
	const struct settings	*s = &l->settings;
	char			 user[ADMISSION_WHO];
	struct query		 q;
	struct request		 r;

	query_read(&q, &r, user, sizeof(user), line->data == NULL ? "" :
	    line->data, line->len,
	    settings_ticket_max(s));
	if (r.failure.code == FAILURE_NONE) {
		query_run(&l->store, s, &q, out, v);
	} else {
		memset(v, 0, sizeof(*v));
		v->failure = r.failure;
		v->newest = SEEN_UNKNOWN;
	}
	request_free(&r);
}

/* Makes a call for a run.  Returns false if the line is none. */
static bool
lookup_relay(struct lookup *l, const struct buf *line, struct buf *out,
    struct verdict *v)
{
	enum failure_code	rc;

	memset(v, 0, sizeof(*v));
	v->newest = SEEN_UNKNOWN;
	if (!node_relay(&l->store, &l->settings, line->data == NULL ? "" :
	    line->data, line->len, out, &rc))
		return false;
	v->failure = failure_make(rc, rc == FAILURE_BAD_REQUEST ? "run" : NULL);
	if (rc != FAILURE_NONE && rc != FAILURE_BAD_REQUEST)
		(void)snprintf(v->error, sizeof(v->error), "%s",
		    store_error(l->store));
	return true;
}

/* Closes the connection. */
static void
lookup_drop(struct lookup *l)
{
	store_close(l->store);
	l->store = NULL;
}

/* Writes a buffer.  Returns false with errno. */
static bool
lookup_write_all(int fd, const struct buf *b)
{
	size_t	done;
	ssize_t	n;

	for (done = 0; done < b->len; done += (size_t)n) {
		n = write(fd, b->data + done, b->len - done);
		if (n == -1 && errno != EINTR)
			return false;
		if (n == -1)
			n = 0;
	}
	return true;
}

/*
 * Answers a question, or makes a call for a run, and prints its row, or a
 * verdict if it fails.  Returns the exit code, or -1 with errno if nothing can
 * be written.
 */
static int
lookup_answer(struct lookup *l, const struct buf *line, int fd)
{
	struct buf	out = BUF_INIT(OUTPUT_MAX);
	struct verdict	v;
	bool		row;
	int		rc;

	if (l->store == NULL)
		l->connected = clock_us();
	(void)alarm(QUERY_TIMEOUT / 1000 + 1);
	if (!(row = lookup_relay(l, line, &out, &v)))
		lookup_ask(l, line, &out, &v);
	row = row && v.failure.code == FAILURE_NONE;
	rc = (row || verdict_write(&out, &v) == 0) &&
	    lookup_write_all(fd, &out) ? (int)failure_exit(v.failure.code) : -1;
	(void)alarm(0);
	buf_free(&out);
	/* After such a failure, connect again for the next question. */
	if (v.failure.code == FAILURE_STORAGE ||
	    v.failure.code == FAILURE_SCHEMA)
		lookup_drop(l);
	return rc;
}

/* Answers the next question that waits.  Returns whether there was one. */
static bool
lookup_hear(struct lookup *l, const struct resident *r)
{
	struct buf	line = BUF_INIT(request_message_max(&l->settings));
	const int	fd = resident_hear(r, &l->settings, &line);
	const bool	heard = fd != -1 && line.len > 0;

	if (heard)
		(void)lookup_answer(l, &line, fd);
	if (fd != -1)
		(void)close(fd);
	buf_free(&line);
	return heard;
}

/*
 * Becomes the resident, detached from the process that has started us.
 * Reconnects now and then, because another server may have become the primary.
 * Returns whether it ended only because of its age, and is still needed.
 */
static bool
lookup_stay(struct lookup *l)
{
	const int64_t	begun = clock_us();
	struct resident	r;
	struct pollfd	p = { .events = POLLIN };
	int64_t		asked = begun, now;
	int		none, fd;
	bool		ours;

	(void)setsid();
	(void)prctl(PR_SET_PDEATHSIG, 0);
	if ((none = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		return false;
	for (fd = 0; fd <= STDERR_FILENO; fd++)
		(void)dup2(none, fd);
	if (resident_begin(&r, &l->settings) == -1)
		return false;
	p.fd = r.listener;
	do {
		if (poll(&p, 1, QUERY_TICK) == 1 && lookup_hear(l, &r))
			asked = clock_us();
		now = clock_us();
		if (now >= l->connected + QUERY_CONNECTED * INT64_C(1000))
			lookup_drop(l);
		ours = resident_is(&r, &l->settings);
	} while (ours && now < asked + QUERY_STAY * INT64_C(1000) &&
	    now < begun + QUERY_STAY_ALL * INT64_C(1000));
	resident_leave(&r, &l->settings);
	while (lookup_hear(l, &r))
		;
	return ours && now < asked + QUERY_STAY * INT64_C(1000);
}

int
main(int argc, char *argv[])
{
	static struct lookup	 l;
	struct settings		*s = &l.settings;
	struct buf		 line;
	const char		*file;
	bool			 stay;
	int			 i, rc;

	program_start();
	i = program_options(argc, argv, usage, &file);
	stay = argc == i + 1 && strcmp(argv[i], "stay") == 0;
	if (argc != i + stay)
		program_fail(EXIT_USAGE, "wrong arguments (try --help)");
	program_settings(s, file, 0);
	if (!store_serves(s->text[SETTING_DATABASE]))
		program_fail(EXIT_SETTINGS, "DATABASE is a file, which chat "
		    "and answer read themselves");
	store_remember(s->text[SETTING_RUN_DIR]);
	line = (struct buf)BUF_INIT(request_message_max(s));
	if (program_read(&line) == -1)
		program_fail(EXIT_SYSTEM, "stdin: %s", strerror(errno));
	if ((rc = lookup_answer(&l, &line, STDOUT_FILENO)) == -1)
		program_fail(EXIT_SYSTEM, "stdout: %s", strerror(errno));
	buf_free(&line);
	stay = stay && lookup_stay(&l);
	lookup_drop(&l);
	settings_free(s);
	/* Runs that wait start no lookup, but need one: start afresh. */
	if (stay)
		(void)execv(LIBEXECDIR "/lookup", argv);
	return rc;
}
