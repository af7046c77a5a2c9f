/*
 * lib/door/head and chunked: what two programs could read in two ways is
 * refused.
 */
#include <stdio.h>
#include <stdlib.h>

#include "door/chunked.h"
#include "door/head.h"
#include "t.h"

#define HOST	"Host: localhost\r\n"
#define GET	"GET / HTTP/1.1\r\n" HOST
#define POST	"POST / HTTP/1.1\r\n" HOST
#define CHUNKED	"Transfer-Encoding: chunked\r\n"

/* Reads a head that may hold a NUL.  Returns the status. */
static int
read_bytes(struct head *h, const char *text, size_t len)
{
	static char	copy[HEAD_MAX + 1];
	const char	*what;
	int		 status;

	memcpy(copy, text, len);
	copy[len] = '\0';
	status = head_read(h, copy, head_end(copy, len), &what);
	check((status == 0) == (*what == '\0'));
	return status;
}

struct refusal {
	int		 status;	/* 0: it is none */
	const char	*text;
};

/* Reads heads, of which some are refused. */
static void
read_all(const struct refusal rows[], size_t count)
{
	static struct head	h;
	size_t			i;

	for (i = 0; i < count; i++) {
		row("%s", rows[i].text);
		check_int(read_bytes(&h, rows[i].text, strlen(rows[i].text)),
		    rows[i].status);
	}
}

static void
refused(void)
{
	static const struct refusal	rows[] = {
		{ 0, GET "\r\n" },
		{ 0, "GET / HTTP/1.0\r\n\r\n" },
		{ 0, "M-SEARCH / HTTP/1.1\r\n" HOST "\r\n" },
		{ 0, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n" },
		{ 0, "GET /?a=1&b HTTP/1.1\r\nHOST:\t a \r\nX:\r\n\r\n" },
		{ 0, GET "Cookie: a\r\nCookie: b\r\n\r\n" },
		/* the request line */
		{ 400, "\r\nGET / HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, " GET / HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET  / HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET /  HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET /\r\n" HOST "\r\n" },
		{ 400, "GET HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "G(T / HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET * HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET a HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET http:// HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET http:/// HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET http://?a HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET http://a@b/ HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET http://a/#b HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET http:/a HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET http://a/ HTTP/1.1\r\n\r\n" },
		{ 400, "CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET /#a HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET /?a#b HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET /\x7f HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET /\xc3\xa1 HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET / http/1.1\r\n" HOST "\r\n" },
		{ 505, "GET / HTTP/1.1 \r\n" HOST "\r\n" },
		{ 505, "GET / HTTP/2.0\r\n" HOST "\r\n" },
		{ 505, "GET / HTTP/1.2\r\n" HOST "\r\n" },
		{ 505, "GET / HTTP/11\r\n" HOST "\r\n" },
		/* fields */
		{ 400, "GET / HTTP/1.1\r\n\r\n" },
		{ 400, GET HOST "\r\n" },
		{ 400, GET "X : 1\r\n\r\n" },
		{ 400, GET " X: 1\r\n\r\n" },
		{ 400, GET "X: 1\r\n 2\r\n\r\n" },
		{ 400, GET "X: 1\r\n\t2\r\n\r\n" },
		{ 400, GET ": 1\r\n\r\n" },
		{ 400, GET "X\r\n\r\n" },
		{ 400, GET "X y: 1\r\n\r\n" },
		{ 400, GET "X: 1\n\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\n" HOST "\r\n" },
		{ 400, GET "X: a\rb\r\n\r\n" },
		{ 400, GET "X: \x1b[2J\r\n\r\n" },
		{ 400, GET "X: \x7f\r\n\r\n" },
		{ 400, GET "Origin: a\r\norigin: a\r\n\r\n" },
		{ 400, GET "Authorization: a\r\n"
		    "AUTHORIZATION: b\r\n\r\n" },
		{ 400, GET "Sec-Fetch-Site: none\r\n"
		    "Sec-Fetch-Site: none\r\n\r\n" },
	};
	static const char	nul[] = "GET /\0 HTTP/1.1\r\n" HOST "\r\n";
	static struct head	h;

	read_all(rows, sizeof(rows) / sizeof(rows[0]));
	check_int(read_bytes(&h, nul, sizeof(nul) - 1), 400);
	check_int(read_bytes(&h, "", 0), 400);
}

/* A target may name its server, which then counts more than Host. */
static void
named(void)
{
	static const struct {
		const char	*target, *host, *path, *query;
	}			rows[] = {
		{ "/a?b", "localhost", "/a", "b" },
		{ "http://desk:80/a?b", "desk:80", "/a", "b" },
		{ "HTTPS://[::1]/", "[::1]", "/", "" },
		{ "http://desk", "desk", "/", "" },
		{ "http://d?a=/@", "d", "/", "a=/@" },
		{ "http://d/http://e/?http://f/", "d", "/http://e/",
		    "http://f/" },
	};
	static struct head	h;
	char			text[256];
	size_t			i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].target);
		(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n"
		    "Host: localhost\r\n\r\n", rows[i].target);
		check_int(read_bytes(&h, text, strlen(text)), 0);
		check_str(head_host(&h), rows[i].host);
		check_str(h.path, rows[i].path);
		check_str(h.query, rows[i].query);
	}
}

/* Where the body ends. */
static void
framed(void)
{
	static const struct refusal	rows[] = {
		{ 0, POST "Content-Length: 0\r\n\r\n" },
		{ 0, POST "Transfer-Encoding: Chunked\r\n\r\n" },
		{ 400, POST "Content-Length: 1\r\n"
		    "Content-Length: 1\r\n\r\n" },
		{ 400, POST "Content-Length: 1, 1\r\n\r\n" },
		{ 400, POST "Content-Length: +1\r\n\r\n" },
		{ 400, POST "Content-Length: 0x1\r\n\r\n" },
		{ 400, POST "Content-Length: 01\r\n\r\n" },
		{ 400, POST "Content-Length: -1\r\n\r\n" },
		{ 400, POST "Content-Length:\r\n\r\n" },
		{ 400, POST
		    "Content-Length: 99999999999999999999\r\n\r\n" },
		{ 400, POST "Content-Length: 1\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: chunked\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n" },
		{ 400, "POST / HTTP/1.0\r\n" CHUNKED "\r\n" },
		{ 400, POST "Transfer-Encoding:\r\n\r\n" },
		{ 501, POST "Transfer-Encoding: gzip\r\n\r\n" },
		{ 501, POST
		    "Transfer-Encoding: gzip, chunked\r\n\r\n" },
		{ 501, POST
		    "Transfer-Encoding: chunked, chunked\r\n\r\n" },
	};

	read_all(rows, sizeof(rows) / sizeof(rows[0]));
}

/* A head with so many fields. */
static int
read_many(size_t count)
{
	static struct head	h;
	struct buf		text = BUF_INIT(HEAD_MAX);
	size_t			i;
	int			status;

	if (buf_puts(&text, "GET / HTTP/1.0\r\n") == -1)
		t_die("buf");
	for (i = 0; i < count; i++) {
		if (buf_puts(&text, "X: 1\r\n") == -1)
			t_die("buf");
	}
	if (buf_puts(&text, "\r\n") == -1)
		t_die("buf");
	status = read_bytes(&h, text.data, text.len);
	buf_free(&text);
	return status;
}

static void
fields(void)
{
	static const char	text[] = "POST /a?b=c HTTP/1.1\r\n"
				    "hOST: \tx \r\nContent-Length: 12\r\n"
				    "X-Forwarded-For: 1.1.1.1\r\n"
				    "X-Forwarded-For: 2.2.2.2\r\n"
				    "Accept:\r\n\r\nrest";
	static struct head	h;
	struct buf		b = BUF_INIT(100);

	check_int(read_bytes(&h, text, sizeof(text) - 1), 0);
	check_str(h.method, "POST");
	check_str(h.path, "/a");
	check_str(h.query, "b=c");
	check_int(h.length, 12);
	check_str(head_field(&h, "host"), "x");
	check_str(head_field(&h, "accept"), "");
	check(head_field(&h, "cookie") == NULL);
	check_str(head_joined(&h, "x-forwarded-for", &b), "1.1.1.1, 2.2.2.2");
	check(head_joined(&h, "cookie", &b) == NULL);
	buf_free(&b);
	check_int(read_many(HEAD_FIELDS), 0);
	check_int(read_many(HEAD_FIELDS + 1), 431);
}

static void
queries(void)
{
	static const struct {
		const char	*query;
		int		 rc;
		const char	*value;
	} rows[] = {
		{ "", 0, "" }, { "ticket=42", 1, "42" },
		{ "x=1&ticket=42", 1, "42" },
		{ "ticket=42&", 1, "42" }, { "&&ticket=42", 1, "42" },
		{ "ticket=", 1, "" }, { "ticket", -1, "" },
		{ "ticket=1&ticket=1", -1, "" }, { "ticket=%34", -1, "" },
		{ "ticket=4+2", -1, "" }, { "ticket=4/2", -1, "" },
		{ "ticket=1234567", 1, "1234567" },
		{ "ticket=12345678", -1, "" }, { "tickets=1", 0, "" },
		{ "Ticket=1", 0, "" }, { "xticket=1", 0, "" },
	};
	char	value[8];
	size_t	i;
	int	rc;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].query);
		rc = head_query(rows[i].query, "ticket", value, sizeof(value));
		check_int(rc, rows[i].rc);
		if (rc == 1)
			check_str(value, rows[i].value);
	}
}

static void
accepts(void)
{
	static const struct {
		const char	*list;
		int		 weight;
	} rows[] = {
		{ "", 0 }, { "text/plain", 1000 }, { "TEXT/Plain", 1000 },
		{ "text/*", 1000 }, { "*/*", 1000 }, { "text/html", 0 },
		{ "text/plain;q=0.5", 500 }, { "text/plain; q=0", 0 },
		{ "text/plain;q=0, */*", 0 },
		{ "*/*;q=0.1, text/*;q=0.2", 200 },
		{ "text/plain;charset=utf-8;q=0.125", 125 },
		{ "text/plain;q=9", 1000 }, { "text/plain;q=", 0 },
		{ "text/plain;q", 1000 }, { "text/plain;", 1000 },
		{ ",, ,text/plain", 1000 }, { "text/plainx", 0 },
		{ "text/", 0 },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].list);
		check_int(head_accepts(rows[i].list, "text/plain"),
		    rows[i].weight);
	}
	row("words");
	check(head_has_word("wait=5, Respond-Async", "respond-async"));
	check(head_has_word("respond-async; x=1", "respond-async"));
	check(!head_has_word("respond-asynchronous", "respond-async"));
	check(!head_has_word("", "respond-async"));
}

/* Reads chunks in two pieces, cut at `cut'. */
static enum chunked_progress
read_chunks(const char *text, size_t cut, struct buf *body)
{
	const size_t		len = strlen(text);
	struct chunked		k = { .left = 0 };
	enum chunked_progress	p;

	p = chunked_read(&k, text, cut, body);
	if (p == CHUNKED_MORE)
		p = chunked_read(&k, text + cut, len - cut, body);
	return p;
}

static void
chunks(void)
{
	static const struct {
		const char		*text;
		enum chunked_progress	 progress;
		const char		*body;
	} rows[] = {
		{ "0\r\n\r\n", CHUNKED_DONE, "" },
		{ "3\r\nabc\r\n0\r\n\r\n", CHUNKED_DONE, "abc" },
		{ "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\nrest", CHUNKED_DONE, "abcd" },
		{ "003;x=\"y\"\r\nabc\r\n000\r\nA: b\r\nC: d\r\n\r\n",
		    CHUNKED_DONE, "abc" },
		{ "a\r\n0123456789\r\n0\r\n\r\n", CHUNKED_DONE, "0123456789" },
		{ "A\r\n0123456789\r\n0\r\n\r\n", CHUNKED_DONE, "0123456789" },
		{ "b\r\n0123456789a\r\n0\r\n\r\n", CHUNKED_LARGE, NULL },
		{ "9\r\n012345678\r\n2\r\nab\r\n", CHUNKED_LARGE, NULL },
		{ "fffffffffffffff\r\n", CHUNKED_LARGE, NULL },
		{ "ffffffffffffffff\r\n", CHUNKED_BAD, NULL },
		{ "", CHUNKED_MORE, "" }, { "3\r\nab", CHUNKED_MORE, "ab" },
		{ "3\r\nabc\r\n0\r\n\r", CHUNKED_MORE, "abc" },
		{ "\r\n", CHUNKED_BAD, NULL }, { "x\r\n", CHUNKED_BAD, NULL },
		{ "-1\r\n", CHUNKED_BAD, NULL },
		{ "0x3\r\nabc\r\n", CHUNKED_BAD, NULL },
		{ "3\nabc\r\n", CHUNKED_BAD, NULL },
		{ "3\r\nabcd\r\n", CHUNKED_BAD, NULL },
		{ "3\r\nabc\n0\r\n\r\n", CHUNKED_BAD, NULL },
		{ "3\r\nabc0\r\n\r\n", CHUNKED_BAD, NULL },
		{ "3;\n\r\n", CHUNKED_BAD, NULL },
		{ "0\r\n\n", CHUNKED_BAD, NULL },
		{ "3 \t\r\nabc\r\n0 ;x\r\n\r\n", CHUNKED_DONE, "abc" },
		{ "f 3\r\n", CHUNKED_BAD, NULL },
		{ "3\t3\r\n", CHUNKED_BAD, NULL },
		{ "3 x;y\r\n", CHUNKED_BAD, NULL },
		{ "0 junk\r\n\r\n", CHUNKED_BAD, NULL },
		{ "0\r\nA: b\n\r\n", CHUNKED_BAD, NULL },
	};
	struct buf	body;
	size_t		i, cut;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (cut = 0; cut <= strlen(rows[i].text); cut++) {
			row("%s cut at %zu", rows[i].text, cut);
			body = (struct buf)BUF_INIT(10);
			check_int(read_chunks(rows[i].text, cut, &body),
			    rows[i].progress);
			if (rows[i].body != NULL)
				check_str(body.data == NULL ? "" : body.data,
				    rows[i].body);
			buf_free(&body);
		}
	}
}

/* A thousand heads, each with some bytes changed: a head is refused, or all of
   it is within the text. */
static void
hostile(void)
{
	static const char	good[] = "POST /api/ask?ticket=42 HTTP/1.1\r\n"
				    HOST "Content-Length: 3\r\nCookie: a=b\r\n"
				    "Accept: text/plain\r\n\r\n";
	static const char	bytes[] = "\r\n\t :;?&=#\"\\%\x7f\x80\x01"
				    "Aa0";
	static struct head	h;
	char			text[sizeof(good)];
	size_t			i, n, k;
	unsigned		seed = 1;

	for (i = 0; i < 1000; i++) {
		memcpy(text, good, sizeof(good));
		for (n = 0; n < 1 + i % 4; n++) {
			seed = seed * 1103515245 + 12345;
			text[(seed >> 8) % (sizeof(good) - 5)] =
			    bytes[(seed >> 20) % sizeof(bytes)];
		}
		row("%zu: %s", i, text);
		if (head_end(text, sizeof(good) - 1) == 0 ||
		    read_bytes(&h, text, sizeof(good) - 1) != 0)
			continue;
		check(*h.path == '/' || *h.path == '*');
		check(h.count > 0 && h.count <= HEAD_FIELDS);
		for (k = 0; k < h.count; k++)
			check(strpbrk(h.field[k].value, "\r\n") == NULL);
	}
}

int
main(void)
{
	t_begin();
	run(refused);
	run(named);
	run(framed);
	run(fields);
	run(queries);
	run(accepts);
	run(chunks);
	run(hostile);
	return t_end();
}
