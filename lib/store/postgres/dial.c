/*
 * Connecting to one of a database's hosts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "store/postgres/dial.h"

enum { HOSTS_MAX = 16, ADDRESSES_MAX = 4, NAME_BYTES = 256, RESULTS_MAX = 64,
    RESOLVER_STACK = 131072 };

struct host {
	char	name[NAME_BYTES], address[NAME_BYTES], port[16];
};

/* What RUN_DIR says of the last good one. */
struct note {
	unsigned long long	system;
	unsigned long		timeline;
	struct host		host;
};

enum step { NEXT, LOOKING_UP, CONNECTING, GREETING, DONE, FAILED };

struct dial {
	PQconninfoOption		*options;
	struct host			 host[HOSTS_MAX];
	int				 count, first, tried;
	struct note			 note;
	enum step			 step;
	int				 names;		/* a pipe; -1 */
	char				 found[ADDRESSES_MAX * 64];
	size_t				 found_len;
	PGconn				*db;
	PostgresPollingStatusType	 poll;
	int64_t				 until;
	int				 version;
	unsigned long long		 system;
	unsigned long			 timeline;
	bool				 wrong;		/* the greeting */
	bool				 standby;	/* as it cannot write */
	char				 error[704];
};

static char	note_path[PATH_MAX];	/* "": nothing is noted */

void
store_remember(const char *run_dir)
{
	int	n;

	n = snprintf(note_path, sizeof(note_path), "%s/database", run_dir);
	if (n < 0 || (size_t)n >= sizeof(note_path))
		note_path[0] = '\0';
}

/* SYSTEM TIMELINE PORT ADDRESS NAME; what is missing is "-". */
static void
note_read(struct note *n)
{
	char	line[2 * NAME_BYTES + 80], *rest = NULL;
	ssize_t	len = -1;
	int	fd;

	memset(n, 0, sizeof(*n));
	if (*note_path == '\0' ||
	    (fd = open(note_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return;
	len = read(fd, line, sizeof(line) - 1);
	(void)close(fd);
	line[len < 0 ? 0 : len] = '\0';
	n->system = strtoull(line, &rest, 10);
	n->timeline = strtoul(rest, &rest, 16);
	if (sscanf(rest, " %15s %255s %255s", n->host.port, n->host.address,
	    n->host.name) != 3)
		memset(n, 0, sizeof(*n));
}

static const char *
or_none(const char *text)
{
	return *text == '\0' ? "-" : text;
}

static bool
is_noted(const struct note *n, const struct host *h)
{
	return strcmp(n->host.name, or_none(h->name)) == 0 &&
	    strcmp(n->host.address, or_none(h->address)) == 0 &&
	    strcmp(n->host.port, or_none(h->port)) == 0;
}

/* Notes the one that is good, if that is news.  Without it all goes well too,
 * if slower. */
static void
note_write(const struct dial *d, const struct host *h)
{
	char	path[PATH_MAX + 32], line[2 * NAME_BYTES + 80];
	int	fd, len;
	bool	good;

	if (*note_path == '\0' || d->version < 0 ||
	    (d->note.system == d->system && d->note.timeline == d->timeline &&
	    is_noted(&d->note, h)))
		return;
	len = snprintf(line, sizeof(line), "%llu %lx %s %s %s\n", d->system,
	    d->timeline, or_none(h->port), or_none(h->address),
	    or_none(h->name));
	(void)snprintf(path, sizeof(path), "%s.%ld", note_path,
	    (long)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1)
		return;
	good = write(fd, line, (size_t)len) == len;
	(void)close(fd);
	if (!good || rename(path, note_path) == -1)
		(void)unlink(path);
}

static const char *
option(const struct dial *d, const char *key)
{
	const PQconninfoOption	*o;

	for (o = d->options; o != NULL && o->keyword != NULL; o++) {
		if (strcmp(o->keyword, key) == 0)
			return o->val == NULL ? "" : o->val;
	}
	return "";
}

/* The n-th word of a list with commas; of a list of one always that. */
static void
word(const char *list, int n, char *out, size_t size)
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
words(const char *list)
{
	int	n = 1;

	for (; *list != '\0'; list++)
		n += *list == ',';
	return n;
}

static void
set_hosts(struct dial *d)
{
	const char	*names = option(d, "host"), *ports = option(d, "port");
	const char	*addresses = option(d, "hostaddr");
	int		 i, n = words(names), m = words(addresses);

	d->count = n > m ? n : m;
	if (d->count > HOSTS_MAX)
		d->count = HOSTS_MAX;
	for (i = 0; i < d->count; i++) {
		word(names, i, d->host[i].name, NAME_BYTES);
		word(addresses, i, d->host[i].address, NAME_BYTES);
		word(ports, i, d->host[i].port, sizeof(d->host[i].port));
		if (is_noted(&d->note, &d->host[i]))
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
	d->names = -1;
	note_read(&d->note);
	if ((d->options = PQconninfoParse(uri, &why)) == NULL) {
		(void)snprintf(d->error, sizeof(d->error), "%s", why == NULL ?
		    "no memory" : why);
		d->step = FAILED;
	} else {
		set_hosts(d);
	}
	PQfreemem(why);
	return d;
}

/* The host that is tried now: the last good one first, then as they stand. */
static const struct host *
current(const struct dial *d)
{
	int	i = d->tried - 1;

	if (i == 0)
		return &d->host[d->first];
	return &d->host[i <= d->first ? i - 1 : i];
}

/* What a thread looks up. */
struct lookup {
	int	fd;
	char	name[NAME_BYTES];
};

/* Writes the addresses, with commas, or "!" and why there are none. */
static void *
look_up(void *context)
{
	struct lookup		*l = context;
	const struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo		*list = NULL, *a;
	char			 out[ADDRESSES_MAX * 64] = "", text[64];
	size_t			 len = 0;
	int			 n = 0, rc;

	if ((rc = getaddrinfo(l->name, NULL, &hints, &list)) != 0)
		len = (size_t)snprintf(out, sizeof(out), "!%s",
		    gai_strerror(rc));
	for (a = list; a != NULL && n < ADDRESSES_MAX; a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text),
		    NULL, 0, NI_NUMERICHOST) == 0)
			len += (size_t)snprintf(out + len, sizeof(out) - len,
			    "%s%s", n++ == 0 ? "" : ",", text);
	}
	if (list != NULL)
		freeaddrinfo(list);
	(void)!write(l->fd, out, len < sizeof(out) ? len : sizeof(out) - 1);
	(void)close(l->fd);
	free(l);
	return NULL;
}

/* Starts it; returns what it writes to, or -1. */
static int
start_lookup(const char *name)
{
	struct lookup	*l;
	pthread_attr_t	 attr;
	pthread_t	 thread;
	sigset_t	 all, old;
	int		 fd[2], rc;

	if ((l = malloc(sizeof(*l))) == NULL)
		return -1;
	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) == -1) {
		free(l);
		return -1;
	}
	l->fd = fd[1];
	(void)snprintf(l->name, sizeof(l->name), "%s", name);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, RESOLVER_STACK);
	rc = pthread_create(&thread, &attr, look_up, l);
	(void)pthread_attr_destroy(&attr);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return fd[0];
	(void)close(fd[0]);
	(void)close(fd[1]);
	free(l);
	errno = rc;
	return -1;
}

/* Whether a host is no name that must be looked up. */
static bool
is_address(const struct host *h)
{
	unsigned char	any[sizeof(struct in6_addr)];

	return *h->address != '\0' || *h->name == '\0' || *h->name == '/' ||
	    *h->name == '@' || inet_pton(AF_INET, h->name, any) == 1 ||
	    inet_pton(AF_INET6, h->name, any) == 1;
}

/* This host is none for us: goes on to the next one. */
static void
failed(struct dial *d, const char *why)
{
	const struct host	*h = current(d);
	const char		*name = *h->name == '\0' ? h->address : h->name;

	(void)snprintf(d->error, sizeof(d->error), "%s%s%.400s",
	    d->count > 1 ? name : "", d->count > 1 ? ": " : "", why);
	if (d->names != -1)
		(void)close(d->names);
	d->names = -1;
	PQfinish(d->db);
	d->db = NULL;
	d->step = NEXT;
}

/* Begins to connect; `addresses' may be "". */
static void
connect_to(struct dial *d, const char *addresses)
{
	/* A later one wins: what the address says over our defaults. */
	const char		*keys[RESULTS_MAX] = { "keepalives_idle",
				    "keepalives_interval", "keepalives_count",
				    "tcp_user_timeout", "application_name",
				    NULL };
	const char		*values[RESULTS_MAX] = { "10", "5", "3",
				    "25000", "ticketchat", NULL };
	const struct host	*h = current(d);
	const PQconninfoOption	*o;
	char			 names[ADDRESSES_MAX * NAME_BYTES] = "";
	int			 i, n = 5, more = words(addresses);
	size_t			 len = 0;

	for (i = 0; i < more && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len,
		    "%s%s", i == 0 ? "" : ",", h->name);
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
		values[n++] = names;
	}
	if (*addresses != '\0' || *h->address != '\0') {
		keys[n] = "hostaddr";
		values[n++] = *addresses != '\0' ? addresses : h->address;
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
	if ((d->db = PQconnectStartParams(keys, values, 0)) == NULL ||
	    PQstatus(d->db) == CONNECTION_BAD)
		failed(d, d->db == NULL ? "no memory" :
		    PQerrorMessage(d->db));
}

static void
next(struct dial *d, int64_t now)
{
	const struct host	*h;

	if (d->tried == d->count) {
		d->step = FAILED;
		return;
	}
	d->tried++;
	h = current(d);
	d->until = now + DIAL_TIMEOUT * INT64_C(1000);
	d->found_len = 0;
	if (is_address(h)) {
		connect_to(d, "");
		return;
	}
	d->step = LOOKING_UP;
	if ((d->names = start_lookup(h->name)) == -1)
		failed(d, strerror(errno));
}

/* What the thread has found; returns false where there is nothing to do. */
static bool
looked_up(struct dial *d)
{
	ssize_t	n;

	n = read(d->names, d->found + d->found_len, sizeof(d->found) - 1 -
	    d->found_len);
	if (n > 0)
		d->found_len += (size_t)n;
	if (n > 0 || (n == -1 && errno == EINTR))
		return true;
	if (n == -1)
		return false;
	d->found[d->found_len] = '\0';
	(void)close(d->names);
	d->names = -1;
	if (d->found_len == 0 || d->found[0] == '!')
		failed(d, d->found_len == 0 ? "no address" : d->found + 1);
	else
		connect_to(d, d->found);
	return true;
}

/* What the server remarks is nothing for our stderr. */
static void
ignore(void *context, const PGresult *res)
{
	(void)context;
	(void)res;
}

static bool
send_one(PGconn *db, enum statement which)
{
	return PQsendQueryParams(db, store_statements[which], 0, NULL, NULL,
	    NULL, NULL, 0) == 1;
}

/* Asks which server it is, and whether it can be written to. */
static void
greet(struct dial *d)
{
	(void)PQsetNoticeReceiver(d->db, ignore, NULL);
	(void)PQsetnonblocking(d->db, 1);
	d->step = GREETING;
	d->wrong = false;
	d->version = 0;
	if (PQenterPipelineMode(d->db) != 1 ||
	    !send_one(d->db, STATEMENT_BEGIN) ||
	    !send_one(d->db, STATEMENT_GREET) ||
	    !send_one(d->db, STATEMENT_COMMIT) || PQpipelineSync(d->db) != 1)
		failed(d, PQerrorMessage(d->db));
}

/* Goes on with connecting; returns false where there is nothing to do. */
static bool
connecting(struct dial *d)
{
	struct pollfd	p = { .fd = PQsocket(d->db), .events =
			    d->poll == PGRES_POLLING_READING ? POLLIN :
			    POLLOUT };

	if (poll(&p, 1, 0) != 1)
		return false;
	d->poll = PQconnectPoll(d->db);
	if (d->poll == PGRES_POLLING_FAILED)
		failed(d, PQerrorMessage(d->db));
	else if (d->poll == PGRES_POLLING_OK)
		greet(d);
	return true;
}

/* What one result of the greeting says. */
static void
take(struct dial *d, const PGresult *res)
{
	const char	*state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	switch ((int)PQresultStatus(res)) {
	case PGRES_TUPLES_OK:
		d->version = (int)pg_number(res, 0, 0);
		d->system = strtoull(PQgetvalue(res, 0, 1), NULL, 10);
		d->timeline = strtoul(PQgetvalue(res, 0, 2), NULL, 16);
		break;
	case PGRES_FATAL_ERROR:
		/* No such table: not migrated. */
		if (state != NULL && strcmp(state, "42P01") == 0) {
			d->version = -1;
			break;
		}
		d->wrong = true;
		d->standby = state != NULL && (strcmp(state, "0A000") == 0 ||
		    strcmp(state, "25006") == 0);
		(void)snprintf(d->error, sizeof(d->error), "%s",
		    PQresultErrorMessage(res));
		break;
	default:
		break;
	}
}

/* All of it is told. */
static void
greeted(struct dial *d)
{
	char	why[200];

	if (d->wrong) {
		(void)snprintf(why, sizeof(why), "%.199s", d->error);
		failed(d, why);
	} else if (d->version >= 0 && d->system == d->note.system &&
	    d->timeline < d->note.timeline) {
		(void)snprintf(why, sizeof(why), "an old primary (timeline "
		    "%lu, and %lu was seen): fence it", d->timeline,
		    d->note.timeline);
		failed(d, why);
	} else if (PQexitPipelineMode(d->db) != 1) {
		failed(d, PQerrorMessage(d->db));
	} else {
		d->step = DONE;
		note_write(d, current(d));
	}
}

/* Reads the greeting; returns false where there is nothing to do. */
static bool
greeting(struct dial *d)
{
	PGresult	*res;
	int		 i, status;

	if (PQflush(d->db) == -1 || PQconsumeInput(d->db) != 1) {
		failed(d, PQerrorMessage(d->db));
		return true;
	}
	for (i = 0; i < RESULTS_MAX && PQisBusy(d->db) == 0; i++) {
		if ((res = PQgetResult(d->db)) == NULL)
			continue;
		status = (int)PQresultStatus(res);
		take(d, res);
		PQclear(res);
		if (status != PGRES_PIPELINE_SYNC)
			continue;
		/* A transaction that failed is to be left. */
		if (PQtransactionStatus(d->db) == PQTRANS_INERROR) {
			if (!send_one(d->db, STATEMENT_ROLLBACK) ||
			    PQpipelineSync(d->db) != 1)
				break;
			return true;
		}
		while (PQgetResult(d->db) != NULL)
			;
		greeted(d);
		return true;
	}
	if (PQstatus(d->db) != CONNECTION_OK || i == RESULTS_MAX) {
		failed(d, PQerrorMessage(d->db));
		return true;
	}
	return false;
}

enum pg_progress
dial_step(struct dial *d, int64_t now)
{
	bool	more = true;

	while (more) {
		if (d->step == NEXT)
			next(d, now);
		else if (d->step == DONE)
			return PG_DONE;
		else if (d->step == FAILED)
			return PG_FAILED;
		else if (now >= d->until)
			failed(d, d->step == LOOKING_UP ?
			    "its name is not found in time" :
			    "it does not answer in time");
		else if (d->step == LOOKING_UP)
			more = looked_up(d);
		else if (d->step == CONNECTING)
			more = connecting(d);
		else
			more = greeting(d);
	}
	return PG_MORE;
}

int64_t
dial_wait(const struct dial *d, struct pollfd *p)
{
	*p = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (d->step == LOOKING_UP) {
		p->fd = d->names;
	} else if (d->db != NULL) {
		p->fd = PQsocket(d->db);
		if (d->step == CONNECTING && d->poll != PGRES_POLLING_READING)
			p->events = POLLOUT;
	}
	return d->until;
}

PGconn *
dial_take(struct dial *d, int *version)
{
	PGconn	*db = d->db;

	*version = d->version;
	d->db = NULL;
	return db;
}

const char *
dial_error(const struct dial *d)
{
	return d->error;
}

void
store_hosts(const char *uri, void (*each)(void *, const char *, const char *),
    void *context)
{
	struct dial	*d;
	struct pollfd	 p;
	enum step	 last;
	int		 i, count = 1;

	for (i = 0; i < count; i++) {
		if ((d = dial_start(uri)) == NULL)
			return;
		count = d->step == FAILED ? 0 : d->count;
		if (count > 0) {
			d->first = 0;
			d->host[0] = d->host[i];
			d->count = 1;
		}
		while (dial_step(d, clock_us()) == PG_MORE) {
			const int64_t	until = dial_wait(d, &p);

			(void)poll(&p, 1, clock_poll(clock_us(), until));
		}
		last = d->step;
		if (count > 0)
			each(context, *d->host[0].name == '\0' ?
			    d->host[0].address : d->host[0].name,
			    last == DONE || d->standby ? "" : d->error);
		dial_free(d);
	}
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	if (d->names != -1)
		(void)close(d->names);
	PQfinish(d->db);
	PQconninfoFree(d->options);
	free(d);
}
