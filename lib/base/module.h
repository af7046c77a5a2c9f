/*
 * Modules: shared objects of our own that bring a heavy library along and are
 * loaded only by those who need it.
 */
#ifndef MODULE_H
#define MODULE_H

#include <stddef.h>

/*
 * To be called first by a program that is going to load modules.  A program
 * that is linked statically cannot: there it becomes its twin that can, the
 * same `program' in another file.  Returns 0, or -1 with errno where that is
 * not to be had.
 */
int module_need(const char *program, char *argv[]);

/*
 * Becomes the twin of a program that is linked with another implementation of
 * lib/store/store.h, the same `program' in the directory `kind'.  Returns -1
 * with errno where that is not to be had (ENOENT: it was not built).
 */
int module_become(const char *kind, const char *program, char *argv[]);

/*
 * Loads `file' from where `answer' lies and calls its function `symbol',
 * which returns the module's functions.  NULL with the reason in `error'.
 */
const void *module_load(const char *file, const char *symbol, char *error,
    size_t size);

#endif
