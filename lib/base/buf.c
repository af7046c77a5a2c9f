/*
 * A growing byte buffer with a cap.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { BUF_FIRST = 256 };	/* most frames fit, with one allocation */

/* Makes room for `more' bytes and a NUL. */
static int
buf_reserve(struct buf *b, size_t more)
{
	char	*p;
	size_t	 size;

	if (more > b->cap - b->len) {
		errno = EMSGSIZE;
		return -1;
	}
	if (b->size > b->len + more)
		return 0;
	size = b->size > BUF_FIRST / 2 ? b->size * 2 : BUF_FIRST;
	while (size <= b->len + more)
		size *= 2;
	if ((p = realloc(b->data, size)) == NULL)
		return -1;
	b->data = p;
	b->size = size;
	return 0;
}

int
buf_add(struct buf *b, const void *p, size_t len)
{
	if (buf_reserve(b, len) == -1)
		return -1;
	if (len > 0)
		memcpy(b->data + b->len, p, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_puts(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->size = 0;
}
