/*
 * Reading websocketd.conf.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limit.h"
#include "settings/settings_read.h"
#include "settings/settings_names.h"

int
settings_fail(struct settings *s, const char *format, ...)
{
	va_list	ap;

	va_start(ap, format);
	(void)vsnprintf(s->error, sizeof(s->error), format, ap);
	va_end(ap);
	return -1;
}

/* Reads the whole file into s->file. */
static int
slurp(struct settings *s, const char *path, int optional)
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
		return settings_fail(s, "%s: holds a NUL byte", path);
	if (strncmp(s->file, "\xef\xbb\xbf", 3) == 0)
		return settings_fail(s, "%s:1: a byte order mark (BOM) at the "
		    "beginning; save it without", path);
	return 0;
}

/*
 * What ends a line for some editors, but not here: behind a `#' a setting
 * would be seen there, and not read.  Returns its name, or NULL.
 */
static const char *
settings_read_line_end(const char *p)
{
	static const struct {
		const char	*bytes, *name;
	} ends[] = {
		{ "\v", "a vertical tab" }, { "\f", "a form feed" },
		{ "\xc2\x85", "U+0085, a line end," },
		{ "\xe2\x80\xa8", "U+2028, a line end," },
		{ "\xe2\x80\xa9", "U+2029, a line end," },
	};
	size_t	i;

	if (*p == '\r')
		return p[1] == '\n' ? NULL : "a carriage return";
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strncmp(p, ends[i].bytes, strlen(ends[i].bytes)) == 0)
			return ends[i].name;
	}
	return NULL;
}

/* Refuses line ends that are none here, in comments too. */
static int
check_line_ends(struct settings *s, const char *path)
{
	const char	*p, *name;
	int		 number = 1;

	for (p = s->file; *p != '\0'; p++) {
		if (*p == '\n')
			number++;
		else if ((name = settings_read_line_end(p)) != NULL)
			return settings_fail(s, "%s:%d: %s within the line; "
			    "a line ends with LF or CR LF", path, number,
			    name);
	}
	return 0;
}

/*
 * The value of a line behind its `=', in place: white space around it is
 * dropped, and one pair of quotes.  A backslash, or a quote within quotes, is
 * refused: there systemd's EnvironmentFile= would read something else.
 */
static char *
value(char *v)
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

/* Whether a value has blanks around it; the end of a line, CR LF, is none. */
static bool
is_padded(const char *v)
{
	size_t	len = strlen(v);

	while (len > 0 && v[len - 1] == '\r')
		len--;
	return len > 0 && (strchr(" \t", v[0]) != NULL ||
	    strchr(" \t", v[len - 1]) != NULL) && strspn(v, " \t\r") <
	    strlen(v);
}

/* Says that a line's key is no setting's, and which may have been meant. */
static int
fail_key(struct settings *s, const char *path, int number, const char *key)
{
	const char	*name = key;
	size_t		 i;

	/* As it is copied from an environment. */
	if (strncmp(name, SETTINGS_PREFIX, strlen(SETTINGS_PREFIX)) == 0)
		name += strlen(SETTINGS_PREFIX);
	i = settings_alike(name, strlen(name));
	if (i == SETTING__MAX)
		return settings_fail(s, "%s:%d: unknown setting \"%.60s\"",
		    path, number, key);
	return settings_fail(s, "%s:%d: unknown setting \"%.60s\"; did you "
	    "mean %s?", path, number, key, settings_key((enum setting)i));
}

/* Reads the lines of s->file into s->text. */
static int
settings_read_lines(struct settings *s, const char *path)
{
	bool	 seen[SETTING__MAX] = { false };
	char	*line, *next, *eq, *v;
	size_t	 i;
	int	 number = 0;

	for (line = s->file; line != NULL; line = next) {
		number++;
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		line += strspn(line, " \t\r");
		if (*line == '#' || *line == ';') {
			/* systemd takes the next line for comment too. */
			if (line[strlen(line) - 1] != '\\' || next == NULL)
				continue;
			return settings_fail(s, "%s:%d: a comment that ends "
			    "in a backslash", path, number);
		}
		if (*line == '\0')
			continue;
		if ((eq = strchr(line, '=')) == NULL)
			return settings_fail(s, "%s:%d: not a line KEY=value",
			    path, number);
		*eq = '\0';
		if ((i = settings_find(line)) == SETTING__MAX)
			return fail_key(s, path, number, line);
		if (seen[i])
			return settings_fail(s, "%s:%d: %s stands there twice",
			    path, number, line);
		seen[i] = true;
		if (settings_is_number((enum setting)i) && is_padded(eq + 1))
			return settings_fail(s, "%s:%d: %s=%.60s: a blank "
			    "before or behind the number", path, number, line,
			    eq + 1);
		if ((v = value(eq + 1)) == NULL)
			return settings_fail(s, "%s:%d: %s: a backslash or an "
			    "odd quote, which is not understood here", path,
			    number, line);
		if (*v != '\0')
			s->text[i] = v;
	}
	return 0;
}

int
settings_read_file(struct settings *s, const char *path, int optional)
{
	if (slurp(s, path, optional) == -1)
		return -1;
	if (s->file == NULL)
		return 0;
	return check_line_ends(s, path) == -1 ? -1
					      : settings_read_lines(s, path);
}
