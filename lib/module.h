/*
 * Modules: shared objects of our own that bring a heavy library along and are
 * loaded only by those who need it.
 */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether this program can load any: not one that is linked statically (see
 * the Makefile).
 */
bool module_possible(void);

/*
 * Loads `file' from where `answer' lies and calls its function `symbol',
 * which returns the module's functions.  NULL with the reason in `error'.
 */
const void *module_load(const char *file, const char *symbol, char *error,
    size_t size);

#endif
