/*
 * Fuzzes websocketd.conf: what is accepted and printed must be accepted again
 * and print the same.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "settings/settings.h"

/* Loads bytes as a file.  Returns the printed settings, or NULL if refused. */
static char *
load(const char *data, size_t size)
{
	struct settings	 s;
	char		 path[64], *text = NULL;
	FILE		*f;
	size_t		 len;
	int		 fd;

	must((fd = memfd_create("conf", 0)) != -1);
	must(write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (settings_load(&s, path, 0) == 0) {
		must((f = open_memstream(&text, &len)) != NULL);
		settings_print(&s, f);
		must(fclose(f) == 0);
	} else {
		must(s.error[0] != '\0' && strchr(s.error, '\n') == NULL);
	}
	settings_free(&s);
	(void)close(fd);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	*first, *second;

	if ((first = load((const char *)data, size)) == NULL)
		return 0;
	/* A value that needs quotes is printed without them. */
	if (memchr(data, '"', size) == NULL &&
	    memchr(data, '\'', size) == NULL) {
		must((second = load(first, strlen(first))) != NULL);
		must(strcmp(first, second) == 0);
		free(second);
	}
	free(first);
	return 0;
}
