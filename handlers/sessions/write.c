/*
 * sessions write: a person's answer as a ticket's next version, as the message
 * `write' of a client.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "generation/generation.h"
#include "generation/generations.h"
#include "program.h"
#include "sessions/command.h"
#include "text/cite.h"

static const char	shell[] = "shell";	/* the author's name */

/* Keeps others from generating an answer; exits if one is being generated. */
static int
write_hold(const struct settings *s, int64_t ticket)
{
	int	claim;

	claim = generations_hold_answer(s->text[SETTING_RUN_DIR], ticket);
	if (claim == -1 && errno == EBUSY)
		program_fail(EXIT_CLIENT, "an answer to ticket %" PRId64
		    " is being generated: wait until it ends, or stop it",
		    ticket);
	if (claim == -1)
		program_fail(EXIT_SYSTEM, "%s: %s", s->text[SETTING_RUN_DIR],
		    strerror(errno));
	return claim;
}

/* Exits if the answer was not saved. */
static void
write_need(enum failure_code rc, const struct store *store,
    const struct written *w, int64_t newest)
{
	if (rc == FAILURE_NO_ANSWER)
		program_fail(EXIT_CLIENT, "ticket %" PRId64 " has no answer "
		    "that this one could replace", w->ticket);
	if (rc == FAILURE_BAD_REQUEST)
		program_fail(EXIT_CLIENT, "session %" PRId64 " is no answer "
		    "of ticket %" PRId64, w->session, w->ticket);
	if (rc == FAILURE_ANSWER_CHANGED)
		program_fail(EXIT_CLIENT, "session %" PRId64 " is not the "
		    "newest answer of ticket %" PRId64 " any more: that is "
		    "%" PRId64, w->session, w->ticket, newest);
	if (rc == FAILURE_ANSWER_RUNNING)
		program_fail(EXIT_CLIENT, "an answer to ticket %" PRId64
		    " is being generated on another machine: wait until it "
		    "ends, or stop it", w->ticket);
	if (rc == FAILURE_SHUTTING_DOWN)
		program_fail(EXIT_CLIENT, "the database is being restored: "
		    "try again later");
	command_need(rc, store);
}

int
command_write(const struct settings *s, int argc, char *argv[])
{
	struct written			 w = { .author = shell };
	const struct command_option	 options[] = {
		{ "session", NULL, &w.session, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct buf			 b = BUF_INIT(0);
	struct store			*store;
	enum failure_code		 rc;
	int64_t				 session, version, before;
	int				 claim;

	w.ticket = command_ticket(argv[0], argv[command_options(argc, argv,
	    options, 1, 1)]);
	command_text(&b, "answer", "MAX_ANSWER_BYTES",
	    s->number[SETTING_MAX_ANSWER_BYTES], NULL);
	w.response = b.data;
	w.response_len = b.len;
	w.cited = text_cited(b.data, b.len);
	store = command_store(s);
	command_share_run_dir(s, store);
	claim = write_hold(s, w.ticket);
	command_need(store_newest(store, w.ticket, &before), store);
	rc = store_write(store, &w, &session, &version);
	write_need(rc, store, &w, session);
	(void)close(claim);
	if (session != before) {
		generation_tell(s, session);
		generation_learn(s, session);
	}
	store_close(store);
	buf_free(&b);
	(void)printf("ticket %" PRId64 ": session %" PRId64 ", version %"
	    PRId64 "\n", w.ticket, session, version);
	return EXIT_GOOD;
}
