/*
 * Ends connections that nobody serves: see linger.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "sessions/linger.h"

/* Opens the list of a process' children. */
static FILE *
linger_open(pid_t pid)
{
	char	path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children",
	    (long)pid, (long)pid);
	return fopen(path, "re");
}

/* Whether a process has a child; true also if it has ended meanwhile. */
static bool
linger_serves(pid_t pid)
{
	FILE	*f = linger_open(pid);
	bool	 serves = f == NULL || fgetc(f) != EOF;

	if (f != NULL)
		(void)fclose(f);
	return serves;
}

/* Since when a process has had no child. */
static int64_t
linger_since(const struct linger *l, pid_t pid, int64_t now)
{
	size_t	i;

	for (i = 0; i < l->count; i++) {
		if (l->one[i].pid == pid)
			return l->one[i].since;
	}
	return now;
}

/* Adds a process to the list of this look.  Without memory it is not added, and
   the next look begins with it. */
static void
linger_note(struct linger *l, pid_t pid, int64_t since)
{
	struct linger_one	*more;

	more = reallocarray(l->one, l->count + 1, sizeof(l->one[0]));
	if (more == NULL)
		return;
	l->one = more;
	l->one[l->count++] = (struct linger_one){ pid, since };
}

int
linger_look(struct linger *l, const pid_t parents[], size_t count,
    int64_t limit, int64_t now)
{
	struct linger	next = { NULL, 0 };
	int64_t		since;
	size_t		i, size = 0;
	ssize_t		len;
	char		*word = NULL;
	pid_t		pid;
	FILE		*f;

	for (i = 0; i < count; i++) {
		if (parents[i] == 0)
			continue;
		/* The caller has not reaped it, so it has a directory. */
		if ((f = linger_open(parents[i])) == NULL) {
			linger_free(&next);
			free(word);
			return -1;
		}
		/* Each has a space behind it. */
		while ((len = getdelim(&word, &size, ' ', f)) > 0) {
			if (word[len - 1] == ' ')
				word[len - 1] = '\0';
			pid = (pid_t)number_id(word);
			if (pid <= 0 || linger_serves(pid))
				continue;
			since = linger_since(l, pid, now);
			if (now - since >= limit)
				(void)kill(pid, SIGKILL);
			linger_note(&next, pid, since);
		}
		(void)fclose(f);
	}
	free(word);
	linger_free(l);
	*l = next;
	return 0;
}

void
linger_free(struct linger *l)
{
	free(l->one);
	l->one = NULL;
	l->count = 0;
}
