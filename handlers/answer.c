/*
 * answer - a generation: reads the ticket's text, writes frames.
 *
 *	printf 'printer jam' | answer
 *
 * At a shell it is a filter: the ticket's text on standard input, frames on
 * standard output; nothing is saved.  `answer check' reports whether the
 * model's servers can be reached and which model would answer, `answer load'
 * also has them load the model, and `answer start' does both for run.sh when
 * the service starts.
 *
 * chat starts `answer TICKET SESSION [HASH [HASH | ROOT-QUESTION]]', detached.
 * Descriptor 3 is the socket on which it listens for viewers; the first HASH is
 * that of the ticket's text, the second one that of the instruction.  With ROOT
 * it answers a question about the answer of that session; QUESTION is its name.
 * It waits for a slot, streams from Ollama, saves the whole answer and only
 * then sends `done'.  With a database server it is started as
 * `answer TICKET +SEEN …', where SEEN is the session of the newest answer that
 * chat knows: the database then assigns the session, or another machine
 * generates the answer and this process waits with its viewers.
 *
 * `answer hook SESSION' runs DONE_COMMAND for an answer that a person wrote;
 * chat and `sessions write' start it.
 * `answer learn SESSION' makes knowledge of an answer that was written or
 * rated; they start that, too.
 *
 * Exit code: 0 good, 1 a bad prompt, 2 the model, 100 usage, 102 settings, 111
 * system.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/module.h"
#include "base/number.h"
#include "base/url.h"
#include "base/utf8.h"
#include "generation/answer.h"
#include "generation/generation.h"
#include "generation/tell.h"
#include "knowledge/answers.h"
#include "program.h"
#include "sandbox/harden.h"
#include "servers.h"
#include "store/store.h"

/*
 * The most descriptors of an answer: one for each follower, and some that
 * libcurl needs for each server that it asks.
 */
#define DESCRIPTORS_ANSWER	(FOLLOWERS_MAX + 64 + 4 * SERVERS_MAX)

/* Bytes of what chat sends behind the ticket's text: see generation_start. */
#define INPUT_MORE		8192

static const char	usage[] =
    "usage: answer [-c FILE] [check | load [--json] | start | hook SESSION |\n"
    "              learn SESSION]\n"
    "Reads a ticket's text from standard input and writes the model's answer\n"
    "as frames, one JSON object per line.  Nothing is saved.\n"
    "  printf 'printer jam' | answer\n"
    "  check              print which model servers answer, and which model\n"
    "                     they would use; --json prints all details\n"
    "  load               the same, and let them load the model\n"
    "  start              both, for run.sh, each as soon as it is known\n"
    "  hook SESSION       run DONE_COMMAND for the saved answer of a session\n"
    "  learn SESSION      make knowledge of a good answer (KNOWLEDGE_ANSWERS)\n"
    "  -c, --config FILE  read settings from FILE, not " CONF_FILE "\n"
    "  -h, --help         print this text\n"
    "  -V, --version      print the version\n"
    "Exit code: 0 good, 1 the ticket's text is refused, 2 the model failed,\n"
    "100 wrong arguments, 102 wrong settings, 111 system error.\n";

/* Moves what follows the first NUL of a buffer, if any, to another one. */
static int
split_off(struct buf *from, struct buf *to)
{
	const char	*nul = from->len == 0 ? NULL :
			    memchr(from->data, '\0', from->len);
	size_t		 len;

	if (nul == NULL)
		return 0;
	len = (size_t)(from->data + from->len - nul - 1);
	to->cap = len;
	from->len -= len + 1;
	return buf_add(to, nul + 1, len);
}

/*
 * Splits what chat sent: the ticket's text, the instruction, the user's name,
 * the language.  A chat that was started before an upgrade sends the text only.
 */
static void
split_input(struct answer *a)
{
	struct buf	language = BUF_INIT(0);

	if (split_off(&a->prompt, &a->instruction) == -1 ||
	    split_off(&a->instruction, &a->user) == -1 ||
	    split_off(&a->user, &language) == -1)
		answer_fail(a, FAILURE_INTERNAL, strerror(errno));
	if (language.len < sizeof(a->language))
		(void)snprintf(a->language, sizeof(a->language), "%s",
		    language.data == NULL ? "" : language.data);
	buf_free(&language);
}

/* Reads the ticket's text. */
static void
read_prompt(struct answer *a)
{
	char	limit[24];

	a->prompt.cap = a->follows != 0 ? QUESTION_MAX + INPUT_MORE :
	    settings_ticket_max(&a->settings) +
	    (a->filter ? 0 : INPUT_MORE);
	if (program_read(&a->prompt) == -1) {
		if (errno != EMSGSIZE) {
			answer_fail(a, FAILURE_INTERNAL, strerror(errno));
			return;
		}
		(void)snprintf(limit, sizeof(limit), "%zu", a->prompt.cap);
		a->failure = failure_make(FAILURE_TOO_LARGE, limit);
		return;
	}
	if (!a->filter)
		split_input(a);
	if (!utf8_valid(a->prompt.data, a->prompt.len) ||
	    utf8_blank(a->prompt.data, a->prompt.len))
		a->failure = failure_make(FAILURE_BAD_REQUEST,
		    a->follows != 0 ? "question" : "ticketBody");
}

/* Generates an answer, as a filter or detached.  Returns the exit code. */
static int
make_answer(struct answer *a)
{
	int	rc;

	read_prompt(a);		/* before answer_run blocks SIGINT */
	/* The limits inherited from chat allow too few descriptors. */
	if (!a->filter && harden_descriptors(DESCRIPTORS_ANSWER) == -1)
		answer_fail(a, FAILURE_INTERNAL, strerror(errno));
	if ((rc = answer_run(a)) == -1)
		log_line(LOG_LEVEL_ERROR, "ticket=%" PRId64
		    " call=hub error=\"%s\"", a->ticket, strerror(errno));
	answer_free(a);
	if (a->saved && a->follows == 0)
		(void)tell_done(&a->settings, a->session, a->language);
	settings_free(&a->settings);
	return rc == -1 ? EXIT_SYSTEM : (int)failure_exit(a->failure.code);
}

/* Reads SESSION or +SEEN: see above.  Returns false if it does not fit
   DATABASE. */
static bool
read_session(struct answer *a, const char *word)
{
	if (*word != '+')
		return store_is_file() &&
		    (a->session = number_id(word)) != 0;
	a->seen = number_id(word + 1);
	return !store_is_file() && (a->seen != 0 || strcmp(word, "+0") == 0);
}

/* Reads the fourth word: see above. */
static bool
read_subject(struct answer *a, char *word)
{
	char	*dash = strchr(word, '-');

	if (hex_is(word, TEXT_HASH)) {
		a->instruction_hash = word;
		return true;
	}
	if (dash == NULL || !hex_is(dash + 1, QUESTION_HASH))
		return false;
	memcpy(a->question, dash + 1, QUESTION_HASH + 1);
	*dash = '\0';
	a->follows = number_id(word);
	*dash = '-';
	return a->follows != 0;
}

/* Runs `answer check' and `answer load'; `answer start' if probe is NULL. */
static int
ask_servers(struct answer *a, servers_probe *probe, bool json)
{
	int	rc;

	if (!answer_load(a)) {
		(void)fprintf(stderr, "answer: %s\n", a->reason);
		return EXIT_SYSTEM;
	}
	rc = probe == NULL ? servers_start(&a->settings, a->http) :
	    servers_report(&a->settings, a->http, probe, json);
	a->http->close();
	settings_free(&a->settings);
	return rc;
}

/* Runs `answer hook SESSION'. */
static int
run_hook(struct answer *a, const char *session)
{
	const int64_t	id = number_id(session);
	int		rc;

	if (id == 0)
		program_fail(EXIT_USAGE, "wrong arguments (try --help)");
	log_open("answer", a->settings.text[SETTING_LOG]);
	rc = tell_done(&a->settings, id, "");
	settings_free(&a->settings);
	return rc;
}

/* Runs `answer learn SESSION'. */
static int
run_learn(struct answer *a, const char *session)
{
	const int64_t		 id = number_id(session);
	struct store		*store;
	enum failure_code	 rc;
	char			 why[512];

	if (id == 0)
		program_fail(EXIT_USAGE, "wrong arguments (try --help)");
	log_open("answer", a->settings.text[SETTING_LOG]);
	rc = store_open(&store, a->settings.text[SETTING_DATABASE]);
	if (rc == FAILURE_NONE)
		rc = answers_settle(store, id,
		    a->settings.number[SETTING_KNOWLEDGE_ANSWERS] !=
		    ANSWERS_RATED);
	if (rc != FAILURE_NONE)
		log_line(LOG_LEVEL_ERROR, "session=%" PRId64 " call=learn "
		    "error=\"%s\"", id, log_value(why, sizeof(why),
		    store_error(store)));
	store_close(store);
	settings_free(&a->settings);
	return (int)failure_exit(rc);
}

int
main(int argc, char *argv[])
{
	static struct answer	 a = { .hook = HOOK_INIT, .turn = -1 };
	const char		*file;
	servers_probe		*command;
	bool			 json, start, detached, hook, learn;
	int			 i, rc;

	program_start();
	i = program_options(argc, argv, usage, &file);
	command = argc > i ? servers_command(argv[i]) : NULL;
	json = argc - i == 2 && strcmp(argv[i + 1], "--json") == 0;
	start = argc - i == 1 && strcmp(argv[i], "start") == 0;
	detached = argc - i >= 2 && command == NULL;
	hook = argc - i == 2 && strcmp(argv[i], "hook") == 0;
	learn = argc - i == 2 && strcmp(argv[i], "learn") == 0;
	program_settings(&a.settings, file, detached && file == NULL);
	if (detached)
		program_store(&a.settings, "answer-postgres", argv);
	if (!module_can_load() &&
	    !url_simple(a.settings.text[SETTING_OLLAMA_SERVER])) {
		program_become("answer", argv);
		program_fail(EXIT_SYSTEM, LIBEXECDIR "/answer: %s",
		    strerror(errno));
	}
	if (start || (command != NULL && argc - i == 1 + json)) {
		rc = ask_servers(&a, command, json);
	} else if (hook) {
		rc = run_hook(&a, argv[i + 1]);
	} else if (learn) {
		rc = run_learn(&a, argv[i + 1]);
	} else if (argc == i) {
		log_open("answer", NULL);
		a.filter = true;
		a.out = STDOUT_FILENO;
		rc = make_answer(&a);
	} else {
		a.instruction_hash = "";
		if (argc - i > 4 || !detached ||
		    (argc - i > 2 && !hex_is(argv[i + 2], TEXT_HASH)) ||
		    (argc - i > 3 && !read_subject(&a, argv[i + 3])) ||
		    (a.ticket = number_id(argv[i])) == 0 ||
		    !read_session(&a, argv[i + 1]))
			program_fail(EXIT_USAGE,
			    "wrong arguments (try --help)");
		a.text_hash = argc - i > 2 ? argv[i + 2] : "";
		slot_user(&a.slot, getenv(GENERATION_USER));
		log_open("answer", a.settings.text[SETTING_LOG]);
		rc = make_answer(&a);
	}
	return rc;
}
