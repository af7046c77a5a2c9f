/*
 * sessions doctor: who can connect, the files with keys, and valid settings
 * that are probably not intended.
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

#include "auth/token.h"
#include "base/file.h"
#include "base/limit.h"
#include "base/url.h"
#include "json/json.h"
#include "ollama/openai.h"
#include "ollama/prompt.h"
#include "ollama/upstream.h"
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

/* Tells which options a server that speaks OpenAI's dialect does not get. */
static void
doctor_settings_left_out(struct doctor *d)
{
	const char	*list = d->settings->text[SETTING_OLLAMA_SERVER];
	struct buf	 names = BUF_INIT(SETTING_MAX);
	struct url	 u;
	bool		 openai = false;

	while (url_next(&list, &u))
		openai = openai || u.api == URL_OPENAI;
	if (openai && openai_left_out(d->settings, &names) == 0 &&
	    names.len > 0)
		doctor_tell(d, DOCTOR_OK, "OLLAMA_OPTIONS", "not sent to "
		    "servers that speak OpenAI's dialect, which has no such "
		    "options: %.400s", names.data);
	buf_free(&names);
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

/* Reports that people without names may write answers. */
static void
doctor_settings_write(struct doctor *d)
{
	const int64_t	*n = d->settings->number;

	if (n[SETTING_WRITE] == WRITE_ON && n[SETTING_AUTH] == AUTH_OFF)
		doctor_tell(d, DOCTOR_WARNING, "WRITE", "on with AUTH=off: "
		    "whoever can connect can put an answer of their own in "
		    "place of any answer, and nobody knows who it was\nSet "
		    "AUTH=required, or WRITE=auto");
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
			    "is not allowed to listen there\nUse a port above "
			    "1023 behind a proxy, or give the unit "
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
	doctor_settings_left_out(d);
	doctor_settings_numbers(d);
	doctor_settings_names(d);
	doctor_settings_keys(d);
	doctor_settings_write(d);
	doctor_settings_place(d);
	doctor_settings_listening(d);
}

/* Whether a host is this machine and cannot be reached from others. */
static bool
doctor_is_loopback(const char *host, size_t len)
{
	return (len >= 4 && memcmp(host, "127.", 4) == 0) ||
	    (len == 5 && memcmp(host, "[::1]", 5) == 0) ||
	    (len == 9 && memcmp(host, "localhost", 9) == 0);
}

/* Whether all addresses or origins in a list are on this machine. */
static bool
doctor_all_loopback(const char *list)
{
	const char	*host, *scheme;
	size_t		 len;

	for (; *(list += strspn(list, " ")) != '\0'; list += len) {
		len = strcspn(list, " ");
		scheme = memmem(list, len, "://", 3);
		host = scheme == NULL ? list : scheme + 3;
		if (!doctor_is_loopback(host, *host == '[' ? strcspn(host,
		    "]") + 1 : strcspn(host, ": ")))
			return false;
	}
	return true;
}

/*
 * Finds an http origin on another machine whose page is probably served by
 * https: by TLS here, or by a proxy, which must exist if only this machine can
 * connect to us.  With TLS here any http origin counts, if there is no https
 * origin.
 */
static bool
doctor_access_find_http(const struct settings *s, char *to, size_t size)
{
	const char	*list = s->text[SETTING_ALLOWED_ORIGINS], *host;
	const bool	 tls = *s->text[SETTING_TLS_CERT] != '\0';
	size_t		 len;

	if (strstr(list, "https://") != NULL || (!tls &&
	    *s->text[SETTING_TRUSTED_PROXIES] == '\0' &&
	    !doctor_all_loopback(s->text[SETTING_ADDRESS])))
		return false;
	for (; *(list += strspn(list, " ")) != '\0'; list += len) {
		len = strcspn(list, " ");
		if (len < 8 || memcmp(list, "http://", 7) != 0)
			continue;
		host = list + 7;
		if (!tls && doctor_is_loopback(host, *host == '[' ?
		    strcspn(host, "]") + 1 : strcspn(host, ": ")))
			continue;
		(void)snprintf(to, size, "%.*s", (int)len, list);
		return true;
	}
	return false;
}

void
doctor_address(struct doctor *d)
{
	const struct settings	*s = d->settings;
	const char		*origins = s->text[SETTING_ALLOWED_ORIGINS];
	const bool		 open = s->number[SETTING_AUTH] == AUTH_OFF;
	const bool		 here =
	    doctor_all_loopback(s->text[SETTING_ADDRESS]);
	char			 origin[256];

	if (strcmp(origins, "*") == 0 && open)
		doctor_tell(d, DOCTOR_WARNING, "ALLOWED_ORIGINS", "* lets any "
		    "web page read every ticket\nSet it to the pages of the "
		    "help desk");
	else if (strcmp(origins, "*") != 0 && !here &&
	    doctor_all_loopback(origins))
		doctor_tell(d, DOCTOR_WARNING, "ALLOWED_ORIGINS", "ADDRESS "
		    "lets other machines connect, but only pages of this "
		    "machine are allowed\nAdd the pages of the help desk, as "
		    "https://help.example");
	else if (doctor_access_find_http(s, origin, sizeof(origin)))
		doctor_tell(d, DOCTOR_WARNING, "ALLOWED_ORIGINS", "%s does not "
		    "allow the same page on https\nWrite https:// if browsers "
		    "show a padlock", origin);
	else
		doctor_tell(d, DOCTOR_OK, "ALLOWED_ORIGINS", "%s", origins);
}

/* Reports the kind of each key, and each key that is not used. */
static void
doctor_access_keys(struct doctor *d, const struct token_keys *keys)
{
	const struct token_key	*k;
	size_t			 i;

	for (i = 0; i < keys->count; i++) {
		k = &keys->key[i];
		if (k->key == NULL)
			doctor_tell(d, DOCTOR_OK, "JWT_KEY_FILE",
			    "%s: one key of the set is not used: %s", k->file,
			    k->why);
		else
			doctor_tell(d, DOCTOR_OK, "JWT_KEY_FILE",
			    "%s: %s, %s of %zu bits, kid %s%s", k->file,
			    k->key->algorithm, k->key->kind, k->key->bits,
			    k->id, k->undeclared ? " (taken for a secret "
			    "because of its form; hs256: in front of the name "
			    "declares it)" : "");
	}
}

void
doctor_auth(struct doctor *d)
{
	const struct settings	*s = d->settings;
	const bool		 here =
	    doctor_all_loopback(s->text[SETTING_ADDRESS]);
	struct token_keys	 keys;
	char			 error[512];

	if (s->number[SETTING_AUTH] == AUTH_OFF) {
		doctor_tell(d, here ? DOCTOR_OK : DOCTOR_WARNING, "AUTH",
		    "off: %s", here ? "whoever reaches this machine's port can "
		    "see every ticket" : "ADDRESS lets other machines connect "
		    "and see every ticket\nSet AUTH=required, or set ADDRESS "
		    "to the loopback behind a proxy that authenticates users");
		return;
	}
	if (token_keys_read(&keys, s->text[SETTING_JWT_KEY_FILE], error,
	    sizeof(error)) == -1) {
		doctor_tell(d, DOCTOR_ERROR, "AUTH", "JWT_KEY_FILE: %s\n"
		    "Without a key the service does not start", error);
		return;
	}
	if (!here && *s->text[SETTING_TLS_CERT] == '\0')
		doctor_tell(d, DOCTOR_WARNING, "AUTH", "JWTs from other "
		    "machines arrive unencrypted\nSet ADDRESS to the loopback "
		    "behind a proxy with TLS, or set TLS_CERT");
	else
		doctor_tell(d, DOCTOR_OK, "AUTH", "required, %zu key%s",
		    keys.usable, keys.usable == 1 ? "" : "s");
	doctor_access_keys(d, &keys);
	token_keys_free(&keys);
}

/* Checks that the file in a setting can be read, and a secret one only by
   us. */
static void
doctor_access_path(struct doctor *d, const char *what, const char *path,
    size_t max, bool secret)
{
	char		*data;
	size_t		 len;

	if (*path == '\0')
		return;
	if ((data = file_read(path, max, secret, &len)) != NULL)
		doctor_tell(d, DOCTOR_OK, what, "%s", path);
	else if (errno == EPERM)
		doctor_tell(d, DOCTOR_ERROR, what, "other users can read %s\n"
		    "chmod 600 %s", path, path);
	else
		doctor_tell(d, DOCTOR_ERROR, what, "%s: %s\nMake it readable "
		    "for this user", path, strerror(errno));
	if (data != NULL)
		explicit_bzero(data, len);
	free(data);
}

static void
doctor_access_file(
    struct doctor *d, enum setting which, size_t max, bool secret)
{
	doctor_access_path(d, settings_key(which), d->settings->text[which],
	    max, secret);
}

/* Checks the bearers of the model servers, and how they travel. */
static void
doctor_access_tokens(struct doctor *d)
{
	const char	*list = d->settings->text[SETTING_OLLAMA_SERVER], *key;
	char		 path[SETTING_MAX + 1];
	struct url	 u;

	doctor_access_file(d, SETTING_OLLAMA_TOKEN_FILE, TOKEN_MAX, true);
	while (url_next(&list, &u)) {
		if ((key = upstream_token_file(d->settings, &u, path)) == NULL)
			continue;
		if (u.token != NULL)
			doctor_access_path(d, "token", path, TOKEN_MAX, true);
		if (strncasecmp(u.text, "https:", 6) != 0)
			doctor_tell(d, DOCTOR_WARNING, "token", "the token of "
			    "%s goes to %.*s without encryption, and so do the "
			    "tickets\nUse https, unless nobody else can read "
			    "on the way", u.token != NULL ? path : key,
			    (int)u.len, u.text);
	}
}

/* Checks that the system prompt is text that a model can read. */
static void
doctor_access_prompt(struct doctor *d)
{
	const char	*path = d->settings->text[SETTING_SYSTEM_PROMPT_FILE];
	const char	*why;
	char		*text;

	if (*path == '\0')
		return;
	if ((text = prompt_system(d->settings, &why)) == NULL)
		doctor_tell(d, DOCTOR_ERROR, "SYSTEM_PROMPT_FILE", "%s: %s\nIt "
		    "must be UTF-8 text that this user can read",
		    path, why == NULL ? strerror(errno) : why);
	else
		doctor_tell(d, DOCTOR_OK, "SYSTEM_PROMPT_FILE", "%s", path);
	free(text);
}

void
doctor_files(struct doctor *d)
{
	const struct settings	*s = d->settings;

	doctor_access_file(d, SETTING_TLS_CERT, SETTINGS_FILE_MAX, false);
	doctor_access_file(d, SETTING_TLS_KEY, KEY_FILE_MAX, true);
	doctor_access_tokens(d);
	if (strcmp(s->text[SETTING_SYSTEM_PROMPT_FILE], "none") != 0)
		doctor_access_prompt(d);
}
