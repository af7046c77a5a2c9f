/*
 * Giving up privileges: setrlimit(2), no_new_privs (prctl(2)), landlock(7).
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

/*
 * Bytes of address space of a process (RLIMIT_AS): the largest output that is
 * allowed, twice while it grows, and room for libraries.
 */
#define MEMORY_MAX	(2UL * OUTPUT_MAX + 512UL * 1024 * 1024)

/* Missing in Debian 12's header; used only if the kernel's ABI knows it. */
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
/*
 * The rights that a rule for a file may have; the others are for directories.
 */
#define OF_FILE	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | \
		LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
/* No program of ours makes devices. */
#define WRITE	(ABI_1 & ~(LANDLOCK_ACCESS_FS_MAKE_CHAR | \
		LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_EXECUTE))

/* All rights that both the kernel's Landlock and this program know. */
static uint64_t
harden_rights(long abi)
{
	uint64_t	r = ABI_1;

	if (abi >= 2)
		r |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		r |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return r;
}

/* Allows rights on a file or below a directory.  A missing path is no error. */
static int
harden_allow(int set, const char *path, uint64_t what)
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

/* Allows rights in the directory of a file. */
static int
harden_allow_dir(int set, const char *file, uint64_t what)
{
	char		 path[PATH_MAX];
	const char	*slash = strrchr(file, '/');

	if (slash == NULL)
		return harden_allow(set, ".", what);
	if (slash == file)
		return harden_allow(set, "/", what);
	(void)snprintf(path, sizeof(path), "%.*s", (int)(slash - file), file);
	return harden_allow(set, path, what);
}

/*
 * Allows rights in the directory of the database, behind symbolic links, which
 * SQLite follows.
 */
static int
harden_allow_db(int set, const char *file, uint64_t what)
{
	char	path[PATH_MAX];

	return harden_allow_dir(set, realpath(file, path) == NULL ? file : path,
	    what);
}

/* Allows reading the files in JWT_KEY_FILE. */
static int
harden_allow_keys(int set, const char *files)
{
	char	word[SETTING_MAX + 1];
	size_t	len;

	for (; *files != '\0'; files += len) {
		files += strspn(files, " ");
		if ((len = strcspn(files, " ")) == 0)
			break;
		(void)snprintf(word, sizeof(word), "%.*s", (int)len, files);
		if (harden_allow(set, settings_key_path(word), READ) == -1)
			return -1;
	}
	return 0;
}

/* What chat and answer may read whatever the settings are. */
static const char *const	harden_paths[] = {
	"/usr", "/lib", "/lib64", "/bin", "/etc",	/* programs and
							   libraries */
	"/run/systemd/resolve", "/run/resolvconf",	/* host names */
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
	for (i = 0; i < sizeof(harden_paths) / sizeof(harden_paths[0]); i++) {
		len = strlen(harden_paths[i]);
		if (strncmp(path, harden_paths[i], len) == 0 && path[len] ==
		    '/')
			return true;
	}
	return false;
}

/* Adds all rules.  The comments say what chat or answer needs a path for. */
static int
harden_allow_all(int set, const struct settings *s, uint64_t handled)
{
	const uint64_t	write = WRITE | (handled &
			    LANDLOCK_ACCESS_FS_TRUNCATE);
	size_t		i;

	for (i = 0; i < sizeof(harden_paths) / sizeof(harden_paths[0]); i++) {
		if (harden_allow(set, harden_paths[i], READ) == -1)
			return -1;
	}
	if (harden_allow(set, "/dev/null",
	    READ | LANDLOCK_ACCESS_FS_WRITE_FILE) ==
	    -1 || harden_allow(set, s->text[SETTING_RUN_DIR], write) == -1 ||
	    harden_allow_db(set, s->text[SETTING_DATABASE], write) == -1 ||
	    harden_allow_keys(set, s->text[SETTING_JWT_KEY_FILE]) == -1 ||
	    harden_allow(set, s->text[SETTING_OLLAMA_TOKEN_FILE], READ) == -1 ||
	    harden_allow(set, s->text[SETTING_SYSTEM_PROMPT_FILE], READ) == -1)
		return -1;
	return settings_log_is_file(s) ?
	    harden_allow_dir(set, s->text[SETTING_LOG], write) : 0;
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
harden_restrict(const struct settings *s)
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
	attr.handled_access_fs = harden_rights(abi);
	set = (int)syscall(SYS_landlock_create_ruleset, &attr,
	    sizeof(attr.handled_access_fs), 0);
	if (set == -1)
		return HARDEN_FAILED;
	if (harden_allow_all(set, s, attr.handled_access_fs) == 0 &&
	    syscall(SYS_landlock_restrict_self, set, 0) == 0)
		rc = HARDEN_DONE;
	saved = errno;
	(void)close(set);
	errno = saved;
	return rc;
}

/* Sets a soft limit.  The hard limit stays, for children that need more. */
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
	return harden_restrict(s);
}
