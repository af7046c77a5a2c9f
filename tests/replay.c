/*
 * replay: a played-back Ollama, for the tests and for ./run.sh --demo.
 *
 *	replay [options] FILE		every answer is FILE
 *	replay [options] --demo DIR	answers are DIR/TOPIC.LANG.txt
 *
 * It listens on 127.0.0.1, prints its port on a line of its own and serves
 * each connection in a child.  SIGTERM or SIGINT ends it and its children.
 *
 * POST /api/generate is answered with FILE: NAME.http is a recorded HTTP
 * answer, sent byte for byte; anything else holds NDJSON lines, sent as
 * HTTP 200, a chunk a line.  POST /api/chat gets the same lines in the form
 * of chat ("message" in place of "response" and "thinking", no "context");
 * a recording whose status is not 200 goes out as it is.  The request is not
 * looked at, but by --demo: the words of the ticket choose topic and language.
 * GET of /, /api/tags, /api/ps and /api/version is answered at once.
 *
 * The options are the table below, which --help prints.  Where bytes of the
 * answer are counted, its head counts.  Without --pace the answer is written
 * in one go, or in the pieces of --split.  --log appends lines, each with one
 * write; N is the number of the POST, from 1:
 *
 *	request N POST PATH BYTES	read, and its body written
 *	sent N		all of the answer that matters is written
 *	gone N		the client closed before, be it in a pause or a stall
 *	cut N, stall N	--cut has closed it, --stall begins
 *	get PATH	one of the small calls, or no such page
 *	bad		no request that it could read: connection closed
 *
 * Exit codes: 0 after --help, 100 usage or unreadable file, 111 system.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX	((size_t)64 << 10)	/* of a request */
#define BODY_MAX	((size_t)64 << 20)
#define YIELD_US	40	/* time for the client to take a piece */

enum opt {
	O_PORT, O_DEMO, O_LOG, O_BODIES, O_TAGS, O_PS, O_DELAY, O_PACE,
	O_SPLIT, O_CONTEXT, O_CUT, O_RESET, O_STALL, O_TIMES, O_THEN, O_DIE,
	O_HELP, O__MAX
};

static struct {
	const char	*name, *arg, *help;
	long long	 n;		/* -1: not given */
	const char	*s;
} opt[O__MAX] = {
	[O_PORT] = { "port", "PORT", "(-p) listen there; 0: a free one", 0, 0 },
	[O_DEMO] = { "demo", "DIR", "text files to answer from", 0, NULL },
	[O_LOG] = { "log", "FILE", "append what happens", -1, NULL },
	[O_BODIES] = { "bodies", "DIR", "Nth POST's body to DIR/N.json", 0, 0 },
	[O_TAGS] = { "tags", "FILE", "NAME.http for GET /api/tags", 0, NULL },
	[O_PS] = { "ps", "FILE", "NAME.http for GET /api/ps", 0, NULL },
	[O_DELAY] = { "delay", "MS", "before byte 1; demo: 600", -1, 0 },
	[O_PACE] = { "pace", "MS", "between chunks; demo: some 45", -1, 0 },
	[O_SPLIT] = { "split", "N", "write pieces of N bytes", -1, NULL },
	[O_CONTEXT] = { "context", "N", "a context of N integers, 7 bytes each,"
	    " in the done line; not in chat, not in NAME.http", -1, NULL },
	[O_CUT] = { "cut", "N", "close after N bytes of the answer", -1, NULL },
	[O_RESET] = { "reset", NULL, "close with RST, not FIN", -1, NULL },
	[O_STALL] = { "stall", "N", "after N bytes only keep it open", -1, 0 },
	[O_TIMES] = { "times", "N", "only the first N POSTs get FILE", -1, 0 },
	[O_THEN] = { "then", "FILE2", "and the later ones FILE2, without"
	    " delay, cut, reset and stall", 0, NULL },
	[O_DIE] = { "die-with-parent", NULL, "end with its parent", -1, 0 },
	[O_HELP] = { "help", NULL, "this", -1, NULL },
};

struct text {
	char	*p;			/* a NUL follows */
	size_t	 len;
};

struct member {				/* of an object, as it stands there */
	const char	*key, *val;	/* the key with its quotes */
	size_t		 klen, vlen;
};

struct request {
	char	*in;			/* read from the connection */
	size_t	 len, head, body;	/* read; of this request */
	char	 method[16], path[256];
	int	 last;			/* the client wants no other */
};

static const char	*file;		/* NULL with --demo */
static int		 log_fd = -1;
static atomic_uint	*posts;		/* shared by all children */

static FILE *
memory(struct text *t)
{
	FILE *f = open_memstream(&t->p, &t->len);

	if (f == NULL)
		err(111, NULL);
	return f;
}

static struct text
load(const char *name)
{
	struct text t;
	FILE *f = fopen(name, "re"), *to = memory(&t);
	int c;

	if (f == NULL)
		err(100, "%s", name);
	while ((c = getc(f)) != EOF)
		putc(c, to);
	if (ferror(f))
		err(100, "%s", name);
	fclose(f);
	fclose(to);
	return t;
}

/* The comma or closing bracket behind the value at p; NULL: none. */
static const char *
value_end(const char *p, const char *end)
{
	int depth = 0;

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

/* Read the member at p; return what stands behind it, NULL if none is. */
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

static int
is(const struct member *m, const char *key)
{
	return m->klen == strlen(key) && memcmp(m->key, key, m->klen) == 0;
}

static void
put_context(FILE *f)
{
	long long i;

	for (i = 0; i < opt[O_CONTEXT].n; i++)
		fprintf(f, "%s%lld", i == 0 ? ",\"context\":[" : ",",
		    100000 + i * 7919 % 900000);
	fputc(']', f);
}

/*
 * Write a line the way chat has it, or with a context.  What is no object
 * stays as it is, and so does what has no text.
 */
static void
put_line(FILE *f, const char *line, size_t len, int chat)
{
	struct member m, say = { NULL, "\"\"", 0, 2 }, think = { 0 };
	const char *end = line + len, *p, *stop = NULL, *sep = "{";
	int told = 0, context = !chat && opt[O_CONTEXT].n > 0;

	p = line + strspn(line, " \t");
	while ((*p == '{' || *p == ',') &&
	    (p = member(&m, p + 1, end)) != NULL) {
		stop = *p == '}' ? p : NULL;
		if (is(&m, "\"response\""))
			say = m;
		else if (is(&m, "\"thinking\""))
			think = m;
	}
	if (stop == NULL || (!chat && !context)) {
		fwrite(line, 1, len, f);
		return;
	}
	p = strchr(line, '{');
	while ((p = member(&m, p + 1, stop + 1)) != NULL) {
		if (chat && (is(&m, "\"response\"") ||
		    is(&m, "\"thinking\""))) {
			if (told++)
				continue;
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
			if (context && is(&m, "\"done\"") && *m.val == 't')
				put_context(f);
		} else
			continue;
		sep = ",";
	}
	fwrite(stop, 1, (size_t)(end - stop), f);
}

/* A whole HTTP answer of NDJSON; without its end if the lines break off. */
static struct text
answer_lines(const struct text *lines, int chat, int whole)
{
	struct text a, line;
	const char *p = lines->p, *end = p + lines->len, *nl;
	FILE *f = memory(&a), *g;
	size_t n;

	fputs("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", f);
	for (; p < end; p += n) {
		nl = memchr(p, '\n', (size_t)(end - p));
		n = (size_t)(nl == NULL ? end - p : nl + 1 - p);
		g = memory(&line);
		put_line(g, p, n, chat);
		fclose(g);
		fprintf(f, "%zx\r\n", line.len);
		fwrite(line.p, 1, line.len, f);
		fputs("\r\n", f);
		free(line.p);
	}
	if (whole)
		fputs("0\r\n\r\n", f);
	fclose(f);
	return a;
}

/* Step over the chunk at *p.  0: it is the last, or not whole, or none. */
static int
next_chunk(const char **p, const char *end, const char **data, size_t *n)
{
	char *q;

	*n = strtoul(*p, &q, 16);
	if (*n == 0 || q + 2 > end || memcmp(q, "\r\n", 2) != 0 ||
	    *n > (size_t)(end - q - 2) || (size_t)(end - q - 2) - *n < 2)
		return 0;
	*data = q + 2;
	*p = *data + *n + 2;
	return 1;
}

/*
 * Whether the answer's end shows, so that another may follow.  The chunks'
 * data go to lines, if not NULL; *enough bytes are all that a client waits for.
 */
static int
examine(const struct text *a, FILE *lines, size_t *enough)
{
	const char *end = a->p + a->len, *body = strstr(a->p, "\r\n\r\n");
	const char *p, *data, *length = strcasestr(a->p, "\r\nContent-Length:");
	size_t n;

	*enough = a->len;
	if (body == NULL)
		return 0;
	p = body += 4;
	if (length != NULL && length < body) {
		if (lines != NULL)
			fwrite(body, 1, (size_t)(end - body), lines);
		return strtoul(length + 17, NULL, 10) == (size_t)(end - body);
	}
	while (next_chunk(&p, end, &data, &n)) {
		if (lines != NULL)
			fwrite(data, 1, n, lines);
		*enough = (size_t)(data + n - a->p);
	}
	return strcmp(p, "0\r\n\r\n") == 0;
}

static struct text
answer_file(const char *name, int chat)
{
	struct text a = load(name), lines;
	size_t n = strlen(name), enough;
	int whole = 1, http = n > 5 && strcmp(name + n - 5, ".http") == 0;
	FILE *f = memory(&lines);

	if (http)
		whole = examine(&a, f, &enough);
	else
		fwrite(a.p, 1, a.len, f);
	fclose(f);
	if (!http || (chat && strncmp(a.p, "HTTP/1.1 200 ", 13) == 0)) {
		free(a.p);
		a = answer_lines(&lines, chat, whole);
	}
	free(lines.p);
	return a;
}

/* How often the expression is found in the text. */
static int
count(const char *text, const char *expression)
{
	regex_t re;
	regmatch_t at;
	int n = 0;

	if (regcomp(&re, expression, REG_EXTENDED | REG_ICASE) != 0)
		errx(111, "bad expression: %s", expression);
	for (; regexec(&re, text, 1, &at, 0) == 0; text += at.rm_eo)
		n++;
	regfree(&re);
	return n;
}

/* Choose a text by the ticket: the prompt, or the last message. */
static struct text
demo_text(const char *body, int chat)
{
	static const char *const topic[][2] = {
		{ "printer", "impress|imprim|print|toner|papel|paper|scan" },
		{ "password", "senha|password|log ?in|bloquead|locked" },
		{ "network", "\\brede|internet|wi-?fi|vpn|network|conex" },
		{ "other", "" },
	};
	static const char en[] = "\\b(the|my|is|not|and|you|in|an|won|can)"
	    "\\b|print|password";
	static const char pt[] = "\\b(de|que|minha|meu|um|uma|com|na|para|est)"
	    "\\b|impress|senha";
	const char *key = chat ? "\"content\":" : "\"prompt\":";
	const char *p = body, *at = body, *end;
	char name[4096], *text;
	size_t i = 0;

	while ((p = strstr(p, key)) != NULL && (chat || at == body))
		at = p += strlen(key);
	end = value_end(at, at + strlen(at));
	if ((text = strndup(at, end == NULL ? 0 : (size_t)(end - at))) == NULL)
		err(111, NULL);
	while (*topic[i][1] != '\0' && count(text, topic[i][1]) == 0)
		i++;
	snprintf(name, sizeof(name), "%s/%s.%s.txt", opt[O_DEMO].s, topic[i][0],
	    count(text, en) > count(text, pt) ? "en" : "pt");
	free(text);
	return load(name);
}

/* A word with the blank before it; the head of a long one; two short ones. */
static size_t
token_len(const char *s)
{
	size_t n = strspn(s, "\n");

	if (n > 0)
		return n;
	n = strspn(s, " ");
	n += strcspn(s + n, " \n");
	if (n > 10)
		for (n = 6; (s[n] & 0xc0) == 0x80; )
			n++;
	else if (n < 4 && s[n] == ' ')
		n += 1 + strcspn(s + n + 1, " \n");
	return n;
}

static void
put_token(FILE *f, const char *s, size_t n)
{
	time_t now = time(NULL);
	char stamp[32];

	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	fprintf(f, "{\"model\":\"demo\",\"created_at\":\"%s\",\"response\":\"",
	    stamp);
	for (; n > 0; n--, s++)
		if ((unsigned char)*s < ' ' || strchr("\"\\<>&", *s) != NULL)
			fprintf(f, "\\u%04x", (unsigned int)*s);
		else
			fputc(*s, f);
}

static struct text
answer_demo(const char *body, size_t len, int chat)
{
	struct text said = demo_text(body, chat), lines, a;
	FILE *f = memory(&lines);
	long long ns, first = opt[O_DELAY].n * 1000000 + 1, tokens = 0;
	const char *p;
	size_t n;

	while (said.len > 0 && said.p[said.len - 1] == '\n')
		said.p[--said.len] = '\0';
	for (p = said.p; *p != '\0'; p += n, tokens++) {
		put_token(f, p, n = token_len(p));
		fputs("\",\"done\":false}\n", f);
	}
	ns = tokens * opt[O_PACE].n * 1000000 + 1;
	put_token(f, "", 0);
	fprintf(f, "\",\"done\":true,\"done_reason\":\"stop\","
	    "\"total_duration\":%lld,\"load_duration\":61234567,"
	    "\"prompt_eval_count\":%zu,\"prompt_eval_duration\":%lld,"
	    "\"eval_count\":%lld,\"eval_duration\":%lld}\n",
	    first + ns + 61234567, len / 4 + 1, first, tokens, ns);
	fclose(f);
	a = answer_lines(&lines, chat, 1);
	free(said.p);
	free(lines.p);
	return a;
}

/* Wait; below 0, for ever.  1: the client has gone, or half of it. */
static int
gone_within(int fd, long long usec)
{
	struct pollfd pfd = { fd, POLLRDHUP, 0 };
	struct timespec ts = { usec / 1000000, usec % 1000000 * 1000 };

	return ppoll(&pfd, 1, usec < 0 ? NULL : &ts, NULL) > 0;
}

/* Send, in pieces with --split.  Return how much went before it was gone. */
static size_t
send_bytes(int fd, const char *p, size_t len)
{
	struct pollfd pfd = { fd, POLLOUT | POLLRDHUP, 0 };
	size_t split = opt[O_SPLIT].n > 0 ? (size_t)opt[O_SPLIT].n : len;
	size_t done = 0, want;
	ssize_t n;

	for (; done < len; done += n < 0 ? 0 : (size_t)n) {
		if (split < len && done > 0 && gone_within(fd, YIELD_US))
			break;
		want = len - done < split ? len - done : split;
		if (poll(&pfd, 1, -1) < 0 || (pfd.revents & ~POLLOUT) != 0)
			break;
		n = send(fd, p + done, want, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			break;
	}
	return done;
}

/* Send limit bytes, with a pause before every chunk but the first. */
static size_t
play(int fd, const struct text *a, size_t limit)
{
	const char *p = strstr(a->p, "\r\n\r\n"), *data;
	long long pace = opt[O_PACE].n;
	size_t done = 0, n, to;
	int first = 1;

	if (p != NULL && pace > 0)
		for (p += 4; (to = (size_t)(p - a->p)) < limit &&
		    next_chunk(&p, a->p + a->len, &data, &n); first = 0) {
			if (first)
				continue;
			done += send_bytes(fd, a->p + done, to - done);
			if (done < to || gone_within(fd, pace *
			    (file != NULL ? 1000 : 500 + random() % 1001)))
				return done;
		}
	return done + send_bytes(fd, a->p + done, limit - done);
}

/* Lower the limit to what --cut or --stall says. */
static void
lower(size_t *limit, enum opt o, const char **what)
{
	if (opt[o].n >= 0 && (size_t)opt[o].n < *limit) {
		*limit = (size_t)opt[o].n;
		*what = opt[o].name;
	}
}

/* Send the answer to the Nth POST.  1: the connection may go on. */
static int
perform(int fd, const struct text *a, unsigned int n, int faults)
{
	struct linger rst = { 1, 0 };
	size_t limit = a->len, enough, done = 0;
	int keep = examine(a, NULL, &enough);
	const char *what = "sent";

	if (faults) {
		lower(&limit, O_CUT, &what);
		lower(&limit, O_STALL, &what);
	}
	if ((faults && opt[O_DELAY].n > 0 &&
	    gone_within(fd, opt[O_DELAY].n * 1000)) ||
	    ((done = play(fd, a, limit)) < limit && done < enough))
		what = "gone";
	dprintf(log_fd, "%s %u\n", what, n);
	if (strcmp(what, "stall") == 0 && gone_within(fd, -1))
		dprintf(log_fd, "gone %u\n", n);
	if (faults && opt[O_RESET].n > 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
	return keep && done == a->len && !(faults && opt[O_RESET].n > 0);
}

static int
serve_post(int fd, const struct request *r, int chat)
{
	unsigned int n = atomic_fetch_add(posts, 1) + 1;
	char *body = r->in + r->head, name[4096], next = body[r->body];
	int keep, first = opt[O_TIMES].n < 0 || n <= opt[O_TIMES].n;
	struct text a;
	FILE *f;

	if (opt[O_BODIES].s != NULL) {
		snprintf(name, sizeof(name), "%s/%u.json", opt[O_BODIES].s, n);
		if ((f = fopen(name, "we")) == NULL ||
		    fwrite(body, 1, r->body, f) != r->body || fclose(f) != 0)
			err(111, "%s", name);
	}
	dprintf(log_fd, "request %u POST %s %zu\n", n, r->path, r->body);
	body[r->body] = '\0';
	a = file == NULL ? answer_demo(body, r->body, chat) :
	    answer_file(first ? file : opt[O_THEN].s, chat);
	body[r->body] = next;
	keep = perform(fd, &a, n, first);
	free(a.p);
	return keep;
}

static void
put_http(FILE *f, const char *status, const char *type, const char *body)
{
	fprintf(f, "HTTP/1.1 %s\r\nContent-Type: %s; charset=utf-8\r\n"
	    "Content-Length: %zu\r\n\r\n%s", status, type, strlen(body), body);
}

/* The built-in list of models, both for /api/tags and for /api/ps. */
static void
put_models(FILE *f)
{
	const char *name = file == NULL ? "demo" : "replay:latest";
	char s[512];

	snprintf(s, sizeof(s), "{\"models\":[{\"name\":\"%s\",\"model\":\"%s\","
	    "\"size\":98363118,\"digest\":\"%064d\",\"details\":{"
	    "\"format\":\"gguf\",\"context_length\":8192},\"size_vram\":0,"
	    "\"context_length\":4096,\"capabilities\":[\"completion\"]}]}",
	    name, name, 0);
	put_http(f, "200 OK", "application/json", s);
}

static int
serve_get(int fd, const struct request *r)
{
	int good = *r->method == 'G' || *r->method == 'H';
	int keep, ps = strcmp(r->path, "/api/ps") == 0;
	size_t len;
	const char *recorded = opt[ps ? O_PS : O_TAGS].s;
	struct text a = { NULL, 0 };
	FILE *f = memory(&a);

	dprintf(log_fd, "get %s\n", r->path);
	if (good && (ps || strcmp(r->path, "/api/tags") == 0)) {
		if (recorded == NULL)
			put_models(f);
	} else if (good && strcmp(r->path, "/api/version") == 0)
		put_http(f, "200 OK", "application/json",
		    "{\"version\":\"0.0.0\"}");
	else if (good && strcmp(r->path, "/") == 0)
		put_http(f, "200 OK", "text/plain", "Ollama is running");
	else
		put_http(f, "404 Not Found", "text/plain",
		    "404 page not found");
	fclose(f);
	if (a.len == 0) {
		free(a.p);
		a = answer_file(recorded, 0);
	}
	keep = examine(&a, NULL, &len);
	if (*r->method == 'H' && strstr(a.p, "\r\n\r\n") != NULL)
		a.len = (size_t)(strstr(a.p, "\r\n\r\n") + 4 - a.p);
	send_bytes(fd, a.p, a.len);
	free(a.p);
	return keep;
}

/* The value of a header of the request; "" if it is not there. */
static const char *
header(const struct request *r, const char *name)
{
	const char *p = strcasestr(r->in, name);

	if (p == NULL)
		return "";
	p += strlen(name);
	return p + strspn(p, " ");
}

/* Read until there are want bytes, or a whole head if want is 0. */
static int
fill(int fd, struct request *r, size_t want)
{
	char *end = NULL;
	ssize_t n;

	while (want != 0 ? r->len < want :
	    (end = memmem(r->in, r->len, "\r\n\r\n", 4)) == NULL) {
		if (want == 0 && r->len >= HEAD_MAX)
			return 0;
		n = recv(fd, r->in + r->len, (want != 0 ? want : HEAD_MAX) -
		    r->len, 0);
		if (n <= 0)
			return 0;
		r->len += (size_t)n;
	}
	if (end != NULL) {
		*end = '\0';
		r->head = (size_t)(end + 4 - r->in);
	}
	return 1;
}

/* Read a request, head and body.  0: there is none to answer. */
static int
read_request(int fd, struct request *r)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char minor;
	int good = fill(fd, r, 0);

	if (!good && r->len == 0)
		return 0;
	good = good && sscanf(r->in, "%15s %255s HTTP/1.%c", r->method,
	    r->path, &minor) == 3;
	r->body = good ?
	    strtoul(header(r, "\r\nContent-Length:"), NULL, 10) : 0;
	if (!good || r->body > BODY_MAX ||
	    *header(r, "\r\nTransfer-Encoding:") != '\0') {
		dprintf(log_fd, "bad\n");
		return 0;
	}
	r->path[strcspn(r->path, "?")] = '\0';
	r->last = minor == '0' ||
	    strncasecmp(header(r, "\r\nConnection:"), "close", 5) == 0;
	if (r->len < r->head + r->body && *header(r, "\r\nExpect:") != '\0')
		send_bytes(fd, go_on, strlen(go_on));
	return fill(fd, r, r->head + r->body);
}

/* What a child does: one connection, request after request. */
static void
converse(int fd)
{
	struct request r = { .len = 0 };
	int chat, keep = 1, on = 1;

	r.in = mmap(NULL, HEAD_MAX + BODY_MAX + 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r.in == MAP_FAILED)
		err(111, NULL);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	srandom((unsigned int)getpid());
	(void)prctl(PR_SET_TIMERSLACK, 1);	/* else YIELD_US is 100 */
	while (keep && read_request(fd, &r)) {
		chat = strcmp(r.path, "/api/chat") == 0;
		if (strcmp(r.method, "POST") == 0 &&
		    (chat || strcmp(r.path, "/api/generate") == 0))
			keep = serve_post(fd, &r, chat) && !r.last;
		else
			keep = serve_get(fd, &r) && !r.last;
		r.len -= r.head + r.body;
		memmove(r.in, r.in + r.head + r.body, r.len);
	}
	close(fd);
}

static void
help(void)
{
	int i;

	puts("usage: replay [options] FILE, or replay [options] --demo DIR\n"
	    "The first comment of tests/replay.c is the manual.");
	for (i = 0; i < O__MAX; i++)
		printf("  --%-16s%-8s%s\n", opt[i].name,
		    opt[i].arg == NULL ? "" : opt[i].arg, opt[i].help);
	exit(0);
}

static void
set_option(int i, const char *arg)
{
	char *end = NULL;

	opt[i].s = arg;
	opt[i].n = 1;
	if (opt[i].arg == NULL || strchr("FD", *opt[i].arg) != NULL)
		return;
	opt[i].n = strtoll(arg, &end, 10);
	if (end == arg || *end != '\0' || opt[i].n < 0 ||
	    opt[i].n > (i == O_PORT ? 65535 : 1000000000))
		errx(100, "--%s: not a good number: %s", opt[i].name, arg);
}

static void
read_options(int argc, char *argv[])
{
	struct option o[O__MAX + 1] = { { NULL, 0, NULL, 0 } };
	int i;

	for (i = 0; i < O__MAX; i++) {
		o[i].name = opt[i].name;
		o[i].has_arg = opt[i].arg != NULL;
		o[i].val = 1000 + i;
	}
	opterr = 0;
	while ((i = getopt_long(argc, argv, "p:", o, NULL)) != -1)
		if (i == '?')
			errx(100, "unknown option, or it lacks its value: %s",
			    argv[optind - 1]);
		else
			set_option(i == 'p' ? O_PORT : i - 1000, optarg);
	if (opt[O_HELP].n > 0)
		help();
	file = optind < argc ? argv[optind++] : NULL;
	if (optind < argc || (file == NULL) == (opt[O_DEMO].s == NULL))
		errx(100, "one FILE, or --demo DIR (see --help)");
	if ((opt[O_TIMES].s == NULL) != (opt[O_THEN].s == NULL) ||
	    (opt[O_THEN].s != NULL && file == NULL))
		errx(100, "--times N and --then FILE2 go together, with FILE");
	if (file == NULL && opt[O_PACE].n < 0)
		opt[O_PACE].n = 45;
	if (file == NULL && opt[O_DELAY].n < 0)
		opt[O_DELAY].n = 600;
}

/* Find out at once what could not be read or written later. */
static void
check_files(void)
{
	const char *name[] = { file, opt[O_THEN].s, opt[O_TAGS].s,
	    opt[O_PS].s };
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (name[i] != NULL)
			free(load(name[i]).p);
	if (file == NULL)
		free(demo_text("", 0).p);
	if (opt[O_BODIES].s != NULL && access(opt[O_BODIES].s, W_OK) != 0)
		err(100, "%s", opt[O_BODIES].s);
	if (opt[O_LOG].s != NULL && (log_fd = open(opt[O_LOG].s,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0)
		err(100, "%s", opt[O_LOG].s);
}

static int
listen_here(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd, on = 1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((unsigned short)opt[O_PORT].n);
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    listen(fd, SOMAXCONN) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		err(111, "port %lld", opt[O_PORT].n);
	printf("%d\n", ntohs(sin.sin_port));
	if (fflush(stdout) != 0)
		err(111, "stdout");
	return fd;
}

/* End when the parent does, also if it just did. */
static void
die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(111);
}

int
main(int argc, char *argv[])
{
	pid_t self = getpid(), parent = getppid(), child;
	int fd, listener;

	read_options(argc, argv);
	if (opt[O_DIE].n > 0)
		die_with(parent);
	check_files();
	signal(SIGCHLD, SIG_IGN);	/* the kernel reaps */
	signal(SIGTERM, SIG_DFL);	/* a shell's "&" ignores SIGINT */
	signal(SIGINT, SIG_DFL);
	posts = mmap(NULL, sizeof(*posts), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (posts == MAP_FAILED)
		err(111, NULL);
	listener = listen_here();
	for (;;) {
		if ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
			continue;
		if ((child = fork()) == 0) {
			die_with(self);
			close(listener);
			converse(fd);
			return 0;
		}
		if (child < 0)
			warn("fork");
		close(fd);
	}
}
