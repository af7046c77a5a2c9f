/*
 * Modules: shared objects of our own, each of which brings a heavy library
 * along and is loaded only where it is needed.
 */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether this program can load modules: not if it is linked statically. */
bool module_can_load(void);

/*
 * Loads `file' from LIBEXEC and calls its function `symbol', which returns the
 * module's table of functions.  Returns NULL with the reason in `error' if that
 * fails.  A statically linked program returns the table of a module that is
 * linked into it.
 */
const void *module_load(const char *file, const char *symbol, char *error,
    size_t size);

#endif
