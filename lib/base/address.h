/*
 * Clients' addresses: behind proxies, and as keys for limits.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* The size of any address as text, "/64" and NUL included. */
#define ADDRESS_MAX	64

/* Whether a list of addresses and networks (10.0.0.0/8), separated by spaces,
   is well-formed. */
bool address_list_valid(const char *list);

/* Whether an address is in a well-formed list. */
bool address_in(const char *list, const char *address);

/*
 * Writes the client's address to `out' (ADDRESS_MAX bytes), without the port
 * and the quotes that some proxies add.  That is the peer's address, unless the
 * peer is a trusted proxy: then the last address in X-Forwarded-For
 * (`forwarded', or NULL) that is not a trusted proxy.  If that is not an
 * address, the peer's.
 */
void address_client(const char *trusted, const char *peer,
    const char *forwarded, char *out);

/* The address as a key for limits: IPv6 addresses are cut to their /64, because
   that is what one household gets. */
void address_key(const char *address, char *out);

#endif
