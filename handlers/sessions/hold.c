/*
 * sessions hold: the parent process of websocketd, and of the programs beside
 * it (socat for the door), each of which ends with the others.  It
 *
 *	- keeps the database open and locked,
 *	- sets a timeout for clients that never read,
 *	- ends TLS connections to the door that have no door for long,
 *	- passes signals on, reaps processes, and exits like websocketd,
 *	- filters lines that any client can make websocketd log,
 *	- lets running answers finish when the service ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/listener.h"
#include "base/noise.h"
#include "program.h"
#include "sessions/command.h"
#include "sessions/linger.h"
#include "sessions/rest.h"
#include "store/identity.h"
#include "store/resident.h"

/*
 * How long websocketd has to end when the service is told to, in ms.  `podman
 * stop' and `docker stop' wait for 10 s in all.
 */
#define END_TIMEOUT	1500

/* How long websocketd may take until it listens, in ms; it takes a few. */
#define LISTEN_TIMEOUT	30000

/*
 * Between two lines that count websocketd's useless messages, in ms: an hour.
 */
#define NOISE_PAUSE	3600000

/*
 * How long a TLS connection may last before its door begins and after it has
 * ended, in ms, if SEND_TIMEOUT is not longer; and the pause between two looks.
 */
#define LINGER_TIMEOUT	10000
#define LINGER_PAUSE	2000

/* Programs beside the main one, and the words of the command of each. */
#define BESIDE_MAX	64
#define BESIDE_WORDS	16

/* Signals that are also sent to the programs. */
static const int	hold_passed[] = {
	SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2
};

/* Stdout or stderr of the program, on its way to ours. */
struct hold_stream {
	int	from, to;	/* -1: the program inherited ours */
	char	data[READ_MAX];
	size_t	len;
};

struct hold {
	const struct settings	*settings;
	pid_t			 pid;
	int			 signals;	/* signalfd(2) */
	int			 status;	/* of the program, as from
						   waitpid(2) */
	bool			 ended;
	pid_t			 beside[BESIDE_MAX];	/* 0: has ended */
	size_t			 count;
	struct linger		 linger;	/* their connections by TLS */
	int64_t			 next_linger;	/* next look at these:
						   clock_us */
	bool			 failed;	/* one of them has ended by
						   itself */
	bool			 gentle;	/* we got SIGTERM and no other
						   signal */
	int64_t			 kill;		/* when to kill the program:
						   clock_us */
	int64_t			 listens;	/* sockets on which the program
						   will listen */
	int64_t			 next_look;		/* next try to find
							   them: clock_us */
	int64_t			 give_up;	/* last try: clock_us */
	struct hold_stream		 out, err;
	struct noise		 noise;
	unsigned long		 lost;		/* lines that nobody read */
	int64_t			 next_report;		/* when to report what
							   was left out:
							   clock_us */
};

/* Prints a line for the log. */
static void
hold_say(const char *text)
{
	(void)fprintf(stderr, "sessions: hold: %s\n", text);
}

/*
 * Locks the database and RUN_DIR for our lifetime.  Exits if another service
 * uses one of them.
 */
static void
hold_database(const struct settings *s)
{
	struct store	*store;
	char		 why[1024];

	command_run_dir(s);
	if (store_open(&store, s->text[SETTING_DATABASE]) != FAILURE_NONE ||
	    store_hold(store) != FAILURE_NONE)
		hold_say(store_error(store));
	else if (identity_serve(s, store, why, sizeof(why)) == -1)
		program_fail(EXIT_SETTINGS, "%s", why);
	store_close(store);
}

/* In the child: executes the program with these descriptors as stdout and
   stderr (-1: ours). */
static void
hold_exec(pid_t parent, char *argv[], int out, int err)
{
	sigset_t	none;

	child_end_with(parent);		/* an orphan would keep the port */
	program_default_signals();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (out != -1 && dup2(out, STDOUT_FILENO) == -1)
		_exit(EXIT_SYSTEM);
	if (err != -1 && dup2(err, STDERR_FILENO) == -1)
		_exit(EXIT_SYSTEM);
	(void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	(void)execvp(argv[0], argv);
	(void)fprintf(stderr, "sessions: %s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_SYSTEM);
}

/* Opens a pipe for one of the program's outputs. */
static void
hold_open_stream(struct hold_stream *s, int to, int fd[2])
{
	if (pipe2(fd, O_CLOEXEC) == -1 ||
	    fcntl(fd[0], F_SETFL, O_NONBLOCK) == -1)
		program_fail(EXIT_SYSTEM, "hold: %s", strerror(errno));
	s->from = fd[0];
	s->to = to;
}

/*
 * Starts a program beside the main one.  The command's words have a tab
 * between two: socat's words have blanks in them.
 */
static void
hold_start_beside(struct hold *h, char *command)
{
	const pid_t	self = getpid();
	char		*argv[BESIDE_WORDS + 1], *rest = command;
	size_t		 n = 0;

	while (n < BESIDE_WORDS && (argv[n] = strsep(&rest, "\t")) != NULL)
		n++;
	argv[n] = NULL;
	if ((h->beside[h->count] = fork()) == -1)
		program_fail(EXIT_SYSTEM, "hold: %s", strerror(errno));
	if (h->beside[h->count] == 0)
		hold_exec(self, argv, -1, -1);
	h->count++;
}

/* Ends the programs beside the main one: they have nothing to lose. */
static void
hold_end_beside(struct hold *h)
{
	size_t	i;

	for (i = 0; i < h->count; i++) {
		if (h->beside[i] != 0)
			(void)kill(h->beside[i], SIGKILL);
	}
}

/* Starts the program; blocks the signals that are to be passed on. */
static void
hold_start(struct hold *h, char *argv[])
{
	const pid_t	self = getpid();
	int		out[2] = { -1, -1 }, err[2] = { -1, -1 };
	sigset_t	set;
	size_t		i;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	for (i = 0; i < sizeof(hold_passed) / sizeof(hold_passed[0]); i++)
		(void)sigaddset(&set, hold_passed[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGCHLD, SIG_DFL);		/* else waitpid fails */
	h->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (h->signals == -1)
		program_fail(EXIT_SYSTEM, "hold: %s", strerror(errno));
	h->out.from = h->err.from = -1;
	if (h->listens > 0) {
		hold_open_stream(&h->out, STDOUT_FILENO, out);
		hold_open_stream(&h->err, STDERR_FILENO, err);
	}
	if ((h->pid = fork()) == -1)
		program_fail(EXIT_SYSTEM, "hold: %s", strerror(errno));
	if (h->pid == 0)
		hold_exec(self, argv, out[1], err[1]);
	if (out[1] != -1)
		(void)close(out[1]);
	if (err[1] != -1)
		(void)close(err[1]);
}

/*
 * One of the programs beside the main one has ended.  If nobody wanted that,
 * the main one has to end, too: whoever supervises us starts both again.
 */
static void
hold_lose(struct hold *h, size_t i, int status)
{
	char	text[128];

	h->beside[i] = 0;
	if (h->ended || h->kill != CLOCK_NEVER)
		return;
	(void)snprintf(text, sizeof(text), "a program beside it has ended (%s "
	    "%d), so the service ends", WIFEXITED(status) ? "exit code" :
	    "signal", WIFEXITED(status) ? WEXITSTATUS(status) :
	    WTERMSIG(status));
	hold_say(text);
	h->failed = true;
	h->gentle = true;
	h->kill = clock_us() + END_TIMEOUT * INT64_C(1000);
	(void)kill(h->pid, SIGTERM);
}

/* Reaps all children that have ended; process 1 also has those of others. */
static void
hold_reap(struct hold *h)
{
	int	status;
	size_t	i;
	pid_t	pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < h->count; i++) {
			if (pid == h->beside[i])
				hold_lose(h, i, status);
		}
		if (pid != h->pid)
			continue;
		h->status = status;
		h->ended = true;
		hold_end_beside(h);
	}
}

/* On a signal that ends the service: gives the program END_TIMEOUT to end. */
static void
hold_note_end(struct hold *h, uint32_t signal)
{
	if (signal != SIGTERM && signal != SIGINT && signal != SIGHUP &&
	    signal != SIGQUIT)
		return;
	h->gentle = signal == SIGTERM && h->kill == CLOCK_NEVER;
	if (h->kill == CLOCK_NEVER)
		h->kill = clock_us() + END_TIMEOUT * INT64_C(1000);
}

/*
 * Passes signals on.  The terminal sends its signals to the whole foreground
 * process group, so the program already has those.
 */
static void
hold_read_signals(struct hold *h)
{
	struct signalfd_siginfo	info;

	while (read(h->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			hold_reap(h);
			continue;
		}
		if (h->listens > 0)
			hold_note_end(h, info.ssi_signo);
		/* They accept no more, whatever the main one does. */
		if (h->kill != CLOCK_NEVER)
			hold_end_beside(h);
		if (!h->ended && (info.ssi_code != SI_KERNEL ||
		    info.ssi_signo == SIGHUP))
			(void)kill(h->pid, (int)info.ssi_signo);
	}
}

/*
 * Writes a line if that does not block, because signals must be handled in
 * time.  A line longer than what a pipe accepts at once is cut.
 */
static void
hold_put(struct hold *h, int to, char *line, size_t len)
{
	struct pollfd	p = { .fd = to, .events = POLLOUT };

	if (len > WRITE_MAX) {
		len = WRITE_MAX;
		line[len - 1] = '\n';
	}
	if (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0 ||
	    write(to, line, len) == -1)
		h->lost++;
}

/*
 * Forwards the whole lines of a stream; with `rest' also an incomplete one.  A
 * client can make websocketd write a line of a megabyte with the requested URL
 * in it.  If a line fills the buffer, its middle is left out, so that its
 * beginning and its end still identify it.
 */
static void
hold_forward(struct hold *h, struct hold_stream *s, bool rest)
{
	char	*end, *line = s->data;
	size_t	 left = s->len, len;

	while ((end = memchr(line, '\n', left)) != NULL) {
		len = (size_t)(end - line);
		if (!noise_is(&h->noise, line, len))
			hold_put(h, s->to, line, len + 1);
		line = end + 1;
		left -= len + 1;
	}
	if (rest && left > 0) {
		hold_put(h, s->to, line, left);
		left = 0;
	}
	memmove(s->data, line, left);
	if (left == sizeof(s->data)) {
		memmove(s->data + WRITE_MAX, s->data + left - WRITE_MAX,
		    WRITE_MAX);
		left = 2 * WRITE_MAX;
	}
	s->len = left;
}

/* Reads from a stream: once while the program runs, so that signals are handled
   in time, and all that is left when the program has ended. */
static void
hold_read_stream(struct hold *h, struct hold_stream *s)
{
	ssize_t	n;

	if (s->from == -1)
		return;
	while ((n = read(s->from, s->data + s->len,
	    sizeof(s->data) - s->len)) > 0) {
		s->len += (size_t)n;
		hold_forward(h, s, false);
		if (!h->ended)
			return;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR) && !h->ended)
		return;
	hold_forward(h, s, true);
	(void)close(s->from);
	s->from = -1;
}

/* Looks for the program's listening sockets and sets their timeout. */
static void
hold_find_sockets(struct hold *h, int64_t now)
{
	char	text[512];
	int	n;

	n = listener_timeout(h->pid,
	    h->settings->number[SETTING_SEND_TIMEOUT] * 1000);
	if (n != -1 && n < h->listens && now < h->give_up) {
		h->next_look = now + LISTEN_PAUSE * INT64_C(1000);
		return;
	}
	h->next_look = CLOCK_NEVER;
	if (n >= h->listens)
		return;
	(void)snprintf(text, sizeof(text), "clients that never read can keep "
	    "their places forever (%s): put a proxy with a write timeout in "
	    "front, as nginx or haproxy in deploy/", n == -1 ? strerror(errno) :
	    "websocketd does not listen on all addresses");
	hold_say(text);
}

/* Ends connections by TLS that have no door for too long. */
static void
hold_end_lingering(struct hold *h, int64_t now)
{
	int64_t	limit = h->settings->number[SETTING_SEND_TIMEOUT] * 1000;
	char	text[512];

	limit = limit < LINGER_TIMEOUT ? LINGER_TIMEOUT : limit;
	h->next_linger = now + LINGER_PAUSE * INT64_C(1000);
	if (linger_look(&h->linger, h->beside, h->count, limit * INT64_C(1000),
	    now) == 0)
		return;
	h->next_linger = CLOCK_NEVER;
	(void)snprintf(text, sizeof(text), "clients that send slowly can keep "
	    "TLS connections to the door for long (%s): put a proxy with a "
	    "timeout in front, as nginx or haproxy in deploy/",
	    strerror(errno));
	hold_say(text);
}

/* Reports what was left out, now and then and at the end. */
static void
hold_report(struct hold *h, int64_t now)
{
	char	text[512];

	if (noise_report(&h->noise, text, sizeof(text)))
		hold_say(text);
	if (h->lost > 0) {
		(void)snprintf(text, sizeof(text), "%lu lines were lost, "
		    "because nothing read them", h->lost);
		hold_say(text);
	}
	h->lost = 0;
	h->next_report = now + NOISE_PAUSE * INT64_C(1000);
}

/* Runs until the program has ended. */
static void
hold_serve(struct hold *h)
{
	struct pollfd	p[3];
	int64_t		now = clock_us(), next;

	h->kill = CLOCK_NEVER;
	hold_reap(h);	/* run.sh's children that ended before we handled
			   SIGCHLD */
	h->next_look = h->listens > 0 ? now : CLOCK_NEVER;
	h->give_up = now + LISTEN_TIMEOUT * INT64_C(1000);
	h->next_report = now + NOISE_PAUSE * INT64_C(1000);
	h->next_linger = h->count > 0 &&
	    *h->settings->text[SETTING_TLS_CERT] != '\0' ? now : CLOCK_NEVER;
	for (; !h->ended; now = clock_us()) {
		if (now >= h->kill)
			(void)kill(h->pid, SIGKILL);
		if (now >= h->next_look)
			hold_find_sockets(h, now);
		if (now >= h->next_report)
			hold_report(h, now);
		if (now >= h->next_linger)
			hold_end_lingering(h, now);
		p[0] = (struct pollfd){ h->signals, POLLIN, 0 };
		p[1] = (struct pollfd){ h->out.from, POLLIN, 0 };
		p[2] = (struct pollfd){ h->err.from, POLLIN, 0 };
		next = h->next_look < h->next_report ? h->next_look :
		    h->next_report;
		next = h->kill < next ? h->kill : next;
		next = h->next_linger < next ? h->next_linger : next;
		if (poll(p, 3, clock_poll(now, next)) == -1 && errno != EINTR)
			program_fail(EXIT_SYSTEM, "hold: %s", strerror(errno));
		hold_read_signals(h);
		hold_read_stream(h, &h->out);
		hold_read_stream(h, &h->err);
	}
	/* The program may have ended before the first turn of the loop. */
	hold_read_stream(h, &h->out);
	hold_read_stream(h, &h->err);
	hold_report(h, now);
	linger_free(&h->linger);
}

/* Exits in the same way as the program. */
static int
hold_end(int status)
{
	const struct rlimit	none = { 0, 0 };
	sigset_t		set;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(WTERMSIG(status), SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, WTERMSIG(status));
	(void)raise(WTERMSIG(status));
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + WTERMSIG(status);	/* process 1 is not killed by its own
					   signal */
}

int
command_hold(const struct settings *s, int argc, char *argv[])
{
	static struct hold	h;
	static const char	option[] = "--listen=", beside[] = "--beside=";
	char			*end_of, *commands[BESIDE_MAX];
	size_t			 n, count = 0;
	int			 i = 1;

	h.settings = s;
	if (argc > 1 && strncmp(argv[1], option, sizeof(option) - 1) == 0) {
		h.listens = strtoll(argv[1] + sizeof(option) - 1, &end_of, 10);
		if (*end_of != '\0' || h.listens < 1 || h.listens > 1000)
			program_fail(EXIT_USAGE, "hold: %s is not a number of "
			    "sockets", argv[1]);
		i++;
	}
	for (; i < argc && strncmp(argv[i], beside, sizeof(beside) - 1) == 0;
	    i++) {
		if (count == BESIDE_MAX)
			program_fail(EXIT_USAGE, "hold: more than %d programs",
			    BESIDE_MAX);
		commands[count++] = argv[i] + sizeof(beside) - 1;
	}
	if (i >= argc)
		program_fail(EXIT_USAGE, "hold: the command is missing");
	hold_database(s);
	hold_start(&h, argv + i);
	for (n = 0; n < count; n++)
		hold_start_beside(&h, commands[n]);
	hold_serve(&h);
	if (h.listens > 0 || getpid() == 1) {
		rest_end(s, h.signals, !h.gentle);
		resident_end(s);
	}
	return h.failed ? EXIT_SYSTEM : hold_end(h.status);
}
