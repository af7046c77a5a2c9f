/*
 * door - answers one HTTP request: standard input is the request, standard
 * output gets the response.
 *
 *	printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' | door
 *
 * It is a filter in the manner of inetd: socat (HTTP_PORT) or systemd
 * (ticketchat-door.socket) holds the port and starts one door for each
 * connection, with the connection as both descriptors.  A question goes the
 * same way as that of a WebSocket (lib/viewer/question.h); only its frames
 * become a response.  docs/http.md describes what can be asked.
 *
 * Whoever closes the connection ends this process, and not the generation.
 *
 * Exit code: 0 good, 1 the client's mistake, 2 the model failed, 100 wrong
 * arguments, 102 wrong settings, 111 system error.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/admission.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/number.h"
#include "door/chunked.h"
#include "door/guard.h"
#include "door/head.h"
#include "door/healthz.h"
#include "door/reply.h"
#include "frame/frame.h"
#include "generation/generation.h"
#include "json/jsonw.h"
#include "metrics.h"
#include "program.h"
#include "request/connection.h"
#include "request/request.h"
#include "sandbox/harden.h"
#include "settings/settings.h"
#include "store/store.h"
#include "viewer/output.h"
#include "viewer/question.h"

enum {
	DESCRIPTORS_DOOR = 64,	/* the most of a door, which needs about ten */
	HEAD_TIMEOUT = 5000,	/* ms for the whole head, */
	BODY_TIMEOUT = 30000,	/* for the body, */
	LEAVE_TIMEOUT = 2000,	/* and for the client to close */
	PIECE_MAX = 8 * OUTPUT_PENDING	/* bytes thrown away at the end */
};

static const char	usage[] =
    "usage: door [-c FILE]\n"
    "Reads one HTTP request from standard input and writes the response to\n"
    "standard output.\n"
    "  printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' | door\n"
    "  -c, --config FILE  read settings from FILE, not " CONF_FILE "\n"
    "  -h, --help         print this text\n"
    "  -V, --version      print the version\n"
    "Exit code: 0 good, 1 the client's mistake, 2 the model failed, 100 wrong\n"
    "arguments, 102 wrong settings, 111 system error.\n";

struct door {
	struct settings		 settings;
	bool			 served;	/* a service's, not a pipe's */
	char			 peer[ADDRESS_MAX];	/* "": not known */
	char			 id[24];
	char			 raw[HEAD_MAX + 1];	/* the head, and what
							   came with it */
	size_t			 raw_len, head_len;
	struct head		 head;
	struct buf		 cookies, forwarded, languages, accepted;
	struct buf		 body;
	struct connection	 connection;
	struct admission	 admission;
	struct question		 question;
	struct output		 frames;	/* of the question; never
						   written: fd is -1 */
	struct output		 out;		/* to the client */
	struct reply		 reply;
	bool			 async;		/* Prefer: respond-async, until
						   the client has its 202 */
	bool			 alone;		/* nobody listens any more */
	bool			 gone;		/* the client has left */
	int			 exit_code;
};

/* What a path does. */
typedef void	door_action(struct door *);

static door_action	door_ask, door_open, door_health, door_metrics;

static const struct route {
	const char	*path, *methods;
	door_action	*get, *post;
} routes[] = {
	{ "/api/ask", "POST, OPTIONS", NULL, door_ask },
	{ "/api/answer", "GET, HEAD, OPTIONS", door_open, NULL },
	{ "/healthz", "GET, HEAD, OPTIONS", door_health, NULL },
	{ "/metrics", "GET, HEAD, OPTIONS", door_metrics, NULL },
};

/* Refuses the request. */
static void
door_refuse_as(struct door *d, int status, const char *fields,
    struct failure f)
{
	reply_refuse(&d->reply, status, fields, &f, d->connection.language);
	d->exit_code = (int)failure_exit(f.code);
}

static void
door_refuse(struct door *d, int status, enum failure_code code,
    const char *detail)
{
	door_refuse_as(d, status, "", failure_make(code, detail));
}

/*
 * Waits until standard input can be read; false: the deadline has passed.
 */
static bool
door_wait(int64_t deadline)
{
	struct pollfd	p = { STDIN_FILENO, POLLIN, 0 };
	int64_t		now;

	while ((now = clock_us()) < deadline) {
		if (poll(&p, 1, clock_poll(now, deadline)) == 1)
			return true;
	}
	return false;
}

/* Reads the head, and what comes with it.  False: it is refused. */
static bool
door_read_head(struct door *d)
{
	const int64_t	deadline = clock_us() + HEAD_TIMEOUT * INT64_C(1000);
	const char	*what;
	ssize_t		n;
	int		status;

	while ((d->head_len = head_end(d->raw, d->raw_len)) == 0) {
		if (d->raw_len == HEAD_MAX) {
			door_refuse(d, 431, FAILURE_BAD_REQUEST, "head");
			return false;
		}
		if (!door_wait(deadline)) {
			door_refuse(d, 408, FAILURE_BAD_REQUEST, "head");
			return false;
		}
		n = read(STDIN_FILENO, d->raw + d->raw_len,
		    HEAD_MAX - d->raw_len);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n > 0) {
			d->raw_len += (size_t)n;
			continue;
		}
		/* Whoever only tries the port sends nothing. */
		d->gone = d->raw_len == 0;
		door_refuse(d, 0, FAILURE_BAD_REQUEST, "head");
		return false;
	}
	status = head_read(&d->head, d->raw, d->head_len, &what);
	d->reply.bodiless = strcmp(d->head.method, "HEAD") == 0;
	if (status != 0)
		door_refuse(d, status, FAILURE_BAD_REQUEST, what);
	return status == 0;
}

/* Adds bytes of the body.  Returns whether more are to be read. */
static bool
door_add_body(struct door *d, struct chunked *k, const char *p, size_t len)
{
	enum chunked_progress	progress = CHUNKED_MORE;
	size_t		 left;

	if (d->head.chunked) {
		progress = chunked_read(k, p, len, &d->body);
	} else {
		left = (size_t)d->head.length - d->body.len;
		if (buf_add(&d->body, p, len < left ? len : left) == -1)
			progress = CHUNKED_LARGE;
		else if ((int64_t)d->body.len == d->head.length)
			progress = CHUNKED_DONE;
	}
	if (progress == CHUNKED_LARGE)
		door_refuse_as(d, 0, "", failure_too_large(
		    settings_ticket_max(&d->settings), FAILURE_USUAL));
	else if (progress == CHUNKED_BAD)
		door_refuse(d, 0, FAILURE_BAD_REQUEST, "body");
	return progress == CHUNKED_MORE;
}

/* Reads the body.  False: it is refused. */
static bool
door_read_body(struct door *d)
{
	static const char	go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const int64_t		deadline = clock_us() + BODY_TIMEOUT *
				    INT64_C(1000);
	const char		*expect = head_field(&d->head, "expect");
	struct chunked		 k = { .left = 0 };
	char			 data[READ_MAX];
	ssize_t			 n;
	bool			 more;

	if (d->head.length > (int64_t)d->body.cap) {
		door_refuse_as(d, 0, "", failure_too_large(
		    settings_ticket_max(&d->settings), FAILURE_USUAL));
		return false;
	}
	if (!d->head.chunked && d->head.length == 0)
		return true;
	if (expect != NULL && !d->head.old && d->raw_len == d->head_len &&
	    strcasecmp(expect, "100-continue") == 0)
		(void)!write(STDOUT_FILENO, go_on, sizeof(go_on) - 1);
	more = door_add_body(d, &k, d->raw + d->head_len,
	    d->raw_len - d->head_len);
	while (more) {
		if (!door_wait(deadline)) {
			door_refuse(d, 408, FAILURE_BAD_REQUEST, "body");
			break;
		}
		n = read(STDIN_FILENO, data, sizeof(data));
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0) {
			door_refuse(d, 0, FAILURE_BAD_REQUEST, "body");
			break;
		}
		more = door_add_body(d, &k, data, (size_t)n);
	}
	return !d->reply.over;
}

/* What is known of the client, for whoever decides about it. */
static void
door_meet(struct door *d)
{
	const struct head	*h = &d->head;
	char			 ticket[24], path[64] = "";
	struct connection_facts	 f = {
		.served = d->served, .path = path, .id = d->id,
		.peer = d->peer,
		.origin = head_field(h, "origin"),
		.authorization = head_field(h, "authorization"),
		.cookie = head_joined(h, "cookie", &d->cookies),
		.forwarded = head_joined(h, "x-forwarded-for", &d->forwarded),
		.languages = head_joined(h, "accept-language", &d->languages),
	};

	if (head_query(h->query, "ticket", ticket, sizeof(ticket)) == 1)
		(void)snprintf(path, sizeof(path), CONNECTION_PATH "%s",
		    ticket);
	(void)snprintf(d->id, sizeof(d->id), "door-%ld", (long)getpid());
	connection_make(&d->connection, &d->settings, &f);
	d->reply.old = h->old;
	d->reply.form = reply_form(head_joined(h, "accept", &d->accepted));
	if (h->old && d->reply.form == REPLY_TEXT && !d->reply.bodiless)
		d->reply.held.cap = OUTPUT_MAX;
}

/* Gives the client its 202, and then goes on as a viewer whom nobody sees. */
static void
door_part(struct door *d)
{
	static const char	fields[] = "Preference-Applied: respond-async"
				    "\r\nLocation: answer?ticket=";
	char			line[sizeof(fields) + 32];

	(void)snprintf(line, sizeof(line), "%s%" PRId64 "\r\n", fields,
	    d->connection.ticket);
	reply_whole(&d->reply, 202, line, "application/json", "{}\n", 3);
	/* A socat that talks TLS ends its child when the connection ends. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	d->async = false;
	d->alone = true;
}

/* Moves whole frames to the client, as many as it takes. */
static void
door_move(struct door *d)
{
	struct buf	*b = &d->frames.data;
	char		*nl;
	size_t		 done = 0, len;
	struct frame	 f;

	while (!d->alone && done < b->len && output_size(&d->out) <
	    OUTPUT_PENDING && (nl = memchr(b->data + done, '\n',
	    b->len - done)) != NULL) {
		len = (size_t)(nl - b->data) - done;
		if (d->async) {
			frame_read(&f, b->data + done, len);
			d->async = f.type != FRAME_ERROR;
		}
		if (d->async)
			door_part(d);
		else
			reply_frame(&d->reply, b->data + done, len);
		done += len + 1;
	}
	/* A generation that runs will go on, and HEAD needs no word of it. */
	if (d->question.state == QUESTION_FOLLOWING && d->question.begun) {
		if (d->async)
			door_part(d);
		else if (d->reply.bodiless)
			reply_begin(&d->reply);
	}
	buf_drop(b, d->alone ? b->len : done);
}

/*
 * Whether the client has left: a pipe's end only means that nothing follows.
 * What a client sends behind its request is thrown away.
 */
static bool
door_is_left(struct door *d, const struct pollfd *p)
{
	char	data[READ_MAX];
	ssize_t	n;

	if ((p[1].revents & (POLLERR | POLLNVAL)) != 0)
		return true;
	if (!d->served || p[0].revents == 0)
		return false;
	n = recv(STDIN_FILENO, data, sizeof(data), MSG_DONTWAIT);
	return n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR);
}

/* Closes the connection, behind the last byte, so that the client reads all of
   it: with bytes that nobody has read the kernel would reset it. */
static void
door_leave(struct door *d)
{
	const int64_t	deadline = clock_us() + LEAVE_TIMEOUT * INT64_C(1000);
	char		data[READ_MAX];
	size_t		all = 0;
	ssize_t		n = 1;
	int		none;

	if (!d->served || d->gone || shutdown(STDOUT_FILENO, SHUT_WR) == -1)
		return;
	while (n > 0 && all < PIECE_MAX && door_wait(deadline)) {
		n = read(STDIN_FILENO, data, sizeof(data));
		all += n > 0 ? (size_t)n : 0;
	}
	if ((none = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		return;
	(void)dup2(none, STDIN_FILENO);
	(void)dup2(none, STDOUT_FILENO);
	(void)close(none);
}

/* Sends what is left of a response.  The client has SEND_TIMEOUT for each part
   of it. */
static void
door_flush(struct door *d)
{
	const int64_t	timeout = d->settings.number[SETTING_SEND_TIMEOUT] *
			    INT64_C(1000000);
	struct pollfd	p = { d->out.fd, POLLOUT, 0 };
	int64_t		now = clock_us();

	while (!d->gone && output_pending(&d->out)) {
		if (output_write(&d->out, now) == -1 ||
		    now >= output_deadline(&d->out, timeout))
			d->gone = true;
		else if (output_pending(&d->out))
			(void)poll(&p, 1, clock_poll(now,
			    output_deadline(&d->out, timeout)));
		now = clock_us();
	}
	/* The rest of a body that should have an end, and has none. */
	if (d->reply.failed)
		log_line(LOG_LEVEL_WARNING, "id=%s ticket=%" PRId64
		    " response=incomplete", d->id, d->connection.ticket);
}

/* Waits for the client, the generation or a deadline. */
static bool
door_poll(struct door *d, struct pollfd p[3], int64_t now)
{
	int64_t	next = question_wait(&d->question, &p[2]), end;

	end = output_deadline(&d->out,
	    d->settings.number[SETTING_SEND_TIMEOUT] * INT64_C(1000000));
	p[0] = (struct pollfd){ d->served && !d->alone ? STDIN_FILENO : -1,
	    POLLIN | POLLRDHUP, 0 };
	p[1] = (struct pollfd){ d->alone ? -1 : d->out.fd,
	    output_pending(&d->out) ? POLLOUT : 0, 0 };
	if (now >= end) {
		d->gone = true;
		return false;
	}
	if (poll(p, 3, clock_poll(now, end < next ? end : next)) == -1) {
		memset(p, 0, 3 * sizeof(p[0]));
		return errno == EINTR;
	}
	d->gone = door_is_left(d, p);
	return !d->gone;
}

/* Runs the question until it has ended or the client has left. */
static void
door_follow(struct door *d)
{
	struct pollfd	p[3] = { 0 };
	int64_t		now = clock_us();
	bool		quiet = false;

	for (;; now = clock_us()) {
		door_move(d);
		if (!d->alone && output_write(&d->out, now) == -1)
			d->gone = true;
		if (d->gone || d->reply.failed)
			break;
		if (d->alone && !quiet) {
			door_flush(d);
			door_leave(d);
			quiet = true;
		}
		if (d->question.state == QUESTION_IDLE &&
		    d->frames.data.len == 0)
			break;
		/* HEAD has all that it wants. */
		if (d->reply.over && !d->alone)
			break;
		if (!door_poll(d, p, now))
			break;
		question_step(&d->question, &p[2], clock_us());
	}
	if (!d->alone && !d->gone)
		reply_end(&d->reply);
	if (d->question.exit_code > d->exit_code)
		d->exit_code = d->question.exit_code;
}

/* Does what a request says, or writes why not. */
static void
door_run(struct door *d, struct request *r)
{
	/* Here the ticket is a parameter, and not the end of the path. */
	if (r->failure.code == FAILURE_BAD_TICKET_ID)
		r->failure = failure_make(FAILURE_BAD_TICKET_ID, "ticket");
	admission_note(&d->admission, r);
	if (r->failure.code == FAILURE_NONE && r->type == REQUEST_STOP) {
		question_stop(&d->question);
		request_free(r);
	} else if (r->failure.code == FAILURE_NONE && r->type == REQUEST_PING) {
		if (frame_pong(&d->frames.data) == -1)
			d->reply.failed = true;
		request_free(r);
	} else {
		question_note(&d->question, r, false);
		question_begin(&d->question, r, clock_us());
	}
	door_follow(d);
}

/*
 * Lets the viewer in, before a message has come.  False: every message would be
 * refused, and the viewer has been told.  door_dismiss has to follow.
 */
static bool
door_admit(struct door *d)
{
	struct request	r;
	struct failure	f;

	admission_init(&d->admission, &d->settings, &d->connection);
	d->frames.fd = -1;
	d->frames.data.cap = OUTPUT_MAX;
	question_init(&d->question, &d->settings, &d->connection,
	    &d->admission, &d->frames);
	f = admission_enter(&d->admission);
	if (f.code == FAILURE_NONE)
		return true;
	request_refuse(&r, f.code, 0, d->connection.language);
	r.failure = f;
	door_run(d, &r);
	return false;
}

static void
door_dismiss(struct door *d)
{
	question_free(&d->question);
	admission_free(&d->admission);
}

/* Asks what a message says, as chat does. */
static void
door_serve(struct door *d, const char *message, size_t len)
{
	struct request	r;

	request_read(&r, message, len, settings_ticket_max(&d->settings),
	    d->connection.language);
	if (r.failure.code == FAILURE_NONE)
		r.failure = admission_check(&d->admission, &r);
	door_run(d, &r);
}

/* Reads the body, which is a message or, if `text', a ticket's text alone, and
   asks what it says. */
static void
door_take(struct door *d, bool text)
{
	struct buf	message = BUF_INIT(0);
	struct jsonw	w;

	d->body.cap = request_message_max(&d->settings);
	if (!door_read_body(d))
		return;
	if (!text) {
		door_serve(d, d->body.data == NULL ? "" : d->body.data,
		    d->body.len);
		return;
	}
	message.cap = 6 * d->body.len + READ_MAX;
	jsonw_begin(&w, &message);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "ticketBody", d->body.data == NULL ? "" :
	    d->body.data, d->body.len);
	if (jsonw_end(&w, true) == -1)
		door_refuse(d, 0, FAILURE_INTERNAL, NULL);
	else
		door_serve(d, message.data, message.len);
	buf_free(&message);
}

/* POST /api/ask: a message, or the text of the ticket alone. */
static void
door_ask(struct door *d)
{
	const char	*type = head_field(&d->head, "content-type");
	const char	*prefer;
	struct buf	 prefers = BUF_INIT(HEAD_MAX);
	bool		 text;

	text = type != NULL && head_is_type(type, "text/plain");
	if (type == NULL || (!text && !head_is_type(type,
	    "application/json"))) {
		door_refuse(d, 0, FAILURE_BAD_REQUEST, "Content-Type");
		return;
	}
	if (text && guard_is_browser(&d->head)) {
		door_refuse(d, 0, FAILURE_FORBIDDEN_ORIGIN, NULL);
		return;
	}
	prefer = head_joined(&d->head, "prefer", &prefers);
	d->async = prefer != NULL && head_has_word(prefer, "respond-async");
	buf_free(&prefers);
	/* Whoever is refused anyway is not asked for a body. */
	if (door_admit(d))
		door_take(d, text);
	door_dismiss(d);
}

/* The switches of `open' that a query may set, as NAME=1. */
static const char *const	switches[] = { "thread", "sources", "status" };

/*
 * Writes the message `open' that a query asks for.  Returns NULL, or the name
 * of a parameter that is wrong.
 */
static const char *
door_write_open(struct jsonw *w, const char *query)
{
	char	value[24];
	int64_t	version;
	size_t	i;
	int	has;

	jsonw_object(w, NULL);
	jsonw_text(w, "type", "open");
	if ((has = head_query(query, "version", value, sizeof(value))) != 0) {
		if (has == -1 || (version = number_id(value)) == 0)
			return "version";
		jsonw_int(w, "version", version);
	}
	for (i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		has = head_query(query, switches[i], value, sizeof(value));
		if (has == -1 || (has == 1 && strcmp(value, "1") != 0))
			return switches[i];
		if (has == 1)
			jsonw_bool(w, switches[i], true);
	}
	return NULL;
}

/* GET /api/answer: the message `open'. */
static void
door_open(struct door *d)
{
	struct buf	 message = BUF_INIT(READ_MAX);
	const char	*wrong;
	struct jsonw	 w;

	jsonw_begin(&w, &message);
	wrong = door_write_open(&w, d->head.query);
	if (wrong != NULL) {
		door_refuse(d, 0, FAILURE_BAD_REQUEST, wrong);
	} else if (jsonw_end(&w, true) == -1) {
		door_refuse(d, 0, FAILURE_INTERNAL, NULL);
	} else {
		if (door_admit(d))
			door_serve(d, message.data, message.len);
		door_dismiss(d);
	}
	buf_free(&message);
}

/* GET /healthz: can the service work?  With ?model=1 also: the model? */
static void
door_health(struct door *d)
{
	char		 value[8] = "", why[1024], text[1024];
	const char	*words;
	int		 has;

	has = head_query(d->head.query, "model", value, sizeof(value));
	if (has == -1 || (has == 1 && strcmp(value, "1") != 0)) {
		door_refuse(d, 0, FAILURE_BAD_REQUEST, "model");
		return;
	}
	words = healthz_look(&d->settings, why, sizeof(why));
	if (words == NULL && has == 1)
		words = healthz_model(&d->settings, why, sizeof(why));
	if (words != NULL) {
		log_line(LOG_LEVEL_ERROR, "healthz=\"%s\" error=\"%s\"", words,
		    log_value(text, sizeof(text), why));
		d->exit_code = EXIT_SYSTEM;
	}
	(void)snprintf(text, sizeof(text), "%s\n", words == NULL ? "ok" :
	    words);
	reply_whole(&d->reply, words == NULL ? 200 : 503, "", "text/plain",
	    text, strlen(text));
}

/* The metrics of a database on a server, from the program that has libpq. */
static enum failure_code
door_metrics_server(struct door *d, struct buf *page)
{
	char	path[] = LIBEXECDIR "/sessions-postgres", option[] = "-c";
	char	none[] = "/dev/null", command[] = "metrics";
	char	*argv[] = { path, option, none, command, NULL };
	char	own[2 * SETTING_MAX + PATH_MAX], **env;
	const char *state = getenv("STATE_DIRECTORY");
	int	rc = -1;

	/* For the ages: the certificate, and where the copies are. */
	(void)snprintf(own, sizeof(own), SETTINGS_PREFIX "TLS_CERT=%s\n"
	    SETTINGS_PREFIX "TLS_KEY=%s%s%s",
	    d->settings.text[SETTING_TLS_CERT],
	    d->settings.text[SETTING_TLS_KEY], state == NULL ? "" :
	    "\nSTATE_DIRECTORY=", state == NULL ? "" : state);
	env = settings_environment(&d->settings, own);
	errno = ENOMEM;
	if (env != NULL)
		rc = child_run(argv, env, QUERY_TIMEOUT, false, page);
	if (rc != 0)
		log_line(LOG_LEVEL_ERROR, "id=%s call=metrics exit=%d "
		    "error=\"%s\"", d->id, rc, rc == -1 ? strerror(errno) :
		    "sessions-postgres");
	free(env);
	return rc == 0 ? FAILURE_NONE : FAILURE_STORAGE;
}

/* The same of a file. */
static enum failure_code
door_metrics_file(struct door *d, struct buf *page)
{
	enum failure_code	 rc;
	char			*text = NULL, why[1024] = "", line[1024];
	size_t			 len = 0;
	FILE			*f;

	if ((f = open_memstream(&text, &len)) == NULL)
		return FAILURE_INTERNAL;
	rc = metrics_write(&d->settings, f, why, sizeof(why));
	if ((fclose(f) == EOF || buf_add(page, text, len) == -1) &&
	    rc == FAILURE_NONE)
		rc = FAILURE_INTERNAL;
	free(text);
	if (*why != '\0')
		log_line(LOG_LEVEL_ERROR, "id=%s call=metrics error=\"%s\"",
		    d->id, log_value(line, sizeof(line), why));
	return rc;
}

/* GET /metrics: for Prometheus, by the client's address. */
static void
door_metrics(struct door *d)
{
	struct buf		page = BUF_INIT(OUTPUT_MAX);
	enum failure_code	rc;

	if (d->served && !address_in(d->settings.text[SETTING_METRICS_FROM],
	    d->connection.remote)) {
		door_refuse(d, 0, FAILURE_NOT_ALLOWED, NULL);
		return;
	}
	rc = store_serves(d->settings.text[SETTING_DATABASE]) ?
	    door_metrics_file(d, &page) : door_metrics_server(d, &page);
	if (rc == FAILURE_NONE)
		reply_whole(&d->reply, 200, "", "text/plain; version=0.0.4",
		    page.data == NULL ? "" : page.data, page.len);
	else
		door_refuse(d, 0, rc, NULL);
	buf_free(&page);
}

/* OPTIONS: which methods there are, also for a page of another origin. */
static void
door_options(struct door *d, const char *methods)
{
	const bool	preflight = d->reply.origin != NULL &&
			    head_field(&d->head,
			    "access-control-request-method") != NULL;
	char		fields[256];

	(void)snprintf(fields, sizeof(fields), "Allow: %s\r\n%s%s%s", methods,
	    preflight ? "Access-Control-Allow-Methods: " : "",
	    preflight ? methods : "", preflight ? "\r\n"
	    "Access-Control-Allow-Headers: authorization, content-type, "
	    "prefer\r\nAccess-Control-Max-Age: 600\r\n" : "");
	reply_whole(&d->reply, 204, fields, "", "", 0);
}

/* Chooses what a request does. */
static void
door_route(struct door *d)
{
	const struct route	*r = routes;
	const struct head	*h = &d->head;
	const bool		 get = strcmp(h->method, "GET") == 0 ||
				    strcmp(h->method, "HEAD") == 0;
	const bool		 options = strcmp(h->method, "OPTIONS") == 0;
	const char		*host = head_host(h);
	char			 fields[64], text[256];

	if (!guard_allows(&d->settings, h)) {
		log_line(LOG_LEVEL_WARNING, "id=%s remote=%s refused=browser "
		    "host=\"%s\"", d->id, d->connection.remote,
		    log_value(text, sizeof(text), host == NULL ? "" : host));
		door_refuse(d, 0, FAILURE_FORBIDDEN_ORIGIN, NULL);
		return;
	}
	d->reply.origin = d->connection.origin;
	while (r < routes + sizeof(routes) / sizeof(routes[0]) &&
	    strcmp(r->path, h->path) != 0)
		r++;
	if (r == routes + sizeof(routes) / sizeof(routes[0])) {
		if (options && strcmp(h->path, "*") == 0)
			door_options(d, "GET, HEAD, POST, OPTIONS");
		else
			door_refuse(d, 404, FAILURE_BAD_REQUEST, "path");
		return;
	}
	if (options) {
		door_options(d, r->methods);
	} else if (get && r->get != NULL) {
		r->get(d);
	} else if (strcmp(h->method, "POST") == 0 && r->post != NULL) {
		r->post(d);
	} else {
		(void)snprintf(fields, sizeof(fields), "Allow: %s\r\n",
		    r->methods);
		door_refuse_as(d, 405, fields, failure_make(
		    FAILURE_BAD_REQUEST, "method"));
	}
}

/*
 * Finds out who has connected.  Behind a super-server that talks TLS standard
 * input is a pair of sockets, and the address is in the environment: socat and
 * systemd set it.
 */
static void
door_find_peer(struct door *d)
{
	union {
		struct sockaddr		any;
		struct sockaddr_in	v4;
		struct sockaddr_in6	v6;
	}		 a = { .any = { .sa_family = AF_UNSPEC } };
	socklen_t	 len = sizeof(a);
	const char	*from;

	d->served = getpeername(STDIN_FILENO, &a.any, &len) == 0;
	if (!d->served)
		return;
	if (a.any.sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &a.v4.sin_addr, d->peer,
		    sizeof(d->peer));
	} else if (a.any.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &a.v6.sin6_addr, d->peer,
		    sizeof(d->peer));
	} else if ((from = getenv("SOCAT_PEERADDR")) != NULL ||
	    (from = getenv("REMOTE_ADDR")) != NULL) {
		(void)snprintf(d->peer, sizeof(d->peer), "%s", from);
	}
}

/* Reads the options and the settings, and prepares `d'. */
static void
door_set_up(struct door *d, int argc, char *argv[])
{
	const struct settings	*s = &d->settings;
	const char		*file;

	if (program_options(argc, argv, usage, &file) != argc)
		program_fail(EXIT_USAGE,
		    "door takes no arguments (try --help)");
	program_settings(&d->settings, file, 0);
	door_find_peer(d);
	log_open("door", d->served ? s->text[SETTING_LOG] : NULL);
	if (generation_prepare(s->text[SETTING_RUN_DIR]) == -1)
		log_line(LOG_LEVEL_ERROR, "call=run_dir path=\"%s\" "
		    "error=\"%s\"", s->text[SETTING_RUN_DIR],
		    strerror(errno));
	output_open(&d->out, STDOUT_FILENO);
	d->out.data.cap = OUTPUT_MAX;
	d->reply.out = &d->out;
	d->cookies.cap = d->forwarded.cap = d->languages.cap =
	    d->accepted.cap = HEAD_MAX;
	if (harden_told(s, DESCRIPTORS_DOOR) == -1)
		program_fail(EXIT_SYSTEM, "harden: %s", strerror(errno));
}

int
main(int argc, char *argv[])
{
	static struct door	d;

	program_start();
	door_set_up(&d, argc, argv);
	d.connection.language = LANGUAGE_EN;
	if (door_read_head(&d)) {
		door_meet(&d);
		door_route(&d);
	}
	if (!d.alone) {
		door_flush(&d);
		door_leave(&d);
	}
	buf_free(&d.cookies);
	buf_free(&d.forwarded);
	buf_free(&d.languages);
	buf_free(&d.accepted);
	buf_free(&d.body);
	buf_free(&d.frames.data);
	buf_free(&d.reply.held);
	buf_free(&d.out.data);
	settings_free(&d.settings);
	return d.exit_code;
}
