/*
 * Who is at the other end: the CGI environment that websocketd gives to a
 * handler (RFC 3875 in spirit), read once and never trusted.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/language.h"
#include "settings/settings.h"

/* What stands in front of a ticket's number in the address. */
#define CONNECTION_PATH	"/api/websocket/chat/"

struct connection {
	bool		 websocketd;	/* GATEWAY_INTERFACE is set */
	int64_t		 ticket;	/* PATH_INFO: CONNECTION_PATH and
					   a number, at a shell also a slash
					   and a number; 0: it names none */
	const char	*origin;	/* HTTP_ORIGIN or NULL */
	const char	*authorization;	/* HTTP_AUTHORIZATION or NULL */
	const char	*cookie;	/* HTTP_COOKIE or NULL */
	const char	*id;		/* UNIQUE_ID, "-" in a shell */
	char		 remote[ADDRESS_MAX];	/* the client's address,
					   "-" in a shell */
	enum language	 language;	/* of messages, unless one names its */
};

/* Whether websocketd has started us. */
bool connection_is_websocketd(void);

/* Reads the environment; the texts are borrowed from it. */
void connection_read(struct connection *, const struct settings *);

#endif
