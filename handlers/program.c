/*
 * What all programs do first: see program.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limit.h"
#include "frame/failure.h"
#include "program.h"
#include "store/store.h"

void
program_start(void)
{
	sigset_t	none;
	int		fd;

	/* Open 0 to 2, so that no file or socket gets one of these numbers and
	   then our output. */
	do {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			_exit(EXIT_SYSTEM);
	} while (fd <= STDERR_FILENO);
	(void)close(fd);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);	/* cannot fail */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);		/* write fails with EFBIG
						   instead */
	(void)signal(SIGCHLD, SIG_IGN);		/* the kernel reaps children */
	(void)umask(077);
	/* All times are UTC; otherwise localtime(3) would read
	   /etc/localtime. */
	(void)setenv("TZ", "UTC0", 1);
}

void
program_default_signals(void)
{
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
}

void
program_fail(int code, const char *format, ...)
{
	va_list	ap;

	(void)fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(code);
}

int
program_options(int argc, char *argv[], const char *usage, const char **file)
{
	static const struct option	options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int				o;

	*file = NULL;
	opterr = 0;
	while ((o = getopt_long(argc, argv, "+c:hV", options, NULL)) != -1) {
		switch (o) {
		case 'c':
			*file = optarg;
			break;
		case 'h':
			(void)fputs(usage, stdout);
			exit(EXIT_GOOD);
		case 'V':
			(void)puts("ticketchat " VERSION);
			exit(EXIT_GOOD);
		default:
			program_fail(EXIT_USAGE, "unknown option or missing "
			    "value: %s (try --help)", argv[optind - 1]);
		}
	}
	return optind;
}

void
program_settings(struct settings *s, const char *file, int environment_only)
{
	if (file == NULL && !environment_only) {
		if (settings_load(s, settings_default_file, 1) == 0)
			return;
	} else if (settings_load(s, file, 0) == 0) {
		return;
	}
	program_fail(EXIT_SETTINGS, "%s", s->error);
}

void
program_become(const char *variant, char *argv[])
{
	char	path[sizeof(LIBEXECDIR) + 64];

	(void)snprintf(path, sizeof(path), LIBEXECDIR "/%s", variant);
	(void)execv(path, argv);
}

void
program_store(const struct settings *s, const char *variant, char *argv[])
{
	if (store_serves(s->text[SETTING_DATABASE])) {
		store_remember(s->text[SETTING_RUN_DIR]);
		return;
	}
	program_become(variant, argv);
	program_no_server();
}

void
program_no_server(void)
{
	program_fail(EXIT_SETTINGS, errno == ENOENT ? "DATABASE: this program "
	    "was built without PostgreSQL (make postgres)" : "the program for "
	    "PostgreSQL: %s", strerror(errno));
}

int
program_read(struct buf *b)
{
	char	data[READ_MAX];
	ssize_t	n;

	while ((n = read(STDIN_FILENO, data, sizeof(data))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || buf_add(b, data, (size_t)n) == -1)
			return -1;
	}
	return 0;
}
