/*
 * Asking the upstreams which models they have loaded.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "generation/pool.h"
#include "ollama/ollama.h"
#include "ollama/upstream.h"

/* The call to a server; call.url is NULL if this server is not asked. */
struct pool_call {
	struct http_call	call;
	struct buf		url, body;
};

static bool
pool_ask_receive(void *context, long status, const char *data, size_t len)
{
	struct pool_call	*c = context;

	return status != 200 || buf_add(&c->body, data, len) == 0;
}

static void
pool_ask_free(struct pool *p)
{
	int	i;

	for (i = 0; p->calls != NULL && i < p->count; i++) {
		p->http->cancel(&p->calls[i].call);
		buf_free(&p->calls[i].url);
		buf_free(&p->calls[i].body);
	}
	free(p->calls);
	free(p->token);
	p->calls = NULL;
	p->token = NULL;
}

/* Starts the call to a server.  Returns false if there is no memory. */
static bool
pool_ask_start(struct pool *p, struct pool_call *c, const struct url *u)
{
	c->url.cap = SETTING_MAX + 32;
	c->body.cap = UPSTREAM_LIST_MAX;
	if (buf_add(&c->url, u->text, u->base) == -1 ||
	    buf_puts(&c->url, "/api/ps") == -1)
		return false;
	c->call.url = c->url.data;
	c->call.token = p->token;
	c->call.connect_timeout = c->call.timeout = LOADED_TIMEOUT;
	c->call.receive = pool_ask_receive;
	c->call.context = c;
	return p->http->start(&c->call) == 0;
}

bool
pool_ask(struct pool *p, const struct http *http)
{
	const int64_t	 now = clock_us();
	const char	*why;
	bool		 good = true;
	int		 i;

	if (p->count < 2 || p->alone)
		return false;
	p->http = http;
	if (upstream_token(p->settings, &p->token, &why) == -1 ||
	    (p->calls = calloc((size_t)p->count, sizeof(*p->calls))) == NULL) {
		pool_ask_free(p);	/* upstream_begin will report the
					   error */
		return false;
	}
	for (i = 0; good && i < p->count; i++) {
		if (p->server[i].again <= now)
			good = pool_ask_start(p, &p->calls[i],
			    &p->server[i].url);
	}
	if (!good)
		pool_ask_free(p);
	return good;
}

bool
pool_asking(const struct pool *p)
{
	int	i;

	for (i = 0; i < p->count; i++) {
		if (p->calls[i].call.url != NULL &&
		    p->calls[i].call.end == HTTP_RUNNING)
			return true;
	}
	return false;
}

/* Whether a server's answer lists the model as loaded. */
static bool
pool_ask_loaded(const struct pool *p, const struct pool_call *c)
{
	const char	*model = p->settings->text[SETTING_OLLAMA_MODEL];
	char		 any[256];

	if (c->call.status != 200)
		return false;
	if (*model != '\0')
		return ollama_lists(c->body.data, c->body.len, model);
	/* No model is set: the server will use any; prefer one that is
	   loaded. */
	return ollama_first_model(c->body.data, c->body.len, any,
	    sizeof(any)) == FAILURE_NONE;
}

bool
pool_prefer(struct pool *p, struct node *node)
{
	struct pool_call	*c;
	char			 why[sizeof(c->call.reason)] = "";
	bool			 here = false, silent = false;
	int			 i, got = -1;

	for (i = 0; i < p->count; i++) {
		c = &p->calls[i];
		if (c->call.url != NULL && c->call.end != HTTP_COMPLETE) {
			p->server[i].again = health_failed(p->health,
			    p->slots[i].key, clock_us());
			if (i == p->chosen) {
				silent = true;
				(void)snprintf(why, sizeof(why), "%s",
				    c->call.reason);
			}
		}
		if (c->call.url == NULL || c->call.end != HTTP_COMPLETE ||
		    !pool_ask_loaded(p, c))
			p->slots[i].slots = 0;	/* take no slot here */
		else if (i == p->chosen)
			here = true;
	}
	pool_ask_free(p);
	if (!here)
		got = slots_take(node, p->slots, p->count, 0);
	if (got >= 0)
		p->chosen = got;
	if (got >= 0 || !silent || !pool_more(p))
		return true;
	pool_pass_over(p, node, FAILURE_UPSTREAM_UNREACHABLE, why);
	return false;
}

void
pool_close(struct pool *p)
{
	pool_ask_free(p);
	health_close(p->health);
}
