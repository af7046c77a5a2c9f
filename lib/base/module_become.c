/*
 * Becoming a twin of a program.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/module.h"

int
module_become(const char *kind, const char *program, char *argv[])
{
	char	path[sizeof(LIBEXECDIR) + 64];

	(void)snprintf(path, sizeof(path), LIBEXECDIR "/%s/%s", kind, program);
	return execv(path, argv);
}
