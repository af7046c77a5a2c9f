/*
 * Reads the head of a request.
 */
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "door/head.h"

/* Statuses of a head that cannot be read. */
enum {
	HEAD_BAD = 400, HEAD_LARGE = 431, HEAD_UNKNOWN = 501,
	HEAD_VERSION = 505
};

/*
 * The fields that we read and that may be there only once.  Lists, as Accept,
 * may be there several times: see head_joined.
 */
static const char *const	singles[] = {
	"access-control-request-method", "authorization", "content-length",
	"content-type", "expect", "host", "origin", "sec-fetch-site",
	"transfer-encoding",
};

size_t
head_end(const char *text, size_t len)
{
	static const char	end[] = "\r\n\r\n";
	const char		*p;

	if (len == 0 || (p = memmem(text, len, end, sizeof(end) - 1)) == NULL)
		return 0;
	return (size_t)(p - text) + sizeof(end) - 1;
}

/* Whether a byte may stand in a method or in the name of a field. */
static bool
head_is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* The number of bytes of a token at the start of a text. */
static size_t
head_token(const char *s)
{
	size_t	n = 0;

	while (head_is_token(s[n]))
		n++;
	return n;
}

/*
 * Splits a request target that names its server (RFC 9112 3.2.2), as
 * http://desk.example/path.  Returns the path, or NULL if it has another form.
 */
static char *
head_split_target(struct head *h, char *target)
{
	static char	root[] = "/";
	size_t		skip, len;

	if (strncasecmp(target, "http://", 7) == 0)
		skip = 7;
	else if (strncasecmp(target, "https://", 8) == 0)
		skip = 8;
	else
		return NULL;
	len = strcspn(target + skip, "/?#");
	if (len == 0 || memchr(target + skip, '@', len) != NULL)
		return NULL;
	/* One to the left, so that there is room for its NUL and the path. */
	h->authority = memmove(target + skip - 1, target + skip, len);
	target += skip + len;
	target[-1] = '\0';
	if (*target == '\0')
		return root;
	/* A query without a path: the second slash is free. */
	if (*target == '?') {
		*--target = '/';
		h->authority = memmove(h->authority - 1, h->authority, len);
		target[-1] = '\0';
	}
	return target;
}

/* Reads the request line, which ends with a NUL. */
static int
head_read_line(struct head *h, char *line, const char **what)
{
	char	*p = line + head_token(line), *path, *version, *query;

	*what = "request line";
	if (p == line || *p != ' ')
		return HEAD_BAD;
	*p++ = '\0';
	h->method = line;
	path = p;
	for (; *p > ' ' && *p < 0x7f; p++)
		;
	if (p == path || *p != ' ')
		return HEAD_BAD;
	*p++ = '\0';
	version = p;
	if (strncmp(version, "HTTP/", 5) != 0)
		return HEAD_BAD;
	if (strcmp(version, "HTTP/1.1") != 0 &&
	    strcmp(version, "HTTP/1.0") != 0) {
		*what = "HTTP version";
		return HEAD_VERSION;
	}
	h->old = version[7] == '0';
	if (*path != '/' && (strcmp(path, "*") != 0 ||
	    strcmp(h->method, "OPTIONS") != 0) &&
	    (path = head_split_target(h, path)) == NULL)
		return HEAD_BAD;
	if (strchr(path, '#') != NULL)
		return HEAD_BAD;
	if ((query = strchr(path, '?')) != NULL) {
		*query = '\0';
		h->query = query + 1;
	}
	h->path = path;
	return 0;
}

/* Reads the line of a field, which ends with a NUL. */
static int
head_read_field(struct head *h, char *line)
{
	const size_t	 len = head_token(line);
	char		*p = line, *end;

	if (len == 0 || line[len] != ':')
		return HEAD_BAD;	/* also a line that goes on */
	if (h->count == HEAD_FIELDS)
		return HEAD_LARGE;
	for (; *p != ':'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	*p++ = '\0';
	p += strspn(p, " \t");
	for (end = p + strlen(p); end > p && strchr(" \t", end[-1]) != NULL; )
		end--;
	*end = '\0';
	h->field[h->count++] = (struct head_field){ line, p };
	for (; *p != '\0'; p++) {
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return HEAD_BAD;
	}
	return 0;
}

/* How many fields have a name. */
static size_t
head_count(const struct head *h, const char *name)
{
	size_t	i, n = 0;

	for (i = 0; i < h->count; i++)
		n += strcmp(h->field[i].name, name) == 0;
	return n;
}

/* Finds out how the body ends, and whether a field is there that must not. */
static int
head_check(struct head *h, const char **what)
{
	const char	*length, *coding;
	size_t		 i;

	for (i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
		*what = singles[i];
		if (head_count(h, singles[i]) > 1)
			return HEAD_BAD;
	}
	*what = "host";
	if (!h->old && head_field(h, "host") == NULL)
		return HEAD_BAD;
	length = head_field(h, "content-length");
	coding = head_field(h, "transfer-encoding");
	*what = "content-length";
	if (length != NULL && (coding != NULL || !number_read(length,
	    strlen(length), INT64_MAX / 2, &h->length)))
		return HEAD_BAD;
	*what = "transfer-encoding";
	if (coding != NULL && (h->old || *coding == '\0'))
		return HEAD_BAD;
	if (coding != NULL && strcasecmp(coding, "chunked") != 0)
		return HEAD_UNKNOWN;
	h->chunked = coding != NULL;
	*what = "";
	return 0;
}

int
head_read(struct head *h, char *text, size_t len, const char **what)
{
	char	*line, *end, *next;
	int	 status;

	memset(h, 0, sizeof(*h));
	h->method = h->path = h->query = "";
	*what = "head";
	if (len < 4 || memchr(text, '\0', len) != NULL)
		return HEAD_BAD;
	end = text + len - 2;	/* where the empty line begins */
	for (line = text; line < end; line = next) {
		/* There is one: the line before the empty one has it. */
		next = memchr(line, '\n', (size_t)(end - line));
		if (next == NULL || next == line || next[-1] != '\r')
			return HEAD_BAD;
		next[-1] = '\0';
		next++;
		status = line == text ? head_read_line(h, line, what) :
		    head_read_field(h, line);
		if (status != 0)
			return status;
		*what = "head";
	}
	return head_check(h, what);
}

const char *
head_host(const struct head *h)
{
	return h->authority != NULL ? h->authority : head_field(h, "host");
}

const char *
head_field(const struct head *h, const char *name)
{
	size_t	i;

	for (i = 0; i < h->count; i++) {
		if (strcmp(h->field[i].name, name) == 0)
			return h->field[i].value;
	}
	return NULL;
}

const char *
head_joined(const struct head *h, const char *name, struct buf *b)
{
	size_t	i;

	if (head_count(h, name) < 2)
		return head_field(h, name);
	for (i = 0; i < h->count; i++) {
		if (strcmp(h->field[i].name, name) == 0 &&
		    ((b->len > 0 && buf_puts(b, ", ") == -1) ||
		    buf_puts(b, h->field[i].value) == -1))
			return NULL;
	}
	return b->data;
}

int
head_query(const char *query, const char *name, char value[], size_t size)
{
	static const char	good[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	const size_t		n = strlen(name);
	size_t			len;
	int			found = 0;

	for (; *query != '\0'; query += len + (query[len] == '&')) {
		len = strcspn(query, "&");
		if (len < n || memcmp(query, name, n) != 0 ||
		    (len > n && query[n] != '='))
			continue;
		if (found++ > 0 || len < n + 1 || len - n > size ||
		    strspn(query + n + 1, good) < len - n - 1)
			return -1;
		memcpy(value, query + n + 1, len - n - 1);
		value[len - n - 1] = '\0';
	}
	return found;
}

/* The weight of a media range's parameters (RFC 9110 12.4.2), of 1,000. */
static int
head_weight(const char *p, size_t len)
{
	const char	*end = p + len;
	int		 weight = 0, unit = 1000;

	for (; (p = memchr(p, ';', (size_t)(end - p))) != NULL; ) {
		p++;
		p += strspn(p, " \t");
		if (p + 2 > end || (*p != 'q' && *p != 'Q') || p[1] != '=')
			continue;
		for (p += 2; p < end && unit > 0; p++) {
			if (*p == '.')
				continue;
			if (*p < '0' || *p > '9')
				break;
			weight += (*p - '0') * unit;
			unit /= 10;
		}
		return weight > 1000 ? 1000 : weight;
	}
	return 1000;
}

int
head_accepts(const char *list, const char *type)
{
	const size_t	whole = strlen(type), major = strcspn(type, "/") + 1;
	size_t		len, n;
	int		exact, best = 0, weight = 0;

	for (; *(list += strspn(list, ", \t")) != '\0'; list += len) {
		len = strcspn(list, ",");
		n = strcspn(list, ",; \t");
		if (n == whole && strncasecmp(list, type, n) == 0)
			exact = 3;
		else if (n == major + 1 && list[n - 1] == '*' &&
		    strncasecmp(list, type, major) == 0)
			exact = 2;
		else
			exact = n == 3 && memcmp(list, "*/*", 3) == 0;
		if (exact > best) {
			best = exact;
			weight = head_weight(list, len);
		}
	}
	return weight;
}

bool
head_is_type(const char *value, const char *type)
{
	static const char	charset[] = "charset=";
	size_t			n = strlen(type);

	if (strncasecmp(value, type, n) != 0)
		return false;
	value += n;
	value += strspn(value, " \t");
	if (*value == '\0')
		return true;
	if (*value++ != ';')
		return false;
	value += strspn(value, " \t");
	n = sizeof(charset) - 1;
	if (strncasecmp(value, charset, n) != 0)
		return *value == '\0';
	return strcasecmp(value + n, "utf-8") == 0 ||
	    strcasecmp(value + n, "\"utf-8\"") == 0;
}

bool
head_has_word(const char *list, const char *word)
{
	const size_t	n = strlen(word);
	size_t		len;

	for (; *(list += strspn(list, ", \t")) != '\0'; list += len) {
		len = strcspn(list, ",");
		if (strcspn(list, ",; \t") == n &&
		    strncasecmp(list, word, n) == 0)
			return true;
	}
	return false;
}
