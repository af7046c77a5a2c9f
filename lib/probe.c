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
	enum failure_code	 code;

	code = ollama_first_model(list->data, list->len, p->model,
	    sizeof(p->model));
	if (*wanted != '\0' && code != FAILURE_UPSTREAM_INVALID) {
		(void)snprintf(p->model, sizeof(p->model), "%s", wanted);
		code = ollama_lists(list->data, list->len, wanted) ?
		    FAILURE_NONE : FAILURE_MODEL_MISSING;
	}
	p->failure = failure_make(code, p->model[0] != '\0' ? p->model :
	    "gemma3");
}

void
probe_model(struct probe *p, const struct settings *s, const struct http *http)
{
	struct buf		url = BUF_INIT(SETTING_MAX + 32);
	struct buf		list = BUF_INIT(UPSTREAM_LIST_MAX);
	struct http_call	c = { 0 };
	size_t			len;
	char			*token = NULL;
	bool			retry;

	memset(p, 0, sizeof(*p));
	(void)url_split(s->text[SETTING_OLLAMA_SERVER], &len);
	if (upstream_token(s, &token) == -1)
		(void)snprintf(c.reason, sizeof(c.reason),
		    "OLLAMA_TOKEN_FILE: %s", strerror(errno));
	else if (buf_add(&url, s->text[SETTING_OLLAMA_SERVER], len) == 0 &&
	    buf_puts(&url, "/api/tags") == 0) {
		c.url = url.data;
		c.token = token;
		c.connect_timeout =
		    (long)s->number[SETTING_CONNECT_TIMEOUT] * 1000;
		c.timeout = UPSTREAM_SMALL_TIMEOUT;
		c.receive = take;
		c.context = &list;
		if (http->start(&c) == 0) {
			while (c.end == HTTP_RUNNING && http->wait(-1,
			    UPSTREAM_SMALL_TIMEOUT) == 0)
				;
			http->cancel(&c);
		}
	}
	(void)snprintf(p->reason, sizeof(p->reason), "%s", c.reason);
	if (c.end != HTTP_COMPLETE)
		p->failure = failure_make(FAILURE_UPSTREAM_UNREACHABLE, NULL);
	else if (c.status != 200)
		p->failure = ollama_refusal(c.status, list.data, list.len, "",
		    &retry);
	else
		choose(p, s, &list);
	buf_free(&url);
	buf_free(&list);
	free(token);
}
