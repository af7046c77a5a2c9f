/*
 * lib/base/utf8: exactly the characters of RFC 3629; cutting, blank texts, and
 * cleaning pieces of every size.
 */
#include "base/utf8.h"
#include "t.h"

/* RFC 3629 implemented in another way: decodes first, then excludes. */
static int
model(const unsigned char *p, size_t len)
{
	uint32_t	c, min;
	int		need, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc0 && p[0] < 0xe0)
		need = 2, c = p[0] & 0x1f, min = 0x80;
	else if (p[0] >= 0xe0 && p[0] < 0xf0)
		need = 3, c = p[0] & 0xf, min = 0x800;
	else if (p[0] >= 0xf0 && p[0] < 0xf8)
		need = 4, c = p[0] & 7, min = 0x10000;
	else
		return 0;
	if ((size_t)need > len)
		return 0;
	for (i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	return c < min || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 :
	    need;
}

/* All sequences of up to three bytes, and of four with chosen last bytes. */
static void
every_sequence(void)
{
	static const unsigned char	tails[] = { 0, 0x41, 0x7f, 0x80, 0xbf,
					    0xc0, 0xff };
	unsigned char			s[4];
	unsigned			n, i;
	int				got, wrong = 0;

	for (n = 0; n < 1U << 24; n++) {
		s[0] = (unsigned char)(n >> 16);
		s[1] = (unsigned char)(n >> 8);
		s[2] = (unsigned char)n;
		if (s[0] < 0xf0) {
			got = utf8_char((const char *)s, 3);
			wrong += got != model(s, 3);
			continue;
		}
		for (i = 0; i < sizeof(tails); i++) {
			s[3] = tails[i];
			got = utf8_char((const char *)s, 4);
			wrong += got != model(s, 4);
		}
	}
	check_int(wrong, 0);
}

/*
 * A prefix of a valid character may need more bytes, one of an invalid one not.
 */
static void
starts(void)
{
	static const struct {
		const char	*s;
		int		 want;
	} rows[] = {
		{ "\xc3", -1 }, { "\xe0", -1 }, { "\xe0\xa0", -1 },
		{ "\xe0\x9f", 0 }, { "\xed\xa0", 0 }, { "\xed\x9f", -1 },
		{ "\xf0\x8f", 0 }, { "\xf0\x90", -1 }, { "\xf4\x90", 0 },
		{ "\xf4\x8f\xbf", -1 }, { "\xf4\x8f\x41", 0 }, { "\xc1", 0 },
		{ "\xc0", 0 }, { "\xf5", 0 }, { "\xff", 0 }, { "\x80", 0 },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		check_int(utf8_char(rows[i].s, strlen(rows[i].s)),
		    rows[i].want);
		check(!utf8_valid(rows[i].s, strlen(rows[i].s)));
	}
	row("whole");
	check(utf8_valid("", 0));
	check(utf8_valid("a\0\xc3\xa1\xf0\x9f\x98\x80", 8));
	check(!utf8_valid("a\0\xc3\xa1\xf0\x9f\x98", 7));
}

static void
cuts(void)
{
	static const char	s[] = "a\xc3\xa1\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t	want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10,
				    11, 11, 11 };
	size_t			i;

	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		row("max %zu", i);
		check_int(utf8_cut(s, 11, i), want[i]);
	}
	row("first character too long");
	check_int(utf8_cut("\xc3\xa1", 2, 1), 0);
	check_int(utf8_cut("\xf0\x9f\x98\x80", 4, 3), 0);
	row("not UTF-8: anywhere, but something");
	check_int(utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
	check_int(utf8_cut("\x80\x80\x80", 3, 2), 2);
}

static void
blank(void)
{
	static const struct {
		const char	*s;
		bool		 want;
	} rows[] = {
		{ "", true }, { " \t\r\n", true }, { "\xc2\xa0", true },
		{ "\xe2\x80\x8b", true }, { "\xef\xbb\xbf", true },
		{ "\xe3\x80\x80", true }, { "\xe2\x80\xa8 \x7f", true },
		{ "\xe2\x81\xa0", true }, { "\xc2\xad", true },
		{ ".", false }, { "  x", false }, { "\xc3\xa1", false },
		{ "\xe2\x80\x94", false }, { "\xf0\x9f\x98\x80", false },
		{ "\xff", false }, { " \xc3", false },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		check_int(utf8_blank(rows[i].s, strlen(rows[i].s)),
		    rows[i].want);
	}
}

/* Encodes every character and checks that it decodes to itself. */
static void
encodes(void)
{
	uint32_t	c;
	char		s[4];
	size_t		n;
	int		wrong = 0;

	for (c = 0; c <= 0x10ffff; c++) {
		if (c == 0xd800)
			c = 0xe000;
		n = utf8_encode(c, s);
		wrong += n != (c < 0x80 ? 1U : c < 0x800 ? 2U :
		    c < 0x10000 ? 3U : 4U) || utf8_char(s, n) != (int)n;
	}
	check_int(wrong, 0);
	check(utf8_encode(0x20ac, s) == 3 && memcmp(s, "\xe2\x82\xac", 3) == 0);
	check(utf8_encode(0x1f600, s) == 4 &&
	    memcmp(s, "\xf0\x9f\x98\x80", 4) == 0);
}

#define BAD "\xef\xbf\xbd"

/* Cleans each input at once, byte by byte, and cut in two at every position. */
static void
cleans(void)
{
	static const struct {
		const char	*in, *out;
	} rows[] = {
		{ "", "" }, { "abc", "abc" },
		{ "a\xc3\xa1\xe2\x82\xac\xf0\x9f\x98\x80z",
		    "a\xc3\xa1\xe2\x82\xac\xf0\x9f\x98\x80z" },
		{ "a\tb\nc\r", "a\tb\nc\r" }, { "a\x01\x1f", "a\x01\x1f" },
		{ "\x1b[31m\x07", BAD "[31m" BAD }, { "\x7f", BAD },
		{ "\xc2\x9b" "1m", BAD "1m" }, { "\xc2\xa0", "\xc2\xa0" },
		{ "\xff", BAD }, { "x\xff\xfey", "x" BAD BAD "y" },
		{ "\xc3(", BAD "(" }, { "\xe2\x82(", BAD BAD "(" },
		{ "\xf0\x9f\x98" "a\xc3\xa1", BAD BAD BAD "a\xc3\xa1" },
		{ "\xed\xa0\x80", BAD BAD BAD }, { "\xc0\xaf", BAD BAD },
		{ "\xe2\xe2\x82\xac", BAD "\xe2\x82\xac" },
		{ "\xf0\x9f\xf0\x9f\x98\x80", BAD BAD "\xf0\x9f\x98\x80" },
		{ "\xc3", "" }, { "a\xf0\x9f\x98", "a" },
	};
	size_t	i, cut, len, k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		len = strlen(rows[i].in);
		for (cut = 0; cut <= len + 1; cut++) {
			struct utf8_cleaner	c = { .len = 0 };
			struct buf		b = BUF_INIT(100);

			row("%zu cut at %zu", i, cut);
			if (cut <= len) {
				check(utf8_clean(&c, rows[i].in, cut,
				    &b) == 0);
				check(utf8_clean(&c, rows[i].in + cut,
				    len - cut, &b) == 0);
			}
			for (k = 0; cut > len && k < len; k++)
				check(utf8_clean(&c, rows[i].in + k, 1,
				    &b) == 0);
			check_mem(b.data, b.len, rows[i].out,
			    strlen(rows[i].out));
			buf_free(&b);
		}
	}
	{
		struct utf8_cleaner	c = { .len = 0 };
		struct buf		b = BUF_INIT(4);

		row("over the cap");
		check(utf8_clean(&c, "ab\x1b", 3, &b) == -1);
		buf_free(&b);
	}
}

int
main(void)
{
	t_begin();
	run(every_sequence);
	run(starts);
	run(cuts);
	run(blank);
	run(encodes);
	run(cleans);
	return t_end();
}
