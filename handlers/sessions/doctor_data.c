/*
 * sessions doctor: the database, its disk, the log.
 */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/url.h"
#include "sessions/command.h"
#include "sessions/doctor.h"
#include "store/maintain.h"
#include "store/store.h"

enum {
	MEGABYTE = 1024 * 1024,
	SPACE_ERROR = 50,	/* megabytes: answers of an hour */
	SPACE_WARNING = 500,	/* answers of a day */
	WAL_WARNING = 100	/* pages; normally cut at WAL_PAGES (100, 0.4
				   MB) */
};

/* The columns of STORE_HEAD of a file. */
struct head {
	char	application[24], journal[16];
};

static bool
doctor_data_head_row(void *context, const struct cell *c, int cells)
{
	struct head	*h = context;

	(void)cells;
	(void)snprintf(h->application, sizeof(h->application), "%s",
	    c[0].text);
	(void)snprintf(h->journal, sizeof(h->journal), "%s", c[1].text);
	return false;
}

/* What store_check found. */
struct damage {
	char	first[256];
	int	lines;
};

static void
doctor_data_note(void *context, const char *line)
{
	struct damage	*damage = context;

	if (damage->lines++ == 0)
		(void)snprintf(damage->first, sizeof(damage->first), "%s",
		    line);
}

/* Reads all data of a database with our schema. */
static void
doctor_read_through(struct doctor *d, struct store *store, const char *path)
{
	struct damage	damage = { .lines = 0 };
	struct census	c;

	store_watch(store, progress_show, NULL);
	if (store_check(store, false, &c, doctor_data_note, &damage) !=
	    FAILURE_NONE)
		doctor_data_note(&damage, store_error(store));
	progress_end();
	if (damage.lines > 0)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s: %s%s\n`sessions "
		    "check --full' lists everything; restore a copy (sessions "
		    "restore)", path, damage.first, damage.lines > 1 ?
		    ", and other faults" : "");
	else
		doctor_tell(d, DOCTOR_OK, "database", "%s, %" PRId64
		    " tickets, no damage", path, c.tickets);
	if (damage.lines == 0 && c.tickets == 0 &&
	    d->settings->number[SETTING_TICKETS] == TICKETS_EXISTING &&
	    *d->settings->text[SETTING_TICKETS_TABLE] == '\0')
		doctor_tell(d, DOCTOR_WARNING, "TICKETS", "TICKETS=existing, "
		    "but the table Tickets is empty: every question is refused "
		    "(unknown_ticket)\nAdd the tickets to that table, or set "
		    "TICKETS=auto");
}

enum {
	CONNECTIONS_MORE = 20,	/* more than GENERATIONS: for queries of
				   viewers */
	BUSY = 80	/* percent of its connections in use */
};

/* The columns of STORE_HEAD of a server. */
struct server_head {
	char	version[64], encoding[32];
	bool	read_only;
	int64_t	connections, most, bytes;
};

static bool
doctor_server_head_row(void *context, const struct cell *c, int cells)
{
	struct server_head	*h = context;

	(void)cells;
	(void)snprintf(h->version, sizeof(h->version), "%s", c[0].text);
	(void)snprintf(h->encoding, sizeof(h->encoding), "%s", c[1].text);
	h->read_only = strcmp(c[2].text, "0") != 0;
	h->connections = strtoll(c[3].text, NULL, 10);
	h->most = strtoll(c[4].text, NULL, 10);
	h->bytes = strtoll(c[5].text, NULL, 10);
	return true;
}

/* Checks what the server reports about itself. */
static void
doctor_server_examine(struct doctor *d, const char *name,
    const struct server_head *h)
{
	const struct settings	*s = d->settings;
	const int64_t		 slots = s->number[SETTING_GENERATIONS] *
				    url_weights(s->text[SETTING_OLLAMA_SERVER]);

	if (strcmp(h->encoding, "UTF8") != 0)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s: its encoding is "
		    "%s\nCreate another one: createdb --encoding=UTF8 "
		    "--template=template0", name, h->encoding);
	if (h->read_only)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s is read-only or a "
		    "standby\nSet DATABASE to the primary server", name);
	if (slots + CONNECTIONS_MORE > h->most)
		doctor_tell(d, DOCTOR_WARNING, "database", "%s: "
		    "max_connections is %" PRId64 ", but %" PRId64
		    " generations can run\nA running generation uses one "
		    "connection: raise max_connections, or put pgbouncer in "
		    "front", name, h->most, slots);
	if (h->connections * 100 > h->most * BUSY)
		doctor_tell(d, DOCTOR_WARNING, "database", "%s: %" PRId64 " of "
		    "%" PRId64 " connections are in use\nA running generation "
		    "uses one connection: raise the server's max_connections, "
		    "or put pgbouncer in front",
		    name, h->connections, h->most);
	else
		doctor_tell(d, DOCTOR_OK, "database", "PostgreSQL %s, %"
		    PRId64 " of %" PRId64 " connections in use, %" PRId64 " MB",
		    h->version, h->connections, h->most, h->bytes / MEGABYTE);
}

/* The first host that accepts writes. */
struct writer {
	struct doctor	*doctor;
	char		 name[400];	/* "": none yet */
	uint64_t	 system;
	unsigned long	 timeline;
	int64_t		 started;
};

/*
 * Reports each of several hosts that cannot be used, since it may be needed one
 * day.  Two hosts that accept writes are an error, unless they are the same
 * server: each would save answers that the other one does not have.
 */
static void
doctor_server_host(void *context, const struct store_host *h)
{
	struct writer	*w = context;
	const char	*colon = *h->port == '\0' ? "" : ":";

	if (*h->wrong != '\0')
		doctor_tell(w->doctor, DOCTOR_WARNING, "database", "%s: %s\nIt "
		    "is not used while another host of DATABASE works",
		    h->name, h->wrong);
	if (!h->writable)
		return;
	if (*w->name == '\0') {
		(void)snprintf(w->name, sizeof(w->name), "%s%s%s", h->name,
		    colon, h->port);
		w->system = h->system;
		w->timeline = h->timeline;
		w->started = h->started;
	} else if (h->started == 0 || h->started != w->started ||
	    h->system != w->system || h->timeline != w->timeline) {
		doctor_tell(w->doctor, DOCTOR_ERROR, "database", "%s and "
		    "%s%s%s are two servers that both accept writes\nStop the "
		    "one that must not get answers, before a node uses it "
		    "(docs/scaling.md)", w->name, h->name, colon,
		    h->port);
	}
}

/* Checks a database on a server. */
static void
doctor_server(struct doctor *d)
{
	const char		*name = d->settings->text[SETTING_DATABASE];
	struct server_head	 h = { .bytes = 0 };
	struct writer		 w = { .doctor = d };
	struct store		*store;
	enum failure_code	 rc;

	rc = store_open(&store, name);
	if (rc == FAILURE_SCHEMA) {
		doctor_tell(d, DOCTOR_ERROR, "database", "%s\n`sessions "
		    "migrate' creates it, or migrates an older database; a "
		    "newer one needs the newer program",
		    store_error(store));
		store_hosts(name, doctor_server_host, &w);
	} else if (rc != FAILURE_NONE || store_report(store, STORE_HEAD, 0, 1,
	    doctor_server_head_row, &h) != FAILURE_NONE) {
		doctor_tell(d, DOCTOR_ERROR, "database", "%s: %s\nCheck that "
		    "the server runs and accepts this user: psql '%s'", name,
		    store_error(store), name);
	} else {
		doctor_server_examine(d, name, &h);
		store_hosts(name, doctor_server_host, &w);
		if (d->quick)
			doctor_tell(d, DOCTOR_OK, "database", "%s, contents "
			    "not checked", name);
		else
			doctor_read_through(d, store, name);
	}
	store_close(store);
}

/* Checks a database file that exists. */
static void
doctor_data_examine(struct doctor *d, const char *path)
{
	struct head		 h;
	struct store		*store;
	enum failure_code	 rc;

	memset(&h, 0, sizeof(h));
	rc = store_open(&store, path);
	if (rc == FAILURE_SCHEMA)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s\n`sessions "
		    "migrate' migrates an older database; a newer one needs "
		    "the newer program", store_error(store));
	else if (rc != FAILURE_NONE || store_report(store, STORE_HEAD, 0, 1,
	    doctor_data_head_row, &h) != FAILURE_NONE)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s: %s\nMake it "
		    "readable and writable for this user, or restore a copy "
		    "(sessions restore)", path, store_error(store));
	else if (strcmp(h.application, "ours") != 0)
		doctor_tell(d, DOCTOR_ERROR, "database", "%s belongs to "
		    "another program: its application_id is %s\nSet DATABASE",
		    path, h.application);
	else if (d->quick)
		doctor_tell(d, DOCTOR_OK, "database",
		    "%s, contents not checked",
		    path);
	else
		doctor_read_through(d, store, path);
	if (*h.journal != '\0' && strcmp(h.journal, "wal") != 0)
		doctor_tell(d, DOCTOR_WARNING, "database", "%s: journal_mode "
		    "%s makes readers and writers wait for each other\nRun "
		    "`sessions migrate'", path, h.journal);
	store_close(store);
}

void
doctor_database(struct doctor *d)
{
	const char	*path = d->settings->text[SETTING_DATABASE];
	char		 wal[PATH_MAX];
	struct stat	 st;

	if (!store_is_file()) {
		doctor_server(d);
		return;
	}
	if (stat(path, &st) == -1) {
		doctor_tell(d, DOCTOR_ERROR, "database", "%s: %s\nrun.sh and "
		    "`sessions migrate' create it", path,
		    strerror(errno));
		return;
	}
	doctor_data_examine(d, path);
	(void)snprintf(wal, sizeof(wal), "%s-wal", path);
	if (stat(wal, &st) == 0 &&
	    st.st_size > (off_t)WAL_WARNING * MEGABYTE)
		doctor_tell(d, DOCTOR_WARNING, "database",
		    "%s has grown to %lld MB, because some process has been "
		    "reading for long\nIt shrinks when that process ends: "
		    "fuser -v %s", wal,
		    (long long)st.st_size / MEGABYTE, path);
}

const char *
doctor_network(const char *path)
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
		return "a network file system";
	default:
		return NULL;
	}
}

void
doctor_disk(struct doctor *d)
{
	char		 path[PATH_MAX];
	const char	*file = d->settings->text[SETTING_DATABASE], *dir;
	const char	*net;
	struct statvfs	 fs;
	struct stat	 st;
	uint64_t	 free_mb;

	if (!store_is_file())
		return;		/* on the server's disk */
	if (realpath(file, path) == NULL)
		(void)snprintf(path, sizeof(path), "%s", file);
	dir = dirname(path);
	if ((net = doctor_network(dir)) != NULL)
		doctor_tell(d, DOCTOR_ERROR, "disk", "%s is on %s, where "
		    "SQLite's locks do not work\nSet DATABASE to a file on a "
		    "local disk", dir, net);
	if (statvfs(dir, &fs) == -1) {
		doctor_tell(d, DOCTOR_ERROR, "disk", "%s: %s\nCreate it, or "
		    "let run.sh do so", dir, strerror(errno));
		return;
	}
	free_mb = (uint64_t)fs.f_bavail * fs.f_frsize / MEGABYTE;
	if (free_mb >= SPACE_WARNING && d->settings->number[SETTING_BACKUPS] >
	    0 && stat(file, &st) == 0 && (uint64_t)st.st_size / MEGABYTE >
	    free_mb) {
		doctor_tell(d, DOCTOR_WARNING, "disk", "%" PRIu64 " MB free "
		    "for %s, but the next copy may need %" PRIu64 " MB\nFree "
		    "some space, or lower BACKUPS", free_mb, dir,
		    (uint64_t)st.st_size / MEGABYTE);
		return;
	}
	doctor_tell(d, free_mb < SPACE_ERROR ? DOCTOR_ERROR :
	    free_mb < SPACE_WARNING ? DOCTOR_WARNING : DOCTOR_OK, "disk",
	    "%" PRIu64 " MB free for %s%s", free_mb, dir,
	    free_mb < SPACE_WARNING ? "\nFree some space: on a full disk no "
	    "answer can be saved" : "");
}

void
doctor_log(struct doctor *d)
{
	const char	*log = d->settings->text[SETTING_LOG];
	char		 path[PATH_MAX];
	struct stat	 st;
	bool		 good;

	if (!settings_log_is_file(d->settings)) {
		doctor_tell(d, DOCTOR_OK, "log", "%s", log);
		return;
	}
	(void)snprintf(path, sizeof(path), "%s", log);
	good = access(log, W_OK) == 0 || (errno == ENOENT &&
	    access(dirname(path), W_OK | X_OK) == 0);
	if (good && stat(log, &st) == 0 && S_ISDIR(st.st_mode)) {
		good = false;
		errno = EISDIR;
	}
	if (good)
		doctor_tell(d, DOCTOR_OK, "log", "%s", log);
	else
		doctor_tell(d, DOCTOR_ERROR, "log", "%s: %s\nSet LOG, or make "
		    "the file writable; until then the lines go to syslog", log,
		    strerror(errno));
}
