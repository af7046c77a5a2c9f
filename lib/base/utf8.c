/*
 * Checks, cuts and repairs UTF-8.
 */
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "base/utf8.h"

/*
 * Table 3-7 of the Unicode standard: which bytes may follow the first one.  The
 * ranges of the second byte exclude overlong forms and surrogates.
 */
int
utf8_char(const char *s, size_t len)
{
	const unsigned char	*p = (const unsigned char *)s;
	unsigned char		 low = 0x80, high = 0xbf;
	int			 need, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	need = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	for (i = 1; i < need; i++, low = 0x80, high = 0xbf) {
		if ((size_t)i == len)
			return -1;
		if (p[i] < low || p[i] > high)
			return 0;
	}
	return need;
}

bool
utf8_valid(const char *s, size_t len)
{
	uint64_t	eight;
	size_t		i = 0;
	int		n;

	while (i < len) {
		/* Most text is ASCII. */
		if (len - i >= sizeof(eight)) {
			memcpy(&eight, s + i, sizeof(eight));
			if ((eight & UINT64_C(0x8080808080808080)) == 0) {
				i += sizeof(eight);
				continue;
			}
		}
		if ((unsigned char)s[i] < 0x80)
			n = 1;
		else if ((n = utf8_char(s + i, len - i)) <= 0)
			return false;
		i += (size_t)n;
	}
	return true;
}

size_t
utf8_cut(const char *s, size_t len, size_t max)
{
	size_t	i;

	if (len <= max)
		return len;
	for (i = max + 1; i-- > 0 && max - i < 4; ) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return i;
	}
	return max;	/* not UTF-8: cut at max */
}

/* The code point of a valid character of n bytes. */
static uint32_t
utf8_decode(const char *s, int n)
{
	const unsigned char	*p = (const unsigned char *)s;
	uint32_t		 c;
	int			 i;

	if (n == 1)
		return p[0];
	c = p[0] & (0xffU >> (n + 1));
	for (i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

/*
 * Characters with White_Space, and the default-ignorable ones that people
 * paste.
 */
static bool
utf8_invisible(uint32_t c)
{
	return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad ||
	    c == 0x1680 || c == 0x180e || (c >= 0x2000 && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x2064) ||
	    c == 0x3000 || c == 0xfeff;
}

bool
utf8_blank(const char *s, size_t len)
{
	size_t	i;
	int	n;

	for (i = 0; i < len; i += (size_t)n) {
		if ((n = utf8_char(s + i, len - i)) <= 0 ||
		    !utf8_invisible(utf8_decode(s + i, n)))
			return false;
	}
	return true;
}

size_t
utf8_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/*
 * Whether a terminal acts on a valid character (console_codes(4), xterm's
 * ctlseqs): NUL, ENQ, BEL, BS, VT, FF, SO, SI, DC1, DC3, CAN, SUB, ESC, DEL and
 * C1.  Tab, line feed and carriage return are text; terminals ignore the rest
 * of C0.
 */
static bool
utf8_control(const char *s, int n)
{
	const uint32_t	acts = 1U << 0x00 | 1U << 0x05 | 1U << 0x07 |
	    1U << 0x08 | 1U << 0x0b | 1U << 0x0c | 1U << 0x0e | 1U << 0x0f |
	    1U << 0x11 | 1U << 0x13 | 1U << 0x18 | 1U << 0x1a | 1U << 0x1b;
	uint32_t	c = utf8_decode(s, n);

	return c < 0x20 ? (acts >> c & 1) != 0 : c >= 0x7f && c <= 0x9f;
}

/*
 * Cleans a text.  Returns how many bytes were read, less than len only if the
 * last character is incomplete, or -1.
 */
static ssize_t
utf8_clean_piece(const char *s, size_t len, struct buf *out)
{
	size_t	i, good = 0;	/* s[good..i) is clean but not yet written */
	int	n;

	for (i = 0; i < len; i += (size_t)n) {
		if ((n = utf8_char(s + i, len - i)) == -1)
			break;
		if (n > 0 && !utf8_control(s + i, n))
			continue;
		if (buf_add(out, s + good, i - good) == -1 ||
		    buf_add(out, "\xef\xbf\xbd", 3) == -1)
			return -1;
		if (n == 0)
			n = 1;
		good = i + (size_t)n;
	}
	return buf_add(out, s + good, i - good) == -1 ? -1 : (ssize_t)i;
}

int
utf8_clean(struct utf8_cleaner *c, const char *s, size_t len, struct buf *out)
{
	ssize_t	done;

	/* Complete the character left from the last piece, byte by byte. */
	while (c->len > 0 && len > 0) {
		c->tail[c->len++] = *s++;
		len--;
		if (utf8_char(c->tail, c->len) == -1)
			continue;
		if ((done = utf8_clean_piece(c->tail, c->len, out)) == -1)
			return -1;
		c->len -= (size_t)done;
		memmove(c->tail, c->tail + done, c->len);
	}
	if (len == 0)
		return 0;
	if ((done = utf8_clean_piece(s, len, out)) == -1)
		return -1;
	c->len = len - (size_t)done;
	memcpy(c->tail, s + done, c->len);
	return 0;
}

size_t
utf8_mark(const char *s, size_t len)
{
	return len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* Whether a text holds only white space, U+00A0, U+2000 to U+200B, U+3000 and
   U+FEFF. */
static bool
utf8_is_blank(const char *s, size_t len)
{
	size_t	i = 0;

	while (i < len) {
		if (strchr(" \t\n\v\f\r", s[i]) != NULL)
			i++;
		else if (len - i >= 2 && memcmp(s + i, "\xc2\xa0", 2) == 0)
			i += 2;
		else if (len - i >= 3 && (utf8_mark(s + i, 3) == 3 ||
		    memcmp(s + i, "\xe3\x80\x80", 3) == 0 ||
		    (memcmp(s + i, "\xe2\x80", 2) == 0 &&
		    (unsigned char)s[i + 2] <= 0x8b)))
			i += 3;
		else
			return false;
	}
	return true;
}

const char *
utf8_instead(const char *s, size_t len)
{
	if (len == 0)
		return "empty";
	if (len >= 2 && (memcmp(s, "\xff\xfe", 2) == 0 ||
	    memcmp(s, "\xfe\xff", 2) == 0))
		return "UTF-16, not UTF-8";
	if (len >= 4 && (s[0] == '\0' || s[1] == '\0'))
		return "UTF-16 or UTF-32, not UTF-8";
	if (memchr(s, '\0', len) != NULL)
		return "not text: it contains a NUL byte";
	if (!utf8_valid(s, len))
		return "not UTF-8, perhaps Windows-1252 or ISO 8859-1";
	return utf8_is_blank(s, len) ? "blank" : NULL;
}

bool
utf8_is_layout(const char *s)
{
	const unsigned char	c = (unsigned char)s[2];

	return (memcmp(s, "\xe2\x80", 2) == 0 && c >= 0xa8 && c <= 0xae) ||
	    (memcmp(s, "\xe2\x81", 2) == 0 && c >= 0xa6 && c <= 0xa9);
}

int
utf8_tame(const char *text, size_t len, bool line, struct buf *b)
{
	struct utf8_cleaner	cleaner = { .len = 0 };
	size_t			i = b->len;

	/* What is left is an incomplete character. */
	if (utf8_clean(&cleaner, text, len, b) == -1 ||
	    (cleaner.len > 0 && buf_puts(b, "\xef\xbf\xbd") == -1))
		return -1;
	/* A carriage return would let a ticket overwrite what is on the
	   screen. */
	for (; i < b->len; i++) {
		if ((unsigned char)b->data[i] < ' ' &&
		    (line || (b->data[i] != '\n' && b->data[i] != '\t')))
			b->data[i] = ' ';
		if (b->len - i >= 3 && utf8_is_layout(b->data + i))
			memcpy(b->data + i, "\xef\xbf\xbd", 3);
	}
	return 0;
}
