/*
 * The lists of models of both dialects.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/limit.h"
#include "json/json.h"
#include "ollama/models.h"

/* Of more tokens sums would overflow. */
#define TOKENS_MAX	INT64_C(1000000000000)

/* A list that is read. */
struct models {
	struct json	 json;
	int		 array;		/* -1: it is no list */
	const char	*name;		/* the member with a model's name */
};

static void
models_open(struct models *l, enum url_api api, const char *body, size_t len)
{
	const bool	openai = api == URL_OPENAI;

	memset(l, 0, sizeof(*l));
	l->array = -1;
	l->name = openai ? "id" : "name";
	if (len > 0 && json_parse(&l->json, body, len, UPSTREAM_DEPTH,
	    UPSTREAM_TOKENS) == 0)
		l->array = json_member(&l->json, 0, openai ? "data" :
		    "models");
	if (json_type(&l->json, l->array) != JSON_ARRAY)
		l->array = -1;
}

/*
 * Finds the model behind this one, or the first one (-1), that has a name, and
 * reads that.  Returns -1 if there is none.
 */
static int
models_next(const struct models *l, int m, struct buf *name)
{
	do {
		m = m == -1 ? json_first(&l->json, l->array) :
		    json_next(&l->json, l->array, m);
		buf_clear(name);
	} while (m != -1 && (json_string(&l->json, json_member(&l->json, m,
	    l->name), false, name) == -1 || name->len == 0));
	return m;
}

/*
 * Whether a model of /api/tags can complete a text; older servers do not say.
 */
static bool
models_completes(const struct json *j, int model)
{
	int	list = json_member(j, model, "capabilities"), c;

	if (json_type(j, list) != JSON_ARRAY)
		return true;
	for (c = json_first(j, list); c != -1; c = json_next(j, list, c)) {
		if (json_equals(j, c, "completion"))
			return true;
	}
	return false;
}

/*
 * Reads on whose machine a model of /api/tags runs.  Returns false if that is
 * the server's own.  Ollama hands the whole question on to another machine if
 * one of these members has any value, readable or not.
 */
static bool
models_remote(const struct json *j, int model, struct buf *host)
{
	static const char *const	members[] = { "remote_host",
					    "remote_model" };
	size_t				i;
	int				value;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		value = json_member(j, model, members[i]);
		if (value == -1 || json_type(j, value) == JSON_NULL ||
		    json_equals(j, value, ""))
			continue;
		buf_clear(host);
		if (i > 0 || json_string(j, value, false, host) == -1)
			buf_clear(host);
		return host->len > 0 ||
		    buf_add(host, "another server", 15) == 0;
	}
	return false;
}

bool
models_is_cloud(const char *model)
{
	const char	*tag = strrchr(model, ':');
	size_t		 len = strlen(model);

	if (tag == NULL || strchr(tag, '/') != NULL)
		return false;
	return strcasecmp(tag, ":cloud") == 0 || (len > 6 &&
	    strcasecmp(model + len - 6, "-cloud") == 0);
}

/*
 * Whether this is Ollama's list.  A llama-server has a list of the same form,
 * with that of /v1/models in the same object, but it has no /api/generate, and
 * its /api/chat is not Ollama's.
 */
static bool
models_is_ollama(const struct json *j)
{
	return json_member(j, 0, "data") == -1 &&
	    json_member(j, 0, "object") == -1;
}

bool
models_is_other(const char *body, size_t len)
{
	struct models	l;
	bool		other;

	models_open(&l, URL_CHAT, body, len);
	other = l.array != -1 && !models_is_ollama(&l.json);
	json_free(&l.json);
	return other;
}

enum failure_code
models_first(enum url_api api, const char *body, size_t len, char *model,
    size_t size)
{
	const bool		openai = api == URL_OPENAI;
	struct buf		name = BUF_INIT(size - 1),
				host = BUF_INIT(1024);
	struct models		l;
	enum failure_code	code = FAILURE_UPSTREAM_INVALID;
	int			m = -1;

	models_open(&l, api, body, len);
	if (l.array != -1 && (openai || models_is_ollama(&l.json)))
		code = FAILURE_MODEL_MISSING;
	while (code == FAILURE_MODEL_MISSING &&
	    (m = models_next(&l, m, &name)) != -1) {
		if (strlen(name.data) != name.len ||
		    models_is_cloud(name.data) || (!openai &&
		    (!models_completes(&l.json, m) || models_remote(&l.json, m,
		    &host))))
			continue;
		(void)snprintf(model, size, "%s", name.data);
		code = FAILURE_NONE;
	}
	buf_free(&name);
	buf_free(&host);
	json_free(&l.json);
	return code;
}

/* A part of a model's name, without a NUL at its end. */
struct part {
	const char	*text;
	size_t		 len;
};

/*
 * Splits off the part behind the last `separator' of a name, or all of the name
 * if it has none.
 */
static struct part
models_last_part(struct part *name, char separator)
{
	const char	*at = memrchr(name->text, separator, name->len);
	struct part	 p = *name;

	if (at == NULL) {
		name->len = 0;
	} else {
		p.text = at + 1;
		p.len = name->len - (size_t)(p.text - name->text);
		name->len = (size_t)(at - name->text);
	}
	return p;
}

static struct part
models_or_else(struct part p, const char *text)
{
	return p.len > 0 ? p : (struct part){ text, strlen(text) };
}

/*
 * The parts of a name as Ollama reads it: [[host/]namespace/]model[:tag]; a
 * scheme in front of the host is ignored.  Names are only compared: nothing is
 * fetched from the host, which Ollama leaves out of a name if it is its own.
 */
enum { HOST, NAMESPACE, MODEL, TAG, PARTS };

static void
models_split(const char *text, struct part part[PARTS])
{
	struct part	 rest = { text, strlen(text) };
	const char	*colon = strrchr(text, ':'), *at;

	part[TAG] = (struct part){ "", 0 };
	if (colon != NULL && strchr(colon, '/') == NULL)
		part[TAG] = models_last_part(&rest, ':');
	part[MODEL] = models_last_part(&rest, '/');
	part[NAMESPACE] = models_last_part(&rest, '/');
	if ((at = memmem(rest.text, rest.len, "://", 3)) != NULL) {
		rest.len -= (size_t)(at + 3 - rest.text);
		rest.text = at + 3;
	}
	part[HOST] = models_or_else(rest, "registry.ollama.ai");
	part[NAMESPACE] = models_or_else(part[NAMESPACE], "library");
	part[TAG] = models_or_else(part[TAG], "latest");
}

/* Whether two names are the same model for Ollama. */
static bool
models_same(const char *a, const char *b)
{
	struct part	x[PARTS], y[PARTS];
	int		i;

	models_split(a, x);
	models_split(b, y);
	for (i = 0; i < PARTS; i++) {
		if (x[i].len != y[i].len ||
		    strncasecmp(x[i].text, y[i].text, x[i].len) != 0)
			return false;
	}
	return true;
}

/* Whether a model of OpenAI's list is a llama.cpp's. */
static bool
models_is_llama(const struct json *j, int model, const struct buf *id)
{
	return json_equals(j, json_member(j, model, "owned_by"), "llamacpp") ||
	    (id->len > 5 && memcmp(id->data + id->len - 5, ".gguf", 5) == 0);
}

/* Reads a count of tokens, of the model itself or of an object in it. */
static int64_t
models_tokens(const struct json *j, int model, const char *name,
    const char *object, const char *inner)
{
	int64_t	n = json_int(j, json_member(j, model, name), 0);

	if (n <= 0)
		n = json_int(j, json_member(j, json_member(j, model, object),
		    inner), 0);
	return n < 0 ? 0 : n > TOKENS_MAX ? TOKENS_MAX : n;
}

bool
models_find(enum url_api api, const char *body, size_t len, const char *model,
    struct model *out)
{
	const bool	openai = api == URL_OPENAI;
	struct buf	name = BUF_INIT(1024), host = BUF_INIT(1024);
	struct models	l;
	bool		found = false;
	int		m = -1;

	memset(out, 0, sizeof(*out));
	models_open(&l, api, body, len);
	while (!found && (m = models_next(&l, m, &name)) != -1) {
		found = models_same(name.data, model);
		if (!found && openai)
			found = out->any = models_is_llama(&l.json, m, &name);
	}
	if (found && openai) {
		out->completes = true;
		out->context = models_tokens(&l.json, m, "max_model_len",
		    "meta", "n_ctx");
		out->context_max = models_tokens(&l.json, m, "context_length",
		    "meta", "n_ctx_train");
	} else if (found) {
		out->completes = models_completes(&l.json, m);
		if (models_remote(&l.json, m, &host))
			(void)snprintf(out->remote, sizeof(out->remote), "%s",
			    host.data);
		out->context = models_tokens(&l.json, m, "context_length",
		    "details", "context_length");
	}
	buf_free(&name);
	buf_free(&host);
	json_free(&l.json);
	return found;
}
