/*
 * Giving up privileges: setrlimit(2), no_new_privs, Landlock.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limit.h"
#include "sandbox/harden.h"

/* Later than Debian 12's header; the kernel's ABI decides. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE	(1ULL << 14)
#endif

/* A sanitizer reserves terabytes of address space. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

#define READ	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | \
		LANDLOCK_ACCESS_FS_READ_DIR)
#define ABI_1	((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
/* What a rule about a file may say; the rest is for directories. */
#define OF_FILE	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | \
		LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
/* Nothing of ours makes devices. */
#define WRITE	(ABI_1 & ~(LANDLOCK_ACCESS_FS_MAKE_CHAR | \
		LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_EXECUTE))

/* All rights that the kernel's Landlock knows and we do. */
static uint64_t
rights(long abi)
{
	uint64_t	r = ABI_1;

	if (abi >= 2)
		r |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		r |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return r;
}

/* Allows something below a path, or for a file; one that is absent may be. */
static int
allow(int set, const char *path, uint64_t what)
{
	struct landlock_path_beneath_attr	rule;
	int					fd;
	long					rc;

	if ((fd = open(path, O_PATH | O_CLOEXEC)) == -1)
		return errno == ENOENT || errno == EACCES ||
		    errno == ENOTDIR ? 0 : -1;
	memset(&rule, 0, sizeof(rule));
	rule.parent_fd = fd;
	rule.allowed_access = what;
	rc = syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH,
	    &rule, 0);
	if (rc == -1 && errno == EINVAL) {
		rule.allowed_access = what & OF_FILE;
		rc = syscall(SYS_landlock_add_rule, set,
		    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	}
	(void)close(fd);
	return rc == -1 ? -1 : 0;
}

/* Allows something in the directory of a file. */
static int
allow_parent(int set, const char *file, uint64_t what)
{
	char		 path[PATH_MAX];
	const char	*slash = strrchr(file, '/');

	if (slash == NULL)
		return allow(set, ".", what);
	if (slash == file)
		return allow(set, "/", what);
	(void)snprintf(path, sizeof(path), "%.*s", (int)(slash - file), file);
	return allow(set, path, what);
}

/* Allows the directory in which the database lies: SQLite follows links. */
static int
allow_database(int set, const char *file, uint64_t what)
{
	char	path[PATH_MAX];

	return allow_parent(set, realpath(file, path) == NULL ? file : path,
	    what);
}

/* Allows to read the files of JWT_KEY_FILE. */
static int
allow_keys(int set, const char *files)
{
	char	word[SETTING_MAX + 1];
	size_t	len;

	for (; *files != '\0'; files += len) {
		files += strspn(files, " ");
		if ((len = strcspn(files, " ")) == 0)
			break;
		(void)snprintf(word, sizeof(word), "%.*s", (int)len, files);
		if (allow(set, settings_key_path(word), READ) == -1)
			return -1;
	}
	return 0;
}

/* What chat and answer read wherever they run. */
static const char *const	readable[] = {
	"/usr", "/lib", "/lib64", "/bin", "/etc",	/* programs */
	"/run/systemd/resolve", "/run/resolvconf",	/* names */
	"/run/NetworkManager", "/run/connman",
	"/proc", "/sys/devices/system/cpu", "/dev",
	LIBEXECDIR,
};

bool
harden_reads(const char *file)
{
	char	path[PATH_MAX];
	size_t	i, len;

	if (realpath(file, path) == NULL)
		return false;
	for (i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
		len = strlen(readable[i]);
		if (strncmp(path, readable[i], len) == 0 && path[len] == '/')
			return true;
	}
	return false;
}

/* The rules; what is behind each path is what chat or its answer needs. */
static int
allow_all(int set, const struct settings *s, uint64_t handled)
{
	const uint64_t	write = WRITE | (handled &
			    LANDLOCK_ACCESS_FS_TRUNCATE);
	size_t		i;

	for (i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
		if (allow(set, readable[i], READ) == -1)
			return -1;
	}
	if (allow(set, "/dev/null", READ | LANDLOCK_ACCESS_FS_WRITE_FILE) ==
	    -1 || allow(set, s->text[SETTING_RUN_DIR], write) == -1 ||
	    allow_database(set, s->text[SETTING_DATABASE], write) == -1 ||
	    allow_keys(set, s->text[SETTING_JWT_KEY_FILE]) == -1 ||
	    allow(set, s->text[SETTING_OLLAMA_TOKEN_FILE], READ) == -1 ||
	    allow(set, s->text[SETTING_SYSTEM_PROMPT_FILE], READ) == -1)
		return -1;
	return settings_log_is_file(s) ?
	    allow_parent(set, s->text[SETTING_LOG], write) : 0;
}

int
harden_landlock(void)
{
	long	abi;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	return abi > 0 ? (int)abi : 0;
}

static enum harden
landlock(const struct settings *s)
{
	struct landlock_ruleset_attr	attr;
	enum harden			rc = HARDEN_FAILED;
	long				abi;
	int				set, saved;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (abi == -1)
		return errno == ENOSYS || errno == EOPNOTSUPP ?
		    HARDEN_NO_LANDLOCK : HARDEN_FAILED;
	memset(&attr, 0, sizeof(attr));
	attr.handled_access_fs = rights(abi);
	set = (int)syscall(SYS_landlock_create_ruleset, &attr,
	    sizeof(attr.handled_access_fs), 0);
	if (set == -1)
		return HARDEN_FAILED;
	if (allow_all(set, s, attr.handled_access_fs) == 0 &&
	    syscall(SYS_landlock_restrict_self, set, 0) == 0)
		rc = HARDEN_DONE;
	saved = errno;
	(void)close(set);
	errno = saved;
	return rc;
}

/* Sets a soft limit; the hard one stays, for children that need more. */
static int
harden_limit(__rlimit_resource_t what, rlim_t most)
{
	struct rlimit	r;

	if (getrlimit(what, &r) == -1)
		return -1;
	r.rlim_cur = most < r.rlim_max ? most : r.rlim_max;
	return setrlimit(what, &r);
}

int
harden_descriptors(unsigned most)
{
	return harden_limit(RLIMIT_NOFILE, most);
}

enum harden
harden(const struct settings *s, unsigned descriptors)
{
	if (harden_limit(RLIMIT_CORE, 0) == -1 ||
	    harden_limit(RLIMIT_NOFILE, descriptors) == -1)
		return HARDEN_FAILED;
#ifndef SANITIZED
	if (harden_limit(RLIMIT_AS, MEMORY_MAX) == -1)
		return HARDEN_FAILED;
#endif
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return HARDEN_FAILED;
	return landlock(s);
}
