/*
 * The same-text form: see text.h.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "text/siphash.h"
#include "text/text.h"

/* A letter and a combining mark, and the character that they make. */
static const struct {
	char		letter;
	uint16_t	mark, whole;
} composed[] = {
	/* U+0300, grave */
	{ 'A', 0x300, 0x0c0 }, { 'E', 0x300, 0x0c8 }, { 'I', 0x300, 0x0cc },
	{ 'O', 0x300, 0x0d2 }, { 'U', 0x300, 0x0d9 }, { 'a', 0x300, 0x0e0 },
	{ 'e', 0x300, 0x0e8 }, { 'i', 0x300, 0x0ec }, { 'o', 0x300, 0x0f2 },
	{ 'u', 0x300, 0x0f9 },
	/* U+0301, acute */
	{ 'A', 0x301, 0x0c1 }, { 'C', 0x301, 0x106 }, { 'E', 0x301, 0x0c9 },
	{ 'I', 0x301, 0x0cd }, { 'L', 0x301, 0x139 }, { 'N', 0x301, 0x143 },
	{ 'O', 0x301, 0x0d3 }, { 'R', 0x301, 0x154 }, { 'S', 0x301, 0x15a },
	{ 'U', 0x301, 0x0da }, { 'Y', 0x301, 0x0dd }, { 'Z', 0x301, 0x179 },
	{ 'a', 0x301, 0x0e1 }, { 'c', 0x301, 0x107 }, { 'e', 0x301, 0x0e9 },
	{ 'i', 0x301, 0x0ed }, { 'l', 0x301, 0x13a }, { 'n', 0x301, 0x144 },
	{ 'o', 0x301, 0x0f3 }, { 'r', 0x301, 0x155 }, { 's', 0x301, 0x15b },
	{ 'u', 0x301, 0x0fa }, { 'y', 0x301, 0x0fd }, { 'z', 0x301, 0x17a },
	/* U+0302, circumflex */
	{ 'A', 0x302, 0x0c2 }, { 'C', 0x302, 0x108 }, { 'E', 0x302, 0x0ca },
	{ 'G', 0x302, 0x11c }, { 'H', 0x302, 0x124 }, { 'I', 0x302, 0x0ce },
	{ 'J', 0x302, 0x134 }, { 'O', 0x302, 0x0d4 }, { 'S', 0x302, 0x15c },
	{ 'U', 0x302, 0x0db }, { 'W', 0x302, 0x174 }, { 'Y', 0x302, 0x176 },
	{ 'a', 0x302, 0x0e2 }, { 'c', 0x302, 0x109 }, { 'e', 0x302, 0x0ea },
	{ 'g', 0x302, 0x11d }, { 'h', 0x302, 0x125 }, { 'i', 0x302, 0x0ee },
	{ 'j', 0x302, 0x135 }, { 'o', 0x302, 0x0f4 }, { 's', 0x302, 0x15d },
	{ 'u', 0x302, 0x0fb }, { 'w', 0x302, 0x175 }, { 'y', 0x302, 0x177 },
	/* U+0303, tilde */
	{ 'A', 0x303, 0x0c3 }, { 'I', 0x303, 0x128 }, { 'N', 0x303, 0x0d1 },
	{ 'O', 0x303, 0x0d5 }, { 'U', 0x303, 0x168 }, { 'a', 0x303, 0x0e3 },
	{ 'i', 0x303, 0x129 }, { 'n', 0x303, 0x0f1 }, { 'o', 0x303, 0x0f5 },
	{ 'u', 0x303, 0x169 },
	/* U+0304, macron */
	{ 'A', 0x304, 0x100 }, { 'E', 0x304, 0x112 }, { 'I', 0x304, 0x12a },
	{ 'O', 0x304, 0x14c }, { 'U', 0x304, 0x16a }, { 'a', 0x304, 0x101 },
	{ 'e', 0x304, 0x113 }, { 'i', 0x304, 0x12b }, { 'o', 0x304, 0x14d },
	{ 'u', 0x304, 0x16b },
	/* U+0306, breve */
	{ 'A', 0x306, 0x102 }, { 'E', 0x306, 0x114 }, { 'G', 0x306, 0x11e },
	{ 'I', 0x306, 0x12c }, { 'O', 0x306, 0x14e }, { 'U', 0x306, 0x16c },
	{ 'a', 0x306, 0x103 }, { 'e', 0x306, 0x115 }, { 'g', 0x306, 0x11f },
	{ 'i', 0x306, 0x12d }, { 'o', 0x306, 0x14f }, { 'u', 0x306, 0x16d },
	/* U+0307, dot above */
	{ 'C', 0x307, 0x10a }, { 'E', 0x307, 0x116 }, { 'G', 0x307, 0x120 },
	{ 'I', 0x307, 0x130 }, { 'Z', 0x307, 0x17b }, { 'c', 0x307, 0x10b },
	{ 'e', 0x307, 0x117 }, { 'g', 0x307, 0x121 }, { 'z', 0x307, 0x17c },
	/* U+0308, diaeresis */
	{ 'A', 0x308, 0x0c4 }, { 'E', 0x308, 0x0cb }, { 'I', 0x308, 0x0cf },
	{ 'O', 0x308, 0x0d6 }, { 'U', 0x308, 0x0dc }, { 'Y', 0x308, 0x178 },
	{ 'a', 0x308, 0x0e4 }, { 'e', 0x308, 0x0eb }, { 'i', 0x308, 0x0ef },
	{ 'o', 0x308, 0x0f6 }, { 'u', 0x308, 0x0fc }, { 'y', 0x308, 0x0ff },
	/* U+030A, ring */
	{ 'A', 0x30a, 0x0c5 }, { 'U', 0x30a, 0x16e }, { 'a', 0x30a, 0x0e5 },
	{ 'u', 0x30a, 0x16f },
	/* U+030B, double acute */
	{ 'O', 0x30b, 0x150 }, { 'U', 0x30b, 0x170 }, { 'o', 0x30b, 0x151 },
	{ 'u', 0x30b, 0x171 },
	/* U+030C, caron */
	{ 'C', 0x30c, 0x10c }, { 'D', 0x30c, 0x10e }, { 'E', 0x30c, 0x11a },
	{ 'L', 0x30c, 0x13d }, { 'N', 0x30c, 0x147 }, { 'R', 0x30c, 0x158 },
	{ 'S', 0x30c, 0x160 }, { 'T', 0x30c, 0x164 }, { 'Z', 0x30c, 0x17d },
	{ 'c', 0x30c, 0x10d }, { 'd', 0x30c, 0x10f }, { 'e', 0x30c, 0x11b },
	{ 'l', 0x30c, 0x13e }, { 'n', 0x30c, 0x148 }, { 'r', 0x30c, 0x159 },
	{ 's', 0x30c, 0x161 }, { 't', 0x30c, 0x165 }, { 'z', 0x30c, 0x17e },
	/* U+0327, cedilla */
	{ 'C', 0x327, 0x0c7 }, { 'G', 0x327, 0x122 }, { 'K', 0x327, 0x136 },
	{ 'L', 0x327, 0x13b }, { 'N', 0x327, 0x145 }, { 'R', 0x327, 0x156 },
	{ 'S', 0x327, 0x15e }, { 'T', 0x327, 0x162 }, { 'c', 0x327, 0x0e7 },
	{ 'g', 0x327, 0x123 }, { 'k', 0x327, 0x137 }, { 'l', 0x327, 0x13c },
	{ 'n', 0x327, 0x146 }, { 'r', 0x327, 0x157 }, { 's', 0x327, 0x15f },
	{ 't', 0x327, 0x163 },
	/* U+0328, ogonek */
	{ 'A', 0x328, 0x104 }, { 'E', 0x328, 0x118 }, { 'I', 0x328, 0x12e },
	{ 'U', 0x328, 0x172 }, { 'a', 0x328, 0x105 }, { 'e', 0x328, 0x119 },
	{ 'i', 0x328, 0x12f }, { 'u', 0x328, 0x173 },
};

/* The character that a letter and the mark at p make; 0: none. */
static uint32_t
text_compose(char letter, const char *p, const char *end)
{
	uint32_t	mark;
	size_t		i;

	/* U+0300 to U+033F begin with this byte. */
	if (end - p < 2 || (unsigned char)p[0] != 0xcc ||
	    ((unsigned char)letter | 0x20) < 'a' ||
	    ((unsigned char)letter | 0x20) > 'z')
		return 0;
	mark = 0x300U | ((unsigned char)p[1] & 0x3f);
	for (i = 0; i < sizeof(composed) / sizeof(composed[0]); i++) {
		if (composed[i].letter == letter && composed[i].mark == mark)
			return composed[i].whole;
	}
	return 0;
}

static bool
text_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
text_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Appends the next character, which is not a line end, and moves *p past it. */
static char *
text_next(char *out, const char **p, const char *end)
{
	const char	*s = *p;
	uint32_t	 whole;

	if (end - s >= 2 && memcmp(s, "\xc2\xa0", 2) == 0) {
		*out++ = ' ';
		*p = s + 2;
	} else if ((whole = text_compose(*s, s + 1, end)) != 0) {
		out += utf8_encode(whole, out);
		*p = s + 3;
	} else {
		*out++ = *s;
		*p = s + 1;
	}
	return out;
}

char *
text_form(const char *text, size_t len, size_t *form_len)
{
	const char	*p = text, *end;
	char		*form, *out;

	/* The form is never longer than the text. */
	if ((form = out = malloc(len + 1)) == NULL)
		return NULL;
	if (len == 0) {
		p = "";
	} else if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		len -= 3;
	}
	end = p + len;
	while (p < end) {
		if (*p != '\r' && *p != '\n') {
			out = text_next(out, &p, end);
			continue;
		}
		p += *p == '\r' && end - p >= 2 && p[1] == '\n' ? 2 : 1;
		while (out > form && text_is_blank(out[-1]))
			out--;
		*out++ = '\n';
	}
	while (out > form && text_is_space(out[-1]))
		out--;
	for (p = form; p < out && text_is_space(*p); )
		p++;
	*form_len = (size_t)(out - p);
	memmove(form, p, *form_len);
	form[*form_len] = '\0';
	return form;
}

char *
text_folded(const char *text, size_t len, size_t *folded_len)
{
	char	*form;
	size_t	 form_len, i, n = 0;
	bool	 blank, before = false;

	if ((form = text_form(text, len, &form_len)) == NULL)
		return NULL;
	for (i = 0; i < form_len; i++, before = blank) {
		blank = form[i] == ' ' || (form[i] >= '\t' && form[i] <= '\r');
		if (!blank || !before)
			form[n++] = form[i];
		if (blank && !before)
			form[n - 1] = ' ';
	}
	form[n] = '\0';
	*folded_len = n;
	return form;
}

bool
text_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	char	*x, *y;
	size_t	 x_len, y_len;
	bool	 same;

	if (a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0))
		return true;
	x = text_form(a, a_len, &x_len);
	y = text_form(b, b_len, &y_len);
	same = x != NULL && y != NULL && x_len == y_len &&
	    memcmp(x, y, x_len) == 0;
	free(x);
	free(y);
	return same;
}

bool
text_secret(unsigned char secret[TEXT_SECRET], const char *digits)
{
	static const char	all[] = "0123456789abcdef";
	const char		*d;
	size_t			 i;

	if (digits == NULL || strlen(digits) != 2 * TEXT_SECRET)
		return false;
	for (i = 0; i < 2 * TEXT_SECRET; i++) {
		if ((d = strchr(all, digits[i])) == NULL)
			return false;
		if (i % 2 == 0)
			secret[i / 2] = (unsigned char)((d - all) << 4);
		else
			secret[i / 2] |= (unsigned char)(d - all);
	}
	return true;
}

int
text_hash(const unsigned char secret[TEXT_SECRET], const char *text,
    size_t len, char hash[TEXT_HASH + 1])
{
	unsigned char	 bytes[SIPHASH_128];
	char		*form;
	size_t		 form_len;

	if ((form = text_form(text, len, &form_len)) == NULL)
		return -1;
	siphash_128(secret, form, form_len, bytes);
	hex_write(bytes, sizeof(bytes), hash);
	free(form);
	return 0;
}

int
text_word(const unsigned char secret[TEXT_SECRET], int64_t ticket,
    const char *text, size_t len, unsigned counter, char word[TEXT_WORD + 1])
{
	unsigned char	 bytes[SIPHASH_128];
	char		 head[64], *form, *all = NULL;
	size_t		 form_len;
	int		 n;

	n = snprintf(head, sizeof(head), "%cfence %" PRId64 " %u ", '\0',
	    ticket, counter);
	if ((form = text_form(text, len, &form_len)) == NULL ||
	    (all = malloc((size_t)n + form_len)) == NULL) {
		free(form);
		return -1;
	}
	memcpy(all, head, (size_t)n);
	memcpy(all + n, form, form_len);
	siphash_128(secret, all, (size_t)n + form_len, bytes);
	hex_write(bytes, TEXT_WORD / 2, word);
	free(all);
	free(form);
	return 0;
}

bool
text_has_word(const char *text, size_t len, const char *word)
{
	const size_t	n = strlen(word);
	size_t		i;

	/* In a digit this bit is set, and it makes a letter small. */
	for (i = 0; n > 0 && i + n <= len; i++) {
		if ((text[i] | 0x20) == (word[0] | 0x20) &&
		    strncasecmp(text + i, word, n) == 0)
			return true;
	}
	return false;
}
