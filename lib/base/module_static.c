/*
 * Replaces module.c in statically linked programs.
 */
#include <stdio.h>
#include <string.h>

#include "base/module.h"

/* Defined by ollama/http.c in answer-http; NULL in chat. */
const void *http_module(void) __attribute__((weak));

bool
module_can_load(void)
{
	return false;
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
