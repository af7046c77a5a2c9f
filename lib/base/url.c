/*
 * Parses the upstreams' addresses.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limit.h"
#include "base/number.h"
#include "base/url.h"

/* The server part of an address. */
struct url_server {
	const char	*host;		/* without brackets */
	size_t		 host_len;
	const char	*path;		/* what follows the port */
	int64_t		 port;
	bool		 https, brackets;
};

/* Splits an address at its path.  Returns false if it is not an address. */
static bool
url_parse(const char *text, size_t len, struct url_server *s)
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

/* Writes the host with a NUL, if it is short enough for a numeric address. */
static bool
url_host_text(const struct url_server *s, char *to, size_t size)
{
	if (s->host_len >= size)
		return false;
	memcpy(to, s->host, s->host_len);
	to[s->host_len] = '\0';
	return true;
}

/* Whether the host is valid: IPv6 in brackets; else a name or IPv4. */
static bool
url_host_valid(const struct url_server *s)
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
	if (!url_host_text(s, text, sizeof(text)))
		return false;
	if ((zone = strchr(text, '%')) != NULL)
		*zone = '\0';
	return inet_pton(AF_INET6, text, &a) == 1;
}

/* Whether an entry is an address that we would use. */
static bool
url_entry_valid(const struct url *u)
{
	struct url_server	s;
	size_t		i;

	if (!url_parse(u->text, u->len, &s) || !url_host_valid(&s))
		return false;
	for (i = 0; i < u->len; i++) {
		if (strchr("\"<>\\^`{|}?#@,", u->text[i]) != NULL)
			return false;
	}
	for (i = 0; i < u->name_len; i++) {
		if (!isalnum((unsigned char)u->name[i]) &&
		    strchr("._-", u->name[i]) == NULL)
			return false;
	}
	return u->weight >= 1 && (u->token == NULL || u->token_len > 0) &&
	    (u->name == NULL || (u->name_len > 0 &&
	    u->name_len <= URL_WORD_MAX)) && u->len <= URL_LEN_MAX;
}

/* Whether two entries are the same server, by address or by name=. */
static bool
url_same(const struct url *a, const struct url *b)
{
	char	x[URL_NAME_MAX], y[URL_NAME_MAX];

	if (url_key(a->text, a->base) == url_key(b->text, b->base))
		return true;
	url_name(a, "", x);
	url_name(b, "", y);
	return strcmp(x, y) == 0;
}

/*
 * Whether all addresses are valid and different.  If one is repeated, sets
 * *twice and stops there.
 */
static bool
url_list_check(const char *list, struct url *twice)
{
	struct url	u[SERVERS_MAX + 1];
	int		count = 0, i;

	twice->text = NULL;
	while (url_next(&list, &u[count])) {
		if (count == SERVERS_MAX || !url_entry_valid(&u[count]))
			return false;
		for (i = 0; i < count; i++) {
			if (url_same(&u[i], &u[count])) {
				*twice = u[count];
				return false;
			}
		}
		count++;
	}
	return count > 0;
}

bool
url_valid(const char *list)
{
	struct url	twice;

	return url_list_check(list, &twice);
}

const char *
url_twice(const char *list, size_t *len)
{
	struct url	twice;

	(void)url_list_check(list, &twice);
	*len = twice.text == NULL ? 0 : twice.len;
	return twice.text;
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

/* Continues a key: the FNV-1a hash of these bytes; `name': in lower case. */
static uint64_t
url_hash(uint64_t key, const void *bytes, size_t len, bool name)
{
	const unsigned char	*p = bytes;
	size_t			 i;

	for (i = 0; i < len; i++)
		key = (key ^ (unsigned char)(name ? tolower(p[i]) : p[i])) *
		    UINT64_C(0x100000001b3);
	return key;
}

/* Hashes a host so that all its spellings give the same key: also the IPv4
   forms that libcurl accepts (127.1, 0x7f000001), and IPv4 within IPv6. */
static uint64_t
url_hash_host(uint64_t key, const struct url_server *s)
{
	char		text[INET6_ADDRSTRLEN];
	struct in6_addr	six;
	struct in_addr	four;
	size_t		len = s->host_len;

	if (url_host_text(s, text, sizeof(text))) {
		if (s->brackets && inet_pton(AF_INET6, text, &six) == 1)
			return IN6_IS_ADDR_V4MAPPED(&six) ?
			    url_hash(key, six.s6_addr + 12, 4, false) :
			    url_hash(key, &six, sizeof(six), false);
		if (!s->brackets && strspn(text, "0123456789abcdefABCDEFxX.") ==
		    len && inet_aton(text, &four) == 1)
			return url_hash(key, &four, sizeof(four), false);
	}
	if (len > 1 && s->host[len - 1] == '.')
		len--;		/* a trailing dot: the DNS root */
	return url_hash(key, s->host, len, true);
}

uint64_t
url_key(const char *base, size_t len)
{
	uint64_t	key = UINT64_C(0xcbf29ce484222325);
	struct url_server	s;

	if (url_parse(base, len, &s)) {
		const unsigned char	more[] = { s.https,
					    (unsigned char)(s.port >> 8),
					    (unsigned char)s.port };

		key = url_hash_host(key, &s);
		key = url_hash(key, more, sizeof(more), false);
		len -= (size_t)(s.path - base);
		base = s.path;
	}
	key = url_hash(key, base, len, false);
	return key == 0 ? 1 : key;
}

/*
 * Writes the host in its one spelling: a name in lower case without the
 * trailing dot, a numeric address as inet_ntop(3) writes it, IPv4 within IPv6
 * as IPv4.  The usual loopback addresses become "localhost".  Returns whether
 * only this machine can reach the host.
 */
static bool
url_host_name(const struct url_server *s, char *to, size_t size)
{
	char		text[INET6_ADDRSTRLEN];
	struct in6_addr	six;
	struct in_addr	four;
	size_t		i, len = s->host_len;
	bool		number = false;

	if (url_host_text(s, text, sizeof(text)) && s->brackets &&
	    inet_pton(AF_INET6, text, &six) == 1) {
		if (IN6_IS_ADDR_LOOPBACK(&six)) {
			(void)snprintf(to, size, "localhost");
			return true;
		}
		number = IN6_IS_ADDR_V4MAPPED(&six);
		memcpy(&four, six.s6_addr + 12, sizeof(four));
		if (!number) {
			(void)inet_ntop(AF_INET6, &six, text, sizeof(text));
			(void)snprintf(to, size, "[%s]", text);
			return false;
		}
	} else if (!s->brackets && url_host_text(s, text, sizeof(text))) {
		number = strspn(text, "0123456789abcdefABCDEFxX.") == len &&
		    inet_aton(text, &four) == 1;
	}
	if (number) {
		(void)inet_ntop(AF_INET, &four, to, (socklen_t)size);
		if (four.s_addr == htonl(INADDR_LOOPBACK))
			(void)snprintf(to, size, "localhost");
		return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	if (len > 1 && s->host[len - 1] == '.')
		len--;
	(void)snprintf(to, size, s->brackets ? "[%.*s]" : "%.*s", (int)len,
	    s->host);
	for (i = 0; to[i] != '\0'; i++)
		to[i] = (char)tolower((unsigned char)to[i]);
	return strcmp(to, "localhost") == 0;
}

void
url_name(const struct url *u, const char *machine, char to[URL_NAME_MAX])
{
	char		host[URL_LEN_MAX + 3];
	struct url_server	s;
	bool		ours;

	if (u->name_len > 0 || !url_parse(u->text, u->base, &s)) {
		(void)snprintf(to, URL_NAME_MAX, "%.*s", (int)(u->name_len > 0 ?
		    u->name_len : u->base), u->name_len > 0 ? u->name :
		    u->text);
		return;
	}
	ours = url_host_name(&s, host, sizeof(host));
	(void)snprintf(to, URL_NAME_MAX, "%.64s%shttp%s://%s:%d%.*s",
	    ours ? machine : "", ours && *machine != '\0' ? "/" : "",
	    s.https ? "s" : "", host, (int)s.port,
	    (int)(u->text + u->base - s.path), s.path);
}

/* Whether an address needs neither TLS nor DNS. */
static bool
url_entry_simple(const struct url *u)
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
		if (!url_entry_simple(&u))
			return false;
	}
	return true;
}

/* Finds which API an address names, and where its base ends.  Only the path
   counts: a host may be called "api" or "v1". */
static void
url_split(struct url *u)
{
	static const struct {
		const char	*path;
		enum url_api	 api;
	} known[] = {
		{ "/api/generate", URL_GENERATE },
		{ "/api/chat", URL_CHAT },
		{ "/api", URL_CHAT },
		{ "/v1/chat/completions", URL_OPENAI },
		{ "/v1", URL_OPENAI },
	};
	struct url_server	s;
	size_t			len = u->len, path, i, n;

	path = url_parse(u->text, len, &s) ? (size_t)(s.path - u->text) : len;
	while (len > 0 && u->text[len - 1] == '/')
		len--;
	u->base = len;
	u->api = URL_CHAT;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		n = strlen(known[i].path);
		if (len >= path + n &&
		    memcmp(u->text + len - n, known[i].path, n) == 0) {
			u->base = len - n;
			u->api = known[i].api;
			return;
		}
	}
}

/*
 * Removes a word name=VALUE from the list.  Returns its value, or NULL if the
 * next word is another one.
 */
static const char *
url_word(const char **list, const char *name, size_t *len)
{
	const char	*w = *list + strspn(*list, " ");
	const size_t	 n = strlen(name);

	if (strncmp(w, name, n) != 0)
		return NULL;
	*len = strcspn(w + n, " ");
	*list = w + n + *len;
	return w + n;
}

bool
url_next(const char **list, struct url *u)
{
	const char	*weight = NULL;
	size_t		 len = 0;
	int64_t		 n;

	memset(u, 0, sizeof(*u));
	u->text = *list + strspn(*list, " ");
	u->len = strcspn(u->text, " ");
	*list = u->text + u->len;
	if (u->len == 0)
		return false;
	/* The words in any order, each once; a second one is no address. */
	while ((u->name == NULL && (u->name = url_word(list, "name=",
	    &u->name_len)) != NULL) || (weight == NULL && (weight =
	    url_word(list, "weight=", &len)) != NULL) || (u->token == NULL &&
	    (u->token = url_word(list, "token=", &u->token_len)) != NULL))
		;
	u->weight = weight == NULL ? 1 : number_read(weight, len,
	    URL_WEIGHT_MAX, &n) ? (int)n : 0;
	url_split(u);
	return true;
}

bool
url_first_host(const char *list, const struct url *u)
{
	struct url_server	a, b;
	struct url		first;

	return url_next(&list, &first) &&
	    url_parse(first.text, first.len, &a) &&
	    url_parse(u->text, u->len, &b) &&
	    url_key(first.text, (size_t)(a.path - first.text)) ==
	    url_key(u->text, (size_t)(b.path - u->text));
}
