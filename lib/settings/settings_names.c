/*
 * The names that settings have in the environment.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings/settings_read.h"
#include "settings/settings_names.h"

enum { NAME_LONGEST = 64 };	/* bytes of a name that are compared */

/* Whether `text' begins with a prefix. */
static bool
settings_names_begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Whether a name ends with a suffix. */
static bool
settings_names_ends(const char *name, size_t len, const char *suffix)
{
	const size_t	n = strlen(suffix);

	return len >= n && memcmp(name + len - n, suffix, n) == 0;
}

/* Whether a name holds PORT_<digits>_TCP or PORT_<digits>_UDP. */
static bool
holds_port(const char *name, size_t len)
{
	static const char	port[] = "_PORT_";
	const char		*p = name, *digits, *end = name + len;
	size_t			 n;

	while ((p = memmem(p, (size_t)(end - p), port, sizeof(port) - 1)) !=
	    NULL) {
		p += sizeof(port) - 1;
		digits = p;
		n = strspn(digits, "0123456789");
		if (n > 0 && (settings_names_begins(digits + n, "_TCP") ||
		    settings_names_begins(digits + n, "_UDP")))
			return true;
	}
	return false;
}

bool
settings_injected(const char *name, size_t len, const char *value)
{
	/* The `_' in front is the prefix's, if the name has none before. */
	name--;
	len++;
	return settings_names_ends(name, len, "_SERVICE_HOST") ||
	    memmem(name, len, "_SERVICE_PORT", 13) != NULL ||
	    (settings_names_ends(name, len, "_PORT") &&
		(settings_names_begins(value, "tcp://") ||
		    settings_names_begins(value, "udp://"))) ||
	    holds_port(name, len) ||
	    (len == 5 && settings_names_begins(name, "_NAME")) ||
	    settings_names_begins(name, "_ENV_");
}

/* How many bytes have to be changed, added, dropped or swapped. */
static size_t
distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t	row[3][NAME_LONGEST + 1], i, k, best;

	for (k = 0; k <= blen; k++)
		row[0][k] = k;
	for (i = 1; i <= alen; i++) {
		size_t		*now = row[i % 3];
		const size_t	*last = row[(i - 1) % 3];

		now[0] = i;
		for (k = 1; k <= blen; k++) {
			best = last[k - 1] + (toupper((unsigned char)
			    a[i - 1]) != b[k - 1]);
			if (last[k] + 1 < best)
				best = last[k] + 1;
			if (now[k - 1] + 1 < best)
				best = now[k - 1] + 1;
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1] &&
			    row[(i - 2) % 3][k - 2] + 1 < best)
				best = row[(i - 2) % 3][k - 2] + 1;
			now[k] = best;
		}
	}
	return row[alen % 3][blen];
}

size_t
settings_alike(const char *name, size_t len)
{
	size_t		 i, d, best = SETTING__MAX, least = SIZE_MAX, n;
	const char	*key;

	if (len == 0 || len > NAME_LONGEST)
		return SETTING__MAX;
	for (i = 0; i < SETTING__MAX; i++) {
		key = settings_key((enum setting)i);
		n = strlen(key);
		d = distance(name, len, key, n);
		/* A part of it: JWT_KEY, MODEL, ORIGINS. */
		if (len > 3 && d > 2 && memmem(key, n, name, len) != NULL)
			d = 2;
		if (d < least && (d <= 2 || d <= len / 3)) {
			least = d;
			best = i;
		}
	}
	return best;
}

int
settings_fail_name(struct settings *s, const char *name)
{
	const int	 len = (int)strcspn(name, "=");
	const size_t	 prefix = strlen(SETTINGS_PREFIX);
	const size_t	 i = settings_alike(name + prefix,
			     (size_t)len - prefix);

	if (i == SETTING__MAX)
		return settings_fail(s, "%.*s in the environment: there is no "
		    "such setting; websocketd.conf has all of them, unset it",
		    len < 100 ? len : 100, name);
	return settings_fail(s, "%.*s in the environment: there is no such "
	    "setting; did you mean %s%s?", len < 100 ? len : 100, name,
	    SETTINGS_PREFIX, settings_key((enum setting)i));
}

/* The bare value of a setting in the environment; NULL if there is none. */
static const char *
settings_names_bare(const struct settings *s, size_t i)
{
	const char	*v;

	if (settings_names_begins(settings_key((enum setting)i), "OLLAMA_"))
		return NULL;	/* that one counts */
	v = getenv(settings_key((enum setting)i));
	return v == NULL || *v == '\0' || strcmp(v, s->text[i]) == 0 ? NULL :
	    v;
}

/* Whether a bare name that differs is refused. */
static bool
settings_names_refused(size_t i, enum settings_bare which)
{
	static const enum setting	service[] = {
		SETTING_AUTH, SETTING_ALLOWED_ORIGINS,
		SETTING_TRUSTED_PROXIES, SETTING_RATE_LIMIT,
		SETTING_MAX_VIEWERS, SETTING_TICKETS, SETTING_ADDRESS,
	};
	size_t				k;

	if (i == SETTING_DATABASE || i == SETTING_RUN_DIR)
		return true;
	if (which != SETTINGS_BARE_SERVICE)
		return false;
	for (k = 0; k < sizeof(service) / sizeof(service[0]); k++) {
		if (service[k] == i)
			return true;
	}
	return settings_names_begins(settings_key((enum setting)i), "JWT_");
}

int
settings_refuse_bare(struct settings *s, enum settings_bare which)
{
	const char	*key;
	size_t		 i;

	for (i = 0; i < SETTING__MAX; i++) {
		if (!settings_names_refused(i, which) ||
		    settings_names_bare(s, i) == NULL)
			continue;
		key = settings_key((enum setting)i);
		return settings_fail(s, "%s is in the environment and counts "
		    "no more, as it did in 0.1, but differs from the setting "
		    "(%.100s): call it %s%s, or unset %s", key,
		    *s->text[i] == '\0' ? "empty" : s->text[i],
		    SETTINGS_PREFIX, key, key);
	}
	return 0;
}

const char *
settings_bare_names(const struct settings *s, char *to, size_t size)
{
	const char	*v;
	size_t		 i, len = 0;

	*to = '\0';
	for (i = 0; i < SETTING__MAX && len < size; i++) {
		if (!settings_names_refused(i, SETTINGS_BARE_SERVICE) &&
		    (v = settings_names_bare(s, i)) != NULL &&
		    settings_good((enum setting)i, v))
			len += (size_t)snprintf(to + len, size - len, "%s%s",
			    len == 0 ? "" : " ",
			    settings_key((enum setting)i));
	}
	return to;
}
