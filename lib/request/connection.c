/*
 * Reads the CGI environment of a connection.
 */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "request/connection.h"

static enum language
connection_language(const struct settings *s)
{
	const char	*accepted;
	enum language	 l;

	if (s->number[SETTING_LANGUAGE] == LANGUAGE_FIXED_PT)
		return LANGUAGE_PT;
	if (s->number[SETTING_LANGUAGE] == LANGUAGE_FIXED_EN)
		return LANGUAGE_EN;
	if (s->number[SETTING_LANGUAGE] == LANGUAGE_FIXED_ES)
		return LANGUAGE_ES;
	if ((accepted = getenv("HTTP_ACCEPT_LANGUAGE")) == NULL ||
	    (l = language_of(accepted)) == LANGUAGE__MAX)
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

static const char *
connection_env(const char *name)
{
	const char	*v = getenv(name);

	return v != NULL && *v != '\0' ? v : "-";
}

bool
connection_is_websocketd(void)
{
	return getenv("GATEWAY_INTERFACE") != NULL;
}

void
connection_read(struct connection *c, const struct settings *s)
{
	c->websocketd = connection_is_websocketd();
	c->ticket = connection_ticket(getenv("PATH_INFO"), c->websocketd);
	c->origin = getenv("HTTP_ORIGIN");
	c->authorization = getenv("HTTP_AUTHORIZATION");
	c->cookie = getenv("HTTP_COOKIE");
	c->id = connection_env("UNIQUE_ID");
	address_client(s->text[SETTING_TRUSTED_PROXIES],
	    connection_env("REMOTE_ADDR"), getenv("HTTP_X_FORWARDED_FOR"),
	    c->remote);
	c->language = connection_language(s);
}
