/*
 * Ollama's lists of models: /api/tags, which it has, and /api/ps, which are
 * loaded.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "limit.h"
#include "ollama.h"

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

enum failure_code
ollama_first_model(const char *body, size_t len, char *model, size_t size)
{
	struct buf		name = BUF_INIT(size - 1);
	struct json		j = { 0 };
	enum failure_code	code = FAILURE_UPSTREAM_INVALID;
	int			list, m;

	if ((list = models(&j, body, len)) != -1) {
		code = FAILURE_MODEL_MISSING;
		for (m = json_first(&j, list); m != -1;
		    m = json_next(&j, list, m)) {
			buf_clear(&name);
			if (!completes(&j, m) || json_string(&j,
			    json_member(&j, m, "name"), false, &name) == -1 ||
			    name.len == 0)
				continue;
			(void)snprintf(model, size, "%s", name.data);
			code = FAILURE_NONE;
			break;
		}
	}
	buf_free(&name);
	json_free(&j);
	return code;
}

/* Whether two names are the same model: a missing tag is "latest". */
static bool
same_model(const char *a, const char *b)
{
	size_t	len = strlen(b);

	if (strcasecmp(a, b) == 0)
		return true;
	return strchr(b, ':') == NULL && strncasecmp(a, b, len) == 0 &&
	    strcasecmp(a + len, ":latest") == 0;
}

bool
ollama_model(const char *body, size_t len, const char *model,
    struct ollama_model *out)
{
	struct buf	name = BUF_INIT(1024);
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
			out->context = json_int(&j, json_member(&j, m,
			    "context_length"), json_int(&j, json_member(&j,
			    json_member(&j, m, "details"),
			    "context_length"), 0));
		}
	}
	buf_free(&name);
	json_free(&j);
	return found;
}

bool
ollama_lists(const char *body, size_t len, const char *model)
{
	struct ollama_model	m;

	return ollama_model(body, len, model, &m);
}
