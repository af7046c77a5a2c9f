/*
 * sessions metrics: what Prometheus scrapes, in its text format.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"
#include "program.h"
#include "sessions/command.h"

int
command_metrics(const struct settings *s, int argc, char *argv[])
{
	const struct command_option	 none[] = { { NULL, NULL, NULL,
					    NULL } };
	enum failure_code		 rc;
	char				*text = NULL, why[1024];
	size_t				 len = 0;
	FILE				*page;

	(void)command_options(argc, argv, none, 0, 0);
	if ((page = open_memstream(&text, &len)) == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	rc = metrics_write(s, page, why, sizeof(why));
	if (rc != FAILURE_NONE)
		program_fail((int)failure_exit(rc), "%s", why);
	if (fclose(page) == EOF)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	(void)fwrite(text, 1, len, stdout);
	free(text);
	return EXIT_GOOD;
}
