/*
 * Asks a model server which models it has; writes and reads what was found.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limit.h"
#include "base/url.h"
#include "json/json.h"
#include "json/jsonw.h"
#include "ollama/models.h"
#include "ollama/ollama.h"
#include "ollama/openai.h"
#include "ollama/probe.h"
#include "ollama/upstream.h"

static bool
probe_take(void *context, long status, const char *data, size_t len)
{
	(void)status;
	return buf_add(context, data, len) == 0;
}

/* Sets the advice. */
static void
advise(struct probe *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
advise(struct probe *p, const char *format, ...)
{
	va_list	ap;

	va_start(ap, format);
	(void)vsnprintf(p->advice, sizeof(p->advice), format, ap);
	va_end(ap);
}

/* Sets reason and advice for a response that is no model server's. */
static void
advise_page(struct probe *p, const struct url *server)
{
	const bool	openai = server->api == URL_OPENAI;

	if (*p->reason == '\0')
		(void)snprintf(p->reason, sizeof(p->reason),
		    "the reply is not %s", openai ? "a list of models as "
		    "OpenAI's /v1/models has it" : "Ollama's");
	advise(p, "Another program answers there, perhaps a proxy that "
	    "requires a login: set OLLAMA_SERVER to %s own address, or %s for "
	    "the proxy", openai ? "the model server's" : "Ollama's",
	    openai ? "token=FILE behind it" : "OLLAMA_TOKEN_FILE");
}

/* Names the address to use in place of one of Ollama's API. */
static void
advise_openai(struct probe *p, const struct url *server, const char *what)
{
	p->failure = failure_make(FAILURE_UPSTREAM_INVALID, NULL);
	(void)snprintf(p->reason, sizeof(p->reason), "%s", what);
	advise(p, "Set OLLAMA_SERVER=%.*s/v1", (int)server->base,
	    server->text);
}

/* Sets the failure for a call without a response. */
static void
probe_unanswered(struct probe *p, const struct http_call *c,
    const struct url *server)
{
	enum failure_code	code = FAILURE_UPSTREAM_UNREACHABLE;
	const char		*detail = NULL;

	switch (c->end) {
	case HTTP_CERTIFICATE:
		detail = FAILURE_CERTIFICATE;
		advise(p, "Let this machine trust the authority that signed "
		    "the certificate: put its certificate (PEM, name ending in "
		    ".crt) below /usr/local/share/ca-certificates and run "
		    "update-ca-certificates");
		break;
	case HTTP_INVALID:
		code = FAILURE_UPSTREAM_INVALID;
		advise_page(p, server);
		break;
	case HTTP_NO_CONNECTION:
		code = FAILURE_UPSTREAM_TIMEOUT;
		detail = "CONNECT_TIMEOUT";
		advise(p, "Nothing answers at that address, or no name server "
		    "resolves it in time: check OLLAMA_SERVER, the firewall "
		    "and /etc/resolv.conf");
		break;
	case HTTP_TIMEOUT:
		code = FAILURE_UPSTREAM_TIMEOUT;
		advise(p, "It accepts connections but does not answer: read "
		    "the model server's own log, and restart it");
		break;
	case HTTP_REFUSED:
		code = FAILURE_UPSTREAM_INVALID;
		advise_page(p, server);
		break;
	case HTTP_RUNNING:
	case HTTP_COMPLETE:
	case HTTP_UNREACHABLE:
	case HTTP_BROKEN:
	case HTTP_FAILED:
	default:
		break;
	}
	p->failure = failure_make(code, detail);
}

/* Sets the failure for a response whose status is not 200. */
static void
probe_refused(struct probe *p, const struct http_call *c,
    const struct url *server, const char *path, const struct buf *body)
{
	const bool		openai = server->api == URL_OPENAI;
	size_t			len = strlen(c->location);
	size_t			path_len = strlen(path);
	struct openai_refusal	r;
	bool			retry;

	if (openai)
		openai_refuse(&r, c->status, body->data, body->len, p->model);
	p->failure = openai ? r.failure : ollama_refusal(c->status, body->data,
	    body->len, p->model, &retry);
	(void)snprintf(p->reason, sizeof(p->reason), "HTTP %ld%s%.200s",
	    c->status, len == 0 ? "" : ", redirected to ", c->location);
	if (len > path_len && strcmp(c->location + len - path_len, path) == 0)
		advise(p, "Set OLLAMA_SERVER=%.*s%s", (int)(len - path_len),
		    c->location, openai ? "/v1" : "");
	else if (len > 0)
		advise(p, "ticketchat does not follow redirections: set "
		    "OLLAMA_SERVER to %s own address",
		    openai ? "the model server's" : "Ollama's");
	else if (openai && r.loading)
		advise(p, "It is loading its model: questions wait for that, "
		    "FIRST_TOKEN_TIMEOUT at most");
	else if (c->status == 401 || c->status == 403 || c->status == 407)
		advise(p, "The server requires a bearer token "
		    "(%s), or accepts only its own name", openai ?
		    "token=FILE behind its address" : "OLLAMA_TOKEN_FILE");
	else if (p->failure.code == FAILURE_UPSTREAM_REJECTED &&
	    (c->status == 404 || c->status == 405))
		advise(p, openai ? "There is no %.*s%s: an address must end "
		    "in /v1 or /v1/chat/completions" : "There is no %.*s%s: an "
		    "address must end in /api/generate or /api/chat, or be "
		    "just http://HOST:PORT; or in /v1 if the server speaks "
		    "OpenAI's dialect", (int)server->base, server->text, path);
}

/* Copies the name of the settings' model, or else of the first usable one of a
   list.  Returns as models_first; the former is not looked for. */
static enum failure_code
probe_name(struct probe *p, const struct settings *s,
    const struct url *server, const struct buf *list)
{
	const char		*wanted = s->text[SETTING_OLLAMA_MODEL];
	enum failure_code	 code;

	code = models_first(server->api, list->data, list->len, p->model,
	    sizeof(p->model));
	if (*wanted == '\0' || code == FAILURE_UPSTREAM_INVALID)
		return code;
	(void)snprintf(p->model, sizeof(p->model), "%s", wanted);
	return FAILURE_MODEL_MISSING;
}

/* Finds the model of the settings, or the first usable one, in a list. */
static void
probe_choose(struct probe *p, const struct settings *s,
    const struct url *server, const struct buf *list)
{
	struct model		m = { .completes = true };
	enum failure_code	code;

	if (models_is_other(list->data, list->len)) {
		advise_openai(p, server, "a llama-server, which speaks /v1 "
		    "and not Ollama's /api");
		return;
	}
	code = probe_name(p, s, server, list);
	if (p->model[0] != '\0' && models_find(server->api, list->data,
	    list->len, p->model, &m)) {
		code = FAILURE_NONE;
	} else if (code == FAILURE_MODEL_MISSING && models_is_cloud(p->model)) {
		code = FAILURE_NONE;	/* a model of the cloud need not be
					   listed */
		m.completes = true;
	}
	if (m.remote[0] == '\0' && models_is_cloud(p->model))
		(void)snprintf(m.remote, sizeof(m.remote), "Ollama's cloud");
	(void)snprintf(p->remote, sizeof(p->remote), "%s", m.remote);
	p->context_max = m.context;
	if (code == FAILURE_NONE && !m.completes) {
		code = FAILURE_UPSTREAM_REJECTED;
		(void)snprintf(p->reason, sizeof(p->reason),
		    "this model writes no text");
		advise(p, "Set OLLAMA_MODEL to another model");
	} else if (code == FAILURE_UPSTREAM_INVALID) {
		advise_page(p, server);
	}
	p->failure = failure_make(code, p->model[0] != '\0' ? p->model :
	    "gemma3");
}

/* Finds the model of the settings, or the first one, in OpenAI's list. */
static void
probe_choose_openai(struct probe *p, const struct settings *s,
    const struct url *server, const struct buf *list)
{
	enum failure_code	code = probe_name(p, s, server, list);
	struct model		m;

	if (code == FAILURE_UPSTREAM_INVALID) {
		advise_page(p, server);
	} else if (models_find(server->api, list->data, list->len, p->model,
	    &m)) {
		code = FAILURE_NONE;
		p->context = m.context;
		p->context_max = m.context_max;
		(void)snprintf(p->note, sizeof(p->note), "OpenAI's dialect: "
		    "the server does not tell whether the model is loaded%s, "
		    "nor on whose machine it runs%s", m.context > 0 ? "" :
		    ", how long a prompt may be", m.any ? "; it is a "
		    "llama.cpp, which answers with the model that it has, "
		    "whatever OLLAMA_MODEL is" : "");
		if (models_is_cloud(p->model))
			(void)snprintf(p->remote, sizeof(p->remote),
			    "Ollama's cloud");
	} else {
		advise(p, "%s: set OLLAMA_MODEL to a name of %.*s/v1/models",
		    *s->text[SETTING_OLLAMA_MODEL] == '\0' ?
		    "The server lists no model" :
		    "The server does not list it", (int)server->base,
		    server->text);
	}
	p->failure = failure_make(code, p->model[0] != '\0' ? p->model :
	    "?");
}

/*
 * Makes one call, a POST if there is a body.  Returns false with the failure if
 * it fails.
 */
static bool
call(struct probe *p, const struct settings *s, const struct http *http,
    const struct url *server, const char *path, const struct buf *body,
    int64_t timeout, struct buf *out)
{
	struct buf		url = BUF_INIT(SETTING_MAX + 32);
	struct http_call	c = { 0 };
	char			*token = NULL, path_of[SETTING_MAX + 1];
	const char		*why = NULL, *key;

	buf_clear(out);
	p->failure = failure_make(FAILURE_NONE, NULL);
	if (upstream_token(s, server, &token, &why) == -1) {
		key = upstream_token_file(s, server, path_of);
		(void)snprintf(c.reason, sizeof(c.reason), "%s%.100s: %s",
		    key, key[strlen(key) - 1] == '=' ? path_of : "", why);
	} else if (buf_add(&url, server->text, server->base) == 0 &&
	    buf_puts(&url, path) == 0) {
		c.url = url.data;
		c.body = body == NULL ? NULL : body->data;
		c.body_len = body == NULL ? 0 : body->len;
		c.token = token;
		c.connect_timeout =
		    (long)s->number[SETTING_CONNECT_TIMEOUT] * 1000;
		c.timeout = (long)timeout;
		c.receive = probe_take;
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
		probe_unanswered(p, &c, server);
	else if (c.status != 200)
		probe_refused(p, &c, server, path, out);
	buf_free(&url);
	free(token);
	return p->failure.code == FAILURE_NONE;
}

/*
 * A server with Ollama's list of models, but without its version, is another
 * program that imitates the list for its own clients.
 */
static void
probe_version(struct probe *p, const struct settings *s,
    const struct http *http, const struct url *server, struct buf *out)
{
	if (call(p, s, http, server, "/api/version", NULL,
	    UPSTREAM_SMALL_TIMEOUT, out) || (p->failure.code !=
	    FAILURE_UPSTREAM_REJECTED && p->failure.code !=
	    FAILURE_MODEL_MISSING && p->failure.code !=
	    FAILURE_UPSTREAM_ERROR))
		p->failure = failure_make(FAILURE_NONE, NULL);
	else
		advise_openai(p, server, "it answers /api/tags but not "
		    "/api/version, so it is no Ollama");
}

void
probe_model(struct probe *p, const struct settings *s, const struct http *http,
    const struct url *server)
{
	const bool		openai = server->api == URL_OPENAI;
	struct buf		list = BUF_INIT(UPSTREAM_LIST_MAX);
	struct model		m;

	memset(p, 0, sizeof(*p));
	if (call(p, s, http, server, openai ? "/v1/models" : "/api/tags", NULL,
	    UPSTREAM_SMALL_TIMEOUT, &list))
		(openai ? probe_choose_openai : probe_choose)(p, s, server,
		    &list);
	if (!openai && p->failure.code == FAILURE_NONE)
		probe_version(p, s, http, server, &list);
	if (!openai && p->failure.code == FAILURE_NONE) {
		if (call(p, s, http, server, "/api/ps", NULL,
		    UPSTREAM_SMALL_TIMEOUT, &list) &&
		    models_find(server->api, list.data, list.len, p->model,
		    &m))
			p->context = m.context;
		/* Without /api/ps only the context is unknown. */
		p->failure = failure_make(FAILURE_NONE, NULL);
		p->reason[0] = p->advice[0] = '\0';
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
	if (p->failure.code != FAILURE_NONE || server->api == URL_OPENAI)
		return;
	if (ollama_load(&body, s, p->model) == -1)
		p->failure = failure_make(FAILURE_INTERNAL, NULL);
	else
		(void)call(p, s, http, server, "/api/generate", &body,
		    s->number[SETTING_FIRST_TOKEN_TIMEOUT] * 1000, &out);
	buf_free(&body);
	buf_free(&out);
}

int
probe_write(const struct probe *p, struct buf *out)
{
	struct jsonw	w;

	jsonw_begin(&w, out);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "code", failure_name(p->failure.code));
	jsonw_text(&w, "reason", p->reason);
	jsonw_text(&w, "advice", p->advice);
	jsonw_text(&w, "note", p->note);
	jsonw_text(&w, "model", p->model);
	jsonw_text(&w, "remote", p->remote);
	jsonw_int(&w, "context", p->context);
	jsonw_int(&w, "context_max", p->context_max);
	return jsonw_end(&w, true);
}

/* Copies a member that is a text; "" if it is none. */
static void
text(const struct json *j, const char *name, char *to, size_t size)
{
	struct buf	b = BUF_INIT(size - 1);

	if (json_string(j, json_member(j, 0, name), false, &b) == -1)
		buf_clear(&b);
	(void)snprintf(to, size, "%s", b.data == NULL ? "" : b.data);
	buf_free(&b);
}

int
probe_read(struct probe *p, const char *line, size_t len)
{
	struct json	j = { 0 };
	char		code[64];
	int		rc = -1;

	memset(p, 0, sizeof(*p));
	if (json_parse(&j, line, len, MESSAGE_DEPTH, MESSAGE_TOKENS) == 0 &&
	    json_member(&j, 0, "code") >= 0) {
		text(&j, "code", code, sizeof(code));
		text(&j, "reason", p->reason, sizeof(p->reason));
		text(&j, "advice", p->advice, sizeof(p->advice));
		text(&j, "note", p->note, sizeof(p->note));
		text(&j, "model", p->model, sizeof(p->model));
		text(&j, "remote", p->remote, sizeof(p->remote));
		p->context = json_int(&j, json_member(&j, 0, "context"), 0);
		p->context_max = json_int(&j, json_member(&j, 0,
		    "context_max"), 0);
		p->failure = failure_make(failure_from_name(code,
		    strlen(code)), p->model);
		rc = 0;
	}
	json_free(&j);
	return rc;
}
