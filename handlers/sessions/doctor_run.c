/*
 * sessions doctor: RUN_DIR and the files in it.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/limit.h"
#include "generation/generation.h"
#include "sessions/answers.h"
#include "sessions/doctor.h"
#include "store/slots.h"

/*
 * Before doctor looks once more at a generation that waits for a disk, in ms.
 */
#define STILL_PAUSE	500

enum { LISTENS = 0x10000 };	/* a flag in /proc/net/unix: the socket
				   listens */

void
doctor_run_dir(struct doctor *d)
{
	const char	*dir = d->settings->text[SETTING_RUN_DIR], *net;
	struct stat	 st;

	if (strlen(dir) > RUN_DIR_MAX)
		doctor_tell(d, DOCTOR_ERROR, "RUN_DIR", "%s is too long for a "
		    "socket's path\nUse at most %d bytes", dir, RUN_DIR_MAX);
	else if (stat(dir, &st) == -1)
		doctor_tell(d, DOCTOR_ERROR, "RUN_DIR", "%s: %s\nrun.sh and "
		    "`sessions migrate' create it", dir,
		    strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		doctor_tell(d, DOCTOR_ERROR, "RUN_DIR", "%s is not a "
		    "directory\nRemove it, or set RUN_DIR", dir);
	else if (st.st_uid != geteuid())
		doctor_tell(d, geteuid() == 0 ? DOCTOR_WARNING : DOCTOR_ERROR,
		    "RUN_DIR", "%s belongs to uid %lu, but you are uid %lu\n"
		    "Run this as the service's user (runuser -u NAME -- "
		    "sessions doctor)", dir, (unsigned long)st.st_uid,
		    (unsigned long)geteuid());
	else if ((st.st_mode & 077) != 0)
		doctor_tell(d, DOCTOR_ERROR, "RUN_DIR", "other users can "
		    "access %s\nchmod 700 %s", dir, dir);
	else if ((net = doctor_network(dir)) != NULL)
		doctor_tell(d, DOCTOR_ERROR, "RUN_DIR", "%s is on %s, where "
		    "locks may outlive their process\nSet RUN_DIR to a local "
		    "directory", dir, net);
	else
		doctor_tell(d, DOCTOR_OK, "RUN_DIR", "%s, for this user only",
		    dir);
}

/* Whether the path to which a socket was bound (it may be relative) is
   `file'. */
static bool
doctor_run_same(const char *bound, const char *file)
{
	size_t	len = strlen(file), b = strlen(bound);

	return b <= len && strcmp(file + len - b, bound) == 0 &&
	    (b == len || (*bound != '/' && file[len - b - 1] == '/'));
}

/* The rest of a line from a word on; the first word is number 0. */
static const char *
doctor_run_word(const char *line, int number)
{
	while (number-- > 0) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return line;
}

/* Whether a process listens on a socket.  Does not connect, since that would
   count as a viewer. */
static bool
doctor_run_listens(const char *dir, const char *name)
{
	char		 line[PATH_MAX + 128], real[PATH_MAX];
	char		 file[PATH_MAX + NAME_MAX + 2];
	bool		 found = false;
	FILE		*f;

	(void)snprintf(file, sizeof(file), "%s/%s", realpath(dir, real) ==
	    NULL ? dir : real, name);
	if ((f = fopen("/proc/net/unix", "re")) == NULL)
		return true;
	/* The columns: Num RefCount Protocol Flags Type St Inode Path. */
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		found = (strtoul(doctor_run_word(line, 3), NULL, 16) &
			    LISTENS) != 0 &&
		    doctor_run_same(doctor_run_word(line, 7), file);
	}
	(void)fclose(f);
	return found;
}

/* Reports a generation that hangs.  One that waits for a disk is reported only
   if it still waits after STILL_PAUSE. */
static bool
doctor_run_hanging(void *context, const struct answers_process *p)
{
	struct doctor	*d = context;

	doctor_tell(d, DOCTOR_WARNING, "generations", "the generation of "
	    "ticket %" PRId64 ", process %ld, does not run (%s)\nsessions stop "
	    "%" PRId64 " ends it", p->subject.ticket, (long)p->pid,
	    p->state == 'D' ? "it waits for a disk" : "it was suspended",
	    p->subject.ticket);
	return true;
}

static bool
doctor_run_find_hanging(void *context, const struct answers_process *p)
{
	const struct timespec	pause = { 0, STILL_PAUSE * 1000000L };
	struct answers_process	now = *p;

	if (!answers_hangs(p))
		return true;
	if (p->state == 'D') {
		(void)nanosleep(&pause, NULL);
		if (!answers_still_hangs(&now))
			return true;
	}
	return doctor_run_hanging(context, &now);
}

void
doctor_sockets(struct doctor *d)
{
	const struct settings	*s = d->settings;
	const char		*run_dir = s->text[SETTING_RUN_DIR];
	int			 stale = 0, running, waiting;
	struct dirent		*e;
	DIR			*dir;
	size_t			 len;
	char			 why[1024];

	if ((dir = opendir(run_dir)) == NULL)
		return;		/* doctor_run_dir reports that */
	while ((e = readdir(dir)) != NULL) {
		len = strlen(e->d_name);
		if (len > 5 && strcmp(e->d_name + len - 5, ".sock") == 0)
			stale += !doctor_run_listens(run_dir, e->d_name);
	}
	(void)closedir(dir);
	if (slots_counts(s, &running, &waiting, why, sizeof(why)) == -1)
		doctor_tell(d, DOCTOR_ERROR, "generations", "%s\nSee %s", why,
		    store_is_file() ? "the owners of the files in it" :
		    "the finding about the database");
	else if (waiting > s->number[SETTING_QUEUE_MAX])
		doctor_tell(d, DOCTOR_WARNING, "generations", "%d running, %d "
		    "waiting: the queue is full\nRaise GENERATIONS, if the "
		    "model server can write more answers at a time",
		    running, waiting);
	else
		doctor_tell(d, DOCTOR_OK, "generations", "%d running, %d "
		    "waiting",
		    running, waiting);
	(void)answers_each(run_dir, doctor_run_find_hanging, d);
	if (stale > 0)
		doctor_tell(d, DOCTOR_OK, "sockets", "%d belong to generations "
		    "that were killed\nEach is removed with the next question "
		    "about its ticket", stale);
}
