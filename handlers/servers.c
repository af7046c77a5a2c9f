/*
 * What an administrator is told about the model's servers.
 */
#include <stdio.h>
#include <string.h>

#include "failure.h"
#include "limit.h"
#include "servers.h"

static void
tell(const struct url *u, const struct probe *p)
{
	(void)printf("%.*s: ", (int)u->len, u->text);
	if (p->failure.code == FAILURE_NONE)
		(void)printf("model %s%s%s%s\n", p->model,
		    *p->remote == '\0' ? "" : "; WARNING: it runs at ",
		    p->remote,
		    *p->remote == '\0' ? "" : ", tickets leave this machine");
	else if (p->failure.code == FAILURE_MODEL_MISSING)
		(void)printf("the model is not there; get it with: "
		    "ollama pull %s\n", p->failure.detail);
	else
		(void)printf("%s (%s)%s%s\n", failure_name(p->failure.code),
		    p->reason, *p->advice == '\0' ? "" : ". ", p->advice);
}

static void
tell_json(const struct probe *p)
{
	struct buf	line = BUF_INIT(OUTPUT_PENDING);

	if (probe_write(p, &line) == 0)
		(void)fputs(line.data, stdout);
	buf_free(&line);
}

servers_probe *
servers_command(const char *name)
{
	if (strcmp(name, "check") == 0)
		return probe_model;
	return strcmp(name, "load") == 0 ? probe_load : NULL;
}

int
servers_tell(const struct settings *s, const struct http *http,
    servers_probe *probe, bool json)
{
	const char	*list = s->text[SETTING_OLLAMA_SERVER];
	struct probe	 p;
	struct url	 u;
	int		 rc = EXIT_UPSTREAM;

	while (url_next(&list, &u)) {
		probe(&p, s, http, &u);
		if (json)
			tell_json(&p);
		else
			tell(&u, &p);
		if (p.failure.code == FAILURE_NONE)
			rc = EXIT_GOOD;
	}
	return rc;
}
