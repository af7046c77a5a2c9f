/*
 * Shows progress on a terminal: see progress.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "sessions/progress.h"

enum { FIRST = 500000, AGAIN = 200000 };	/* microseconds until the first
						   line and between two */

static int64_t	began, shown;
static int	width;		/* of the line on the terminal */

void
progress_show(void *context, const char *what, int64_t done, int64_t total)
{
	const int64_t	now = clock_us();
	char		line[80];
	int		n;

	(void)context;
	if (began == 0)
		began = now;
	if (now - began < FIRST || now - shown < AGAIN ||
	    isatty(STDERR_FILENO) != 1)
		return;
	shown = now;
	if (total > 0 && done <= total)
		n = snprintf(line, sizeof(line), "%s: %d%%", what,
		    (int)((double)done * 100 / (double)total));
	else
		n = snprintf(line, sizeof(line), "%s: %" PRId64 " s", what,
		    (now - began) / 1000000);
	(void)fprintf(stderr, "\r%-*s", width, line);
	width = n > width ? n : width;
}

void
progress_end(void)
{
	if (width > 0)
		(void)fprintf(stderr, "\r%*s\r", width, "");
	began = shown = width = 0;
}
