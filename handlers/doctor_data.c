/*
 * sessions doctor: what lies on disk.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "connection.h"
#include "doctor.h"
#include "generation.h"
#include "limit.h"
#include "slot.h"
#include "store.h"

enum {
	MEGABYTE = 1024 * 1024,
	SPACE_ERROR = 50,	/* megabytes: an hour of answers */
	SPACE_WARNING = 500,	/* a day of them */
	WAL_WARNING = 100	/* shortened at 100 pages, 0.4 MB */
};

/* The row of STORE_HEALTH. */
struct health {
	char	application[24], journal[16], problem[512];
};

static bool
health_row(void *context, const struct cell *c, int cells)
{
	struct health	*h = context;

	(void)cells;
	(void)snprintf(h->application, sizeof(h->application), "%s",
	    c[0].text);
	(void)snprintf(h->journal, sizeof(h->journal), "%s", c[1].text);
	(void)snprintf(h->problem, sizeof(h->problem), "%s",
	    c[2].text == NULL ? "ok" : c[2].text);
	return false;
}

/* Looks into a database that is there. */
static void
examine(struct doctor *d, const char *path)
{
	struct health		 h;
	struct store		*store;
	enum failure_code	 rc;

	memset(&h, 0, sizeof(h));
	rc = store_open(&store, path);
	if (rc == FAILURE_SCHEMA)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s\n`sessions "
		    "migrate' brings an older one up to date; for a newer one "
		    "take the newer program", store_error(store));
	else if (rc != FAILURE_NONE || (rc = store_report(store,
	    d->quick ? STORE_HEALTH_QUICK : STORE_HEALTH, 0, 1, health_row,
	    &h)) != FAILURE_NONE)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s: %s\nSee that "
		    "this user may read and write it, or take a backup", path,
		    store_error(store));
	else if (strcmp(h.problem, "ok") != 0)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s is damaged: %s\n"
		    "Take a backup", path, h.problem);
	else if (strcmp(h.application, "ours") != 0)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s is somebody "
		    "else's: application_id %s\nSet DATABASE", path,
		    h.application);
	else if (strcmp(h.journal, "wal") != 0)
		doctor_tell(d, DOCTOR_WARNING, "database", "%s: journal_mode "
		    "%s makes readers and writers wait for each other\n"
		    "sessions migrate", path, h.journal);
	else
		doctor_tell(d, DOCTOR_OK, "database", "%s, %s", path,
		    d->quick ? "not read through" : "sound");
	store_close(store);
}

void
doctor_database(struct doctor *d)
{
	const char	*path = d->settings->text[SETTING_DATABASE];
	char		 wal[PATH_MAX];
	struct stat	 st;

	if (stat(path, &st) == -1) {
		doctor_tell(d, DOCTOR_ERROR, "database", "%s: %s\nrun.sh "
		    "makes it, and so does `sessions migrate'", path,
		    strerror(errno));
		return;
	}
	examine(d, path);
	(void)snprintf(wal, sizeof(wal), "%s-wal", path);
	if (stat(wal, &st) == 0 &&
	    st.st_size > (off_t)WAL_WARNING * MEGABYTE)
		doctor_tell(d, DOCTOR_WARNING, "database",
		    "%s has %lld MB: somebody has been reading for long\n"
		    "It becomes short again once they end: fuser -v %s", wal,
		    (long long)st.st_size / MEGABYTE, path);
}

/* A network's file system, on which neither WAL nor sockets work. */
static const char *
network(const char *path)
{
	struct statfs	fs;

	if (statfs(path, &fs) == -1)
		return NULL;
	switch ((unsigned long)fs.f_type) {
	case NFS_SUPER_MAGIC:
		return "NFS";
	case SMB_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
		return "SMB";
	case AFS_SUPER_MAGIC:
	case CEPH_SUPER_MAGIC:
	case CODA_SUPER_MAGIC:
	case V9FS_MAGIC:
		return "a network's file system";
	default:
		return NULL;
	}
}

/* The directory of a file. */
static const char *
directory(const char *file, char path[PATH_MAX])
{
	char	*slash;

	(void)snprintf(path, PATH_MAX, "%s", file);
	if ((slash = strrchr(path, '/')) == NULL)
		return ".";
	slash[slash == path] = '\0';
	return path;
}

void
doctor_disk(struct doctor *d)
{
	char		 real[PATH_MAX], path[PATH_MAX];
	const char	*file = d->settings->text[SETTING_DATABASE], *dir;
	const char	*net;
	struct statvfs	 fs;
	uint64_t	 free_mb;

	dir = directory(realpath(file, real) == NULL ? file : real, path);
	if ((net = network(dir)) != NULL)
		doctor_tell(d, DOCTOR_ERROR, "disk", "%s is on %s, where "
		    "SQLite's locks do not work\nSet DATABASE to a file on a "
		    "local disk", dir, net);
	if (statvfs(dir, &fs) == -1) {
		doctor_tell(d, DOCTOR_ERROR, "disk", "%s: %s\nMake the "
		    "directory of DATABASE", dir, strerror(errno));
		return;
	}
	free_mb = (uint64_t)fs.f_bavail * fs.f_frsize / MEGABYTE;
	doctor_tell(d, free_mb < SPACE_ERROR ? DOCTOR_ERROR :
	    free_mb < SPACE_WARNING ? DOCTOR_WARNING : DOCTOR_OK, "disk",
	    "%" PRIu64 " MB free for %s%s", free_mb, dir,
	    free_mb < SPACE_WARNING ? "\nMake room: a full disk keeps no "
	    "answer" : "");
}

void
doctor_run_dir(struct doctor *d)
{
	const char	*dir = d->settings->text[SETTING_RUN_DIR], *net;
	char		 path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat	 st;

	if (generation_path(path, sizeof(path), dir, INT64_MAX) == -1)
		doctor_tell(d, DOCTOR_ERROR, "RUN_DIR", "%s is too long for "
		    "the path of a socket\nAt most 82 bytes", dir);
	else if (stat(dir, &st) == -1)
		doctor_tell(d, DOCTOR_ERROR, "RUN_DIR", "%s: %s\nrun.sh makes "
		    "it, and so does `sessions migrate'", dir,
		    strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		doctor_tell(d, DOCTOR_ERROR, "RUN_DIR", "%s is no directory\n"
		    "Remove it, or set RUN_DIR", dir);
	else if (st.st_uid != geteuid())
		doctor_tell(d, geteuid() == 0 ? DOCTOR_WARNING : DOCTOR_ERROR,
		    "RUN_DIR", "%s is of uid %lu, and you are %lu\nAsk again "
		    "as the user of the service (runuser -u NAME -- sessions "
		    "doctor)", dir, (unsigned long)st.st_uid,
		    (unsigned long)geteuid());
	else if ((st.st_mode & 077) != 0)
		doctor_tell(d, DOCTOR_ERROR, "RUN_DIR", "%s is open to others"
		    "\nchmod 700 %s", dir, dir);
	else if ((net = network(dir)) != NULL)
		doctor_tell(d, DOCTOR_ERROR, "RUN_DIR", "%s is on %s, where "
		    "locks may outlive their process\nSet RUN_DIR to a local "
		    "directory", dir, net);
	else
		doctor_tell(d, DOCTOR_OK, "RUN_DIR", "%s, ours alone", dir);
}

/* Whether the path by which a socket was bound, perhaps a relative one, is
 * that of a file. */
static bool
same(const char *bound, const char *file)
{
	size_t	len = strlen(file), b = strlen(bound);

	return b <= len && strcmp(file + len - b, bound) == 0 &&
	    (b == len || (*bound != '/' && file[len - b - 1] == '/'));
}

/* Whether somebody listens on a socket: to connect to it would count as a
 * viewer. */
static bool
heard(const char *dir, const char *name)
{
	char		 line[PATH_MAX + 128], real[PATH_MAX];
	char		 file[PATH_MAX + NAME_MAX + 2], bound[PATH_MAX];
	unsigned	 flags;
	bool		 found = false;
	FILE		*f;

	(void)snprintf(file, sizeof(file), "%s/%s", realpath(dir, real) ==
	    NULL ? dir : real, name);
	if ((f = fopen("/proc/net/unix", "re")) == NULL)
		return true;
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = sscanf(line, "%*s %*s %*s %x %*s %*s %*s %4095[^\n]",
		    &flags, bound) == 2 && (flags & 0x10000) != 0 &&
		    same(bound, file);
	(void)fclose(f);
	return found;
}

void
doctor_sockets(struct doctor *d)
{
	const struct settings	*s = d->settings;
	const char		*run_dir = s->text[SETTING_RUN_DIR];
	int			 stale = 0, running, waiting;
	struct dirent		*e;
	DIR			*dir;
	size_t			 len;

	if ((dir = opendir(run_dir)) == NULL)
		return;		/* told by doctor_run_dir */
	while ((e = readdir(dir)) != NULL) {
		len = strlen(e->d_name);
		if (len > 5 && strcmp(e->d_name + len - 5, ".sock") == 0)
			stale += !heard(run_dir, e->d_name);
	}
	(void)closedir(dir);
	if (slot_look(run_dir, &running, &waiting) == -1)
		doctor_tell(d, DOCTOR_ERROR, "generations", "%s: %s\nSee who "
		    "owns what is in it", run_dir, strerror(errno));
	else if (waiting > s->number[SETTING_QUEUE_MAX])
		doctor_tell(d, DOCTOR_WARNING, "generations", "%d run, %d "
		    "wait: the queue is full\nRaise GENERATIONS, if the "
		    "model's server can do more at a time", running, waiting);
	else
		doctor_tell(d, DOCTOR_OK, "generations", "%d run, %d wait",
		    running, waiting);
	if (stale > 0)
		doctor_tell(d, DOCTOR_OK, "sockets", "%d are of generations "
		    "that were killed\nEach goes with the next question of its "
		    "ticket", stale);
}

void
doctor_log(struct doctor *d)
{
	const char	*log = d->settings->text[SETTING_LOG];
	char		 path[PATH_MAX];

	if (strcmp(log, "syslog") == 0)
		doctor_tell(d, DOCTOR_OK, "log", "syslog");
	else if (access(log, W_OK) == 0 || (errno == ENOENT &&
	    access(directory(log, path), W_OK | X_OK) == 0))
		doctor_tell(d, DOCTOR_OK, "log", "%s", log);
	else
		doctor_tell(d, DOCTOR_ERROR, "log", "%s: %s\nSet LOG, or make "
		    "it writable; until then syslog gets the lines", log,
		    strerror(errno));
}
