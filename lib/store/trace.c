/*
 * Searches for pieces of texts with a rolling hash and a hash table of the
 * pieces (Rabin and Karp).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limit.h"
#include "store/trace.h"

static const uint64_t	trace_base = 0x9e3779b97f4a7c15;	/* any odd */

struct trace_text {
	struct trace_text	*next;
	char			 bytes[];
};

struct trace_piece {
	uint64_t	 hash;
	const char	*bytes;		/* points into a trace_text */
	unsigned char	 len;		/* 0: unused */
	bool		 spared;
};

/* The hash of a piece. */
static uint64_t
trace_hash(const char *s, size_t len)
{
	uint64_t	h = 0;

	for (; len > 0; len--)
		h = h * trace_base + (unsigned char)*s++;
	return h;
}

static uint64_t
trace_power(size_t len)
{
	uint64_t	p = 1;

	for (; len > 0; len--)
		p *= trace_base;
	return p;
}

/* The entry of a piece in the table, or the unused one where it belongs. */
static struct trace_piece *
trace_find(const struct trace *t, uint64_t h, const char *s, size_t len)
{
	struct trace_piece	*p;
	size_t			 i;

	for (i = (size_t)((h ^ h >> 32) * trace_base >> 20); ; i++) {
		p = &t->piece[i & (t->size - 1)];
		if (p->len == 0 || (p->hash == h && p->len == len &&
		    memcmp(p->bytes, s, len) == 0))
			return p;
	}
}

/* Doubles the table if it is half full. */
static int
trace_grow(struct trace *t)
{
	struct trace	wider = *t;
	size_t		i;

	if (t->count * 2 < t->size)
		return 0;
	wider.size = t->size == 0 ? 1024 : t->size * 2;
	if ((wider.piece = calloc(wider.size, sizeof(*t->piece))) == NULL)
		return -1;
	for (i = 0; i < t->size; i++) {
		const struct trace_piece	*p = &t->piece[i];

		if (p->len != 0)
			*trace_find(&wider, p->hash, p->bytes, p->len) = *p;
	}
	free(t->piece);
	*t = wider;
	return 0;
}

static int
trace_add_piece(struct trace *t, const char *s, size_t len)
{
	struct trace_piece	*p;
	const uint64_t		 h = trace_hash(s, len);

	if (memcmp(s, s + 1, len - 1) == 0)
		return 0;	/* skip a run of one byte */
	if (trace_grow(t) == -1)
		return -1;
	if ((p = trace_find(t, h, s, len))->len != 0)
		return 0;
	p->hash = h;
	p->bytes = s;
	p->len = (unsigned char)len;
	t->lengths |= 1U << len;
	t->count++;
	return 0;
}

int
trace_add(struct trace *t, const char *text, size_t len)
{
	struct trace_text	*copy;
	size_t			 i, n = len < TRACE_PIECE ? len : TRACE_PIECE;

	if (len < TRACE_SHORT)
		return 0;
	if ((copy = malloc(sizeof(*copy) + len)) == NULL)
		return -1;
	memcpy(copy->bytes, text, len);
	copy->next = t->text;
	t->text = copy;
	for (i = 0; i + n <= len; i += n) {
		if (trace_add_piece(t, copy->bytes + i, n) == -1)
			return -1;
	}
	return trace_add_piece(t, copy->bytes + len - n, n);
}

/*
 * Counts the pieces of length n in some bytes; with `spare' marks them as
 * spared.
 */
static int64_t
trace_count(
    const struct trace *t, const char *s, size_t len, size_t n, bool spare)
{
	const uint64_t		 out = trace_power(n);
	struct trace_piece	*p;
	int64_t			 count = 0;
	uint64_t		 h;
	size_t			 i;

	if (len < n)
		return 0;
	h = trace_hash(s, n);
	for (i = 0; ; i++) {
		p = trace_find(t, h, s + i, n);
		if (p->len != 0 && !p->spared) {
			count++;
			p->spared = spare;
		}
		if (i + n >= len)
			return count;
		h = h * trace_base + (unsigned char)s[i + n] -
		    (unsigned char)s[i] * out;
	}
}

void
trace_spare(struct trace *t, const char *text, size_t len)
{
	size_t	n;

	for (n = TRACE_SHORT; n <= TRACE_PIECE; n++) {
		if ((t->lengths >> n & 1) != 0)
			(void)trace_count(t, text, len, n, true);
	}
}

/*
 * Searches a file, one buffer at a time; repeats the end of the last buffer, in
 * which a piece may begin.
 */
static int64_t
trace_search_file(const struct trace *t, int fd, char *data, size_t first)
{
	int64_t	count = 0;
	size_t	keep = 0, len, n;
	ssize_t	got;

	while ((got = read(fd, data + keep, TRACE_READ)) != 0) {
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		len = keep + (size_t)got;
		for (n = first; n <= TRACE_PIECE; n++) {
			/* Only pieces that end in the new bytes. */
			size_t	old = keep < n - 1 ? 0 : keep - (n - 1);

			if ((t->lengths >> n & 1) != 0)
				count += trace_count(t, data + old, len - old,
				    n, false);
		}
		keep = len < TRACE_PIECE - 1 ? len : TRACE_PIECE - 1;
		memmove(data, data + len - keep, keep);
	}
	return count;
}

int64_t
trace_file(const struct trace *t, const char *path, bool shorts)
{
	struct stat	 st;
	char		*data;
	int64_t		 count = -1;
	int		 fd, saved;

	if (lstat(path, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return -1;
	if ((data = malloc(TRACE_PIECE + TRACE_READ)) != NULL)
		count = trace_search_file(t, fd, data, shorts ? TRACE_SHORT :
		    TRACE_PIECE);
	saved = errno;
	free(data);
	(void)close(fd);
	errno = saved;
	return count;
}

void
trace_free(struct trace *t)
{
	struct trace_text	*next;

	for (; t->text != NULL; t->text = next) {
		next = t->text->next;
		free(t->text);
	}
	free(t->piece);
	memset(t, 0, sizeof(*t));
}
