/*
 * sessions doctor: who can connect.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/token.h"
#include "base/file.h"
#include "base/limit.h"
#include "ollama/prompt.h"
#include "sessions/doctor.h"

/* Whether a host is this machine and cannot be reached from others. */
static bool
doctor_is_loopback(const char *host, size_t len)
{
	return (len >= 4 && memcmp(host, "127.", 4) == 0) ||
	    (len == 5 && memcmp(host, "[::1]", 5) == 0) ||
	    (len == 9 && memcmp(host, "localhost", 9) == 0);
}

/* Whether all addresses or origins in a list are on this machine. */
static bool
doctor_all_loopback(const char *list)
{
	const char	*host, *scheme;
	size_t		 len;

	for (; *(list += strspn(list, " ")) != '\0'; list += len) {
		len = strcspn(list, " ");
		scheme = memmem(list, len, "://", 3);
		host = scheme == NULL ? list : scheme + 3;
		if (!doctor_is_loopback(host, *host == '[' ? strcspn(host,
		    "]") + 1 : strcspn(host, ": ")))
			return false;
	}
	return true;
}

/*
 * Finds an http origin on another machine whose page is probably served by
 * https: by TLS here, or by a proxy, which must exist if only this machine can
 * connect to us.  With TLS here any http origin counts, if there is no https
 * origin.
 */
static bool
doctor_access_find_http(const struct settings *s, char *to, size_t size)
{
	const char	*list = s->text[SETTING_ALLOWED_ORIGINS], *host;
	const bool	 tls = *s->text[SETTING_TLS_CERT] != '\0';
	size_t		 len;

	if (strstr(list, "https://") != NULL || (!tls &&
	    *s->text[SETTING_TRUSTED_PROXIES] == '\0' &&
	    !doctor_all_loopback(s->text[SETTING_ADDRESS])))
		return false;
	for (; *(list += strspn(list, " ")) != '\0'; list += len) {
		len = strcspn(list, " ");
		if (len < 8 || memcmp(list, "http://", 7) != 0)
			continue;
		host = list + 7;
		if (!tls && doctor_is_loopback(host, *host == '[' ?
		    strcspn(host, "]") + 1 : strcspn(host, ": ")))
			continue;
		(void)snprintf(to, size, "%.*s", (int)len, list);
		return true;
	}
	return false;
}

void
doctor_address(struct doctor *d)
{
	const struct settings	*s = d->settings;
	const char		*origins = s->text[SETTING_ALLOWED_ORIGINS];
	const bool		 open = s->number[SETTING_AUTH] == AUTH_OFF;
	const bool		 here =
	    doctor_all_loopback(s->text[SETTING_ADDRESS]);
	char			 origin[256];

	if (strcmp(origins, "*") == 0 && open)
		doctor_tell(d, DOCTOR_WARNING, "ALLOWED_ORIGINS", "* lets any "
		    "web page read every ticket\nSet it to the pages of the "
		    "help desk");
	else if (strcmp(origins, "*") != 0 && !here &&
	    doctor_all_loopback(origins))
		doctor_tell(d, DOCTOR_WARNING, "ALLOWED_ORIGINS", "ADDRESS "
		    "lets other machines connect, but only pages of this "
		    "machine are allowed\nAdd the pages of the help desk, as "
		    "https://help.example");
	else if (doctor_access_find_http(s, origin, sizeof(origin)))
		doctor_tell(d, DOCTOR_WARNING, "ALLOWED_ORIGINS", "%s does not "
		    "allow the same page on https\nWrite https:// if browsers "
		    "show a padlock", origin);
	else
		doctor_tell(d, DOCTOR_OK, "ALLOWED_ORIGINS", "%s", origins);
}

/* Reports the kind of each key, and each key that is not used. */
static void
doctor_access_keys(struct doctor *d, const struct token_keys *keys)
{
	const struct token_key	*k;
	size_t			 i;

	for (i = 0; i < keys->count; i++) {
		k = &keys->key[i];
		if (k->key == NULL)
			doctor_tell(d, DOCTOR_OK, "JWT_KEY_FILE",
			    "%s: one key of the set is not used: %s", k->file,
			    k->why);
		else
			doctor_tell(d, DOCTOR_OK, "JWT_KEY_FILE",
			    "%s: %s, %s of %zu bits, kid %s%s", k->file,
			    k->key->algorithm, k->key->kind, k->key->bits,
			    k->id, k->undeclared ? " (taken for a secret "
			    "because of its form; hs256: in front of the name "
			    "declares it)" : "");
	}
}

void
doctor_auth(struct doctor *d)
{
	const struct settings	*s = d->settings;
	const bool		 here =
	    doctor_all_loopback(s->text[SETTING_ADDRESS]);
	struct token_keys	 keys;
	char			 error[512];

	if (s->number[SETTING_AUTH] == AUTH_OFF) {
		doctor_tell(d, here ? DOCTOR_OK : DOCTOR_WARNING, "AUTH",
		    "off: %s", here ? "whoever reaches this machine's port can "
		    "see every ticket" : "ADDRESS lets other machines connect "
		    "and see every ticket\nSet AUTH=required, or set ADDRESS "
		    "to the loopback behind a proxy that authenticates users");
		return;
	}
	if (token_keys_read(&keys, s->text[SETTING_JWT_KEY_FILE], error,
	    sizeof(error)) == -1) {
		doctor_tell(d, DOCTOR_ERROR, "AUTH", "JWT_KEY_FILE: %s\n"
		    "Without a key the service does not start", error);
		return;
	}
	if (!here && *s->text[SETTING_TLS_CERT] == '\0')
		doctor_tell(d, DOCTOR_WARNING, "AUTH", "JWTs from other "
		    "machines arrive unencrypted\nSet ADDRESS to the loopback "
		    "behind a proxy with TLS, or set TLS_CERT");
	else
		doctor_tell(d, DOCTOR_OK, "AUTH", "required, %zu key%s",
		    keys.usable, keys.usable == 1 ? "" : "s");
	doctor_access_keys(d, &keys);
	token_keys_free(&keys);
}

/* Checks that the file in a setting can be read, and a secret one only by
   us. */
static void
doctor_access_file(
    struct doctor *d, enum setting which, size_t max, bool secret)
{
	const char	*path = d->settings->text[which];
	const char	*what = settings_key(which);
	char		*data;
	size_t		 len;

	if (*path == '\0')
		return;
	if ((data = file_read(path, max, secret, &len)) != NULL)
		doctor_tell(d, DOCTOR_OK, what, "%s", path);
	else if (errno == EPERM)
		doctor_tell(d, DOCTOR_ERROR, what, "other users can read %s\n"
		    "chmod 600 %s", path, path);
	else
		doctor_tell(d, DOCTOR_ERROR, what, "%s: %s\nMake it readable "
		    "for this user", path, strerror(errno));
	if (data != NULL)
		explicit_bzero(data, len);
	free(data);
}

/* Checks that the system prompt is text that a model can read. */
static void
doctor_access_prompt(struct doctor *d)
{
	const char	*path = d->settings->text[SETTING_SYSTEM_PROMPT_FILE];
	const char	*why;
	char		*text;

	if (*path == '\0')
		return;
	if ((text = prompt_system(d->settings, &why)) == NULL)
		doctor_tell(d, DOCTOR_ERROR, "SYSTEM_PROMPT_FILE", "%s: %s\nIt "
		    "must be UTF-8 text that this user can read",
		    path, why == NULL ? strerror(errno) : why);
	else
		doctor_tell(d, DOCTOR_OK, "SYSTEM_PROMPT_FILE", "%s", path);
	free(text);
}

void
doctor_files(struct doctor *d)
{
	const struct settings	*s = d->settings;

	doctor_access_file(d, SETTING_TLS_CERT, SETTINGS_FILE_MAX, false);
	doctor_access_file(d, SETTING_TLS_KEY, KEY_FILE_MAX, true);
	doctor_access_file(d, SETTING_OLLAMA_TOKEN_FILE, TOKEN_MAX, true);
	if (strcmp(s->text[SETTING_SYSTEM_PROMPT_FILE], "none") != 0)
		doctor_access_prompt(d);
}
