/*
 * Addresses that a page may link to.
 */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>

enum { LINK_MAX = 1000 };	/* bytes */

/*
 * Whether a text is an address of the web: http or https, with a host, without
 * a user, of at most LINK_MAX bytes, all of them visible.
 */
bool link_is_good(const char *text, size_t len);

#endif
