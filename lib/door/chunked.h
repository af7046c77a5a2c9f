/*
 * A body in chunks (RFC 9112 7.1), read as it comes.
 */
#ifndef CHUNKED_H
#define CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum chunked_state {
	CHUNKED_SIZE, CHUNKED_BLANK, CHUNKED_EXTENSION, CHUNKED_SIZE_LF,
	CHUNKED_DATA, CHUNKED_CR, CHUNKED_LF, CHUNKED_TRAILER,
	CHUNKED_TRAILER_LF, CHUNKED_FIELD, CHUNKED_FIELD_LF, CHUNKED_END
};

/* To be initialised with zeros. */
struct chunked {
	enum chunked_state	state;
	uint64_t		left;	/* bytes of the chunk */
	unsigned		digits;	/* of its size */
	size_t			spare;	/* bytes of extensions and trailers */
};

enum chunked_progress {
	CHUNKED_MORE, CHUNKED_DONE,
	CHUNKED_BAD,		/* these are no chunks */
	CHUNKED_LARGE		/* over the buffer's cap, or no memory */
};

/*
 * Reads bytes and appends those of the body to the buffer.  Bytes behind the
 * end are left alone.  After another result than CHUNKED_MORE it is not to be
 * called again.
 */
enum chunked_progress chunked_read(struct chunked *, const char *, size_t len,
    struct buf *);

#endif
