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

/* Gets a small list; false with the reason if there is none. */
static bool
get(struct probe *p, const struct settings *s, const struct http *http,
    const char *path, long *status, struct buf *list)
{
	struct buf		url = BUF_INIT(SETTING_MAX + 32);
	struct http_call	c = { 0 };
	size_t			len;
	char			*token = NULL;

	(void)url_split(s->text[SETTING_OLLAMA_SERVER], &len);
	if (upstream_token(s, &token) == -1)
		(void)snprintf(c.reason, sizeof(c.reason),
		    "OLLAMA_TOKEN_FILE: %s", strerror(errno));
	else if (buf_add(&url, s->text[SETTING_OLLAMA_SERVER], len) == 0 &&
	    buf_puts(&url, path) == 0) {
		c.url = url.data;
		c.token = token;
		c.connect_timeout =
		    (long)s->number[SETTING_CONNECT_TIMEOUT] * 1000;
		c.timeout = UPSTREAM_SMALL_TIMEOUT;
		c.receive = take;
		c.context = list;
		if (http->start(&c) == 0) {
			while (c.end == HTTP_RUNNING && http->wait(-1,
			    UPSTREAM_SMALL_TIMEOUT) == 0)
				;
			http->cancel(&c);
		}
	}
	(void)snprintf(p->reason, sizeof(p->reason), "%s", c.reason);
	*status = c.status;
	buf_free(&url);
	free(token);
	return c.end == HTTP_COMPLETE;
}

void
probe_model(struct probe *p, const struct settings *s, const struct http *http)
{
	struct buf		list = BUF_INIT(UPSTREAM_LIST_MAX);
	struct ollama_model	m;
	bool			retry;
	long			status;

	memset(p, 0, sizeof(*p));
	if (!get(p, s, http, "/api/tags", &status, &list))
		p->failure = failure_make(FAILURE_UPSTREAM_UNREACHABLE, NULL);
	else if (status != 200)
		p->failure = ollama_refusal(status, list.data, list.len, "",
		    &retry);
	else
		choose(p, s, &list);
	buf_clear(&list);
	if (p->failure.code == FAILURE_NONE &&
	    get(p, s, http, "/api/ps", &status, &list) && status == 200 &&
	    ollama_model(list.data, list.len, p->model, &m))
		p->context = m.context;
	buf_free(&list);
}
