/*
 * What a browser may be made to do: another site's page can send requests from
 * its visitor's browser, and can have its own name lead to our address (DNS
 * rebinding).  Checked before anything is looked up.
 */
#ifndef GUARD_H
#define GUARD_H

#include <stdbool.h>

#include "door/head.h"
#include "settings/settings.h"

/*
 * Whether a request may come in.  Its Origin, if there is one, is in
 * ALLOWED_ORIGINS.  Without one, Sec-Fetch-Site, which browsers send, is
 * same-origin or none.  Its Host is an IP address, localhost, or the host of an
 * entry of ALLOWED_ORIGINS or HTTP_HOSTS; only HTTP/1.0 needs none.
 */
bool guard_allows(const struct settings *, const struct head *);

/*
 * Whether a browser has sent the request.  Then a body of a type that needs no
 * preflight is refused.
 */
bool guard_is_browser(const struct head *);

#endif
