/*
 * The other end of the connection, as described by the CGI environment (RFC
 * 3875) that websocketd sets.  The client chooses most of it: never trust it.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/language.h"
#include "settings/settings.h"

/* The path of a ticket, without the ticket's number. */
#define CONNECTION_PATH	"/api/websocket/chat/"

struct connection {
	bool		 websocketd;	/* a client of the service: websocketd
					   has set GATEWAY_INTERFACE, or it has
					   connected to the door */
	int64_t		 ticket;	/* from PATH_INFO; 0: it names none.  At
					   a shell PATH_INFO may be "/42"
					   alone */
	const char	*origin;	/* HTTP_ORIGIN or NULL */
	const char	*authorization;	/* HTTP_AUTHORIZATION or NULL */
	const char	*cookie;	/* HTTP_COOKIE or NULL */
	const char	*id;		/* UNIQUE_ID, "-" in a shell */
	char		 remote[ADDRESS_MAX];	/* the client's address,
					   "-" in a shell */
	enum language	 language;	/* of messages, unless a request names
					   its own */
};

/* What is known of a client.  NULL: nothing. */
struct connection_facts {
	bool		 served;	/* by the service, not at a shell */
	const char	*path;		/* that of a ticket */
	const char	*origin, *authorization, *cookie, *id;
	const char	*peer;		/* the address that has connected */
	const char	*forwarded;	/* X-Forwarded-For */
	const char	*languages;	/* Accept-Language */
};

/* Sets a connection.  All texts are borrowed. */
void connection_make(struct connection *, const struct settings *,
    const struct connection_facts *);

/* Whether websocketd has started this process. */
bool connection_is_websocketd(void);

/* Reads the environment.  All texts are borrowed from it. */
void connection_read(struct connection *, const struct settings *);

#endif
