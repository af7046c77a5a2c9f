/*
 * Reading a small file whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

/* Why a file may not be read; 0: it may. */
static int
refused(const struct stat *st, size_t max, bool secret)
{
	/* /dev/null is an empty file. */
	if (!S_ISREG(st->st_mode) && !S_ISCHR(st->st_mode))
		return EINVAL;
	if (secret && (st->st_mode & S_IRWXO) != 0)
		return EPERM;
	return st->st_size < 0 || (size_t)st->st_size > max ? EFBIG : 0;
}

static char *
read_all(int fd, size_t size, size_t *len)
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
			break;	/* it became shorter meanwhile */
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

	/* O_NONBLOCK: a FIFO would wait for its writer. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return NULL;
	if (fstat(fd, &st) == 0 && (errno = refused(&st, max, secret)) == 0)
		data = read_all(fd, (size_t)st.st_size, len);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return data;
}
