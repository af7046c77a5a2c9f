/*
 * sessions stop: ends a ticket's generation for all viewers, also one that
 * hangs.
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "frame/frame.h"
#include "generation/generation.h"
#include "generation/generations.h"
#include "program.h"
#include "sessions/answers.h"
#include "sessions/command.h"

struct stop {
	const char	*run_dir;
	struct subject	 subject;
	struct buf	 in;		/* an incomplete line */
	bool		 old;		/* version 0.1: sends no `alive'
					   lines */
	bool		 saving;	/* the answer is complete */
	bool		 over;		/* the last frame has come */
	int		 waits;		/* in a row without a line */
	int		 killed, left;	/* processes killed, and those we may
					   not kill */
};

/* A generation accepts only its own user: root becomes the owner of RUN_DIR. */
static void
stop_become_owner(const char *run_dir)
{
	struct stat	st;

	if (stat(run_dir, &st) == -1) {
		if (errno != ENOENT)
			program_fail(EXIT_SYSTEM, "RUN_DIR=%s: %s", run_dir,
			    strerror(errno));
	} else if (geteuid() == 0 && st.st_uid != 0) {
		if (setgroups(0, NULL) == -1 || setgid(st.st_gid) == -1 ||
		    setuid(st.st_uid) == -1)
			program_fail(EXIT_SYSTEM, "cannot become the owner of "
			    "%s: %s",
			    run_dir, strerror(errno));
	} else if (st.st_uid != geteuid()) {
		program_fail(EXIT_SYSTEM, "RUN_DIR=%s belongs to uid %lu, but "
		    "you are uid %lu: run this as root or as the service's "
		    "user",
		    run_dir,
		    (unsigned long)st.st_uid, (unsigned long)geteuid());
	}
}

/*
 * Connects.  Returns the socket, -1 if nothing runs, -2 if the generation does
 * not accept the connection.
 */
static int
stop_connect(const struct stop *s)
{
	const struct timespec	pause = { 0, STOP_AGAIN * 1000000L };
	const int64_t		until = clock_us() +
				    STOP_TIMEOUT * INT64_C(1000);
	int			fd;

	for (;;) {
		switch (generation_connect(s->run_dir, &s->subject, &fd)) {
		case GENERATION_RUNNING:
			return fd;
		case GENERATION_NONE:
			return -1;
		case GENERATION_BUSY:
			if (clock_us() >= until)
				return -2;
			(void)nanosleep(&pause, NULL);
			break;
		case GENERATION_ERROR:
		default:
			program_fail(EXIT_SYSTEM, "ticket %" PRId64 ": %s",
			    s->subject.ticket, strerror(errno));
		}
	}
}

/* Handles a line from the generation. */
static bool
stop_line(void *context, const char *line, size_t len)
{
	struct stop	*s = context;
	struct frame	 f;

	s->waits = 0;
	frame_read(&f, line, len);
	if (f.type == FRAME_SESSION)
		s->old = !f.alive;
	if (f.type == FRAME_STATUS)
		s->saving = f.state == FRAME_SAVING;
	if (f.type == FRAME_DONE || f.type == FRAME_ERROR)
		s->over = true;
	return true;
}

/* Reads what has arrived.  Returns false if the generation is gone. */
static bool
stop_read(struct stop *s, int fd)
{
	return answers_hear(fd, &s->in, stop_line, s);
}

/* Waits for the end.  Returns true if the generation has ended or is saving,
   false if it sent nothing for too long. */
static bool
stop_wait(struct stop *s, int fd)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };

	for (s->waits = 0; s->waits < (s->old ? ALIVE_WAITS :
	    ALIVE_WAITS_STOP); ) {
		if (poll(&p, 1, ALIVE * 1000) == 0)
			s->waits++;
		if (!stop_read(s, fd) || s->over)
			return true;
		if (s->saving)
			return true;
	}
	return false;
}

static void
stop_kill(struct stop *s, const struct answers_process *p)
{
	if (answers_signal(s->run_dir, p, SIGKILL) == 0)
		s->killed++;
	else if (errno != ESRCH)
		s->left++;
}

static bool
stop_kill_one(void *context, const struct answers_process *p)
{
	struct stop	*s = context;

	if (generation_same(&p->subject, &s->subject))
		stop_kill(s, p);
	return true;
}

/* As stop_kill_one, but for every process of the ticket that hangs. */
static bool
stop_kill_hanging(void *context, const struct answers_process *p)
{
	struct stop	*s = context;

	if (p->subject.ticket == s->subject.ticket && answers_hangs(p))
		stop_kill(s, p);
	return true;
}

/* Removes the socket if nothing runs any more. */
static void
stop_sweep(const struct stop *s)
{
	int	claim, fd;

	if ((claim = generation_claim(s->run_dir, s->subject.ticket)) == -1)
		return;
	switch (generation_connect(s->run_dir, &s->subject, &fd)) {
	case GENERATION_NONE:
		generation_sweep(s->run_dir, &s->subject);
		break;
	case GENERATION_RUNNING:
		(void)close(fd);
		break;
	case GENERATION_BUSY:
	case GENERATION_ERROR:
	default:
		break;
	}
	(void)close(claim);
}

/* Kills a generation that hangs and waits until the process has gone. */
static int
stop_end_hanging(struct stop *s, int fd)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	const int64_t	until = clock_us() + ALIVE * INT64_C(1000000);

	if (answers_each(s->run_dir, stop_kill_one, s) == -1 || s->left > 0 ||
	    s->killed == 0)
		program_fail(EXIT_SYSTEM, "ticket %" PRId64 ": its generation "
		    "does not react, and its process is not in /proc or cannot "
		    "be ended by this user", s->subject.ticket);
	while (fd >= 0 && clock_us() < until) {
		(void)poll(&p, 1, clock_poll(clock_us(), until));
		if (!stop_read(s, fd)) {
			stop_sweep(s);
			(void)printf("ticket %" PRId64 ": its generation did "
			    "not react and was ended\n", s->subject.ticket);
			return EXIT_GOOD;
		}
	}
	(void)printf("ticket %" PRId64 ": its generation did not react; it "
	    "ends as soon as the kernel allows it\n", s->subject.ticket);
	return EXIT_GOOD;
}

/* Asks another machine with the same database to end the generation.  Returns
   whether one runs there. */
static bool
stop_elsewhere(const struct settings *settings, int64_t ticket)
{
	struct store	*store;
	bool		 heard;

	if (store_is_file())
		return false;
	store = command_store(settings);
	command_need(store_stop(store, ticket, true, &heard), store);
	store_close(store);
	return heard;
}

/*
 * Nobody listens: looks on other machines, and for processes that have sent
 * their last frame but hang.
 */
static int
stop_end_rest(struct stop *s, const struct settings *settings)
{
	if (stop_elsewhere(settings, s->subject.ticket)) {
		(void)printf("ticket %" PRId64 ": stopped on another node\n",
		    s->subject.ticket);
		return EXIT_GOOD;
	}
	if (answers_each(s->run_dir, stop_kill_hanging, s) == 0 &&
	    s->killed > 0) {
		(void)printf("ticket %" PRId64 ": the remaining process of its "
		    "generation did not react and was ended\n",
		    s->subject.ticket);
		return EXIT_GOOD;
	}
	(void)fprintf(stderr, "sessions: no generation runs for ticket %"
	    PRId64 "%s\n",
	    s->subject.ticket, store_is_file() ? " on this node" : "");
	return EXIT_CLIENT;
}

/* What runs for a ticket: its answer, and questions about answers. */
struct stop_list {
	int64_t		 ticket;
	struct subject	*subjects;
	size_t		 count;
};

static bool
stop_found(void *context, const struct subject *subject)
{
	struct stop_list	*l = context;
	struct subject		*more;

	if (subject->ticket != l->ticket)
		return true;
	if ((more = realloc(l->subjects, (l->count + 1) *
	    sizeof(*more))) == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	l->subjects = more;
	l->subjects[l->count++] = *subject;
	return true;
}

/* Ends one generation.  Returns the exit code, or -1 if it does not run. */
static int
stop_one(const char *run_dir, const struct subject *subject)
{
	struct stop	s = { .run_dir = run_dir, .subject = *subject,
			    .in = BUF_INIT(4 * READ_MAX) };
	int		fd, rc = EXIT_GOOD;

	if ((fd = stop_connect(&s)) == -1)
		return -1;
	if (fd >= 0)
		generation_say_stop(fd);
	if (fd < 0 || !stop_wait(&s, fd)) {
		rc = stop_end_hanging(&s, fd);
	} else if (s.saving && !s.over) {
		(void)fprintf(stderr, "sessions: ticket %" PRId64 ": its "
		    "answer is complete and is being saved, so it cannot be "
		    "stopped\n", s.subject.ticket);
		rc = EXIT_CLIENT;
	} else {
		(void)printf("ticket %" PRId64 ": stopped\n",
		    s.subject.ticket);
	}
	if (fd >= 0)
		(void)close(fd);
	buf_free(&s.in);
	return rc;
}

int
command_stop(const struct settings *settings, int argc, char *argv[])
{
	static const struct command_option	none[] = {
		{ NULL, NULL, NULL, NULL }
	};
	struct stop				s = {
		.run_dir = settings->text[SETTING_RUN_DIR],
	};
	struct stop_list			l = { 0 };
	size_t					i;
	int					one, rc = -1;

	i = (size_t)command_options(argc, argv, none, 1, 1);
	l.ticket = s.subject.ticket = command_ticket(argv[0], argv[i]);
	stop_become_owner(s.run_dir);
	if (generations_each(s.run_dir, stop_found, &l) == -1 &&
	    errno != ENOENT)
		program_fail(EXIT_SYSTEM, "RUN_DIR=%s: %s", s.run_dir,
		    strerror(errno));
	for (i = 0; i < l.count; i++) {
		one = stop_one(s.run_dir, &l.subjects[i]);
		rc = one > rc ? one : rc;
	}
	free(l.subjects);
	return rc == -1 ? stop_end_rest(&s, settings) : rc;
}
