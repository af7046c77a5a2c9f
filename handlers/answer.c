/*
 * answer - a generation: the ticket's text in, frames out.
 *
 *	printf 'printer jam' | answer
 *
 * At a shell it is a filter: the prompt on standard input, frames on standard
 * output, nothing kept.  `answer check' tells whether the model's servers are
 * there and which model would answer, `answer load' has them load it, `answer
 * start' does both beside a service that starts.
 *
 * chat starts it, detached, as `answer TICKET SESSION [HASH]' (the hash of the
 * text) with a listening socket as descriptor 3, for all who want to follow.
 * It waits for a slot, streams from Ollama, keeps the whole answer and only
 * then says `done'.  Where several machines share the database it is `answer
 * TICKET +SEEN [HASH]': it finds out whose the ticket is, and waits with its
 * viewers where it is another machine's.
 *
 * Exit code: 0 good, 1 a bad prompt, 2 the model, 100 usage, 102 settings,
 * 111 system.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/module.h"
#include "base/number.h"
#include "base/url.h"
#include "base/utf8.h"
#include "generation/answer.h"
#include "generation/generation.h"
#include "ollama/probe.h"
#include "program.h"
#include "request/connection.h"
#include "sandbox/harden.h"
#include "servers.h"
#include "store/slots.h"
#include "store/store.h"

static const char	usage[] =
    "usage: answer [-c FILE] [check | load [--json] | start]\n"
    "Reads a ticket's text from standard input and writes the model's answer\n"
    "as frames, one JSON object a line.  Nothing is saved.\n"
    "  printf 'printer jam' | answer\n"
    "  check              tell whether the model's servers are there, and\n"
    "                     which model would answer; --json: in full\n"
    "  load               the same, and have them load it\n"
    "  start              both, for run.sh: as soon as it is known\n"
    "  -c, --config FILE  settings from FILE, not from " CONF_FILE "\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n"
    "Exit code: 0 good, 1 a bad prompt, 2 the model, 100 usage, 102 settings,\n"
    "111 system.\n";

enum { LISTENER = 3 };	/* as in socket activation, sd_listen_fds(3) */

void
answer_fail(struct answer *a, enum failure_code code, const char *reason)
{
	if (a->failure.code != FAILURE_NONE)
		return;
	a->failure = failure_make(code, NULL);
	a->reason = reason;
}

bool
answer_load(struct answer *a)
{
	static char	why[256];

	if ((a->http = module_load("http.so", "http_module", why,
	    sizeof(why))) == NULL)
		answer_fail(a, FAILURE_INTERNAL, why);
	return a->http != NULL;
}

/* Whether a server was chosen: it is asked, or has been. */
static bool
has_server(const struct answer *a)
{
	return a->pool.settings != NULL && a->pool.chosen != -1;
}

enum failure_code
answer_ended(const struct answer *a)
{
	const struct hub	*h = &a->hub;

	if (h->terminate || (h->ending && !has_server(a)))
		return FAILURE_SHUTTING_DOWN;
	/* What another machine does is not ours to end. */
	if (a->node != NULL && node_state(a->node) == NODE_THEIRS)
		return FAILURE_NONE;
	if (h->stop)
		return FAILURE_STOPPED;
	if (h->met && h->count == 0 && (a->filter ||
	    (a->settings.number[SETTING_ON_DISCONNECT] ==
	    ON_DISCONNECT_CANCEL && !node_watched(a->node))))
		return FAILURE_STOPPED;
	return a->node == NULL ? FAILURE_NONE : node_failure(a->node);
}

int64_t
answer_deadline(const struct answer *a, int64_t d)
{
	const int64_t	due[] = { hub_deadline(&a->hub), answer_viewers_due(a),
			    a->node == NULL ? CLOCK_NEVER :
			    node_deadline(a->node) };
	size_t		i;

	for (i = 0; i < sizeof(due) / sizeof(due[0]); i++)
		d = due[i] < d ? due[i] : d;
	return d;
}

void
answer_turn(struct answer *a, int64_t now)
{
	hub_step(&a->hub, now);
	answer_viewers(a, now);
	if (a->node == NULL)
		return;
	node_viewers(a->node, a->hub.count > 0 || !a->hub.met);
	node_step(a->node, now);
}

void
answer_wait(struct answer *a, int ms)
{
	const int64_t		now = clock_us();
	int64_t			d = CLOCK_NEVER;
	struct epoll_event	e;

	if (ms != -1)
		d = now + ms * INT64_C(1000);
	d = answer_deadline(a, d);
	/* hub_step looks what it is. */
	(void)epoll_wait(a->hub.epoll, &e, 1, clock_poll(now, d));
	answer_turn(a, clock_us());
	hub_write(&a->hub);
}

/* Reads the ticket's text. */
static void
read_prompt(struct answer *a)
{
	char	data[READ_MAX], limit[24];
	ssize_t	n;

	a->prompt.cap = (size_t)a->settings.number[SETTING_MAX_TICKET_BYTES];
	while ((n = read(STDIN_FILENO, data, sizeof(data))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n != -1 && buf_add(&a->prompt, data, (size_t)n) == 0)
			continue;
		if (n == -1 || errno != EMSGSIZE) {
			answer_fail(a, FAILURE_INTERNAL, strerror(errno));
			return;
		}
		(void)snprintf(limit, sizeof(limit), "%zu", a->prompt.cap);
		a->failure = failure_make(FAILURE_TOO_LARGE, limit);
		return;
	}
	if (!utf8_valid(a->prompt.data, a->prompt.len) ||
	    utf8_blank(a->prompt.data, a->prompt.len))
		a->failure = failure_make(FAILURE_BAD_REQUEST, "ticketBody");
}

void
answer_leave(struct answer *a)
{
	struct stat	st;

	/* Not one that somebody else bound after ours had been removed. */
	if (!a->filter && lstat(a->path, &st) == 0 &&
	    st.st_ino == a->socket.st_ino && st.st_dev == a->socket.st_dev)
		(void)unlink(a->path);
	hub_close_listener(&a->hub);
	slot_leave(&a->slot);
	if (a->node != NULL)
		slots_release(a->node);
}

void
answer_over(struct answer *a)
{
	a->over = true;
	a->hub.alive[0] = '\0';
}

/* For whoever reads a filter: the whole answer, which is not what was shown. */
static int
whole_frame(struct answer *a)
{
	struct session	s = { .response = a->text.data,
			    .response_len = a->text.len };
	struct tm	tm;
	time_t		now = time(NULL);

	(void)gmtime_r(&now, &tm);
	(void)strftime(s.created, sizeof(s.created), "%Y-%m-%dT%H:%M:%SZ",
	    &tm);
	return frame_cached(&a->hub.frames, &s, false, LANGUAGE_EN);
}

/* The terminal frame, for all; false: there is no memory for it. */
static bool
end_frames(struct answer *a)
{
	struct buf	*frames = &a->hub.frames;

	answer_over(a);
	if (!a->filter && frame_cost(frames,
	    a->upstream.cost.answer_tokens) == -1)
		return false;		/* they see us die: `interrupted' */
	if (a->failure.code != FAILURE_NONE)
		return frame_error(frames, &a->failure, LANGUAGE_EN) == 0;
	if (a->settled && (a->filter ? whole_frame(a) :
	    frame_kept(frames)) == -1)
		return false;
	return frame_done(frames, strcmp(a->upstream.cost.done_reason,
	    "length") == 0, a->versions) == 0;
}

/* Time for the slow to read what there is. */
static void
drain(struct answer *a)
{
	int64_t	now = clock_us(), deadline;

	deadline = now + a->settings.number[SETTING_SEND_TIMEOUT] * 1000000;
	hub_write(&a->hub);
	while (!hub_drained(&a->hub) && now < deadline) {
		answer_wait(a, clock_poll(now, deadline));
		now = clock_us();
	}
}

static void
log_answer(const struct answer *a)
{
	const struct cost	*c = &a->upstream.cost;
	char			 why[512], model[256];

	log_line(a->failure.code == FAILURE_NONE ? LOG_LEVEL_INFO :
	    LOG_LEVEL_WARNING, "ticket=%" PRId64 " session=%" PRId64
	    " outcome=%s code=%s model=\"%s\" bytes=%zu tokens=%" PRId64
	    " queued_ms=%" PRId64 " first_ms=%" PRId64 " total_ms=%" PRId64
	    " reason=\"%s\"", a->ticket, a->session,
	    a->late ? "late" : a->failure.code == FAILURE_NONE ? "kept" :
	    "error",
	    a->failure.code == FAILURE_NONE ? "-" :
	    failure_name(a->failure.code), log_value(model, sizeof(model),
	    c->model), a->text.len, c->answer_tokens, c->queued,
	    c->first_token, c->total, log_value(why, sizeof(why),
	    a->reason == NULL ? "" : a->reason));
}

/* Makes the meeting place: those who follow through the socket, or stdout. */
static int
set_up_hub(struct answer *a)
{
	struct buf	line = BUF_INIT(sizeof(a->hub.first) - 1);
	const size_t	max = (size_t)a->settings.number[
			    SETTING_MAX_ANSWER_BYTES];
	int		rc;

	a->text.cap = max;
	a->stream.out = &a->hub.frames;
	/* Behind the limit: the longest last piece, and a terminal frame. */
	if (hub_init(&a->hub, FRAMES_MAX(max) + 8 * max + 2 * FRAME_MAX) == -1)
		return -1;
	if (a->filter)
		return hub_add(&a->hub, STDOUT_FILENO, true);
	if (generation_path(a->path, sizeof(a->path),
	    a->settings.text[SETTING_RUN_DIR], a->ticket) == -1 ||
	    lstat(a->path, &a->socket) == -1 || (a->session != 0 &&
	    frame_session(&line, a->session, getpid(), a->text_hash) == -1))
		return -1;
	/* Without one it follows as soon as it is known. */
	if (line.len > 0)
		hub_first(&a->hub, line.data, line.len);
	buf_clear(&line);
	if (frame_alive(&line) == -1)
		return -1;
	memcpy(a->hub.alive, line.data, line.len);
	buf_free(&line);
	rc = hub_listen(&a->hub, LISTENER);
	hub_step(&a->hub, clock_us());	/* the first one waits already */
	hub_write(&a->hub);
	return rc;
}

/* Joins the other machines that have the same database. */
static void
set_up_node(struct answer *a)
{
	const struct node_wish	wish = { &a->settings, a->ticket, a->session,
				    a->seen, a->text_hash,
				    getenv(GENERATION_USER) };
	enum failure_code	rc;

	rc = node_open(&a->node, &wish);
	if (rc != FAILURE_NONE)
		answer_fail(a, rc, node_error(a->node));
	else if (node_fd(a->node) != -1 && hub_wake(&a->hub,
	    node_fd(a->node)) == -1)
		answer_fail(a, FAILURE_INTERNAL, "");
}

/* Has the model answer, keeps that, and tells the end of it. */
static void
run(struct answer *a)
{
	bool	told = false;

	pool_open(&a->pool, &a->settings, a->filter);
	if (a->failure.code == FAILURE_NONE)
		generate(a);
	if (a->failure.code == FAILURE_NONE && !a->filter && !a->late)
		answer_keep(a);
	answer_leave(a);
	/* Those who are late see us go, and look themselves. */
	if (!a->late && (told = end_frames(a)))
		hub_write(&a->hub);	/* whatever becomes of the log */
	log_answer(a);
	if (a->node != NULL && a->hub.stop)
		node_say_stop(a->node);
	if (a->node != NULL)
		node_release(a->node, a->failure.code);
	if (told)
		drain(a);
	upstream_free(&a->upstream);
	pool_close(&a->pool);
	if (a->http != NULL)
		a->http->close();
}

/* The whole life of a generation. */
static int
live(struct answer *a)
{
	a->started = clock_us();
	read_prompt(a);		/* before the hub blocks SIGINT */
	/* chat has hardened us with itself, for fewer descriptors. */
	if (!a->filter && harden_descriptors(DESCRIPTORS_ANSWER) == -1)
		answer_fail(a, FAILURE_INTERNAL, strerror(errno));
	if (set_up_hub(a) == -1) {
		log_line(LOG_LEVEL_ERROR, "ticket=%" PRId64
		    " call=hub error=\"%s\"", a->ticket, strerror(errno));
		return EXIT_SYSTEM;
	}
	if (!a->filter)
		set_up_node(a);
	run(a);
	node_close(a->node);
	frame_stream_free(&a->stream);
	hub_free(&a->hub);
	return (int)failure_exit(a->failure.code);
}

/* What a detached one works on: a session, or +SEEN: the newest answer of the
 * ticket that chat has seen, where the session is told by the database. */
static bool
read_work(struct answer *a, const char *word)
{
	if (*word != '+')
		return store_is_file() &&
		    (a->session = number_id(word)) != 0;
	a->seen = number_id(word + 1);
	return !store_is_file() && (a->seen != 0 || strcmp(word, "+0") == 0);
}

/* `answer check' and `answer load'; without a probe `answer start'. */
static int
ask_servers(struct answer *a, servers_probe *probe, bool json)
{
	int	rc;

	if (!answer_load(a)) {
		(void)fprintf(stderr, "answer: %s\n", a->reason);
		return EXIT_SYSTEM;
	}
	rc = probe == NULL ? servers_start(&a->settings, a->http) :
	    servers_tell(&a->settings, a->http, probe, json);
	a->http->close();
	return rc;
}

int
main(int argc, char *argv[])
{
	static struct answer	 a;
	const char		*file;
	servers_probe		*command;
	bool			 json, start, detached;
	int			 i, rc;

	program_start();
	i = program_options(argc, argv, usage, &file);
	command = argc > i ? servers_command(argv[i]) : NULL;
	json = argc - i == 2 && strcmp(argv[i + 1], "--json") == 0;
	start = argc - i == 1 && strcmp(argv[i], "start") == 0;
	detached = argc - i >= 2 && command == NULL;
	program_settings(&a.settings, file, detached);
	if (detached)
		program_store(&a.settings, "answer", argv);
	if (!url_simple(a.settings.text[SETTING_OLLAMA_SERVER]) &&
	    module_need("answer", argv) == -1)
		program_fail(EXIT_SYSTEM, "the one with all of libcurl: %s",
		    strerror(errno));
	if (start || (command != NULL && argc - i == 1 + json)) {
		rc = ask_servers(&a, command, json);
	} else if (argc == i) {
		log_open("answer", NULL);
		a.filter = true;
		rc = live(&a);
	} else {
		if (argc - i > 3 || !detached || (argc - i == 3 &&
		    (strlen(argv[i + 2]) != TEXT_HASH || strspn(argv[i + 2],
		    "0123456789abcdef") != TEXT_HASH)) ||
		    (a.ticket = number_id(argv[i])) == 0 ||
		    !read_work(&a, argv[i + 1]))
			program_fail(EXIT_USAGE,
			    "wrong arguments (try --help)");
		a.text_hash = argc - i == 3 ? argv[i + 2] : "";
		slot_user(&a.slot, getenv(GENERATION_USER));
		log_open("answer", a.settings.text[SETTING_LOG]);
		rc = live(&a);
	}
	buf_free(&a.prompt);
	buf_free(&a.text);
	settings_free(&a.settings);
	return rc;
}
