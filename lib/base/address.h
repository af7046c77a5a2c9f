/*
 * Addresses of clients: behind proxies, and as keys of limits.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Long enough for any address as text, "/64" included. */
#define ADDRESS_MAX	64

/* Whether a list of addresses and networks (10.0.0.0/8), apart by spaces, is
 * well-formed. */
bool address_list_valid(const char *list);

/* Whether an address is in a valid list. */
bool address_in(const char *list, const char *address);

/*
 * The client's address: the peer's, unless it is a trusted proxy; then the
 * last one of X-Forwarded-For (`forwarded' or NULL) that is none, without the
 * port and the quotes that some proxies write.  `out' has ADDRESS_MAX bytes;
 * what is no address becomes the peer's.
 */
void address_client(const char *trusted, const char *peer,
    const char *forwarded, char *out);

/* The address for limits: an IPv6 one stands for its /64, which is what one
 * household gets. */
void address_key(const char *address, char *out);

#endif
