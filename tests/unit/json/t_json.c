/*
 * lib/json/json: what is JSON by RFC 8259 and what is not, above all the forms
 * that jsmn alone accepts; members, elements, strings, numbers, limits.
 */
#include "json/json.h"
#include "t.h"

/*
 * A copy without a NUL at its end, so that the sanitizers detect each read past
 * it.
 */
static int
parse(struct json *j, const char *text, size_t len, char **copy)
{
	if ((*copy = malloc(len + (len == 0))) == NULL)
		t_die("malloc");
	memcpy(*copy, text, len);
	return json_parse(j, *copy, len, 64, 1000);
}

struct text {
	const char	*text;
	size_t		 len;
};
#define T(s)	{ s, sizeof(s) - 1 }

static void
refuses(void)
{
	static const struct text	rows[] = {
		/* jsmn accepts these with and without JSMN_STRICT. */
		T("{\"a\"}"), T("{\"a\":1,}"), T("{,}"),
		T("{\"a\":1 \"b\":2}"), T("{\"a\":\"b\":\"c\"}"),
		T("[\"a\":1]"), T("{\"a\":1}{\"b\":2}"), T("{\"a\":1} x"),
		T("007"), T("{\"a\":01}"), T("{\"a\":truX}"), T("{\"a\":tru}"),
		T("{\"a\":nan}"), T("{\"a\":1e}"), T("{\"a\":\"\x01\"}"),
		T("{\"a\":\"b\nc\"}"), T(""), T(" "), T("{\"a\":}"),
		T("{\"a\" 1}"), T("[1,,2]"), T("{\"a\":1,,\"b\":2}"),
		/* Similar errors. */
		T("["), T("]"), T("{"), T("}"), T("[1"), T("[1,"), T("[1,]"),
		T("[,1]"), T("{\"a\":1"), T("{\"a\":"), T("{\"a"), T("{a:1}"),
		T("{'a':1}"), T("{1:1}"), T("{null:1}"), T("{[]:1}"),
		T("[1}"), T("{\"a\":1]"), T("[[1]"), T("[1]]"), T("[1 2]"),
		T("{\"a\":1;}"), T("\"a"), T("\"a\\"), T("\"\\x\""),
		T("\"\\\""), T("\"\\u12\""), T("\"\\u12g4\""), T("\"\\u\""),
		T("\"\\u123"), T("\"\\\0\""), T("\"a\0b\""), T("\"a\tb\""),
		T("\"\x1f\""), T("1\0"), T("\0"), T("{}\0"), T("-"), T("+1"),
		T(".5"), T("1."), T("1.e1"), T("1e+"), T("-01"), T("00"),
		T("0x1"), T("1 1"), T("1,"), T("--1"), T("1-"), T("Infinity"),
		T("NaN"), T("True"), T("nul"), T("nulls"), T("t"), T("x"),
		T("[1]//c"), T("/**/[1]"), T("\xef\xbb\xbf{}"), T("{}\f"),
		T("\v{}"), T("{\"a\":\x7f}"),
		T("\"\\u00e1\" \"b\""), T("[1][2]"), T("true false"),
		/* A bare value is JSON, but not a message of ours. */
		T("0"), T("-1.5"), T("true"), T("false"), T("null"),
		T("0 "), T("\t-1.5\n"), T("true\r\n"), T(" false "),
		T("null\t"),
	}, not_utf8[] = {
		T("\"\xff\""), T("\"\xc0\xaf\""), T("\"\xed\xa0\x80\""),
		T("\"\xf4\x90\x80\x80\""), T("\"\xc3\""), T("\xff"),
		T("{\"\xe2\x82\":1}"), T("{}\xc3"),
	};
	struct json	j = { 0 };
	size_t		i;
	char		*copy;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_int(parse(&j, rows[i].text, rows[i].len, &copy), -1);
		check_int(errno, EINVAL);
		check_int(json_type(&j, 0), JSON_NONE);
		free(copy);
	}
	for (i = 0; i < sizeof(not_utf8) / sizeof(not_utf8[0]); i++) {
		row("not UTF-8 %zu", i);
		check_int(parse(&j, not_utf8[i].text, not_utf8[i].len,
		    &copy), -1);
		check_int(errno, EILSEQ);
		free(copy);
	}
	json_free(&j);
}

static void
takes(void)
{
	static const struct {
		const char	*text;
		enum json_type	 type;
	} rows[] = {
		{ "{}", JSON_OBJECT }, { " \t\r\n{ \t\r\n} \t\r\n",
		    JSON_OBJECT }, { "[]", JSON_ARRAY }, { "\"\"",
		    JSON_STRING }, { "[0,-0,-1.5e-10,1E+2,0.0e0,10]",
		    JSON_ARRAY }, { "[true,false,null]", JSON_ARRAY },
		{ "{\"a\":1,\"b\":[true,{},[],null]}", JSON_OBJECT },
		{ "{\"\":\"\"}", JSON_OBJECT }, { "[0,-1,[[]],{\"a\":{}}]",
		    JSON_ARRAY }, { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u12aF\"",
		    JSON_STRING }, { "\"{[,:]}\"", JSON_STRING },
		{ "\"\x7f\xc3\xa1\xf0\x9f\x98\x80\"", JSON_STRING },
		{ "\"\\ud800\"", JSON_STRING }, { "\"\\u0000\"",
		    JSON_STRING }, { "{\"a\":1,\"a\":2}", JSON_OBJECT },
		{ "[1 , 2 , 3]", JSON_ARRAY },
	};
	struct json	j = { 0 };
	size_t		i;
	char		*copy;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_int(parse(&j, rows[i].text, strlen(rows[i].text),
		    &copy), 0);
		check_int(json_type(&j, 0), rows[i].type);
		check_int(json_type(&j, -1), JSON_NONE);
		check_int(json_type(&j, j.count), JSON_NONE);
		free(copy);
	}
	json_free(&j);
}

static void
limits(void)
{
	char		text[300], *p;
	struct json	j = { 0 };
	unsigned	depth, max;

	for (depth = 1; depth <= 70; depth++) {
		p = text;
		memset(p, '[', depth);
		memset(p + depth, ']', depth);
		for (max = depth - 1; max <= depth + 1; max++) {
			bool	good = depth <= max && depth <= 64;

			row("depth %u of %u", depth, max);
			errno = 0;
			check_int(json_parse(&j, text, depth * 2, max, 1000),
			    good ? 0 : -1);
			check_int(errno, good ? 0 : E2BIG);
		}
	}
	row("tokens");
	check(json_parse(&j, "[1,2,3]", 7, 8, 4) == 0);
	check(json_parse(&j, "[1,2,3]", 7, 8, 3) == -1 && errno == E2BIG);
	check(json_parse(&j, "[]", 2, 8, 1) == 0);
	check(json_parse(&j, "\"\"", 2, 0, 1) == 0);
	check(json_parse(&j, "[]", 2, 0, 1) == -1 && errno == E2BIG);
	json_free(&j);
	check(j.tokens == NULL && j.count == 0);
	json_free(&j);
}

static void
members(void)
{
	static const char	text[] =
	    "{\"a\":1,\"b\":{\"a\":2,\"x\":[{\"a\":3}]},\"\\u0063\":\"d\","
	    "\"e\":[],\"f\":1,\"f\":2,\"\":5,\"a\\u0000z\":6,\"g\":\"a\"}";
	static const struct {
		const char	*name;
		int64_t		 want;	/* number; -1: none, -2: twice */
	} rows[] = {
		{ "a", 1 }, { "f", -2 }, { "", 5 }, { "x", -1 }, { "d", -1 },
		{ "A", -1 }, { "aa", -1 }, { "g", 0 }, { "c", 0 },
	};
	struct json	j = { 0 };
	size_t		i;
	int		v;

	check(json_parse(&j, text, sizeof(text) - 1, 64, 100) == 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].name);
		v = json_member(&j, 0, rows[i].name);
		if (rows[i].want < 0)
			check_int(v, rows[i].want);
		else
			check_int(json_int(&j, v, 0), rows[i].want);
	}
	row("within");
	v = json_member(&j, 0, "b");
	check_int(json_int(&j, json_member(&j, v, "a"), 0), 2);
	check_int(json_member(&j, v, "c"), -1);
	v = json_first(&j, json_member(&j, v, "x"));
	check_int(json_int(&j, json_member(&j, v, "a"), 0), 3);
	row("no object");
	check_int(json_member(&j, json_member(&j, 0, "e"), "a"), -1);
	check_int(json_member(&j, json_member(&j, 0, "a"), "a"), -1);
	check_int(json_member(&j, -1, "a"), -1);
	check_int(json_member(&j, -2, "a"), -1);
	json_free(&j);
}

static void
elements(void)
{
	static const char	text[] =
	    "{\"a\":[1,[2,3],{\"x\":[4]},5],\"b\":[],\"c\":6}";
	static const enum json_type	want[] = { JSON_NUMBER, JSON_ARRAY,
					    JSON_OBJECT, JSON_NUMBER };
	struct json	j = { 0 };
	size_t		n = 0;
	int		a, i;

	check(json_parse(&j, text, sizeof(text) - 1, 64, 100) == 0);
	a = json_member(&j, 0, "a");
	for (i = json_first(&j, a); i != -1 && n < 5; i = json_next(&j, a, i))
		check_int(json_type(&j, i), n < 4 ? want[n++] : JSON_NONE);
	check_int(n, 4);
	check_int(json_first(&j, json_member(&j, 0, "b")), -1);
	check_int(json_first(&j, json_member(&j, 0, "c")), -1);
	check_int(json_first(&j, 0), -1);
	check_int(json_first(&j, -1), -1);
	json_free(&j);
}

static void
strings(void)
{
	static const struct {
		const char	*text, *want;
		size_t		 len;
		bool		 strict;	/* accepted also when strict */
	} rows[] = {
		{ "\"\"", "", 0, true }, { "\"abc\"", "abc", 3, true },
		{ "\"\\\"\\\\\\/\"", "\"\\/", 3, true },
		{ "\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t", 5, true },
		{ "\"a\\u0000b\"", "a\0b", 3, true },
		{ "\"\\u0041\\u00e1\\u20AC\"", "A\xc3\xa1\xe2\x82\xac", 6,
		    true },
		{ "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4, true },
		{ "\"\\uD83D\\uDE00!\"", "\xf0\x9f\x98\x80!", 5, true },
		{ "\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf", 4, true },
		{ "\"\\ud800\"", "\xef\xbf\xbd", 3, false },
		{ "\"\\udc00\"", "\xef\xbf\xbd", 3, false },
		{ "\"\\ud83dx\"", "\xef\xbf\xbdx", 4, false },
		{ "\"\\ud83d\\u0041\"", "\xef\xbf\xbd" "A", 4, false },
		{ "\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd", 6,
		    false },
		{ "\"\\ud83d\\ud83d\\ude00\"",
		    "\xef\xbf\xbd\xf0\x9f\x98\x80", 7, false },
		{ "\"\\ud83d\\n\"", "\xef\xbf\xbd\n", 4, false },
		{ "\"\\ufffd\"", "\xef\xbf\xbd", 3, true },
		{ "\"\\\\u0041\"", "\\u0041", 6, true },
		{ "\"\xc3\xa1\\n\xc3\xa1\"", "\xc3\xa1\n\xc3\xa1", 5, true },
	};
	struct json	j = { 0 };
	size_t		i;
	char		*copy;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	b = BUF_INIT(100), s = BUF_INIT(100);

		row("%s", rows[i].text);
		check(parse(&j, rows[i].text, strlen(rows[i].text),
		    &copy) == 0);
		check(json_string(&j, 0, false, &b) == 0);
		check_mem(b.data, b.len, rows[i].want, rows[i].len);
		errno = 0;
		check_int(json_string(&j, 0, true, &s),
		    rows[i].strict ? 0 : -1);
		check_int(errno, rows[i].strict ? 0 : EILSEQ);
		if (memchr(rows[i].want, '\0', rows[i].len) == NULL)
			check(json_equals(&j, 0, rows[i].want));
		check(!json_equals(&j, 0, "abcd"));
		check(!json_equals(&j, 0, "ab"));
		buf_free(&b);
		buf_free(&s);
		free(copy);
	}
	{
		struct buf	b = BUF_INIT(2);

		row("over the cap; no string");
		check(json_parse(&j, "[\"abc\",\"\\u20ac\",1]", 18, 9, 9) == 0);
		check(json_string(&j, 1, true, &b) == -1 && errno == EMSGSIZE);
		check(json_string(&j, 2, true, &b) == -1 && errno == EMSGSIZE);
		check(json_string(&j, 3, true, &b) == -1 && errno == EINVAL);
		check(json_string(&j, -1, true, &b) == -1 && errno == EINVAL);
		check(!json_equals(&j, 3, "1") && !json_equals(&j, -1, ""));
		buf_free(&b);
	}
	json_free(&j);
}

static void
numbers(void)
{
	static const struct {
		const char	*text;
		int64_t		 want;	/* 77: the fallback */
	} rows[] = {
		{ "[0]", 0 }, { "[-0]", 0 }, { "[42]", 42 }, { "[-42]", -42 },
		{ "[9223372036854775807]", INT64_MAX },
		{ "[-9223372036854775808]", INT64_MIN },
		{ "[9223372036854775808]", 77 }, { "[1.0]", 77 },
		{ "[1e2]", 77 }, { "[\"5\"]", 77 }, { "[null]", 77 },
		{ "[true]", 77 }, { "[[5]]", 77 }, { "[ 5 ]", 5 },
	};
	struct json	j = { 0 };
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check(json_parse(&j, rows[i].text, strlen(rows[i].text), 9,
		    9) == 0);
		check_int(json_int(&j, 1, 77), rows[i].want);
	}
	row("-1");
	check_int(json_int(&j, -1, 77), 77);
	row("booleans");
	check(json_parse(&j, "[true,false,\"true\",1]", 21, 9, 9) == 0);
	check(json_true(&j, 1) && !json_true(&j, 2) && !json_true(&j, 3) &&
	    !json_true(&j, 4) && !json_true(&j, -1));
	json_free(&j);
}

int
main(void)
{
	t_begin();
	run(refuses);
	run(takes);
	run(limits);
	run(members);
	run(elements);
	run(strings);
	run(numbers);
	return t_end();
}
