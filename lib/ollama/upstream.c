/*
 * One answer from Ollama.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limit.h"
#include "ollama/ollama.h"
#include "ollama/prompt.h"
#include "ollama/token_file.h"
#include "ollama/upstream.h"
#include "ollama/upstream_read.h"

static int64_t
seconds(const struct upstream *u, enum setting which)
{
	return u->settings->number[which] * 1000000;
}

/* It is over: for good, with this server, or in a pause before the retry. */
static void
upstream_end(struct upstream *u, struct failure f, int64_t now)
{
	u->http->cancel(&u->call);
	u->http->cancel(&u->small);
	u->asking = false;
	u->failure = f;
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
	u->cost.total = (now - u->begun) / 1000;
	u->cost.first_token = u->first == 0 ? 0 : (u->first - u->begun) / 1000;
}

static void
end_code(struct upstream *u, enum failure_code code, const char *detail)
{
	upstream_end(u, failure_make(code, detail), clock_us());
}

/* Takes bytes of a small answer. */
static bool
take_small(void *context, long status, const char *data, size_t len)
{
	struct upstream	*u = context;

	(void)status;
	return buf_add(&u->small_body, data, len) == 0;
}

/* The address of one of the server's calls. */
static bool
address(const struct upstream *u, struct buf *to, const char *path)
{
	buf_clear(to);
	return buf_add(to, u->server.text, u->server.base) == 0 &&
	    buf_puts(to, path) == 0;
}

/* Begins a small call. */
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

/* Posts the question; the model is known. */
static void
post(struct upstream *u, int64_t now)
{
	struct http_call	*c = &u->call;

	u->phase = UPSTREAM_ANSWER;
	u->posted = u->last = now;
	u->due = now + LOADING_ASK_FIRST * INT64_C(1000);
	u->local = *u->settings->text[SETTING_OLLAMA_MODEL] == '\0' ?
	    MODEL_HERE : ollama_is_cloud(u->cost.model) ? MODEL_ELSEWHERE :
	    MODEL_UNKNOWN;
	u->lines = u->retry = u->pass = u->over = false;
	u->failure = failure_make(FAILURE_NONE, NULL);
	thought_begin(&u->thought);
	tidy_begin(&u->tidy, u->word);
	buf_clear(&u->line);
	buf_clear(&u->body);
	buf_clear(&u->request);
	if (!address(u, &u->url, u->server.api == URL_CHAT ? "/api/chat" :
	    "/api/generate") || ollama_request(&u->request, u->settings,
	    u->server.api, u->cost.model, u->system, u->prompt.data,
	    u->prompt.len) == -1) {
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

int
upstream_token(const struct settings *s, char **token, const char **why)
{
	const char	*path = s->text[SETTING_OLLAMA_TOKEN_FILE];

	*token = NULL;
	return *path == '\0' ? 0 : token_of_file(path, token, why);
}

/* Posts, or asks for the model first. */
static void
upstream_try(struct upstream *u, int64_t now)
{
	if (*u->cost.model != '\0')
		post(u, now);
	else if (upstream_do_ask(u, "/api/tags"))
		u->phase = UPSTREAM_MODEL;
	else
		end_code(u, FAILURE_INTERNAL, NULL);
}

void
upstream_begin(struct upstream *u, const struct settings *s,
    const struct http *http, const char *ticket, size_t len, int64_t now)
{
	const char	*why = NULL;

	u->settings = s;
	u->http = http;
	u->begun = u->due = now;
	u->url.cap = u->small_url.cap = SETTING_MAX + 32;
	u->body.cap = UPSTREAM_BODY_MAX;
	u->small_body.cap = UPSTREAM_LIST_MAX;
	u->request.cap = (len + PROMPT_FENCE + SYSTEM_PROMPT_MAX +
	    SETTING_MAX) * 6;
	u->line.cap = u->text.cap = UPSTREAM_LINE_MAX;
	u->raw.cap = UPSTREAM_LINE_MAX * (size_t)3;	/* each U+FFFD */
	u->plain.cap = u->tidied.cap = u->thought.held.cap =
	    u->tidy.held.cap = u->raw.cap * 2;	/* with what was held */
	u->system = prompt_system(s, &why);
	u->prompt.cap = len + PROMPT_FENCE;
	if (u->system == NULL || upstream_token(s, &u->token, &why) == -1) {
		(void)snprintf(u->reason, sizeof(u->reason), "%s: %s",
		    u->system == NULL ? "SYSTEM_PROMPT_FILE" :
		    "OLLAMA_TOKEN_FILE", why == NULL ? strerror(errno) : why);
		end_code(u, FAILURE_INTERNAL, NULL);
		return;
	}
	if (prompt_ticket(&u->prompt, u->system, ticket, len, u->word) == -1)
		end_code(u, FAILURE_INTERNAL, NULL);
}

void
upstream_ask(struct upstream *u, const struct url *server, bool more,
    int64_t now)
{
	u->server = *server;
	u->more = more;
	u->state = FRAME_STATE__MAX;	/* `queued' may have been told */
	(void)snprintf(u->cost.model, sizeof(u->cost.model), "%s",
	    u->settings->text[SETTING_OLLAMA_MODEL]);
	u->cost.queued += (now - u->due) / 1000;
	u->begun += now - u->due;
	upstream_try(u, now);
}

int64_t
upstream_deadline(const struct upstream *u)
{
	int64_t	d, all;

	if (u->phase == UPSTREAM_PAUSE)
		return u->due;
	if (u->phase != UPSTREAM_ANSWER)
		return CLOCK_NEVER;
	d = u->lines ? u->last + seconds(u, SETTING_STALL_TIMEOUT) :
	    u->posted + seconds(u, SETTING_FIRST_TOKEN_TIMEOUT);
	all = u->posted + seconds(u, SETTING_ANSWER_TIMEOUT);
	d = all < d ? all : d;
	return !u->lines && !u->asking && u->due < d ? u->due : d;
}

/* What the end of a call without a whole answer means. */
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
	case HTTP_TIMEOUT:	/* of a small call; an answer has timers */
		return failure_make(FAILURE_UPSTREAM_TIMEOUT,
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

/* The call has ended, perhaps because upstream_take_answer saw the answer's. */
static void
answer_ended(struct upstream *u, int64_t now)
{
	struct http_call	*c = &u->call;

	/* Gin ends a refusal, and a single object, without a line feed. */
	if (!u->over && c->end == HTTP_COMPLETE && c->status == 200 &&
	    u->line.len > 0)
		u->over = !upstream_take_line(u, u->line.data, u->line.len);
	if (u->over) {
		upstream_end(u, u->failure, now);
	} else if (c->end != HTTP_COMPLETE) {
		upstream_end(u, failure_of(u, c), now);
	} else if (c->status != 200) {
		struct failure	f = ollama_refusal(c->status, u->body.data,
				    u->body.len, u->cost.model, &u->retry);

		(void)snprintf(u->reason, sizeof(u->reason),
		    "HTTP %ld %s%.200s", c->status,
		    *c->location == '\0' ? "" : "to ",
		    *c->location != '\0' ? c->location :
		    u->body.data == NULL ? "" : u->body.data);
		/* A question that one finds bad is bad for all of them. */
		u->pass = failure_retryable(f.code) ||
		    f.code == FAILURE_MODEL_MISSING;
		f.retry_after = c->retry_after;
		upstream_end(u, f, now);
	} else {
		(void)snprintf(u->reason, sizeof(u->reason), "%s",
		    "the stream ended without done:true");
		u->retry = true;
		upstream_end(
		    u, failure_make(FAILURE_UPSTREAM_TRUNCATED, NULL), now);
	}
}

/* /api/tags has come, or not. */
static void
model_ended(struct upstream *u, int64_t now)
{
	struct http_call	*c = &u->small;
	struct failure		 f;
	enum failure_code	 code;

	if (c->end != HTTP_COMPLETE) {
		upstream_end(u, failure_of(u, c), now);
	} else if (c->status != 200) {
		f = ollama_refusal(c->status, u->small_body.data,
		    u->small_body.len, "", &u->retry);
		f.retry_after = c->retry_after;
		(void)snprintf(u->reason, sizeof(u->reason),
		    "HTTP %ld for /api/tags", c->status);
		u->pass = true;
		upstream_end(u, f, now);
	} else if ((code = ollama_first_model(u->small_body.data,
	    u->small_body.len, u->cost.model, sizeof(u->cost.model))) !=
	    FAILURE_NONE) {
		u->pass = true;
		upstream_end(u,
		    failure_make(
			code, code == FAILURE_MODEL_MISSING ? "gemma3" : NULL),
		    now);
	} else {
		post(u, now);
	}
}

/* Whether the list of a small answer says that the model runs elsewhere. */
static bool
listed_elsewhere(const struct upstream *u)
{
	struct ollama_model	m;

	return u->small.end == HTTP_COMPLETE && u->small.status == 200 &&
	    ollama_model(u->small_body.data, u->small_body.len,
	    u->cost.model, &m) && m.remote[0] != '\0';
}

/* What the answer to a question of watch_loading means. */
static void
take_list(struct upstream *u, int64_t now)
{
	if (u->local == MODEL_ASKED) {
		u->local = listed_elsewhere(u) ? MODEL_ELSEWHERE : MODEL_HERE;
	} else if (u->small.end != HTTP_COMPLETE || u->small.status != 200) {
		return;		/* it does not matter enough */
	} else if (ollama_lists(u->small_body.data, u->small_body.len,
	    u->cost.model)) {
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
 * While the model is silent: /api/ps tells whether it is being loaded.  One
 * that runs elsewhere is never listed there; before `loading' is told for the
 * first time, /api/tags tells where it runs.
 */
static void
watch_loading(struct upstream *u, int64_t now)
{
	if (u->asking && u->small.end != HTTP_RUNNING) {
		u->asking = false;
		u->due = CLOCK_NEVER;
		take_list(u, now);
	} else if (!u->asking && now >= u->due) {
		u->asking = upstream_do_ask(u, "/api/ps");
		u->due = CLOCK_NEVER;
	}
}

/* Which of the timers has run out; NULL: none. */
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
		if (now >= u->due)
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
	struct buf	*all[] = { &u->url, &u->prompt, &u->request, &u->body,
			    &u->small_url, &u->small_body, &u->line, &u->raw,
			    &u->text, &u->plain, &u->tidied,
			    &u->thought.held, &u->tidy.held };
	size_t		 i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_free(all[i]);
	json_free(&u->json);
	free(u->system);
	free(u->token);
}
