/*
 * Tells secrets from keys by their form.
 */
#include <string.h>

#include "auth/key_form.h"
#include "base/limit.h"
#include "json/json.h"

enum {
	WRAPPED = 2048,		/* bytes unpacked of a text in base64 */
	WRAPPED_MIN = 16,	/* fewer bytes are no key; one line of a dump */
	DER_MIN = 24,		/* bytes of the smallest whole sequence */
	LAYERS = 2,		/* base64 of a key in base64 */
	WHOLE = 32,		/* words of which WRAPPED bytes are unpacked */
	BEGINNING = 96,		/* bytes unpacked of each further word: enough
				   for the beginning of a key; more would take
				   seconds */
	JSON_DEPTH = 64
};

static const char	in_base64[] = "base64 or hexadecimal of a key or "
			    "certificate";

static bool
key_form_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
holds(const char *text, size_t len, const char *part, size_t part_len)
{
	return memmem(text, len, part, part_len) != NULL;
}

/*
 * Whether the letters of a text contain a word in capitals; all other
 * characters are ignored: "---- BEGIN  PUBLIC%20Key" has PUBLICKEY, in UTF-16
 * as well.
 */
static bool
says(const char *text, size_t len, const char *word)
{
	const char	*end = text + len, *start, *p, *w;

	for (start = text; start < end; start++) {
		if ((*start & ~0x20) != *word || !is_letter(*start))
			continue;
		for (p = start, w = word; p < end && *w != '\0'; p++) {
			if (!is_letter(*p))
				continue;
			if ((*p & ~0x20) != *w)
				break;
			w++;
		}
		if (*w == '\0')
			return true;
	}
	return false;
}

const char *
key_form_begin(const char *p, const char *end)
{
	static const char	begin[] = "-----BEGIN ";

	return memmem(p, (size_t)(end - p), begin, sizeof(begin) - 1);
}

static bool
is_pem(const char *text, size_t len)
{
	static const char *const	words[] = { "PUBLICKEY", "PRIVATEKEY",
					    "CERTIFICATE" };
	size_t				i;

	if (holds(text, len, "--BEGIN ", 8) || holds(text, len, "--END ", 6) ||
	    holds(text, len, "-- BEGIN ", 9))
		return true;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (says(text, len, words[i]))
			return true;
	}
	return false;
}

/* Whether a text is a JSON object or list. */
static bool
is_json(const char *text, size_t len)
{
	size_t	i;

	for (i = 0; i < len && key_form_is_space(text[i]); i++)
		;
	return i < len && (text[i] == '{' || text[i] == '[') &&
	    json_check(text, len, JSON_DEPTH) == 0;
}

/* Whether a text that is not JSON names a JWK's members. */
static bool
is_broken_jwk(const char *text, size_t len)
{
	static const char *const	members[] = { "\"kty\"", "'kty'",
					    "kty:", "\"keys\"", "'keys'" };
	size_t				i;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (holds(text, len, members[i], strlen(members[i])))
			return true;
	}
	return false;
}

/*
 * The length of the DER value at p (X.690 8.1) with its header, whose length
 * becomes *head; 0 if the value is longer than the text.
 */
static size_t
der_value(const unsigned char *p, size_t len, size_t *head)
{
	size_t	n, i, value;

	if (len < 2)
		return 0;
	*head = 2;
	value = p[1];
	if (p[1] >= 0x80) {
		n = p[1] & 0x7f;
		if (n == 0 || n > 3 || len < 2 + n)
			return 0;
		for (value = 0, i = 0; i < n; i++)
			value = value << 8 | p[2 + i];
		*head = 2 + n;
	}
	return value <= len - *head ? *head + value : 0;
}

/*
 * Whether p begins with a DER sequence that has the form of a key or
 * certificate: its first value is a number, an identifier or a sequence.  A
 * sequence with a long length may be cut off.
 */
static bool
der_at(const unsigned char *p, size_t len)
{
	size_t	head, size;

	if (len < 8 || p[0] != 0x30)
		return false;
	if ((p[1] == 0x81 && p[2] >= 0x80) || (p[1] == 0x82 && p[2] > 0)) {
		head = 2U + (p[1] & 0x7fU);
		return (p[head] == 0x30 && p[head + 1] >= 0x02) ||
		    (p[head] == 0x02 && (p[head + 1] == 1 ||
		    p[head + 1] >= 0x40)) || (p[head] == 0x06 &&
		    p[head + 1] == 9);
	}
	/* A short sequence ends with the file, except for a line end or two. */
	if ((size = der_value(p, len, &head)) < DER_MIN || len - size > 2)
		return false;
	/*
	 * A text can begin like a sequence in a sequence, but not with an
	 * identifier or a number in that.
	 */
	if (p[2] == 0x30 && p[4] != 0x06 && p[4] != 0x02)
		return false;
	return (p[2] == 0x30 || p[2] == 0x02 || p[2] == 0x06) &&
	    der_value(p + 2, size - 2, &head) != 0;
}

/*
 * Whether a text has DER at the start of a line, or one of the identifiers that
 * every key and certificate contains.
 */
static bool
is_der(const char *text, size_t len)
{
	static const struct {
		const char	*bytes;
		size_t		 len;
	} identifiers[] = {
		{ "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01", 9 },	/* RSA, PKCS */
		{ "\x06\x07\x2a\x86\x48\xce\x3d", 7 },		/* EC */
		{ "\x06\x08\x2a\x86\x48\xce\x3d", 7 },
		{ "\x06\x03\x2b\x65\x6e", 5 }, { "\x06\x03\x2b\x65\x6f", 5 },
		{ "\x06\x03\x2b\x65\x70", 5 }, { "\x06\x03\x2b\x65\x71", 5 },
	};
	const char			*end = text + len, *p, *line;
	size_t				 i;

	for (i = 0; i < sizeof(identifiers) / sizeof(identifiers[0]); i++) {
		if (holds(text, len, identifiers[i].bytes, identifiers[i].len))
			return true;
	}
	for (p = text; p < end; p = line + 1) {
		while (p < end && key_form_is_space(*p))
			p++;
		if (der_at((const unsigned char *)p, (size_t)(end - p)))
			return true;
		if ((line = memchr(p, '\n', (size_t)(end - p))) == NULL)
			break;
	}
	return false;
}

static bool
is_ssh(const char *text, size_t len)
{
	static const char *const	types[] = { "ssh-rsa", "ssh-dss",
					    "ssh-ed25519", "ecdsa-sha2-" };
	size_t				i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (holds(text, len, types[i], strlen(types[i])))
			return true;
	}
	return false;
}

/* The name of a form that is visible without unpacking; NULL: none. */
static const char *
plain_form(const char *text, size_t len, enum key_form *form)
{
	*form = KEY_FORM_JSON;
	if (is_json(text, len))
		return "JSON";
	*form = KEY_FORM_PEM;
	if (key_form_begin(text, text + len) != NULL)
		return "PEM";
	*form = KEY_FORM_OTHER;
	if (is_ssh(text, len))
		return "an SSH key";
	if (is_der(text, len))
		return "DER (a key or certificate in binary)";
	if (is_pem(text, len))
		return "PEM that was changed or cut off";
	if (is_broken_jwk(text, len))
		return "a JWK that is not valid JSON";
	if (says(text, len, "RSAKEYVALUE") || says(text, len, "MODULUS"))
		return "a key in XML or as numbers";
	if (len >= 4 && memcmp(text, "\xfe\xed\xfe\xed", 4) == 0)
		return "a Java key store";
	return NULL;
}

/* The value of a character of base64 in either alphabet; -1: none. */
static int
value64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static int
value16(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Whether a character may separate digits: white space, and in hexadecimal what
 * a dump or a list in a program has between them: 30:82, 0x30, \x30.
 */
static bool
between(const char *p, const char *end, unsigned bits)
{
	if (key_form_is_space(*p))
		return true;
	if (bits != 4 || *p == '\0')
		return false;
	return strchr(":,-\\xX", *p) != NULL ||
	    (*p == '0' && end - p > 1 && (p[1] | 0x20) == 'x');
}

/* Unpacks digits of this many bits.  Returns the number of bytes. */
static size_t
unpack(const char *p, const char *end, int (*value)(char), unsigned bits,
    char *out, size_t most)
{
	unsigned	have = 0, v = 0;
	size_t		n = 0;
	int		digit;

	for (; p < end && n < most; p++) {
		if (between(p, end, bits))
			continue;
		if ((digit = value(*p)) == -1)
			break;
		v = (v << bits | (unsigned)digit) & 0xffff;
		if ((have += bits) >= 8) {
			have -= 8;
			out[n++] = (char)(unsigned char)(v >> have & 0xff);
		}
	}
	return n;
}

static bool	wraps(const char *, size_t, int);

/*
 * Whether unpacked bytes may be base64 or hexadecimal again.  Looking for keys
 * at each byte of binary data would take seconds.
 */
static bool
is_text(const char *s)
{
	size_t	i;

	for (i = 0; i < WRAPPED_MIN; i++) {
		if (!key_form_is_space(s[i]) && (s[i] <= ' ' || s[i] >= 0x7f))
			return false;
	}
	return true;
}

/* Whether digits of this many bits contain a key, or a packed one. */
static bool
unpacks(const char *p, const char *end, int (*value)(char), unsigned bits,
    int layers, size_t most)
{
	char		out[WRAPPED];
	enum key_form	form;
	const size_t	n = unpack(p, end, value, bits, out, most);

	return n >= WRAPPED_MIN && (plain_form(out, n, &form) != NULL ||
	    (layers > 1 && is_text(out) && wraps(out, n, layers - 1)));
}

/* Whether a key in base64 or hexadecimal begins at a word of a text. */
static bool
wraps(const char *text, size_t len, int layers)
{
	const char	*end = text + len, *p;
	size_t		 most = WRAPPED;
	int		 words = 0;

	for (p = text; p < end; p++) {
		if (value64(*p) == -1 || (p > text && value64(p[-1]) != -1))
			continue;
		if (++words > WHOLE)
			most = BEGINNING;
		if (unpacks(p, end, value64, 6, layers, most) ||
		    unpacks(p, end, value16, 4, layers, most))
			return true;
	}
	return false;
}

/* The name of an encoding in which no secret is written; NULL: none. */
static const char *
encoding(const char *text, size_t len)
{
	size_t	i, zeros = 0;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return "text with a byte order mark";
	if (len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 ||
	    memcmp(text, "\xfe\xff", 2) == 0))
		return "text in UTF-16";
	for (i = 0; i < len; i++)
		zeros += text[i] == '\0';
	return len >= 8 && zeros >= len / 3 ? "text in UTF-16, or zero bytes" :
	    
	    NULL;
}

enum key_form
key_form(const char *text, size_t len, const char **name)
{
	enum key_form	 form = KEY_FORM_OTHER;
	const char	*found = encoding(text, len);

	if (found == NULL && (found = plain_form(text, len, &form)) == NULL) {
		form = KEY_FORM_OTHER;
		/* A text that is too long for a secret is refused anyway. */
		if (len <= SECRET_MAX && wraps(text, len, LAYERS))
			found = in_base64;
		else
			form = KEY_FORM_SECRET;
	}
	if (name != NULL)
		*name = found == NULL ? "" : found;
	return form;
}

/*
 * The smallest public keys in DER have 44 bytes (Ed25519) and, of those that
 * sign tokens, 59 (EC on P-256). As text these 44 bytes are 55 characters in
 * base85, 71 in base32, and over 100 as a list of numbers; compressing them
 * makes them longer.
 */
enum {
	ANY_MAX = 48,		/* characters of any kind */
	BYTES_MAX = 64,		/* bytes that are no text */
	ONE_CASE_MAX = 64,	/* letters and digits; base32 is longer */
	BASE64_MAX = 88,	/* `openssl rand -base64 64', on one line */
	EC_LINE = 60,		/* the last line of an EC key in PEM */
	WORDS_MAX = 72,		/* letters with some blanks */
	HEX_MAX = 128		/* `openssl rand -hex 64' */
};

/* The kinds of characters in a text. */
struct kinds {
	bool	upper, lower;
	bool	line;		/* a line end or a tab */
	bool	blank;
	bool	bytes;		/* bytes that are not ASCII */
	bool	base64, hex;	/* only such digits */
	size_t	letters;
};

static struct kinds
kinds_of(const char *text, size_t len)
{
	struct kinds	k = { .base64 = true, .hex = true };
	size_t		i;
	char		c;

	for (i = 0; i < len; i++) {
		c = text[i];
		k.upper = k.upper || (c >= 'A' && c <= 'Z');
		k.lower = k.lower || (c >= 'a' && c <= 'z');
		k.letters += is_letter(c);
		k.blank = k.blank || c == ' ';
		k.line = k.line || (key_form_is_space(c) && c != ' ');
		k.bytes = k.bytes || (unsigned char)c >= 0x7f ||
		    (c < ' ' && !key_form_is_space(c));
		k.base64 = k.base64 && (value64(c) != -1 || c == '=');
		k.hex = k.hex && value16(c) != -1;
	}
	return k;
}

/* Whether bytes begin like a compressed file. */
static bool
is_packed(const char *text)
{
	static const struct {
		const char	*bytes;
		size_t		 len;
	} marks[] = {
		{ "\x1f\x8b", 2 }, { "\x1f\x9d", 2 }, { "\x78\x01", 2 },
		{ "\x78\x5e", 2 }, { "\x78\x9c", 2 }, { "\x78\xda", 2 },
		{ "BZh", 3 }, { "\xfd" "7zXZ", 5 }, { "PK\3\4", 4 },
		{ "\x28\xb5\x2f\xfd", 4 }, { "\x04\x22\x4d\x18", 4 },
		{ "\x5d\0\0", 3 },
	};
	size_t		i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (memcmp(text, marks[i].bytes, marks[i].len) == 0)
			return true;
	}
	return false;
}

/*
 * Whether this is the base64 of 65 bytes of which the first is 4: a bare point
 * on P-256 (SEC 1, 2.3.3), as Web Push (VAPID) writes a public key.  In other
 * forms a point is too long, or looks like random bytes.
 */
static bool
is_point(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '=')
		len--;
	return len == 87 && text[0] == 'B' && text[1] >= 'A' &&
	    text[1] <= 'P';
}

const char *
key_form_doubt(const char *text, size_t len)
{
	struct kinds	k;
	char		out[8];

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (len <= ANY_MAX)
		return NULL;
	k = kinds_of(text, len);
	if (k.bytes)
		return len > BYTES_MAX ?
		    "more than 64 bytes that are not text" :
		    is_packed(text) ? "compressed data" : NULL;
	if (k.line)
		return "text of several lines";
	if ((k.base64 && unpack(text, text + len, value64, 6, out,
	    sizeof(out)) == sizeof(out) && is_packed(out)) ||
	    (k.hex && unpack(text, text + len, value16, 4, out,
	    sizeof(out)) == sizeof(out) && is_packed(out)))
		return "compressed data";
	if (k.hex && k.letters > 0 && !(k.upper && k.lower))
		return len > HEX_MAX ? "more than 128 hexadecimal digits" :
		    NULL;
	if (k.base64 && len == EC_LINE)
		return "one line of a key in PEM";
	if (k.base64 && is_point(text, len))
		return "a public key in base64 (a point on P-256)";
	if (k.base64 && len <= (k.upper && k.lower ? BASE64_MAX :
	    ONE_CASE_MAX))
		return NULL;
	if (k.blank && k.letters > len * 3 / 4 && len <= WORDS_MAX)
		return NULL;
	return "text that is too long for a secret";
}
