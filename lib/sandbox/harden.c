/*
 * Giving up privileges: setrlimit(2), no_new_privs (prctl(2)), landlock(7).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limit.h"
#include "base/log.h"
#include "base/url.h"
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

/* Allows rights on a file or below a directory.  A missing or empty path is no
   error. */
static int
harden_allow(int set, const char *path, uint64_t what)
{
	struct landlock_path_beneath_attr	rule;
	int					fd;
	long					rc;

	if (*path == '\0')
		return 0;
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
	char	path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s", file);
	return harden_allow(set, dirname(path), what);
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

/*
 * What other people's programs may read.  Of /etc only what programs need that
 * know nothing of ours: there may be a key in it.
 */
static const char *const	harden_narrow_paths[] = {
	"/usr", "/lib", "/lib64", "/bin",
	"/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/alternatives",
	"/etc/perl",
	"/etc/localtime", "/etc/timezone", "/etc/passwd", "/etc/group",
	"/etc/mime.types",
	"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf",
	"/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
	"/etc/protocols",
	"/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates",
	"/etc/pki/tls/certs", "/etc/pki/tls/openssl.cnf", "/etc/pki/ca-trust",
	"/etc/crypto-policies",
	"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
	"/run/connman",
	"/proc", "/sys/devices/system/cpu",
	"/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
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

/* Adds the files with the bearers of the model servers (token=FILE). */
static int
harden_allow_tokens(int set, const char *list)
{
	char		path[SETTING_MAX + 1];
	struct url	u;

	if (strstr(list, " token=") == NULL)
		return 0;
	while (url_next(&list, &u)) {
		if (u.token == NULL)
			continue;
		(void)snprintf(path, sizeof(path), "%.*s", (int)u.token_len,
		    u.token);
		if (harden_allow(set, path, READ) == -1)
			return -1;
	}
	return 0;
}

void
harden_interpreter(const char *program, char path[HARDEN_INTERPRETER])
{
	char	line[HARDEN_INTERPRETER];
	ssize_t	n;
	size_t	from;
	int	fd;

	*path = '\0';
	fd = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return;
	n = read(fd, line, sizeof(line) - 1);
	(void)close(fd);
	line[n < 0 ? 0 : n] = '\0';
	if (line[0] != '#' || line[1] != '!')
		return;
	from = 2 + strspn(line + 2, " \t");
	(void)snprintf(path, HARDEN_INTERPRETER, "%.*s",
	    (int)strcspn(line + from, " \t\n"), line + from);
}

/* Allows executing a program of other people, and its interpreter. */
static int
harden_allow_program(int set, const char *program)
{
	char	path[HARDEN_INTERPRETER];

	if (*program == '\0')
		return 0;
	harden_interpreter(program, path);
	return harden_allow(set, program, READ) == -1 ? -1 :
	    harden_allow(set, path, READ);
}

/*
 * Allows reading the names of the nightly copies of a database on a server, for
 * the metrics: the folder of deploy/upkeep.sh.  Those of a file are beside it.
 */
static int
harden_allow_copies(int set, const struct settings *s)
{
	const char	*state = getenv("STATE_DIRECTORY");
	char		 path[PATH_MAX];

	if (strncmp(s->text[SETTING_DATABASE], "postgres", 8) != 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/backup", state == NULL ? "." :
	    state);
	return harden_allow(set, path, LANDLOCK_ACCESS_FS_READ_DIR);
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
	if (harden_allow(set, "/dev/null", (READ & OF_FILE) |
	    LANDLOCK_ACCESS_FS_WRITE_FILE) == -1 ||
	    harden_allow(set, s->text[SETTING_RUN_DIR], write) == -1 ||
	    harden_allow_db(set, s->text[SETTING_DATABASE], write) == -1 ||
	    harden_allow_keys(set, s->text[SETTING_JWT_KEY_FILE]) == -1 ||
	    harden_allow(set, s->text[SETTING_OLLAMA_TOKEN_FILE], READ) == -1 ||
	    harden_allow_tokens(set, s->text[SETTING_OLLAMA_SERVER]) == -1 ||
	    harden_allow(set, s->text[SETTING_SYSTEM_PROMPT_FILE], READ) ==
	    -1 || harden_allow(set, s->text[SETTING_KNOWLEDGE_SYNONYMS], READ)
	    == -1 ||
	    harden_allow_program(set, s->text[SETTING_TICKET_FILTER]) == -1 ||
	    harden_allow_program(set, s->text[SETTING_KNOWLEDGE_COMMAND]) ==
	    -1 ||
	    harden_allow_program(set, s->text[SETTING_DONE_COMMAND]) == -1 ||
	    harden_allow_copies(set, s) == -1)
		return -1;
	/* The certificate, for the metrics, unless its key is there, too. */
	if (strcmp(s->text[SETTING_TLS_CERT], s->text[SETTING_TLS_KEY]) != 0 &&
	    harden_allow(set, s->text[SETTING_TLS_CERT],
	    LANDLOCK_ACCESS_FS_READ_FILE) == -1)
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

/* The attributes of a domain; Debian 12's header has only the first one. */
struct harden_domain {
	uint64_t	fs, net, scoped;
};

/* Processes outside get no signals, and their abstract sockets no clients; the
   kernel's ABI 6 knows it. */
#define SCOPED	((UINT64_C(1) << 0) | (UINT64_C(1) << 1))

/* Allows reading what each Python keeps in /etc, as Debian's do. */
static int
harden_allow_python(int set)
{
	char		 path[PATH_MAX];
	struct dirent	*e;
	DIR		*d;
	int		 rc = 0;

	if ((d = opendir("/etc")) == NULL)
		return 0;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "/etc/%s", e->d_name);
		if (strncmp(e->d_name, "python3", 7) == 0)
			rc = harden_allow(set, path, READ);
	}
	(void)closedir(d);
	return rc;
}

/* Adds the rules of the narrower domain. */
static int
harden_allow_narrow(int set, const char *program, const char *dir,
    uint64_t write)
{
	size_t	i;

	for (i = 0; i < sizeof(harden_narrow_paths) /
	    sizeof(harden_narrow_paths[0]); i++) {
		if (harden_allow(set, harden_narrow_paths[i], READ) == -1)
			return -1;
	}
	return harden_allow_python(set) == -1 ||
	    harden_allow(set, "/dev/null", (READ & OF_FILE) |
	    LANDLOCK_ACCESS_FS_WRITE_FILE) == -1 ||
	    harden_allow_program(set, program) == -1 ? -1 :
	    harden_allow(set, dir, write);
}

int
harden_narrow(const char *program, const char *dir)
{
	struct harden_domain	domain = { 0 };
	const int		abi = harden_landlock();
	int			set, saved;

	if (abi == 0)
		return HARDEN_NONE;
	domain.fs = harden_rights(abi);
	domain.scoped = abi >= 6 ? SCOPED : 0;
	set = (int)syscall(SYS_landlock_create_ruleset, &domain, abi >= 6 ?
	    sizeof(domain) : sizeof(domain.fs), 0);
	if (set == -1 || harden_allow_narrow(set, program, dir, WRITE |
	    (domain.fs & LANDLOCK_ACCESS_FS_TRUNCATE)) == 0)
		return set;
	saved = errno;
	(void)close(set);
	errno = saved;
	return -1;
}

/* Gives up all capabilities.  The unit kills whoever calls capset, but has none
   to give up. */
static int
harden_drop(void)
{
	struct __user_cap_header_struct	head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct	data[2];

	if (syscall(SYS_capget, &head, data) == -1)
		return -1;
	if ((data[0].permitted | data[1].permitted) == 0)
		return 0;
	memset(data, 0, sizeof(data));
	return (int)syscall(SYS_capset, &head, data);
}

/* The architectures whose system calls harden_calls knows. */
#if defined(__x86_64__) && !defined(__ILP32__)
#define NATIVE	AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && !defined(__ILP32__) && !defined(__AARCH64EB__)
#define NATIVE	AUDIT_ARCH_AARCH64
#endif

#ifdef NATIVE
/* Numbers from here on are those of x32. */
#define X32	0x40000000U
#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
			    offsetof(struct seccomp_data, field))
/* Goes so many lines further if the value is `k'. */
#define IF(k, lines)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (lines), 0)
#define REFUSE(why)	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (why))
#define ALLOW	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#endif

/*
 * Landlock does not keep a process from the sockets that have a name in the
 * file system: so there are no sockets that could connect to them.  A pair of
 * them stays, which cannot be connected elsewhere unless it has datagrams.
 * io_uring and the calls of other architectures would be ways around this.
 * A kernel without such filters goes without.
 */
static int
harden_calls(void)
{
#ifdef NATIVE
	/* Of an argument the lower half: both architectures have it first. */
	static struct sock_filter	calls[] = {
		LOAD(arch),
		IF(NATIVE, 1),
		REFUSE(ENOSYS),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		REFUSE(ENOSYS),
		IF(SYS_socket, 2),
		IF(SYS_socketpair, 5),
		ALLOW,
		LOAD(args[0]),	/* socket: the family */
		IF(AF_UNIX, 1),
		ALLOW,
		REFUSE(EACCES),
		LOAD(args[1]),	/* socketpair: the type and its flags */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
		IF(SOCK_DGRAM, 2),
		IF(SOCK_RAW, 1),	/* another name of it */
		ALLOW,
		REFUSE(EACCES),
	};
	const struct sock_fprog		program = {
		.len = sizeof(calls) / sizeof(calls[0]), .filter = calls
	};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) ==
	    0 || errno == EINVAL ? 0 : -1;
#else
	return 0;
#endif
}

int
harden_enter(int domain)
{
	/* With no_new_privs root does not get its capabilities back. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    harden_drop() == -1 || harden_calls() == -1)
		return -1;
	return domain == HARDEN_NONE ? 0 :
	    (int)syscall(SYS_landlock_restrict_self, domain, 0);
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

int
harden_told(const struct settings *s, unsigned descriptors)
{
	const enum harden	rc = harden(s, descriptors);

	if (rc == HARDEN_NO_LANDLOCK)
		log_line(LOG_LEVEL_WARNING, "harden=\"this kernel has no "
		    "Landlock\"");
	return rc == HARDEN_FAILED ? -1 : 0;
}
