/*
 * Reading a secret word from a file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limit.h"
#include "base/utf8.h"
#include "ollama/token_file.h"

int
token_of_file(const char *path, char **token, const char **why)
{
	const char	*from;
	char		*text;
	size_t		 len, n;

	if ((text = file_read(path, SETTING_MAX, true, &len)) == NULL) {
		*why = errno == EPERM ? "other users can read it (chmod 600)" :
		    strerror(errno);
		return -1;
	}
	if ((*why = utf8_instead(text, len)) != NULL)
		goto bad;
	from = text + utf8_mark(text, len);
	from += strspn(from, " \t\r\n");
	n = strcspn(from, " \t\r\n");
	*why = "it has more than one word";
	if (from[n + strspn(from + n, " \t\r\n")] != '\0')
		goto bad;
	*why = "it has characters that are not printable ASCII";
	for (len = 0; len < n; len++) {
		if (from[len] <= ' ' || from[len] > '~')
			goto bad;
	}
	memmove(text, from, n);
	text[n] = '\0';
	*token = text;
	return 0;
bad:
	explicit_bzero(text, strlen(text));
	free(text);
	errno = EILSEQ;
	return -1;
}
