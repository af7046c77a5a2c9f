/*
 * In the place of module.c where a program is linked statically: what it does
 * without.  Calls go to __wrap_NAME by the linker's --wrap, see ld(1).
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/module.h"

/* Of ollama/http.c, in answer with CURL (see the Makefile); else NULL. */
const void *http_module(void) __attribute__((weak));

int
module_need(const char *program, char *argv[])
{
	return module_become("dynamic", program, argv);
}

const void *
module_load(const char *file, const char *symbol, char *error, size_t size)
{
	if (strcmp(symbol, "http_module") == 0 && http_module != NULL)
		return http_module();
	(void)snprintf(error, size, "%s: this program is linked statically",
	    file);
	return NULL;
}

/* SQLite would load its extensions by it, if we let it. */
void *__wrap_dlopen(const char *, int);

void *
__wrap_dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}

/* libc's own would load modules.  libcurl reads numbers and "localhost". */
int __wrap_getaddrinfo(const char *, const char *, const struct addrinfo *,
    struct addrinfo **);

int
__wrap_getaddrinfo(const char *host, const char *service,
    const struct addrinfo *hints, struct addrinfo **list)
{
	(void)host;
	(void)service;
	(void)hints;
	(void)list;
	return EAI_FAIL;
}
