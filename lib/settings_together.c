/*
 * What concerns more than one setting.
 */
#include <stdbool.h>
#include <string.h>

#include "settings_file.h"

/*
 * Whether an address of a database holds a password, which everybody could
 * read who may see the settings or the processes.
 */
static bool
holds_password(const char *uri)
{
	const char	*host = strstr(uri, "://") + 3;
	const size_t	 user = strcspn(host, "@/?");

	const char	*options = strchr(uri, '?');

	/* Behind the ? a % might spell it otherwise. */
	return (host[user] == '@' && memchr(host, ':', user) != NULL) ||
	    (options != NULL && (strstr(options, "password=") != NULL ||
	    strchr(options, '%') != NULL));
}

/* The settings about a database that is no file. */
static int
check_server(struct settings *s)
{
	const char	*uri = s->text[SETTING_DATABASE];
	const bool	 theirs = *s->text[SETTING_TICKETS_TABLE] != '\0';

	if (strncmp(uri, "postgres", 8) != 0)
		return theirs ? settings_fail(s, "TICKETS_TABLE goes with a "
		    "DATABASE of PostgreSQL") : 0;
	if (strncmp(uri, "postgres://", 11) != 0 &&
	    strncmp(uri, "postgresql://", 13) != 0)
		return settings_fail(s, "DATABASE=%.60s: neither a file nor "
		    "postgres://USER@HOST/DATABASE", uri);
	if (holds_password(uri))
		return settings_fail(s, "DATABASE: no password in it, and "
		    "no %% behind its ?; passfile=/etc/ticketchat/pgpass "
		    "names a file with the password");
	if (theirs && s->number[SETTING_TICKETS] != TICKETS_EXISTING)
		return settings_fail(s, "TICKETS_TABLE needs "
		    "TICKETS=existing: nothing is added to that table");
	return 0;
}

int
settings_together(struct settings *s)
{
	if ((*s->text[SETTING_TLS_CERT] == '\0') !=
	    (*s->text[SETTING_TLS_KEY] == '\0'))
		return settings_fail(s, "TLS_CERT and TLS_KEY go together");
	if (s->number[SETTING_AUTH] == AUTH_REQUIRED &&
	    *s->text[SETTING_JWT_KEY_FILE] == '\0')
		return settings_fail(s, "AUTH=required needs JWT_KEY_FILE");
	return check_server(s);
}
