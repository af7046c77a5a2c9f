/*
 * Reads the CGI environment of a connection.
 */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "request/connection.h"

static enum language
connection_language(const struct settings *s, const char *accepted)
{
	enum language	 l;

	if (s->number[SETTING_LANGUAGE] == LANGUAGE_FIXED_PT)
		return LANGUAGE_PT;
	if (s->number[SETTING_LANGUAGE] == LANGUAGE_FIXED_EN)
		return LANGUAGE_EN;
	if (s->number[SETTING_LANGUAGE] == LANGUAGE_FIXED_ES)
		return LANGUAGE_ES;
	if (accepted == NULL || (l = language_of(accepted)) ==
	    LANGUAGE__MAX)
		return LANGUAGE_PT;
	return l;
}

/*
 * The ticket in the path; 0: none.  websocketd accepts every path, so check the
 * whole path; at a shell "/42" is enough.
 */
static int64_t
connection_ticket(const char *path, bool websocketd)
{
	const size_t	len = strlen(CONNECTION_PATH);

	if (path == NULL)
		return 0;
	if (strncmp(path, CONNECTION_PATH, len) == 0)
		return number_id(path + len);
	return !websocketd && *path == '/' ? number_id(path + 1) : 0;
}

/* A text of the environment; "-" if it is empty or not there. */
static const char *
connection_text(const char *v)
{
	return v != NULL && *v != '\0' ? v : "-";
}

bool
connection_is_websocketd(void)
{
	return getenv("GATEWAY_INTERFACE") != NULL;
}

void
connection_make(struct connection *c, const struct settings *s,
    const struct connection_facts *f)
{
	c->websocketd = f->served;
	c->ticket = connection_ticket(f->path, f->served);
	c->origin = f->origin;
	c->authorization = f->authorization;
	c->cookie = f->cookie;
	c->id = connection_text(f->id);
	address_client(s->text[SETTING_TRUSTED_PROXIES],
	    connection_text(f->peer), f->forwarded, c->remote);
	c->language = connection_language(s, f->languages);
}

void
connection_read(struct connection *c, const struct settings *s)
{
	const struct connection_facts	f = {
		.served = connection_is_websocketd(),
		.path = getenv("PATH_INFO"),
		.origin = getenv("HTTP_ORIGIN"),
		.authorization = getenv("HTTP_AUTHORIZATION"),
		.cookie = getenv("HTTP_COOKIE"),
		.id = getenv("UNIQUE_ID"),
		.peer = getenv("REMOTE_ADDR"),
		.forwarded = getenv("HTTP_X_FORWARDED_FOR"),
		.languages = getenv("HTTP_ACCEPT_LANGUAGE")
	};

	connection_make(c, s, &f);
}
