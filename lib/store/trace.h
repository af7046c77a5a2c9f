/*
 * Looking for what is left of texts that were deleted: their pieces, byte by
 * byte, in files.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of one read of a file that is searched: disks read large blocks faster.
 */
#define TRACE_READ	1048576

enum {
	TRACE_PIECE = 24,	/* bytes of a piece: hardly twice by chance */
	TRACE_SHORT = 8		/* a text below it stands everywhere */
};

/*
 * A text is cut into pieces, one behind the other and one at its end: 47
 * bytes of it anywhere hold a whole one.  A text below a piece is one itself;
 * one below TRACE_SHORT, and a run of one byte, is not looked for.
 */
struct trace {
	struct trace_piece	*piece;		/* a hash table */
	size_t			 count, size;	/* size: a power of two */
	struct trace_text	*text;		/* a list of what they are of */
	unsigned		 lengths;	/* of pieces, as bits */
};

/* Zero-initialised it is empty.  Adds a text's pieces; 0, or -1: ENOMEM. */
int trace_add(struct trace *, const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * How many pieces stand in a file, whole ones only unless `shorts': in a file
 * of other things a short one may stand by chance.  Returns -1 with errno:
 * EINVAL for what is no plain file.
 */
int64_t trace_file(const struct trace *, const char *path, bool shorts);

/* Looks no longer for the pieces that a text has, whoever's it is. */
void trace_spare(struct trace *, const char *text, size_t len);

void trace_free(struct trace *);

#endif
