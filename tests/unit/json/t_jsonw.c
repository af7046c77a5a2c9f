/*
 * lib/json/jsonw: whatever the input, the output is one line of valid JSON or
 * nothing.
 */
#include "json/json.h"
#include "json/jsonw.h"
#include "t.h"

static void
escapes(void)
{
	static const struct {
		const char	*in, *out;
		size_t		 len;
	} rows[] = {
		{ "", "", 0 }, { "abc", "abc", 3 },
		{ "\"\\/", "\\\"\\\\/", 3 },
		{ "\b\f\n\r\t", "\\b\\f\\n\\r\\t", 5 },
		{ "\0\x01\x1f\x7f", "\\u0000\\u0001\\u001f\\u007f", 4 },
		{ "a\xc3\xa1\xf0\x9f\x98\x80", "a\xc3\xa1\xf0\x9f\x98\x80", 7 },
		{ "a\xc2\x80\xc2\x9f\xc2\xa0", "a\\u0080\\u009f\xc2\xa0", 7 },
		{ "\xff", "\xef\xbf\xbd", 1 },
		{ "a\xc3", "a\xef\xbf\xbd", 2 },
		{ "\xe2\x82x", "\xef\xbf\xbd\xef\xbf\xbdx", 3 },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3 },
		{ "\xff\n\xff", "\xef\xbf\xbd\\n\xef\xbf\xbd", 3 },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	b = BUF_INIT(100);

		row("%s", rows[i].in);
		check(jsonw_escape(&b, rows[i].in, rows[i].len) == 0);
		check_mem(b.data, b.len, rows[i].out, strlen(rows[i].out));
		buf_free(&b);
	}
}

/* Every pair of bytes comes back unchanged if it is UTF-8. */
static void
round_trip(void)
{
	struct json	j = { 0 };
	struct buf	b = BUF_INIT(200), back = BUF_INIT(200);
	struct jsonw	w;
	unsigned	n;
	int		wrong = 0;
	char		s[2];

	for (n = 0; n < 0x10000; n++) {
		s[0] = (char)(n >> 8);
		s[1] = (char)n;
		buf_clear(&b);
		buf_clear(&back);
		jsonw_begin(&w, &b);
		jsonw_array(&w, NULL);
		jsonw_string(&w, NULL, s, 2);
		if (jsonw_end(&w, true) == -1 || b.data[b.len - 1] != '\n' ||
		    memchr(b.data, '\n', b.len) != b.data + b.len - 1 ||
		    json_parse(&j, b.data, b.len, 2, 2) == -1 ||
		    json_string(&j, 1, true, &back) == -1)
			wrong++;
		else if (n < 0x8000 && (n & 0x80) == 0)
			wrong += back.len != 2 || memcmp(back.data, s, 2) != 0;
	}
	check_int(wrong, 0);
	buf_free(&b);
	buf_free(&back);
	json_free(&j);
}

static void
writes(void)
{
	struct buf	b = BUF_INIT(300);
	struct jsonw	w;

	check(buf_puts(&b, "before ") == 0);
	jsonw_begin(&w, &b);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "t\"", "x");
	jsonw_int(&w, "min", INT64_MIN);
	jsonw_int(&w, "max", INT64_MAX);
	jsonw_bool(&w, "yes", true);
	jsonw_bool(&w, "no", false);
	jsonw_array(&w, "a");
	jsonw_object(&w, NULL);
	jsonw_close(&w);
	jsonw_array(&w, NULL);
	jsonw_close(&w);
	jsonw_int(&w, NULL, 1);
	jsonw_close(&w);
	jsonw_trusted(&w, "o", "{\"b\":2}");
	jsonw_string(&w, "s", "a\0b", 3);
	jsonw_object(&w, "open");
	jsonw_array(&w, "too");
	check(jsonw_end(&w, true) == 0);
	check_str(b.data, "before {\"t\\\"\":\"x\","
	    "\"min\":-9223372036854775808,\"max\":9223372036854775807,"
	    "\"yes\":true,\"no\":false,\"a\":[{},[],1],\"o\":{\"b\":2},"
	    "\"s\":\"a\\u0000b\",\"open\":{\"too\":[]}}\n");
	buf_free(&b);
	jsonw_begin(&w, &b);
	jsonw_text(&w, NULL, "root");
	check(jsonw_end(&w, false) == 0);
	check_str(b.data, "\"root\"");
	buf_free(&b);
}

static void
no_key_in_object(struct jsonw *w)
{
	jsonw_object(w, NULL);
	jsonw_int(w, NULL, 1);
}

static void
key_in_array(struct jsonw *w)
{
	jsonw_array(w, NULL);
	jsonw_int(w, "k", 1);
}

static void
key_at_root(struct jsonw *w)
{
	jsonw_object(w, "k");
}

static void
one_close_too_many(struct jsonw *w)
{
	jsonw_object(w, NULL);
	jsonw_close(w);
	jsonw_close(w);
}

static void
too_deep(struct jsonw *w)
{
	size_t	i;

	for (i = 0; i <= sizeof(w->close); i++)
		jsonw_array(w, NULL);
}

static void
over_the_cap(struct jsonw *w)
{
	jsonw_text(w, NULL, "0123456789012345678901234567890123456789");
}

/*
 * After an error the buffer has its old content, however much was written
 * since.
 */
static void
fails(void)
{
	static void	(*const mistake[])(struct jsonw *) = {
		no_key_in_object, key_in_array, key_at_root,
		one_close_too_many, too_deep, over_the_cap,
	};
	size_t	i;

	for (i = 0; i < sizeof(mistake) / sizeof(mistake[0]); i++) {
		struct buf	b = BUF_INIT(mistake[i] == over_the_cap ? 40 :
				    4000);
		struct jsonw	w;

		row("mistake %zu", i);
		check(i == 0 || buf_puts(&b, "before") == 0);
		jsonw_begin(&w, &b);
		mistake[i](&w);
		check(jsonw_end(&w, true) == -1);
		check_str(b.data, i == 0 ? "" : "before");
		check_int(b.len, i == 0 ? 0 : 6);
		buf_free(&b);
	}
}

/* With each cap there is everything or nothing. */
static void
caps(void)
{
	size_t	cap;

	for (cap = 0; cap < 60; cap++) {
		struct buf	b = BUF_INIT(cap);
		struct jsonw	w;
		int		rc;

		row("cap %zu", cap);
		jsonw_begin(&w, &b);
		jsonw_object(&w, NULL);
		jsonw_text(&w, "a", "\xff\x01\"");
		jsonw_array(&w, "b");
		jsonw_bool(&w, NULL, true);
		rc = jsonw_end(&w, true);
		/* {"a":"?\u0001\"","b":[true]} and a line end */
		check_int(rc, cap < 31 ? -1 : 0);
		check_int(b.len, rc == 0 ? 31 : 0);
		buf_free(&b);
	}
}

int
main(void)
{
	t_begin();
	run(escapes);
	run(round_trip);
	run(writes);
	run(fails);
	run(caps);
	return t_end();
}
