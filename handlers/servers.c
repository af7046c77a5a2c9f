/*
 * What an administrator is told about the model's servers.
 */
#include <stdio.h>

#include "failure.h"
#include "servers.h"

static void
tell(const struct url *u, const struct probe *p)
{
	(void)printf("%.*s: ", (int)u->len, u->text);
	if (p->failure.code == FAILURE_NONE)
		(void)printf("model %s\n", p->model);
	else if (p->failure.code == FAILURE_MODEL_MISSING)
		(void)printf("the model is not there; get it with: "
		    "ollama pull %s\n", p->failure.detail);
	else
		(void)printf("%s (%s)\n", failure_name(p->failure.code),
		    p->reason);
}

int
servers_tell(const struct settings *s, const struct http *http,
    servers_probe *probe)
{
	const char	*list = s->text[SETTING_OLLAMA_SERVER];
	struct probe	 p;
	struct url	 u;
	int		 rc = EXIT_UPSTREAM;

	while (url_next(&list, &u)) {
		probe(&p, s, http, &u);
		tell(&u, &p);
		if (p.failure.code == FAILURE_NONE)
			rc = EXIT_GOOD;
	}
	return rc;
}
