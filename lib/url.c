/*
 * The addresses of the model's servers.
 */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "url.h"

/* Whether an address is one that we would ask. */
static bool
valid(const struct url *u)
{
	size_t	scheme, i;

	if (u->len > 7 && strncasecmp(u->text, "http://", 7) == 0)
		scheme = 7;
	else if (u->len > 8 && strncasecmp(u->text, "https://", 8) == 0)
		scheme = 8;
	else
		return false;
	if (strchr("/:", u->text[scheme]) != NULL)
		return false;	/* no host */
	for (i = 0; i < u->len; i++) {
		if (strchr("\"<>\\^`{|}?#@,", u->text[i]) != NULL)
			return false;
	}
	return true;
}

bool
url_valid(const char *list)
{
	struct url	u;
	bool		any = false;

	while (url_next(&list, &u)) {
		if (!valid(&u))
			return false;
		any = true;
	}
	return any;
}

/* Whether an address needs neither TLS nor a resolver. */
static bool
simple(const struct url *u)
{
	char		host[INET6_ADDRSTRLEN + 1];
	const char	*from = u->text + 7;
	struct in6_addr	a;
	size_t		len;
	int		family = AF_INET;

	if (strncasecmp(u->text, "http://", 7) != 0)
		return false;
	if (*from == '[') {
		family = AF_INET6;
		from++;
	}
	len = strcspn(from, family == AF_INET ? ":/ " : "] ");
	if (len >= sizeof(host))
		return false;
	memcpy(host, from, len);
	host[len] = '\0';
	return (family == AF_INET && strcasecmp(host, "localhost") == 0) ||
	    inet_pton(family, host, &a) == 1;
}

bool
url_simple(const char *list)
{
	struct url	u;

	while (url_next(&list, &u)) {
		if (!simple(&u))
			return false;
	}
	return true;
}

/* Finds which API an address names, and what stands before it. */
static void
split(struct url *u)
{
	static const struct {
		const char	*path;
		enum url_api	 api;
	} known[] = {
		{ "/api/generate", URL_GENERATE },
		{ "/api/chat", URL_CHAT },
		{ "/api", URL_CHAT },
	};
	size_t	len = u->len, i, n;

	while (len > 0 && u->text[len - 1] == '/')
		len--;
	u->base = len;
	u->api = URL_CHAT;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		n = strlen(known[i].path);
		if (len > n &&
		    memcmp(u->text + len - n, known[i].path, n) == 0) {
			u->base = len - n;
			u->api = known[i].api;
			return;
		}
	}
}

bool
url_next(const char **list, struct url *u)
{
	u->text = *list + strspn(*list, " ");
	u->len = strcspn(u->text, " ");
	*list = u->text + u->len;
	if (u->len == 0)
		return false;
	split(u);
	return true;
}
