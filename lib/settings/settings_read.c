/*
 * Where the values of the settings come from: the environment, the file
 * websocketd.conf, and names in either that are no setting's.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limit.h"
#include "settings/settings_read.h"

enum { NAME_LONGEST = 64 };	/* bytes of a name that are compared */

static const char	prefix[] = SETTINGS_PREFIX;
static const char	bare[] = "OLLAMA_";	/* names that count bare, too */

enum { PREFIX_LEN = sizeof(prefix) - 1, BARE_LEN = sizeof(bare) - 1 };

int
settings_fail(struct settings *s, const char *format, ...)
{
	va_list	ap;

	va_start(ap, format);
	(void)vsnprintf(s->error, sizeof(s->error), format, ap);
	va_end(ap);
	return -1;
}

/* Whether `text' begins with `start'. */
static bool
settings_begins(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* Whether a name of this length ends with `suffix'. */
static bool
settings_ends(const char *name, size_t len, const char *suffix)
{
	const size_t	n = strlen(suffix);

	return len >= n && memcmp(name + len - n, suffix, n) == 0;
}

/*
 * The edit distance of two names: how many bytes have to be changed, inserted,
 * deleted or swapped with the next one to turn `a' into `b'.
 */
static size_t
settings_distance(const char *a, size_t alen, const char *b, size_t blen)
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

/*
 * The setting whose key is most like a name that is no setting's; SETTING__MAX
 * if none is like it.
 */
static size_t
settings_alike(const char *name, size_t len)
{
	size_t		 i, d, best = SETTING__MAX, least = SIZE_MAX, n;
	const char	*key;

	if (len == 0 || len > NAME_LONGEST)
		return SETTING__MAX;
	for (i = 0; i < SETTING__MAX; i++) {
		key = settings_key((enum setting)i);
		n = strlen(key);
		d = settings_distance(name, len, key, n);
		/* A part of a key, as JWT_KEY, MODEL or ORIGINS, is like it. */
		if (len > 3 && d > 2 && memmem(key, n, name, len) != NULL)
			d = 2;
		if (d < least && (d <= 2 || d <= len / 3)) {
			least = d;
			best = i;
		}
	}
	return best;
}

/* Fails because a variable in the environment is no setting. */
static int
settings_fail_variable(struct settings *s, const char *variable)
{
	const int	 len = (int)strcspn(variable, "=");
	const size_t	 i = settings_alike(variable + PREFIX_LEN,
			     (size_t)len - PREFIX_LEN);

	if (i == SETTING__MAX)
		return settings_fail(s, "%.*s in the environment: there is no "
		    "such setting; unset it (websocketd.conf lists all "
		    "settings)",
		    len < 100 ? len : 100, variable);
	return settings_fail(s, "%.*s in the environment: there is no such "
	    "setting; did you mean %s%s?", len < 100 ? len : 100, variable,
	    prefix, settings_key((enum setting)i));
}

/* Whether a name holds PORT_<digits>_TCP or PORT_<digits>_UDP. */
static bool
settings_holds_port(const char *name, size_t len)
{
	static const char	port[] = "_PORT_";
	const char		*p = name, *digits, *end = name + len;
	size_t			 n;

	while ((p = memmem(p, (size_t)(end - p), port, sizeof(port) - 1)) !=
	    NULL) {
		p += sizeof(port) - 1;
		digits = p;
		n = strspn(digits, "0123456789");
		if (n > 0 && (settings_begins(digits + n, "_TCP") ||
		    settings_begins(digits + n, "_UDP")))
			return true;
	}
	return false;
}

/*
 * Whether Kubernetes or Docker puts TICKETCHAT_<name> with this value into the
 * environment for a Service or container whose name begins with "ticketchat".
 * Such a variable is no setting.
 */
static bool
settings_injected(const char *name, size_t len, const char *value)
{
	/* Take the `_' of TICKETCHAT_ as the first byte of the name. */
	name--;
	len++;
	return settings_ends(name, len, "_SERVICE_HOST") ||
	    memmem(name, len, "_SERVICE_PORT", 13) != NULL ||
	    (settings_ends(name, len, "_PORT") &&
		(settings_begins(value, "tcp://") ||
		    settings_begins(value, "udp://"))) ||
	    settings_holds_port(name, len) ||
	    (len == 5 && settings_begins(name, "_NAME")) ||
	    settings_begins(name, "_ENV_");
}

int
settings_read_environment(struct settings *s, bool strict)
{
	const char	 *ollama[SETTING__MAX] = { NULL }, *unknown = NULL;
	const char	 *name, *v, **text;
	char		**e;
	size_t		  i, len, next = 0;
	bool		  named;

	for (e = environ; e != NULL && *e != NULL; e++) {
		named = strncmp(*e, prefix, PREFIX_LEN) == 0;
		if (!named && strncmp(*e, bare, BARE_LEN) != 0)
			continue;
		name = *e + (named ? PREFIX_LEN : 0);
		len = strcspn(name, "=");
		v = name + len + (name[len] == '=');
		i = settings_find(name, len, next);
		if (named && (i == SETTING__MAX || i == SETTING_PORT) &&
		    settings_injected(name, len, v))
			continue;
		if (i == SETTING__MAX) {
			if (named && unknown == NULL)
				unknown = *e;
			continue;
		}
		next = i + 1;
		text = named ? &s->text[i] : &ollama[i];
		if (*text == NULL && *v != '\0')
			*text = v;
	}
	for (i = 0; i < SETTING__MAX; i++) {
		if (s->text[i] == NULL)
			s->text[i] = ollama[i];
	}
	return strict && unknown != NULL ? settings_fail_variable(s, unknown) :
	    0;
}

/* Reads the whole file into s->file. */
static int
settings_slurp(struct settings *s, const char *path, bool optional)
{
	size_t	len;

	s->file = file_read(path, SETTINGS_FILE_MAX, false, &len);
	if (s->file == NULL && optional && errno == ENOENT)
		return 0;
	if (s->file == NULL)
		return settings_fail(s, "%s: %s", path, strerror(errno));
	if (len >= 2 && (memcmp(s->file, "\xff\xfe", 2) == 0 ||
	    memcmp(s->file, "\xfe\xff", 2) == 0))
		return settings_fail(s, "%s:1: this is UTF-16; save it as "
		    "UTF-8", path);
	if (strlen(s->file) != len)
		return settings_fail(s, "%s: contains a NUL byte", path);
	if (strncmp(s->file, "\xef\xbb\xbf", 3) == 0)
		return settings_fail(s, "%s:1: the file begins with a byte "
		    "order mark (BOM); save it without one", path);
	return 0;
}

/*
 * The name of a character that ends a line for some editors, but not here;
 * NULL if there is none at `p'.  Behind such a character in a comment an editor
 * would show a line with a setting that is never read.
 */
static const char *
settings_other_line_end(const char *p)
{
	static const struct {
		const char	*bytes, *name;
	} ends[] = {
		{ "\v", "a vertical tab" }, { "\f", "a form feed" },
		{ "\xc2\x85", "U+0085, another line end" },
		{ "\xe2\x80\xa8", "U+2028, another line end" },
		{ "\xe2\x80\xa9", "U+2029, another line end" },
	};
	size_t	i;

	if (*p == '\r')
		return p[1] == '\n' ? NULL : "a carriage return";
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (settings_begins(p, ends[i].bytes))
			return ends[i].name;
	}
	return NULL;
}

/* Refuses such characters anywhere in the file. */
static int
settings_check_line_ends(struct settings *s, const char *path)
{
	const char	*p, *name;
	int		 number = 1;

	for (p = s->file; *p != '\0'; p++) {
		if (*p == '\n')
			number++;
		else if ((name = settings_other_line_end(p)) != NULL)
			return settings_fail(s, "%s:%d: the line contains %s; "
			    "lines end with LF or CR LF", path, number,
			    name);
	}
	return 0;
}

/*
 * The value in the text behind a line's `=', which is changed: white space
 * around the value is dropped, and one pair of quotes.  Returns NULL for a
 * backslash, or a quote within quotes: systemd's EnvironmentFile= reads these
 * in another way.
 */
static char *
settings_unquote(char *v)
{
	char	*end, quote;

	v += strspn(v, " \t");
	end = v + strlen(v);
	while (end > v && strchr(" \t\r", end[-1]) != NULL)
		*--end = '\0';
	if (strchr(v, '\\') != NULL)
		return NULL;
	if ((quote = *v) != '"' && quote != '\'')
		return v;
	if (end - v < 2 || end[-1] != quote)
		return NULL;
	*--end = '\0';
	return strchr(++v, quote) == NULL ? v : NULL;
}

/* Whether a value has blanks around it; a CR at the end of a line is none. */
static bool
settings_is_padded(const char *v)
{
	size_t	len = strlen(v);

	while (len > 0 && v[len - 1] == '\r')
		len--;
	return len > 0 && (strchr(" \t", v[0]) != NULL ||
	    strchr(" \t", v[len - 1]) != NULL) && strspn(v, " \t\r") <
	    strlen(v);
}

/* Fails because a line's key is no setting. */
static int
settings_fail_key(struct settings *s, const char *path, int number,
    const char *key)
{
	const char	*name = key;
	size_t		 i;

	/* Somebody may have copied the name from an environment. */
	if (settings_begins(name, prefix))
		name += PREFIX_LEN;
	i = settings_alike(name, strlen(name));
	if (i == SETTING__MAX)
		return settings_fail(s, "%s:%d: unknown setting \"%.60s\"",
		    path, number, key);
	return settings_fail(s, "%s:%d: unknown setting \"%.60s\"; did you "
	    "mean %s?", path, number, key, settings_key((enum setting)i));
}

/* Reads one line KEY=value; `seen' marks the keys of the lines before. */
static int
settings_read_line(struct settings *s, const char *path, int number,
    char *line, bool seen[SETTING__MAX])
{
	char	*eq, *v;
	size_t	 i;

	if ((eq = strchr(line, '=')) == NULL)
		return settings_fail(s, "%s:%d: the line is not KEY=value",
		    path, number);
	*eq = '\0';
	i = settings_find(line, (size_t)(eq - line), 0);
	if (i == SETTING__MAX)
		return settings_fail_key(s, path, number, line);
	if (seen[i])
		return settings_fail(s, "%s:%d: %s is there twice", path,
		    number, line);
	seen[i] = true;
	if (settings_is_number((enum setting)i) && settings_is_padded(eq + 1))
		return settings_fail(s, "%s:%d: %s=%.60s: blanks around the "
		    "number are not allowed", path, number, line, eq + 1);
	if ((v = settings_unquote(eq + 1)) == NULL)
		return settings_fail(s, "%s:%d: %s: a backslash, or a quote "
		    "without its pair, is not allowed", path, number, line);
	if (s->text[i] == NULL && *v != '\0')
		s->text[i] = v;
	return 0;
}

int
settings_read_file(struct settings *s, const char *path, bool optional)
{
	bool	 seen[SETTING__MAX] = { false };
	char	*line, *next;
	int	 number = 0;

	if (settings_slurp(s, path, optional) == -1)
		return -1;
	if (s->file == NULL)
		return 0;
	if (settings_check_line_ends(s, path) == -1)
		return -1;
	for (line = s->file; line != NULL; line = next) {
		number++;
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		line += strspn(line, " \t\r");
		if (*line == '#' || *line == ';') {
			/* For systemd the comment goes on in the next line. */
			if (line[strlen(line) - 1] == '\\' && next != NULL)
				return settings_fail(s, "%s:%d: the comment "
				    "ends with a backslash", path, number);
		} else if (*line != '\0' && settings_read_line(s, path, number,
		    line, seen) == -1) {
			return -1;
		}
	}
	return 0;
}

/*
 * The value of a setting's bare name in the environment, if it differs from the
 * effective value; else NULL.
 */
static const char *
settings_bare(const struct settings *s, size_t i)
{
	const char	*key = settings_key((enum setting)i), *v;

	if (settings_begins(key, bare))
		return NULL;	/* its bare name counts */
	v = getenv(key);
	return v == NULL || *v == '\0' || strcmp(v, s->text[i]) == 0 ? NULL :
	    v;
}

/* Whether such a value is refused. */
static bool
settings_bare_is_refused(size_t i, enum settings_bare which)
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
	return settings_begins(settings_key((enum setting)i), "JWT_");
}

int
settings_refuse_bare(struct settings *s, enum settings_bare which)
{
	const char	*key;
	size_t		 i;

	for (i = 0; i < SETTING__MAX; i++) {
		if (!settings_bare_is_refused(i, which) ||
		    settings_bare(s, i) == NULL)
			continue;
		key = settings_key((enum setting)i);
		return settings_fail(s, "%s is in the environment, where only "
		    "version 0.1 read it, and it differs from the setting "
		    "(%.100s): rename it to %s%s, or unset %s", key,
		    *s->text[i] == '\0' ? "empty" : s->text[i], prefix, key,
		    key);
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
		if (!settings_bare_is_refused(i, SETTINGS_BARE_SERVICE) &&
		    (v = settings_bare(s, i)) != NULL &&
		    settings_good((enum setting)i, v))
			len += (size_t)snprintf(to + len, size - len, "%s%s",
			    len == 0 ? "" : " ",
			    settings_key((enum setting)i));
	}
	return to;
}
