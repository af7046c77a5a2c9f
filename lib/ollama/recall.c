/*
 * The file RUN_DIR/refusals: a line "KEY BITS" for each thing learnt.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/lock.h"
#include "ollama/openai.h"
#include "ollama/recall.h"

/*
 * The bytes of all lines: some for each of SERVERS_MAX servers.  After so many
 * seconds everything is tried again: a server may have been updated.
 */
#define RECALL_MAX	4096
#define RECALL_SECONDS	(7 * 86400)

/* Reads all lines as a C string.  Returns its length. */
static size_t
recall_read_all(int fd, char text[RECALL_MAX + 1])
{
	struct stat	st;
	ssize_t		n = 0;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_mtime +
	    RECALL_SECONDS > time(NULL))
		n = pread(fd, text, RECALL_MAX, 0);
	text[n > 0 ? n : 0] = '\0';
	return strlen(text);
}

static unsigned
recall_find(const char *text, uint64_t server)
{
	char		key[24];
	const char	*p;
	unsigned	refuses = 0;

	(void)snprintf(key, sizeof(key), "%016" PRIx64 " ", server);
	for (p = text; (p = strstr(p, key)) != NULL; p += strlen(key))
		refuses |= (unsigned)strtoul(p + strlen(key), NULL, 10);
	return refuses & OPENAI_REFUSES_ALL;
}

unsigned
recall_read(const char *run_dir, uint64_t server)
{
	char	text[RECALL_MAX + 1], path[4096];
	int	fd, n;

	n = snprintf(path, sizeof(path), "%s/refusals", run_dir);
	if (n < 0 || (size_t)n >= sizeof(path) || (fd = open(path, O_RDONLY |
	    O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) == -1)
		return 0;
	(void)recall_read_all(fd, text);
	(void)close(fd);
	return recall_find(text, server);
}

void
recall_add(const char *run_dir, uint64_t server, unsigned refuses)
{
	char	text[RECALL_MAX + 1], line[40];
	size_t	len;
	int	fd, n;

	n = snprintf(line, sizeof(line), "%016" PRIx64 " %u\n", server,
	    refuses);
	if (n < 0 || (fd = lock_open(run_dir, "refusals")) == -1)
		return;
	len = recall_read_all(fd, text);
	/* Two that write at once may lose a line, which is learnt again. */
	if (len + (size_t)n > RECALL_MAX || len == 0) {
		(void)!ftruncate(fd, 0);
		len = 0;
	}
	if ((recall_find(text, server) & refuses) != refuses)
		(void)!pwrite(fd, line, (size_t)n, (off_t)len);
	(void)close(fd);
}
