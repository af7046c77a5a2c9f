/*
 * The settings: the table and the checks.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/address.h"
#include "base/limit.h"
#include "base/number.h"
#include "base/origin.h"
#include "base/rate.h"
#include "base/url.h"
#include "base/utf8.h"
#include "json/json.h"
#include "settings/settings.h"
#include "settings/settings_file.h"
#include "settings/settings_names.h"

const char settings_default_file[] = CONF_FILE;

/* What a value must look like. */
enum kind {
	TEXT, NUMBER, WORD, DURATION, URL, OBJECT, ORIGINS, RATE, ADDRESSES
};

static const struct row {
	const char	*key;
	const char	*fallback;
	enum kind	 kind;
	int64_t		 min, max;	/* of a number */
	const char	*words;		/* of a word, a space behind each */
} table[SETTING__MAX] = {
	[SETTING_PORT] = { "PORT", "5000", NUMBER, 1, 65535, NULL },
	[SETTING_ADDRESS] = { "ADDRESS", "127.0.0.1 [::1]", TEXT, 0, 0, NULL },
	[SETTING_MAX_CONNECTIONS] = { "MAX_CONNECTIONS", "256", NUMBER,
	    1, 65536, NULL },
	[SETTING_TLS_CERT] = { "TLS_CERT", "", TEXT, 0, 0, NULL },
	[SETTING_TLS_KEY] = { "TLS_KEY", "", TEXT, 0, 0, NULL },
	[SETTING_WEB] = { "WEB", "on", WORD, 0, 0, "on off " },
	[SETTING_DATABASE] = { "DATABASE", "var/ticketchat.db", TEXT, 0, 0,
	    NULL },
	[SETTING_RUN_DIR] = { "RUN_DIR", "var/run", TEXT, 0, 0, NULL },
	[SETTING_LOG] = { "LOG", "var/ticketchat.log", TEXT, 0, 0, NULL },
	[SETTING_OLLAMA_SERVER] = { "OLLAMA_SERVER",
	    "http://localhost:11434/api/generate", URL, 0, 0, NULL },
	[SETTING_OLLAMA_MODEL] = { "OLLAMA_MODEL", "", TEXT, 0, 0, NULL },
	[SETTING_OLLAMA_OPTIONS] = { "OLLAMA_OPTIONS", "", OBJECT, 0, 0, NULL },
	[SETTING_OLLAMA_KEEP_ALIVE] = { "OLLAMA_KEEP_ALIVE", "", DURATION, 0,
	    0, NULL },
	[SETTING_OLLAMA_THINK] = { "OLLAMA_THINK", "false", WORD, 0, 0,
	    "false true low medium high max server " },
	[SETTING_OLLAMA_TOKEN_FILE] = { "OLLAMA_TOKEN_FILE", "", TEXT, 0, 0,
	    NULL },
	[SETTING_SYSTEM_PROMPT_FILE] = { "SYSTEM_PROMPT_FILE", "", TEXT, 0, 0,
	    NULL },
	[SETTING_CONNECT_TIMEOUT] = { "CONNECT_TIMEOUT", "3", NUMBER, 1, 600,
	    NULL },
	[SETTING_FIRST_TOKEN_TIMEOUT] = { "FIRST_TOKEN_TIMEOUT", "600", NUMBER,
	    1, 86400, NULL },
	[SETTING_STALL_TIMEOUT] = { "STALL_TIMEOUT", "120", NUMBER, 1, 86400,
	    NULL },
	[SETTING_ANSWER_TIMEOUT] = { "ANSWER_TIMEOUT", "1800", NUMBER, 1,
	    604800, NULL },
	[SETTING_IDLE_TIMEOUT] = { "IDLE_TIMEOUT", "600", NUMBER, 1, 604800,
	    NULL },
	[SETTING_SEND_TIMEOUT] = { "SEND_TIMEOUT", "30", NUMBER, 1, 86400,
	    NULL },
	[SETTING_STOP_WAIT] = { "STOP_WAIT", "5", NUMBER, 0, 86400, NULL },
	[SETTING_MAX_TICKET_BYTES] = { "MAX_TICKET_BYTES", "65536", NUMBER,
	    1, 16777216, NULL },
	[SETTING_MAX_ANSWER_BYTES] = { "MAX_ANSWER_BYTES", "1048576", NUMBER,
	    1, ANSWER_MAX, NULL },
	[SETTING_GENERATIONS] = { "GENERATIONS", "1", NUMBER, 1, 1024, NULL },
	[SETTING_QUEUE_MAX] = { "QUEUE_MAX", "64", NUMBER, 0, 4096, NULL },
	[SETTING_ALLOWED_ORIGINS] = { "ALLOWED_ORIGINS",
	    "http://localhost:* http://127.0.0.1:*", ORIGINS, 0, 0, NULL },
	[SETTING_TICKETS] = { "TICKETS", "auto", WORD, 0, 0,
	    "auto existing " },
	[SETTING_TICKETS_TABLE] = { "TICKETS_TABLE", "", TEXT, 0, 0, NULL },
	[SETTING_TICKETS_ID_COLUMN] = { "TICKETS_ID_COLUMN", "Id", TEXT, 0, 0,
	    NULL },
	[SETTING_ON_DISCONNECT] = { "ON_DISCONNECT", "finish", WORD, 0, 0,
	    "finish cancel " },
	[SETTING_CACHE] = { "CACHE", "ticket", WORD, 0, 0, "ticket body " },
	[SETTING_OPEN] = { "OPEN", "auto", WORD, 0, 0, "auto on answer off " },
	[SETTING_LANGUAGE] = { "LANGUAGE", "auto", WORD, 0, 0,
	    "auto pt-BR en es " },
	[SETTING_AUTH] = { "AUTH", "off", WORD, 0, 0, "off required " },
	[SETTING_JWT_KEY_FILE] = { "JWT_KEY_FILE", "", TEXT, 0, 0, NULL },
	[SETTING_JWT_ISSUER] = { "JWT_ISSUER", "", TEXT, 0, 0, NULL },
	[SETTING_JWT_AUDIENCE] = { "JWT_AUDIENCE", "", TEXT, 0, 0, NULL },
	[SETTING_JWT_COOKIE] = { "JWT_COOKIE", "", TEXT, 0, 0, NULL },
	[SETTING_JWT_TICKET_CLAIM] = { "JWT_TICKET_CLAIM", "tid", TEXT, 0, 0,
	    NULL },
	[SETTING_RATE_LIMIT] = { "RATE_LIMIT", "off", RATE, 0, 0, NULL },
	[SETTING_MAX_VIEWERS] = { "MAX_VIEWERS", "0", NUMBER, 0, VIEWERS_MAX,
	    NULL },
	[SETTING_TRUSTED_PROXIES] = { "TRUSTED_PROXIES", "", ADDRESSES, 0, 0,
	    NULL },
	[SETTING_BACKUPS] = { "BACKUPS", "14", NUMBER, 0, 3650, NULL },
	[SETTING_RETENTION_DAYS] = { "RETENTION_DAYS", "0", NUMBER, 0, 36500,
	    NULL },
};

static int
check_number(struct settings *s, size_t i)
{
	const struct row	*r = &table[i];
	const char		*t = s->text[i];
	const size_t		 zeros = strspn(t, "0");

	if (number_read(t, strlen(t), r->max, &s->number[i]) &&
	    s->number[i] >= r->min)
		return 0;
	s->number[i] = 0;
	/* websocketd, or a shell, would take it for an octal one. */
	if (zeros > 0 && strspn(t, "0123456789") == strlen(t) && t[1] != '\0')
		return settings_fail(s, "%s=%.60s: a number without leading "
		    "zeros is needed: %.20s", r->key, t, t[zeros] == '\0' ?
		    "0" : t + zeros);
	return settings_fail(s, "%s=%.60s: not a whole number from "
	    "%lld to %lld", r->key, t, (long long)r->min, (long long)r->max);
}

/*
 * A duration as Ollama reads one: seconds, or numbers each with a unit, as 30m
 * or 1h30m; below zero it is for ever.  Ollama counts nanoseconds in 63 bits.
 */
static bool
is_duration(const char *t)
{
	static const struct {
		const char	*name;	/* the longer one first */
		double		 ns;
	} units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 },
		{ "m", 60e9 }, { "h", 3600e9 },
	};
	const int64_t	most = INT64_MAX / 1000000000;
	int64_t		n;
	double		sum = 0;
	size_t		i, len, u;

	t += *t == '-';
	if (number_read(t, strlen(t), most, &n))
		return true;
	do {
		len = strspn(t, "0123456789");
		if (!number_read(t, len, INT64_MAX, &n))
			return false;
		if (t[len] == '.' &&
		    (i = strspn(t + len + 1, "0123456789")) > 0)
			len += 1 + i;	/* less than one unit more */
		t += len;
		for (u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
			if (strncmp(t, units[u].name,
			    strlen(units[u].name)) == 0)
				break;
		}
		if (u == sizeof(units) / sizeof(units[0]))
			return false;
		sum += ((double)n + 1) * units[u].ns;
		t += strlen(units[u].name);
	} while (*t != '\0');
	return sum < 9.2e18;
}

static int
check_word(struct settings *s, size_t i)
{
	const struct row	*r = &table[i];
	const char		*w;
	size_t			 len = strlen(s->text[i]), l;

	for (w = r->words; *w != '\0'; w += l + 1, s->number[i]++) {
		l = strcspn(w, " ");
		if (l == len && memcmp(w, s->text[i], l) == 0)
			return 0;
	}
	return settings_fail(s, "%s=%.60s: not one of: %s", r->key, s->text[i],
	    r->words);
}

static int
check_servers(struct settings *s, size_t i)
{
	const char	*t = s->text[i], *p, *scheme = "http";
	size_t		 len;

	if (url_valid(t))
		return 0;
	if ((p = url_bare(t)) != NULL) {
		/* http:/host, and what else has too few slashes. */
		if (strncasecmp(p, "https:", 6) == 0)
			scheme = "https";
		if (strncasecmp(p, "http", 4) == 0 &&
		    p[strlen(scheme)] == ':')
			p += strlen(scheme) + 1;
		p += strspn(p, "/");
		return settings_fail(s, "%s=%.200s: %s:// is missing; write "
		    "%s://%.*s", table[i].key, t, scheme, scheme,
		    (int)strcspn(p, " "), p);
	}
	if ((p = url_twice(t, &len)) != NULL)
		return settings_fail(s, "%s=%.200s: %.*s is a server that "
		    "stands there already, by its address or its name; name "
		    "each once, and give one that does more weight=2",
		    table[i].key, t, (int)len, p);
	return settings_fail(s, "%s=%.200s: not addresses like "
	    "http://localhost:11434/api/generate, each of another server, "
	    "with weight=3 or name=gpu1 behind it", table[i].key, t);
}

static int
check_object(struct settings *s, size_t i)
{
	struct json	j = { 0 };
	const char	*t = s->text[i];
	bool		good;

	if (*t == '\0')
		return 0;
	good = json_parse(&j, t, strlen(t), MESSAGE_DEPTH,
	    MESSAGE_TOKENS) == 0 && json_type(&j, 0) == JSON_OBJECT;
	json_free(&j);
	if (!good)
		return settings_fail(s, "%s=%.200s: not a JSON object",
		    table[i].key, t);
	return 0;
}

/* Whether one value is what its row asks for; sets its number. */
static int
check(struct settings *s, size_t i)
{
	const struct row	*r = &table[i];
	const char		*t = s->text[i], *p;
	int64_t			 count, period;

	s->number[i] = 0;
	if (strlen(t) > SETTING_MAX)
		return settings_fail(s, "%s: longer than %d bytes", r->key,
		    SETTING_MAX);
	for (p = t; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return settings_fail(s, "%s: holds a control "
			    "character", r->key);
	}
	if (!utf8_valid(t, strlen(t)))
		return settings_fail(s, "%s: not UTF-8", r->key);
	switch (r->kind) {
	case NUMBER:
		return check_number(s, i);
	case WORD:
		return check_word(s, i);
	case DURATION:
		if (*t != '\0' && !is_duration(t))
			return settings_fail(s, "%s=%.60s: neither seconds nor "
			    "a duration like 30m or 1h30m (s, m, h, no "
			    "blank); -1 is for ever", r->key, t);
		return 0;
	case URL:
		return check_servers(s, i);
	case OBJECT:
		return check_object(s, i);
	case ORIGINS:
		if (!origin_list_valid(t))
			return settings_fail(s, "%s=%.200s: not origins like "
			    "https://help.example http://localhost:*",
			    r->key, t);
		return 0;
	case RATE:
		if (!rate_parse(t, &count, &period))
			return settings_fail(s, "%s=%.60s: neither off nor a "
			    "number and /sec, /min, /hour or /day", r->key, t);
		return 0;
	case ADDRESSES:
		if (!address_list_valid(t))
			return settings_fail(s, "%s=%.200s: not addresses or "
			    "networks like 127.0.0.1 10.0.0.0/8", r->key, t);
		return 0;
	case TEXT:
	default:
		return 0;
	}
}

/* The setting of this name; SETTING__MAX if there is none. */
static size_t
settings_index(const char *name, size_t len, size_t first)
{
	size_t	i, n;

	/* What run.sh and chat pass on is in the table's order. */
	for (n = 0; n < SETTING__MAX; n++) {
		i = (first + n) % SETTING__MAX;
		if (*table[i].key == *name &&
		    strncmp(table[i].key, name, len) == 0 &&
		    table[i].key[len] == '\0')
			return i;
	}
	return SETTING__MAX;
}

size_t
settings_find(const char *name)
{
	return settings_index(name, strlen(name), 0);
}

/*
 * What the environment says of each setting: TICKETCHAT_<KEY>, and OLLAMA_<X>
 * also by its bare name, which counts less.  Returns the first name that is
 * no setting's, or NULL.
 */
static const char *
read_environment(const char *value[SETTING__MAX])
{
	static const char	  prefix[] = SETTINGS_PREFIX,
				  bare[] = "OLLAMA_";
	const char		 *unknown = NULL, *name, *v;
	char			**e;
	size_t			  i = 0, len;

	for (e = environ; e != NULL && *e != NULL; e++) {
		if (strncmp(*e, prefix, sizeof(prefix) - 1) != 0)
			continue;
		name = *e + sizeof(prefix) - 1;
		len = strcspn(name, "=");
		v = name[len] == '=' ? name + len + 1 : "";
		i = settings_index(name, len, i);
		if ((i == SETTING__MAX || i == SETTING_PORT) &&
		    settings_injected(name, len, v))
			continue;
		if (i == SETTING__MAX && unknown == NULL)
			unknown = *e;
		else if (i != SETTING__MAX && value[i] == NULL && *v != '\0')
			value[i] = v;
	}
	for (i = 0; i < SETTING__MAX; i++) {
		if (value[i] == NULL && strncmp(table[i].key, bare,
		    sizeof(bare) - 1) == 0 &&
		    (v = getenv(table[i].key)) != NULL && *v != '\0')
			value[i] = v;
	}
	return unknown;
}

int
settings_load(struct settings *s, const char *file, int optional)
{
	const char	*value[SETTING__MAX] = { NULL }, *unknown, *v;
	size_t		 i;

	memset(s, 0, sizeof(*s));
	unknown = read_environment(value);
	if (file != NULL && unknown != NULL)
		return settings_fail_name(s, unknown);
	if (file != NULL && settings_file_read(s, file, optional) == -1)
		return -1;
	for (i = 0; i < SETTING__MAX; i++) {
		if (value[i] != NULL)
			s->text[i] = value[i];
		else if (s->text[i] == NULL && i == SETTING_RUN_DIR &&
		    (v = getenv("RUNTIME_DIRECTORY")) != NULL && *v != '\0')
			s->text[i] = v;
		else if (s->text[i] == NULL)
			s->text[i] = table[i].fallback;
		if (check(s, i) == -1)
			return -1;
	}
	settings_open(s, file != NULL);
	if (file != NULL && (settings_check_log(s) == -1 ||
	    settings_check_listen(s) == -1))
		return -1;
	return settings_together(s);
}

bool
settings_good(enum setting which, const char *value)
{
	struct settings	s;

	memset(&s, 0, sizeof(s));
	s.text[which] = value;
	return check(&s, which) == 0;
}

bool
settings_is_number(enum setting which)
{
	return table[which].kind == NUMBER;
}

const char *
settings_key(enum setting which)
{
	return table[which].key;
}

void
settings_free(struct settings *s)
{
	free(s->file);
	s->file = NULL;
}

void
settings_print(const struct settings *s, FILE *f)
{
	size_t	i;

	for (i = 0; i < SETTING__MAX; i++)
		(void)fprintf(f, "%s=%s\n", table[i].key, s->text[i]);
}

char **
settings_environment(const struct settings *s)
{
	char	**env, *p;
	size_t	  i, size = 0;

	for (i = 0; i < SETTING__MAX; i++)
		size += strlen(SETTINGS_PREFIX) + strlen(table[i].key) +
		    strlen(s->text[i]) + 2;
	if ((env = malloc((SETTING__MAX + 2) * sizeof(*env) + size)) == NULL)
		return NULL;
	p = (char *)(env + SETTING__MAX + 2);
	for (i = 0; i < SETTING__MAX; i++) {
		env[i] = p;
		p = stpcpy(stpcpy(p, SETTINGS_PREFIX), table[i].key);
		p = stpcpy(stpcpy(p, "="), s->text[i]) + 1;
	}
	env[i] = env[i + 1] = NULL;
	return env;
}

const char *
settings_key_path(const char *word)
{
	static const char	declares[] = "hs256:";
	const size_t		len = sizeof(declares) - 1;

	return strncmp(word, declares, len) == 0 ? word + len : word;
}
