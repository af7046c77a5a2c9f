/*
 * Asking the model's server which models it has.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "limit.h"
#include "ollama.h"
#include "probe.h"
#include "upstream.h"
#include "url.h"

static bool
take(void *context, long status, const char *data, size_t len)
{
	(void)status;
	return buf_add(context, data, len) == 0;
}

/* Finds the model in a list, or the one that is asked for. */
static void
choose(struct probe *p, const struct settings *s, const struct buf *list)
{
	const char		*wanted = s->text[SETTING_OLLAMA_MODEL];
	struct ollama_model	 m = { .completes = true };
	enum failure_code	 code;

	code = ollama_first_model(list->data, list->len, p->model,
	    sizeof(p->model));
	if (*wanted != '\0' && code != FAILURE_UPSTREAM_INVALID) {
		(void)snprintf(p->model, sizeof(p->model), "%s", wanted);
		code = FAILURE_MODEL_MISSING;
	}
	if (p->model[0] != '\0' &&
	    ollama_model(list->data, list->len, p->model, &m))
		code = FAILURE_NONE;
	p->context_max = m.context;
	if (code == FAILURE_NONE && !m.completes) {
		code = FAILURE_UPSTREAM_REJECTED;
		(void)snprintf(p->reason, sizeof(p->reason),
		    "a model that writes no text");
	}
	p->failure = failure_make(code, p->model[0] != '\0' ? p->model :
	    "gemma3");
}

/* Makes one call, a POST if there is a body; false: failed, with the reason. */
static bool
call(struct probe *p, const struct settings *s, const struct http *http,
    const struct url *server, const char *path, const struct buf *body,
    int64_t timeout, struct buf *out)
{
	struct buf		url = BUF_INIT(SETTING_MAX + 32);
	struct http_call	c = { 0 };
	char			*token = NULL;
	bool			retry;

	buf_clear(out);
	p->failure = failure_make(FAILURE_NONE, NULL);
	if (upstream_token(s, &token) == -1)
		(void)snprintf(c.reason, sizeof(c.reason),
		    "OLLAMA_TOKEN_FILE: %s", strerror(errno));
	else if (buf_add(&url, server->text, server->base) == 0 &&
	    buf_puts(&url, path) == 0) {
		c.url = url.data;
		c.body = body == NULL ? NULL : body->data;
		c.body_len = body == NULL ? 0 : body->len;
		c.token = token;
		c.connect_timeout =
		    (long)s->number[SETTING_CONNECT_TIMEOUT] * 1000;
		c.timeout = (long)timeout;
		c.receive = take;
		c.context = out;
		if (http->start(&c) == 0) {
			while (c.end == HTTP_RUNNING &&
			    http->wait(-1, (int)timeout) == 0)
				;
			http->cancel(&c);
		}
	}
	(void)snprintf(p->reason, sizeof(p->reason), "%s", c.reason);
	if (c.end != HTTP_COMPLETE)
		p->failure = failure_make(FAILURE_UPSTREAM_UNREACHABLE, NULL);
	else if (c.status != 200)
		p->failure = ollama_refusal(c.status, out->data, out->len,
		    p->model, &retry);
	buf_free(&url);
	free(token);
	return p->failure.code == FAILURE_NONE;
}

void
probe_model(struct probe *p, const struct settings *s, const struct http *http,
    const struct url *server)
{
	struct buf		list = BUF_INIT(UPSTREAM_LIST_MAX);
	struct ollama_model	m;

	memset(p, 0, sizeof(*p));
	if (call(p, s, http, server, "/api/tags", NULL, UPSTREAM_SMALL_TIMEOUT,
	    &list))
		choose(p, s, &list);
	if (p->failure.code == FAILURE_NONE) {
		if (call(p, s, http, server, "/api/ps", NULL,
		    UPSTREAM_SMALL_TIMEOUT, &list) &&
		    ollama_model(list.data, list.len, p->model, &m))
			p->context = m.context;
		p->failure = failure_make(FAILURE_NONE, NULL);
	}
	buf_free(&list);
}

void
probe_load(struct probe *p, const struct settings *s, const struct http *http,
    const struct url *server)
{
	struct buf	body = BUF_INIT(SETTING_MAX * 2);
	struct buf	out = BUF_INIT(UPSTREAM_BODY_MAX);

	probe_model(p, s, http, server);
	if (p->failure.code != FAILURE_NONE)
		return;
	if (ollama_load(&body, s, p->model) == -1)
		p->failure = failure_make(FAILURE_INTERNAL, NULL);
	else
		(void)call(p, s, http, server, "/api/generate", &body,
		    s->number[SETTING_FIRST_TOKEN_TIMEOUT] * 1000, &out);
	buf_free(&body);
	buf_free(&out);
}
