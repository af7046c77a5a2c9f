/*
 * Connects to one of a database's hosts: see dial.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "store/postgres/dial.h"

enum { HOSTS_MAX = 16, ADDRESSES_MAX = 4, NAME_BYTES = 256,
    ADDRESS_BYTES = 64, RESULTS_MAX = 64, RESOLVER_STACK = 131072 };

struct dial_host {
	char	name[NAME_BYTES], address[NAME_BYTES], port[16];
};

/* The note in RUN_DIR about the last good host. */
struct dial_note {
	unsigned long long	system;
	unsigned long		timeline;
	struct dial_host	host;
	char			found[NAME_BYTES];	/* the address found for
							   its name */
};

enum dial_state { NEXT, LOOKING_UP, CONNECTING, GREETING, DONE, FAILED };

struct dial {
	PQconninfoOption		*options;
	struct dial_host		 host[HOSTS_MAX];
	int				 count, first, tried;
	struct dial_note		 note;
	enum dial_state			 step;
	unsigned			 look_up;	/* number of our
							   look-up; 0: none */
	char				 found[ADDRESSES_MAX][ADDRESS_BYTES];
	int				 addresses, at;	/* addresses found, and
							   index of the next */
	PGconn				*db;
	PostgresPollingStatusType	 poll;
	int64_t				 until, over;	/* deadlines for this
							   address and for all:
							   clock_us */
	int				 version, tables;
	struct pg_server		 server;
	bool				 wrong;		/* the greeting
							   failed */
	bool				 standby;	/* because the server is
							   a standby */
	bool				 writable;	/* the server accepts
							   writes */
	bool				 silent;	/* a host did not answer
							   in time */
	/* Set by dial_survey. */
	void		(*each)(void *, const struct store_host *);
	void				*context;
	char				 error[704];
};

/*
 * The only look-up of this process, so that a silent name server occupies only
 * one thread however often we dial.  While it is busy, only the thread writes
 * to this struct.
 */
static struct {
	int		 bell;	/* eventfd, readable when no look-up runs; -1:
				   not made yet */
	atomic_bool	 busy;
	unsigned	 number;	/* of the last look-up */
	char		 name[NAME_BYTES];
	char		 found[ADDRESSES_MAX][ADDRESS_BYTES];
	int		 count;
	char		 why[128];	/* why no address was found */
} names = { .bell = -1 };

/* RUN_DIR; "": do not read or write a note. */
static char	note_dir[PATH_MAX - sizeof("/database")];

void
store_remember(const char *run_dir)
{
	int	n;

	n = snprintf(note_dir, sizeof(note_dir), "%s", run_dir);
	if (n < 0 || (size_t)n >= sizeof(note_dir))
		note_dir[0] = '\0';
}

/*
 * Reads the line SYSTEM TIMELINE PORT ADDRESS NAME FOUND, where "-" stands for
 * a missing value.
 */
static void
dial_read_note(struct dial_note *n)
{
	char	path[PATH_MAX], line[3 * NAME_BYTES + 80], *rest = NULL;
	ssize_t	len = -1;
	int	fd;

	memset(n, 0, sizeof(*n));
	(void)snprintf(path, sizeof(path), "%s/database", note_dir);
	if (*note_dir == '\0' || (fd = open(path, O_RDONLY | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK)) == -1)
		return;
	len = read(fd, line, sizeof(line) - 1);
	(void)close(fd);
	line[len < 0 ? 0 : len] = '\0';
	n->system = strtoull(line, &rest, 10);
	n->timeline = strtoul(rest, &rest, 16);
	if (sscanf(rest, " %15s %255s %255s %255s", n->host.port,
	    n->host.address, n->host.name, n->found) < 3)
		memset(n, 0, sizeof(*n));
}

static const char *
dial_or_none(const char *text)
{
	return *text == '\0' ? "-" : text;
}

static bool
dial_is_noted(const struct dial_note *n, const struct dial_host *h)
{
	return strcmp(n->host.name, dial_or_none(h->name)) == 0 &&
	    strcmp(n->host.address, dial_or_none(h->address)) == 0 &&
	    strcmp(n->host.port, dial_or_none(h->port)) == 0;
}

/* Whether a later timeline of this server is noted: it is an old primary. */
static bool
dial_is_old(const struct dial *d)
{
	return d->version >= 0 && d->server.system == d->note.system &&
	    d->server.timeline < d->note.timeline;
}

/* The host to try now: the last good one first, the others in their order. */
static const struct dial_host *
dial_host(const struct dial *d)
{
	int	i = d->tried - 1;

	if (i == 0)
		return &d->host[d->first];
	return &d->host[i <= d->first ? i - 1 : i];
}

/* The address to try now if the host's name was looked up, else "". */
static const char *
dial_address(const struct dial *d)
{
	return d->at == 0 ? "" : d->found[d->at - 1];
}

/* Replaces the note.  It gets the owner of RUN_DIR, so that the service can
   still replace it after an administrator's tool run as root. */
static void
dial_write_note(const struct dial *d, int dir)
{
	static const char	fresh[] = "database.new";
	const struct dial_host	*h = dial_host(d);
	char			 line[3 * NAME_BYTES + 80];
	struct stat		 st;
	int			 fd, len;
	bool			 good;

	len = snprintf(line, sizeof(line), "%llu %lx %s %s %s %s\n",
	    d->server.system, d->server.timeline, dial_or_none(h->port),
	    dial_or_none(h->address), dial_or_none(h->name),
	    dial_or_none(dial_address(d)));
	(void)unlinkat(dir, fresh, 0);	/* left by a killed process */
	if (fstat(dir, &st) == -1 || (fd = openat(dir, fresh, O_WRONLY |
	    O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)) == -1)
		return;
	good = write(fd, line, (size_t)len) == len &&
	    (st.st_uid == geteuid() || fchown(fd, st.st_uid, st.st_gid) == 0);
	(void)close(fd);
	if (!good || renameat(dir, fresh, dir, "database") == -1)
		(void)unlinkat(dir, fresh, 0);
}

/*
 * Notes the good host if it is not noted yet.  Reads the note again under a
 * lock, since another process may have noted a later timeline meanwhile.  If
 * the lock is taken, does without: the note only saves time.  Returns false if
 * the server turns out to be an old primary.
 */
static bool
dial_note_good(struct dial *d)
{
	int	dir;
	bool	good = true;

	dial_read_note(&d->note);
	if (dial_is_old(d))
		return false;
	if (*note_dir == '\0' || d->version < 0 ||
	    (d->note.system == d->server.system &&
	    d->note.timeline == d->server.timeline &&
	    dial_is_noted(&d->note, dial_host(d)) &&
	    strcmp(d->note.found, dial_or_none(dial_address(d))) == 0) ||
	    (dir = open(note_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return true;
	if (flock(dir, LOCK_EX | LOCK_NB) == 0) {
		dial_read_note(&d->note);
		good = !dial_is_old(d);
		if (good)
			dial_write_note(d, dir);
	}
	(void)close(dir);
	return good;
}

static const char *
dial_option(const struct dial *d, const char *key)
{
	const PQconninfoOption	*o;

	for (o = d->options; o != NULL && o->keyword != NULL; o++) {
		if (strcmp(o->keyword, key) == 0)
			return o->val == NULL ? "" : o->val;
	}
	return "";
}

/*
 * The nth word of a comma-separated list.  A list of one word is for all hosts.
 */
static void
dial_word(const char *list, int n, char *out, size_t size)
{
	size_t	len;

	if (strchr(list, ',') == NULL)
		n = 0;
	for (; n > 0 && *list != '\0'; n--) {
		list += strcspn(list, ",");
		list += *list == ',';
	}
	len = strcspn(list, ",");
	(void)snprintf(out, size, "%.*s", (int)len, list);
}

static int
dial_words(const char *list)
{
	int	n = 1;

	for (; *list != '\0'; list++)
		n += *list == ',';
	return n;
}

static void
dial_set_hosts(struct dial *d)
{
	const char *hosts = dial_option(d, "host"),
		   *ports = dial_option(d, "port");
	const char	*addresses = dial_option(d, "hostaddr");
	int		 i, n = dial_words(hosts), m = dial_words(addresses);

	d->count = n > m ? n : m;
	if (d->count > HOSTS_MAX)
		d->count = HOSTS_MAX;
	for (i = 0; i < d->count; i++) {
		dial_word(hosts, i, d->host[i].name, NAME_BYTES);
		dial_word(addresses, i, d->host[i].address, NAME_BYTES);
		dial_word(ports, i, d->host[i].port, sizeof(d->host[i].port));
		if (dial_is_noted(&d->note, &d->host[i]))
			d->first = i;
	}
}

struct dial *
dial_start(const char *uri)
{
	struct dial	*d;
	char		*why = NULL;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return NULL;
	d->over = clock_us() + DIAL_ALL * INT64_C(1000);
	dial_read_note(&d->note);
	if ((d->options = PQconninfoParse(uri, &why)) == NULL) {
		(void)snprintf(d->error, sizeof(d->error), "%s", why == NULL ?
		    "no memory" : why);
		d->step = FAILED;
	} else {
		dial_set_hosts(d);
	}
	PQfreemem(why);
	return d;
}

/* The look-up thread.  Signals the end before another look-up may begin. */
static void *
dial_look_up(void *unused)
{
	const struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo		*list = NULL, *a;
	const uint64_t		 one = 1;
	int			 rc;

	(void)unused;
	names.count = 0;
	rc = getaddrinfo(names.name, NULL, &hints, &list);
	(void)snprintf(names.why, sizeof(names.why), "%s", rc == 0 ?
	    "no address" : gai_strerror(rc));
	for (a = list; a != NULL && names.count < ADDRESSES_MAX; a = a->ai_next)
		names.count += getnameinfo(a->ai_addr, a->ai_addrlen,
		    names.found[names.count], ADDRESS_BYTES, NULL, 0,
		    NI_NUMERICHOST) == 0;
	if (list != NULL)
		freeaddrinfo(list);
	(void)!write(names.bell, &one, sizeof(one));
	atomic_store(&names.busy, false);
	return NULL;
}

/* Starts a look-up.  Returns 0, or -1 with errno. */
static int
dial_start_lookup(const char *name)
{
	const uint64_t	 one = 1;
	pthread_attr_t	 attr;
	pthread_t	 thread;
	sigset_t	 all, old;
	uint64_t	 rung;
	int		 rc;

	if (names.bell == -1 &&
	    (names.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1)
		return -1;
	(void)!read(names.bell, &rung, sizeof(rung));
	(void)snprintf(names.name, sizeof(names.name), "%s", name);
	atomic_store(&names.busy, true);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, RESOLVER_STACK);
	rc = pthread_create(&thread, &attr, dial_look_up, NULL);
	(void)pthread_attr_destroy(&attr);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0) {
		names.number += names.number == UINT_MAX ? 2 : 1;
		return 0;
	}
	atomic_store(&names.busy, false);
	(void)!write(names.bell, &one, sizeof(one));
	errno = rc;
	return -1;
}

/* Whether a host need not be looked up: an address or a socket's path. */
static bool
dial_is_address(const struct dial_host *h)
{
	unsigned char	any[sizeof(struct in6_addr)];

	return *h->address != '\0' || *h->name == '\0' || *h->name == '/' ||
	    *h->name == '@' || inet_pton(AF_INET, h->name, any) == 1 ||
	    inet_pton(AF_INET6, h->name, any) == 1;
}

/* Closes the connection and moves on to the next address or host. */
static void
dial_leave(struct dial *d)
{
	PQfinish(d->db);
	d->db = NULL;
	d->look_up = 0;
	d->step = NEXT;
}

/* Writes the host's name, with the address if it has several. */
static void
dial_name(const struct dial *d, char *out, size_t size)
{
	const struct dial_host	*h = dial_host(d);
	const char		*name = *h->name == '\0' ? h->address : h->name;

	if (d->addresses > 1)
		(void)snprintf(out, size, "%s (%s)", name, dial_address(d));
	else
		(void)snprintf(out, size, "%s", name);
}

/* Calls `each' for the current host, for dial_survey. */
static void
dial_report(const struct dial *d, const char *wrong)
{
	char			 name[NAME_BYTES + ADDRESS_BYTES + 4];
	struct store_host	 h = { .name = name, .wrong = d->standby ? "" :
				    wrong, .port = dial_host(d)->port,
				    .writable = d->writable };

	dial_name(d, name, sizeof(name));
	if (d->writable && d->version >= 0) {
		h.system = d->server.system;
		h.timeline = d->server.timeline;
		h.started = d->server.started;
	}
	d->each(d->context, &h);
}

/* The current host cannot be used: notes why and moves on. */
static void
dial_failed(struct dial *d, const char *why)
{
	char	name[NAME_BYTES + ADDRESS_BYTES + 4];

	if (d->each != NULL)
		dial_report(d, why);
	dial_name(d, name, sizeof(name));
	if (d->count > 1 || d->addresses > 1)
		(void)snprintf(d->error, sizeof(d->error), "%s: %.360s", name,
		    why);
	else
		(void)snprintf(d->error, sizeof(d->error), "%.400s", why);
	dial_leave(d);
}

/* Drops the server's notices, which libpq would print on stderr. */
static void
dial_ignore(void *context, const PGresult *res)
{
	(void)context;
	(void)res;
}

/* Begins to connect to the current address. */
static void
dial_connect(struct dial *d)
{
	/* libpq uses the last of equal keywords, so DATABASE overrides
	   these. */
	const char		*keys[RESULTS_MAX] = { "keepalives_idle",
				    "keepalives_interval", "keepalives_count",
				    "tcp_user_timeout", "application_name",
				    NULL };
	const char		*values[RESULTS_MAX] = { "10", "5", "3",
				    "25000", "ticketchat", NULL };
	const struct dial_host	*h = dial_host(d);
	const char		*address = *h->address == '\0' ?
				    dial_address(d) : h->address;
	const PQconninfoOption	*o;
	int			 n = 5;

	for (o = d->options; o->keyword != NULL && n < RESULTS_MAX - 5; o++) {
		if (o->val == NULL || strcmp(o->keyword, "host") == 0 ||
		    strcmp(o->keyword, "hostaddr") == 0 ||
		    strcmp(o->keyword, "port") == 0 ||
		    strcmp(o->keyword, "target_session_attrs") == 0)
			continue;
		keys[n] = o->keyword;
		values[n++] = o->val;
	}
	if (*h->name != '\0') {
		keys[n] = "host";
		values[n++] = h->name;
	}
	if (*address != '\0') {
		keys[n] = "hostaddr";
		values[n++] = address;
	}
	if (*h->port != '\0') {
		keys[n] = "port";
		values[n++] = h->port;
	}
	keys[n] = "client_encoding";
	values[n++] = "UTF8";
	keys[n] = values[n] = NULL;
	d->step = CONNECTING;
	d->poll = PGRES_POLLING_WRITING;
	if ((d->db = PQconnectStartParams(keys, values, 0)) == NULL) {
		dial_failed(d, "no memory");
		return;
	}
	(void)PQsetNoticeReceiver(d->db, dial_ignore, NULL);
	if (PQstatus(d->db) == CONNECTION_BAD)
		dial_failed(d, PQerrorMessage(d->db));
}

/* Moves on to the next address or, after the last, to the next host. */
static void
dial_next(struct dial *d, int64_t now)
{
	d->until = now + DIAL_TIMEOUT * INT64_C(1000);
	d->wrong = d->standby = d->writable = false;
	if (d->each == NULL && d->until > d->over)
		d->until = d->over;
	if (now >= d->until) {
		d->step = FAILED;
	} else if (d->at < d->addresses) {
		d->at++;
		dial_connect(d);
	} else if (d->tried == d->count) {
		d->step = FAILED;
	} else {
		d->tried++;
		d->at = d->addresses = 0;
		if (dial_is_address(dial_host(d)))
			dial_connect(d);
		else
			d->step = LOOKING_UP;
	}
}

/* Moves the address that was good last time to the front. */
static void
dial_order(struct dial *d)
{
	char	first[ADDRESS_BYTES];
	int	i;

	for (i = 0; i < d->addresses && dial_is_noted(&d->note,
	    dial_host(d)); i++) {
		if (strcmp(d->found[i], d->note.found) != 0)
			continue;
		memcpy(first, d->found[i], sizeof(first));
		memmove(d->found[1], d->found[0], (size_t)i * ADDRESS_BYTES);
		memcpy(d->found[0], first, sizeof(first));
	}
}

/*
 * Checks the look-up.  Returns false if there is nothing to do until it ends.
 */
static bool
dial_looked_up(struct dial *d)
{
	const char	*name = dial_host(d)->name;

	if (atomic_load(&names.busy)) {
		/* A running look-up for the same name will do. */
		if (strcmp(names.name, name) == 0)
			d->look_up = names.number;
		return false;
	}
	if (d->look_up == 0 || d->look_up != names.number) {
		if (dial_start_lookup(name) == -1) {
			dial_failed(d, strerror(errno));
			return true;
		}
		d->look_up = names.number;
		return false;
	}
	if (names.count == 0) {
		dial_failed(d, names.why);
		return true;
	}
	d->addresses = names.count;
	memcpy(d->found, names.found, sizeof(d->found));
	dial_order(d);
	dial_leave(d);
	return true;
}

/* Asks which server it is and whether it accepts writes.  Sets time limits: a
   server otherwise keeps waiting for a lock even if its client has gone. */
static void
dial_greet(struct dial *d)
{
	struct pg_args	limits = { .count = 0 };

	pg_int(&limits, DIAL_TIMEOUT);
	pg_int(&limits, CALL_LOCK);
	(void)PQsetnonblocking(d->db, 1);
	d->step = GREETING;
	d->version = d->tables = 0;
	memset(&d->server, 0, sizeof(d->server));
	if (PQenterPipelineMode(d->db) != 1 ||
	    !pg_put(d->db, STATEMENT_BEGIN, NULL) ||
	    !pg_put(d->db, STATEMENT_LIMITS, &limits) ||
	    !pg_put(d->db, STATEMENT_GREET, NULL) ||
	    !pg_put(d->db, STATEMENT_COMMIT, NULL) ||
	    PQpipelineSync(d->db) != 1)
		dial_failed(d, PQerrorMessage(d->db));
}

/* Continues connecting.  Returns false if there is nothing to do now. */
static bool
dial_connecting(struct dial *d)
{
	struct pollfd	p = { .fd = PQsocket(d->db), .events =
			    d->poll == PGRES_POLLING_READING ? POLLIN :
			    POLLOUT };

	if (poll(&p, 1, 0) != 1)
		return false;
	d->poll = PQconnectPoll(d->db);
	if (d->poll == PGRES_POLLING_FAILED)
		dial_failed(d, PQerrorMessage(d->db));
	else if (d->poll == PGRES_POLLING_OK)
		dial_greet(d);
	return true;
}

/* Reads a result of the greeting. */
static void
dial_read_greeting(struct dial *d, const PGresult *res)
{
	const char	*state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	switch ((int)PQresultStatus(res)) {
	case PGRES_TUPLES_OK:
		/* The first result belongs to LIMITS. */
		if (++d->tables == 1 || PQntuples(res) == 0)
			break;
		d->version = (int)pg_number(res, 0, 0);
		d->server.system = strtoull(PQgetvalue(res, 0, 1), NULL, 10);
		d->server.timeline = strtoul(PQgetvalue(res, 0, 2), NULL, 16);
		d->server.started = pg_number(res, 0, 3);
		break;
	case PGRES_FATAL_ERROR:
		/* undefined_table: the database is not migrated. */
		if (state != NULL && strcmp(state, "42P01") == 0) {
			d->version = -1;
			break;
		}
		d->wrong = true;
		d->standby = state != NULL && (strcmp(state, PG_STANDBY) == 0 ||
		    strcmp(state, PG_READ_ONLY) == 0);
		(void)snprintf(d->error, sizeof(d->error), "%s",
		    PQresultErrorMessage(res));
		break;
	default:
		break;
	}
}

/* The greeting is complete: acts on it. */
static void
dial_greeted(struct dial *d)
{
	char	why[200];

	d->writable = !d->wrong;
	if (d->wrong) {
		(void)snprintf(why, sizeof(why), "%.199s", d->error);
		dial_failed(d, why);
	} else if (PQexitPipelineMode(d->db) != 1) {
		dial_failed(d, PQerrorMessage(d->db));
	} else if (d->each == NULL ? !dial_note_good(d) : dial_is_old(d)) {
		(void)snprintf(why, sizeof(why), "this is an old primary (its "
		    "timeline is %lu, but %lu was seen already): fence it",
		    d->server.timeline, d->note.timeline);
		dial_failed(d, why);
	} else if (d->each != NULL) {
		dial_report(d, "");
		dial_leave(d);
	} else {
		d->step = DONE;
	}
}

/* Reads the greeting.  Returns false if there is nothing to read now. */
static bool
dial_greeting(struct dial *d)
{
	PGresult	*res;
	int		 i, status;

	if (PQflush(d->db) == -1 || PQconsumeInput(d->db) != 1) {
		dial_failed(d, PQerrorMessage(d->db));
		return true;
	}
	for (i = 0; i < RESULTS_MAX && PQisBusy(d->db) == 0; i++) {
		if ((res = PQgetResult(d->db)) == NULL)
			continue;
		status = (int)PQresultStatus(res);
		dial_read_greeting(d, res);
		PQclear(res);
		if (status != PGRES_PIPELINE_SYNC)
			continue;
		/* Leave a transaction that failed. */
		if (PQtransactionStatus(d->db) == PQTRANS_INERROR) {
			if (!pg_put(d->db, STATEMENT_ROLLBACK, NULL) ||
			    PQpipelineSync(d->db) != 1)
				break;
			return true;
		}
		while (PQgetResult(d->db) != NULL)
			;
		dial_greeted(d);
		return true;
	}
	if (PQstatus(d->db) != CONNECTION_OK || i == RESULTS_MAX) {
		dial_failed(d, PQerrorMessage(d->db));
		return true;
	}
	return false;
}

static void
dial_timed_out(struct dial *d)
{
	d->silent = true;
	dial_failed(d, d->step == LOOKING_UP ? "its name was not resolved in "
	    "time" :
	    "it did not answer in time");
}

enum pg_progress
dial_step(struct dial *d, int64_t now)
{
	bool	more = true;

	while (more) {
		if (d->step == NEXT)
			dial_next(d, now);
		else if (d->step == DONE)
			return PG_DONE;
		else if (d->step == FAILED)
			return PG_FAILED;
		else if (now >= d->until)
			dial_timed_out(d);
		else if (d->step == LOOKING_UP)
			more = dial_looked_up(d);
		else if (d->step == CONNECTING)
			more = dial_connecting(d);
		else
			more = dial_greeting(d);
	}
	return PG_MORE;
}

int64_t
dial_wait(const struct dial *d, struct pollfd *p)
{
	*p = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (d->step == LOOKING_UP) {
		p->fd = names.bell;
	} else if (d->db != NULL) {
		p->fd = PQsocket(d->db);
		if (d->step == CONNECTING && d->poll != PGRES_POLLING_READING)
			p->events = POLLOUT;
	}
	return d->until;
}

PGconn *
dial_result(struct dial *d, int *version, struct pg_server *server)
{
	PGconn	*db = d->db;

	*version = d->version;
	*server = d->server;
	d->db = NULL;
	return db;
}

const char *
dial_error(const struct dial *d)
{
	return d->error;
}

bool
dial_silent(const struct dial *d)
{
	return d->silent;
}

void
dial_survey(struct dial *d, void (*each)(void *, const struct store_host *),
    void *context)
{
	d->each = each;
	d->context = context;
	d->first = 0;
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	PQfinish(d->db);
	PQconninfoFree(d->options);
	free(d);
}
