/*
 * sessions doctor: settings that are valid but probably not intended.  They are
 * warnings only: the service starts with all of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limit.h"
#include "base/url.h"
#include "json/json.h"
#include "sessions/doctor.h"

enum {
	PAGE_PING = 25,		/* s; PING_MS in web/ticket-chat-client.js */
	PARALLEL = 4,		/* Ollama's default for parallel requests */
	UNIT_STOP = 90		/* s; TimeoutStopSec=100 in the systemd unit,
				   less time to exit */
};

/* The options that Ollama knows (its api.Options); it ignores all others. */
static const struct {
	const char	*name;
	enum json_type	 type;
} options[] = {
	{ "num_ctx", JSON_NUMBER }, { "num_predict", JSON_NUMBER },
	{ "temperature", JSON_NUMBER }, { "stop", JSON_ARRAY },
	{ "seed", JSON_NUMBER }, { "top_k", JSON_NUMBER },
	{ "top_p", JSON_NUMBER }, { "min_p", JSON_NUMBER },
	{ "typical_p", JSON_NUMBER }, { "tfs_z", JSON_NUMBER },
	{ "num_keep", JSON_NUMBER }, { "repeat_last_n", JSON_NUMBER },
	{ "repeat_penalty", JSON_NUMBER }, { "presence_penalty", JSON_NUMBER },
	{ "frequency_penalty", JSON_NUMBER }, { "mirostat", JSON_NUMBER },
	{ "mirostat_tau", JSON_NUMBER }, { "mirostat_eta", JSON_NUMBER },
	{ "penalize_newline", JSON_BOOL }, { "num_batch", JSON_NUMBER },
	{ "num_gpu", JSON_NUMBER }, { "main_gpu", JSON_NUMBER },
	{ "num_thread", JSON_NUMBER }, { "use_mmap", JSON_BOOL },
	{ "use_mlock", JSON_BOOL }, { "numa", JSON_BOOL },
	{ "low_vram", JSON_BOOL }, { "vocab_only", JSON_BOOL },
	{ "f16_kv", JSON_BOOL }, { "logits_all", JSON_BOOL },
	{ "draft_num_predict", JSON_NUMBER },
};

/* Reports a member of OLLAMA_OPTIONS that has no effect. */
static void
doctor_settings_option(struct doctor *d, const struct json *j, int name)
{
	static const char *const	types[] = {
		[JSON_ARRAY] = "a list of texts", [JSON_NUMBER] = "a number",
		[JSON_BOOL] = "true or false",
	};
	struct buf			b = BUF_INIT(SETTING_MAX);
	const enum json_type		type = json_type(j, name + 1);
	size_t				i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (json_equals(j, name, options[i].name))
			break;
	}
	if (i < sizeof(options) / sizeof(options[0]) && type ==
	    options[i].type)
		return;
	if (i < sizeof(options) / sizeof(options[0]))
		doctor_tell(d, DOCTOR_WARNING, "OLLAMA_OPTIONS", "%s must be "
		    "%s\nOllama refuses or ignores the present value",
		    options[i].name, types[options[i].type]);
	else if (json_string(j, name, false, &b) == 0)
		doctor_tell(d, DOCTOR_WARNING, "OLLAMA_OPTIONS", "\"%.60s\" "
		    "is no option that Ollama is known to have, and it "
		    "ignores others\nSee that it is written right, as "
		    "num_ctx or num_predict", b.data == NULL ? "" : b.data);
	buf_free(&b);
}

static void
doctor_settings_options(struct doctor *d)
{
	const char	*text = d->settings->text[SETTING_OLLAMA_OPTIONS];
	struct json	 j = { 0 };
	int		 name = -1;

	if (*text != '\0' && json_parse(&j, text, strlen(text), MESSAGE_DEPTH,
	    MESSAGE_TOKENS) == 0) {
		while ((name = json_name(&j, 0, name)) != -1)
			doctor_settings_option(d, &j, name);
	}
	json_free(&j);
}

/* Checks times and counts that contradict each other. */
static void
doctor_settings_numbers(struct doctor *d)
{
	const int64_t	*n = d->settings->number;

	if (n[SETTING_IDLE_TIMEOUT] <= PAGE_PING)
		doctor_tell(d, DOCTOR_WARNING, "IDLE_TIMEOUT", "%" PRId64 " s "
		    "closes each page's connection before its next ping, which "
		    "comes every %d s\nSet 60 or more",
		    n[SETTING_IDLE_TIMEOUT], PAGE_PING);
	if (n[SETTING_ANSWER_TIMEOUT] < n[SETTING_FIRST_TOKEN_TIMEOUT])
		doctor_tell(d, DOCTOR_WARNING, "ANSWER_TIMEOUT", "%" PRId64
		    " s ends an answer before FIRST_TOKEN_TIMEOUT=%" PRId64
		    " does\nSet it to more than that",
		    n[SETTING_ANSWER_TIMEOUT], n[SETTING_FIRST_TOKEN_TIMEOUT]);
	if (n[SETTING_GENERATIONS] > PARALLEL)
		doctor_tell(d, DOCTOR_WARNING, "GENERATIONS", "%" PRId64 " is "
		    "more than an Ollama usually writes at a time (its "
		    "OLLAMA_NUM_PARALLEL, 1 to %d); the other answers wait "
		    "there, at an unknown position\nSet it to "
		    "OLLAMA_NUM_PARALLEL",
		    n[SETTING_GENERATIONS], PARALLEL);
	if (n[SETTING_STOP_WAIT] > UNIT_STOP)
		doctor_tell(d, DOCTOR_WARNING, "STOP_WAIT", "%" PRId64 " s is "
		    "too long: the unit's TimeoutStopSec=100 ends everything "
		    "before that\nSet %d or less, or a longer TimeoutStopSec "
		    "(systemctl edit ticketchat)", n[SETTING_STOP_WAIT],
		    UNIT_STOP);
	if (n[SETTING_QUEUE_MAX] == 0)
		doctor_tell(d, DOCTOR_WARNING, "QUEUE_MAX", "0: no question "
		    "waits; while GENERATIONS=%" PRId64 " answers are written, "
		    "each new one is refused (queue_full)\nSet how many may "
		    "wait",
		    n[SETTING_GENERATIONS]);
}

/*
 * Checks the names by which nodes of one database count the upstreams' slots.
 */
static void
doctor_settings_names(struct doctor *d)
{
	const char	*list = d->settings->text[SETTING_OLLAMA_SERVER];
	char		 name[URL_NAME_MAX], machine[HOST_NAME_MAX + 1] = "";
	struct url	 u;

	if (strncmp(d->settings->text[SETTING_DATABASE], "postgres", 8) != 0)
		return;
	(void)gethostname(machine, sizeof(machine) - 1);
	while (url_next(&list, &u)) {
		url_name(&u, machine, name);
		doctor_tell(d, DOCTOR_OK, "server", "%s is the name under "
		    "which all nodes count the answers of %.*s",
		    name, (int)u.len, u.text);
	}
}

/* Reports keys that are not used. */
static void
doctor_settings_keys(struct doctor *d)
{
	static const enum setting	keys[] = {
		SETTING_JWT_KEY_FILE, SETTING_JWT_ISSUER,
		SETTING_JWT_AUDIENCE, SETTING_JWT_COOKIE,
	};
	size_t				i;

	if (d->settings->number[SETTING_AUTH] != AUTH_OFF)
		return;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (*d->settings->text[keys[i]] == '\0')
			continue;
		doctor_tell(d, DOCTOR_WARNING, "AUTH", "off, although %s is "
		    "set: nobody needs a JWT\nSet AUTH=required, or remove "
		    "that setting", settings_key(keys[i]));
		return;
	}
}

/* Reports a database that a systemd service cannot see. */
static void
doctor_settings_place(struct doctor *d)
{
	static const char *const	units[] = {
		"/etc/systemd/system/ticketchat.service",
		"/lib/systemd/system/ticketchat.service",
		"/usr/lib/systemd/system/ticketchat.service",
		"/usr/local/lib/systemd/system/ticketchat.service",
	};
	const char			*path =
					    d->settings->text[SETTING_DATABASE];
	size_t				 i;

	if (strncmp(path, "/tmp/", 5) != 0 &&
	    strncmp(path, "/var/tmp/", 9) != 0)
		return;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (access(units[i], F_OK) == 0)
			break;
	}
	if (i < sizeof(units) / sizeof(units[0]))
		doctor_tell(d, DOCTOR_WARNING, "DATABASE", "%s: the service "
		    "has its own /tmp (PrivateTmp=), which is deleted when it "
		    "ends\nPut it below /var/lib/ticketchat", path);
}

/* Reports what would keep websocketd from listening on an address. */
static void
doctor_settings_bind(struct doctor *d, const char *address, size_t len,
    const struct addrinfo *a)
{
	const char	*port = d->settings->text[SETTING_PORT];
	int		 fd;

	fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;		/* no IPv6 here: run.sh skips it */
	if (bind(fd, a->ai_addr, a->ai_addrlen) == -1) {
		if (errno == EACCES)
			doctor_tell(d, DOCTOR_WARNING, "PORT", "%s: this user "
			    "must not listen there\nUse a port above 1023 "
			    "behind a proxy, or give the unit "
			    "AmbientCapabilities=CAP_NET_BIND_SERVICE", port);
		else if (errno == EADDRNOTAVAIL && a->ai_family == AF_INET)
			doctor_tell(d, DOCTOR_WARNING, "ADDRESS", "%.*s is not "
			    "an address of this machine: websocketd would end "
			    "at once\nUse one that `ip address' lists, or "
			    "0.0.0.0 for all", (int)len, address);
	}
	(void)close(fd);
}

/*
 * Checks whether websocketd can listen.  If the port is in use, it may be by
 * the service itself.
 */
static void
doctor_settings_listening(struct doctor *d)
{
	const char		*list = d->settings->text[SETTING_ADDRESS];
	const struct addrinfo	 hints = { .ai_flags = AI_NUMERICHOST |
				    AI_NUMERICSERV | AI_PASSIVE,
				    .ai_socktype = SOCK_STREAM };
	const char		*host;
	struct addrinfo		*a;
	char			 text[128];
	size_t			 len;

	for (; *(list += strspn(list, " ")) != '\0'; list += len) {
		len = strcspn(list, " ");
		host = list + (*list == '[');
		(void)snprintf(text, sizeof(text), "%.*s", (int)(len -
		    (size_t)(host - list) * 2), host);
		if (getaddrinfo(strcmp(text, "localhost") == 0 ? "127.0.0.1" :
		    text, d->settings->text[SETTING_PORT], &hints, &a) != 0)
			continue;
		doctor_settings_bind(d, list, len, a);
		freeaddrinfo(a);
	}
}

void
doctor_settings(struct doctor *d)
{
	doctor_settings_options(d);
	doctor_settings_numbers(d);
	doctor_settings_names(d);
	doctor_settings_keys(d);
	doctor_settings_place(d);
	doctor_settings_listening(d);
}
