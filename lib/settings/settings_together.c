/*
 * What concerns more than one setting.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/limit.h"
#include "settings/settings_file.h"

enum {
	LINKS_MAX = 40,		/* as the kernel follows */
	MEMORY_DEVICES = 1	/* the major number of /dev/null, /dev/full */
};

/*
 * Whether an address of a database holds a password, which everybody could
 * read who may see the settings or the processes.
 */
static bool
holds_password(const char *uri)
{
	const char	*host = strstr(uri, "://") + 3;
	const size_t	 user = strcspn(host, "@/?");

	const char	*options = strchr(uri, '?');

	/* Behind the ? a % might spell it otherwise. */
	return (host[user] == '@' && memchr(host, ':', user) != NULL) ||
	    (options != NULL && (strstr(options, "password=") != NULL ||
	    strchr(options, '%') != NULL));
}

/* The settings about a database that is no file. */
static int
check_server(struct settings *s)
{
	const char	*uri = s->text[SETTING_DATABASE];
	const bool	 theirs = *s->text[SETTING_TICKETS_TABLE] != '\0';

	if (strncmp(uri, "postgres", 8) != 0)
		return theirs ? settings_fail(s, "TICKETS_TABLE goes with a "
		    "DATABASE of PostgreSQL") : 0;
	if (strncmp(uri, "postgres://", 11) != 0 &&
	    strncmp(uri, "postgresql://", 13) != 0)
		return settings_fail(s, "DATABASE=%.60s: neither a file nor "
		    "postgres://USER@HOST/DATABASE", uri);
	if (holds_password(uri))
		return settings_fail(s, "DATABASE: no password in it, and "
		    "no %% behind its ?; passfile=/etc/ticketchat/pgpass "
		    "names a file with the password");
	if (theirs && s->number[SETTING_TICKETS] != TICKETS_EXISTING)
		return settings_fail(s, "TICKETS_TABLE needs "
		    "TICKETS=existing: nothing is added to that table");
	return 0;
}

bool
settings_log_is_file(const struct settings *s)
{
	const char	*log = s->text[SETTING_LOG];

	return strcmp(log, "syslog") != 0 && strcmp(log, "stderr") != 0;
}

/* Whether the directory of a path is in /proc, wherever that is mounted. */
static bool
in_proc(const char *path)
{
	char		 dir[PATH_MAX];
	const char	*slash = strrchr(path, '/');
	struct statfs	 fs;

	(void)snprintf(dir, sizeof(dir), "%.*s", slash == NULL ? 1 :
	    (int)(slash - path) + 1, slash == NULL ? "." : path);
	return statfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* Has path be what the symbolic link at path leads to. */
static bool
settings_together_follow(char path[PATH_MAX])
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

/* Copies a path, //dev/./x as /dev/x. */
static void
one_slash(char to[PATH_MAX], const char *path)
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
 * device; /dev/null and its kind are good.
 */
static bool
is_device(const char *log)
{
	static const char *const	names[] = {
		"/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/",
		"/dev/tty", "/proc/",
	};
	char				path[PATH_MAX];
	struct stat			st;
	size_t				i;

	/* Also where there is no such link. */
	one_slash(path, log);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(path, names[i], strlen(names[i])) == 0)
			return true;
	}
	for (i = 0; i < LINKS_MAX; i++) {
		if (in_proc(path))
			return true;
		if (lstat(path, &st) == -1)
			return false;
		if (!S_ISLNK(st.st_mode) || !settings_together_follow(path))
			return S_ISBLK(st.st_mode) || (S_ISCHR(st.st_mode) &&
			    major(st.st_rdev) != MEMORY_DEVICES);
	}
	return true;
}

int
settings_check_log(struct settings *s)
{
	const char	*log = s->text[SETTING_LOG];

	if (!settings_log_is_file(s))
		return 0;
	/* stdout, -, journal, Syslog, off: that was not meant for a file. */
	if (strpbrk(log, "/.") == NULL)
		return settings_fail(s, "LOG=%.100s: neither a file's path nor "
		    "syslog or stderr (a file of that name is ./%.100s); "
		    "LOG=stderr is the service's standard error, LOG=syslog "
		    "the journal, LOG=/dev/null none", log, log);
	if (!is_device(log))
		return 0;
	return settings_fail(s, "LOG=%.100s: a descriptor or a device is no "
	    "log: under websocketd its lines would go to the clients.  "
	    "LOG=stderr is the service's standard error, LOG=syslog the "
	    "journal", log);
}

/* Why a word of ADDRESS is none; NULL: it is one, or a name. */
static const char *
listen_fault(const char *word, size_t len)
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
		    "what stands in brackets is no address of IPv6";
	}
	if (inet_pton(AF_INET6, text, &six) == 1)
		return "an address of IPv6 stands in brackets, as [::1]";
	if (strspn(text, letters) != len)
		return "not an address like 127.0.0.1 or [::1], without a "
		    "port";
	/* What some programs take for one, others for a name. */
	if (inet_pton(AF_INET, text, &four) != 1 &&
	    (inet_aton(text, &four) == 1 ||
	    strspn(text, "0123456789.") == len))
		return "an address of IPv4 is four numbers up to 255, without "
		    "leading zeros";
	return NULL;
}

int
settings_check_listen(struct settings *s)
{
	const char	*list = s->text[SETTING_ADDRESS], *why;
	size_t		 len;
	int		 count = 0;

	for (; *(list += strspn(list, " ")) != '\0'; list += len, count++) {
		len = strcspn(list, " ");
		if ((why = listen_fault(list, len)) != NULL)
			return settings_fail(s, "ADDRESS=%.100s: %.*s: %s",
			    s->text[SETTING_ADDRESS], (int)(len < 80 ? len :
			    80), list, why);
	}
	/* websocketd would listen on all of them. */
	return count > 0 ? 0 : settings_fail(s, "ADDRESS: blanks only; "
	    "0.0.0.0 and [::] are all addresses of the machine");
}

/* Whether the service listens on addresses of the loopback only. */
static bool
settings_local(const struct settings *s)
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

void
settings_open(struct settings *s, bool whole)
{
	bool	on;

	if (s->number[SETTING_OPEN] != OPEN_AUTO)
		return;
	/* Behind a proxy everybody comes from the loopback. */
	on = s->number[SETTING_AUTH] == AUTH_REQUIRED || (whole &&
	    *s->text[SETTING_TRUSTED_PROXIES] == '\0' && settings_local(s));
	s->number[SETTING_OPEN] = on ? OPEN_ON : OPEN_ANSWER;
	s->text[SETTING_OPEN] = on ? "on" : "answer";
}

int
settings_together(struct settings *s)
{
	if ((*s->text[SETTING_TLS_CERT] == '\0') !=
	    (*s->text[SETTING_TLS_KEY] == '\0'))
		return settings_fail(s, "TLS_CERT and TLS_KEY go together");
	if (s->number[SETTING_AUTH] == AUTH_REQUIRED &&
	    *s->text[SETTING_JWT_KEY_FILE] == '\0')
		return settings_fail(s, "AUTH=required needs JWT_KEY_FILE");
	return check_server(s);
}
