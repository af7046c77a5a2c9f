/*
 * The upstreams of a generation: see pool.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "generation/pool.h"
#include "ollama/models.h"
#include "ollama/upstream.h"

void
pool_open(struct pool *p, const struct settings *s, bool alone)
{
	const char	*list = s->text[SETTING_OLLAMA_SERVER];
	struct url	 u;

	p->settings = s;
	p->alone = alone;
	p->chosen = p->last = -1;
	while (p->count < SERVERS_MAX && url_next(&list, &u)) {
		p->server[p->count].url = u;
		p->slots[p->count].url = &p->server[p->count].url;
		p->slots[p->count++].key = url_key(u.text, u.base);
	}
	if (p->count > 1 && !alone)
		p->health = health_open(s->text[SETTING_RUN_DIR]);
}

/* Updates which servers may be asked now; the others get 0 slots. */
static void
pool_update(struct pool *p)
{
	const int	parallel =
			    (int)p->settings->number[SETTING_GENERATIONS];
	const int64_t	now = clock_us();
	int64_t		again;
	bool		well = false;
	int		i;

	health_read(p->health);
	for (i = 0; i < p->count; i++) {
		struct pool_server	*s = &p->server[i];

		again = health_again(p->health, p->slots[i].key, now);
		s->again = again > s->again ? again : s->again;
		well = well || s->again <= now;
	}
	for (i = 0; i < p->count; i++) {
		const struct pool_server	*s = &p->server[i];

		p->slots[i].slots = (well ? s->again <= now : !s->tried) ?
		    parallel * s->url.weight : 0;
	}
}

int
pool_try(struct pool *p, struct slot *slot, struct node *node, int max)
{
	int	rc;

	pool_update(p);
	if (p->alone) {
		for (p->chosen = 0; p->chosen < p->count - 1 &&
		    p->slots[p->chosen].slots == 0; )
			p->chosen++;
		return 0;
	}
	rc = slots_try(node, slot, p->slots, p->count, max);
	if (rc == 0)
		p->chosen = slot->server;
	return rc;
}

bool
pool_more(const struct pool *p)
{
	int	i;

	for (i = 0; i < p->count; i++) {
		if (i != p->chosen && !p->server[i].tried)
			return true;
	}
	return false;
}

/* Notes that the chosen server has failed. */
static void
pool_failed(struct pool *p)
{
	struct pool_server	*s = &p->server[p->chosen];

	s->tried = true;
	s->again = health_failed(p->health, p->slots[p->chosen].key,
	    clock_us());
}

void
pool_pass_over(struct pool *p, struct node *node, enum failure_code code,
    const char *reason)
{
	const struct url	*u = &p->server[p->chosen].url;
	char			 why[512];

	log_line(LOG_LEVEL_WARNING, "passed_over=\"%.*s\" code=%s"
	    " reason=\"%s\"", (int)u->len, u->text, failure_name(code),
	    log_value(why, sizeof(why), reason));
	pool_failed(p);
	if (!p->alone)
		slots_release(node);
	p->chosen = -1;
}

void
pool_end(struct pool *p, enum pool_end how)
{
	if (p->chosen == -1)
		return;
	if (how == POOL_FAILED)
		pool_failed(p);
	else if (how == POOL_GOOD)
		health_good(p->health, p->slots[p->chosen].key);
}

/* The call to a server; call.url is NULL if this server is not asked. */
struct pool_call {
	struct http_call	call;
	struct buf		url, body;
	char			*token;		/* the server's bearer, or
						   NULL */
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
		free(p->calls[i].token);
	}
	free(p->calls);
	p->calls = NULL;
}

/*
 * Starts the call to a server.  Returns false if there is no memory, or if its
 * bearer cannot be read.  OpenAI's dialect does not tell which models are
 * loaded, only which there are.
 */
static bool
pool_ask_start(struct pool *p, struct pool_call *c, const struct url *u)
{
	const char	*why;

	c->url.cap = SETTING_MAX + 32;
	c->body.cap = UPSTREAM_LIST_MAX;
	if (buf_add(&c->url, u->text, u->base) == -1 ||
	    buf_puts(&c->url, u->api == URL_OPENAI ? "/v1/models" :
	    "/api/ps") == -1 ||
	    upstream_token(p->settings, u, &c->token, &why) == -1)
		return false;
	c->call.url = c->url.data;
	c->call.token = c->token;
	c->call.connect_timeout = c->call.timeout = LOADED_TIMEOUT;
	c->call.receive = pool_ask_receive;
	c->call.context = c;
	return p->http->start(&c->call) == 0;
}

bool
pool_ask(struct pool *p, const struct http *http)
{
	const int64_t	 now = clock_us();
	bool		 good = true;
	int		 i;

	if (p->count < 2 || p->alone)
		return false;
	p->http = http;
	if ((p->calls = calloc((size_t)p->count, sizeof(*p->calls))) == NULL)
		return false;
	for (i = 0; good && i < p->count; i++) {
		if (p->server[i].again <= now)
			good = pool_ask_start(p, &p->calls[i],
			    &p->server[i].url);
	}
	if (!good)
		pool_ask_free(p);	/* upstream_ask will report the error */
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
pool_ask_loaded(const struct pool *p, int i)
{
	const struct pool_call	*c = &p->calls[i];
	const enum url_api	 api = p->server[i].url.api;
	const char	*model = p->settings->text[SETTING_OLLAMA_MODEL];
	struct model	 m;
	char		 any[256];

	if (c->call.status != 200)
		return false;
	if (*model != '\0')
		return models_find(api, c->body.data, c->body.len, model, &m);
	/* No model is set: the server will use any; prefer one that is
	   loaded. */
	return models_first(api, c->body.data, c->body.len, any, sizeof(any)) ==
	    FAILURE_NONE;
}

/* The name of a server; names of this machine's begin with the host's name. */
static void
pool_name_of(const struct pool *p, int i, char name[URL_NAME_MAX])
{
	char	machine[256] = "";

	(void)gethostname(machine, sizeof(machine) - 1);
	url_name(&p->server[i].url, machine, name);
}

void
pool_name(const struct pool *p, char name[URL_NAME_MAX])
{
	*name = '\0';
	if (p->chosen != -1)
		pool_name_of(p, p->chosen, name);
}

void
pool_note_last(struct pool *p, const char *name)
{
	char	one[URL_NAME_MAX];
	int	i;

	for (i = 0; i < p->count; i++) {
		pool_name_of(p, i, one);
		if (strcmp(one, name) == 0)
			p->last = i;
	}
}

/* Moves to the server that answered last.  Returns as slots_take. */
static int
pool_take_last(struct pool *p, struct node *node)
{
	struct slots_server	one[SERVERS_MAX];
	int			i;

	if (p->last == -1 || p->last == p->chosen ||
	    p->slots[p->last].slots == 0)
		return -1;
	memcpy(one, p->slots, (size_t)p->count * sizeof(*one));
	for (i = 0; i < p->count; i++)
		one[i].slots = i == p->last ? one[i].slots : 0;
	return slots_take(node, one, p->count, 0);
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
		    !pool_ask_loaded(p, i))
			p->slots[i].slots = 0;	/* take no slot here */
		else if (i == p->chosen)
			here = true;
	}
	pool_ask_free(p);
	got = pool_take_last(p, node);
	if (got < 0 && !here)
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
