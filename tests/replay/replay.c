/*
 * replay: a played-back Ollama, for the tests and for ./run.sh --demo.
 *
 *	replay [options] FILE		every answer is FILE
 *	replay [options] --demo DIR	answers are DIR/TOPIC.LANG.txt
 *
 * It listens on 127.0.0.1, prints its port on a line of its own and serves
 * each connection in a child.  SIGTERM or SIGINT ends it and its children.
 *
 * POST /api/generate is answered with FILE.  NAME.http is a recorded HTTP
 * answer, sent byte for byte; any other file holds lines of NDJSON, sent as
 * HTTP 200, one line per chunk.  POST /api/chat gets the same lines in the form
 * of that API ("message" in place of "response" and "thinking", no "context");
 * a recording whose status is not 200 is sent unchanged.  POST
 * /v1/chat/completions gets them as events of OpenAI's dialect; NAME.sse holds
 * such events.  The request is ignored, except with --demo, where the words of
 * the ticket choose topic and language.  GET of /, /api/tags, /api/ps,
 * /api/version and /v1/models is answered at once.
 *
 * The options are in the table below, which --help prints.  Counts of bytes
 * include the answer's head.  Without --pace the answer is written at once, or
 * in the pieces of --split.  --log appends lines, each with one write; N is the
 * number of the POST, from 1:
 *
 *	request N POST PATH BYTES	read, and its body written
 *	gone N		the client closed before the end of the answer
 *	get PATH	read
 *
 * Exit codes: 0 after --help, 100 usage or unreadable file, 111 system.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay.h"

struct options	options = {
	.times = LLONG_MAX, .log_fd = -1, .how = { .delay = -1, .pace = -1,
	.split = -1, .cut = -1, .stall = -1 },
};

static long long	port;
static bool		die, help;

static const struct {
	const char	*name, *arg;	/* `arg' NULL: a flag, `to' is a bool */
	void		*to;		/* a text for FILE or DIR, else a
					   number */
	const char	*help;
} table[] = {
	{ "port", "PORT", &port, "(-p) listen there; 0: a free one" },
	{ "demo", "DIR", &options.demo, "text files to answer from" },
	{ "log", "FILE", &options.log, "append what happens" },
	{ "bodies", "DIR", &options.bodies, "Nth POST's body to DIR/N.json" },
	{ "tags", "FILE", &options.tags, "NAME.http for GET /api/tags" },
	{ "models", "FILE", &options.models, "NAME.http for GET /v1/models" },
	{ "no-version", NULL, &options.no_version, "404 for /api/version" },
	{ "ps", "FILE", &options.ps, "NAME.http for GET /api/ps" },
	{ "delay", "MS", &options.how.delay, "before byte 1; demo: 600" },
	{ "pace", "MS", &options.how.pace, "between chunks; demo: some 45" },
	{ "split", "N", &options.how.split, "write pieces of N bytes" },
	{ "context", "N", &options.context, "a context of N integers, 7 bytes "
	    "each, in the done line; not in chat, not in NAME.http" },
	{ "cut", "N", &options.how.cut, "close after N bytes of the answer" },
	{ "reset", NULL, &options.how.reset, "close with RST, not FIN" },
	{ "stall", "N", &options.how.stall, "after N bytes only keep it open" },
	{ "until", "FILE", &options.until, "and go on when there is one" },
	{ "times", "N", &options.times, "only the first N POSTs get FILE" },
	{ "then", "FILE2", &options.then, "and the later ones FILE2, without "
	    "delay, cut, reset and stall" },
	{ "room", "N", &options.room, "refuse prompts over N bytes" },
	{ "read", "US", &options.read, "wait so long for each byte that the "
	    "prompt before did not begin with" },
	{ "die-with-parent", NULL, &die, "end with its parent" },
	{ "help", NULL, &help, "this" },
};

enum { OPTIONS = sizeof(table) / sizeof(table[0]) };

FILE *
memory(struct text *t)
{
	FILE	*f = open_memstream(&t->p, &t->len);

	if (f == NULL)
		err(111, NULL);
	return f;
}

struct text
load(const char *name)
{
	struct text	 t;
	FILE		*f = fopen(name, "re"), *to = memory(&t);
	int		 c;

	if (f == NULL)
		err(100, "%s", name);
	while ((c = getc(f)) != EOF)
		putc(c, to);
	if (ferror(f))
		err(100, "%s", name);
	fclose(f);
	fclose(to);
	return t;
}

static void
usage(void)
{
	int	i;

	puts("usage: replay [options] FILE, or replay [options] --demo DIR\n"
	    "The first comment of tests/replay/replay.c is the manual.");
	for (i = 0; i < OPTIONS; i++)
		printf("  --%-16s%-8s%s\n", table[i].name,
		    table[i].arg == NULL ? "" : table[i].arg, table[i].help);
	exit(0);
}

static void
set_option(int i, const char *arg)
{
	char		*end = NULL;
	long long	 n;

	if (table[i].arg == NULL) {
		*(bool *)table[i].to = true;
	} else if (strchr("FD", *table[i].arg) != NULL) {
		*(const char **)table[i].to = arg;
	} else {
		n = strtoll(arg, &end, 10);
		if (end == arg || *end != '\0' || n < 0 || n > 1000000000)
			errx(100, "--%s: not a good number: %s",
			    table[i].name, arg);
		*(long long *)table[i].to = n;
	}
}

static void
read_options(int argc, char *argv[])
{
	struct option	o[OPTIONS + 1] = { { NULL, 0, NULL, 0 } };
	int		i;

	for (i = 0; i < OPTIONS; i++) {
		o[i].name = table[i].name;
		o[i].has_arg = table[i].arg != NULL;
		o[i].val = 1000 + i;
	}
	opterr = 0;
	while ((i = getopt_long(argc, argv, "p:", o, NULL)) != -1)
		if (i == '?')
			errx(100, "unknown option, or it lacks its value: %s",
			    argv[optind - 1]);
		else
			set_option(i == 'p' ? 0 : i - 1000, optarg);
	if (help)
		usage();
	options.file = optind < argc ? argv[optind++] : NULL;
	if (optind < argc || (options.file == NULL) == (options.demo == NULL))
		errx(100, "one FILE, or --demo DIR (see --help)");
	if ((options.times != LLONG_MAX) != (options.then != NULL) ||
	    (options.then != NULL && options.file == NULL))
		errx(100, "--times N and --then FILE2 go together, with FILE");
	options.how.uneven = options.demo != NULL;
	if (options.demo != NULL && options.how.pace < 0)
		options.how.pace = 45;
	if (options.demo != NULL && options.how.delay < 0)
		options.how.delay = 600;
}

/* Exits now if a file cannot be read or written later. */
static void
check_files(void)
{
	const char	*name[] = { options.file, options.then, options.tags,
			    options.ps, options.models };
	size_t		 i;

	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (name[i] != NULL)
			free(load(name[i]).p);
	if (options.demo != NULL)
		free(demo_lines(options.demo, "").p);
	if (options.bodies != NULL && access(options.bodies, W_OK) != 0)
		err(100, "%s", options.bodies);
	if (options.log != NULL && (options.log_fd = open(options.log,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0)
		err(100, "%s", options.log);
}

static int
listen_here(void)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET };
	socklen_t		len = sizeof(sin);
	int			fd, on = 1;

	if (port > 65535)
		errx(100, "--port: not a port: %lld", port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((unsigned short)port);
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    listen(fd, SOMAXCONN) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		err(111, "port %lld", port);
	printf("%d\n", ntohs(sin.sin_port));
	if (fflush(stdout) != 0)
		err(111, "stdout");
	return fd;
}

/* Ends when the parent ends, or now if it has ended already. */
static void
die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(111);
}

int
main(int argc, char *argv[])
{
	pid_t	self = getpid(), parent = getppid(), child;
	int	fd, listener;

	read_options(argc, argv);
	if (die)
		die_with(parent);
	check_files();
	signal(SIGCHLD, SIG_IGN);	/* the kernel reaps children */
	signal(SIGTERM, SIG_DFL);	/* "&" in a shell ignores SIGINT */
	signal(SIGINT, SIG_DFL);
	options.slot = mmap(NULL, sizeof(*options.slot), PROT_READ |
	    PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	options.posts = mmap(NULL, sizeof(*options.posts), PROT_READ |
	    PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (options.posts == MAP_FAILED || options.slot == MAP_FAILED)
		err(111, NULL);
	listener = listen_here();
	for (;;) {
		if ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
			continue;
		if ((child = fork()) == 0) {
			die_with(self);
			close(listener);
			converse(fd);
			return 0;
		}
		if (child < 0)
			warn("fork");
		close(fd);
	}
}
