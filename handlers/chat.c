/*
 * chat - a viewer of one ticket: reads a client's messages, writes frames.
 *
 *	printf '{"ticketBody":"printer jam"}\n' | PATH_INFO=/42 chat
 *
 * websocketd runs one chat for each connection; in a pipe chat works the same.
 * Standard input holds messages, one JSON object each, and standard output gets
 * frames, one JSON object a line: see websocket.md.  As in CGI, PATH_INFO names
 * the ticket.  Settings come from the environment and, at a shell, also from
 * websocketd.conf or the file given with -c.
 *
 * At the end of input chat exits at once under websocketd, because the viewer
 * has left; at a shell it first answers the questions it has read.  In both
 * cases a running generation continues.
 *
 * chat is linked statically where possible.  A service with AUTH=required runs
 * the variant chat-jwt, which can load libcrypto; at a shell chat replaces
 * itself by that variant.  If DATABASE is PostgreSQL, chat starts a small
 * program for each query: see lib/viewer/query.h.
 *
 * Exit code: the highest of all questions, see lib/frame/failure.h; 102
 * settings.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/admission.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/module.h"
#include "frame/frame.h"
#include "generation/generation.h"
#include "outdated.h"
#include "program.h"
#include "request/connection.h"
#include "request/message.h"
#include "request/request.h"
#include "sandbox/harden.h"
#include "settings/settings.h"
#include "viewer/output.h"
#include "viewer/question.h"

/* The most descriptors of a chat, which needs about ten. */
#define DESCRIPTORS_CHAT	64

/* Questions of one connection that wait behind the one that runs. */
#define QUESTIONS_WAITING	4

static const char	usage[] =
    "usage: chat [-c FILE]\n"
    "Reads client messages from standard input and writes frames to standard\n"
    "output, one JSON object per line, for the ticket in PATH_INFO.\n"
    "  printf '{\"ticketBody\":\"printer jam\"}\\n' | PATH_INFO=/42 chat\n"
    "  -c, --config FILE  read settings from FILE, not " CONF_FILE "\n"
    "  -h, --help         print this text\n"
    "  -V, --version      print the version\n"
    "Exit code, the worst of all questions: 0 good, 1 the client made a\n"
    "mistake, 2 the model failed, 100 wrong arguments, 102 wrong settings,\n"
    "111 system error.\n";

struct chat {
	struct settings		 settings;
	struct connection	 connection;
	struct message_reader	 reader;
	struct output		 out;
	struct admission	 admission;
	struct question		 question;	/* the one being answered */
	struct request		 waiting[QUESTIONS_WAITING];
	size_t			 count;		/* of `waiting' */
	char			 in[READ_MAX];	/* read from standard input */
	size_t			 in_len, in_done;
	bool			 dropped;	/* at least one question */
	bool			 used;		/* memory, since it was last
						   given back */
	bool			 eof;		/* standard input has ended */
	int64_t			 since;		/* clock_us: first byte of the
						   current message */
	int64_t			 active;	/* clock_us: when the client was
						   last served */
	int64_t			 refused_at;	/* clock_us: the first refusal
						   since then; 0: none */
	uint64_t		 refused;	/* all refused messages */
	int			 exit_code;	/* of errors outside the
						   questions */
};

/* Appends a question to those that wait, or drops it if there are too many. */
static void
chat_enqueue(struct chat *c, struct request *r)
{
	if (c->count == QUESTIONS_WAITING) {
		/* Log only the first, so that a flood does not fill the log. */
		if (!c->dropped)
			log_line(LOG_LEVEL_WARNING, "id=%s dropped=question",
			    c->connection.id);
		c->dropped = true;
		request_free(r);
		return;
	}
	question_note(&c->question, r, c->count > 0);
	c->waiting[c->count++] = *r;
}

/* Whether a question waits and can begin now. */
static bool
chat_can_begin(const struct chat *c)
{
	return c->question.state == QUESTION_IDLE && c->count > 0 &&
	    output_size(&c->out) < OUTPUT_PENDING;
}

/* Begins waiting questions until one does not end at once. */
static void
chat_begin_waiting(struct chat *c, int64_t now)
{
	struct request	r;

	while (chat_can_begin(c)) {
		r = c->waiting[0];
		memmove(&c->waiting[0], &c->waiting[1],
		    --c->count * sizeof(c->waiting[0]));
		question_begin(&c->question, &r, now);
		c->used = true;
	}
}

/* Handles a message, or a failure to read one. */
static void
chat_receive(struct chat *c, enum message_event event)
{
	const size_t	 max = settings_ticket_max(&c->settings);
	struct request	 r;

	c->admission.quiet = c->connection.websocketd && c->refused > 0;
	if (event == MESSAGE_READY)
		request_read(&r, c->reader.text.data, c->reader.text.len, max,
		    c->connection.language);
	else
		request_refuse(&r, event == MESSAGE_TOO_LARGE ?
		    FAILURE_TOO_LARGE : FAILURE_BAD_JSON, max,
		    c->connection.language);
	if (r.failure.code == FAILURE_NONE) {
		r.failure = admission_check(&c->admission, &r);
		/* A refused client gets pongs, but they do not keep it
		   connected. */
		if (r.failure.code == FAILURE_NONE) {
			c->active = clock_us();
			c->refused_at = 0;
		} else if (r.type == REQUEST_PING)
			r.failure.code = FAILURE_NONE;
	}
	/* It may wait, and the next message may have another token. */
	admission_note(&c->admission, &r);
	if (r.failure.code != FAILURE_NONE) {
		r.quiet = c->admission.quiet;
		c->refused++;
		if (c->refused_at == 0)
			c->refused_at = clock_us();
	}
	if (r.failure.code != FAILURE_NONE || (r.type != REQUEST_STOP &&
	    r.type != REQUEST_PING)) {
		chat_enqueue(c, &r);
		return;
	}
	if (r.type == REQUEST_STOP) {
		chat_begin_waiting(c, clock_us());	/* they may have arrived
						   together */
		question_stop(&c->question);
	} else if (output_size(&c->out) < OUTPUT_PENDING &&
	    frame_pong(&c->out.data) == -1) {
		log_line(LOG_LEVEL_ERROR, "error=\"no memory\"");
	}
	request_free(&r);
}

/*
 * Whether another message may be handled.  Under websocketd always, because
 * websocketd hangs if nobody reads; in a pipe, input can wait.
 */
static bool
chat_has_room(const struct chat *c)
{
	return c->connection.websocketd || c->count < QUESTIONS_WAITING;
}

/* Handles the messages that may follow the first line of a broken one. */
static void
chat_read_rest(struct chat *c, int64_t now)
{
	enum message_event	event;
	size_t			len, taken;
	char			*rest;

	if ((rest = message_rest(&c->reader, &len)) == NULL)
		return;
	c->since = now;
	for (taken = 0; taken < len; ) {
		taken += message_read(&c->reader, rest + taken, len - taken,
		    &event);
		if (event != MESSAGE_MORE)
			chat_receive(c, event);
	}
	free(rest);
	(void)message_read(&c->reader, "\n", 1, &event);
	if (event != MESSAGE_MORE)
		chat_receive(c, event);
}

/* Handles a message, and after a broken one also what follows it. */
static void
chat_receive_all(struct chat *c, enum message_event event, int64_t now)
{
	if (event == MESSAGE_MORE)
		return;
	chat_receive(c, event);
	if (event == MESSAGE_BROKEN)
		chat_read_rest(c, now);
	c->used |= message_release(&c->reader);
}

/* Splits the input into messages and handles them. */
static void
chat_split_input(struct chat *c, int64_t now)
{
	enum message_event	event;

	while (c->in_done < c->in_len && chat_has_room(c)) {
		if (!message_incomplete(&c->reader))
			c->since = now;
		c->in_done += message_read(&c->reader, c->in + c->in_done,
		    c->in_len - c->in_done, &event);
		chat_receive_all(c, event, now);
	}
}

/* Reads standard input once.  At its end, the last message may be complete. */
static void
chat_read_input(struct chat *c)
{
	enum message_event	event;
	ssize_t			n;

	n = read(STDIN_FILENO, c->in, sizeof(c->in));
	if (n > 0) {
		c->in_len = (size_t)n;
		c->in_done = 0;
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		c->eof = true;
		if (c->connection.websocketd ||
		    (event = message_end(&c->reader)) == MESSAGE_MORE)
			return;
		chat_receive_all(c, event, clock_us());
		chat_receive_all(c, message_end(&c->reader), clock_us());
	}
}

/* Whether we wait for the client to ask. */
static bool
chat_is_idle(const struct chat *c)
{
	return c->question.state == QUESTION_IDLE && c->count == 0 &&
	    !output_pending(&c->out);
}

/*
 * When to disconnect a client that does not read, or does not ask: clock_us or
 * CLOCK_NEVER.
 */
static int64_t
chat_client_deadline(const struct chat *c)
{
	const int64_t	*n = c->settings.number;
	int64_t		 idle = n[SETTING_IDLE_TIMEOUT] * 1000000;

	if (!chat_is_idle(c) || !c->connection.websocketd)
		return output_deadline(&c->out,
		    n[SETTING_SEND_TIMEOUT] * 1000000);
	if (!admission_has_place(&c->admission) &&
	    idle > REFUSED_TIMEOUT * INT64_C(1000))
		idle = REFUSED_TIMEOUT * INT64_C(1000);
	return c->active + idle;
}

/*
 * When to disconnect a client that was refused, unless a question of it is
 * being answered: clock_us or CLOCK_NEVER.
 */
static int64_t
chat_refused_deadline(const struct chat *c)
{
	if (c->refused_at == 0 || !c->connection.websocketd ||
	    c->question.state != QUESTION_IDLE)
		return CLOCK_NEVER;
	return c->refused_at + REFUSED_TIMEOUT * INT64_C(1000);
}

/* When the next step is due even if no event arrives: clock_us. */
static int64_t
chat_deadline(const struct chat *c, int64_t question)
{
	int64_t	d = chat_client_deadline(c), t = chat_refused_deadline(c);

	d = t < d ? t : d;
	d = question < d ? question : d;
	if (c->connection.websocketd && message_incomplete(&c->reader)) {
		t = c->since + MESSAGE_TIMEOUT * INT64_C(1000);
		d = t < d ? t : d;
	}
	return d;
}

/* Treats a message that is not complete after MESSAGE_TIMEOUT as broken. */
static void
chat_end_message(struct chat *c, int64_t now)
{
	if (!c->connection.websocketd || c->in_done < c->in_len ||
	    !message_incomplete(&c->reader) ||
	    now < c->since + MESSAGE_TIMEOUT * INT64_C(1000) ||
	    message_end(&c->reader) == MESSAGE_MORE)
		return;
	chat_receive_all(c, MESSAGE_BROKEN, now);
}

/* Waits for input, output, the generation or a deadline.  Returns as poll. */
static int
chat_wait_for(struct chat *c, struct pollfd p[3], int64_t now)
{
	bool	in = !c->eof && c->in_done == c->in_len && chat_has_room(c);

	p[0] = (struct pollfd){ in ? STDIN_FILENO : -1, POLLIN, 0 };
	p[1] = (struct pollfd){ output_pending(&c->out) ? c->out.fd : -1,
	    POLLOUT, 0 };
	return poll(p, 3, clock_poll(now, chat_deadline(c,
	    question_wait(&c->question, &p[2]))));
}

/* Whether everything was answered and the client has read it. */
static bool
chat_is_finished(const struct chat *c)
{
	if (!c->eof || c->question.state == QUESTION_STOPPING)
		return false;
	return c->connection.websocketd || (c->in_done == c->in_len &&
	    c->count == 0 && c->question.state == QUESTION_IDLE &&
	    !output_pending(&c->out));
}

/*
 * Between two questions: returns to the system what malloc keeps after texts
 * and SQLite.  A page that is open may wait for hours.
 */
static void
chat_give_back(struct chat *c)
{
	if (!c->used || !chat_is_idle(c))
		return;
	(void)malloc_trim(0);
	c->used = false;
}

/* The event loop; returns when nothing is left to do. */
static void
chat_serve(struct chat *c)
{
	struct pollfd	p[3] = { 0 };
	int64_t		now = clock_us();

	/* If no message can be accepted, the time for refused clients starts
	   now. */
	c->refused_at = admission_is_hopeless(&c->admission) ? now : 0;
	for (c->active = now; ; now = clock_us()) {
		if (p[0].revents != 0)
			chat_read_input(c);
		question_step(&c->question, &p[2], now);
		chat_end_message(c, now);
		do {
			chat_split_input(c, now);
			chat_begin_waiting(c, now);
			if (output_write(&c->out, now) == -1) {
				if (errno != EPIPE)	/* EPIPE: the client is
							   gone */
					c->exit_code = EXIT_SYSTEM;
				return;
			}
		} while ((c->in_done < c->in_len && chat_has_room(c)) ||
		    chat_can_begin(c));
		if (!chat_is_idle(c))
			c->active = now;
		if (chat_is_finished(c))
			return;
		if (c->refused_at != 0 && c->question.state != QUESTION_IDLE)
			c->refused_at = now;
		if (now >= chat_client_deadline(c) || now >=
		    chat_refused_deadline(c)) {
			c->exit_code = EXIT_CLIENT;
			return;
		}
		chat_give_back(c);
		if (chat_wait_for(c, p, now) == -1) {
			if (errno != EINTR) {
				c->exit_code = EXIT_SYSTEM;
				return;
			}
			memset(p, 0, sizeof(p));
		}
	}
}

/*
 * Opens the log.  Under websocketd LOG=stderr means the service's stderr; if
 * that is a socket (systemd's), syslog, which leads to the same journal.
 */
static void
chat_open_log(struct chat *c, bool cgi)
{
	const char	**log = &c->settings.text[SETTING_LOG];

	if (cgi && strcmp(*log, "stderr") == 0 && log_open_parent() == -1)
		*log = "syslog";
	log_open("chat", cgi ? *log : NULL);
}

/* Reads the options, the settings and the environment, and prepares `c'. */
static void
chat_set_up(struct chat *c, int argc, char *argv[])
{
	const bool	 cgi = connection_is_websocketd();
	const char	*file;

	/* Close websocketd's descriptors that we inherited. */
	if (cgi)
		(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	if (program_options(argc, argv, usage, &file) != argc)
		program_fail(EXIT_USAGE,
		    "chat takes no arguments (try --help)");
	if (file == NULL && outdated())
		exit(outdated_serve(STDOUT_FILENO));
	program_settings(&c->settings, file, cgi);
	if (!store_serves(c->settings.text[SETTING_DATABASE]) &&
	    !query_is_built())
		program_no_server();
	if (c->settings.number[SETTING_AUTH] == AUTH_REQUIRED &&
	    !module_can_load()) {
		program_become("chat-jwt", argv);
		program_fail(EXIT_SYSTEM, LIBEXECDIR "/chat-jwt: %s",
		    strerror(errno));
	}
	connection_read(&c->connection, &c->settings);
	chat_open_log(c, cgi);
	if (generation_prepare(c->settings.text[SETTING_RUN_DIR]) == -1)
		log_line(LOG_LEVEL_ERROR, "call=run_dir path=\"%s\" "
		    "error=\"%s\"", c->settings.text[SETTING_RUN_DIR],
		    strerror(errno));
	output_open(&c->out, STDOUT_FILENO);
	if (harden_told(&c->settings, DESCRIPTORS_CHAT) == -1)
		program_fail(EXIT_SYSTEM, "harden: %s", strerror(errno));
	c->reader.text.cap = request_message_max(&c->settings);
	c->out.data.cap = OUTPUT_MAX;
	admission_init(&c->admission, &c->settings, &c->connection);
	question_init(&c->question, &c->settings, &c->connection,
	    &c->admission, &c->out);
}

int
main(int argc, char *argv[])
{
	static struct chat	c;
	size_t			i;

	program_start();
	chat_set_up(&c, argc, argv);
	chat_serve(&c);
	if (c.refused > 1 && c.connection.websocketd)
		log_line(LOG_LEVEL_WARNING, "id=%s remote=%s refused=%" PRIu64,
		    c.connection.id, c.connection.remote, c.refused);
	question_free(&c.question);
	admission_free(&c.admission);
	for (i = 0; i < c.count; i++)
		request_free(&c.waiting[i]);
	message_free(&c.reader);
	buf_free(&c.out.data);
	settings_free(&c.settings);
	return c.exit_code > c.question.exit_code ? c.exit_code :
	    c.question.exit_code;
}
