/*
 * The address of the model's server.
 */
#include <string.h>
#include <strings.h>

#include "url.h"

bool
url_valid(const char *url)
{
	const char	*host;
	size_t		 len;

	if (strncasecmp(url, "http://", 7) == 0)
		host = url + 7;
	else if (strncasecmp(url, "https://", 8) == 0)
		host = url + 8;
	else
		return false;
	len = strcspn(host, "/");
	return len > 0 && *host != ':' &&
	    strpbrk(url, " \"<>\\^`{|}?#@") == NULL;
}

enum url_api
url_split(const char *url, size_t *base_len)
{
	static const struct {
		const char	*path;
		enum url_api	 api;
	} known[] = {
		{ "/api/generate", URL_GENERATE },
		{ "/api/chat", URL_CHAT },
		{ "/api", URL_CHAT },
	};
	size_t	len = strlen(url), i, n;

	while (len > 0 && url[len - 1] == '/')
		len--;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		n = strlen(known[i].path);
		if (len > n && memcmp(url + len - n, known[i].path, n) == 0) {
			*base_len = len - n;
			return known[i].api;
		}
	}
	*base_len = len;
	return URL_CHAT;
}
