/*
 * Learning: documents become passages with their words in the index.
 */
#ifndef LEARN_H
#define LEARN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/failure.h"
#include "knowledge/cut.h"
#include "store/store.h"

/*
 * What is learnt is committed when so many passages wait, and after so many
 * milliseconds, so that nobody waits long for the write lock; a larger document
 * is found when all of it is written.  A document is always complete.
 */
enum { LEARN_BATCH = 200, LEARN_MS = 100 };

/* Of a solved ticket so many words find its passages, those of its answers'
   tickets included. */
enum { ASKED_WORDS = 64 };

/* A document; the texts are borrowed. */
struct learn_document {
	const char		*name, *source;
	const struct cut	*cut;
	const char		*url;		/* "": none */
	const char		*question;	/* of a solved ticket; "": it is
						   none */
	size_t			 question_len;
	int64_t			 ticket, session;	/* 0: none */
};

struct learn_counts {
	int64_t	added, replaced, same, removed;	/* documents */
	int64_t	passages;			/* of those added or replaced */
	int64_t	taken;		/* answers left out, as another document has
				   their name */
};

struct learning;

/*
 * Begins; makes the tables if they are missing, and indexes all passages anew
 * if another version of folding has made their words.  *out is to be given to
 * learn_end, also after an error.  Returns as lib/store/store.h, or
 * FAILURE_INTERNAL (no memory).
 */
enum failure_code learn_begin(struct store *, struct learning **out);

/* What is called for a document that came from another source before. */
typedef void learn_moved(void *context, const char *name, const char *from,
    const char *to);
void learn_tell(struct learning *, learn_moved *, void *context);

/* What learn_prune removes leaves what answers were given, too. */
void learn_purge(struct learning *);

/* Learns a document, unless it is known as it is; an answer replaces only an
   answer.  Some wait until there are enough of them, or for learn_prune or
   learn_end. */
enum failure_code learn_document(struct learning *,
    const struct learn_document *);

/* Removes the documents of a source for which `keep' returns false. */
enum failure_code learn_prune(struct learning *, const char *source,
    bool (*keep)(void *, const char *name, size_t len), void *);

/* Commits the rest and frees the memory. */
enum failure_code learn_end(struct learning *, struct learn_counts *);

/* Makes the words of a passage anew, in the caller's transaction. */
enum failure_code learn_index(struct store *, int64_t passage);

/*
 * Removes what deleted answers and interrupted programs have left in the
 * tables of knowledge, and (`words') every byte of deleted words from the
 * index.  Does nothing where nothing was learnt.
 */
enum failure_code learn_sweep(struct store *, bool words);

#endif
