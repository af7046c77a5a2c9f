/*
 * The addresses of the model's servers.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "limit.h"
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
	return u->weight >= 1 && u->weight <= URL_WEIGHT_MAX;
}

bool
url_valid(const char *list)
{
	uint64_t	key[SERVERS_MAX];
	struct url	u;
	int		count = 0, i;

	while (url_next(&list, &u)) {
		if (count == SERVERS_MAX || !valid(&u))
			return false;
		key[count] = url_key(u.text, u.base);
		for (i = 0; i < count; i++) {
			if (key[i] == key[count])
				return false;
		}
		count++;
	}
	return count > 0;
}

const char *
url_bare(const char *list)
{
	struct url	u;

	while (url_next(&list, &u)) {
		if (memmem(u.text, u.len, "://", 3) == NULL &&
		    memmem(u.text, u.len, "=", 1) == NULL)
			return u.text;
	}
	return NULL;
}

int
url_weights(const char *list)
{
	struct url	u;
	int		sum = 0;

	while (url_next(&list, &u))
		sum += u.weight;
	return sum;
}

uint64_t
url_key(const char *base, size_t len)
{
	uint64_t	key = UINT64_C(0xcbf29ce484222325);	/* FNV-1a */
	size_t		i;

	for (i = 0; i < len; i++)
		key = (key ^ (unsigned char)base[i]) * UINT64_C(0x100000001b3);
	return key == 0 ? 1 : key;
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

/* Takes the word weight=N off a list; 1: another word is next, 0: no number. */
static int
weight(const char **list)
{
	static const char	name[] = "weight=";
	const char		*word = *list + strspn(*list, " "), *digits;
	size_t			 len;

	if (strncmp(word, name, sizeof(name) - 1) != 0)
		return 1;
	digits = word + sizeof(name) - 1;
	len = strspn(digits, "0123456789");
	*list = digits + strcspn(digits, " ");
	return digits + len != *list || len > 3 ? 0 :
	    (int)strtol(digits, NULL, 10);
}

bool
url_next(const char **list, struct url *u)
{
	u->text = *list + strspn(*list, " ");
	u->len = strcspn(u->text, " ");
	*list = u->text + u->len;
	if (u->len == 0)
		return false;
	u->weight = weight(list);
	split(u);
	return true;
}
