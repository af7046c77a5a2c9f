/*
 * Parses and compares origins.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/origin.h"

/* The parts of an origin; the port as text, "*" for any. */
struct origin {
	const char	*scheme, *host, *port;
	size_t		 scheme_len, host_len, port_len;
};

/* The default port of a scheme. */
static const char *
origin_scheme_port(const struct origin *o)
{
	if (o->scheme_len == 4 && strncasecmp(o->scheme, "http", 4) == 0)
		return "80";
	if (o->scheme_len == 5 && strncasecmp(o->scheme, "https", 5) == 0)
		return "443";
	return "";
}

/* Splits an origin.  The host may be an IPv6 address in brackets. */
static bool
origin_split(const char *s, size_t len, struct origin *o)
{
	const char	*end = s + len, *p, *colon;
	int64_t		 port;

	for (p = s; p < end && (isalnum((unsigned char)*p) ||
	    strchr("+-.", *p) != NULL); p++)
		;
	if (p == s || end - p < 4 || memcmp(p, "://", 3) != 0)
		return false;
	o->scheme = s;
	o->scheme_len = (size_t)(p - s);
	o->host = p += 3;
	if (*p == '[' && (p = memchr(p, ']', (size_t)(end - p))) == NULL)
		return false;
	colon = memchr(p, ':', (size_t)(end - p));
	o->host_len = (size_t)((colon != NULL ? colon : end) - o->host);
	o->port = colon != NULL ? colon + 1 : origin_scheme_port(o);
	o->port_len = colon != NULL ? (size_t)(end - o->port) :
	    strlen(o->port);
	for (p = o->host; p < o->host + o->host_len; p++) {
		if (!isalnum((unsigned char)*p) &&
		    strchr("-._[]:", *p) == NULL)
			return false;
	}
	if (o->port_len == 1 && *o->port == '*')
		return o->host_len > 0;
	return o->host_len > 0 && (colon == NULL || (number_read(o->port,
	    o->port_len, 65535, &port) && port > 0));
}

static bool
origin_same(const char *a, size_t alen, const char *b, size_t blen)
{
	return alen == blen && strncasecmp(a, b, alen) == 0;
}

bool
origin_list_valid(const char *list)
{
	struct origin	o;
	size_t		len;

	if (strcmp(list, "*") == 0)
		return true;
	for (; *list != '\0'; list += len) {
		list += strspn(list, " ");
		len = strcspn(list, " ");
		if (len > 0 && !origin_split(list, len, &o))
			return false;
	}
	return true;
}

bool
origin_valid(const char *origin)
{
	struct origin	o;

	return origin_split(origin, strlen(origin), &o) &&
	    (o.port_len != 1 || *o.port != '*');
}

bool
origin_allowed(const char *list, const char *origin)
{
	struct origin	o, e;
	size_t		len;

	if (origin == NULL || *origin == '\0' || strcmp(list, "*") == 0)
		return true;
	if (!origin_split(origin, strlen(origin), &o) ||
	    (o.port_len == 1 && *o.port == '*'))
		return false;	/* such as "null" or file:// */
	for (; *list != '\0'; list += len) {
		list += strspn(list, " ");
		len = strcspn(list, " ");
		if (len > 0 && origin_split(list, len, &e) &&
		    origin_same(
			e.scheme, e.scheme_len, o.scheme, o.scheme_len) &&
		    origin_same(e.host, e.host_len, o.host, o.host_len) &&
		    ((e.port_len == 1 && *e.port == '*') ||
			origin_same(e.port, e.port_len, o.port, o.port_len)))
			return true;
	}
	return false;
}

bool
origin_has_host(const char *list, const char *host, size_t host_len)
{
	struct origin	e;
	size_t		len;

	for (; *list != '\0'; list += len) {
		list += strspn(list, " ");
		len = strcspn(list, " ");
		if (len > 0 && origin_split(list, len, &e) &&
		    origin_same(e.host, e.host_len, host, host_len))
			return true;
	}
	return false;
}
