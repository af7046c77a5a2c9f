/*
 * The addresses of the model's servers.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "limit.h"
#include "number.h"
#include "url.h"

/* The server in an address. */
struct server {
	const char	*host;		/* without brackets */
	size_t		 host_len;
	const char	*path;		/* what stands behind the port */
	int64_t		 port;
	bool		 https, brackets;
};

/* Takes an address apart as far as its path; false if it is none. */
static bool
take_apart(const char *text, size_t len, struct server *s)
{
	const char	*end = text + len, *p;

	memset(s, 0, sizeof(*s));
	s->https = len > 8 && strncasecmp(text, "https://", 8) == 0;
	if (!s->https && (len <= 7 || strncasecmp(text, "http://", 7) != 0))
		return false;
	s->host = text + (s->https ? 8 : 7);
	s->port = s->https ? 443 : 80;
	s->path = memchr(s->host, '/', (size_t)(end - s->host));
	if (s->path == NULL)
		s->path = end;
	s->brackets = *s->host == '[';
	if (s->brackets) {
		s->host++;
		p = memchr(s->host, ']', (size_t)(s->path - s->host));
		if (p == NULL)
			return false;
		s->host_len = (size_t)(p++ - s->host);
	} else {
		p = memchr(s->host, ':', (size_t)(s->path - s->host));
		if (p == NULL)
			p = s->path;
		s->host_len = (size_t)(p - s->host);
	}
	if (s->host_len == 0)
		return false;
	return p == s->path || (*p == ':' && number_read(p + 1,
	    (size_t)(s->path - p - 1), 65535, &s->port) && s->port > 0);
}

/* The host as text that ends with '\0', if it is short enough for a number. */
static bool
host_text(const struct server *s, char *to, size_t size)
{
	if (s->host_len >= size)
		return false;
	memcpy(to, s->host, s->host_len);
	to[s->host_len] = '\0';
	return true;
}

/* Whether what stands in brackets is an address of IPv6, or, without, a name
 * or an address of IPv4. */
static bool
host_valid(const struct server *s)
{
	char		text[INET6_ADDRSTRLEN], *zone;
	struct in6_addr	a;
	size_t		i;

	for (i = 0; i < s->host_len && !s->brackets; i++) {
		if (strchr("[]%", s->host[i]) != NULL)
			return false;
	}
	if (!s->brackets)
		return true;
	if (!host_text(s, text, sizeof(text)))
		return false;
	if ((zone = strchr(text, '%')) != NULL)
		*zone = '\0';
	return inet_pton(AF_INET6, text, &a) == 1;
}

/* Whether an address is one that we would ask. */
static bool
valid(const struct url *u)
{
	struct server	s;
	size_t		i;

	if (!take_apart(u->text, u->len, &s) || !host_valid(&s))
		return false;
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

/* Goes on with a key: FNV-1a of these bytes, of a name in small letters. */
static uint64_t
hash(uint64_t key, const void *bytes, size_t len, bool name)
{
	const unsigned char	*p = bytes;
	size_t			 i;

	for (i = 0; i < len; i++)
		key = (key ^ (unsigned char)(name ? tolower(p[i]) : p[i])) *
		    UINT64_C(0x100000001b3);
	return key;
}

/* The same for each way to write a host: IPv4 also as libcurl takes it (127.1,
 * 0x7f000001), and within IPv6. */
static uint64_t
hash_host(uint64_t key, const struct server *s)
{
	char		text[INET6_ADDRSTRLEN];
	struct in6_addr	six;
	struct in_addr	four;
	size_t		len = s->host_len;

	if (host_text(s, text, sizeof(text))) {
		if (s->brackets && inet_pton(AF_INET6, text, &six) == 1)
			return IN6_IS_ADDR_V4MAPPED(&six) ?
			    hash(key, six.s6_addr + 12, 4, false) :
			    hash(key, &six, sizeof(six), false);
		if (!s->brackets && strspn(text, "0123456789abcdefABCDEFxX.") ==
		    len && inet_aton(text, &four) == 1)
			return hash(key, &four, sizeof(four), false);
	}
	if (len > 1 && s->host[len - 1] == '.')
		len--;		/* the root of all names */
	return hash(key, s->host, len, true);
}

uint64_t
url_key(const char *base, size_t len)
{
	uint64_t	key = UINT64_C(0xcbf29ce484222325);
	struct server	s;

	if (take_apart(base, len, &s)) {
		const unsigned char	more[] = { s.https,
					    (unsigned char)(s.port >> 8),
					    (unsigned char)s.port };

		key = hash_host(key, &s);
		key = hash(key, more, sizeof(more), false);
		len -= (size_t)(s.path - base);
		base = s.path;
	}
	key = hash(key, base, len, false);
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
	int64_t			 n;

	if (strncmp(word, name, sizeof(name) - 1) != 0)
		return 1;
	digits = word + sizeof(name) - 1;
	len = strspn(digits, "0123456789");
	*list = digits + strcspn(digits, " ");
	return digits + len == *list &&
	    number_read(digits, len, URL_WEIGHT_MAX, &n) ? (int)n : 0;
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
