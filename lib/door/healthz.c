/*
 * Looks whether the service can do its work.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/lock.h"
#include "door/healthz.h"
#include "generation/generation.h"
#include "viewer/query.h"

enum {
	HEALTHZ_SPACE = 1048576,	/* bytes free for the database: an
					   answer of the usual
					   MAX_ANSWER_BYTES */
	HEALTHZ_PATIENCE = 2000,	/* ms for a database server */
	HEALTHZ_FRESH = 10,	/* seconds that a result about the models
				   holds */
	HEALTHZ_CHECK = 15000	/* ms for `answer check' */
};

/* Notes a reason for the log. */
static const char *
healthz_wrong(const char *words, const char *reason, char *why, size_t size)
{
	(void)snprintf(why, size, "%s", reason);
	return words;
}

/* Whether files can be made in a directory, with this much space. */
static bool
healthz_has_room(const char *dir, uint64_t bytes)
{
	struct statvfs	fs;

	if (access(dir, W_OK | X_OK) == -1 || statvfs(dir, &fs) == -1)
		return false;
	errno = ENOSPC;
	return (uint64_t)fs.f_bavail * fs.f_frsize >= bytes &&
	    (fs.f_files == 0 || fs.f_favail > 0);
}

/* The file of the database, and the disk that it is on. */
static const char *
healthz_file(const char *file, char *why, size_t size)
{
	char	real[PATH_MAX];

	if (realpath(file, real) == NULL || access(real, R_OK | W_OK) == -1)
		return healthz_wrong("the database cannot be used",
		    strerror(errno), why, size);
	if (!healthz_has_room(dirname(real), HEALTHZ_SPACE))
		return healthz_wrong("the disk of the database is full or "
		    "read-only", strerror(errno), why, size);
	return NULL;
}

/* Asks a database server, as a question does. */
static void
healthz_ask(const struct settings *s, const struct query *q, struct buf *frames,
    struct verdict *v)
{
	const int64_t	end = clock_us() + HEALTHZ_PATIENCE * INT64_C(1000);
	struct asking	a = ASKING_NONE;
	struct pollfd	p = { .events = POLLIN };
	int64_t		now = clock_us(), next;
	bool		heard;

	memset(v, 0, sizeof(*v));
	v->failure = failure_make(FAILURE_STORAGE, NULL);
	(void)snprintf(v->error, sizeof(v->error), "no answer in time");
	if (query_start(&a, s, q, true) == -1) {
		(void)snprintf(v->error, sizeof(v->error), "lookup: %s",
		    strerror(errno));
		return;
	}
	do {
		p.fd = a.child.fd;
		next = a.child.deadline < end ? a.child.deadline : end;
		(void)poll(&p, 1, clock_poll(now, next));
		now = clock_us();
		heard = query_heard(&a, now, frames, v);
	} while (!heard && now < end);
	query_end(&a);
}

/* Looks for an answer, as the first step of a question. */
static const char *
healthz_database(const struct settings *s, char *why, size_t size)
{
	struct request		 r = { .type = REQUEST_OPEN,
				    .language = LANGUAGE_EN };
	const struct query	 q = { .kind = QUERY_LOOK, .ticket = 1,
				    .request = &r, .user = "" };
	struct store		*store = NULL;
	struct buf		 frames = BUF_INIT(OUTPUT_MAX);
	struct verdict		 v;

	if (store_serves(s->text[SETTING_DATABASE])) {
		query_run(&store, s, &q, &frames, &v);
		store_close(store);
	} else {
		healthz_ask(s, &q, &frames, &v);
	}
	buf_free(&frames);
	return v.failure.code == FAILURE_NONE ? NULL :
	    healthz_wrong("the database cannot be used", v.error, why, size);
}

const char *
healthz_look(const struct settings *s, char *why, size_t size)
{
	const char	*dir = s->text[SETTING_RUN_DIR];
	const char	*file = s->text[SETTING_DATABASE], *words;

	*why = '\0';
	if (generation_prepare(dir) == -1 || !healthz_has_room(dir, 1))
		return healthz_wrong("RUN_DIR cannot be used", strerror(errno),
		    why, size);
	if (store_serves(file) &&
	    (words = healthz_file(file, why, size)) != NULL)
		return words;
	return healthz_database(s, why, size);
}

/* The result that is kept, if it is fresh: 1 good, 0 bad, -1 none. */
static int
healthz_kept(int fd)
{
	struct timespec	now;
	struct stat	st;
	char		c;

	if (clock_gettime(CLOCK_REALTIME, &now) == -1 || fstat(fd, &st) == -1 ||
	    st.st_mtim.tv_sec > now.tv_sec ||
	    now.tv_sec - st.st_mtim.tv_sec >= HEALTHZ_FRESH ||
	    pread(fd, &c, 1, 0) != 1)
		return -1;
	return c == '1';
}

/* Runs `answer check'. */
static bool
healthz_check(const struct settings *s, char *why, size_t size)
{
	char		path[] = LIBEXECDIR "/answer", option[] = "-c";
	char		none[] = "/dev/null", check[] = "check";
	char		*argv[] = { path, option, none, check, NULL };
	char		**env = settings_environment(s, NULL);
	struct buf	out = BUF_INIT(FRAME_MAX);
	int		rc = -1;

	if (env != NULL)
		rc = child_run(argv, env, HEALTHZ_CHECK, true, &out);
	(void)snprintf(why, size, "answer check: %s", rc == -1 ?
	    strerror(errno) : out.len > 0 ? out.data : "");
	free(env);
	buf_free(&out);
	return rc == 0;
}

const char *
healthz_model(const struct settings *s, char *why, size_t size)
{
	int	fd = lock_open(s->text[SETTING_RUN_DIR], "model"), kept = -1;

	*why = '\0';
	if (fd == -1)
		return healthz_wrong("RUN_DIR cannot be used", strerror(errno),
		    why, size);
	if ((kept = healthz_kept(fd)) == -1) {
		/* One process asks for all that wait. */
		(void)lock_wait(fd, 1, clock_us() + HEALTHZ_CHECK *
		    INT64_C(1000));
		if ((kept = healthz_kept(fd)) == -1) {
			kept = healthz_check(s, why, size);
			(void)!pwrite(fd, kept ? "1" : "0", 1, 0);
		}
	}
	(void)close(fd);
	return kept ? NULL : "no model server answers";
}
