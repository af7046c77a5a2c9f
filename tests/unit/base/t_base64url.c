/*
 * lib/base/base64url: the examples of RFC 4648, every byte encoded and decoded,
 * and what other decoders accept but this one must not.
 */
#include "base/base64url.h"
#include "t.h"

static void
examples(void)
{
	static const struct {
		const char	*text, *bytes;
	} rows[] = {
		{ "", "" }, { "Zg", "f" }, { "Zm8", "fo" }, { "Zm9v", "foo" },
		{ "Zm9vYg", "foob" }, { "Zm9vYmE", "fooba" },
		{ "Zm9vYmFy", "foobar" }, { "-_-_", "\xfb\xff\xbf" },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	b = BUF_INIT(20), t = BUF_INIT(20);

		row("%s", rows[i].text);
		check(base64url_decode(rows[i].text, strlen(rows[i].text),
		    &b));
		check_mem(b.data, b.len, rows[i].bytes,
		    strlen(rows[i].bytes));
		check_int(base64url_encode(&t,
		    (const unsigned char *)rows[i].bytes,
		    strlen(rows[i].bytes)), 0);
		check_mem(t.data, t.len, rows[i].text, strlen(rows[i].text));
		buf_free(&b);
		buf_free(&t);
	}
}

static void
refuses(void)
{
	static const char	*const rows[] = {
		"Z", "Zm9vY", "Zg==", "Zg=", "Zm8=", "=", "Z+==", "ab+d",
		"ab/d", "ab d", "ab\nd", " Zg", "Zg ", "Zh", "Zm9", "Zm-",
		"a.bc", "\xc3\xa1_b",
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	b = BUF_INIT(20);

		row("%s", rows[i]);
		check(!base64url_decode(rows[i], strlen(rows[i]), &b));
		buf_free(&b);
	}
	{
		struct buf	b = BUF_INIT(2);

		row("a NUL; over the cap");
		check(!base64url_decode("Zg\0\0", 4, &b));
		buf_clear(&b);
		check(!base64url_decode("Zm9v", 4, &b));
		check(base64url_encode(&b, (const unsigned char *)"foo",
		    3) == -1);
		buf_free(&b);
	}
}

static void
there_and_back(void)
{
	unsigned char	bytes[256];
	size_t		i, len;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 167 + 13);
	for (len = 0; len <= sizeof(bytes); len++) {
		struct buf	t = BUF_INIT(400), b = BUF_INIT(400);

		row("%zu bytes", len);
		check_int(base64url_encode(&t, bytes, len), 0);
		check_int(t.len, (len * 4 + 2) / 3);
		check(base64url_decode(t.data, t.len, &b));
		check(b.len == len && (len == 0 ||
		    memcmp(b.data, bytes, len) == 0));
		buf_free(&t);
		buf_free(&b);
	}
}

int
main(void)
{
	t_begin();
	run(examples);
	run(refuses);
	run(there_and_back);
	return t_end();
}
