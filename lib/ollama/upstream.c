/*
 * One answer from a model server: reading it, and the calls.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limit.h"
#include "ollama/models.h"
#include "ollama/ollama.h"
#include "ollama/openai.h"
#include "ollama/prompt.h"
#include "ollama/recall.h"
#include "base/utf8.h"
#include "ollama/upstream.h"

/* How often half of the earlier turns may leave a prompt that is too long. */
#define HALVINGS_MAX	3

/*
 * Pause before the one retry, in ms, plus a random time of up to as much, so
 * that several generations do not retry at the same moment.
 */
#define RETRY_PAUSE	1000

/*
 * How long the model is silent before /api/ps is asked, and asked again, in ms.
 */
#define LOADING_ASK_FIRST	500
#define LOADING_ASK_AGAIN	2000

/* How often a server is asked that is loading its model, in ms. */
#define LOADING_PAUSE	1000

static bool
upstream_is_openai(const struct upstream *u)
{
	return u->server.api == URL_OPENAI;
}

/* The path of the list of models. */
static const char *
upstream_list(const struct upstream *u)
{
	return upstream_is_openai(u) ? "/v1/models" : "/api/tags";
}

static void
upstream_tell(struct upstream *u, enum frame_state state)
{
	if (u->state == state)
		return;
	u->state = state;
	u->on_state(u->context, state);
}

/*
 * Passes a piece on to on_text, without thoughts and marks; `ended': also what
 * was held back.  Returns false if on_text has ended the answer.
 */
static bool
show(struct upstream *u, bool ended)
{
	struct utf8_cleaner	cleaner = { .len = 0 };
	const struct buf	*text = &u->text, *tidied = &u->tidied;

	if (text->len == 0 && !ended)
		return true;
	buf_clear(&u->raw);
	buf_clear(&u->plain);
	buf_clear(&u->tidied);
	/* The text is valid UTF-8, but may contain control characters. */
	if ((text->len > 0 && (utf8_clean(&cleaner, text->data, text->len,
	    &u->raw) == -1 || thought_add(&u->thought, u->raw.data,
	    u->raw.len, &u->plain) == -1)) ||
	    (ended && thought_end(&u->thought, &u->plain) == -1) ||
	    (u->plain.len > 0 && tidy_add(&u->tidy, u->plain.data,
	    u->plain.len, &u->tidied) == -1) ||
	    (ended && tidy_end(&u->tidy, &u->tidied) == -1)) {
		u->failure = failure_make(FAILURE_INTERNAL, NULL);
		return false;
	}
	if (u->thought.opened && !u->shown)
		upstream_tell(u, FRAME_THINKING);
	if (tidied->len == 0)
		return true;
	if (!u->shown)
		u->first = clock_us();
	u->shown = true;
	upstream_tell(u, FRAME_GENERATING);
	return u->on_text(u->context, tidied->data, tidied->len);
}

/* Removes the thoughts that a whole text turns out to begin with. */
static int
settle_thoughts(struct upstream *u, struct buf *text)
{
	struct thought	t = { .held = BUF_INIT(text->len + 1) };
	struct buf	rest = BUF_INIT(text->len + 1);
	size_t		from;
	int		rc = 0;

	/* The mark that opens thoughts would have been recognized. */
	if (u->thought.opened || (from = thought_late(text->data,
	    text->len)) == 0)
		return 0;
	u->late = true;
	thought_begin(&t);
	if (thought_add(&t, text->data + from, text->len - from, &rest) == 0 &&
	    thought_end(&t, &rest) == 0) {
		buf_clear(text);
		rc = rest.len == 0 ? 1 :
		    buf_add(text, rest.data, rest.len) == -1 ? -1 : 1;
	} else {
		rc = -1;
	}
	buf_free(&t.held);
	buf_free(&rest);
	return rc;
}

/* Removes the fence's word and end marks from a whole text. */
static int
settle_marks(struct upstream *u, struct buf *text)
{
	struct tidy	t = { .held = BUF_INIT(text->len + 1) };
	struct buf	rest = BUF_INIT(text->len + 1);
	int		rc = -1;

	tidy_begin(&t, u->prompt.word);
	if (tidy_add(&t, text->data, text->len, &rest) == 0 &&
	    tidy_end(&t, &rest) == 0)
		rc = t.found;
	if (rc == 1) {
		buf_clear(text);
		if (rest.len > 0 && buf_add(text, rest.data, rest.len) == -1)
			rc = -1;
	}
	buf_free(&t.held);
	buf_free(&rest);
	return rc;
}

int
upstream_settle(struct upstream *u, struct buf *text)
{
	int	changed, rc;

	if (text->len == 0)
		return 0;
	if ((changed = settle_thoughts(u, text)) == -1)
		return -1;
	/* Removing one mark may have joined the halves of another one. */
	while (text->len > 0 && (rc = settle_marks(u, text)) != 0) {
		if (rc == -1)
			return -1;
		changed = 1;
		u->tidy.found = true;
	}
	return changed;
}

static bool
upstream_take_line(struct upstream *u, const char *line, size_t len)
{
	struct utf8_cleaner	cleaner = { .len = 0 };
	struct ollama_line	l;

	while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL &&
	    line[len - 1] != '\0')
		len--;
	if (len == 0 && !upstream_is_openai(u))
		return true;
	if (!utf8_valid(line, len)) {
		buf_clear(&u->raw);
		if (utf8_clean(&cleaner, line, len, &u->raw) == -1) {
			u->failure = failure_make(FAILURE_UPSTREAM_INVALID,
			    NULL);
			return false;
		}
		line = u->raw.data;
		len = u->raw.len;
	}
	buf_clear(&u->text);
	if (upstream_is_openai(u)) {
		openai_read(&l, &u->events, line, len, &u->json, &u->text,
		    &u->cost);
		u->lines = u->lines || u->text.len > 0 || l.thinking ||
		    u->events.finished;
	} else {
		ollama_read(&l, u->server.api, line, len, &u->json, &u->text,
		    &u->cost);
		u->lines = true;
	}
	u->failure = l.failure;
	u->retry = l.retry;
	if (l.failure.code != FAILURE_NONE) {
		(void)snprintf(u->reason, sizeof(u->reason), "%s", l.reason);
		return false;
	}
	if (l.thinking && !u->shown)
		upstream_tell(u, FRAME_THINKING);
	if (!show(u, l.done))
		return false;
	return !l.done;
}

static bool
upstream_take_answer(void *context, long status, const char *data, size_t len)
{
	struct upstream	*u = context;
	const char	*nl;
	size_t		 n;
	bool		 more = true;

	u->last = clock_us();
	if (status != 200) {
		/* Only the beginning of a refusal is used. */
		n = UPSTREAM_BODY_MAX - u->body.len;
		return buf_add(&u->body, data, len < n ? len : n) == 0;
	}
	while (more && (nl = memchr(data, '\n', len)) != NULL) {
		n = (size_t)(nl - data);
		if (u->line.len == 0) {
			more = upstream_take_line(u, data, n);
		} else if (buf_add(&u->line, data, n) == 0) {
			more = upstream_take_line(u, u->line.data, u->line.len);
			buf_clear(&u->line);
		} else {
			break;
		}
		data += n + 1;
		len -= n + 1;
	}
	if (more && buf_add(&u->line, data, len) == -1) {
		u->failure = failure_make(errno == EMSGSIZE ?
		    FAILURE_UPSTREAM_INVALID : FAILURE_INTERNAL, NULL);
		more = false;
	}
	u->over = !more;
	return more;
}

static int64_t
seconds(const struct upstream *u, enum setting which)
{
	return u->settings->number[which] * 1000000;
}

/* Shortens a prompt that is too long.  Returns false if that is impossible. */
static bool
upstream_shorten(struct upstream *u)
{
	size_t	turns;

	if (u->shown || u->halved++ == HALVINGS_MAX ||
	    (turns = prompt_halve(&u->prompt)) == 0)
		return false;
	u->turns_left_out += turns;
	return true;
}

static void	upstream_post(struct upstream *, int64_t);

/*
 * Ends the use of the server: goes on to the next server, or to the pause
 * before the retry, or ends the answer.
 */
static void
upstream_end(struct upstream *u, struct failure f, int64_t now)
{
	unsigned	refuses;

	u->http->cancel(&u->call);
	u->http->cancel(&u->small);
	u->asking = false;
	u->failure = f;
	if (f.code == FAILURE_PROMPT_TOO_LONG && upstream_shorten(u)) {
		upstream_post(u, now);
		return;
	}
	if (f.code != FAILURE_NONE && !u->shown) {
		if (u->pass && u->more) {
			u->phase = UPSTREAM_SERVER;
			u->due = now;
			u->pass = false;	/* of the next one */
			return;
		}
		if (u->retry && !u->retried) {
			u->retried = true;
			u->phase = UPSTREAM_PAUSE;
			u->due = now + (RETRY_PAUSE + (now ^ getpid()) %
			    RETRY_PAUSE) * INT64_C(1000);
			return;
		}
	}
	u->phase = UPSTREAM_ENDED;
	refuses = u->refuses & OPENAI_REFUSES_ALL;
	if (f.code == FAILURE_NONE && u->memory != NULL && refuses !=
	    u->recalled)
		recall_add(u->memory, url_key(u->server.text, u->server.base),
		    refuses);
	u->cost.total = (now - u->begun) / 1000;
	u->cost.first_token = u->first == 0 ? 0 : (u->first - u->begun) / 1000;
}

static void
end_code(struct upstream *u, enum failure_code code, const char *detail)
{
	upstream_end(u, failure_make(code, detail), clock_us());
}

/* Receives bytes of a small response. */
static bool
take_small(void *context, long status, const char *data, size_t len)
{
	struct upstream	*u = context;

	(void)status;
	return buf_add(&u->small_body, data, len) == 0;
}

/* Writes the URL of a call to the server. */
static bool
address(const struct upstream *u, struct buf *to, const char *path)
{
	buf_clear(to);
	return buf_add(to, u->server.text, u->server.base) == 0 &&
	    buf_puts(to, path) == 0;
}

/* Starts a small call: a GET whose response is a list. */
static bool
upstream_do_ask(struct upstream *u, const char *path)
{
	struct http_call	*c = &u->small;

	buf_clear(&u->small_body);
	if (!address(u, &u->small_url, path))
		return false;
	c->url = u->small_url.data;
	c->token = u->token;
	c->connect_timeout = (long)seconds(u, SETTING_CONNECT_TIMEOUT) / 1000;
	c->timeout = UPSTREAM_SMALL_TIMEOUT;
	c->receive = take_small;
	c->context = u;
	return u->http->start(c) == 0;
}

/* Writes the URL and the body of the question.  Returns false if there is no
   memory. */
static bool
upstream_compose(struct upstream *u)
{
	if (upstream_is_openai(u))
		return address(u, &u->url, "/v1/chat/completions") &&
		    openai_request(&u->request, u->settings, u->refuses,
		    u->cost.model, &u->prompt) == 0;
	return address(u, &u->url, u->server.api == URL_CHAT ? "/api/chat" :
	    "/api/generate") && ollama_request(&u->request, u->settings,
	    u->server.api, u->cost.model, &u->prompt) == 0;
}

/* Posts the question; the model is known by now. */
static void
upstream_post(struct upstream *u, int64_t now)
{
	struct http_call	*c = &u->call;

	u->phase = UPSTREAM_ANSWER;
	u->last = now;
	if (!u->waits)
		u->posted = now;
	u->due = now + LOADING_ASK_FIRST * INT64_C(1000);
	u->local = *u->settings->text[SETTING_OLLAMA_MODEL] == '\0' ?
	    MODEL_HERE : models_is_cloud(u->cost.model) ? MODEL_ELSEWHERE :
	    MODEL_UNKNOWN;
	u->lines = u->retry = u->pass = u->over = false;
	u->failure = failure_make(FAILURE_NONE, NULL);
	thought_begin(&u->thought);
	tidy_begin(&u->tidy, u->prompt.word);
	openai_begin(&u->events, &u->cost);
	buf_clear(&u->line);
	buf_clear(&u->body);
	buf_clear(&u->request);
	u->request.cap = (prompt_bytes(&u->prompt) + SYSTEM_PROMPT_MAX +
	    SETTING_MAX) * 6;
	if (!upstream_compose(u)) {
		end_code(u, FAILURE_INTERNAL, NULL);
		return;
	}
	c->url = u->url.data;
	c->body = u->request.data;
	c->body_len = u->request.len;
	c->token = u->token;
	c->connect_timeout = (long)seconds(u, SETTING_CONNECT_TIMEOUT) / 1000;
	c->receive = upstream_take_answer;
	c->context = u;
	if (u->http->start(c) == -1)
		end_code(u, FAILURE_INTERNAL, NULL);
}

/*
 * Reads the only word of a file: printable ASCII characters, with white space
 * and a byte order mark around it.  Others may not read the file.  Returns as
 * upstream_token.
 */
static int
upstream_read_token(const char *path, char **token, const char **why)
{
	const char	*from;
	char		*text;
	size_t		 len, n;

	if ((text = file_read(path, SETTING_MAX, true, &len)) == NULL) {
		*why = errno == EPERM ? "other users can read it (chmod 600)" :
		    strerror(errno);
		return -1;
	}
	if ((*why = utf8_instead(text, len)) != NULL)
		goto bad;
	from = text + utf8_mark(text, len);
	from += strspn(from, " \t\r\n");
	n = strcspn(from, " \t\r\n");
	*why = "it has more than one word";
	if (from[n + strspn(from + n, " \t\r\n")] != '\0')
		goto bad;
	*why = "it has characters that are not printable ASCII";
	for (len = 0; len < n; len++) {
		if (from[len] <= ' ' || from[len] > '~')
			goto bad;
	}
	memmove(text, from, n);
	text[n] = '\0';
	*token = text;
	return 0;
bad:
	explicit_bzero(text, strlen(text));
	free(text);
	errno = EILSEQ;
	return -1;
}

const char *
upstream_token_file(const struct settings *s, const struct url *server,
    char path[SETTING_MAX + 1])
{
	const char	*file = s->text[SETTING_OLLAMA_TOKEN_FILE];

	if (server->token != NULL) {
		(void)snprintf(path, SETTING_MAX + 1, "%.*s",
		    (int)server->token_len, server->token);
		return "token=";
	}
	if (*file == '\0' || !url_first_host(s->text[SETTING_OLLAMA_SERVER],
	    server))
		return NULL;
	(void)snprintf(path, SETTING_MAX + 1, "%s", file);
	return "OLLAMA_TOKEN_FILE";
}

int
upstream_token(const struct settings *s, const struct url *server,
    char **token, const char **why)
{
	char	path[SETTING_MAX + 1];

	*token = NULL;
	return upstream_token_file(s, server, path) == NULL ? 0 :
	    upstream_read_token(path, token, why);
}

/* Posts the question, or asks which models there are first. */
static void
upstream_try(struct upstream *u, int64_t now)
{
	if (*u->cost.model != '\0')
		upstream_post(u, now);
	else if (upstream_do_ask(u, upstream_list(u)))
		u->phase = UPSTREAM_MODEL;
	else
		end_code(u, FAILURE_INTERNAL, NULL);
}

void
upstream_begin(struct upstream *u, const struct settings *s,
    const struct http *http, int64_t now)
{
	u->settings = s;
	u->http = http;
	u->begun = u->due = now;
	u->url.cap = u->small_url.cap = SETTING_MAX + 32;
	u->body.cap = UPSTREAM_BODY_MAX;
	u->small_body.cap = UPSTREAM_LIST_MAX;
	u->line.cap = u->text.cap = u->events.held.cap = UPSTREAM_LINE_MAX;
	u->raw.cap = UPSTREAM_LINE_MAX * (size_t)3;	/* a U+FFFD each */
	u->plain.cap = u->tidied.cap = u->thought.held.cap =
	    u->tidy.held.cap = u->raw.cap * 2;	/* and as much held back */
}

/* Gets what belongs to the server: its bearer, and what it refuses.  Returns
   false if the answer has ended here. */
static bool
upstream_prepare(struct upstream *u)
{
	char		 path[SETTING_MAX + 1];
	const char	*why = NULL, *key;

	free(u->token);
	u->token = NULL;
	u->retry = u->waits = false;
	u->refuses = u->recalled = u->memory == NULL || !upstream_is_openai(u)
	    ? 0 : recall_read(u->memory, url_key(u->server.text,
	    u->server.base));
	if (upstream_token(u->settings, &u->server, &u->token, &why) == 0)
		return true;
	key = upstream_token_file(u->settings, &u->server, path);
	(void)snprintf(u->reason, sizeof(u->reason), "%s%.100s: %.100s", key,
	    key[strlen(key) - 1] == '=' ? path : "",
	    why == NULL ? strerror(errno) : why);
	u->pass = true;
	end_code(u, FAILURE_INTERNAL, NULL);
	return false;
}

void
upstream_ask(struct upstream *u, const struct url *server, bool more,
    int64_t now)
{
	u->server = *server;
	/* A conversation can be sent as messages only. */
	if (u->prompt.count > 1 && u->server.api == URL_GENERATE)
		u->server.api = URL_CHAT;
	u->more = more;
	u->state = FRAME_STATE__MAX;	/* `queued' may have been sent */
	(void)snprintf(u->cost.model, sizeof(u->cost.model), "%s",
	    u->settings->text[SETTING_OLLAMA_MODEL]);
	u->cost.queued += (now - u->due) / 1000;
	u->begun += now - u->due;
	if (upstream_prepare(u))
		upstream_try(u, now);
}

int64_t
upstream_deadline(const struct upstream *u)
{
	int64_t	d, all;

	if (u->phase == UPSTREAM_PAUSE) {
		d = u->posted + seconds(u, SETTING_FIRST_TOKEN_TIMEOUT);
		return u->waits && d < u->due ? d : u->due;
	}
	if (u->phase != UPSTREAM_ANSWER)
		return CLOCK_NEVER;
	d = u->lines ? u->last + seconds(u, SETTING_STALL_TIMEOUT) :
	    u->posted + seconds(u, SETTING_FIRST_TOKEN_TIMEOUT);
	all = u->posted + seconds(u, SETTING_ANSWER_TIMEOUT);
	d = all < d ? all : d;
	return !u->lines && !u->asking && u->due < d ? u->due : d;
}

/* The failure for a call that ended without a whole response. */
static struct failure
failure_of(struct upstream *u, const struct http_call *c)
{
	(void)snprintf(u->reason, sizeof(u->reason), "%s", c->reason);
	u->pass = true;
	switch (c->end) {
	case HTTP_UNREACHABLE:
		return failure_make(FAILURE_UPSTREAM_UNREACHABLE, NULL);
	case HTTP_NO_CONNECTION:
		return failure_make(FAILURE_UPSTREAM_TIMEOUT,
		    "CONNECT_TIMEOUT");
	case HTTP_TIMEOUT:	/* a small call; an answer has our timers */
		return failure_make(FAILURE_UPSTREAM_TIMEOUT,
		    upstream_is_openai(u) ? "/v1/models: " SMALL_TIMEOUT_TEXT :
		    "/api/tags: " SMALL_TIMEOUT_TEXT);
	case HTTP_CERTIFICATE:
		return failure_make(FAILURE_UPSTREAM_UNREACHABLE,
		    FAILURE_CERTIFICATE);
	case HTTP_INVALID:
		return failure_make(FAILURE_UPSTREAM_INVALID, NULL);
	case HTTP_BROKEN:
		u->retry = true;
		return failure_make(u->lines ? FAILURE_UPSTREAM_TRUNCATED :
		    FAILURE_UPSTREAM_ERROR, NULL);
	case HTTP_FAILED:
		return failure_make(FAILURE_UPSTREAM_UNREACHABLE, NULL);
	case HTTP_REFUSED:	/* a list over UPSTREAM_LIST_MAX */
		return failure_make(FAILURE_UPSTREAM_INVALID, NULL);
	case HTTP_RUNNING:
	case HTTP_COMPLETE:
	default:
		return failure_make(FAILURE_INTERNAL, NULL);
	}
}

/* Waits until the server has loaded its model, and asks again then. */
static void
upstream_wait(struct upstream *u, int64_t now)
{
	u->http->cancel(&u->call);
	u->http->cancel(&u->small);
	u->asking = false;
	if (!u->waits && u->phase == UPSTREAM_MODEL)
		u->posted = now;
	u->waits = true;
	u->phase = UPSTREAM_PAUSE;
	u->due = now + LOADING_PAUSE * INT64_C(1000);
	upstream_tell(u, FRAME_LOADING);
}

/* The length of an error's words without what they quote of the request. */
static size_t
upstream_quiet(const struct upstream *u, const char *words)
{
	const char *const	marks[] = { "'input'", "\"input\"",
				    u->prompt.word };
	size_t			n = strlen(words), i;
	const char		*at;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		at = *marks[i] == '\0' ? NULL : strstr(words, marks[i]);
		if (at != NULL && (size_t)(at - words) < n)
			n = (size_t)(at - words);
	}
	return n;
}

/*
 * A server that speaks OpenAI's dialect refused a call with this body.  Returns
 * false if the server is asked again at once, or later.
 */
static bool
upstream_refused(struct upstream *u, const struct http_call *c,
    const struct buf *body, struct failure *f, int64_t now)
{
	struct openai_refusal	r;

	openai_refuse(&r, c->status, body->data, body->len, u->cost.model);
	/* The body may quote the request, and so the ticket: only its words. */
	if (u->phase == UPSTREAM_ANSWER && *c->location == '\0')
		(void)snprintf(u->reason, sizeof(u->reason), "HTTP %ld %.*s",
		    c->status, (int)upstream_quiet(u, r.reason), r.reason);
	*f = r.failure;
	u->retry = r.retry;
	if (r.loading && !u->more) {
		upstream_wait(u, now);
		return false;
	}
	u->waits = false;
	if ((r.refuses & ~u->refuses) == 0 || u->phase != UPSTREAM_ANSWER)
		return true;
	u->refuses |= r.refuses;
	u->http->cancel(&u->call);
	upstream_post(u, now);
	return false;
}

/* Takes over a refusal's Retry-After; the pause may be too short for it. */
static void
upstream_later(struct upstream *u, const struct http_call *c, struct failure *f)
{
	f->retry_after = c->retry_after;
	u->retry = u->retry && c->retry_after <= RETRY_PAUSE / 1000;
}

/* The POST was answered with another status than 200. */
static void
upstream_status(struct upstream *u, int64_t now)
{
	struct http_call	*c = &u->call;
	struct failure		 f;

	(void)snprintf(u->reason, sizeof(u->reason), "HTTP %ld %s%.200s",
	    c->status, *c->location == '\0' ? "" : "to ",
	    *c->location != '\0' ? c->location : u->body.data == NULL ||
	    upstream_is_openai(u) ? "" : u->body.data);
	if (!upstream_is_openai(u))
		f = ollama_refusal(c->status, u->body.data, u->body.len,
		    u->cost.model, &u->retry);
	else if (!upstream_refused(u, c, &u->body, &f, now))
		return;
	/* A question that one server refuses, the others would refuse, too. */
	u->pass = failure_retryable(f.code) || f.code == FAILURE_MODEL_MISSING;
	upstream_later(u, c, &f);
	upstream_end(u, f, now);
}

/*
 * All events have come, but not their mark [DONE].  The answer is whole if it
 * had a finish_reason.
 */
static void
upstream_close(struct upstream *u)
{
	struct ollama_line	l;

	/* An empty line ends the last event. */
	openai_read(&l, &u->events, "", 0, &u->json, &u->text, &u->cost);
	if (l.failure.code != FAILURE_NONE) {
		u->failure = l.failure;
		(void)snprintf(u->reason, sizeof(u->reason), "%s", l.reason);
		u->over = true;
	} else if (u->events.finished) {
		buf_clear(&u->text);
		(void)show(u, true);
		u->over = true;
	}
}

/* The POST has ended, perhaps because its last line has been read. */
static void
answer_ended(struct upstream *u, int64_t now)
{
	struct http_call	*c = &u->call;
	const bool		 whole = c->end == HTTP_COMPLETE &&
				    c->status == 200;

	/*
	 * Ollama ends an error line, or a single object, without a line feed.
	 */
	if (!u->over && whole && u->line.len > 0)
		u->over = !upstream_take_line(u, u->line.data, u->line.len);
	if (!u->over && whole && upstream_is_openai(u))
		upstream_close(u);
	if (u->over) {
		upstream_end(u, u->failure, now);
	} else if (c->end != HTTP_COMPLETE) {
		upstream_end(u, failure_of(u, c), now);
	} else if (c->status != 200) {
		upstream_status(u, now);
	} else {
		(void)snprintf(u->reason, sizeof(u->reason), "%s",
		    upstream_is_openai(u) ?
		    "the stream ended without [DONE] or a finish_reason" :
		    "the stream ended without done:true");
		u->retry = true;
		upstream_end(
		    u, failure_make(FAILURE_UPSTREAM_TRUNCATED, NULL), now);
	}
}

/* The call for the list of models has ended. */
static void
model_ended(struct upstream *u, int64_t now)
{
	struct http_call	*c = &u->small;
	struct failure		 f;
	enum failure_code	 code;

	if (c->end != HTTP_COMPLETE) {
		upstream_end(u, failure_of(u, c), now);
	} else if (c->status != 200) {
		(void)snprintf(u->reason, sizeof(u->reason),
		    "HTTP %ld for %s", c->status, upstream_list(u));
		if (!upstream_is_openai(u))
			f = ollama_refusal(c->status, u->small_body.data,
			    u->small_body.len, "", &u->retry);
		else if (!upstream_refused(u, c, &u->small_body, &f, now))
			return;
		upstream_later(u, c, &f);
		u->pass = true;
		upstream_end(u, f, now);
	} else if ((code = models_first(u->server.api, u->small_body.data,
	    u->small_body.len, u->cost.model, sizeof(u->cost.model))) !=
	    FAILURE_NONE) {
		u->pass = true;
		upstream_end(u, failure_make(code, code !=
		    FAILURE_MODEL_MISSING ? NULL : upstream_is_openai(u) ?
		    "?" : "gemma3"), now);
	} else {
		upstream_post(u, now);
	}
}

/* Reads the response to a call of watch_loading. */
static void
take_list(struct upstream *u, int64_t now)
{
	const bool	good = u->small.end == HTTP_COMPLETE &&
			    u->small.status == 200;
	struct model	m;
	const bool	listed = good && models_find(u->server.api,
			    u->small_body.data, u->small_body.len,
			    u->cost.model, &m);

	if (u->local == MODEL_ASKED) {
		u->local = listed && m.remote[0] != '\0' ? MODEL_ELSEWHERE :
		    MODEL_HERE;
	} else if (!good) {
		return;		/* not worth a failure */
	} else if (listed) {
		upstream_tell(u, FRAME_GENERATING);
		return;
	} else if (u->local == MODEL_UNKNOWN) {
		u->local = MODEL_ASKED;
		u->asking = upstream_do_ask(u, "/api/tags");
		return;
	}
	if (u->local == MODEL_ELSEWHERE) {
		upstream_tell(u, FRAME_GENERATING);
		return;
	}
	upstream_tell(u, FRAME_LOADING);
	u->due = now + LOADING_ASK_AGAIN * INT64_C(1000);
}

/*
 * Calls /api/ps while the model is silent, to see whether it is being loaded.
 * A model that runs elsewhere is never listed there: before `loading' is shown
 * for the first time, /api/tags says where it runs.
 */
static void
watch_loading(struct upstream *u, int64_t now)
{
	if (u->asking && u->small.end != HTTP_RUNNING) {
		u->asking = false;
		u->due = CLOCK_NEVER;
		take_list(u, now);
	} else if (now >= u->due && upstream_is_openai(u)) {
		/* Nothing says what the server does. */
		u->due = CLOCK_NEVER;
		upstream_tell(u, FRAME_GENERATING);
	} else if (!u->asking && now >= u->due) {
		u->asking = upstream_do_ask(u, "/api/ps");
		u->due = CLOCK_NEVER;
	}
}

/* The setting of the timer that has run out; NULL: none. */
static const char *
upstream_timed_out(const struct upstream *u, int64_t now)
{
	if (now >= u->posted + seconds(u, SETTING_ANSWER_TIMEOUT))
		return "ANSWER_TIMEOUT";
	if (!u->lines && now >= u->posted +
	    seconds(u, SETTING_FIRST_TOKEN_TIMEOUT))
		return "FIRST_TOKEN_TIMEOUT";
	if (u->lines && now >= u->last + seconds(u, SETTING_STALL_TIMEOUT))
		return "STALL_TIMEOUT";
	return NULL;
}

void
upstream_step(struct upstream *u, int64_t now)
{
	const char	*timer;

	if (u->phase == UPSTREAM_MODEL) {
		if (u->small.end != HTTP_RUNNING)
			model_ended(u, now);
	} else if (u->phase == UPSTREAM_PAUSE) {
		if (u->waits && now >= u->posted +
		    seconds(u, SETTING_FIRST_TOKEN_TIMEOUT))
			upstream_cancel(u, FAILURE_UPSTREAM_TIMEOUT,
			    "FIRST_TOKEN_TIMEOUT");
		else if (now >= u->due)
			upstream_try(u, now);
	} else if (u->phase == UPSTREAM_ENDED || u->phase == UPSTREAM_SERVER) {
		return;
	} else if (u->call.end != HTTP_RUNNING) {
		answer_ended(u, now);
	} else if ((timer = upstream_timed_out(u, now)) != NULL) {
		u->retry = u->pass = false;
		upstream_end(
		    u, failure_make(FAILURE_UPSTREAM_TIMEOUT, timer), now);
	} else if (!u->lines) {
		watch_loading(u, now);
	}
}

void
upstream_cancel(struct upstream *u, enum failure_code code, const char *detail)
{
	if (u->phase == UPSTREAM_ENDED)
		return;
	u->retry = u->pass = false;
	end_code(u, code, detail);
}

void
upstream_free(struct upstream *u)
{
	struct buf	*all[] = { &u->url, &u->request, &u->body,
			    &u->small_url, &u->small_body, &u->line, &u->raw,
			    &u->text, &u->plain, &u->tidied,
			    &u->thought.held, &u->tidy.held,
			    &u->events.held };
	size_t		 i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_free(all[i]);
	prompt_free(&u->prompt);
	json_free(&u->json);
	free(u->token);
}
