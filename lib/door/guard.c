/*
 * Checks what browsers say about a request: see guard.h.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/number.h"
#include "base/origin.h"
#include "door/guard.h"

/* Whether a host of len bytes is an IP address; IPv6 is in brackets. */
static bool
guard_is_address(const char *host, size_t len)
{
	char		text[ADDRESS_MAX];
	struct in6_addr	a;

	if (len >= sizeof(text))
		return false;
	(void)snprintf(text, sizeof(text), "%.*s", (int)len, host);
	if (*text != '[')
		return inet_pton(AF_INET, text, &a) == 1;
	text[len - 1] = '\0';
	return host[len - 1] == ']' && inet_pton(AF_INET6, text + 1, &a) == 1;
}

/* Whether HTTP_HOSTS has a host. */
static bool
guard_is_listed(const char *list, const char *host, size_t len)
{
	size_t	n;

	for (; *(list += strspn(list, " ")) != '\0'; list += n) {
		n = strcspn(list, " ");
		if (n == len && strncasecmp(list, host, n) == 0)
			return true;
	}
	return false;
}

/* Whether a Host, perhaps with a port, is one of ours. */
static bool
guard_allows_host(const struct settings *s, const char *host)
{
	const char	*colon = strrchr(host, ':');
	size_t		 len = strlen(host);
	int64_t		 port;

	/* In brackets a colon belongs to the address. */
	if (colon != NULL && strchr(colon, ']') == NULL) {
		len = (size_t)(colon - host);
		if (!number_read(colon + 1, strlen(colon + 1), 65535, &port))
			return false;
	}
	return len > 0 && (guard_is_address(host, len) ||
	    (len == 9 && strncasecmp(host, "localhost", len) == 0) ||
	    guard_is_listed(s->text[SETTING_HTTP_HOSTS], host, len) ||
	    origin_has_host(s->text[SETTING_ALLOWED_ORIGINS], host, len));
}

bool
guard_allows(const struct settings *s, const struct head *h)
{
	const char	*host = head_host(h);
	const char	*origin = head_field(h, "origin");
	const char	*site = head_field(h, "sec-fetch-site");

	if (host != NULL && !guard_allows_host(s, host))
		return false;
	/* Neither empty, which is none for origin_allowed, nor `null', which is
	   every page in a sandbox, and with `*' not any bytes. */
	if (origin != NULL)
		return origin_valid(origin) &&
		    origin_allowed(s->text[SETTING_ALLOWED_ORIGINS], origin);
	return site == NULL || strcmp(site, "same-origin") == 0 ||
	    strcmp(site, "none") == 0;
}

bool
guard_is_browser(const struct head *h)
{
	size_t	i;

	for (i = 0; i < h->count; i++) {
		if (strcmp(h->field[i].name, "origin") == 0 ||
		    strncmp(h->field[i].name, "sec-fetch-", 10) == 0)
			return true;
	}
	return false;
}
