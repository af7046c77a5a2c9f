/*
 * Recordings: NAME.http is an HTTP answer, byte for byte (of events, which were
 * recorded without their chunks, each line becomes one); NAME.sse holds events,
 * each line of which becomes a chunk; any other file holds lines of NDJSON,
 * each of which becomes a chunk, or an event for /v1.
 */
#include <stdlib.h>
#include <string.h>

#include "replay.h"

struct member {				/* a member of an object, as it is
					   written */
	const char	*key, *val;	/* the key with its quotes */
	size_t		 klen, vlen;
};

/* Finds the comma or closing bracket after the value at p; NULL: none. */
static const char *
value_end(const char *p, const char *end)
{
	int	depth = 0;

	for (; p < end; p++) {
		if (*p == '"') {
			for (p++; p < end && *p != '"'; p++)
				if (*p == '\\' && p + 1 < end)
					p++;
		} else if (*p == '{' || *p == '[')
			depth++;
		else if (depth == 0 && (*p == ',' || *p == '}' || *p == ']'))
			return p;
		else if (*p == '}' || *p == ']')
			depth--;
	}
	return NULL;
}

/* Reads the member at p. Returns what follows it, NULL if there is none. */
static const char *
member(struct member *m, const char *p, const char *end)
{
	p += strspn(p, " \t");
	m->key = p;
	if (p >= end || *p != '"' ||
	    (p = memchr(p + 1, '"', (size_t)(end - p - 1))) == NULL)
		return NULL;
	m->klen = (size_t)(p + 1 - m->key);
	p += 1 + strspn(p + 1, " \t");
	if (p >= end || *p != ':')
		return NULL;
	m->val = p + 1 + strspn(p + 1, " \t");
	if ((p = value_end(m->val, end)) != NULL)
		m->vlen = (size_t)(p - m->val);
	return p;
}

static bool
is(const struct member *m, const char *key)
{
	return m->klen == strlen(key) && memcmp(m->key, key, m->klen) == 0;
}

static void
put_context(FILE *f, long long n)
{
	long long	i;

	for (i = 0; i < n; i++)
		fprintf(f, "%s%lld", i == 0 ? ",\"context\":[" : ",",
		    100000 + i * 7919 % 900000);
	fputc(']', f);
}

/*
 * Writes a line in the form of /api/chat: "message" in place of "response" and
 * "thinking", no "context"; or with another context.  Copies what is not an
 * object.
 */
static void
put_line(FILE *f, const char *line, const char *end, bool chat,
    long long context)
{
	struct member	 m, say = { NULL, "\"\"", 0, 2 }, think = { 0 };
	const char	*start = line + strspn(line, " \t"), *p = start;
	const char	*stop = NULL, *sep = "{";
	bool		 told = false;

	for (; (*p == '{' || *p == ',') &&
	    (p = member(&m, p + 1, end)) != NULL; stop = p) {
		if (is(&m, "\"response\""))
			say = m;
		else if (is(&m, "\"thinking\""))
			think = m;
	}
	if ((!chat && context <= 0) || stop == NULL || *stop != '}') {
		fwrite(line, 1, (size_t)(end - line), f);
		return;
	}
	for (p = start; (p = member(&m, p + 1, stop + 1)) != NULL; sep = ",") {
		if (chat && (is(&m, "\"response\"") ||
		    is(&m, "\"thinking\""))) {
			if (told)
				continue;
			told = true;
			fprintf(f, "%s\"message\":{\"role\":\"assistant\","
			    "\"content\":", sep);
			fwrite(say.val, 1, say.vlen, f);
			if (think.vlen > 0)
				fprintf(f, ",\"thinking\":%.*s",
				    (int)think.vlen, think.val);
			fputc('}', f);
		} else if (!is(&m, "\"context\"")) {
			fputs(sep, f);
			fwrite(m.key, 1, (size_t)(m.val - m.key) + m.vlen, f);
			if (!chat && is(&m, "\"done\"") && *m.val == 't')
				put_context(f, context);
		}
	}
	fwrite(stop, 1, (size_t)(end - stop), f);
}

/*
 * Writes a line as events of OpenAI's: the text, and what ends it.  Copies what
 * is not an object.
 */
static void
put_events(FILE *f, const char *line, const char *end)
{
	struct member	 m, say = { NULL, "\"\"", 0, 2 }, think = { 0 };
	struct member	 reason = { NULL, "\"stop\"", 0, 6 };
	struct member	 in = { NULL, "0", 0, 1 }, out = in;
	const char	*p = line + strspn(line, " \t"), *stop = NULL;
	bool		 error = false, done = false;

	for (; (*p == '{' || *p == ',') &&
	    (p = member(&m, p + 1, end)) != NULL; stop = p) {
		if (is(&m, "\"response\""))
			say = m;
		else if (is(&m, "\"thinking\""))
			think = m;
		else if (is(&m, "\"done_reason\""))
			reason = m;
		else if (is(&m, "\"prompt_eval_count\""))
			in = m;
		else if (is(&m, "\"eval_count\""))
			out = m;
		else if (is(&m, "\"error\""))
			error = true;
		else if (is(&m, "\"done\""))
			done = *m.val == 't';
	}
	if (stop == NULL || *stop != '}') {
		fwrite(line, 1, (size_t)(end - line), f);
		return;
	}
	if (error) {
		fprintf(f, "data: %.*s\n\n", (int)(stop + 1 - line), line);
		return;
	}
	fprintf(f, "data: {\"object\":\"chat.completion.chunk\",\"choices\":"
	    "[{\"index\":0,\"delta\":{\"content\":%.*s", (int)say.vlen,
	    say.val);
	if (think.vlen > 0)
		fprintf(f, ",\"reasoning_content\":%.*s", (int)think.vlen,
		    think.val);
	fputs("},\"finish_reason\":null}]}\n\n", f);
	if (done)
		fprintf(f, "data: {\"choices\":[{\"index\":0,\"delta\":{},"
		    "\"finish_reason\":%.*s}]}\n\ndata: {\"choices\":[],"
		    "\"usage\":{\"prompt_tokens\":%.*s,"
		    "\"completion_tokens\":%.*s}}\n\ndata: [DONE]\n\n",
		    (int)reason.vlen, reason.val, (int)in.vlen, in.val,
		    (int)out.vlen, out.val);
}

static void
put_chunk(FILE *f, const char *line, size_t len, enum api api,
    long long context)
{
	struct text	 t;
	FILE		*to = memory(&t);

	if (api == OPENAI)
		put_events(to, line, line + len);
	else
		put_line(to, line, line + len, api == CHAT, context);
	fclose(to);
	fprintf(f, "%zx\r\n", t.len);
	fwrite(t.p, 1, t.len, f);
	fputs("\r\n", f);
	free(t.p);
}

static void
put_head(FILE *f, enum api api)
{
	fprintf(f, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", api == OPENAI ?
	    "text/event-stream" : "application/x-ndjson");
}

/* Makes each line of events a chunk, as it is. */
static struct text
as_events(const char *p, const char *end)
{
	struct text	 a;
	const char	*nl;
	FILE		*f = memory(&a);
	size_t		 n;

	put_head(f, OPENAI);
	for (; p < end; p += n) {
		nl = memchr(p, '\n', (size_t)(end - p));
		n = (size_t)(nl == NULL ? end - p : nl + 1 - p);
		fprintf(f, "%zx\r\n", n);
		fwrite(p, 1, n, f);
		fputs("\r\n", f);
	}
	fputs("0\r\n\r\n", f);
	fclose(f);
	return a;
}

struct text
recording_lines(const struct text *lines, enum api api, long long context)
{
	struct text	 a;
	const char	*p = lines->p, *end = p + lines->len, *nl;
	FILE		*f = memory(&a);
	size_t		 n;

	put_head(f, api);
	for (; p < end; p += n) {
		nl = memchr(p, '\n', (size_t)(end - p));
		n = (size_t)(nl == NULL ? end - p : nl + 1 - p);
		put_chunk(f, p, n, api, context);
	}
	fputs("0\r\n\r\n", f);
	fclose(f);
	return a;
}

bool
recording_chunk(const char **p, const char *end, const char **data, size_t *n)
{
	char	*q;

	*n = strtoul(*p, &q, 16);
	if (*n == 0 || q + 2 > end || memcmp(q, "\r\n", 2) != 0 ||
	    *n > (size_t)(end - q - 2) || (size_t)(end - q - 2) - *n < 2)
		return false;
	*data = q + 2;
	*p = *data + *n + 2;
	return true;
}

/* Converts an answer recorded from /api/generate to /api/chat. */
static struct text
as_chat(const struct text *recorded)
{
	struct text	 a;
	const char	*p = strstr(recorded->p, "\r\n\r\n") + 4, *line;
	const char	*end = recorded->p + recorded->len;
	FILE		*f = memory(&a);
	size_t		 n;

	put_head(f, CHAT);
	if (strstr(recorded->p, "\r\nContent-Length:") != NULL) {
		put_chunk(f, p, (size_t)(end - p), CHAT, 0);
		p = "0\r\n\r\n";
	} else {	/* one line per chunk; the last may be incomplete */
		while (recording_chunk(&p, end, &line, &n))
			put_chunk(f, line, n, CHAT, 0);
		p = *p == '0' ? p : "";
	}
	fputs(p, f);
	fclose(f);
	return a;
}

struct text
recording_file(const char *name, enum api api, long long context)
{
	struct text	 t = load(name), a;
	const char	*dot = strrchr(name, '.'), *body;

	body = strstr(t.p, "\r\n\r\n");
	if (dot != NULL && strcmp(dot, ".sse") == 0)
		a = as_events(t.p, t.p + t.len);
	else if (dot == NULL || strcmp(dot, ".http") != 0)
		a = recording_lines(&t, api, context);
	else if (strncmp(t.p, "HTTP/1.1 200 ", 13) == 0 && body != NULL &&
	    strcasestr(t.p, "Content-Type: text/event-stream") != NULL)
		a = as_events(body + 4, t.p + t.len);
	else if (api == CHAT && strncmp(t.p, "HTTP/1.1 200 ", 13) == 0)
		a = as_chat(&t);
	else
		return t;
	free(t.p);
	return a;
}
