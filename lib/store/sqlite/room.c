/*
 * Free space on the database's disk, and the reserve: see store_reserve.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "store/maintain.h"
#include "store/sqlite/room.h"

enum {
	RESERVE_MOST = 4 * 1024 * 1024,
	RESERVE_LEAST = 64 * 1024,
	BLOCK = 512		/* stat(2): st_blocks counts 512 bytes */
};

/*
 * Writes the name of the reserve, which lies beside the real file if the
 * database is a symbolic link.
 */
static int
room_name(char path[PATH_MAX], const char *database)
{
	char	real[PATH_MAX];
	int	n;

	n = snprintf(path, PATH_MAX, "%s-reserve", realpath(database, real) ==
	    NULL ? database : real);
	return n > 0 && n < PATH_MAX ? 0 : -1;
}

/* The bytes that a reserve occupies. */
static int64_t
room_held(const char *path)
{
	struct stat	st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) ?
	    (int64_t)st.st_blocks * BLOCK : 0;
}

/* The free bytes on the disk of a file, which need not exist; -1: not known. */
static int64_t
room_beside(const char *file)
{
	char		path[PATH_MAX];
	struct statvfs	fs;

	if (realpath(file, path) == NULL)
		(void)snprintf(path, sizeof(path), "%s", file);
	if (statvfs(dirname(path), &fs) == -1)
		return -1;
	return (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize);
}

int64_t
room_reserved(const char *database)
{
	char	path[PATH_MAX];

	return room_name(path, database) == 0 ? room_held(path) : 0;
}

void
store_reserve(const char *database)
{
	const int64_t	room = room_beside(database);
	char		path[PATH_MAX];
	int64_t		have, want;
	int		fd;

	if (room == -1 || room_name(path, database) == -1 ||
	    !file_is_plain(path))
		return;
	/* At most half of the free space: the service needs some, too. */
	have = room_held(path);
	want = (room + have) / 2;
	want = want < RESERVE_MOST ? want : RESERVE_MOST;
	if (want < RESERVE_LEAST || have >= want)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return;
	if (posix_fallocate(fd, 0, want) != 0)
		(void)!file_remove(path);
	(void)close(fd);
}

bool
store_release(const char *database)
{
	const int64_t	room = room_beside(database);
	char		path[PATH_MAX];

	return room != -1 && room < RESERVE_MOST &&
	    room_name(path, database) == 0 && room_held(path) > 0 &&
	    file_remove(path) == 0;
}

enum failure_code
room_need(struct store *s, const char *file, int64_t bytes)
{
	int64_t	room = room_beside(file);

	if (room == -1 || bytes <= room)
		return FAILURE_NONE;	/* not known: a write that fails will
					   report it */
	(void)snprintf(s->error, sizeof(s->error), "%.900s: this needs %lld kB "
	    "on that disk, but only %lld kB are free; nothing is changed", file,
	    (long long)bytes / 1024 + 1, (long long)room / 1024);
	return FAILURE_STORAGE;
}
