/*
 * Writing JSON: the only way by which JSON leaves a program.  The output is
 * valid UTF-8 on one line whatever the input is.
 */
#ifndef JSONW_H
#define JSONW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A text being written.  After the first error nothing more is written. */
struct jsonw {
	struct buf	*out;		/* borrowed */
	size_t		 start;		/* where this text begins in it */
	char		 close[8];	/* the brackets that are open */
	unsigned	 depth;
	bool		 first;		/* nothing in this bracket yet */
	bool		 failed;
};

/* Begins a text at the end of the buffer. */
void jsonw_begin(struct jsonw *, struct buf *);

/* Opens an object or array; key is NULL at the root and within arrays. */
void jsonw_object(struct jsonw *, const char *key);
void jsonw_array(struct jsonw *, const char *key);
void jsonw_close(struct jsonw *);

/* Writes a value. */
void jsonw_string(struct jsonw *, const char *key, const char *s, size_t len);
void jsonw_text(struct jsonw *, const char *key, const char *s);
void jsonw_int(struct jsonw *, const char *key, int64_t);
void jsonw_bool(struct jsonw *, const char *key, bool);

/* Copies a value that was checked to be JSON (OLLAMA_OPTIONS). */
void jsonw_trusted(struct jsonw *, const char *key, const char *json);

/*
 * Closes what is open; with `line' ends it with a line feed.  Returns 0, or
 * -1 if anything failed: over the buffer's cap, no memory, a bracket too
 * deep.  The buffer is then as it was before jsonw_begin.
 */
int jsonw_end(struct jsonw *, bool line) __attribute__((warn_unused_result));

/*
 * Appends s as the content of a JSON string: controls, DEL and U+0080 to U+009F
 * escaped, invalid bytes as U+FFFD. Returns 0, or -1 as buf_add.
 */
int jsonw_escape(struct buf *, const char *s, size_t len)
    __attribute__((warn_unused_result));

#endif
