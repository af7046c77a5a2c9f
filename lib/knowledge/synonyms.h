/*
 * KNOWLEDGE_SYNONYMS: groups of words that mean the same.
 */
#ifndef SYNONYMS_H
#define SYNONYMS_H

#include <stddef.h>

struct synonyms;

/*
 * Reads the file: a group on each line, with blanks between the words; empty
 * lines and those that begin with # do not count.  Each word must be one term
 * (knowledge/terms.h), and in one group.  Returns NULL if the path is empty
 * (with *why NULL), or with the reason in *why, a static text; `why' may be
 * NULL.
 */
struct synonyms *synonyms_read(const char *path, const char **why);
void synonyms_free(struct synonyms *);

/* The number of a term's group; 0: none.  The synonyms may be NULL. */
int synonyms_find(const struct synonyms *, const char *term, size_t len);

/* The n-th term of a group; NULL behind the last one. */
const char *synonyms_member(const struct synonyms *, int group, size_t n);

#endif
