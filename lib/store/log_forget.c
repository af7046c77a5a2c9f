/*
 * Removes a user's name from a log to which other processes write.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limit.h"
#include "base/log.h"

/* lib/viewer/question.c writes at most 127 bytes of a name. */
enum { NAME_MAX_BYTES = 128 };

struct log_forget {
	char	is[NAME_MAX_BYTES + 16], becomes[NAME_MAX_BYTES + 16];
	size_t	len;
};

/* Makes the pattern of a name as it appears in a line. */
static void
log_forget_make(struct log_forget *p, const char *user)
{
	static const char	none[] = " user=\"-\"";
	char			name[NAME_MAX_BYTES];

	(void)log_value(name, sizeof(name), user);
	log_tame(name, strlen(name));
	p->len = (size_t)snprintf(p->is, sizeof(p->is), " user=\"%s\"", name);
	memset(p->becomes, ' ', p->len);
	memcpy(p->becomes, none, sizeof(none) - 1);
}

/* Overwrites the text at an offset. */
static int
log_forget_overwrite(int fd, const struct log_forget *p, off_t at)
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
log_forget_walk(int fd, const struct log_forget *p, bool count_only)
{
	char	data[READ_MAX];
	size_t	keep = 0;	/* bytes that may be the beginning of a match */
	off_t	at = 0;		/* offset of data[0] in the file */
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
			if (!count_only && log_forget_overwrite(fd, p, at +
			    (s - data)) == -1)
				return -1;
		}
		keep = (size_t)(end - data);
		keep = keep < p->len ? keep : p->len - 1;
		at += end - data - (off_t)keep;
		memmove(data, end - keep, keep);
	}
	return count_only || fdatasync(fd) == 0 ? count : -1;
}

int64_t
log_forget_user(const char *path, const char *user, bool count_only)
{
	struct log_forget	p;
	struct stat	st;
	int64_t		count = -1;
	int		fd, saved;

	log_forget_make(&p, user);
	if ((fd = open(path, (count_only ? O_RDONLY : O_RDWR) | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK)) == -1)
		return -1;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		errno = EINVAL;
	else
		count = log_forget_walk(fd, &p, count_only);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return count;
}
