/*
 * Which web pages may use the service: the browser's Origin header (RFC 6454)
 * against ALLOWED_ORIGINS.  The same-origin policy does not cover WebSocket,
 * so this list is what keeps other people's pages out.
 */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stdbool.h>

/*
 * Whether a list is well-formed: origins apart by spaces, each
 * scheme://host[:port], a port of `*' for any; or a single `*' for everybody.
 */
bool origin_list_valid(const char *list);

/*
 * Whether an origin is in a valid list: same scheme, host and port, the
 * scheme's own port where none stands.  NULL or empty is no browser: true.
 */
bool origin_allowed(const char *list, const char *origin);

#endif
