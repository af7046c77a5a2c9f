/*
 * A growing byte buffer with a cap.
 */
#ifndef BUF_H
#define BUF_H

#include <stddef.h>

/* Zero-initialised, a buffer is empty and cannot grow: set its cap first. */
struct buf {
	char	*data;		/* len bytes and a NUL; NULL while empty */
	size_t	 len;
	size_t	 size;		/* allocated */
	size_t	 cap;		/* `len' never exceeds it */
};

#define BUF_INIT(max)	{ NULL, 0, 0, (max) }

/*
 * Appends len bytes and a NUL after them.  Returns 0, or -1 with errno EMSGSIZE
 * (over the cap) or ENOMEM; the buffer is then unchanged.
 */
int buf_add(struct buf *, const void *, size_t len)
    __attribute__((warn_unused_result));

/* Appends a C string.  Returns as buf_add. */
int buf_puts(struct buf *, const char *)
    __attribute__((warn_unused_result));

/* Drops the first n bytes (n <= len). */
void buf_drop(struct buf *, size_t n);

/* Empties the buffer but keeps the memory. */
void buf_clear(struct buf *);

/* Frees the memory.  The buffer can be used again; it keeps its cap. */
void buf_free(struct buf *);

#endif
