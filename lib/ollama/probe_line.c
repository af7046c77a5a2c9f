/*
 * What a probe has found on its way from `answer check' to `sessions doctor',
 * which does without libcurl.
 */
#include <stdio.h>
#include <string.h>

#include "base/limit.h"
#include "json/json.h"
#include "json/jsonw.h"
#include "ollama/probe.h"

int
probe_write(const struct probe *p, struct buf *out)
{
	struct jsonw	w;

	jsonw_begin(&w, out);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "code", failure_name(p->failure.code));
	jsonw_text(&w, "reason", p->reason);
	jsonw_text(&w, "advice", p->advice);
	jsonw_text(&w, "model", p->model);
	jsonw_text(&w, "remote", p->remote);
	jsonw_int(&w, "context", p->context);
	jsonw_int(&w, "context_max", p->context_max);
	return jsonw_end(&w, true);
}

/* Copies a member that is a text; what is none is empty. */
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
