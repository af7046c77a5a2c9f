/*
 * lib/frame/frame: every frame is one line of valid JSON; stream frames are
 * short and give the text back, whatever its pieces; frame_read reads what
 * frame_error writes.
 */
#include "base/limit.h"
#include "base/utf8.h"
#include "frame/frame.h"
#include "json/json.h"
#include "t.h"

/* The frames as websocket.md shows them. */
static void
shapes(void)
{
	static const char *const	want[] = {
		"{\"type\":\"cached\",\"response\":\"a\\\"\\u0000\","
		"\"message\":\"This ticket already has an answer.\","
		"\"createdAt\":\"2026-01-02T03:04:05.678Z\"}\n",
		"{\"type\":\"cached\",\"response\":\"\","
		"\"message\":\"Este chamado j\xc3\xa1 tem uma resposta.\","
		"\"createdAt\":\"x\",\"bodyChanged\":true}\n",
		("{\"type\":\"cached\",\"response\":\"\","
		"\"message\":\"This ticket already has an answer.\","
		"\"createdAt\":\"x\",\"version\":2,\"versions\":3}\n"),
		"{\"type\":\"done\"}\n",
		("{\"type\":\"done\",\"reason\":\"length\","
		"\"versions\":2}\n"),
		"{\"type\":\"status\",\"state\":\"queued\",\"position\":3}\n",
		("{\"type\":\"status\",\"state\":\"loading\","
		"\"viewers\":1}\n"),
		"{\"type\":\"status\",\"state\":\"thinking\"}\n",
		"{\"type\":\"status\",\"state\":\"generating\"}\n",
		("{\"type\":\"status\",\"state\":\"saving\","
		"\"viewers\":12}\n"),
		("{\"type\":\"status\",\"state\":\"queued\","
		"\"position\":4,\"viewers\":2}\n"),
		"{\"type\":\"pong\"}\n",
		("{\"type\":\"session\",\"session\":9223372036854775807,"
		"\"pid\":12,\"alive\":5}\n"),
		"{\"type\":\"alive\"}\n",
		"{\"type\":\"cost\",\"tokens\":298}\n",
	};
	struct session	odd = { .response = (char[]){ "a\"" },
			    .response_len = 3, .versions = 1, .version = 1,
			    .created = "2026-01-02T03:04:05.678Z" };
	struct session	empty = { .response = (char[]){ "" }, .created = "x" };
	struct buf	b = BUF_INIT(10000);
	size_t		i;
	char		*line, *end;

	check(frame_cached(&b, &odd, 0, LANGUAGE_EN) == 0);
	check(frame_cached(&b, &empty, FRAME_BODY_CHANGED,
	    LANGUAGE_PT) == 0);
	empty.version = 2;
	empty.versions = 3;
	check(frame_cached(&b, &empty, 0, LANGUAGE_EN) == 0);
	check(frame_done(&b, false, 1, 0) == 0);
	check(frame_done(&b, true, 2, 0) == 0);
	check(frame_status(&b, FRAME_QUEUED, 3, 0) == 0);
	check(frame_status(&b, FRAME_LOADING, 3, 1) == 0);
	check(frame_status(&b, FRAME_THINKING, 0, 0) == 0);
	check(frame_status(&b, FRAME_GENERATING, 0, 0) == 0);
	check(frame_status(&b, FRAME_SAVING, 0, 12) == 0);
	check(frame_status(&b, FRAME_QUEUED, 4, 2) == 0);
	check(frame_pong(&b) == 0);
	check(frame_session(&b, INT64_MAX, 12, &(const struct frame_subject){
	    "", "", 0, "", false }) == 0);
	check(frame_alive(&b) == 0);
	check(frame_cost(&b, 298) == 0);
	for (i = 0, line = b.data; i < sizeof(want) / sizeof(want[0]); i++) {
		row("%zu", i);
		if ((end = strchr(line, '\n')) == NULL)
			break;
		check_mem(line, (size_t)(end + 1 - line), want[i],
		    strlen(want[i]));
		line = end + 1;
	}
	check_int(i, sizeof(want) / sizeof(want[0]));
	check_str(line, "");
	buf_free(&b);
}

/* Frames made from other lines, and frames that must not be made. */
static void
more_shapes(void)
{
	struct session	opened = { .id = 5, .prompt = (char[]){ "a\"\nb" },
			    .prompt_len = 4, .response = (char[]){ "" },
			    .created = "x" };
	static const struct frame_answer	none, seven = { 7, 0, 0 },
						turn = { 7, 2, 9 };
	struct buf	b = BUF_INIT(10000);
	struct frame	f;

	row("a line with bodyChanged and its session, a hash in the first one");
	check(!frame_done_again(&b, "{\"type\":\"done\"}", 15, true, &none));
	check(frame_done_again(&b, "{\"type\":\"done\",\"versions\":2}",
	    28, true, &(const struct frame_answer){ INT64_MAX, 0, 0 }) == 0);
	check(!frame_done_again(&b, "{\"type\":\"done\"}", 15, false, &seven));
	check(!frame_done_again(&b, "{\"type\":\"done\"}", 15, false, &turn));
	check_str(b.data, "{\"type\":\"done\",\"bodyChanged\":true}\n"
	    "{\"type\":\"done\",\"versions\":2,\"bodyChanged\":true,"
	    "\"session\":9223372036854775807}\n"
	    "{\"type\":\"done\",\"session\":7}\n"
	    "{\"type\":\"done\",\"session\":7,\"version\":2,"
	    "\"turn\":9}\n");
	buf_clear(&b);
	b.cap = 30;
	check(frame_done_again(&b, "{\"type\":\"done\"}", 15, true, &seven) ==
	    -1 &&
	    b.len == 0);
	b.cap = 10000;
	row("what an opened answer has besides");
	check(frame_done(&b, true, 2, 9) == 0);
	check_str(b.data, "{\"type\":\"done\",\"reason\":\"length\","
	    "\"versions\":2,\"session\":9}\n");
	buf_clear(&b);
	check(frame_cached(&b, &opened, FRAME_WITH_SESSION | FRAME_WITH_BODY,
	    LANGUAGE_EN) == 0);
	check(strstr(b.data, ",\"session\":5,"
	    "\"ticketBody\":\"a\\\"\\nb\"}\n") != NULL);
	buf_clear(&b);
	check(frame_cached(&b, &opened, FRAME_WITH_SESSION, LANGUAGE_EN) == 0);
	check(strstr(b.data, "ticketBody") == NULL);
	check(strstr(b.data, "author") == NULL &&
	    strstr(b.data, "instruction") == NULL);
	buf_clear(&b);
	row("a person's answer");
	opened.author = (char[]){ "Jo\xc3\xa3o \"x\"" };
	opened.instruction = (char[]){ "a\nb" };
	check(frame_cached(&b, &opened, 0, LANGUAGE_EN) == 0);
	check(strstr(b.data, ",\"author\":\"Jo\xc3\xa3o \\\"x\\\"\","
	    "\"instruction\":\"a\\nb\"}\n") != NULL);
	buf_clear(&b);
	opened.author = (char[]){ "" };
	check(frame_cached(&b, &opened, 0, LANGUAGE_EN) == 0);
	check(strstr(b.data, "\"author\":\"\"") != NULL);
	buf_clear(&b);
	check(frame_session(&b, 7, 12, &(const struct frame_subject){
	    "0123456789abcdef0123456789abcdef",
	    "ffffffffffffffff0123456789abcdef", INT64_MAX,
	    "0123456789abcdef", true }) == 0);
	check(b.len < 256);
	frame_read(&f, b.data, b.len - 1);
	check(f.type == FRAME_SESSION && f.session == 7 && f.pid == 12);
	check(f.follows == INT64_MAX && f.elsewhere);
	check_str(f.question, "0123456789abcdef");
	check_str(f.text_hash, "0123456789abcdef0123456789abcdef");
	check_str(f.instruction_hash, "ffffffffffffffff0123456789abcdef");
	frame_read(&f, "{\"type\":\"session\",\"text\":\"0123\"}", 32);
	check_str(f.text_hash, "");
	check_str(f.instruction_hash, "");
	check_str(f.question, "");
	check(f.follows == 0 && !f.elsewhere);
	buf_free(&b);
	row("over the cap");
	b.cap = 10;
	check(frame_done(&b, false, 0, 0) == -1 && b.len == 0);
	check(frame_pong(&b) == -1 && b.len == 0);
	buf_free(&b);
}

/* A limit is shown in KB if it is a multiple; `detail' does not change. */
static void
limits(void)
{
	static const struct {
		enum failure_code	 code;
		const char		*detail, *words;
	} rows[] = {
		{ FAILURE_TOO_LARGE, "65536", "64 KB" },
		{ FAILURE_TOO_LARGE, "425984", "416 KB" },
		{ FAILURE_TOO_LARGE, "1024", "1 KB" },
		{ FAILURE_TOO_LARGE, "1023", "1023 bytes" },
		{ FAILURE_TOO_LARGE, "197684", "197684 bytes" },
		{ FAILURE_TOO_LARGE, "0", "0 bytes" },
		{ FAILURE_TOO_LARGE, "", " bytes" },
		{ FAILURE_ANSWER_TOO_LONG, "1048576", "1024 KB" },
		{ FAILURE_UPSTREAM_REJECTED, "1024", "HTTP 1024" },
	};
	struct buf	b = BUF_INIT(FRAME_MAX);
	struct failure	f;
	struct frame	back;
	size_t		i;
	int		l;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (l = 0; l < LANGUAGE__MAX; l++) {
			row("%s", rows[i].detail);
			f = failure_make(rows[i].code, rows[i].detail);
			b.len = 0;
			check(frame_error(&b, &f, (enum language)l) == 0);
			check(memmem(b.data, b.len, rows[i].words,
			    strlen(rows[i].words)) != NULL);
			frame_read(&back, b.data, b.len - 1);
			check_str(back.failure.detail, rows[i].detail);
		}
	}
	buf_free(&b);
}

/* An error's line, and what is read from it. */
static void
one_error(const struct failure *f, enum language l)
{
	struct buf	b = BUF_INIT(FRAME_MAX), m = BUF_INIT(1000);
	struct json	j = { 0 };
	struct frame	back;
	char		want[512];
	const char	*message = failure_message(f->code, l), *hole;

	hole = strstr(message, "{}");
	(void)snprintf(want, sizeof(want), "%.*s%s%s",
	    (int)(hole == NULL ? strlen(message) : (size_t)(hole - message)),
	    message, hole == NULL ? "" : f->detail,
	    hole == NULL ? "" : hole + 2);
	check(frame_error(&b, f, l) == 0);
	check(b.len < 4000 && b.data[b.len - 1] == '\n' &&
	    strchr(b.data, '\n') == b.data + b.len - 1);
	check(json_parse(&j, b.data, b.len, 2, 20) == 0);
	check(json_equals(&j, json_member(&j, 0, "type"), "error"));
	check(json_equals(&j, json_member(&j, 0, "code"),
	    failure_name(f->code)));
	check(json_string(&j, json_member(&j, 0, "message"), true, &m) == 0);
	check_str(m.data, want);
	check_int(json_type(&j, json_member(&j, 0, "retryable")), JSON_BOOL);
	check_int(json_true(&j, json_member(&j, 0, "retryable")),
	    failure_retryable(f->code));
	check_int(json_type(&j, json_member(&j, 0, "retryAfter")),
	    f->retry_after > 0 ? JSON_NUMBER : JSON_NONE);
	check_int(json_type(&j, json_member(&j, 0, "detail")),
	    f->detail[0] != '\0' ? JSON_STRING : JSON_NONE);
	frame_read(&back, b.data, b.len - 1);
	check_int(back.type, FRAME_ERROR);
	check_int(back.failure.code, f->code);
	check_int(back.failure.retry_after, f->retry_after);
	check_str(back.failure.detail, f->detail);
	json_free(&j);
	buf_free(&b);
	buf_free(&m);
}

static void
errors(void)
{
	static const char	*const details[] = {
		NULL, "65537", "a\"b\\c\n\x01{}%s", "\xc3\xa1\xf0\x9f\x98\x80",
	};
	char			full[200];
	struct failure		f;
	size_t			i, d, l;

	memset(full, '"', sizeof(full) - 1);
	full[sizeof(full) - 1] = '\0';
	for (i = 1; i < FAILURE__MAX; i++) {
		for (d = 0; d <= sizeof(details) / sizeof(details[0]); d++) {
			for (l = 0; l < LANGUAGE__MAX; l++) {
				row("%s %zu %zu", failure_name(
				    (enum failure_code)i), d, l);
				f = failure_make((enum failure_code)i,
				    d < 4 ? details[d] : full);
				f.retry_after = (int)d;
				one_error(&f, (enum language)l);
			}
		}
	}
}

/*
 * Writes pieces of `size' bytes, ends the frame after every `turn' pieces (0:
 * only at the end), and checks the result.
 */
static void
stream(const char *text, size_t len, size_t size, size_t turn, bool valid)
{
	struct buf		b = BUF_INIT(1 << 20), all = BUF_INIT(1 << 20);
	struct frame_stream	s = { .out = &b };
	struct json		j = { 0 };
	struct frame		f;
	size_t			i, n, pieces = 0, longest = 0, frames = 0;
	char			*line, *end;

	for (i = 0; i < len; i += n) {
		n = utf8_cut(text + i, len - i, size);
		check(frame_stream_add(&s, text + i, n) == 0);
		if (turn > 0 && ++pieces % turn == 0)
			check(frame_stream_end(&s) == 0 && s.open.len == 0);
	}
	check(frame_stream_end(&s) == 0);
	check(frame_stream_end(&s) == 0);
	check_int(b.len == 0 || b.data[b.len - 1] == '\n', 1);
	for (line = b.data; line != NULL && *line != '\0'; line = end + 1) {
		if ((end = strchr(line, '\n')) == NULL)
			break;
		n = (size_t)(end + 1 - line);
		longest = n > longest ? n : longest;
		frames++;
		frame_read(&f, line, n - 1);
		if (json_parse(&j, line, n, 2, 9) == -1 ||
		    !json_equals(&j, json_member(&j, 0, "type"), "stream") ||
		    json_string(&j, json_member(&j, 0, "content"), true,
		    &all) == -1 || f.type != FRAME_STREAM) {
			fail("not a good stream frame");
			break;
		}
	}
	check(longest <= 4000);	/* including the line end, which is not part of
				   it */
	if (valid)
		check_mem(all.data, all.len, text, len);
	/* Not many more frames than needed. */
	if (turn == 0 && size < 100)
		check(frames <= b.len / (FRAME_MAX * 3 / 4) + 1);
	json_free(&j);
	frame_stream_free(&s);
	buf_free(&b);
	buf_free(&all);
}

static void
streams(void)
{
	static const struct {
		const char	*unit;
		bool		 valid;
	} rows[] = {
		{ "a", true }, { "\xc3\xa1", true }, { "\xf0\x9f\x98\x80",
		    true }, { "\"", true }, { "\\", true }, { "\x01", true },
		{ "\x7f", true }, { "\n", true }, { "word ", true },
		{ "\xc2\x85", true },
		{ "\xff", false }, { "\x80", false }, { "a\xc3", false },
	};
	static const size_t	sizes[] = { 4, 5, 63, 659, 660, 661, 662, 3960,
				    3961, 3962, 3963, 3964, 3965, 4000, 9000 };
	static char		text[9001];
	size_t			i, k, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (n = 0; n + strlen(rows[i].unit) < sizeof(text); )
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s",
			    rows[i].unit);
		for (k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			row("\"%s\" in pieces of %zu", rows[i].unit,
			    sizes[k]);
			stream(text, n, sizes[k], 0, rows[i].valid);
			stream(text, n, sizes[k], 1, rows[i].valid);
			stream(text, n, sizes[k], 3, rows[i].valid);
		}
	}
	row("nothing");
	stream("", 0, 1, 1, true);
}

/* Pieces of one turn leave as one frame; a frame ends between two pieces. */
static void
pieces(void)
{
	struct buf		b = BUF_INIT(100000);
	struct frame_stream	s = { .out = &b };
	char			text[3000];

	memset(text, 'x', sizeof(text));
	check(frame_stream_add(&s, "one ", 4) == 0);
	check(frame_stream_add(&s, "", 0) == 0);
	check(frame_stream_add(&s, "two", 3) == 0);
	check(frame_stream_end(&s) == 0);
	check_str(b.data, "{\"type\":\"stream\",\"content\":\"one two\"}\n");
	buf_clear(&b);
	check(frame_stream_add(&s, text, 3000) == 0);
	check(frame_stream_add(&s, text, 1500) == 0);
	check(frame_stream_end(&s) == 0);
	check_int(b.len, 3000 + 1500 + 2 * 31);
	check(b.data[3030] == '\n');
	frame_stream_free(&s);
	buf_free(&b);
}

/* Whether the buffer holds only whole stream frames. */
static bool
whole(const struct buf *b)
{
	struct json	j = { 0 };
	const char	*line = b->data, *end;
	bool		good = true;

	for (; good && b->len > 0 && line < b->data + b->len; line = end + 1) {
		end = memchr(line, '\n', b->len - (size_t)(line - b->data));
		if (end == NULL)
			return false;
		good = json_parse(&j, line, (size_t)(end - line), 2, 9) == 0;
		json_free(&j);
	}
	return good;
}

/* Without room, there are whole frames or none, whatever the piece. */
static void
no_room(void)
{
	static const char *const	pieces[] = {
		"a", "\"\\\"", "\xc3\xa1\xe2\x82\xac", "\x01\x02\x03", "word "
	};
	static char			text[6000];
	size_t				i, n, cap;

	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		for (n = 0; n + strlen(pieces[i]) < sizeof(text); )
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s", pieces[i]);
		for (cap = 0; cap < 9000; cap += 1 + cap / 3) {
			struct buf		b = BUF_INIT(cap);
			struct frame_stream	s = { .out = &b };
			bool			failed;

			row("\"%s\" into %zu bytes", pieces[i], cap);
			failed = frame_stream_add(&s, "first", 5) == -1 ||
			    frame_stream_end(&s) == -1;
			failed = frame_stream_add(&s, text, n) == -1 ||
			    failed;
			failed = frame_stream_end(&s) == -1 || failed;
			check(failed || cap > sizeof(text));
			check(whole(&b));
			row("a short frame after it");
			b.cap += 100;
			check(frame_stream_add(&s, "last", 4) == 0);
			check(frame_stream_end(&s) == 0);
			check(whole(&b) && strstr(b.data, "\"last\"") !=
			    NULL);
			frame_stream_free(&s);
			buf_free(&b);
		}
	}
}

static void
reads(void)
{
	static const struct {
		const char		*line;
		enum frame_type		 type;
		int64_t			 session, pid;
		enum failure_code	 code;
	} rows[] = {
		{ "", FRAME_OTHER, 0, 0, 0 }, { "x", FRAME_OTHER, 0, 0, 0 },
		{ "{}", FRAME_OTHER, 0, 0, 0 }, { "[]", FRAME_OTHER, 0, 0, 0 },
		{ "{\"type\":\"x\"}", FRAME_OTHER, 0, 0, 0 },
		{ "{\"type\":1}", FRAME_OTHER, 0, 0, 0 },
		{ "{\"type\":\"done\",\"type\":\"done\"}", FRAME_OTHER, 0, 0,
		    0 }, { "{\"type\":\"done\"", FRAME_OTHER, 0, 0, 0 },
		{ "{\"type\":\"done\"}", FRAME_DONE, 0, 0, 0 },
		{ "{\"type\":\"done\",\"reason\":\"length\"}", FRAME_DONE, 0,
		    0, 0 }, { "{\"type\":\"status\",\"state\":\"loading\"}",
		    FRAME_STATUS, 0, 0, 0 },
		{ "{\"type\":\"stream\",\"content\":\"x\"}", FRAME_STREAM, 0,
		    0, 0 },
		{ "{\"type\":\"session\",\"session\":7,\"pid\":8}",
		    FRAME_SESSION, 7, 8, 0 },
		{ "{\"type\":\"session\"}", FRAME_SESSION, 0, 0, 0 },
		{ "{\"type\":\"cost\"}", FRAME_COST, 0, 0, 0 },
		{ "{\"type\":\"error\",\"code\":\"storage\"}", FRAME_ERROR, 0,
		    0, FAILURE_STORAGE },
		{ "{\"type\":\"error\",\"code\":\"x\"}", FRAME_ERROR, 0, 0,
		    FAILURE_INTERNAL },
		{ "{\"type\":\"error\",\"code\":\"\"}", FRAME_ERROR, 0, 0,
		    FAILURE_INTERNAL },
		{ "{\"type\":\"error\"}", FRAME_ERROR, 0, 0,
		    FAILURE_INTERNAL },
		{ "{\"type\":\"error\",\"code\":5}", FRAME_ERROR, 0, 0,
		    FAILURE_INTERNAL },
		{ "{\"type\":\"error\",\"code\":\"storage\",\"detail\":5}",
		    FRAME_ERROR, 0, 0, FAILURE_INTERNAL },
	};
	const char	cost[] = "{\"type\":\"cost\",\"tokens\":298}";
	struct frame	f;
	size_t		i;

	frame_read(&f, cost, strlen(cost));
	check_int(f.tokens, 298);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].line);
		frame_read(&f, rows[i].line, strlen(rows[i].line));
		check_int(f.type, rows[i].type);
		check_int(f.session, rows[i].session);
		check_int(f.pid, rows[i].pid);
		check_int(f.failure.code, rows[i].code);
		check_int(f.tokens, 0);
	}
}

int
main(void)
{
	t_begin();
	run(shapes);
	run(more_shapes);
	run(limits);
	run(errors);
	run(streams);
	run(pieces);
	run(no_room);
	run(reads);
	return t_end();
}
