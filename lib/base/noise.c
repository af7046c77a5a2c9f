/*
 * Recognizes lines of websocketd.
 */
#include <stdio.h>
#include <string.h>

#include "base/noise.h"

/* Whether a text of len bytes begins with `with'. */
static bool
noise_begins(const char *s, size_t len, const char *with)
{
	const size_t	n = strlen(with);

	return len >= n && memcmp(s, with, n) == 0;
}

static bool
noise_ends(const char *s, size_t len, const char *with)
{
	const size_t	n = strlen(with);

	return len >= n && memcmp(s + len - n, with, n) == 0;
}

/* The line without the time that Go's package `log' writes. */
static const char *
noise_after_time(const char *line, size_t *len)
{
	static const char	form[] = "0000/00/00 00:00:00 ";
	const size_t		n = sizeof(form) - 1;
	size_t			i;

	if (*len < n)
		return line;
	for (i = 0; i < n; i++) {
		if (form[i] == '0' ? line[i] < '0' || line[i] > '9' :
		    line[i] != form[i])
			return line;
	}
	*len -= n;
	return line + n;
}

/* Whether a line belongs to a stack trace that has begun. */
static bool
noise_is_trace(const char *line, size_t len)
{
	return noise_begins(line, len, "\t") ||
	    noise_begins(line, len, "goroutine ") ||
	    noise_begins(line, len, "created by ") ||
	    noise_ends(line, len, ")");
}

bool
noise_is(struct noise *n, const char *line, size_t len)
{
	static const char	process[] = "| ERROR  | process    |";
	const char		*said = noise_after_time(line, &len);

	if (noise_begins(said, len, "http: panic serving ")) {
		n->panics++;
		n->trace = true;
		return true;
	}
	if (noise_begins(said, len,
		"http: superfluous response.WriteHeader call "
		"from github.com/joewalnes/websocketd/")) {
		n->trace = false;
		n->refused++;
		return true;
	}
	n->trace = n->trace && said == line && noise_is_trace(line, len);
	if (n->trace)
		return true;
	if (memmem(line, len, process, sizeof(process) - 1) != NULL &&
	    noise_ends(line, len, ": file already closed")) {
		n->closed++;
		return true;
	}
	return false;
}

bool
noise_report(struct noise *n, char *to, size_t size)
{
	if (n->panics + n->closed + n->refused == 0)
		return false;
	(void)snprintf(to, size, "websocketd's messages about connections that "
	    "ended early are not shown: panics=%lu closed=%lu refused=%lu",
	    n->panics, n->closed, n->refused);
	n->panics = n->closed = n->refused = 0;
	return true;
}
