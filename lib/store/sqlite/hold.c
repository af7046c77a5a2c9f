/*
 * Holds a database open: takes the locks of an idle connection without using
 * SQLite.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "store/sqlite/db.h"
#include "store/store.h"

/*
 * Bytes on which an open connection has a read lock, see SQLite's os_unix.c.
 * They are the same in all versions, since different versions may share a
 * database.
 */
#define SHARED_FIRST	0x40000002	/* in the database: it is in use */
#define SHARED_SIZE	510
#define DEADMAN		128		/* in -shm: its content is valid */

/*
 * Locks bytes of a file with a descriptor that stays open across exec and fork.
 */
static int
hold_lock(const char *file, int64_t first, int64_t len)
{
	struct flock	l = {
		.l_type = F_RDLCK,
		.l_whence = SEEK_SET,
		.l_start = first,
		.l_len = len,
	};
	int		fd, saved;

	if ((fd = open(file, O_RDWR | O_NOFOLLOW)) == -1)
		return -1;
	/* An open file description lock: SQLite's closing the file does not
	   release it. */
	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

enum failure_code
store_hold(struct store *s)
{
	const char	*file = sqlite3_db_filename(s->db, "main");
	char		 shm[PATH_MAX];

	/* Being connected, we know that -shm is valid; our lock keeps it
	   valid. */
	if (snprintf(shm, sizeof(shm), "%s-shm", file) < (int)sizeof(shm) &&
	    hold_lock(file, SHARED_FIRST, SHARED_SIZE) == 0 &&
	    hold_lock(shm, DEADMAN, 1) == 0)
		return FAILURE_NONE;
	(void)snprintf(s->error, sizeof(s->error), "%s: %s", file,
	    strerror(errno));
	return FAILURE_STORAGE;
}

/*
 * The byte of "<database>-lock" that the service locks.  The file holds the
 * service's RUN_DIR.
 */
enum { SERVICE_LOCK = 3 };

int
store_serve(struct store *s, const char *run_dir)
{
	char	path[PATH_MAX + 1];
	size_t	len;
	int	fd, got;

	if ((fd = db_open_locks(s)) == -1 ||
	    (got = lock_try(fd, SERVICE_LOCK)) == -1 ||
	    realpath(run_dir, path) == NULL) {
		(void)snprintf(s->error, sizeof(s->error), "%s-lock: %s",
		    s->path, strerror(errno));
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	if (got == 0) {
		(void)close(fd);
		return 0;
	}
	len = strlen(path);
	path[len++] = '\n';
	/* The content is only used for messages and one comparison; the lock is
	   what matters. */
	if (pwrite(fd, path, len, 0) == -1)
		(void)!ftruncate(fd, 0);
	return 1;	/* the descriptor stays open */
}

bool
store_served(struct store *s, const char *run_dir, char *other, size_t size)
{
	char	path[PATH_MAX];
	ssize_t	n;
	int	fd;

	*other = '\0';
	if ((fd = db_open_locks(s)) == -1)
		return false;
	if (lock_count(fd, SERVICE_LOCK, SERVICE_LOCK, 1) == 1) {
		n = pread(fd, other, size - 1, 0);
		other[n < 0 ? 0 : n] = '\0';
		other[strcspn(other, "\n")] = '\0';
		if (*other == '\0')
			(void)snprintf(other, size, "?");
		if (realpath(run_dir, path) != NULL && strcmp(path, other) ==
		    0)
			*other = '\0';
	}
	(void)close(fd);
	return *other != '\0';
}
