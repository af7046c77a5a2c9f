/*
 * Words of Portuguese, English and Spanish that say nothing about a subject.
 */
#ifndef STOP_H
#define STOP_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a folded word (with a NUL behind it) is one of them. */
bool stop_has(const char *word, size_t len);

#endif
