/*
 * lookup - asks a PostgreSQL database what one question needs to know.
 *
 *	printf '{"ticket":42,"ticketBody":"printer jam"}' | lookup | jq
 *
 * chat runs it, so that neither libpq nor a wait for the server is in a
 * process that lives as long as its viewer.  Standard input is one JSON object:
 * a client's message (websocket.md) with `ticket', and with `begin' where a
 * generation would be started, `session' where the answer of that one is
 * wanted.  Standard output gets the frame of the answer that serves, if one
 * does, then the verdict; lib/viewer/query.h has their fields.
 *
 * Exit code: see lib/frame/failure.h; 102 settings.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "auth/admission.h"
#include "base/limit.h"
#include "program.h"
#include "request/request.h"
#include "settings/settings.h"
#include "store/store.h"
#include "viewer/query.h"

static const char	usage[] =
    "usage: lookup [-c FILE]\n"
    "Reads a question as one JSON object from standard input, looks in DATABASE\n"
    "(PostgreSQL), and prints the frame of a saved answer, if one fits, and a\n"
    "verdict.\n"
    "  printf '{\"ticket\":42,\"ticketBody\":\"printer jam\"}' | lookup\n"
    "  -c, --config FILE  read settings from FILE, not " CONF_FILE "\n"
    "  -h, --help         print this text\n"
    "  -V, --version      print the version\n"
    "Exit code: 0 good, 1 the question is refused, 100 wrong arguments, 102\n"
    "wrong settings, 111 system error.\n";

/* Asks; a line that is no question is refused as a client's would be. */
static void
lookup_ask(const struct settings *s, const struct buf *line, struct buf *out,
    struct verdict *v)
{
	char		 user[ADMISSION_WHO];
	struct query	 q;
	struct request	 r;
	struct store	*store = NULL;

	query_read(&q, &r, user, sizeof(user), line->data == NULL ? "" :
	    line->data, line->len,
	    (size_t)s->number[SETTING_MAX_TICKET_BYTES]);
	if (r.failure.code == FAILURE_NONE) {
		query_run(&store, s, &q, out, v);
		store_close(store);
	} else {
		memset(v, 0, sizeof(*v));
		v->failure = r.failure;
		v->newest = SEEN_UNKNOWN;
	}
	request_free(&r);
}

/* Writes all of it; false: nobody reads it. */
static bool
write_all(const struct buf *b)
{
	size_t	done;
	ssize_t	n;

	for (done = 0; done < b->len; done += (size_t)n) {
		n = write(STDOUT_FILENO, b->data + done, b->len - done);
		if (n == -1 && errno != EINTR)
			return false;
		if (n == -1)
			n = 0;
	}
	return true;
}

int
main(int argc, char *argv[])
{
	static struct settings	s;
	struct buf		line, out = BUF_INIT(OUTPUT_MAX);
	struct verdict		v;
	const char		*file;

	program_start();
	/* Whoever asked is not there any more: neither are we. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (program_options(argc, argv, usage, &file) != argc)
		program_fail(EXIT_USAGE, "lookup takes no arguments (try "
		    "--help)");
	program_settings(&s, file, 0);
	if (!store_serves(s.text[SETTING_DATABASE]))
		program_fail(EXIT_SETTINGS, "DATABASE is a file, which chat "
		    "and answer read themselves");
	store_remember(s.text[SETTING_RUN_DIR]);
	line = (struct buf)BUF_INIT(MESSAGE_MAX(
	    (size_t)s.number[SETTING_MAX_TICKET_BYTES]));
	if (program_read(&line) == -1)
		program_fail(EXIT_SYSTEM, "stdin: %s", strerror(errno));
	(void)alarm(QUERY_TIMEOUT / 1000 + 1);
	lookup_ask(&s, &line, &out, &v);
	if (verdict_write(&out, &v) == -1 || !write_all(&out))
		program_fail(EXIT_SYSTEM, "stdout: %s", strerror(errno));
	buf_free(&line);
	buf_free(&out);
	settings_free(&s);
	return (int)failure_exit(v.failure.code);
}
