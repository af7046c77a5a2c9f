/*
 * The settings: the table and the checks of values, alone and together.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/address.h"
#include "base/limit.h"
#include "base/number.h"
#include "base/origin.h"
#include "base/rate.h"
#include "base/url.h"
#include "base/utf8.h"
#include "json/json.h"
#include "settings/settings_read.h"

enum {
	LINKS_MAX = 40,		/* symbolic links; the kernel follows as many */
	MEMORY_DEVICES = 1	/* the major number of /dev/null, /dev/full */
};

const char settings_default_file[] = CONF_FILE;

/* What a value must look like. */
enum kind {
	IS_TEXT, IS_NUMBER, IS_WORD, IS_DURATION, IS_URL, IS_OBJECT, IS_ORIGINS,
	IS_RATE, IS_ADDRESSES, IS_PORT, IS_HOSTS, IS_DECIMAL, IS_PROGRAM
};

/* Who reads a setting. */
enum reader {
	CHAT,		/* chat and the programs that it starts */
	SERVICE,	/* run.sh and `sessions hold', for websocketd; door */
	TIMER		/* deploy/upkeep.sh, at night */
};

/* The last three columns of the table, of each kind. */
#define TEXT			IS_TEXT, 0, 0, NULL
#define NUMBER(min, max)	IS_NUMBER, (min), (max), NULL
#define WORD(words)		IS_WORD, 0, 0, words
#define DURATION		IS_DURATION, 0, 0, NULL
#define URL			IS_URL, 0, 0, NULL
#define OBJECT			IS_OBJECT, 0, 0, NULL
#define ORIGINS			IS_ORIGINS, 0, 0, NULL
#define RATE			IS_RATE, 0, 0, NULL
#define ADDRESSES		IS_ADDRESSES, 0, 0, NULL
#define PORT_OR_OFF		IS_PORT, 1, 65535, NULL
#define HOSTS			IS_HOSTS, 0, 0, NULL
#define DECIMAL(max)		IS_DECIMAL, 0, (max), NULL
#define PROGRAM			IS_PROGRAM, 0, 0, NULL

#define ROW(key, fallback, reader, ...) \
	[SETTING_##key] = { #key, fallback, reader, __VA_ARGS__ }

static const struct row {
	const char	*key;
	const char	*fallback;	/* a good value: t_settings checks it */
	enum reader	 reader;
	enum kind	 kind;
	int64_t		 min, max;	/* of a number; in thousandths
					   of a decimal one */
	const char	*words;		/* of a word, a space behind each */
} table[SETTING__MAX] = {
	ROW(PORT, "5000", SERVICE, NUMBER(1, 65535)),
	ROW(ADDRESS, "127.0.0.1 [::1]", SERVICE, TEXT),
	ROW(MAX_CONNECTIONS, "256", SERVICE, NUMBER(1, 65536)),
	ROW(TLS_CERT, "", SERVICE, TEXT),
	ROW(TLS_KEY, "", SERVICE, TEXT),
	ROW(WEB, "on", SERVICE, WORD("on off ")),
	ROW(HTTP_PORT, "off", SERVICE, PORT_OR_OFF),
	ROW(HTTP_HOSTS, "", SERVICE, HOSTS),
	ROW(METRICS_FROM, "127.0.0.0/8 ::1", SERVICE, ADDRESSES),
	ROW(DATABASE, "var/ticketchat.db", CHAT, TEXT),
	ROW(RUN_DIR, "var/run", CHAT, TEXT),
	ROW(LOG, "var/ticketchat.log", CHAT, TEXT),
	ROW(OLLAMA_SERVER, "http://localhost:11434/api/generate", CHAT, URL),
	ROW(OLLAMA_MODEL, "", CHAT, TEXT),
	ROW(OLLAMA_OPTIONS, "", CHAT, OBJECT),
	ROW(OLLAMA_KEEP_ALIVE, "", CHAT, DURATION),
	ROW(OLLAMA_THINK, "false", CHAT,
	    WORD("false true low medium high max server ")),
	ROW(OLLAMA_TOKEN_FILE, "", CHAT, TEXT),
	ROW(SYSTEM_PROMPT_FILE, "", CHAT, TEXT),
	ROW(CONNECT_TIMEOUT, "3", CHAT, NUMBER(1, 600)),
	ROW(FIRST_TOKEN_TIMEOUT, "600", CHAT, NUMBER(1, 86400)),
	ROW(STALL_TIMEOUT, "120", CHAT, NUMBER(1, 86400)),
	ROW(ANSWER_TIMEOUT, "1800", CHAT, NUMBER(1, 604800)),
	ROW(IDLE_TIMEOUT, "600", CHAT, NUMBER(1, 604800)),
	ROW(SEND_TIMEOUT, "30", CHAT, NUMBER(1, 86400)),
	ROW(STOP_WAIT, "5", SERVICE, NUMBER(0, 86400)),
	ROW(MAX_TICKET_BYTES, "65536", CHAT, NUMBER(1, TICKET_BYTES_MAX)),
	ROW(MAX_ANSWER_BYTES, "1048576", CHAT, NUMBER(1, ANSWER_MAX)),
	ROW(GENERATIONS, "1", CHAT, NUMBER(1, 1024)),
	ROW(QUEUE_MAX, "64", CHAT, NUMBER(0, 4096)),
	ROW(ALLOWED_ORIGINS, "http://localhost:* http://127.0.0.1:*", CHAT,
	    ORIGINS),
	ROW(TICKETS, "auto", CHAT, WORD("auto existing ")),
	ROW(TICKETS_TABLE, "", CHAT, TEXT),
	ROW(TICKETS_ID_COLUMN, "Id", CHAT, TEXT),
	ROW(ON_DISCONNECT, "finish", CHAT, WORD("finish cancel ")),
	ROW(CACHE, "ticket", CHAT, WORD("ticket body ")),
	ROW(OPEN, "auto", CHAT, WORD("auto on answer off ")),
	ROW(RATINGS, "on", CHAT, WORD("on off ")),
	ROW(WRITE, "auto", CHAT, WORD("auto on off ")),
	ROW(KNOWLEDGE, "3", CHAT, NUMBER(0, KNOWLEDGE_MAX)),
	ROW(KNOWLEDGE_FLOOR, "1.3", CHAT, DECIMAL(100000)),
	ROW(KNOWLEDGE_ANSWERS, "off", CHAT, WORD("off written rated ")),
	ROW(KNOWLEDGE_SYNONYMS, "", CHAT, TEXT),
	ROW(LANGUAGE, "auto", CHAT, WORD("auto pt-BR en es ")),
	ROW(AUTH, "off", CHAT, WORD("off required ")),
	ROW(JWT_KEY_FILE, "", CHAT, TEXT),
	ROW(JWT_ISSUER, "", CHAT, TEXT),
	ROW(JWT_AUDIENCE, "", CHAT, TEXT),
	ROW(JWT_COOKIE, "", CHAT, TEXT),
	ROW(JWT_TICKET_CLAIM, "tid", CHAT, TEXT),
	ROW(RATE_LIMIT, "off", CHAT, RATE),
	ROW(MAX_VIEWERS, "0", CHAT, NUMBER(0, VIEWERS_MAX)),
	ROW(TRUSTED_PROXIES, "", CHAT, ADDRESSES),
	ROW(TICKET_FILTER, "", CHAT, PROGRAM),
	ROW(KNOWLEDGE_COMMAND, "", CHAT, PROGRAM),
	ROW(DONE_COMMAND, "", CHAT, PROGRAM),
	ROW(BACKUPS, "14", TIMER, NUMBER(0, 3650)),
	ROW(RETENTION_DAYS, "0", TIMER, NUMBER(0, 36500)),
};

/* Checks a number and converts it. */
static int
settings_check_number(struct settings *s, size_t i)
{
	const struct row	*r = &table[i];
	const char		*t = s->text[i];
	const size_t		 zeros = strspn(t, "0");

	if (number_read(t, strlen(t), r->max, &s->number[i]) &&
	    s->number[i] >= r->min)
		return 0;
	s->number[i] = 0;
	/* websocketd, or a shell, would read an octal number. */
	if (zeros > 0 && strspn(t, "0123456789") == strlen(t) && t[1] != '\0')
		return settings_fail(s, "%s=%.60s: leading zeros are not "
		    "allowed; write %.20s", r->key, t, t[zeros] == '\0' ?
		    "0" : t + zeros);
	return settings_fail(s, "%s=%.60s: not a whole number from "
	    "%lld to %lld", r->key, t, (long long)r->min, (long long)r->max);
}

/*
 * Whether Ollama can read a text as a duration: a number of seconds, or numbers
 * that each have a unit, as in 30m or 1h30m.  A negative one is for ever.
 * Ollama counts nanoseconds in 63 bits.
 */
static bool
settings_is_duration(const char *t)
{
	static const struct {
		const char	*name;	/* ms stands before m */
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
			len += 1 + i;	/* counted as one unit */
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

/* Checks one of a few words; its number is its place among them. */
static int
settings_check_word(struct settings *s, size_t i)
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

/* Checks OLLAMA_SERVER. */
static int
settings_check_servers(struct settings *s, size_t i)
{
	const char	*t = s->text[i], *p, *scheme = "http";
	size_t		 len;

	if (url_valid(t))
		return 0;
	if ((p = url_bare(t)) != NULL) {
		/* http:/host and others that have too few slashes. */
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
		return settings_fail(s, "%s=%.200s: %.*s is there twice, by "
		    "its address or its name; list each server once, and give "
		    "a faster one weight=2",
		    table[i].key, t, (int)len, p);
	return settings_fail(s, "%s=%.200s: not addresses like "
	    "http://localhost:11434/api/generate, each of another server, and "
	    "each with weight=3, name=gpu1 or token=FILE after it if needed",
	    table[i].key, t);
}

/* Checks a JSON object. */
static int
settings_check_object(struct settings *s, size_t i)
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

/*
 * Checks a list of hosts.  Host and port of an origin have the same form, so a
 * host is good if an origin with it is.
 */
static int
settings_check_hosts(struct settings *s, size_t i)
{
	const char	*list = s->text[i];
	char		 origin[SETTING_MAX + 16];
	size_t		 len;

	for (; *(list += strspn(list, " ")) != '\0'; list += len) {
		len = strcspn(list, " ");
		(void)snprintf(origin, sizeof(origin), "http://%.*s", (int)len,
		    list);
		if (!origin_list_valid(origin) || memchr(list + (*list == '['),
		    ':', strcspn(list, "] ")) != NULL)
			return settings_fail(s, "%s=%.200s: not names like "
			    "desk.example, without a port", table[i].key,
			    s->text[i]);
	}
	return 0;
}

/* Checks one value against its row of the table; sets its number. */
static int
settings_check(struct settings *s, size_t i)
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
			return settings_fail(s, "%s: contains a control "
			    "character", r->key);
	}
	if (!utf8_valid(t, strlen(t)))
		return settings_fail(s, "%s: not UTF-8", r->key);
	switch (r->kind) {
	case IS_NUMBER:
		return settings_check_number(s, i);
	case IS_WORD:
		return settings_check_word(s, i);
	case IS_DURATION:
		if (*t != '\0' && !settings_is_duration(t))
			return settings_fail(s, "%s=%.60s: neither seconds nor "
			    "a duration like 30m or 1h30m (s, m, h, no "
			    "blanks); -1 means forever", r->key, t);
		return 0;
	case IS_URL:
		return settings_check_servers(s, i);
	case IS_OBJECT:
		return settings_check_object(s, i);
	case IS_ORIGINS:
		if (!origin_list_valid(t))
			return settings_fail(s, "%s=%.200s: not origins like "
			    "https://help.example http://localhost:*",
			    r->key, t);
		return 0;
	case IS_PORT:
		return strcmp(t, "off") == 0 ? 0 : settings_check_number(s, i);
	case IS_HOSTS:
		return settings_check_hosts(s, i);
	case IS_RATE:
		if (!rate_parse(t, &count, &period))
			return settings_fail(s, "%s=%.60s: neither off nor a "
			    "number and /sec, /min, /hour or /day", r->key, t);
		return 0;
	case IS_ADDRESSES:
		if (!address_list_valid(t))
			return settings_fail(s, "%s=%.200s: not addresses or "
			    "networks like 127.0.0.1 10.0.0.0/8", r->key, t);
		return 0;
	case IS_DECIMAL:
		if (!number_thousandths(t, strlen(t), r->max, &s->number[i]))
			return settings_fail(s, "%s=%.60s: not a number from 0 "
			    "to %lld like 1.3", r->key, t,
			    (long long)r->max / 1000);
		return 0;
	case IS_PROGRAM:
		if (*t != '\0' && *t != '/')
			return settings_fail(s, "%s=%.200s: not an absolute "
			    "path, which begins with /", r->key, t);
		return 0;
	case IS_TEXT:
	default:
		return 0;
	}
}

/*
 * Whether the address of a database holds a password: everybody who may see the
 * settings or the processes could read it.
 */
static bool
settings_holds_password(const char *uri)
{
	const char	*host = strstr(uri, "://") + 3;
	const size_t	 user = strcspn(host, "@/?");
	const char	*options = strchr(uri, '?');

	/* A % in the query could hide the word: %70assword=. */
	return (host[user] == '@' && memchr(host, ':', user) != NULL) ||
	    (options != NULL && (strstr(options, "password=") != NULL ||
	    strchr(options, '%') != NULL));
}

/* Checks the settings about a database server. */
static int
settings_check_database(struct settings *s)
{
	const char	*uri = s->text[SETTING_DATABASE];
	const bool	 theirs = *s->text[SETTING_TICKETS_TABLE] != '\0';

	if (strncmp(uri, "postgres", 8) != 0)
		return theirs ? settings_fail(s, "TICKETS_TABLE works only "
		    "with a DATABASE on PostgreSQL") : 0;
	if (strncmp(uri, "postgres://", 11) != 0 &&
	    strncmp(uri, "postgresql://", 13) != 0)
		return settings_fail(s, "DATABASE=%.60s: neither a file nor "
		    "postgres://USER@HOST/DATABASE", uri);
	if (settings_holds_password(uri))
		return settings_fail(s, "DATABASE: it must not contain a "
		    "password, nor %% after its ?; write "
		    "passfile=/etc/ticketchat/pgpass, a file with the "
		    "password");
	if (theirs && s->number[SETTING_TICKETS] != TICKETS_EXISTING)
		return settings_fail(s, "TICKETS_TABLE needs TICKETS=existing, "
		    "because ticketchat adds no tickets to that table");
	return 0;
}

bool
settings_log_is_file(const struct settings *s)
{
	const char	*log = s->text[SETTING_LOG];

	return strcmp(log, "syslog") != 0 && strcmp(log, "stderr") != 0;
}

size_t
settings_ticket_max(const struct settings *s)
{
	const int64_t	max = s->number[SETTING_MAX_TICKET_BYTES];

	if (*s->text[SETTING_TICKET_FILTER] == '\0')
		return (size_t)max;
	return (size_t)(max < TICKET_BYTES_MAX / SETTINGS_FILTERED ?
	    max * SETTINGS_FILTERED : TICKET_BYTES_MAX);
}

/* Whether the directory of a path is in /proc, wherever that is mounted. */
static bool
settings_in_proc(const char *path)
{
	char		 dir[PATH_MAX];
	const char	*slash = strrchr(path, '/');
	struct statfs	 fs;

	(void)snprintf(dir, sizeof(dir), "%.*s", slash == NULL ? 1 :
	    (int)(slash - path) + 1, slash == NULL ? "." : path);
	return statfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* Replaces the path of a symbolic link by the path that it leads to. */
static bool
settings_follow_link(char path[PATH_MAX])
{
	char	to[PATH_MAX], *slash;
	ssize_t	n = readlink(path, to, sizeof(to) - 1);
	size_t	len;

	if (n <= 0)
		return false;
	to[n] = '\0';
	len = *to != '/' && (slash = strrchr(path, '/')) != NULL ?
	    (size_t)(slash - path) + 1 : 0;
	if (len + (size_t)n >= PATH_MAX)
		return false;
	memcpy(path + len, to, (size_t)n + 1);
	return true;
}

/* Copies a path without doubled slashes and without /./ in it. */
static void
settings_plain_path(char to[PATH_MAX], const char *path)
{
	size_t	n = 0;

	for (; *path != '\0' && n < PATH_MAX - 1; path++) {
		while (*path == '/' && (path[1] == '/' || (path[1] == '.' &&
		    (path[2] == '/' || path[2] == '\0'))))
			path += path[1] == '/' ? 1 : 2;
		to[n++] = *path;
		if (*path == '\0')
			return;
	}
	to[n] = '\0';
}

/*
 * Whether a path leads to a descriptor (/dev/stdout, /proc/self/fd/1) or to a
 * device.  /dev/null and the other devices of memory are none here.
 */
static bool
settings_is_device(const char *log)
{
	static const char *const	names[] = {
		"/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/",
		"/dev/tty", "/proc/",
	};
	char				path[PATH_MAX];
	struct stat			st;
	size_t				i;

	/* These names are refused also where they do not exist. */
	settings_plain_path(path, log);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(path, names[i], strlen(names[i])) == 0)
			return true;
	}
	for (i = 0; i < LINKS_MAX; i++) {
		if (settings_in_proc(path))
			return true;
		if (lstat(path, &st) == -1)
			return false;
		if (!S_ISLNK(st.st_mode) || !settings_follow_link(path))
			return S_ISBLK(st.st_mode) || (S_ISCHR(st.st_mode) &&
			    major(st.st_rdev) != MEMORY_DEVICES);
	}
	return true;
}

/*
 * Refuses a LOG that is a descriptor or a device, or a link to one: under
 * websocketd its lines would be sent to clients.
 */
static int
settings_check_log(struct settings *s)
{
	const char	*log = s->text[SETTING_LOG];

	if (!settings_log_is_file(s))
		return 0;
	/* Nobody means a file by stdout, -, journal, Syslog or off. */
	if (strpbrk(log, "/.") == NULL)
		return settings_fail(s, "LOG=%.100s: neither a file's path nor "
		    "syslog or stderr (for a file of that name write "
		    "./%.100s); LOG=stderr is the service's standard error, "
		    "LOG=syslog the journal, LOG=/dev/null no log", log, log);
	if (!settings_is_device(log))
		return 0;
	return settings_fail(s, "LOG=%.100s: a descriptor or a device cannot "
	    "be the log, because under websocketd its lines would go to the "
	    "clients.  LOG=stderr is the service's standard error, LOG=syslog "
	    "the journal", log);
}

/*
 * What is wrong with a word of ADDRESS; NULL: it is an address or a name.  An
 * address has to be in its usual form: for some programs 127.0.0.01 is another
 * one than 127.0.0.1.
 */
static const char *
settings_listen_fault(const char *word, size_t len)
{
	static const char	letters[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	char			text[SETTING_MAX + 1], *zone;
	struct in_addr		four;
	struct in6_addr		six;

	(void)snprintf(text, sizeof(text), "%.*s", (int)len, word);
	if (*text == '[' && text[len - 1] == ']') {
		text[len - 1] = '\0';
		if ((zone = strchr(text, '%')) != NULL)
			*zone = '\0';
		return inet_pton(AF_INET6, text + 1, &six) == 1 ? NULL :
		    "the text in brackets is not an IPv6 address";
	}
	if (inet_pton(AF_INET6, text, &six) == 1)
		return "an IPv6 address must be in brackets, as [::1]";
	if (strspn(text, letters) != len)
		return "not an address like 127.0.0.1 or [::1], without a "
		    "port";
	/* Some programs read these as addresses, others as names. */
	if (inet_pton(AF_INET, text, &four) != 1 &&
	    (inet_aton(text, &four) == 1 ||
	    strspn(text, "0123456789.") == len))
		return "an IPv4 address is four numbers up to 255, without "
		    "leading zeros";
	return NULL;
}

/* Checks ADDRESS, the addresses on which websocketd listens. */
static int
settings_check_listen(struct settings *s)
{
	const char	*list = s->text[SETTING_ADDRESS], *why;
	size_t		 len;
	int		 count = 0;

	for (; *(list += strspn(list, " ")) != '\0'; list += len, count++) {
		len = strcspn(list, " ");
		if ((why = settings_listen_fault(list, len)) != NULL)
			return settings_fail(s, "ADDRESS=%.100s: %.*s: %s",
			    s->text[SETTING_ADDRESS], (int)(len < 80 ? len :
			    80), list, why);
	}
	/* Without an address websocketd would listen on all of them. */
	return count > 0 ? 0 : settings_fail(s, "ADDRESS: it has only blanks; "
	    "0.0.0.0 and [::] mean all addresses of the machine");
}

/* Checks that involve several settings, each of which is good alone. */
static int
settings_check_together(struct settings *s)
{
	if ((*s->text[SETTING_TLS_CERT] == '\0') !=
	    (*s->text[SETTING_TLS_KEY] == '\0'))
		return settings_fail(s, "TLS_CERT and TLS_KEY must both be "
		    "set, or neither");
	if (s->number[SETTING_HTTP_PORT] != 0 &&
	    s->number[SETTING_HTTP_PORT] == s->number[SETTING_PORT])
		return settings_fail(s, "HTTP_PORT and PORT are the same: "
		    "websocketd has PORT, give the door another one");
	if (s->number[SETTING_AUTH] == AUTH_REQUIRED &&
	    *s->text[SETTING_JWT_KEY_FILE] == '\0')
		return settings_fail(s, "AUTH=required needs JWT_KEY_FILE");
	return settings_check_database(s);
}

size_t
settings_find(const char *key, size_t len, size_t first)
{
	const size_t	from = first < SETTING__MAX ? first : 0;
	size_t		i = from;

	do {
		if (*table[i].key == *key &&
		    strncmp(table[i].key, key, len) == 0 &&
		    table[i].key[len] == '\0')
			return i;
		if (++i == SETTING__MAX)
			i = 0;
	} while (i != from);
	return SETTING__MAX;
}

/* Gives each setting its effective value and checks it. */
static int
settings_complete(struct settings *s)
{
	const char	*dir;
	size_t		 i;

	/* systemd's RuntimeDirectory= is the default. */
	if (s->text[SETTING_RUN_DIR] == NULL &&
	    (dir = getenv("RUNTIME_DIRECTORY")) != NULL && *dir != '\0')
		s->text[SETTING_RUN_DIR] = dir;
	for (i = 0; i < SETTING__MAX; i++) {
		if (s->text[i] == NULL) {
			s->text[i] = table[i].fallback;
			if (table[i].kind != IS_NUMBER &&
			    table[i].kind != IS_DECIMAL)
				continue;	/* good; number is 0 */
		}
		if (settings_check(s, i) == -1)
			return -1;
	}
	return 0;
}

/* Whether the service listens on addresses of the loopback only. */
static bool
settings_is_local(const struct settings *s)
{
	const char	*list = s->text[SETTING_ADDRESS];
	size_t		 len;

	for (; *(list += strspn(list, " ")) != '\0'; list += len) {
		len = strcspn(list, " ");
		if ((strncmp(list, "127.", 4) != 0 ||
		    strspn(list, "0123456789.") < len) &&
		    (len != 5 || memcmp(list, "[::1]", 5) != 0) &&
		    (len != 9 || memcmp(list, "localhost", 9) != 0))
			return false;
	}
	return true;
}

/*
 * Replaces OPEN=auto by the value that follows from other settings.  Without a
 * file ADDRESS may be missing (chat does not get it), so that it cannot count.
 */
static void
settings_choose_open(struct settings *s, bool file)
{
	bool	on;

	if (s->number[SETTING_OPEN] != OPEN_AUTO)
		return;
	/* Behind a proxy every client comes from the loopback. */
	on = s->number[SETTING_AUTH] == AUTH_REQUIRED || (file &&
	    *s->text[SETTING_TRUSTED_PROXIES] == '\0' && settings_is_local(s));
	s->number[SETTING_OPEN] = on ? OPEN_ON : OPEN_ANSWER;
	s->text[SETTING_OPEN] = on ? "on" : "answer";
}

/* Replaces WRITE=auto: only where users have names may they write. */
static void
settings_choose_write(struct settings *s)
{
	bool	on;

	if (s->number[SETTING_WRITE] != WRITE_AUTO)
		return;
	on = s->number[SETTING_AUTH] == AUTH_REQUIRED;
	s->number[SETTING_WRITE] = on ? WRITE_ON : WRITE_OFF;
	s->text[SETTING_WRITE] = on ? "on" : "off";
}

/*
 * Refuses to make knowledge of answers that anybody may have written or rated:
 * without tokens only where all clients are on this machine.
 */
static int
settings_check_answers(struct settings *s)
{
	if (s->number[SETTING_KNOWLEDGE_ANSWERS] == ANSWERS_OFF ||
	    s->number[SETTING_AUTH] == AUTH_REQUIRED ||
	    (s->number[SETTING_WRITE] == WRITE_OFF &&
	    s->number[SETTING_RATINGS] == RATINGS_OFF) ||
	    (*s->text[SETTING_TRUSTED_PROXIES] == '\0' &&
	    settings_is_local(s)))
		return 0;
	return settings_fail(s, "KNOWLEDGE_ANSWERS=%s with AUTH=off: anybody "
	    "could teach the service. Set AUTH=required, or WRITE=off and "
	    "RATINGS=off, or ADDRESS=127.0.0.1 without TRUSTED_PROXIES",
	    s->text[SETTING_KNOWLEDGE_ANSWERS]);
}

int
settings_load(struct settings *s, const char *file, int optional)
{
	memset(s, 0, sizeof(*s));
	if (settings_read_environment(s, file != NULL) == -1 ||
	    (file != NULL && settings_read_file(s, file, optional) == -1) ||
	    settings_complete(s) == -1)
		return -1;
	settings_choose_open(s, file != NULL);
	settings_choose_write(s);
	/* run.sh and chat pass on what has been checked already. */
	if (file != NULL && (settings_check_log(s) == -1 ||
	    settings_check_listen(s) == -1 ||
	    settings_check_answers(s) == -1))
		return -1;
	return settings_check_together(s);
}

bool
settings_good(enum setting which, const char *value)
{
	struct settings	s;

	memset(&s, 0, sizeof(s));
	s.text[which] = value;
	return settings_check(&s, which) == 0;
}

bool
settings_is_number(enum setting which)
{
	return table[which].kind == IS_NUMBER;
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

void
settings_print_names(FILE *f)
{
	const char	*between = "";
	size_t		 i;

	for (i = 0; i < SETTING__MAX; i++) {
		if (table[i].reader != CHAT)
			continue;
		(void)fprintf(f, "%s" SETTINGS_PREFIX "%s", between,
		    table[i].key);
		between = ",";
	}
}

char **
settings_environment(const struct settings *s, const char *own)
{
	char	**env, *p;
	size_t	  i, n = 0, size = 0, most = SETTING__MAX + 3;

	for (i = 0; i < SETTING__MAX; i++)
		size += strlen(SETTINGS_PREFIX) + strlen(table[i].key) +
		    strlen(s->text[i]) + 2;
	for (i = 0; own != NULL && own[i] != '\0'; i++)
		most += own[i] == '\n';
	size += i + 1 + sizeof(SETTINGS_MALLOC);
	if ((env = malloc(most * sizeof(*env) + size)) == NULL)
		return NULL;
	p = (char *)(env + most);
	for (i = 0; i < SETTING__MAX; i++) {
		if (table[i].reader != CHAT)
			continue;
		env[n++] = p;
		p = stpcpy(stpcpy(p, SETTINGS_PREFIX), table[i].key);
		p = stpcpy(stpcpy(p, "="), s->text[i]) + 1;
	}
	env[n++] = p;
	p = stpcpy(p, SETTINGS_MALLOC) + 1;
	if (own != NULL) {
		memcpy(p, own, strlen(own) + 1);
		while (p != NULL && *p != '\0') {
			env[n++] = p;
			(void)strsep(&p, "\n");
		}
	}
	env[n] = NULL;
	return env;
}

const char *
settings_key_path(const char *word)
{
	static const char	declares[] = "hs256:";
	const size_t		len = sizeof(declares) - 1;

	return strncmp(word, declares, len) == 0 ? word + len : word;
}
