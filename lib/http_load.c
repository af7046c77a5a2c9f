/*
 * Loading http.so when it is needed.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "http.h"

const struct http *
http_load(char *error, size_t size)
{
	const struct http	*(*module)(void);
	const struct http	*http = NULL;
	void			*so, *symbol;

	if ((so = dlopen(LIBEXECDIR "/http.so", RTLD_NOW | RTLD_LOCAL)) ==
	    NULL || (symbol = dlsym(so, "http_module")) == NULL) {
		(void)snprintf(error, size, "%s", dlerror());
		return NULL;
	}
	/* POSIX has dlsym return functions as objects; ISO C does not. */
	*(void **)&module = symbol;
	if ((http = module()) == NULL)
		(void)snprintf(error, size, "libcurl does not start");
	return http;
}
