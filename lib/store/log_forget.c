/*
 * Taking a user's name out of a log that others write to.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limit.h"
#include "base/log.h"

/* As lib/viewer/question.c writes it: a name of 127 bytes at most. */
enum { NAME_MAX_BYTES = 128 };

struct pattern {
	char	is[NAME_MAX_BYTES + 16], becomes[NAME_MAX_BYTES + 16];
	size_t	len;
};

/* Makes the pattern of a name as it stands in a line. */
static void
pattern(struct pattern *p, const char *user)
{
	static const char	none[] = " user=\"-\"";
	char			name[NAME_MAX_BYTES];

	(void)log_value(name, sizeof(name), user);
	log_tame(name, strlen(name));
	p->len = (size_t)snprintf(p->is, sizeof(p->is), " user=\"%s\"", name);
	memset(p->becomes, ' ', p->len);
	memcpy(p->becomes, none, sizeof(none) - 1);
}

/* Overwrites what stands at an offset. */
static int
overwrite(int fd, const struct pattern *p, off_t at)
{
	ssize_t	n;

	while ((n = pwrite(fd, p->becomes, p->len, at)) == -1 &&
	    errno == EINTR)
		;
	if (n == -1)
		return -1;
	if ((size_t)n == p->len)
		return 0;
	errno = EIO;
	return -1;
}

static int64_t
walk(int fd, const struct pattern *p, bool look)
{
	char	data[READ_MAX];
	size_t	keep = 0;	/* what may be the beginning of one */
	off_t	at = 0;		/* of data */
	int64_t	count = 0;
	ssize_t	n;

	while ((n = pread(fd, data + keep, sizeof(data) - keep, at +
	    (off_t)keep)) != 0) {
		const char	*end = data + keep + n, *s = data;

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		for (; (s = memmem(s, (size_t)(end - s), p->is, p->len)) !=
		    NULL; s += p->len) {
			count++;
			if (!look && overwrite(fd, p, at + (s - data)) == -1)
				return -1;
		}
		keep = (size_t)(end - data);
		keep = keep < p->len ? keep : p->len - 1;
		at += end - data - (off_t)keep;
		memmove(data, end - keep, keep);
	}
	return look || fdatasync(fd) == 0 ? count : -1;
}

int64_t
log_forget_user(const char *path, const char *user, bool look)
{
	struct pattern	p;
	struct stat	st;
	int64_t		count = -1;
	int		fd, saved;

	pattern(&p, user);
	if ((fd = open(path, (look ? O_RDONLY : O_RDWR) | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK)) == -1)
		return -1;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		errno = EINVAL;
	else
		count = walk(fd, &p, look);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return count;
}
