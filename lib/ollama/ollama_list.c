/*
 * Ollama's lists of models: /api/tags, which it has, and /api/ps, which are
 * loaded.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limit.h"
#include "ollama/ollama.h"

/* Whether a model of /api/tags may complete; older servers do not tell. */
static bool
completes(const struct json *j, int model)
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

/* Parses a list of models; returns its first element's list, or -1. */
static int
models(struct json *j, const char *body, size_t len)
{
	int	list = -1;

	if (len > 0 && json_parse(j, body, len, UPSTREAM_DEPTH,
	    UPSTREAM_TOKENS) == 0)
		list = json_member(j, 0, "models");
	return json_type(j, list) == JSON_ARRAY ? list : -1;
}

/*
 * Where a model of /api/tags runs if that is somebody else's machine; false: it
 * runs here.  Ollama hands the whole question on to it, so that whatever is
 * written in one of these members counts, readable or not.
 */
static bool
read_remote(const struct json *j, int model, struct buf *host)
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
ollama_is_cloud(const char *model)
{
	const char	*tag = strrchr(model, ':');
	size_t		 len = strlen(model);

	if (tag == NULL || strchr(tag, '/') != NULL)
		return false;
	return strcasecmp(tag, ":cloud") == 0 || (len > 6 &&
	    strcasecmp(model + len - 6, "-cloud") == 0);
}

/*
 * Whether this is Ollama's list.  A llama-server has one too, beside that of
 * /v1/models in the same object, but no /api/generate, and an /api/chat that
 * speaks another language.
 */
static bool
is_ollama(const struct json *j)
{
	return json_member(j, 0, "data") == -1 &&
	    json_member(j, 0, "object") == -1;
}

bool
ollama_is_other(const char *body, size_t len)
{
	struct json	j = { 0 };
	bool		other;

	other = models(&j, body, len) != -1 && !is_ollama(&j);
	json_free(&j);
	return other;
}

enum failure_code
ollama_first_model(const char *body, size_t len, char *model, size_t size)
{
	struct buf		name = BUF_INIT(size - 1),
				host = BUF_INIT(1024);
	struct json		j = { 0 };
	enum failure_code	code = FAILURE_UPSTREAM_INVALID;
	int			list, m;

	if ((list = models(&j, body, len)) != -1 && is_ollama(&j)) {
		code = FAILURE_MODEL_MISSING;
		for (m = json_first(&j, list); m != -1;
		    m = json_next(&j, list, m)) {
			buf_clear(&name);
			if (!completes(&j, m) || json_string(&j,
			    json_member(&j, m, "name"), false, &name) == -1 ||
			    name.len == 0 || read_remote(&j, m, &host) ||
			    ollama_is_cloud(name.data))
				continue;
			(void)snprintf(model, size, "%s", name.data);
			code = FAILURE_NONE;
			break;
		}
	}
	buf_free(&name);
	buf_free(&host);
	json_free(&j);
	return code;
}

/* A part of a model's name; not ended by '\0'. */
struct part {
	const char	*text;
	size_t		 len;
};

/* Takes what stands behind the last `separator' off a name; all of it if there
 * is none. */
static struct part
last_part(struct part *name, char separator)
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
or_else(struct part p, const char *text)
{
	return p.len > 0 ? p : (struct part){ text, strlen(text) };
}

/* A name as Ollama takes it apart: [[host/]namespace/]model[:tag]; a scheme in
 * front of the host counts for nothing. */
enum { HOST, NAMESPACE, MODEL, TAG, PARTS };

static void
split_name(const char *text, struct part part[PARTS])
{
	struct part	 rest = { text, strlen(text) };
	const char	*colon = strrchr(text, ':'), *at;

	part[TAG] = (struct part){ "", 0 };
	if (colon != NULL && strchr(colon, '/') == NULL)
		part[TAG] = last_part(&rest, ':');
	part[MODEL] = last_part(&rest, '/');
	part[NAMESPACE] = last_part(&rest, '/');
	if ((at = memmem(rest.text, rest.len, "://", 3)) != NULL) {
		rest.len -= (size_t)(at + 3 - rest.text);
		rest.text = at + 3;
	}
	part[HOST] = or_else(rest, "registry.ollama.ai");
	part[NAMESPACE] = or_else(part[NAMESPACE], "library");
	part[TAG] = or_else(part[TAG], "latest");
}

/* Whether two names are the same model for Ollama. */
static bool
same_model(const char *a, const char *b)
{
	struct part	x[PARTS], y[PARTS];
	int		i;

	split_name(a, x);
	split_name(b, y);
	for (i = 0; i < PARTS; i++) {
		if (x[i].len != y[i].len ||
		    strncasecmp(x[i].text, y[i].text, x[i].len) != 0)
			return false;
	}
	return true;
}

bool
ollama_model(const char *body, size_t len, const char *model,
    struct ollama_model *out)
{
	struct buf	name = BUF_INIT(1024), host = BUF_INIT(1024);
	struct json	j = { 0 };
	bool		found = false;
	int		list, m;

	memset(out, 0, sizeof(*out));
	if ((list = models(&j, body, len)) != -1) {
		for (m = json_first(&j, list); m != -1 && !found;
		    m = json_next(&j, list, m)) {
			buf_clear(&name);
			if (json_string(&j, json_member(&j, m, "name"), false,
			    &name) == -1 || name.data == NULL ||
			    !same_model(name.data, model))
				continue;
			found = true;
			out->completes = completes(&j, m);
			if (read_remote(&j, m, &host))
				(void)snprintf(out->remote,
				    sizeof(out->remote), "%s", host.data);
			out->context = json_int(&j, json_member(&j, m,
			    "context_length"), json_int(&j, json_member(&j,
			    json_member(&j, m, "details"),
			    "context_length"), 0));
		}
	}
	buf_free(&name);
	buf_free(&host);
	json_free(&j);
	return found;
}

bool
ollama_lists(const char *body, size_t len, const char *model)
{
	struct ollama_model	m;

	return ollama_model(body, len, model, &m);
}
