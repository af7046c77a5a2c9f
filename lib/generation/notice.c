/*
 * Notices about models, behind the records in RUN_DIR/health.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/lock.h"
#include "generation/notice.h"

/*
 * The notices follow HEALTH_RECORDS records of HEALTH_RECORD bytes each: where
 * they begin, how many bytes all of them and one of them have, and for how many
 * days doctor shows one.  A template that was fixed is soon forgotten.
 */
#define HEALTH_RECORD	24
#define NOTICES_AT	(HEALTH_RECORD * 171)
#define NOTICES_MAX	16384
#define NOTICE_MAX	320
#define NOTICE_DAYS	7

enum { DAY = sizeof("2026-11-29") - 1 };

static const char *const	notice_names[NOTICE__MAX] = {
	[NOTICE_THOUGHTS] = "thoughts",
	[NOTICE_MARKS] = "marks",
};

/* Reads all lines as a C string. */
static void
notice_read_all(int fd, char text[NOTICES_MAX + 1])
{
	ssize_t	n = pread(fd, text, NOTICES_MAX, NOTICES_AT);

	text[n > 0 ? n : 0] = '\0';
}

void
notice_add(const char *run_dir, enum notice what, const char *model)
{
	char	text[NOTICES_MAX + 1], day[CLOCK_DATE];
	char	line[NOTICE_MAX + HEALTH_RECORD] = "";
	size_t	len, all;
	int	fd, n;

	(void)clock_day(time(NULL), day);
	n = snprintf(line, NOTICE_MAX, "%s %s %s\n", day, notice_names[what],
	    model);
	if (n < 0 || n >= NOTICE_MAX || (int)strcspn(line, "\n") != n -
	    1 || (fd = lock_open(run_dir, "health")) == -1)
		return;
	notice_read_all(fd, text);
	len = strlen(text);
	if (strstr(text, line) == NULL) {
		/* If the file is full, drop all lines; what still holds will be
		   noticed again. */
		if (len + (size_t)n > NOTICES_MAX) {
			(void)!ftruncate(fd, NOTICES_AT);
			len = 0;
		}
		/* health.c expects whole records: pad the line with NULs. */
		all = len + (size_t)n + HEALTH_RECORD - 1;
		all -= all % HEALTH_RECORD;
		(void)!pwrite(fd, line, all - len, NOTICES_AT + (off_t)len);
	}
	(void)close(fd);
}

/*
 * Splits a line.  Returns the model's name, or NULL if the line is not valid.
 */
static const char *
notice_parse(const char *line, enum notice *what)
{
	const char	*name = line + DAY + 1;
	size_t		 len, i;

	if (strlen(line) < DAY + 2 || line[DAY] != ' ')
		return NULL;
	len = strcspn(name, " ");
	for (i = 0; i < NOTICE__MAX; i++) {
		if (strlen(notice_names[i]) == len && name[len] == ' ' &&
		    memcmp(notice_names[i], name, len) == 0) {
			*what = (enum notice)i;
			return name + len + 1;
		}
	}
	return NULL;
}

void
notice_each(const char *run_dir, void (*report)(void *, enum notice,
    const char *day, const char *model), void *context)
{
	char		 text[NOTICES_MAX + 1], path[PATH_MAX];
	char		 since[CLOCK_DATE];
	char		*line, *next;
	const char	*model;
	enum notice	 what;
	int		 fd;

	(void)snprintf(path, sizeof(path), "%s/health", run_dir);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return;
	notice_read_all(fd, text);
	(void)close(fd);
	(void)clock_day(time(NULL) - NOTICE_DAYS * 86400, since);
	for (line = text; (next = strchr(line, '\n')) != NULL; line = next) {
		*next++ = '\0';
		/* Skip a line that is repeated later: only the last one
		   counts. */
		if ((model = notice_parse(line, &what)) != NULL &&
		    strncmp(line, since, DAY) >= 0 &&
		    strstr(next, line + DAY) == NULL) {
			line[DAY] = '\0';
			report(context, what, line, model);
		}
	}
}
