/*
 * Searches files for remains of deleted texts, byte by byte.
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
	TRACE_PIECE = 24,	/* bytes of a piece: rarely found by chance */
	TRACE_SHORT = 8		/* shorter texts are found everywhere */
};

/*
 * A text is cut into pieces, one after the other and one at its end, so that
 * any 47 bytes of the text contain a whole piece.  A text shorter than a piece
 * is one piece.  Texts shorter than TRACE_SHORT and runs of one byte are not
 * searched for.
 */
struct trace {
	struct trace_piece	*piece;		/* a hash table */
	size_t			 count, size;	/* size is a power of two */
	struct trace_text	*text;		/* a list: the texts that the
						   pieces point into */
	unsigned		 lengths;	/* bit n: there are pieces of
						   length n */
};

/*
 * Adds the pieces of a text; the struct must be zero-initialised.  Returns 0,
 * or -1 with errno ENOMEM.
 */
int trace_add(struct trace *, const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * Counts the pieces found in a file.  Without `shorts' searches only for whole
 * pieces: in other data a short one may occur by chance.  Returns -1 with
 * errno: EINVAL if it is not a regular file.
 */
int64_t trace_file(const struct trace *, const char *path, bool shorts);

/* Ignores from now on all pieces that a text contains. */
void trace_spare(struct trace *, const char *text, size_t len);

void trace_free(struct trace *);

#endif
