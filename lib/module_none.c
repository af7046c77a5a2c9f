/*
 * In the place of module.c where a program is linked statically: no modules.
 */
#include <stdio.h>

#include "module.h"

bool
module_possible(void)
{
	return false;
}

const void *
module_load(const char *file, const char *symbol, char *error, size_t size)
{
	(void)symbol;
	(void)snprintf(error, size, "%s: this program is linked statically",
	    file);
	return NULL;
}

/*
 * What the linker puts in the place of dlopen (--wrap, ld(1)), which libc wants
 * nobody to call in such a program: SQLite would, to load extensions, if we
 * let it.
 */
void *__wrap_dlopen(const char *, int);

void *
__wrap_dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}
