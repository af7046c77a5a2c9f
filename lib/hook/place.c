/*
 * Making and removing directories in which other people's programs write.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/place.h"

#define PLACE_PREFIX	"tmp-"

enum {
	PLACE_TRIES = 10,	/* a maker rarely meets a sweeper */
	PLACE_PAUSE = 2,	/* ms between two tries */
	PLACE_STEPS = 100000	/* into and out of directories */
};

/*
 * Opens and locks the directory.  Returns the descriptor; -1 with errno:
 * EWOULDBLOCK if it is in use, ENOENT if it was removed meanwhile.
 */
static int
place_lock(int parent, const char *name)
{
	struct stat	a, b;
	int		fd, saved;

	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &a) == 0 &&
	    fstatat(parent, name, &b, AT_SYMLINK_NOFOLLOW) == 0) {
		if (a.st_ino == b.st_ino && a.st_dev == b.st_dev)
			return fd;
		errno = ENOENT;
	}
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
place_make(const char *run_dir, char *path, size_t size, int *lock)
{
	char	real[PATH_MAX];
	int	tries, n;

	if (realpath(run_dir, real) == NULL)
		return -1;
	n = snprintf(path, size, "%s/" PLACE_PREFIX "%ld", real,
	    (long)getpid());
	if (n < 0 || (size_t)n >= size) {
		*path = '\0';
		errno = ENAMETOOLONG;
		return -1;
	}
	*lock = -1;
	for (tries = 0; tries < PLACE_TRIES && *lock == -1; tries++) {
		/* One that is there is of a process that had our number. */
		if (mkdir(path, 0700) == -1 && errno == EEXIST) {
			if ((n = place_lock(AT_FDCWD, path)) != -1)
				place_remove(path, n);
			else
				(void)poll(NULL, 0, PLACE_PAUSE);
			continue;
		}
		*lock = place_lock(AT_FDCWD, path);
	}
	if (*lock == -1)
		*path = '\0';
	return *lock == -1 ? -1 : 0;
}

/*
 * Removes what is in a directory, but for directories that are not empty.
 * Returns 0 with the name of one of those, or "" if it is empty now; -1 if it
 * cannot be emptied.
 */
static int
place_clear(int fd, char full[NAME_MAX + 1])
{
	struct dirent	*e;
	DIR		*d;
	int		 copy, rc = 0;

	*full = '\0';
	if ((copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	if ((d = fdopendir(copy)) == NULL) {
		(void)close(copy);
		return -1;
	}
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") ==
		    0 || unlinkat(fd, e->d_name, 0) == 0 ||
		    unlinkat(fd, e->d_name, AT_REMOVEDIR) == 0)
			continue;
		if (errno == ENOTEMPTY || errno == EEXIST || errno == EACCES)
			(void)snprintf(full, NAME_MAX + 1, "%s", e->d_name);
		else
			rc = -1;
	}
	(void)closedir(d);
	return rc;
}

/*
 * Empties a directory, however deep it is, with few descriptors: goes down into
 * whatever is not empty, and up again when that is.  Gives up where something
 * cannot be removed.
 */
static void
place_empty(int top)
{
	char	name[NAME_MAX + 1];
	long	deep = 0, steps;
	int	fd, next;

	(void)fchmod(top, 0700);
	if ((fd = fcntl(top, F_DUPFD_CLOEXEC, 0)) == -1)
		return;
	for (steps = 0; steps < PLACE_STEPS && place_clear(fd, name) == 0 &&
	    (*name != '\0' || deep > 0); steps++) {
		if (*name != '\0')
			(void)!fchmodat(fd, name, 0700, 0);
		next = openat(fd, *name == '\0' ? ".." : name, O_RDONLY |
		    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		deep += *name == '\0' ? -1 : 1;
		(void)close(fd);
		if ((fd = next) == -1)
			return;
	}
	(void)close(fd);
}

/* Removes a directory that we have locked, and closes it. */
static void
place_drop(int parent, const char *name, int lock)
{
	place_empty(lock);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
	(void)close(lock);
}

/* Removes the directories of processes that were killed. */
static void
place_sweep(int parent)
{
	struct dirent	*e;
	DIR		*d;
	int		 copy, fd;

	if ((copy = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ==
	    -1)
		return;
	if ((d = fdopendir(copy)) == NULL) {
		(void)close(copy);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, PLACE_PREFIX, strlen(PLACE_PREFIX)) ==
		    0 && (fd = place_lock(parent, e->d_name)) != -1)
			place_drop(parent, e->d_name, fd);
	}
	(void)closedir(d);
}

void
place_remove(const char *path, int lock)
{
	char	parent[PATH_MAX];
	int	fd;

	(void)snprintf(parent, sizeof(parent), "%.*s",
	    (int)(strrchr(path, '/') - path), path);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) {
		(void)close(lock);
		return;
	}
	place_drop(fd, strrchr(path, '/') + 1, lock);
	place_sweep(fd);
	(void)close(fd);
}
