/*
 * Ends the running answers: see rest.h.  An answer is found by its socket,
 * which exists until the answer is saved, and identified by the process that
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

/*
 * How long generations that still write when STOP_WAIT is over have to end, and
 * the time between two looks at them, both in ms.
 */
#define INIT_TIMEOUT	3000
#define REST_PAUSE	50

/* A running answer. */
struct rest_answer {
	struct subject	subject;
	ino_t	socket;		/* inode: there may be another socket later */
	int	fd;		/* connection, until it has replied; then -1 */
	int	process;	/* pidfd; -1: not known, or ended */
	bool	asked;		/* was asked to end at once */
	bool	terminated;	/* got SIGTERM */
};

struct rest {
	const char	*run_dir;
	struct rest_answer	*list;
	size_t		 count, size;
	size_t		 running;	/* answers not saved yet, at the last
					   look */
	size_t		 announced;		/* answers found since the
						   beginning */
};

/* The inode of a generation's socket; 0: there is none. */
static ino_t
rest_socket(const struct rest *r, const struct subject *subject)
{
	char		path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat	st;

	if (generation_path(path, sizeof(path), r->run_dir, subject) == -1 ||
	    lstat(path, &st) == -1)
		return 0;
	return st.st_ino;
}

/* Tells a generation that the service ends, and adds it to the list. */
static void
rest_announce(struct rest *r, const struct subject *subject, ino_t socket)
{
	static const char	line[] = "end\n";
	struct rest_answer		*list;
	enum generation		 found;
	size_t			 size;
	int			 fd;

	if (r->count == r->size) {
		size = r->size == 0 ? 64 : 2 * r->size;
		if ((list = realloc(r->list, size * sizeof(*list))) == NULL)
			return;		/* the next look tries again */
		r->list = list;
		r->size = size;
	}
	if ((found = generation_connect(r->run_dir, subject, &fd)) !=
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
	r->list[r->count++] = (struct rest_answer){ *subject, socket, fd, -1,
	    false, false };
	r->running++;
	r->announced++;
}

/*
 * A callback for generations_each: adds answers that are not in the list yet.
 */
static bool
rest_found(void *context, const struct subject *subject)
{
	struct rest	*r = context;
	const ino_t	 socket = rest_socket(r, subject);
	size_t		 i;

	for (i = 0; i < r->count && (r->list[i].socket != socket ||
	    !generation_same(&r->list[i].subject, subject)); i++)
		;
	if (socket != 0 && i == r->count)
		rest_announce(r, subject, socket);
	return true;
}

static bool
rest_has_ended(int process)
{
	struct pollfd	p = { .fd = process, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* Whether an answer still runs and is not saved. */
static bool
rest_runs(const struct rest *r, struct rest_answer *o)
{
	if (o->fd != -1 && answers_who(o->fd, &o->process)) {
		(void)close(o->fd);
		o->fd = -1;
	}
	if (o->process != -1 && rest_has_ended(o->process)) {
		(void)close(o->process);
		o->process = -1;
	}
	return (o->fd != -1 || o->process != -1) &&
	    rest_socket(r, &o->subject) == o->socket;
}

/* Whether a chat holds a claim, so may be about to start an answer. */
static bool
rest_about_to(const struct rest *r)
{
	const int	fd = generation_claims(r->run_dir);
	int		n;

	if (fd == -1)
		return false;
	n = lock_count(fd, 0, INT64_MAX - 1, 1);
	(void)close(fd);
	return n > 0;
}

/* Updates the list.  Returns whether any answer runs. */
static bool
rest_update(struct rest *r)
{
	size_t	i;

	r->running = 0;
	for (i = 0; i < r->count; i++)
		r->running += rest_runs(r, &r->list[i]);
	(void)generations_each(r->run_dir, rest_found, r);
	return r->running > 0 || rest_about_to(r);
}

/* Reaps children.  Returns whether a signal asked us to hurry. */
static bool
rest_read_signals(int signals)
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

/* Sends SIGTERM, or `end now' if the process is not known yet. */
static void
rest_terminate_one(struct rest_answer *o)
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

/* Ends the answers that are left.  Returns whether any still runs. */
static bool
rest_terminate(struct rest *r)
{
	bool	any = false;
	size_t	i;

	for (i = 0; i < r->count; i++) {
		struct rest_answer	*o = &r->list[i];

		(void)rest_runs(r, o);
		if (o->fd == -1 && o->process == -1)
			continue;
		any = true;
		if (!o->terminated)
			rest_terminate_one(o);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	if (getpid() == 1)	/* all processes left are our children */
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
	while (rest_update(&r) && clock_us() < deadline) {
		(void)poll(&p, 1, REST_PAUSE);
		if (rest_read_signals(signals))
			deadline = 0;
	}
	if (r.running > 0 && s->number[SETTING_STOP_WAIT] > 0 && !at_once)
		(void)fprintf(stderr, "sessions: hold: %zu of %zu answers did "
		    "not end within STOP_WAIT\n", r.running, r.announced);
	deadline = clock_us() + INIT_TIMEOUT * INT64_C(1000);
	if (getpid() == 1)
		(void)kill(-1, SIGTERM);
	while (rest_terminate(&r) && clock_us() < deadline) {
		(void)poll(NULL, 0, LISTEN_PAUSE);
		(void)rest_update(&r);		/* find any that began
						   meanwhile */
	}
	for (i = 0; i < r.count; i++) {
		if (r.list[i].fd != -1)
			(void)close(r.list[i].fd);
		if (r.list[i].process != -1)
			(void)close(r.list[i].process);
	}
	free(r.list);
}
