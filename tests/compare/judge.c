/*
 * What the project makes of an input, for tests/compare/compare.py, which has
 * another parser beside it.
 *
 *	judge json|request|messages|record|text|frames|settings|token
 *
 * Standard input holds inputs, each behind its length in four bytes (the most
 * significant one first); standard output gets a verdict for each in the same
 * form.  What a verdict is stands at the functions.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "auth/token.h"
#include "base/limit.h"
#include "base/utf8.h"
#include "frame/frame.h"
#include "json/json.h"
#include "request/message.h"
#include "request/request.h"
#include "settings/settings.h"
#include "store/record.h"

enum {
	DEPTH = 64, TICKET_MAX = 2000, PIPED_MAX = 1048576, PIECES = 64,
	TICKET = 42, NOW = 1795000000
};

typedef void judge_of(FILE *out, const char *data, size_t len);

/* Says that something must hold in the judge itself. */
static void
must(bool good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "judge: %s: %s\n", what, strerror(errno));
	exit(111);
}

static void
hex(FILE *out, const char *data, size_t len)
{
	size_t	i;

	for (i = 0; i < len; i++)
		(void)fprintf(out, "%02x", (unsigned char)data[i]);
}

/* An empty buffer has no data. */
static void
print(FILE *out, const struct buf *b)
{
	if (b->len > 0)
		(void)fwrite(b->data, 1, b->len, out);
}

static const char *
word(int error)
{
	return error == EINVAL ? "EINVAL" : error == EILSEQ ? "EILSEQ" :
	    error == E2BIG ? "E2BIG" : "error";
}

/* How many elements an array has, and where these members of an object are. */
static void
json_inside(FILE *out, const struct json *j, int i)
{
	static const char *const	names[] = { "", "a", "type", "\xc3\xa9",
					    "\xf0\x9f\x98\x80", "\"\\\n" };
	size_t				n;
	int				e, count = 0;

	for (e = json_first(j, i); e != -1; e = json_next(j, i, e))
		count++;
	if (json_type(j, i) == JSON_ARRAY)
		(void)fprintf(out, " %d", count);
	for (n = 0; json_type(j, i) == JSON_OBJECT &&
	    n < sizeof(names) / sizeof(names[0]); n++)
		(void)fprintf(out, " %d", json_member(j, i, names[n]));
}

/*
 * What is wrong, or a line for each value, names too, as they stand there:
 * object and the places of six members, array and its size, string in
 * hexadecimal and whether it holds half a surrogate pair, number as a whole one
 * and in seconds, true, false, null.
 */
static void
judge_json(FILE *out, const char *data, size_t len)
{
	static const char *const	types[] = { "none", "object", "array",
					    "string", "number", "bool",
					    "null" };
	struct json			j = { 0 };
	struct buf			text = BUF_INIT(UPSTREAM_LINE_MAX);
	int				i;

	if (json_parse(&j, data, len, DEPTH, UPSTREAM_TOKENS) == -1)
		(void)fputs(word(errno), out);
	for (i = 0; i < j.count; i++) {
		(void)fputs(types[json_type(&j, i)], out);
		json_inside(out, &j, i);
		if (json_type(&j, i) == JSON_STRING) {
			buf_clear(&text);
			must(json_string(&j, i, false, &text) == 0, "string");
			(void)fputc(' ', out);
			hex(out, text.data, text.len);
			buf_clear(&text);
			(void)fputs(json_string(&j, i, true, &text) == 0 ? "" :
			    " half", out);
		} else if (json_type(&j, i) == JSON_NUMBER) {
			(void)fprintf(out, " %" PRId64 " %" PRId64,
			    json_int(&j, i, INT64_MIN),
			    json_seconds(&j, i, INT64_MIN));
		} else if (json_type(&j, i) == JSON_BOOL) {
			(void)fprintf(out, " %d", json_true(&j, i));
		}
		(void)fputc('\n', out);
	}
	buf_free(&text);
	json_free(&j);
}

/* The code and detail of a refusal, or the fields of a request. */
static void
judge_request(FILE *out, const char *data, size_t len)
{
	static const char *const	types[] = { "ask", "stop", "ping" };
	struct request			r;

	request_read(&r, data, len, TICKET_MAX, LANGUAGE_PT);
	if (r.failure.code != FAILURE_NONE) {
		(void)fprintf(out, "%s %s", failure_name(r.failure.code),
		    r.failure.detail);
	} else {
		(void)fprintf(out, "%s %d %d %" PRId64 " ", types[r.type],
		    r.refresh, r.status, r.version);
		hex(out, r.body.data, r.body.len);
		(void)fputc(' ', out);
		hex(out, r.token.data, r.token.len);
	}
	request_free(&r);
}

/* The messages of a stream, each in hexadecimal on a line, or "broken". */
static void
judge_messages(FILE *out, const char *data, size_t len)
{
	struct message_reader	r = { .text = BUF_INIT(PIPED_MAX) };
	enum message_event	event = MESSAGE_MORE;
	size_t			step = len % PIECES + 1, n;
	bool			end = false;

	while (!end) {
		if (len == 0) {
			event = message_end(&r);
			end = true;
		} else {
			n = message_read(&r, data, len < step ? len : step,
			    &event);
			data += n;
			len -= n;
		}
		if (event == MESSAGE_READY) {
			hex(out, r.text.data, r.text.len);
			(void)fputc('\n', out);
		} else if (event != MESSAGE_MORE) {
			(void)fputs("broken\n", out);
		}
	}
	message_free(&r);
}

/* "good", or what is wrong with a line of an export. */
static void
judge_record(FILE *out, const char *data, size_t len)
{
	struct record	r = { .json = { .count = 0 } };
	char		why[256];

	(void)fputs(record_read(&r, data, len, why, sizeof(why)) == 0 ?
	    "good" : why, out);
	record_free(&r);
}

/* Cleans a text in pieces of this size. */
static void
clean(const char *data, size_t len, size_t step, struct buf *out)
{
	struct utf8_cleaner	c = { .len = 0 };
	size_t			n;

	for (; len > 0; data += n, len -= n) {
		n = len < step ? len : step;
		must(utf8_clean(&c, data, n, out) == 0, "clean");
	}
}

/*
 * A line with valid, blank and where a cut at 0, 1, 2, … comes (at most
 * PIECES); then the text as it goes to people.
 */
static void
judge_text(FILE *out, const char *data, size_t len)
{
	struct buf	b = BUF_INIT(UPSTREAM_LINE_MAX);
	size_t		i;

	(void)fprintf(out, "%d %d", utf8_valid(data, len),
	    utf8_blank(data, len));
	for (i = 0; i <= len && i < PIECES; i++)
		(void)fprintf(out, " %zu", utf8_cut(data, len, i));
	(void)fputc('\n', out);
	clean(data, len, len % PIECES + 1, &b);
	print(out, &b);
	buf_free(&b);
}

/* The stream frames that tell a text, as they leave. */
static void
judge_frames(FILE *out, const char *data, size_t len)
{
	struct buf		lines = BUF_INIT(UPSTREAM_LINE_MAX * 8);
	struct buf		text = BUF_INIT(UPSTREAM_LINE_MAX);
	struct frame_stream	s = { .out = &lines };
	size_t			step = len % 251 * 40 + 1, n, i;

	clean(data, len, step, &text);
	for (i = 0; i < text.len; i += n) {
		n = utf8_cut(text.data + i, text.len - i, step);
		if (n == 0)	/* not even one character */
			n = (size_t)utf8_char(text.data + i, text.len - i);
		must(frame_stream_add(&s, text.data + i, n) == 0, "frame");
	}
	must(frame_stream_end(&s) == 0, "the last frame");
	print(out, &lines);
	frame_stream_free(&s);
	buf_free(&lines);
	buf_free(&text);
}

/* "refused" and why, or a line KEY=value for each setting. */
static void
judge_settings(FILE *out, const char *data, size_t len)
{
	struct settings	s;
	char		path[64];
	int		fd;

	must((fd = memfd_create("conf", 0)) != -1, "memfd_create");
	must(write(fd, data, len) == (ssize_t)len, "write");
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (settings_load(&s, path, 0) == 0)
		settings_print(&s, out);
	else
		(void)fprintf(out, "refused %s", s.error);
	settings_free(&s);
	(void)close(fd);
}

/*
 * "good", when it ends and the user in hexadecimal, or what is wrong: for
 * ticket 42 at the time NOW, with the keys and claims of the environment.
 */
static void
judge_token(FILE *out, const char *data, size_t len)
{
	static struct settings		s;
	static struct token_keys	keys;
	struct token			t;
	const char			*bad;

	if (keys.count == 0) {
		must(settings_load(&s, NULL, 0) == 0, s.error);
		must(token_keys_read(&keys, s.text[SETTING_JWT_KEY_FILE],
		    s.error, sizeof(s.error)) == 0, s.error);
	}
	bad = token_check(&keys, &s, data, len, TICKET, NOW, &t);
	if (bad != NULL) {
		(void)fputs(bad, out);
		return;
	}
	(void)fprintf(out, "good %" PRId64 " ", t.expires);
	hex(out, t.user, strlen(t.user));
}

static const struct {
	const char	*name;
	judge_of	*judge;
} judges[] = {
	{ "json", judge_json }, { "request", judge_request },
	{ "messages", judge_messages }, { "record", judge_record },
	{ "text", judge_text }, { "frames", judge_frames },
	{ "settings", judge_settings }, { "token", judge_token },
};

/* One input, in memory of its very size: what reads past it is found. */
static bool
next(judge_of *judge)
{
	char		*data, *verdict = NULL;
	uint32_t	 n;
	size_t		 len, size = 0;
	FILE		*out = NULL;

	if (fread(&n, sizeof(n), 1, stdin) != 1)
		return false;
	len = ntohl(n);
	must((data = malloc(len > 0 ? len : 1)) != NULL &&
	    (out = open_memstream(&verdict, &size)) != NULL, "memory");
	must(fread(data, 1, len, stdin) == len, "standard input");
	judge(out, data, len);
	must(fclose(out) == 0, "memory");
	n = htonl((uint32_t)size);
	must(fwrite(&n, sizeof(n), 1, stdout) == 1 &&
	    fwrite(verdict, 1, size, stdout) == size && fflush(stdout) == 0,
	    "standard output");
	free(verdict);
	free(data);
	return true;
}

int
main(int argc, char *argv[])
{
	size_t	i;

	for (i = 0; i < sizeof(judges) / sizeof(judges[0]); i++) {
		if (argc != 2 || strcmp(argv[1], judges[i].name) != 0)
			continue;
		while (next(judges[i].judge))
			;
		return 0;
	}
	(void)fprintf(stderr, "usage: judge NAME\n");
	return 100;
}
