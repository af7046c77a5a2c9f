/*
 * lib/request/message: splitting stdin into messages.  Each input is read
 * whole, byte by byte, and cut in two at every position; the events must be the
 * same.
 */
#include <stdlib.h>

#include "base/limit.h"
#include "request/message.h"
#include "t.h"

/*
 * The expected events: R(text) ready, B broken, L too large; | is the end of
 * the input.
 */
struct io {
	size_t		 cap;
	const char	*in, *out;
};

static void
note(struct message_reader *r, enum message_event e, struct buf *out)
{
	bool	bad = false;

	if (e == MESSAGE_READY)
		bad = buf_puts(out, "R(") == -1 || buf_add(out, r->text.data,
		    r->text.len) == -1 || buf_puts(out, ")") == -1;
	else if (e != MESSAGE_MORE)
		bad = buf_puts(out, e == MESSAGE_BROKEN ? "B" : "L") == -1;
	if (bad)
		t_die("buf");
}

static void
give(struct message_reader *r, const char *s, size_t len, struct buf *out)
{
	enum message_event	e;
	size_t			n, idle = 0;

	while (len > 0) {
		n = message_read(r, s, len, &e);
		idle = n == 0 ? idle + 1 : 0;
		if (!check(n <= len) || !check(idle < 2))
			return;
		check(e != MESSAGE_MORE || n == len);
		note(r, e, out);
		s += n;
		len -= n;
	}
}

/* Reads the input in two parts, cut at `cut'; beyond the end: byte by byte. */
static void
play(const struct io *io, size_t cut)
{
	struct message_reader	r = { .text = BUF_INIT(io->cap) };
	struct buf		out = BUF_INIT(1 << 20);
	size_t			len = strlen(io->in), i;

	if (cut <= len) {
		give(&r, io->in, cut, &out);
		give(&r, io->in + cut, len - cut, &out);
	}
	for (i = 0; cut > len && i < len; i++)
		give(&r, io->in + i, 1, &out);
	if (buf_puts(&out, "|") == -1)
		t_die("buf");
	note(&r, message_end(&r), &out);
	check(!message_incomplete(&r));
	check_str(out.data, io->out);
	/* Afterwards the reader works as if new. */
	buf_clear(&out);
	give(&r, "{}\n", 3, &out);
	if (io->cap > 1)
		check_str(out.data, "R({})");
	message_free(&r);
	buf_free(&out);
}

static void
table(void)
{
	static const struct io	rows[] = {
		{ 99, "", "|" }, { 99, "\n", "|" }, { 99, " \t\r\n\n  ", "|" },
		{ 99, "{}\n", "R({})|" }, { 99, "{}", "|R({})" },
		{ 99, "{}\r\n", "R({}\r)|" },
		{ 99, "\n \n{}\n\n{}\n", "R({})R({})|" },
		{ 99, "  {}\n", "R(  {})|" }, { 99, " \n  {}\n", "R(  {})|" },
		{ 99, "\xef\xbb\xbf{}\n", "R(\xef\xbb\xbf{})|" },
		{ 99, "{}\n\xef\xbb\xbf{}\n", "R({})R(\xef\xbb\xbf{})|" },
		{ 99, "{\n \"a\":1\n}\n", "R({\n \"a\":1\n})|" },
		{ 99, "{\r\n}\r\n", "R({\r\n}\r)|" },
		{ 99, "{\n\n\n}\n", "R({\n\n\n})|" },
		{ 99, "[1,\n2]\n[]\n", "R([1,\n2])R([])|" },
		{ 99, "{\"a\":\"}\"}\n", "R({\"a\":\"}\"})|" },
		{ 99, "{\"a\":\"{[\"}\n{}\n", "R({\"a\":\"{[\"})R({})|" },
		{ 99, "{\"a\":\"\\\"}\"}\n", "R({\"a\":\"\\\"}\"})|" },
		{ 99, "{\"a\":\"\\\\\"}\n", "R({\"a\":\"\\\\\"})|" },
		{ 99, "{\"a\\\\\\\"{\":1}\n", "R({\"a\\\\\\\"{\":1})|" },
		{ 99, "hello\n", "R(hello)|" }, { 99, "hello", "|R(hello)" },
		{ 99, "x {\n{}\n", "R(x {)R({})|" },
		{ 99, "\"a\n{}\n", "R(\"a)R({})|" },
		{ 99, "}{\n", "R(}{)|" }, { 99, "{}}\n{}\n", "R({}})R({})|" },
		{ 99, "{}{\n}\n", "R({}{\n})|" }, { 99, "{} {}\n",
		    "R({} {})|" }, { 99, "[}\n{}\n", "R([})R({})|" },
		{ 99, "{", "|B" }, { 99, "{\n", "|B" }, { 99, "[1,", "|B" },
		{ 99, "{\"a", "|B" }, { 99, "{\"a\\", "|B" },
		{ 99, "{\"a\":\"b\n{}\n", "BR({})|" },
		{ 99, "{\"a\":\"b\nc\"}\n{}\n", "BR(c\"})R({})|" },
		{ 99, "{\"a\":\"b\\\nc\n", "BR(c)|" },
		/* A message without an end does not spoil the next one. */
		{ 99, "{\"a\":\"lost\"\n{\"b\":1}\n", "BR({\"b\":1})|" },
		{ 99, "{\"a\":1\n  {}\n{}\n", "BR({})R({})|" },
		{ 99, "{\"a\":[1,2]\r\n{}\n", "BR({})|" },
		{ 99, "{\"a\":{}\n\n{\n\"b\":1\n}\n",
		    "BR({\n\"b\":1\n})|" },
		{ 99, "{\"a\":true \n[1]\n{}\n", "BR([1])R({})|" },
		{ 99, "{\"a\":1\n{\"b\":2\n{}\n", "BBR({})|" },
		{ 99, "{\"a\":\n{\"b\":1}\n}\n[\n[\n{}\n,\n{}]]\n",
		    "R({\"a\":\n{\"b\":1}\n})R([\n[\n{}\n,\n{}]])|" },
		{ 10, "0123456789\n", "R(0123456789)|" },
		{ 10, "0123456789", "|R(0123456789)" },
		{ 10, "01234567890\n{}\n", "LR({})|" },
		{ 10, "01234567890", "L|" },
		{ 10, "{\"a\":\"012345\"}\n{}\n", "LR({})|" },
		{ 10, "{\n\"a\":\"0123456789\"\n}\n{}\n", "LR({})|" },
		{ 10, "{\n\"a\":[0123456789\n{\"{\"\n}\n]\n}\n{}\n",
		    "LR({})|" },
		{ 10, "{\"a\":\"0123456\n{}\n", "LR({})|" },
		{ 10, "{\"a\":01234567890", "L|" },
		{ 10, "{}\n{}\n{}\n{}\n{}\n", "R({})R({})R({})R({})R({})|" },
		{ 0, "x\n", "L|" },
	};
	size_t	i, cut;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (cut = 0; cut <= strlen(rows[i].in) + 1; cut++) {
			row("cap %zu, cut at %zu: %s", rows[i].cap, cut,
			    rows[i].in);
			play(&rows[i], cut);
		}
	}
}

/*
 * Many opening brackets, perhaps a line end, closing ones; then a good message.
 */
static void
deep(void)
{
	static const struct {
		size_t	open, close;
		char	between;
		bool	good;
	} rows[] = {
		{ MESSAGE_DEPTH, MESSAGE_DEPTH, '\n', true },
		{ MESSAGE_DEPTH + 1, MESSAGE_DEPTH + 1, ' ', false },
		{ MESSAGE_DEPTH + 1, MESSAGE_DEPTH + 9, ' ', false },
		{ MESSAGE_DEPTH + 1, 0, ' ', false },
		{ 3 * MESSAGE_DEPTH, 3 * MESSAGE_DEPTH, '"', false },
	};
	char		in[800], want[800];
	struct io	io = { 700, in, want };
	size_t		i, cut, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = rows[i].open;
		memset(in, '[', n);
		in[n++] = rows[i].between;
		memset(in + n, ']', rows[i].close);
		in[n + rows[i].close] = '\0';
		(void)snprintf(want, sizeof(want), rows[i].good ?
		    "R(%s)R({})|" : "BR({})|", in);
		memcpy(in + strlen(in), "\n{}\n", 5);
		for (cut = 0; cut <= strlen(in) + 1; cut++) {
			row("%zu deep, cut at %zu", rows[i].open, cut);
			play(&io, cut);
		}
	}
}

/* Whether a message has begun, after each byte. */
static void
incomplete(void)
{
	static const char	in[] = " \n {\n\"a\n\n{}x\n", /* . no, x yes */
				want[] = "...xxxx..xxx.";
	struct message_reader	r = { .text = BUF_INIT(99) };
	enum message_event	e;
	size_t			i;

	for (i = 0; i < sizeof(want) - 1; i++) {
		row("byte %zu", i);
		check_int(message_read(&r, in + i, 1, &e), 1);
		check_int(message_incomplete(&r), want[i] == 'x');
	}
	message_free(&r);
}

/* What may follow in a message whose end did not come in time. */
static void
rests(void)
{
	static const struct {
		const char	*in, *rest;
	} rows[] = {
		{ "{\"a\":\n{\"b\":1}\n", "{\"b\":1}\n" },
		{ "{\n{\"b\":1}\n", "{\"b\":1}\n" },
		{ "{\"a\":[1,\n2,\n \t[3],\n{}\n", "[3],\n{}\n" },
		{ "{\"a\":{},\n\"b\":1\n", NULL }, { "{\n\n\n", NULL },
		{ "[", NULL }, { "[\n", NULL },
	};
	struct message_reader	r = { .text = BUF_INIT(99) };
	enum message_event	e;
	size_t			i, len, n;
	char			*rest;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].in);
		len = strlen(rows[i].in);
		check_int((int64_t)message_read(&r, rows[i].in, len, &e),
		    (int64_t)len);
		check_int(e, MESSAGE_MORE);
		check_int(message_end(&r), MESSAGE_BROKEN);
		rest = message_rest(&r, &n);
		check((rest == NULL) == (rows[i].rest == NULL));
		if (rest != NULL && rows[i].rest != NULL)
			check(n == strlen(rows[i].rest) &&
			    memcmp(rest, rows[i].rest, n) == 0);
		free(rest);
		check(!message_incomplete(&r));
	}
	message_free(&r);
}

/* A message after one without an end is found wherever the input is cut. */
static void
rests_of_pieces(void)
{
	static const struct {
		const char	*in, *rest;
	} rows[] = {
		{ "{\"a\":\n{\"b\":1}\n{", "{\"b\":1}\n" },
		{ "[1,\n[2]\n{", "[2]\n" },
		{ "{\"a\":\n {\"b\":\n[]\n}\n [", "{\"b\":\n[]\n}\n " },
		{ "{\"a\":1\n{", NULL },
	};
	struct message_reader	r = { .text = BUF_INIT(99) };
	enum message_event	e;
	size_t			i, cut, len, at, n;
	char			*rest;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		len = strlen(rows[i].in);
		for (cut = 0; cut < len; cut++) {
			row("%s cut at %zu", rows[i].in, cut);
			at = message_read(&r, rows[i].in, cut, &e);
			check_int(e, MESSAGE_MORE);
			at += message_read(&r, rows[i].in + at, len - at, &e);
			check_int(e, MESSAGE_BROKEN);
			check_int((int64_t)at, (int64_t)len - 1);
			rest = message_rest(&r, &n);
			check((rest == NULL) == (rows[i].rest == NULL));
			if (rest != NULL && rows[i].rest != NULL)
				check(n == strlen(rows[i].rest) &&
				    memcmp(rest, rows[i].rest, n) == 0);
			free(rest);
			check(!message_incomplete(&r));
		}
	}
	message_free(&r);
}

int
main(void)
{
	t_begin();
	run(table);
	run(rests);
	run(rests_of_pieces);
	run(deep);
	run(incomplete);
	return t_end();
}
