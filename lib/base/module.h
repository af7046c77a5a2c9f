/*
 * Modules: shared objects of our own.  Each is linked with a heavy library and
 * loaded only when that library is needed.
 */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether this program can load modules; a statically linked one cannot. */
bool module_can_load(void);

/*
 * Loads `file' from LIBEXEC, calls its function `symbol', and returns the
 * result: the module's table of functions.  Returns NULL with the reason in
 * `error' if that fails.  A statically linked program returns the table of a
 * module that is linked into it.
 */
const void *module_load(const char *file, const char *symbol, char *error,
    size_t size);

#endif
