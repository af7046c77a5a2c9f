/*
 * Reads small files; puts complete files in place.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* An errno that says why a file may not be read; 0: it may be read. */
static int
file_refused(const struct stat *st, size_t max, bool secret)
{
	/* Devices are allowed: /dev/null counts as an empty file. */
	if (!S_ISREG(st->st_mode) && !S_ISCHR(st->st_mode))
		return EINVAL;
	if (secret && (st->st_mode & S_IRWXO) != 0)
		return EPERM;
	return st->st_size < 0 || (size_t)st->st_size > max ? EFBIG : 0;
}

static char *
file_read_all(int fd, size_t size, size_t *len)
{
	char	*data;
	ssize_t	 n;

	if ((data = malloc(size + 1)) == NULL)
		return NULL;
	for (*len = 0; *len < size; *len += (size_t)n) {
		n = read(fd, data + *len, size - *len);
		if (n == -1 && errno == EINTR) {
			n = 0;
		} else if (n == -1) {
			free(data);
			return NULL;
		} else if (n == 0) {
			break;	/* the file was truncated meanwhile */
		}
	}
	data[*len] = '\0';
	return data;
}

char *
file_read(const char *path, size_t max, bool secret, size_t *len)
{
	struct stat	 st;
	char		*data = NULL;
	int		 fd, saved;

	/* O_NONBLOCK: do not wait for the writer of a FIFO. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return NULL;
	if (fstat(fd, &st) == 0 &&
	    (errno = file_refused(&st, max, secret)) == 0)
		data = file_read_all(fd, (size_t)st.st_size, len);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return data;
}

bool
file_is_plain(const char *path)
{
	struct stat	st;

	return lstat(path, &st) == -1 ? errno == ENOENT :
	    S_ISREG(st.st_mode);
}

int
file_remove(const char *path)
{
	if (!file_is_plain(path)) {
		errno = EINVAL;
		return -1;
	}
	return unlink(path) == -1 && errno != ENOENT ? -1 : 0;
}

/* Writes a file or directory to disk. */
static int
file_sync(const char *path)
{
	int	fd, rc, saved;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	rc = fsync(fd);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return rc;
}

int
file_place(const char *from, const char *to, bool replace)
{
	char	dir[PATH_MAX];
	int	n;

	n = snprintf(dir, sizeof(dir), "%s", to);
	if (n < 0 || (size_t)n >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (replace && !file_is_plain(to)) {
		errno = EINVAL;
		return -1;
	}
	if (file_sync(from) == -1)
		return -1;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, replace ? 0 :
	    RENAME_NOREPLACE) == -1) {
		/* Not every file system supports RENAME_NOREPLACE. */
		if (errno != EINVAL || access(to, F_OK) == 0)
			return -1;
		if (rename(from, to) == -1)
			return -1;
	}
	return file_sync(dirname(dir));
}
