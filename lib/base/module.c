/*
 * Loads modules with dlopen(3).
 */
#include <dlfcn.h>
#include <stdio.h>

#include "base/module.h"

bool
module_can_load(void)
{
	return true;
}

const void *
module_load(const char *file, const char *symbol, char *error, size_t size)
{
	const void	*(*function)(void);
	const void	*module = NULL;
	char		 path[sizeof(LIBEXECDIR) + 64];
	void		*so, *address;

	(void)snprintf(path, sizeof(path), "%s/%s", LIBEXECDIR, file);
	/* Lazy binding: only a few functions of a heavy library are called. */
	if ((so = dlopen(path, RTLD_LAZY | RTLD_LOCAL)) == NULL ||
	    (address = dlsym(so, symbol)) == NULL) {
		(void)snprintf(error, size, "%s", dlerror());
		return NULL;
	}
	/* ISO C has no conversion from an object to a function pointer; POSIX
	   has. */
	*(void **)&function = address;
	if ((module = function()) == NULL)
		(void)snprintf(error, size, "%s cannot be started", file);
	return module;
}
