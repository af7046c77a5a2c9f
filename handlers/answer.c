/*
 * answer - a generation: the ticket's text in, frames out.
 *
 *	printf 'printer jam' | answer
 *
 * At a shell it is a filter: the prompt on standard input, frames on standard
 * output, nothing kept.  `answer check' tells whether the model's servers are
 * there and which model would answer, `answer load' has them load it.
 *
 * chat starts it, detached, as `answer TICKET SESSION' with a listening
 * socket as descriptor 3, for all who want to follow.  It waits for a slot,
 * streams from Ollama, keeps the whole answer and only then says `done'.
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
#include <unistd.h>

#include "clock.h"
#include "connection.h"
#include "failure.h"
#include "frame.h"
#include "generation.h"
#include "harden.h"
#include "http.h"
#include "hub.h"
#include "limit.h"
#include "log.h"
#include "module.h"
#include "node.h"
#include "pool.h"
#include "probe.h"
#include "program.h"
#include "servers.h"
#include "settings.h"
#include "slot.h"
#include "store.h"
#include "upstream.h"
#include "url.h"
#include "utf8.h"

static const char	usage[] =
    "usage: answer [-c FILE] [check | load] [--json]\n"
    "Reads a ticket's text from standard input and writes the model's answer\n"
    "as frames, one JSON object a line.  Nothing is kept.\n"
    "  printf 'printer jam' | answer\n"
    "  check              tell whether the model's servers are there, and\n"
    "                     which model would answer; --json: in full\n"
    "  load               the same, and have them load it\n"
    "  -c, --config FILE  settings from FILE, not from " CONF_FILE "\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n"
    "Exit code: 0 good, 1 a bad prompt, 2 the model, 100 usage, 102 settings,\n"
    "111 system.\n";

enum { LISTENER = 3 };	/* as in socket activation, sd_listen_fds(3) */

struct answer {
	struct settings		 settings;
	const struct http	*http;
	struct hub		 hub;
	struct node		*node;		/* NULL: a filter */
	struct slot		 slot;
	struct upstream		 upstream;
	struct frame_stream	 stream;
	struct buf		 prompt, text;
	struct failure		 failure;
	const char		*reason;	/* for the log */
	int64_t			 ticket, session;	/* 0: a filter */
	char			 path[sizeof(((struct sockaddr_un *)0)->
				    sun_path)];	/* of our socket */
	struct stat		 socket;	/* and which one it was */
	int64_t			 versions;	/* of the ticket's answer */
	int64_t			 started;
	struct pool		 pool;
};

/* Notes the first failure. */
static void
fail(struct answer *a, enum failure_code code, const char *reason)
{
	if (a->failure.code != FAILURE_NONE)
		return;
	a->failure = failure_make(code, NULL);
	a->reason = reason;
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
		if (n == -1) {
			fail(a, FAILURE_INTERNAL, strerror(errno));
			return;
		}
		if (buf_add(&a->prompt, data, (size_t)n) == 0)
			continue;
		(void)snprintf(limit, sizeof(limit), "%zu", a->prompt.cap);
		a->failure = failure_make(FAILURE_TOO_LARGE, limit);
		return;
	}
	if (!utf8_valid(a->prompt.data, a->prompt.len) ||
	    utf8_blank(a->prompt.data, a->prompt.len))
		a->failure = failure_make(FAILURE_BAD_REQUEST, "ticketBody");
}

/* A piece of the answer: kept, and put into this turn's frame. */
static bool
on_text(void *context, const char *text, size_t len)
{
	struct answer	*a = context;
	char		 limit[24];

	errno = EMSGSIZE;
	if (a->hub.frames.len <= FRAMES_MAX(a->text.cap) &&
	    buf_add(&a->text, text, len) == 0 &&
	    frame_stream_add(&a->stream, text, len) == 0)
		return true;
	(void)snprintf(limit, sizeof(limit), "%zu", a->text.cap);
	a->upstream.failure = failure_make(errno == EMSGSIZE ?
	    FAILURE_ANSWER_TOO_LONG : FAILURE_INTERNAL, limit);
	return false;
}

static void
status(struct answer *a, enum frame_state state, int position)
{
	struct buf	line = BUF_INIT(FRAME_MAX);

	/* In a filter nobody has asked for it. */
	if (a->session != 0 && frame_status(&line, state, position) == 0) {
		hub_status(&a->hub, line.data, line.len);
		hub_write(&a->hub);
	}
	buf_free(&line);
}

static void
on_state(void *context, enum frame_state state)
{
	status(context, state, 0);
}

/* Why this must end, whatever the model does; NONE: it need not. */
static enum failure_code
ended_by_others(const struct answer *a)
{
	const struct hub	*h = &a->hub;

	if (h->terminate)
		return FAILURE_SHUTTING_DOWN;
	if (h->stop)
		return FAILURE_STOPPED;
	if (h->met && h->count == 0 && (a->session == 0 ||
	    a->settings.number[SETTING_ON_DISCONNECT] == ON_DISCONNECT_CANCEL))
		return FAILURE_STOPPED;
	return FAILURE_NONE;
}

/* Waits for followers only; ms is at most how long. */
static void
wait_for_hub(struct answer *a, int ms)
{
	struct epoll_event	e;

	(void)epoll_wait(a->hub.epoll, &e, 1, ms);	/* hub_step looks */
	hub_step(&a->hub, clock_us());
	hub_write(&a->hub);
}

/* Waits for a server with a free slot, telling the position. */
static void
wait_for_slot(struct answer *a)
{
	static char		 why[256];
	const struct settings	*s = &a->settings;
	const int		 max = (int)s->number[SETTING_QUEUE_MAX];
	int			 position, told = 0;
	bool			 sure = false;

	if (a->node != NULL &&
	    slot_enter(&a->slot, s->text[SETTING_RUN_DIR]) == -1) {
		fail(a, FAILURE_INTERNAL, strerror(errno));
		return;
	}
	while ((position = pool_try(&a->pool, &a->slot, a->node, max + 1)) >
	    0) {
		/* Who came with us may just get a free slot: look twice. */
		if (told == 0 && position > max && !sure) {
			sure = true;
			wait_for_hub(a, QUEUE_TICK_HEAD);
			continue;
		}
		if (told == 0 && position > max) {
			fail(a, FAILURE_QUEUE_FULL, "");
			a->failure.retry_after = RETRY_AFTER_QUEUE;
			return;
		}
		if (position != told)
			status(a, FRAME_QUEUED, position);
		told = position;
		wait_for_hub(a, position == 1 ? QUEUE_TICK_HEAD : QUEUE_TICK);
		if (ended_by_others(a) != FAILURE_NONE) {
			fail(a, ended_by_others(a), "");
			return;
		}
	}
	if (position < 0) {
		(void)snprintf(why, sizeof(why), "%s", position == -1 ?
		    strerror(errno) : node_error(a->node));
		fail(a, FAILURE_INTERNAL, why);
	}
}

/* Among several servers: goes to one that has the model loaded. */
static void
prefer_loaded(struct answer *a)
{
	while (a->failure.code == FAILURE_NONE &&
	    pool_ask(&a->pool, a->http)) {
		while (pool_asking(&a->pool)) {
			if (a->http->wait(a->hub.epoll, LOADED_TIMEOUT) == -1)
				fail(a, FAILURE_INTERNAL, "");
			hub_step(&a->hub, clock_us());
			hub_write(&a->hub);
			if (ended_by_others(a) != FAILURE_NONE)
				fail(a, ended_by_others(a), "");
			if (a->failure.code != FAILURE_NONE)
				return;
		}
		if (pool_prefer(&a->pool, a->node))
			return;
		wait_for_slot(a);
	}
}

/* Has a server asked: the one that was chosen, or another after it failed. */
static void
ask_server(struct answer *a)
{
	struct upstream	*u = &a->upstream;
	struct pool	*p = &a->pool;

	if (u->failure.code != FAILURE_NONE) {
		pool_pass_over(p, a->node, u->failure.code, u->reason);
		wait_for_slot(a);
	}
	prefer_loaded(a);
	if (a->failure.code == FAILURE_NONE)
		upstream_ask(u, &p->server[p->chosen].url, pool_more(p),
		    clock_us());
}

/* Streams the answer to whoever follows, until it has ended. */
static void
generate(struct answer *a)
{
	struct upstream	*u = &a->upstream;
	int64_t		 now = clock_us(), d;

	u->context = a;
	u->on_text = on_text;
	u->on_state = on_state;
	upstream_begin(u, &a->settings, a->http, a->prompt.data,
	    a->prompt.len, now);
	while (u->phase != UPSTREAM_ENDED && a->failure.code == FAILURE_NONE) {
		if (u->phase == UPSTREAM_SERVER) {
			ask_server(a);
			continue;
		}
		d = upstream_deadline(u);
		if (a->hub.accept_again != 0 && a->hub.accept_again < d)
			d = a->hub.accept_again;
		if (a->http->wait(a->hub.epoll, clock_poll(clock_us(), d)) ==
		    -1)
			upstream_cancel(u, FAILURE_INTERNAL, NULL);
		now = clock_us();
		hub_step(&a->hub, now);
		if (ended_by_others(a) != FAILURE_NONE)
			upstream_cancel(u, ended_by_others(a), NULL);
		upstream_step(u, now);
		/* What came in this turn leaves in as few frames as it can. */
		if (frame_stream_end(&a->stream) == -1)
			upstream_cancel(u, FAILURE_INTERNAL, NULL);
		hub_write(&a->hub);
	}
	if (a->failure.code == FAILURE_NONE) {
		a->failure = u->failure;
		a->reason = u->reason;
	}
	pool_end(&a->pool, u->pass ? POOL_FAILED : u->first != 0 ? POOL_GOOD :
	    POOL_UNKNOWN);
	if (a->failure.code == FAILURE_NONE &&
	    utf8_blank(a->text.data, a->text.len))
		fail(a, FAILURE_EMPTY_ANSWER, "");
}

/* Keeps the whole answer, in one transaction. */
static void
keep(struct answer *a)
{
	static char		 why[256];
	struct store		*store;
	enum failure_code	 rc;

	rc = node_store(a->node, &store);
	if (rc == FAILURE_NONE)
		rc = store_update_response(store, a->session, a->text.data,
		    a->text.len, &a->upstream.cost, &a->versions);
	if (rc == FAILURE_UNKNOWN_TICKET) {
		(void)snprintf(why, sizeof(why), "%" PRId64, a->ticket);
		a->failure = failure_make(rc, why);
	} else if (rc != FAILURE_NONE) {
		fail(a, rc, log_value(why, sizeof(why), node_error(a->node)));
	}
}

/* Leaves the meeting place, so that who asks from now on starts anew. */
static void
leave(struct answer *a)
{
	struct stat	st;

	/* Not one that somebody else bound after ours had been removed. */
	if (a->session != 0 && lstat(a->path, &st) == 0 &&
	    st.st_ino == a->socket.st_ino && st.st_dev == a->socket.st_dev)
		(void)unlink(a->path);
	hub_close_listener(&a->hub);
	slot_leave(&a->slot);
	if (a->node != NULL)
		slots_release(a->node);
}

/* The terminal frame for all, and time for the slow to read it. */
static void
finish(struct answer *a)
{
	int64_t	now = clock_us(), deadline;
	int	rc;

	deadline = now + a->settings.number[SETTING_SEND_TIMEOUT] * 1000000;
	if (a->session != 0 && frame_cost(&a->hub.frames,
	    a->upstream.cost.answer_tokens) == -1)
		return;		/* they see us die: `interrupted' */
	if (a->failure.code == FAILURE_NONE)
		rc = frame_done(&a->hub.frames,
		    strcmp(a->upstream.cost.done_reason, "length") == 0,
		    a->versions);
	else
		rc = frame_error(&a->hub.frames, &a->failure, LANGUAGE_EN);
	if (rc == -1)
		return;
	hub_write(&a->hub);
	while (!hub_drained(&a->hub) && now < deadline) {
		wait_for_hub(a, clock_poll(now, deadline));
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
	    a->failure.code == FAILURE_NONE ? "kept" : "error",
	    a->failure.code == FAILURE_NONE ? "-" :
	    failure_name(a->failure.code), log_value(model, sizeof(model),
	    c->model), a->text.len, c->answer_tokens, c->queued,
	    c->first_token, c->total, log_value(why, sizeof(why),
	    a->reason == NULL ? "" : a->reason));
}

/* Loads libcurl, only now; returns false with the failure noted. */
static bool
load(struct answer *a)
{
	static char	why[256];

	if ((a->http = module_load("http.so", "http_module", why,
	    sizeof(why))) == NULL)
		fail(a, FAILURE_INTERNAL, why);
	return a->http != NULL;
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
	if (a->session == 0)
		return hub_add(&a->hub, STDOUT_FILENO, true);
	if (generation_path(a->path, sizeof(a->path),
	    a->settings.text[SETTING_RUN_DIR], a->ticket) == -1 ||
	    lstat(a->path, &a->socket) == -1 ||
	    frame_session(&line, a->session, getpid()) == -1)
		return -1;
	memcpy(a->hub.first, line.data, line.len);
	buf_free(&line);
	rc = hub_listen(&a->hub, LISTENER);
	hub_step(&a->hub, clock_us());	/* the first one waits already */
	hub_write(&a->hub);
	return rc;
}

/* The whole life of a generation. */
static int
run(struct answer *a)
{
	a->started = clock_us();
	read_prompt(a);		/* before the hub blocks SIGINT */
	/* chat has hardened us with itself, for fewer descriptors. */
	if (a->session != 0 && harden_descriptors(DESCRIPTORS_ANSWER) == -1)
		fail(a, FAILURE_INTERNAL, strerror(errno));
	if (set_up_hub(a) == -1) {
		log_line(LOG_LEVEL_ERROR, "ticket=%" PRId64
		    " call=hub error=\"%s\"", a->ticket, strerror(errno));
		return EXIT_SYSTEM;
	}
	if (a->session != 0 && node_open(&a->node, &a->settings, a->ticket,
	    a->session, NULL) != FAILURE_NONE)
		fail(a, FAILURE_INTERNAL, node_error(a->node));
	pool_open(&a->pool, &a->settings, a->session == 0);
	if (a->failure.code == FAILURE_NONE)
		wait_for_slot(a);
	a->upstream.cost.queued = (clock_us() - a->started) / 1000;
	if (a->failure.code == FAILURE_NONE && load(a))
		generate(a);
	if (a->failure.code == FAILURE_NONE && a->session != 0)
		keep(a);
	leave(a);
	log_answer(a);
	node_close(a->node);
	finish(a);
	hub_free(&a->hub);
	upstream_free(&a->upstream);
	pool_close(&a->pool);
	if (a->http != NULL)
		a->http->close();
	return (int)failure_exit(a->failure.code);
}

/* `answer check' and `answer load'. */
static int
ask_servers(struct answer *a, servers_probe *probe, bool json)
{
	int	rc;

	if (!load(a)) {
		(void)fprintf(stderr, "answer: %s\n", a->reason);
		return EXIT_SYSTEM;
	}
	rc = servers_tell(&a->settings, a->http, probe, json);
	a->http->close();
	return rc;
}

int
main(int argc, char *argv[])
{
	static struct answer	 a;
	const char		*file;
	servers_probe		*command;
	bool			 json;
	int			 i, rc;

	program_start();
	i = program_options(argc, argv, usage, &file);
	command = argc > i ? servers_command(argv[i]) : NULL;
	json = argc - i == 2 && strcmp(argv[i + 1], "--json") == 0;
	program_settings(&a.settings, file, argc - i == 2 && command == NULL);
	if (argc - i == 2 && command == NULL)
		program_store(&a.settings, "answer", argv);
	if (!url_simple(a.settings.text[SETTING_OLLAMA_SERVER]) &&
	    module_need("answer", argv) == -1)
		program_fail(EXIT_SYSTEM, "the one with all of libcurl: %s",
		    strerror(errno));
	if (command != NULL && argc - i == 1 + json) {
		rc = ask_servers(&a, command, json);
	} else if (argc == i) {
		log_open("answer", NULL);
		rc = run(&a);
	} else {
		if (argc - i != 2 ||
		    (a.ticket = connection_number(argv[i])) == 0 ||
		    (a.session = connection_number(argv[i + 1])) == 0)
			program_fail(EXIT_USAGE,
			    "wrong arguments (try --help)");
		log_open("answer", a.settings.text[SETTING_LOG]);
		rc = run(&a);
	}
	buf_free(&a.prompt);
	buf_free(&a.text);
	settings_free(&a.settings);
	return rc;
}
