/*
 * mail-text - a program for TICKET_FILTER: a mail in, its writer's words out.
 *
 *	mail-text <mail.html
 *
 * With HOOK_PART=note it prints what it reads.
 *
 * It uses nothing of the service, and starts in a millisecond.
 *
 * Exit code: 0 good, 1 no text in UTF-8, 100 usage, 111 system.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "frame/failure.h"
#include "knowledge/mail.h"

static const char	usage[] =
    "usage: mail-text\n"
    "Reads the text of a mail from standard input and prints what its writer\n"
    "wrote: without HTML, quoted mails and signatures.  For TICKET_FILTER.\n"
    "  -h, --help     print this text\n"
    "  -V, --version  print the version\n"
    "Exit code: 0 good, 1 the text is not UTF-8, 100 wrong arguments,\n"
    "111 system error.\n";

/* Answers --help and --version; anything else is wrong. */
static int
mail_option(const char *option)
{
	if (strcmp(option, "-h") == 0 || strcmp(option, "--help") == 0)
		return fputs(usage, stdout) == EOF ? EXIT_SYSTEM : EXIT_GOOD;
	if (strcmp(option, "-V") == 0 || strcmp(option, "--version") == 0)
		return puts("ticketchat " VERSION) == EOF ? EXIT_SYSTEM :
		    EXIT_GOOD;
	(void)fputs("mail-text: wrong arguments (try --help)\n", stderr);
	return EXIT_USAGE;
}

static int
mail_fail(int code, const char *why)
{
	(void)fprintf(stderr, "mail-text: %s\n", why);
	return code;
}

int
main(int argc, char *argv[])
{
	struct buf	in = BUF_INIT(TICKET_BYTES_MAX);
	struct buf	out = BUF_INIT(8 * TICKET_BYTES_MAX);
	char		data[READ_MAX];
	const char	*part = getenv("HOOK_PART");
	size_t		n;

	if (argc > 1)
		return mail_option(argv[1]);
	while ((n = fread(data, 1, sizeof(data), stdin)) > 0) {
		if (buf_add(&in, data, n) == -1)
			return mail_fail(EXIT_SYSTEM, strerror(errno));
	}
	if (ferror(stdin))
		return mail_fail(EXIT_SYSTEM, "standard input");
	if (in.len > 0 && !utf8_valid(in.data, in.len))
		return mail_fail(EXIT_CLIENT, "the text is not UTF-8");
	/* A note of the team is no mail. */
	if (in.len > 0 && part != NULL && strcmp(part, "note") == 0) {
		if (buf_add(&out, in.data, in.len) == -1)
			return mail_fail(EXIT_SYSTEM, strerror(errno));
	} else if (in.len > 0 && mail_text(in.data, in.len, &out) == -1)
		return mail_fail(EXIT_SYSTEM, strerror(errno));
	if (out.len > 0 && fwrite(out.data, 1, out.len, stdout) != out.len)
		return mail_fail(EXIT_SYSTEM, "standard output");
	if (fflush(stdout) == EOF)
		return mail_fail(EXIT_SYSTEM, "standard output");
	buf_free(&in);
	buf_free(&out);
	return EXIT_GOOD;
}
