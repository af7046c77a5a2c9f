/*
 * Ending the answers that are being written.  Each is found by its socket,
 * which stands until the answer is saved, and known by the process that
 * replies there.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/lock.h"
#include "generation/generation.h"
#include "generation/generations.h"
#include "sessions/answers.h"
#include "sessions/rest.h"

/* An answer. */
struct one {
	int64_t	ticket;
	ino_t	socket;		/* a ticket may have another one later */
	int	fd;		/* it has not replied yet; -1: it has */
	int	process;	/* pidfd; -1: not known, or it has ended */
	bool	asked;		/* to end at once */
	bool	terminated;	/* by SIGTERM */
};

struct rest {
	const char	*run_dir;
	struct one	*list;
	size_t		 count, size;
	size_t		 running;	/* at the last look: unsaved */
	size_t		 told;		/* since the beginning */
};

/* The socket of a ticket; 0: there is none. */
static ino_t
socket_of(const struct rest *r, int64_t ticket)
{
	char		path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat	st;

	if (generation_path(path, sizeof(path), r->run_dir, ticket) == -1 ||
	    lstat(path, &st) == -1)
		return 0;
	return st.st_ino;
}

/* Tells the answer of a ticket, once, that the service ends. */
static void
rest_tell(struct rest *r, int64_t ticket, ino_t socket)
{
	static const char	line[] = "end\n";
	struct one		*list;
	enum generation		 found;
	size_t			 size;
	int			 fd;

	if (r->count == r->size) {
		size = r->size == 0 ? 64 : 2 * r->size;
		if ((list = realloc(r->list, size * sizeof(*list))) == NULL)
			return;		/* at the next look, perhaps */
		r->list = list;
		r->size = size;
	}
	if ((found = generation_connect(r->run_dir, ticket, &fd)) !=
	    GENERATION_RUNNING) {
		r->running += found != GENERATION_NONE;
		return;
	}
	if (answers_ask_who(fd) == -1 ||
	    send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	    -1) {
		(void)close(fd);
		return;
	}
	r->list[r->count++] = (struct one){ ticket, socket, fd, -1,
	    false, false };
	r->running++;
	r->told++;
}

/* For generations_each. */
static bool
meet(void *context, int64_t ticket)
{
	struct rest	*r = context;
	const ino_t	 socket = socket_of(r, ticket);
	size_t		 i;

	for (i = 0; i < r->count && (r->list[i].ticket != ticket ||
	    r->list[i].socket != socket); i++)
		;
	if (socket != 0 && i == r->count)
		rest_tell(r, ticket, socket);
	return true;
}

static bool
has_ended(int process)
{
	struct pollfd	p = { .fd = process, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* Whether an answer still runs, and is not saved. */
static bool
rest_runs(const struct rest *r, struct one *o)
{
	if (o->fd != -1 && answers_who(o->fd, &o->process)) {
		(void)close(o->fd);
		o->fd = -1;
	}
	if (o->process != -1 && has_ended(o->process)) {
		(void)close(o->process);
		o->process = -1;
	}
	return (o->fd != -1 || o->process != -1) &&
	    socket_of(r, o->ticket) == o->socket;
}

/* Whether a chat is about to start one. */
static bool
about_to(const struct rest *r)
{
	const int	fd = generation_claims(r->run_dir);
	int		n;

	if (fd == -1)
		return false;
	n = lock_count(fd, 0, INT64_MAX - 1, 1);
	(void)close(fd);
	return n > 0;
}

/* Looks at all of them; returns whether there are any. */
static bool
rest_look(struct rest *r)
{
	size_t	i;

	r->running = 0;
	for (i = 0; i < r->count; i++)
		r->running += rest_runs(r, &r->list[i]);
	(void)generations_each(r->run_dir, meet, r);
	return r->running > 0 || about_to(r);
}

/* Reaps, and tells whether we are to hurry. */
static bool
rest_take_signals(int signals)
{
	struct signalfd_siginfo	info;
	bool			hurry = false;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	while (read(signals, &info, sizeof(info)) == sizeof(info))
		hurry = hurry || info.ssi_signo == SIGTERM ||
		    info.ssi_signo == SIGINT || info.ssi_signo == SIGHUP ||
		    info.ssi_signo == SIGQUIT;
	return hurry;
}

/* One gets SIGTERM, or, if it has not replied yet, the same by its socket. */
static void
terminate_one(struct one *o)
{
	static const char	line[] = "end now\n";

	if (o->process != -1)
		o->terminated = pidfd_send_signal(o->process, SIGTERM, NULL,
		    0) == 0;
	else if (!o->asked)
		(void)send(o->fd, line, sizeof(line) - 1, MSG_NOSIGNAL |
		    MSG_DONTWAIT);
	o->asked = true;
}

/* Has whoever is left end; returns whether there is anybody. */
static bool
terminate(struct rest *r)
{
	bool	any = false;
	size_t	i;

	for (i = 0; i < r->count; i++) {
		struct one	*o = &r->list[i];

		(void)rest_runs(r, o);
		if (o->fd == -1 && o->process == -1)
			continue;
		any = true;
		if (!o->terminated)
			terminate_one(o);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	if (getpid() == 1)	/* all that is left is ours */
		return waitpid(-1, NULL, WNOHANG) != -1;
	return any;
}

void
rest_end(const struct settings *s, int signals, bool at_once)
{
	struct pollfd	p = { .fd = signals, .events = POLLIN };
	struct rest	r = { .run_dir = s->text[SETTING_RUN_DIR] };
	int64_t		deadline;
	size_t		i;

	deadline = clock_us() + (at_once ? 0 :
	    s->number[SETTING_STOP_WAIT] * INT64_C(1000000));
	while (rest_look(&r) && clock_us() < deadline) {
		(void)poll(&p, 1, REST_PAUSE);
		if (rest_take_signals(signals))
			deadline = 0;
	}
	if (r.running > 0 && s->number[SETTING_STOP_WAIT] > 0 && !at_once)
		(void)fprintf(stderr, "sessions: hold: %zu of %zu answers did "
		    "not end within STOP_WAIT\n", r.running, r.told);
	deadline = clock_us() + INIT_TIMEOUT * INT64_C(1000);
	if (getpid() == 1)
		(void)kill(-1, SIGTERM);
	while (terminate(&r) && clock_us() < deadline) {
		(void)poll(NULL, 0, LISTEN_PAUSE);
		(void)rest_look(&r);		/* one may have begun since */
	}
	for (i = 0; i < r.count; i++) {
		if (r.list[i].fd != -1)
			(void)close(r.list[i].fd);
		if (r.list[i].process != -1)
			(void)close(r.list[i].process);
	}
	free(r.list);
}
