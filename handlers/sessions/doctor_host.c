/*
 * sessions doctor: the model, websocketd and the machine.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/child.h"
#include "base/limit.h"
#include "base/listener.h"
#include "generation/generation.h"
#include "generation/notice.h"
#include "json/json.h"
#include "ollama/probe.h"
#include "sandbox/harden.h"
#include "sessions/doctor.h"

enum {
	WAIT = 60000,		/* ms; longer than both calls of probe.c */
	BYTES_A_TOKEN = 3,	/* in a ticket; a low estimate */
	USUAL = 65536,		/* the default of MAX_TICKET_BYTES */
	LEAST = 2048,		/* tokens, for a typical ticket */
	PER_CONNECTION = 4,	/* descriptors that websocketd needs for each */
	SPARE = 64		/* other processes and descriptors */
};

/* The context that OLLAMA_OPTIONS asks for, in tokens; 0: none. */
static int64_t
doctor_asked_context(const char *options)
{
	struct json	j = { 0 };
	int64_t		n = 0;

	if (*options != '\0' && json_parse(&j, options, strlen(options),
	    MESSAGE_DEPTH, MESSAGE_TOKENS) == 0)
		n = json_int(&j, json_member(&j, 0, "num_ctx"), 0);
	json_free(&j);
	return n;
}

/* What makes the context longer. */
static void
doctor_host_longer(const struct url *server, int64_t tokens, char *to,
    size_t size)
{
	if (server->api == URL_OPENAI)
		(void)snprintf(to, size, "start the model server with a "
		    "context of %" PRId64 " tokens", tokens);
	else
		(void)snprintf(to, size, "set num_ctx in OLLAMA_OPTIONS to %"
		    PRId64, tokens);
}

/* Checks whether the longest allowed ticket fits the model's context. */
static void
doctor_host_context(struct doctor *d, const struct url *server,
    const struct probe *p)
{
	const int64_t	most = d->settings->number[SETTING_MAX_TICKET_BYTES];
	const int64_t	needed = most / BYTES_A_TOKEN;
	int64_t		asked = 0, n, known;
	char		longer[120];

	if (server->api != URL_OPENAI)
		asked = doctor_asked_context(
		    d->settings->text[SETTING_OLLAMA_OPTIONS]);
	n = asked > 0 ? asked : p->context;
	known = n == 0 ? p->context_max : n;
	doctor_host_longer(server, needed / 1024 * 1024 + 2048, longer,
	    sizeof(longer));
	if (n == 0 && p->context_max > needed)
		doctor_tell(d, DOCTOR_OK, "context", "not known until %s is "
		    "loaded; at most %" PRId64 " tokens", p->model,
		    p->context_max);
	else if (known == 0)
		doctor_tell(d, DOCTOR_OK, "context", "not known: the server "
		    "does not report it");
	else if (known > needed)
		doctor_tell(d, DOCTOR_OK, "context", "%" PRId64 " tokens", n);
	else if (most == USUAL && known >= LEAST)
		/* MAX_TICKET_BYTES is the default: no such ticket may ever
		   come. */
		doctor_tell(d, DOCTOR_OK, "context", "%" PRId64 " tokens: "
		    "tickets over about %" PRId64 " bytes are refused "
		    "(prompt_too_long)\nFor tickets of MAX_TICKET_BYTES %s, "
		    "if there is enough memory", known, known * BYTES_A_TOKEN,
		    longer);
	else
		doctor_tell(d, DOCTOR_WARNING, "context", "%" PRId64 " tokens, "
		    "but a ticket of MAX_TICKET_BYTES=%" PRId64 " may need %"
		    PRId64 ", and would be refused (prompt_too_long)\nTo "
		    "change that, %s, if there is enough memory, or lower "
		    "MAX_TICKET_BYTES", known, most, needed, longer);
}

/* What helps if a model cannot answer. */
static const char *
doctor_host_remedy(const struct url *server, const struct probe *p)
{
	const enum failure_code	code = p->failure.code;
	const bool		openai = server->api == URL_OPENAI;

	if (*p->advice != '\0')
		return p->advice;
	if (code == FAILURE_UPSTREAM_UNREACHABLE)
		return openai ? "Start the model server, or set OLLAMA_SERVER" :
		    "Start Ollama (ollama serve), or set OLLAMA_SERVER";
	if (code == FAILURE_MODEL_MISSING)
		return "Install it (ollama pull), or set OLLAMA_MODEL";
	if (code == FAILURE_UPSTREAM_REJECTED)
		return openai ? "Set OLLAMA_MODEL to another model, or check "
		    "the server's token=FILE" : "Set OLLAMA_MODEL to another "
		    "model, or check OLLAMA_TOKEN_FILE";
	return "Read the model server's own log";
}

/* Reports what `answer' found at one server; others may replace it. */
static void
doctor_host_server(struct doctor *d, const struct url *server,
    const struct probe *p, bool alone)
{
	if (p->failure.code != FAILURE_NONE)
		doctor_tell(d, alone ? DOCTOR_ERROR : DOCTOR_WARNING, "model",
		    "%.*s: %s%s%s%s%s\n%s", (int)server->len, server->text,
		    failure_name(p->failure.code),
		    *p->model == '\0' ? "" : ", ", p->model,
		    *p->reason == '\0' ? "" : ", ", p->reason,
		    doctor_host_remedy(server, p));
	else if (*p->remote != '\0')
		doctor_tell(d, DOCTOR_WARNING, "model", "%s at %.*s runs at "
		    "%s: tickets leave this machine\nSet OLLAMA_MODEL to a "
		    "local model, unless this is intended", p->model,
		    (int)server->len, server->text, p->remote);
	else
		doctor_tell(d, DOCTOR_OK, "model", "%s at %.*s%s%s", p->model,
		    (int)server->len, server->text,
		    *p->note == '\0' ? "" : "; ", p->note);
	if (p->failure.code == FAILURE_NONE)
		doctor_host_context(d, server, p);
}

static void
doctor_host_notice(void *d, enum notice what, const char *day,
    const char *model)
{
	if (what == NOTICE_THOUGHTS)
		doctor_tell(d, DOCTOR_WARNING, "template", "%s writes its "
		    "thoughts into the answer without a mark at their "
		    "beginning (last seen %s), so viewers see them until they "
		    "end\nUse a template that does not end in <think>, another "
		    "OLLAMA_THINK, or another model", model, day);
	else
		doctor_tell(d, DOCTOR_WARNING, "template", "%s writes the "
		    "marks around the ticket or the end-of-turn marks into its "
		    "answers (last seen %s); the service removes them\nCheck "
		    "that its template and stop words belong to it (ollama "
		    "show --modelfile), or use a larger model", model, day);
}

/*
 * Runs `answer', which is linked with libcurl and prints a line for each
 * server.
 */
void
doctor_model(struct doctor *d)
{
	const char	*servers = d->settings->text[SETTING_OLLAMA_SERVER];
	char		 program[] = LIBEXECDIR "/answer", c[] = "-c",
			 none[] = "/dev/null", check[] = "check",
			 json[] = "--json";
	char		*argv[] = { program, c, none, check, json, NULL };
	char		**env = settings_environment(d->settings, NULL);
	const char	*line;
	struct buf	 out = BUF_INIT(OUTPUT_PENDING);
	struct probe	 p;
	struct url	 u;
	int		 rc = -1;

	if (env == NULL || (rc = child_run(argv, env, WAIT, true, &out)) == -1)
		doctor_tell(d, DOCTOR_ERROR, "model", "%s: %s\nInstall "
		    "ticketchat again",
		    program, strerror(errno));
	line = out.data == NULL ? "" : out.data;
	while (rc != -1 && url_next(&servers, &u)) {
		size_t	len = strcspn(line, "\n");

		if (probe_read(&p, line, len) == -1) {
			doctor_tell(d, DOCTOR_ERROR, "model",
			    "%s: %.*s\nInstall ticketchat again",
			    program, (int)len, line);
			break;
		}
		doctor_host_server(d, &u, &p, rc != EXIT_GOOD);
		line += len + (line[len] == '\n');
	}
	buf_free(&out);
	free(env);
	notice_each(d->settings->text[SETTING_RUN_DIR], doctor_host_notice, d);
}

void
doctor_libcurl(struct doctor *d)
{
	char	text[256];

	if (generation_libcurl(d->settings, text, sizeof(text)))
		doctor_tell(d, DOCTOR_OK, "libcurl", "%s", text);
	else
		doctor_tell(d, DOCTOR_OK, "libcurl", "%s\nTo build a small "
		    "one, run deploy/libcurl.sh, and then make as before",
		    text);
}

void
doctor_websocketd(struct doctor *d)
{
	char		 name[] = "websocketd", help[] = "--help",
			 version[] = "--version";
	char		*argv[] = { name, version, NULL };
	struct buf	 out = BUF_INIT(OUTPUT_PENDING);
	struct buf	 usage = BUF_INIT(OUTPUT_PENDING);
	char		 line[128], *end;

	if (child_run(argv, environ, WAIT, true, &out) == -1) {
		doctor_tell(d, DOCTOR_ERROR, "websocketd", "%s\nInstall it: "
		    "apt-get install websocketd", strerror(errno));
		buf_free(&out);
		return;
	}
	(void)snprintf(line, sizeof(line), "%s", out.len == 0 ? "" : out.data);
	line[strcspn(line, "\n")] = '\0';
	if ((end = strstr(line, " --")) != NULL)
		*end = '\0';	/* Debian's has an empty word after it */
	argv[1] = help;
	/* Recognizes 0.4.1 by its options; Debian's reports the version
	   DEVBUILD. */
	if (child_run(argv, environ, WAIT, true, &usage) != -1 &&
	    usage.len > 0 && strstr(usage.data, "maxframesize") != NULL)
		doctor_tell(d, DOCTOR_OK, "websocketd", "%s", line);
	else
		doctor_tell(d, DOCTOR_OK, "websocketd", "%s, no newer than "
		    "0.4.1: it leaks 3.5 kB for each viewer that leaves early\n"
		    "Set a memory limit for it, and let it restart now and "
		    "then", line);
	buf_free(&out);
	buf_free(&usage);
}

void
doctor_web(struct doctor *d)
{
	static const char	page[] = WEBDIR "/index.html";

	if (d->settings->number[SETTING_WEB] != WEB_ON)
		doctor_tell(d, DOCTOR_OK, "page", "off");
	else if (access(page, R_OK) == 0)
		doctor_tell(d, DOCTOR_OK, "page", "%s", page);
	else
		doctor_tell(d, DOCTOR_ERROR, "page", "%s: %s\nInstall "
		    "ticketchat again, or set WEB=off", page, strerror(errno));
}

/* Reports a limit that MAX_CONNECTIONS may exceed. */
static void
doctor_host_limit(struct doctor *d, const char *name, rlim_t limit,
    int64_t needed, const char *unit)
{
	if (limit == RLIM_INFINITY || limit >= (rlim_t)needed)
		return;
	doctor_tell(d, DOCTOR_WARNING, "limits", "%s of this shell is %" PRIu64
	    "; MAX_CONNECTIONS=%" PRId64 " may need %" PRId64 "\nRaise it "
	    "for the service (%s), or lower MAX_CONNECTIONS", name,
	    (uint64_t)limit, d->settings->number[SETTING_MAX_CONNECTIONS],
	    needed, unit);
}

void
doctor_limits(struct doctor *d)
{
	const struct settings	*s = d->settings;
	const int64_t		 n = s->number[SETTING_MAX_CONNECTIONS];
	const enum doctor_level	 worst = d->worst;
	struct rlimit		 files, processes;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1 ||
	    getrlimit(RLIMIT_NPROC, &processes) == -1)
		return;
	d->worst = DOCTOR_OK;
	doctor_host_limit(d, "ulimit -Hn", files.rlim_max,
	    PER_CONNECTION * n + SPARE, "LimitNOFILE=");
	if (geteuid() != 0)	/* root has no limit */
		doctor_host_limit(d, "ulimit -u", processes.rlim_cur, n +
		    s->number[SETTING_GENERATIONS] * url_weights(
		    s->text[SETTING_OLLAMA_SERVER]) +
		    s->number[SETTING_QUEUE_MAX] + SPARE, "LimitNPROC=");
	if (d->worst == DOCTOR_OK)
		doctor_tell(d, DOCTOR_OK, "limits", "enough for "
		    "MAX_CONNECTIONS=%" PRId64, n);
	if (worst > d->worst)
		d->worst = worst;
}

void
doctor_landlock(struct doctor *d)
{
	const int	version = harden_landlock();

	if (version > 0)
		doctor_tell(d, DOCTOR_OK, "landlock", "version %d", version);
	else
		doctor_tell(d, DOCTOR_WARNING, "landlock", "this kernel has no "
		    "Landlock: an attacker who takes over a program could "
		    "write everywhere its user can\nDebian 12's kernel has it; "
		    "check lsm= on the kernel's command line, and what the "
		    "container allows");
}

/* Checks whether run.sh can set a timeout on websocketd's connections. */
void
doctor_places(struct doctor *d)
{
	if (listener_try() == 0)
		doctor_tell(d, DOCTOR_OK, "places", "a client that never reads "
		    "loses its place");
	else
		doctor_tell(d, DOCTOR_WARNING, "places", "this kernel does not "
		    "let the service set the timeout of websocketd's sockets "
		    "(%s): clients that never read keep their places\nPut a "
		    "proxy with a write timeout in front, as nginx or haproxy "
		    "in deploy/; or allow pidfd_getfd (in a container: "
		    "--cap-add=SYS_PTRACE)",
		    strerror(errno));
}
