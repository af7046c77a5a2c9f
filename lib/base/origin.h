/*
 * Which web pages may use the service: compares the browser's Origin header
 * (RFC 6454) with ALLOWED_ORIGINS.  The same-origin policy does not cover
 * WebSocket, so only this list keeps other sites' pages out.
 */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a list is well-formed: origins scheme://host[:port] separated by
 * spaces, where port `*' means any port; or a single `*' for any origin.
 */
bool origin_list_valid(const char *list);

/*
 * Whether a well-formed list has this origin: same scheme, host and port; the
 * port defaults to the scheme's.  Returns true if the origin is NULL or empty,
 * since the client is then not a browser.
 */
bool origin_allowed(const char *list, const char *origin);

/* Whether a text is an origin as browsers send it: a port is a number. */
bool origin_valid(const char *);

/*
 * Whether an origin in a well-formed list has this host, of len bytes and
 * without a port; an IPv6 address is in brackets.  `*' has none.
 */
bool origin_has_host(const char *list, const char *host, size_t len);

#endif
