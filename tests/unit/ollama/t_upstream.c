/*
 * lib/ollama/upstream and probe: whole conversations with a model server
 * through an HTTP module of the test: the recordings, tests/upstream and
 * tests/openai in pieces of every size, the timers, the retry, the choice of a
 * model.
 */
#include <sys/stat.h>

#include "base/clock.h"
#include "base/limit.h"
#include "ollama/probe.h"
#include "ollama/recall.h"
#include "ollama/upstream.h"
#include "t.h"

/* Calls that are running: at most a POST and a GET. */
static struct http_call	*post_call, *get_call;
static int		 posts, gets;

static int
start(struct http_call *c)
{
	c->end = HTTP_RUNNING;
	c->status = 0;
	c->reason[0] = '\0';
	if (c->body != NULL) {
		posts++;
		post_call = c;
	} else {
		gets++;
		get_call = c;
	}
	return 0;
}

static void
cancel(struct http_call *c)
{
	if (c == post_call)
		post_call = NULL;
	if (c == get_call)
		get_call = NULL;
}

/* Passes bytes on as libcurl does, until they are refused. */
static void
give(struct http_call *c, long status, const char *data, size_t len)
{
	if (!check(c != NULL) || c->end != HTTP_RUNNING)
		return;
	c->status = status;
	if (len > 0 && !c->receive(c->context, status, data, len)) {
		c->end = HTTP_REFUSED;
		cancel(c);
	}
}

/* Passes on lines of an answer or of a list of models. */
static void
say(const char *lines)
{
	give(post_call, 200, lines, strlen(lines));
}

static void
list(const char *body)
{
	give(get_call, 200, body, strlen(body));
}

static void
end(struct http_call *c, enum http_end how, long status)
{
	if (c == NULL || c->end != HTTP_RUNNING)
		return;
	c->status = status;
	c->end = how;
	(void)snprintf(c->reason, sizeof(c->reason), "because");
	cancel(c);
}

/* For the probe: an answer that is complete at once. */
static enum http_end	probe_end;
static long		probe_status;
static const char	*probe_body;

static int
wait_for(int fd, int ms)
{
	(void)fd;
	(void)ms;
	give(get_call, probe_status, probe_body, strlen(probe_body));
	if (get_call != NULL)
		end(get_call, probe_end, probe_status);
	return 0;
}

static void
finish(void)
{
}

static const struct http	http = { start, cancel, wait_for, finish };

/* One conversation. */
static struct settings	settings;
static struct upstream	u;
static struct buf	shown;
static char		states[64];	/* initials of the states, in order */
static int64_t		now;
static const char	*servers;	/* those not tried yet */
static bool		refuse_text;
static int		turns = -1;	/* of a thread with one more question;
					   -1: a ticket alone */

static bool
on_text(void *context, const char *text, size_t len)
{
	check(context == &shown);
	check(len > 0);
	if (refuse_text) {
		u.failure = failure_make(FAILURE_ANSWER_TOO_LONG, "5");
		return false;
	}
	if (buf_add(&shown, text, len) == -1)
		t_die("buf");
	return true;
}

static void
on_state(void *context, enum frame_state state)
{
	size_t	n = strlen(states);

	check(context == &shown);
	if (n + 1 < sizeof(states))
		states[n] = "qltg"[state];
}

/* Asks the next server, if one is wanted. */
static void
ask_next(void)
{
	struct url	server;
	const char	*rest;

	if (u.phase != UPSTREAM_SERVER || !check(url_next(&servers, &server)))
		return;
	rest = servers;
	upstream_ask(&u, &server, url_weights(rest) > 0, now);
}

static void
begin(const char *server, const char *model)
{
	const char	*why;
	int		 i;

	(void)setenv("OLLAMA_SERVER", server, 1);
	(void)setenv("OLLAMA_MODEL", model, 1);
	if (settings_load(&settings, NULL, 0) == -1)
		t_die(settings.error);
	memset(&u, 0, sizeof(u));
	memset(states, 0, sizeof(states));
	shown = (struct buf)BUF_INIT(1 << 20);
	post_call = get_call = NULL;
	posts = gets = 0;
	refuse_text = false;
	u.context = &shown;
	u.on_text = on_text;
	u.on_state = on_state;
	now = clock_us();
	servers = settings.text[SETTING_OLLAMA_SERVER];
	check((u.prompt.system = prompt_system(&settings, &why)) != NULL);
	if (*u.prompt.system != '\0')
		memcpy(u.prompt.word, "0123456789abcdef", TEXT_WORD + 1);
	check_int(prompt_ticket(&u.prompt, "my ticket", 9, NULL, 0), 0);
	for (i = 0; i <= turns; i++)
		check(prompt_answer(&u.prompt, "Open.", 5) == 0 &&
		    prompt_question(&u.prompt, "and?", 4) == 0);
	upstream_begin(&u, &settings, &http, now);
	ask_next();
}

static void
done(void)
{
	check(post_call == NULL && get_call == NULL);
	upstream_free(&u);
	buf_free(&shown);
	settings_free(&settings);
}

static void
step(int64_t us)
{
	now += us;
	upstream_step(&u, now);
}

/* Skips the pause before a retry, if there is one. */
static bool
retries(void)
{
	int64_t	d = upstream_deadline(&u);

	if (u.phase != UPSTREAM_PAUSE)
		return false;
	check(d >= now + 900000 && d < clock_us() + 2000000);
	step(d - now - 1);
	check_int(u.phase, UPSTREAM_PAUSE);
	step(1);
	check_int(u.phase, UPSTREAM_ANSWER);
	return true;
}

/* Passes an answer on in pieces: cut once at `cut', or every -cut bytes. */
static void
answer(const char *data, size_t len, long cut, enum http_end how)
{
	struct http_call	*c = post_call;
	size_t			 i, n;

	if (!check(c != NULL))
		return;
	n = cut < 0 ? (size_t)-cut : (size_t)cut;
	for (i = 0; i < len; i += n) {
		if (i > 0 && cut > 0)
			n = len - i;
		n = n == 0 || n > len - i ? len - i : n;
		give(c, 200, data + i, n);
		step(10);
	}
	end(c, how, 200);
	step(10);
}

struct script {
	const char		*file;
	enum failure_code	 code;
	const char		*text;
	int			 posts;
};

static void
play(const struct script *s, const char *data, size_t len, long cut)
{
	const char	*late;

	row("%s cut %ld", s->file, cut);
	begin("http://h/api/generate", "m");
	do {
		answer(data, len, cut, HTTP_COMPLETE);
	} while (retries());
	check_int(u.phase, UPSTREAM_ENDED);
	check_int(u.failure.code, s->code);
	check_int(posts, s->posts);
	check_mem(shown.data, shown.len, s->text, strlen(s->text));
	if (s->code == 0) {
		late = strstr(s->text, "</think>");
		check_int(upstream_settle(&u, &shown), late != NULL);
		check_int(u.late, late != NULL);
		late = late == NULL ? s->text : late + 10;
		check_mem(shown.data, shown.len, late, strlen(late));
	}
	check_int(strstr(states, "t") != NULL, (strstr(s->file, "think-t") ==
	    s->file && s->code == 0) || strcmp(s->file, "harmony") == 0);
	done();
}

static const char	a_done[] = "{\"response\":\"a\",\"done\":true}\n";

#define BAD	"\xef\xbf\xbd"
#define WHOLE	"Reinicie a impressora.\n"
#define INVALID	FAILURE_UPSTREAM_INVALID
#define ERROR	FAILURE_UPSTREAM_ERROR
#define CUT	FAILURE_UPSTREAM_TRUNCATED

static void
scripts(void)
{
	static const struct script	rows[] = {
		{ "good", 0, WHOLE, 1 },
		{ "done-with-text", 0, "Reinicie a impressora!", 1 },
		{ "done-without-reason", 0, WHOLE, 1 },
		{ "think-then-text", 0, "Reinicie a impressora.", 1 },
		{ "other-key-order", 0, "Reinicie a rede.", 1 },
		{ "surrogates", 0, "par \xf0\x9f\x98\x80 s\xc3\xb3 " BAD
		    " alta baixa " BAD " troca " BAD BAD " duas " BAD
		    "\xf0\x9f\x98\x80 fim " BAD BAD " cortado", 1 },
		{ "nul", 0, "antes" BAD "depois" BAD " fim", 1 },
		{ "controls", 0, "cor " BAD "[31mvermelha" BAD "[0m sino" BAD
		    " " BAD BAD "\t\r\n" BAD BAD "\xe2\x80\xa8\xe2\x80\xa9"
		    "\xef\xbb\xbf <b> & / \\ \"", 1 },
		{ "unterminated-last-line", 0, WHOLE, 1 },
		{ "blank-lines", 0, WHOLE, 1 }, { "crlf", 0, WHOLE, 1 },
		{ "text-after-done", 0, WHOLE, 1 },
		{ "think-then-length", 0, "", 1 },
		{ "done-without-text", 0, "", 1 },
		{ "done-blank-text", 0, " \n", 1 },
		{ "load", 0, "", 1 }, { "unload", 0, "", 1 },
		{ "error-after-text", ERROR, WHOLE, 1 },
		{ "error-object", ERROR, "Reinicie a", 1 },
		{ "error-then-done", ERROR, WHOLE, 1 },
		{ "unterminated-error", ERROR, WHOLE, 1 },
		{ "eof-without-done", CUT, WHOLE, 1 },
		{ "repeated-then-eof", CUT, "..............................."
		    , 1 }, { "empty", CUT, "", 2 },
		{ "not-json", INVALID, "Reinicie a", 1 },
		{ "truncated-line", INVALID, "Reinicie a", 1 },
		{ "two-objects-a-line", INVALID, "", 1 },
		{ "line-array", INVALID, "Reinicie a", 1 },
		{ "html-line", INVALID, "", 1 }, { "sse", INVALID, "", 1 },
		{ "response-number", INVALID, "Reinicie a", 1 },
		/* Gateways write null for absent fields. */
		{ "response-null", 0, "Reinicie a", 1 },
		{ "error-null", 0, "Open the rear cover.", 1 },
		{ "think-tags", 0, "Open the rear cover.", 1 },
		{ "think-tags-then-length", 0, "", 1 },
		{ "think-close-only", 0, "Okay, the user has a jam.\n"
		    "</think>\n\nOpen the rear cover.", 1 },
		{ "harmony", 0, "Open the rear cover.", 1 },
		{ "response-object", INVALID, "Reinicie a", 1 },
		{ "done-string", INVALID, WHOLE, 1 },
	};
	char	path[128], *data;
	size_t	i, len, cut;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(path, sizeof(path), "tests/upstream/%s.ndjson",
		    rows[i].file);
		data = t_read_source(path, &len);
		for (cut = 0; cut < len; cut += len > 1500 ? 7 : 1)
			play(&rows[i], data, len, (long)cut);
		play(&rows[i], data, len, -1);
		play(&rows[i], data, len, -100);
		free(data);
	}
}

/* Cases that the table above cannot express. */
static void
odd_scripts(void)
{
	char	*data;
	size_t	 len;

	row("big-token");
	data = t_read_source("tests/upstream/big-token.ndjson", &len);
	begin("http://h", "m");
	u.server.api = URL_GENERATE;	/* chat's API has no such line */
	answer(data, len, -333, HTTP_COMPLETE);
	check_int(u.failure.code, FAILURE_NONE);
	check(shown.len >= 18000 && memcmp(shown.data, "\xc3\xa1\xc3\xa1", 4)
	    == 0);
	free(data);
	done();
	row("error-first: one more try, if the server says so");
	data = t_read_source("tests/upstream/error-first.ndjson", &len);
	begin("http://h/api/generate", "m");
	answer(data, len, 0, HTTP_COMPLETE);
	if (retries())
		answer(data, len, 0, HTTP_COMPLETE);
	check_int(u.failure.code, ERROR);
	check_int(shown.len, 0);
	free(data);
	done();
	row("invalid-utf8");
	data = t_read_source("tests/upstream/invalid-utf8.ndjson", &len);
	begin("http://h/api/generate", "m");
	answer(data, len, -1, HTTP_COMPLETE);
	check_int(u.failure.code, FAILURE_NONE);
	check(utf8_valid(shown.data, shown.len) &&
	    strstr(shown.data, BAD) != NULL &&
	    strstr(shown.data, " depois") != NULL);
	free(data);
	done();
	row("a line without end");
	if ((data = malloc(1 << 20)) == NULL)
		t_die("malloc");
	memset(data, 'x', 1 << 20);
	begin("http://h/api/generate", "m");
	for (len = 0; len < 9 && post_call != NULL; len++)
		give(post_call, 200, data, 1 << 20);
	check_int(len, 9);
	step(1);
	check_int(u.failure.code, INVALID);
	free(data);
	done();
}

/* Joins the chunks of a recorded body; returns the length. */
static size_t
dechunk(char *body, size_t len)
{
	size_t	in = 0, out = 0, n;
	char	*after;

	while (in < len && (n = strtoul(body + in, &after, 16)) > 0) {
		in = (size_t)(after + 2 - body);
		if (in + n > len)
			n = len - in;
		memmove(body + out, body + in, n);
		out += n;
		in += n + 2;
	}
	return out;
}

/* Streams recorded from a real Ollama. */
static void
recordings(void)
{
	static const struct {
		const char		*file;
		enum http_end		 how;
		enum failure_code	 code;
		const char		*reason;
		int64_t			 tokens;	/* 0: not checked */
	} rows[] = {
		{ "stream-pt", HTTP_COMPLETE, 0, NULL, 0 },
		{ "stream-emoji", HTTP_COMPLETE, 0, NULL, 0 },
		{ "stream-stop", HTTP_COMPLETE, 0, "stop", 0 },
		{ "stream-length", HTTP_COMPLETE, 0, "length", 0 },
		{ "runner-dies", HTTP_COMPLETE, ERROR, NULL, 0 },
		{ "server-dies", HTTP_BROKEN, CUT, NULL, 0 },
	};
	char	path[128], *text, *body;
	size_t	i, len, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].file);
		(void)snprintf(path, sizeof(path),
		    "tests/ollama/%s.response.http", rows[i].file);
		text = t_read_source(path, &len);
		if ((body = strstr(text, "\r\n\r\n")) == NULL)
			t_die(path);
		body += 4;
		n = dechunk(body, len - (size_t)(body - text));
		begin("http://h/api/generate", "m");
		answer(body, n, -50, rows[i].how);
		check_int(u.phase, UPSTREAM_ENDED);
		check_int(u.failure.code, rows[i].code);
		check(shown.len > 0 && utf8_valid(shown.data, shown.len));
		check_str(states, "g");
		if (rows[i].reason != NULL)
			check_str(u.cost.done_reason, rows[i].reason);
		if (rows[i].code == FAILURE_NONE)
			check(u.cost.prompt_tokens > 0 &&
			    u.cost.answer_tokens > 0);
		check_int(posts, 1);
		free(text);
		done();
	}
}

static void
ends(void)
{
	static const struct {
		enum http_end		 how;
		const char		*before;	/* lines */
		enum failure_code	 code;
		int			 posts;
	} rows[] = {
		{ HTTP_UNREACHABLE, "", FAILURE_UPSTREAM_UNREACHABLE, 1 },
		{ HTTP_NO_CONNECTION, "", FAILURE_UPSTREAM_TIMEOUT, 1 },
		{ HTTP_CERTIFICATE, "", FAILURE_UPSTREAM_UNREACHABLE, 1 },
		{ HTTP_INVALID, "", INVALID, 1 },
		{ HTTP_FAILED, "", FAILURE_UPSTREAM_UNREACHABLE, 1 },
		{ HTTP_BROKEN, "", ERROR, 2 },
		{ HTTP_BROKEN, "{\"response\":\"\",\"done\":false}\n", CUT, 2 },
		{ HTTP_BROKEN, "{\"response\":\"a\",\"done\":false}\n", CUT,
		    1 },
		{ HTTP_COMPLETE, "{\"response\":\"a\",\"done\":false}\n", CUT,
		    1 },
		{ HTTP_BROKEN, "{\"response\":\"a\",\"done\":true}\n", 0, 1 },
		/* An incomplete last line of a broken answer counts for
		   nothing. */
		{ HTTP_BROKEN, "{\"response\":\"a\",\"done\":true}", ERROR,
		    2 },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		begin("http://h/api/generate", "m");
		do {
			answer(rows[i].before, strlen(rows[i].before), 0,
			    rows[i].how);
		} while (retries());
		check_int(u.failure.code, rows[i].code);
		check_int(posts, rows[i].posts);
		if (rows[i].code != 0)
			check_str(u.reason, rows[i].how == HTTP_COMPLETE ?
			    "the stream ended without done:true" : "because");
		done();
	}
	row("refused with a body");
	begin("http://h/api/generate", "m");
	give(post_call, 404, "{\"error\":\"model 'm' ", 20);
	give(post_call, 404, "not found\"}", 11);
	end(post_call, HTTP_COMPLETE, 404);
	step(1);
	check_int(u.failure.code, FAILURE_MODEL_MISSING);
	check_str(u.failure.detail, "m");
	check(strncmp(u.reason, "HTTP 404 ", 9) == 0);
	done();
}

/* Refusals that repeat, and the reasons for ending. */
static void
ends_for_a_reason(void)
{
	size_t	i;

	row("busy, and until when");
	begin("http://h/api/generate", "m");
	for (i = 0; i < 2; i++) {
		post_call->retry_after = 1;
		end(post_call, HTTP_COMPLETE, 429);
		step(1);
		check_int(retries(), i == 0);
	}
	check_int(u.failure.code, FAILURE_UPSTREAM_BUSY);
	check_int(u.failure.retry_after, 1);
	done();
	row("an error in mid-stream: why");
	begin("http://h/api/generate", "m");
	say("{\"response\":\"a\",\"done\":false}\n"
	    "{\"error\":\"the runner \\\"x\\\" fell over\"}\n");
	end(post_call, HTTP_COMPLETE, 200);
	step(1);
	check_int(u.failure.code, ERROR);
	check_str(u.reason, "the runner \"x\" fell over");
	done();
	row("which time ran out");
	for (i = 0; i < 2; i++) {
		begin("http://h/api/generate", "");
		end(get_call, i == 0 ? HTTP_NO_CONNECTION : HTTP_TIMEOUT, 0);
		step(1);
		check_int(u.failure.code, FAILURE_UPSTREAM_TIMEOUT);
		check_str(u.failure.detail, i == 0 ? "CONNECT_TIMEOUT" :
		    "/api/tags: 10 s");
		done();
	}
	row("busy, then not");
	begin("http://h/api/generate", "m");
	end(post_call, HTTP_COMPLETE, 503);
	step(1);
	check(retries());
	answer(a_done, sizeof(a_done) - 2, 0, HTTP_COMPLETE);
	check_int(u.failure.code, FAILURE_NONE);
	check_str(shown.data, "a");
	check(u.cost.total >= 900);
	done();
	row("a body without end");
	begin("http://h/api/generate", "m");
	for (i = 0; i < 20; i++)
		give(post_call, 500, states, sizeof(states));
	for (i = 0; i < 3; i++) {
		static char	large[60000];

		give(post_call, 500, large, sizeof(large));
	}
	check(u.body.len <= UPSTREAM_BODY_MAX);
	end(post_call, HTTP_COMPLETE, 500);
	step(1);
	check_int(u.failure.code, ERROR);
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	done();
}

static void
timers(void)
{
	const int64_t	s = 1000000;

	row("nothing comes");
	begin("http://h/api/generate", "m");
	u.due = CLOCK_NEVER;	/* another test covers /api/ps */
	check_int(upstream_deadline(&u), now + 600 * s);
	step(600 * s - 1);
	check_int(u.phase, UPSTREAM_ANSWER);
	step(1);
	check_int(u.failure.code, FAILURE_UPSTREAM_TIMEOUT);
	check_str(u.failure.detail, "FIRST_TOKEN_TIMEOUT");
	check_int(posts, 1);
	done();
	row("it stalls");
	begin("http://h/api/generate", "m");
	say("{\"response\":\"a\",\"done\":false}\n");
	now = u.last;
	check_int(upstream_deadline(&u), now + 120 * s);
	step(120 * s - 1);
	check_int(u.phase, UPSTREAM_ANSWER);
	step(1);
	check_str(u.failure.detail, "STALL_TIMEOUT");
	done();
	row("it goes on and on");
	begin("http://h/api/generate", "m");
	say("{\"response\":\"a\",\"done\":false}\n");
	u.last = now + 1799 * s;
	check_int(upstream_deadline(&u), now + 1800 * s);
	step(1800 * s - 1);
	check_int(u.phase, UPSTREAM_ANSWER);
	step(1);
	check_str(u.failure.detail, "ANSWER_TIMEOUT");
	done();
	check_int(upstream_deadline(&u), CLOCK_NEVER);
	row("the end wins over a timer");
	begin("http://h/api/generate", "m");
	say("{\"response\":\"a\",\"done\":true}\n");
	step(9999 * s);
	check_int(u.failure.code, FAILURE_NONE);
	done();
}

static const char	lists_m[] = "{\"models\":[{\"name\":\"m:latest\"}]}";

/* A silent model: /api/ps says what it is doing. */
static void
loading(void)
{
	begin("http://h/api/generate", "m");
	check_int(upstream_deadline(&u), now + 500000);
	step(499999);
	check_int(gets, 0);
	step(1);
	check_int(gets, 1);
	check_str(get_call->url, "http://h/api/ps");
	check(upstream_deadline(&u) > now + 5000000);
	list("{\"models\":[]}");
	end(get_call, HTTP_COMPLETE, 200);
	step(1);
	check_str(states, "");
	check_str(get_call->url, "http://h/api/tags");
	list(lists_m);
	end(get_call, HTTP_COMPLETE, 200);
	step(1);
	check_str(states, "l");
	check_int(upstream_deadline(&u), now + 2000000);
	step(2000000);
	check_int(gets, 3);
	list(lists_m);
	end(get_call, HTTP_COMPLETE, 200);
	step(1);
	check_str(states, "lg");
	step(9000000);
	check_int(gets, 3);
	row("thoughts, text, and no state twice");
	say("{\"thinking\":\"h\",\"done\":false}\n");
	say("{\"thinking\":\"h\",\"done\":false}\n");
	check_str(states, "lgt");
	say("{\"response\":\"a\",\"done\":false}\n");
	say("{\"thinking\":\"h\",\"done\":false}\n");
	check_str(states, "lgtg");
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	check_int(u.failure.code, FAILURE_STOPPED);
	upstream_cancel(&u, FAILURE_INTERNAL, NULL);
	check_int(u.failure.code, FAILURE_STOPPED);
	done();
	row("no answer to that does not matter");
	begin("http://h/api/generate", "m");
	step(500000);
	end(get_call, HTTP_TIMEOUT, 0);
	step(1);
	check_str(states, "");
	check_int(u.phase, UPSTREAM_ANSWER);
	step(9000000);
	check_int(gets, 1);
	row("text comes meanwhile");
	answer(a_done, sizeof(a_done) - 1, 0, HTTP_COMPLETE);
	check_int(u.failure.code, FAILURE_NONE);
	done();
	row("the answer ends while it is asked");
	begin("http://h/api/generate", "m");
	step(500000);
	check(get_call != NULL);
	answer(a_done, sizeof(a_done) - 1, 0, HTTP_COMPLETE);
	check_int(u.failure.code, FAILURE_NONE);
	done();
}

/* The model repeats the fence, and thinks in lines of chat. */
static void
repeats(void)
{
	static const char	*const rows[] = {
		"[[%s]]\\nOpen.", "Open.[[/%s]]", "<think>%s</think>Open.",
		"Open.<|im_end|>", "Open.</s>\\n", "%s\\nOpen.",
	};
	char	text[200], line[400];
	size_t	i, k, len;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		begin("http://h/api/chat", "m");
		check_int(strlen(u.prompt.word), TEXT_WORD);
		check(strstr(post_call->body, u.prompt.word) != NULL);
		/* A refusal of our own. */
		(void)snprintf(text, sizeof(text), "%.*s%s%s",
		    (int)strcspn(rows[i], "%"), rows[i],
		    strchr(rows[i], '%') == NULL ? "" : u.prompt.word,
		    strchr(rows[i], '%') == NULL ? "" :
		    strchr(rows[i], '%') + 2);
		len = strlen(text);
		for (k = 0; k < len; k += text[k] == '\\' ? 2 : 1) {
			(void)snprintf(line, sizeof(line), "{\"message\":"
			    "{\"content\":\"%.*s\"},\"done\":false}\n",
			    text[k] == '\\' ? 2 : 1, text + k);
			say(line);
		}
		say("{\"message\":{\"content\":\"\"},\"done\":true}\n");
		end(post_call, HTTP_COMPLETE, 200);
		step(1);
		check_int(u.failure.code, FAILURE_NONE);
		check_mem(shown.data, shown.len, "Open.", 5);
		check_int(upstream_settle(&u, &shown), 0);
		check_int(u.tidy.found, i != 2);
		done();
	}
	row("within a word");
	begin("http://h/api/generate", "m");
	(void)snprintf(line, sizeof(line), "{\"response\":\"Open.x%s\","
	    "\"done\":true}\n", u.prompt.word);
	say(line);
	end(post_call, HTTP_COMPLETE, 200);
	step(1);
	check_mem(shown.data, shown.len, "Open.x", 6);
	check_int(upstream_settle(&u, &shown), 0);
	done();
	row("in upper case");
	begin("http://h/api/generate", "m");
	say("{\"response\":\"Open [[0123456789ABCDEF]] it.\",\"done\":true}\n");
	end(post_call, HTTP_COMPLETE, 200);
	step(1);
	check_mem(shown.data, shown.len, "Open  it.", 9);
	done();
}

/*
 * A thread is sent as messages.  If it is too long, half of the turns leave, at
 * most three times, and only before any text has come.
 */
static void
threads(void)
{
	static const char	refusal[] = "{\"error\":{\"code\":400,"
				    "\"message\":\"request (9 tokens) exceeds "
				    "the available context size (4 tokens)\"}}";
	static const struct {
		int	turns, refused, posts, left_out;
		enum failure_code	code;
	} rows[] = {
		{ 0, 1, 1, 0, FAILURE_PROMPT_TOO_LONG },
		{ 1, 1, 2, 1, FAILURE_NONE },
		{ 1, 9, 2, 1, FAILURE_PROMPT_TOO_LONG },
		{ 2, 2, 3, 2, FAILURE_NONE },
		{ 8, 3, 4, 7, FAILURE_NONE },
		{ 8, 4, 4, 7, FAILURE_PROMPT_TOO_LONG },
		{ 50, 0, 1, 0, FAILURE_NONE },
		{ 50, 1, 2, 28, FAILURE_NONE },
		{ 50, 9, 4, 45, FAILURE_PROMPT_TOO_LONG },
	};
	size_t	i;
	int	k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		turns = rows[i].turns;
		begin("http://h/api/generate", "m");
		for (k = 0; k < rows[i].refused && post_call != NULL; k++) {
			check_str(post_call->url, "http://h/api/chat");
			give(post_call, 400, refusal, strlen(refusal));
			end(post_call, HTTP_COMPLETE, 400);
			step(1);
		}
		if (post_call != NULL) {
			say("{\"message\":{\"content\":\"a\"},"
			    "\"done\":true}\n");
			end(post_call, HTTP_COMPLETE, 200);
			step(1);
		}
		check_int(u.failure.code, rows[i].code);
		check_int(posts, rows[i].posts);
		check_int(u.turns_left_out, (size_t)rows[i].left_out);
		done();
	}
	row("after some text");
	turns = 9;
	begin("http://h", "m");
	say("{\"message\":{\"content\":\"a\"},\"done\":false}\n"
	    "{\"error\":\"exceeds the available context size\"}\n");
	end(post_call, HTTP_COMPLETE, 200);
	step(1);
	check_int(posts, 1);
	check_int(u.turns_left_out, 0);
	done();
	turns = -1;
}

/* A model on another machine is never loaded here. */
static void
elsewhere(void)
{
	static const char	none[] = "{\"models\":[]}";
	static const struct {
		const char	*model, *tags, *states;
	} rows[] = {
		{ "gpt:9b-cloud", NULL, "g" }, { "gpt:cloud", NULL, "g" },
		{ "m", "{\"models\":[{\"name\":\"m:latest\",\"remote_host\":"
		    "\"https://o\"}]}", "g" },
		{ "library/M", "{\"models\":[{\"name\":\"m:latest\","
		    "\"remote_host\":\"https://o\"}]}", "g" },
		{ "m", lists_m, "l" }, { "m", none, "l" }, { "m", "x", "l" },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		begin("http://h/api/generate", rows[i].model);
		step(500000);
		list(none);
		end(get_call, HTTP_COMPLETE, 200);
		step(1);
		if (rows[i].tags != NULL) {
			list(rows[i].tags);
			end(get_call, HTTP_COMPLETE, 200);
			step(1);
		}
		check_str(states, rows[i].states);
		check_int(upstream_deadline(&u) < now + 3000000,
		    *rows[i].states == 'l');
		answer(a_done, sizeof(a_done) - 1, 0, HTTP_COMPLETE);
		check_int(u.failure.code, FAILURE_NONE);
		done();
	}
}

/* Without OLLAMA_MODEL: the first model that the server lists. */
static void
model(void)
{
	row("asked for");
	begin("http://h/x/api/generate", "");
	check(posts == 0 && gets == 1);
	check_str(get_call->url, "http://h/x/api/tags");
	check_int(upstream_deadline(&u), CLOCK_NEVER);
	give(get_call, 200, lists_m, 10);
	give(get_call, 200, lists_m + 10, sizeof(lists_m) - 11);
	step(1);
	check_int(posts, 0);
	end(get_call, HTTP_COMPLETE, 200);
	step(1);
	check_int(posts, 1);
	check_str(post_call->url, "http://h/x/api/generate");
	check(strncmp(post_call->body, "{\"model\":\"m:latest\",", 20) == 0);
	answer(a_done, sizeof(a_done) - 1, 0, HTTP_COMPLETE);
	check_int(u.failure.code, FAILURE_NONE);
	check_str(u.cost.model, "m:latest");
	done();
	row("there is none");
	begin("http://h", "");
	list("{\"models\":[]}");
	end(get_call, HTTP_COMPLETE, 200);
	step(1);
	check_int(u.failure.code, FAILURE_MODEL_MISSING);
	check(u.failure.detail[0] != '\0');
	done();
	row("no list");
	begin("http://h", "");
	list("<html>");
	end(get_call, HTTP_COMPLETE, 200);
	step(1);
	check_int(u.failure.code, INVALID);
	done();
	row("unreachable");
	begin("http://h", "");
	end(get_call, HTTP_UNREACHABLE, 0);
	step(1);
	check_int(u.failure.code, FAILURE_UPSTREAM_UNREACHABLE);
	done();
	row("busy: the retry asks again, it does not post without a model");
	begin("http://h", "");
	end(get_call, HTTP_COMPLETE, 503);
	step(1);
	check_int(u.phase, UPSTREAM_PAUSE);
	step(upstream_deadline(&u) - now);
	check_int(posts, 0);
	check_int(gets, 2);
	if (check(get_call != NULL)) {
		list(lists_m);
		end(get_call, HTTP_COMPLETE, 200);
		step(1);
		answer(a_done, sizeof(a_done) - 1, 0, HTTP_COMPLETE);
	}
	check_int(u.failure.code, u.phase == UPSTREAM_ENDED &&
	    posts == 1 ? FAILURE_NONE : -1);
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	done();
}

static void
requests(void)
{
	row("chat");
	begin("https://h/", "m");
	check_str(post_call->url, "https://h/api/chat");
	check_int(post_call->connect_timeout, 3000);
	check_int(post_call->timeout, 0);
	check(post_call->token == NULL);
	check(strstr(post_call->body, "\"messages\"") != NULL);
	check(strstr(post_call->body, "my ticket") != NULL);
	check_int(strlen(post_call->body), post_call->body_len);
	say("{\"message\":{\"content\":\"a\"},\"done\":true}\n");
	end(post_call, HTTP_COMPLETE, 200);
	step(1);
	check_str(shown.data, "a");
	done();
	row("a token and a bare ticket");
	t_write("token", " x\n", 3);
	t_write("token", "secret-1\n", 9);
	check(chmod("token", 0600) == 0);
	(void)setenv("OLLAMA_TOKEN_FILE", "token", 1);
	(void)setenv("TICKETCHAT_SYSTEM_PROMPT_FILE", "none", 1);
	begin("http://h/api/generate", "m");
	check_str(post_call->token, "secret-1");
	check(strstr(post_call->body, "\"prompt\":\"my ticket\"") != NULL);
	check(strstr(post_call->body, "\"system\"") == NULL);
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	done();
	row("a prompt of one's own");
	t_write("prompt", "Be brief.\n", 10);
	(void)setenv("TICKETCHAT_SYSTEM_PROMPT_FILE", "prompt", 1);
	begin("http://h/api/generate", "m");
	check(strstr(post_call->body, "\"system\":\"Be brief.\\n\"") != NULL);
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	done();
	row("a token file that others can read");
	(void)unsetenv("TICKETCHAT_SYSTEM_PROMPT_FILE");
	check(chmod("token", 0644) == 0);
	begin("http://h/api/generate", "m");
	check_int(u.failure.code, FAILURE_INTERNAL);
	check(strncmp(u.reason, "OLLAMA_TOKEN_FILE: ", 19) == 0);
	done();
	(void)unsetenv("OLLAMA_TOKEN_FILE");
	row("the viewer's side ends it");
	begin("http://h/api/generate", "m");
	refuse_text = true;
	say("{\"response\":\"a\",\"done\":false}\n{\"done\":true}\n");
	end(post_call, HTTP_COMPLETE, 200);
	step(1);
	check_int(u.failure.code, FAILURE_ANSWER_TOO_LONG);
	check_int(posts, 1);
	done();
}

static void
probes(void)
{
	static const struct {
		const char		*model;
		enum http_end		 how;
		long			 status;
		const char		*body;
		enum failure_code	 code;
		const char		*chosen;
	} rows[] = {
		{ "", HTTP_COMPLETE, 200, lists_m, 0, "m:latest" },
		{ "m", HTTP_COMPLETE, 200, lists_m, 0, "m" },
		{ "x", HTTP_COMPLETE, 200, lists_m, FAILURE_MODEL_MISSING,
		    "x" },
		{ "x", HTTP_COMPLETE, 200, "{\"models\":[]}",
		    FAILURE_MODEL_MISSING, "x" },
		{ "", HTTP_COMPLETE, 200, "{\"models\":[]}",
		    FAILURE_MODEL_MISSING, "" },
		{ "m", HTTP_COMPLETE, 200, "<html>", INVALID, "" },
		{ "m", HTTP_COMPLETE, 401, "{\"error\":\"unauthorized\"}",
		    FAILURE_UPSTREAM_REJECTED, "" },
		{ "m", HTTP_UNREACHABLE, 0, "", FAILURE_UPSTREAM_UNREACHABLE,
		    "" },
	};
	struct probe	 p;
	struct url	 server;
	const char	*list;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		(void)setenv("OLLAMA_SERVER", "http://h/api/chat", 1);
		(void)setenv("OLLAMA_MODEL", rows[i].model, 1);
		check_int(settings_load(&settings, NULL, 0), 0);
		probe_end = rows[i].how;
		probe_status = rows[i].status;
		probe_body = rows[i].body;
		list = settings.text[SETTING_OLLAMA_SERVER];
		check(url_next(&list, &server));
		probe_model(&p, &settings, &http, &server);
		check_int(p.failure.code, rows[i].code);
		check_str(p.model, rows[i].chosen);
		settings_free(&settings);
	}
}

/* The first server fails in some way: is the second one asked? */
static void
several(void)
{
	static const struct {
		enum http_end		 how;
		long			 status;
		const char		*body;
		enum failure_code	 code;	/* NONE: it is asked */
	} rows[] = {
		{ HTTP_UNREACHABLE, 0, "", 0 }, { HTTP_TIMEOUT, 0, "", 0 },
		{ HTTP_INVALID, 0, "", 0 }, { HTTP_BROKEN, 0, "", 0 },
		{ HTTP_COMPLETE, 503, "busy", 0 },
		{ HTTP_COMPLETE, 500, "oh", 0 },
		{ HTTP_COMPLETE, 404,
		    "{\"error\":\"model 'm' not found\"}", 0 },
		{ HTTP_COMPLETE, 400, "{\"error\":\"invalid option\"}",
		    FAILURE_UPSTREAM_REJECTED },
		{ HTTP_BROKEN, 200, "{\"response\":\"a\",\"done\":false}\n",
		    CUT },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		begin("http://a/api/generate http://b", "m");
		check_str(post_call->url, "http://a/api/generate");
		give(post_call, rows[i].status, rows[i].body,
		    strlen(rows[i].body));
		end(post_call, rows[i].how, rows[i].status);
		step(1);
		check_int(u.phase, rows[i].code == 0 ? UPSTREAM_SERVER :
		    UPSTREAM_ENDED);
		check_int(u.failure.code == 0, false);
		if (rows[i].code != 0) {
			check_int(u.failure.code, rows[i].code);
			done();
			continue;
		}
		ask_next();
		check_int(posts, 2);
		check_str(post_call->url, "http://b/api/chat");
		answer("{\"message\":{\"content\":\"x\"},\"done\":true}\n", 41,
		    0, HTTP_COMPLETE);
		check_int(u.failure.code, FAILURE_NONE);
		check_mem(shown.data, shown.len, "x", 1);
		done();
	}
}

/* What happens with the last server, and the time until the next. */
static void
several_more(void)
{
	row("none of them is there");
	begin("http://a http://b", "m");
	end(post_call, HTTP_UNREACHABLE, 0);
	step(1);
	ask_next();
	end(post_call, HTTP_UNREACHABLE, 0);
	step(1);
	check_int(u.phase, UPSTREAM_ENDED);
	check_int(u.failure.code, FAILURE_UPSTREAM_UNREACHABLE);
	done();
	row("the last one is tried once more");
	begin("http://a http://b", "m");
	end(post_call, HTTP_UNREACHABLE, 0);
	step(1);
	ask_next();
	end(post_call, HTTP_BROKEN, 0);
	step(1);
	check(retries());
	check_str(post_call->url, "http://b/api/chat");
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	done();
	row("to wait for another one is to queue");
	begin("http://a http://b", "m");
	check_int(u.cost.queued, 0);
	step(1000000);
	end(post_call, HTTP_UNREACHABLE, 0);
	step(1000000);
	check_int(u.phase, UPSTREAM_SERVER);
	check(upstream_deadline(&u) == CLOCK_NEVER);
	step(50000000);
	check_int(u.phase, UPSTREAM_SERVER);
	ask_next();
	answer("{\"message\":{\"content\":\"x\"},\"done\":true}\n", 41, 0,
	    HTTP_COMPLETE);
	check_int(u.failure.code, FAILURE_NONE);
	check_int(u.cost.queued, 50000);
	check_int(u.cost.total, 2000);
	done();
	row("each is asked for its own first model");
	begin("http://a http://b", "");
	give(get_call, 200, "{\"models\":[]}", 13);
	end(get_call, HTTP_COMPLETE, 200);
	step(1);
	ask_next();
	check_str(get_call->url, "http://b/api/tags");
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	check_int(u.phase, UPSTREAM_ENDED);
	done();
}

/* Streams of OpenAI's dialect: whole, and split anywhere. */
static const struct script	events[] = {
	{ "good", 0, WHOLE, 1 }, { "crlf", 0, WHOLE, 1 },
	{ "comments", 0, WHOLE, 1 }, { "single-newlines", 0, WHOLE, 1 },
	{ "nulls", 0, WHOLE, 1 }, { "no-done", 0, WHOLE, 1 },
	{ "no-done-no-newline", 0, WHOLE, 1 },
	{ "done-no-newline", 0, WHOLE, 1 },
	{ "done-without-finish", 0, WHOLE, 1 },
	{ "done-unfinished", CUT, WHOLE, 1 },
	{ "done-unfinished-first", CUT, "", 2 },
	{ "done-then-more", 0, WHOLE, 1 }, { "usage-beside", 0, WHOLE, 1 },
	{ "no-usage", 0, WHOLE, 1 }, { "length", 0, WHOLE, 1 },
	{ "finish-with-text", 0, WHOLE, 1 }, { "many-lines", 0, WHOLE, 1 },
	{ "empty-choices", 0, WHOLE, 1 }, { "null-message", 0, WHOLE, 1 },
	{ "whole-again", 0, WHOLE, 1 }, { "unknown-fields", 0, WHOLE, 1 },
	{ "content-filter", 0, WHOLE, 1 }, { "finish-error", CUT, WHOLE, 1 },
	{ "finish-abort", CUT, WHOLE, 1 }, { "finish-object", CUT, WHOLE, 1 },
	{ "reasoning-content", 0, WHOLE, 1 }, { "reasoning", 0, WHOLE, 1 },
	{ "think-tags", 0, WHOLE, 1 }, { "thoughts-only", 0, "", 1 },
	{ "done-only", 0, "", 1 },
	{ "surrogates", 0, "par \xf0\x9f\x98\x80 s\xc3\xb3 " BAD " alta" BAD,
	    1 },
	{ "eof", CUT, WHOLE, 1 }, { "eof-comments", CUT, "", 2 },
	{ "empty", CUT, "", 2 },
	{ "error-line", FAILURE_PROMPT_TOO_LONG, "", 1 },
	{ "error-line-nested", FAILURE_PROMPT_TOO_LONG, "", 1 },
	{ "error-line-behind-text", ERROR, WHOLE, 1 },
	{ "error-line-words", ERROR, "Reinicie a", 1 },
	{ "error-in-data", ERROR, WHOLE, 1 },
	{ "error-string", ERROR, WHOLE, 1 },
	{ "error-object", ERROR, WHOLE, 1 },
	{ "error-detail", ERROR, "Reinicie a", 1 },
	{ "error-first", ERROR, "", 1 },
	{ "error-code", FAILURE_PROMPT_TOO_LONG, "", 1 },
	{ "error-vllm", FAILURE_PROMPT_TOO_LONG, "", 1 },
	{ "error-json-line", ERROR, "", 1 },
	{ "garbage", INVALID, "Reinicie a", 1 },
	{ "cut-json", INVALID, "Reinicie a", 1 },
	{ "cut-json-at-the-end", INVALID, WHOLE, 1 },
	{ "array", INVALID, "Reinicie a", 1 }, { "html", INVALID, "", 1 },
	{ "ollama", INVALID, "", 1 },
	{ "content-number", INVALID, "Reinicie a", 1 },
	{ "choices-object", INVALID, "Reinicie a", 1 },
	{ "no-fields", INVALID, "Reinicie a", 1 },
};
#define EVENTS	(sizeof(events) / sizeof(events[0]))

static char *
events_read(const char *name, size_t *len)
{
	char	path[128];

	(void)snprintf(path, sizeof(path), "tests/openai/%s.sse", name);
	return t_read_source(path, len);
}

static void
events_play(const struct script *s, const char *data, size_t len, long cut)
{
	row("%s cut %ld", s->file, cut);
	begin("http://h/v1", "m");
	check_str(post_call->url, "http://h/v1/chat/completions");
	do {
		answer(data, len, cut, HTTP_COMPLETE);
	} while (retries());
	check_int(u.phase, UPSTREAM_ENDED);
	check_int(u.failure.code, s->code);
	check_int(posts, s->posts);
	check_mem(shown.data, shown.len, s->text, strlen(s->text));
	check_int(strchr(states, 't') != NULL, strstr(s->file, "reasoning") !=
	    NULL || strstr(s->file, "think") != NULL ||
	    strstr(s->file, "thoughts") != NULL);
	if (s->code == 0)
		check_str(u.cost.done_reason, strcmp(s->file,
		    "content-filter") == 0 ? "content_filter" :
		    strcmp(s->file, "length") == 0 ||
		    strcmp(s->file, "thoughts-only") == 0 ? "length" : "stop");
	done();
}

static void
openai_events(void)
{
	char	*data;
	size_t	 i, len, cut;

	for (i = 0; i < EVENTS; i++) {
		data = events_read(events[i].file, &len);
		for (cut = 0; cut < len; cut += len > 1500 ? 7 : 1)
			events_play(&events[i], data, len, (long)cut);
		events_play(&events[i], data, len, -1);
		events_play(&events[i], data, len, -100);
		free(data);
	}
}

/*
 * Cut anywhere, what was shown is a beginning of the text; only a stream that
 * ends well, behind a finish_reason or [DONE], is an answer, and then a whole
 * one.
 */
static void
openai_cut(void)
{
	static const enum http_end	how[] = { HTTP_COMPLETE, HTTP_BROKEN };
	char				*data, *at;
	size_t				 i, h, len, cut, done_at, end_at;

	for (i = 0; i < EVENTS; i++) {
		data = events_read(events[i].file, &len);
		at = memmem(data, len, "data: [DONE]", 12);
		done_at = at == NULL ? SIZE_MAX : (size_t)(at - data) + 12;
		at = memmem(data, len, "\"finish_reason\":\"", 17);
		end_at = at == NULL ? SIZE_MAX : (size_t)(at - data);
		for (cut = 0; cut < len * 2; cut += len > 1500 ? 6 : 2) {
			h = cut % 4 / 2;
			row("%s at %zu of %zu, %zu", events[i].file, cut / 2,
			    len, h);
			begin("http://h/v1", "m");
			answer(data, cut / 2, 0, how[h]);
			if (u.phase == UPSTREAM_PAUSE)
				upstream_cancel(&u, CUT, NULL);
			check_int(u.phase, UPSTREAM_ENDED);
			check(shown.len <= strlen(events[i].text) &&
			    memcmp(shown.data == NULL ? "" : shown.data,
			    events[i].text, shown.len) == 0);
			if (u.failure.code == FAILURE_NONE) {
				check(cut / 2 >= done_at ||
				    (h == 0 && cut / 2 > end_at));
				check_int(shown.len, strlen(events[i].text));
			}
			done();
		}
		free(data);
	}
}

/* Recordings of two real servers. */
static void
openai_recordings(void)
{
	static const struct {
		const char		*file;
		enum failure_code	 code;
		const char		*begins, *reason;
		int64_t			 tokens;
	} rows[] = {
		{ "openai-stream", 0, "The term \"printer jam\" refers to",
		    "length", -1 },
		{ "openai-single", 0, "The Prank. A classic joke that has "
		    "been passed down", "length", 12 },
		{ "llamacpp-stream", 0, "Fixing the problem with a printer.",
		    "stop", 0 },
		{ "llamacpp-too-long", CUT, "", "", 0 },
	};
	char	path[128], *text, *body;
	size_t	i, len, n;
	long	cut;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(path, sizeof(path),
		    "tests/openai/%s.response.http", rows[i].file);
		text = t_read_source(path, &len);
		if ((body = strstr(text, "\r\n\r\n")) == NULL)
			t_die(path);
		body += 4;
		n = len - (size_t)(body - text);
		for (cut = -1; cut > -200; cut -= 33) {
			row("%s %ld", rows[i].file, cut);
			begin("http://h/v1/chat/completions", "m");
			do {
				answer(body, n, cut, HTTP_COMPLETE);
			} while (retries());
			check_int(u.failure.code, rows[i].code);
			check_mem(shown.data, shown.len < strlen(
			    rows[i].begins) ? shown.len : strlen(
			    rows[i].begins), rows[i].begins,
			    strlen(rows[i].begins));
			check_str(u.cost.done_reason, rows[i].reason);
			if (rows[i].tokens >= 0)
				check_int(u.cost.answer_tokens,
				    rows[i].tokens);
			else
				check(u.cost.answer_tokens > 0 &&
				    u.cost.prompt_tokens > 0);
			done();
		}
		free(text);
	}
}

static void
refuse(long status, const char *body)
{
	give(post_call, status, body, strlen(body));
	end(post_call, HTTP_COMPLETE, status);
	step(1);
}

static const char	events_good[] = "data: {\"choices\":[{\"delta\":"
			    "{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}"
			    "\n\ndata: {\"choices\":[],\"usage\":{"
			    "\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n"
			    "data: [DONE]\n\n";

/* A refusal that names a field: once more without it, and never with it. */
static void
openai_refused(void)
{
	static const char	tokens[] = "{\"error\":{\"message\":"
		    "\"Unsupported parameter: 'max_tokens' is not supported "
		    "with this model. Use 'max_completion_tokens' instead.\","
		    "\"type\":\"invalid_request_error\"}}";
	static const char	options[] = "{\"detail\":[{\"loc\":[\"body\","
		    "\"stream_options\"],\"msg\":\"extra fields not "
		    "permitted\"}]}";
	static const char	system[] = "{\"object\":\"error\",\"message\":"
		    "\"System role not supported\"}";
	static const char	large[] = "{\"message\":\"'max_tokens' or "
		    "'max_completion_tokens' is too large: 8192. This model's "
		    "maximum context length is 4096 tokens and your request "
		    "has 300 input tokens\"}";
	const char	*first;

	begin("http://h/v1", "m");
	u.memory = ".";
	check(strstr(post_call->body, "\"max_tokens\":1024") != NULL);
	check(strstr(post_call->body, "\"role\":\"system\"") != NULL);
	refuse(400, tokens);
	check_int(posts, 2);
	check(strstr(post_call->body, "\"max_completion_tokens\":1024") !=
	    NULL && strstr(post_call->body, "\"max_tokens\"") == NULL);
	refuse(422, options);
	check_int(posts, 3);
	check(strstr(post_call->body, "stream_options") == NULL);
	refuse(400, system);
	check_int(posts, 4);
	check(strstr(post_call->body, "\"role\":\"system\"") == NULL);
	check((first = strstr(post_call->body, "\"role\":\"user\"")) != NULL &&
	    strstr(first, "my ticket") != NULL);
	check_str(states, "");
	answer(events_good, sizeof(events_good) - 1, 0, HTTP_COMPLETE);
	check_int(u.failure.code, FAILURE_NONE);
	check_int(u.cost.prompt_tokens, 3);
	check_int(u.cost.answer_tokens, 1);
	check_str(u.cost.done_reason, "stop");
	done();
	row("named again: the same refusal is no reason for a third try");
	begin("http://h/v1", "m");
	refuse(400, tokens);
	refuse(400, tokens);
	check_int(posts, 2);
	check_int(u.failure.code, FAILURE_UPSTREAM_REJECTED);
	done();
	row("the limit is too large for this prompt: once without it");
	begin("http://h/v1", "m");
	u.memory = ".";
	refuse(400, large);
	check_int(posts, 2);
	check(strstr(post_call->body, "_tokens\"") == NULL);
	answer(events_good, sizeof(events_good) - 1, 0, HTTP_COMPLETE);
	check_int(u.failure.code, FAILURE_NONE);
	check_int(recall_read(".", url_key(u.server.text, u.server.base)) &
	    OPENAI_NO_LIMIT, 0);
	done();
	begin("http://h/v1", "m");
	refuse(400, large);
	refuse(400, large);
	check_int(posts, 2);
	check_int(u.failure.code, FAILURE_PROMPT_TOO_LONG);
	done();
	row("Ollama's API is asked as before");
	begin("http://h/api/chat", "m");
	refuse(400, tokens);
	check_int(posts, 1);
	check_int(u.failure.code, FAILURE_UPSTREAM_REJECTED);
	done();
}

/* What of a refusal reaches the log, and whether it is worth a retry. */
static void
openai_refused_words(void)
{
	int	i;

	row("a refusal that quotes the request: the log does not");
	begin("http://h/v1", "m");
	refuse(422, "{\"detail\":[{\"loc\":[\"body\",\"seed\"],\"msg\":"
	    "\"bad int\",\"input\":\"[[0123456789abcdef]]\\nmy ticket\"}]}");
	check_str(u.reason, "HTTP 422 body seed bad int");
	done();
	begin("http://h/v1", "m");
	refuse(400, "{\"message\":\"[{'loc': 'x', 'input': 'my ticket'}]\"}");
	check_str(u.reason, "HTTP 400 [{'loc': 'x', ");
	done();
	begin("http://h/v1", "m");
	refuse(400, "<html>my ticket");
	check_str(u.reason, "HTTP 400 ");
	done();
	row("a server that wants a longer pause than ours is left alone");
	for (i = 0; i < 4; i++) {
		begin(i % 2 == 0 ? "http://h/v1" : "http://h/api/chat", "m");
		post_call->retry_after = i < 2 ? 2 : 1;
		refuse(429, "{\"error\":\"slow down\"}");
		check_int(u.failure.code, FAILURE_UPSTREAM_BUSY);
		check_int(u.failure.retry_after, i < 2 ? 2 : 1);
		check_int(u.phase, i < 2 ? UPSTREAM_ENDED : UPSTREAM_PAUSE);
		upstream_cancel(&u, FAILURE_STOPPED, NULL);
		done();
	}
}

/* What is remembered is of one server, and only of one that then answered. */
static void
openai_remembered(void)
{
	static const char	tokens[] = "{\"error\":\"max_tokens?\"}";
	static const char	*const server[] = { "http://a/v1",
				    "http://a/v1", "http://b/v1",
				    "http://a/v1" };
	struct url		url;
	const char		*list;
	size_t			 i;

	for (i = 0; i < 4; i++) {
		row("%zu", i);
		begin(server[i], "m");
		upstream_cancel(&u, FAILURE_STOPPED, NULL);
		upstream_free(&u);
		memset(&u, 0, sizeof(u));
		u.memory = ".";
		u.context = &shown;
		u.on_text = on_text;
		u.on_state = on_state;
		posts = 0;
		u.prompt.system = strdup("");
		check_int(prompt_ticket(&u.prompt, "t", 1, NULL, 0), 0);
		upstream_begin(&u, &settings, &http, now);
		list = settings.text[SETTING_OLLAMA_SERVER];
		check(url_next(&list, &url));
		upstream_ask(&u, &url, false, now);
		check_int(strstr(post_call->body, "max_completion_tokens") !=
		    NULL, i == 3);
		if (i != 3)
			refuse(400, tokens);
		check_int(posts, i == 3 ? 1 : 2);
		/* The first one is stopped, and has learnt nothing. */
		if (i == 0 || i == 2)
			upstream_cancel(&u, FAILURE_STOPPED, NULL);
		else
			answer(events_good, sizeof(events_good) - 1, 0,
			    HTTP_COMPLETE);
		check_int(u.failure.code, i % 2 == 0 ? FAILURE_STOPPED :
		    FAILURE_NONE);
		done();
	}
}

static const char	loading_503[] = "{\"error\":{\"code\":503,"
			    "\"message\":\"Loading model\",\"type\":"
			    "\"unavailable_error\"}}";

/* A server that loads its model is waited for, FIRST_TOKEN_TIMEOUT at most. */
static void
openai_loading(void)
{
	const int64_t	s = 1000000;
	int64_t		begun;
	int		i;

	begin("http://h/v1", "m");
	for (i = 0; i < 100; i++) {
		refuse(503, loading_503);
		check_int(u.phase, UPSTREAM_PAUSE);
		check_str(states, "l");
		step(upstream_deadline(&u) - now - 1);
		check_int(u.phase, UPSTREAM_PAUSE);
		step(1);
		check_int(posts, i + 2);
	}
	answer(events_good, sizeof(events_good) - 1, 0, HTTP_COMPLETE);
	check_int(u.failure.code, FAILURE_NONE);
	check_str(states, "lg");
	done();
	row("for too long");
	begin("http://h/v1", "m");
	begun = u.posted;
	for (i = 0; i < 2000 && u.phase != UPSTREAM_ENDED; i++) {
		if (u.phase == UPSTREAM_ANSWER)
			refuse(503, loading_503);
		step(upstream_deadline(&u) - now);
	}
	check_int(u.failure.code, FAILURE_UPSTREAM_TIMEOUT);
	check_str(u.failure.detail, "FIRST_TOKEN_TIMEOUT");
	check(now - begun >= 600 * s && now - begun < 602 * s);
	done();
	row("stopped meanwhile");
	begin("http://h/v1", "m");
	refuse(503, loading_503);
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	check_int(u.failure.code, FAILURE_STOPPED);
	done();
	row("before the model is known");
	begin("http://h/v1", "");
	check_str(get_call->url, "http://h/v1/models");
	give(get_call, 503, loading_503, strlen(loading_503));
	end(get_call, HTTP_COMPLETE, 503);
	step(1);
	check_int(u.phase, UPSTREAM_PAUSE);
	step(upstream_deadline(&u) - now);
	list("{\"data\":[{\"id\":\"/m.gguf\"}]}");
	end(get_call, HTTP_COMPLETE, 200);
	step(1);
	check(strncmp(post_call->body, "{\"model\":\"/m.gguf\",", 19) == 0);
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	done();
	row("another server does not wait");
	begin("http://h/v1 http://i/v1", "m");
	refuse(503, loading_503);
	check_int(u.phase, UPSTREAM_SERVER);
	ask_next();
	check_str(post_call->url, "http://i/v1/chat/completions");
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	done();
	row("503 for another reason, and Ollama's: busy");
	begin("http://h/v1", "m");
	refuse(503, "{\"error\":{\"message\":\"no slot\"}}");
	check(retries());
	check_str(states, "");
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	done();
	begin("http://h/api/chat", "m");
	refuse(503, loading_503);
	check(retries());
	check_str(states, "");
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	done();
}

/* The timers, the silent server, threads, and mixed lists. */
static void
openai_life(void)
{
	const int64_t	s = 1000000;

	row("nothing is asked about a silent server");
	begin("http://h/v1", "m");
	check_int(upstream_deadline(&u), now + 500000);
	step(500000);
	check_str(states, "g");
	check_int(gets, 0);
	row("comments and the role are no first token");
	say(": ping\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\","
	    "\"content\":\"\"},\"finish_reason\":null}]}\n\n");
	check(!u.lines);
	check_int(upstream_deadline(&u), u.posted + 600 * s);
	say("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
	now = u.last;
	check_int(upstream_deadline(&u), now + 120 * s);
	step(120 * s);
	check_str(u.failure.detail, "STALL_TIMEOUT");
	done();
	row("a thread that is too long");
	turns = 8;
	begin("http://h/v1", "m");
	refuse(400, "{\"error\":{\"code\":400,\"message\":\"x\",\"type\":"
	    "\"exceed_context_size_error\"}}");
	check_int(posts, 2);
	check(u.turns_left_out > 0);
	answer(events_good, sizeof(events_good) - 1, 0, HTTP_COMPLETE);
	check_int(u.failure.code, FAILURE_NONE);
	done();
	turns = -1;
	row("a mixed list");
	begin("http://a/api/generate http://b/v1 http://c", "m");
	end(post_call, HTTP_UNREACHABLE, 0);
	step(1);
	ask_next();
	check_str(post_call->url, "http://b/v1/chat/completions");
	refuse(404, "{\"error\":{\"message\":\"The model `m` does not "
	    "exist.\",\"code\":404}}");
	ask_next();
	check_str(post_call->url, "http://c/api/chat");
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	done();
}

/* A bearer is for the server in front of it, or for the first host. */
static void
openai_tokens(void)
{
	static const struct {
		const char	*servers;
		const char	*tokens[3];
	} rows[] = {
		{ "http://a http://b", { "one", NULL } },
		{ "http://a http://a/x/v1 http://a:81/v1",
		    { "one", "one", NULL } },
		{ "http://a http://b/v1 token=two http://c",
		    { "one", "two", NULL } },
		{ "http://a token=two http://a/x/v1 http://b token=one",
		    { "two", "one", "one" } },
		{ "https://a/v1 http://a/v1", { "one", NULL } },
		{ "http://[::1]/v1 http://[0::1]:80/x/v1", { "one", "one" } },
	};
	size_t	i, k;

	t_write("one", "one\n", 4);
	t_write("two", "two", 3);
	check(chmod("one", 0600) == 0 && chmod("two", 0600) == 0);
	(void)setenv("OLLAMA_TOKEN_FILE", "one", 1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(rows[i].servers, "m");
		for (k = 0; u.phase == UPSTREAM_ANSWER; k++) {
			row("%zu %zu", i, k);
			check_str(post_call->token == NULL ? "" :
			    post_call->token, rows[i].tokens[k] == NULL ? "" :
			    rows[i].tokens[k]);
			end(post_call, HTTP_UNREACHABLE, 0);
			step(1);
			ask_next();
		}
		check(k >= 2);
		done();
	}
	row("a file that cannot be read: the next server");
	begin("http://a/v1 token=none http://b", "m");
	check_int(u.phase, UPSTREAM_SERVER);
	check_str(u.reason, "token=none: No such file or directory");
	ask_next();
	check(post_call->token == NULL);
	upstream_cancel(&u, FAILURE_STOPPED, NULL);
	done();
	(void)unsetenv("OLLAMA_TOKEN_FILE");
}

/* What the probe says of a server that speaks OpenAI's dialect. */
static void
openai_probes(void)
{
	static const struct {
		const char		*model;
		long			 status;
		const char		*body;
		enum failure_code	 code;
		const char		*chosen;
		int64_t			 context, most;
	} rows[] = {
		{ "", 200, "{\"data\":[{\"id\":\"a\",\"max_model_len\":4096},"
		    "{\"id\":\"b\"}]}", 0, "a", 4096, 0 },
		{ "b", 200, "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\","
		    "\"context_length\":9}]}", 0, "b", 0, 9 },
		{ "smollm2", 200, "{\"data\":[{\"id\":\"smollm2:latest\"}]}",
		    0, "smollm2", 0, 0 },
		{ "x", 200, "{\"data\":[{\"id\":\"/models/m.gguf\",\"meta\":{"
		    "\"n_ctx\":512,\"n_ctx_train\":2048}}]}", 0, "x", 512,
		    2048 },
		{ "x", 200, "{\"data\":[{\"id\":\"a\"}]}",
		    FAILURE_MODEL_MISSING, "x", 0, 0 },
		{ "", 200, "{\"data\":[]}", FAILURE_MODEL_MISSING, "", 0, 0 },
		{ "", 200, "{\"data\":[{\"id\":5},{\"id\":\"\"},{\"id\":"
		    "\"gpt:cloud\"},{\"id\":\"c\"}]}", 0, "c", 0, 0 },
		{ "m", 200, "{\"models\":[]}", INVALID, "", 0, 0 },
		{ "m", 200, "<html>", INVALID, "", 0, 0 },
		{ "m", 401, "{\"error\":{\"message\":\"no key\"}}",
		    FAILURE_UPSTREAM_REJECTED, "", 0, 0 },
		{ "m", 404, "{\"detail\":\"Not Found\"}",
		    FAILURE_UPSTREAM_REJECTED, "", 0, 0 },
	};
	struct probe	 p;
	struct url	 server;
	const char	*text;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		(void)setenv("OLLAMA_SERVER", "http://h/v1", 1);
		(void)setenv("OLLAMA_MODEL", rows[i].model, 1);
		check_int(settings_load(&settings, NULL, 0), 0);
		probe_end = HTTP_COMPLETE;
		probe_status = rows[i].status;
		probe_body = rows[i].body;
		text = settings.text[SETTING_OLLAMA_SERVER];
		check(url_next(&text, &server));
		probe_model(&p, &settings, &http, &server);
		check_int(p.failure.code, rows[i].code);
		check_str(p.model, rows[i].chosen);
		check_int(p.context, rows[i].context);
		check_int(p.context_max, rows[i].most);
		check_int(p.note[0] != '\0', rows[i].code == 0);
		check_int(p.advice[0] != '\0', rows[i].code != 0);
		settings_free(&settings);
	}
}

int
main(void)
{
	t_begin();
	run(scripts);
	run(odd_scripts);
	run(recordings);
	run(ends);
	run(ends_for_a_reason);
	run(timers);
	run(loading);
	run(repeats);
	run(threads);
	run(elsewhere);
	run(model);
	run(requests);
	run(probes);
	run(several);
	run(several_more);
	run(openai_events);
	run(openai_cut);
	run(openai_recordings);
	run(openai_refused);
	run(openai_refused_words);
	run(openai_remembered);
	run(openai_loading);
	run(openai_life);
	run(openai_tokens);
	run(openai_probes);
	return t_end();
}
