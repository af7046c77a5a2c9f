/*
 * Reports about the model's servers.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/limit.h"
#include "frame/failure.h"
#include "generation/generation.h"
#include "servers.h"

static void
servers_print(const struct url *u, const struct probe *p)
{
	(void)printf("%.*s: ", (int)u->len, u->text);
	if (p->failure.code == FAILURE_NONE)
		(void)printf("model %s%s%s%s%s%s\n", p->model,
		    *p->remote == '\0' ? "" : "; WARNING: the model runs at ",
		    p->remote,
		    *p->remote == '\0' ? "" : ", tickets leave this machine",
		    *p->note == '\0' ? "" : "; ", p->note);
	else if (p->failure.code == FAILURE_MODEL_MISSING &&
	    u->api != URL_OPENAI)
		(void)printf("the model is not installed; install it with: "
		    "ollama pull %s\n", p->failure.detail);
	else
		(void)printf("%s (%s%s%s)%s%s\n",
		    failure_name(p->failure.code), p->reason,
		    p->failure.code != FAILURE_MODEL_MISSING ? "" :
		    *p->reason == '\0' ? "model " : ", model ",
		    p->failure.code != FAILURE_MODEL_MISSING ? "" :
		    p->failure.detail, *p->advice == '\0' ? "" : ". ",
		    p->advice);
}

static void
servers_print_json(const struct probe *p)
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
servers_report(const struct settings *s, const struct http *http,
    servers_probe *probe, bool json)
{
	const char	*list = s->text[SETTING_OLLAMA_SERVER];
	struct probe	 p;
	struct url	 u;
	int		 rc = EXIT_UPSTREAM;

	while (url_next(&list, &u)) {
		probe(&p, s, http, &u);
		if (json)
			servers_print_json(&p);
		else
			servers_print(&u, &p);
		if (p.failure.code == FAILURE_NONE)
			rc = EXIT_GOOD;
	}
	return rc;
}

/* Runs in a child: reports about a server and has it load the model. */
static void
servers_probe_one(const struct settings *s, const struct http *http,
    const struct url *u, int good)
{
	struct probe	p;

	probe_model(&p, s, http, u);
	(void)printf("  model     ");
	servers_print(u, &p);
	(void)fflush(stdout);
	if (p.failure.code == FAILURE_NONE && write(good, "", 1) == -1)
		_exit(EXIT_SYSTEM);
	(void)close(good);
	/* Load the model now, so that the first question need not wait. */
	if (p.failure.code == FAILURE_NONE &&
	    *s->text[SETTING_OLLAMA_KEEP_ALIVE] != '\0')
		probe_load(&p, s, http, u);
	_exit(EXIT_GOOD);
}

int
servers_start(const struct settings *s, const struct http *http)
{
	const char	*list = s->text[SETTING_OLLAMA_SERVER];
	const pid_t	 parent = getppid(), self = getpid();
	pid_t		 pid;
	struct url	 u;
	char		 c, text[256];
	int		 good[2], rc = EXIT_UPSTREAM;
	bool		 small;

	child_end_with(parent);
	small = generation_libcurl(s, text, sizeof(text));
	(void)printf("  libcurl   %s%s\n", text, small ? "" :
	    ";\n            deploy/libcurl.sh builds a small one");
	(void)signal(SIGCHLD, SIG_DFL);		/* else wait(2) fails */
	if (pipe2(good, O_CLOEXEC) == -1)
		return EXIT_SYSTEM;
	while (url_next(&list, &u)) {
		(void)fflush(stdout);	/* or the child would print it again */
		if ((pid = fork()) == -1)
			(void)printf("  model     %.*s: %s\n", (int)u.len,
			    u.text, strerror(errno));
		if (pid != 0)
			continue;
		child_end_with(self);
		servers_probe_one(s, http, &u, good[1]);
	}
	(void)close(good[1]);
	while (read(good[0], &c, 1) == 1)
		rc = EXIT_GOOD;
	(void)close(good[0]);
	if (rc != EXIT_GOOD)
		(void)puts("  model     NOT READY: questions get an error "
		    "until it is; then they work\n            without a "
		    "restart.  Start Ollama (ollama serve), install a\n"
		    "            model (ollama pull gemma3), or set "
		    "OLLAMA_SERVER to your\n            model server.");
	(void)fflush(stdout);
	while (wait(NULL) != -1)
		;
	return rc;
}
