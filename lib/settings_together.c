/*
 * What concerns more than one setting.
 */
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "settings_file.h"

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
follow(char path[PATH_MAX])
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
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(log, names[i], strlen(names[i])) == 0)
			return true;
	}
	(void)snprintf(path, sizeof(path), "%s", log);
	for (i = 0; i < LINKS_MAX; i++) {
		if (in_proc(path))
			return true;
		if (lstat(path, &st) == -1)
			return false;
		if (!S_ISLNK(st.st_mode) || !follow(path))
			return S_ISBLK(st.st_mode) || (S_ISCHR(st.st_mode) &&
			    major(st.st_rdev) != MEMORY_DEVICES);
	}
	return true;
}

int
settings_check_log(struct settings *s)
{
	const char	*log = s->text[SETTING_LOG];

	if (!settings_log_is_file(s) || !is_device(log))
		return 0;
	return settings_fail(s, "LOG=%.100s: a descriptor or a device is no "
	    "log: under websocketd its lines would go to the clients.  "
	    "LOG=stderr is the service's standard error, LOG=syslog the "
	    "journal", log);
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
