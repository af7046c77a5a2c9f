/*
 * Writes responses: see reply.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/limit.h"
#include "door/head.h"
#include "door/reply.h"
#include "frame/frame.h"
#include "json/json.h"

static const char *const	types[] = {
	[REPLY_LINES] = "application/x-ndjson",
	[REPLY_EVENTS] = "text/event-stream",
	[REPLY_TEXT] = "text/plain",
};

static const struct {
	int		 status;
	const char	*words;
} statuses[] = {
	{ 200, "OK" }, { 202, "Accepted" }, { 204, "No Content" },
	{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
	{ 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 408, "Request Timeout" }, { 409, "Conflict" },
	{ 413, "Content Too Large" }, { 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
	{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
};

/* The statuses of failures; of all others, which come from the model or from a
   filter, it is 502. */
static const int	failures[FAILURE__MAX] = {
	[FAILURE_BAD_JSON] = 400,
	[FAILURE_BAD_REQUEST] = 400,
	[FAILURE_BAD_TICKET_ID] = 400,
	[FAILURE_UNAUTHORIZED] = 401,
	[FAILURE_FORBIDDEN_ORIGIN] = 403,
	[FAILURE_NOT_ALLOWED] = 403,
	[FAILURE_NO_ANSWER] = 404,
	[FAILURE_UNKNOWN_TICKET] = 404,
	[FAILURE_THREAD_FULL] = 409,
	[FAILURE_ANSWER_CHANGED] = 409,
	[FAILURE_ANSWER_RUNNING] = 409,
	[FAILURE_TOO_LARGE] = 413,
	[FAILURE_RATE_LIMITED] = 429,
	[FAILURE_INTERNAL] = 500,
	[FAILURE_QUEUE_FULL] = 503,
	[FAILURE_UPSTREAM_BUSY] = 503,
	[FAILURE_STOPPED] = 503,
	[FAILURE_INTERRUPTED] = 503,
	[FAILURE_SHUTTING_DOWN] = 503,
	[FAILURE_STORAGE] = 503,
	[FAILURE_SCHEMA] = 503,
	[FAILURE_UPSTREAM_TIMEOUT] = 504,
};

/* The status for a failure. */
static int
reply_status(enum failure_code code)
{
	return failures[code] != 0 ? failures[code] : 502;
}

enum reply_form
reply_form(const char *accept)
{
	enum reply_form	best = REPLY_LINES;
	int		most, weight, form;

	if (accept == NULL)
		return best;
	most = head_accepts(accept, types[REPLY_LINES]);
	for (form = REPLY_EVENTS; form <= REPLY_TEXT; form++) {
		weight = head_accepts(accept, types[form]);
		if (weight > most || (weight == most && weight > 0 &&
		    !head_has_word(accept, types[best]) &&
		    head_has_word(accept, types[form]))) {
			most = weight;
			best = (enum reply_form)form;
		}
	}
	return best;
}

static const char *
reply_words(int status)
{
	size_t	i;

	for (i = 0; statuses[i].status != status; i++)
		if (i + 1 == sizeof(statuses) / sizeof(statuses[0]))
			return "";
	return statuses[i].words;
}

/* Appends to the output; an error is noted. */
static void
reply_add(struct reply *r, const char *text, size_t len)
{
	if (!r->failed && buf_add(&r->out->data, text, len) == -1)
		r->failed = true;
}

static void
reply_puts(struct reply *r, const char *text)
{
	reply_add(r, text, strlen(text));
}

/* Writes the head, but for the fields about the body and the empty line. */
static void
reply_head(struct reply *r, int status, const char *fields)
{
	char	line[64];

	(void)snprintf(line, sizeof(line), "HTTP/1.1 %d %s\r\n", status,
	    reply_words(status));
	reply_puts(r, line);
	reply_puts(r, "Connection: close\r\nCache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Cross-Origin-Resource-Policy: same-origin\r\n"
	    "Vary: Origin\r\n");
	if (r->origin != NULL) {
		reply_puts(r, "Access-Control-Allow-Origin: ");
		reply_puts(r, r->origin);
		reply_puts(r, "\r\n");
	}
	reply_puts(r, fields);
	r->begun = true;
}

static void
reply_type(struct reply *r, const char *type)
{
	reply_puts(r, "Content-Type: ");
	reply_puts(r, type);
	reply_puts(r, strncmp(type, "text/", 5) == 0 ? "; charset=utf-8\r\n" :
	    "\r\n");
}

void
reply_whole(struct reply *r, int status, const char *fields,
    const char *type, const char *body, size_t len)
{
	char	line[64];

	reply_head(r, status, fields);
	if (status != 204) {
		reply_type(r, type);
		(void)snprintf(line, sizeof(line), "Content-Length: %zu\r\n",
		    len);
		reply_puts(r, line);
	}
	reply_puts(r, "\r\n");
	if (!r->bodiless && status != 204)
		reply_add(r, body, len);
	r->over = true;
}

/* Writes the response for an `error' frame, a line with its end. */
static void
reply_error(struct reply *r, int status, const char *fields,
    const struct failure *f, const char *line, size_t len)
{
	char	more[256];

	(void)snprintf(more, sizeof(more), "%s%s", fields, status == 401 ?
	    "WWW-Authenticate: Bearer\r\n" : "");
	if (f->retry_after > 0)
		(void)snprintf(more + strlen(more), sizeof(more) -
		    strlen(more), "Retry-After: %d\r\n", f->retry_after);
	reply_whole(r, status, more, "application/json", line, len);
}

void
reply_refuse(struct reply *r, int status, const char *fields,
    const struct failure *f, enum language language)
{
	struct buf	line = BUF_INIT(FRAME_MAX);

	if (frame_error(&line, f, language) == -1)
		r->failed = true;
	reply_error(r, status != 0 ? status : reply_status(f->code), fields,
	    f, line.data == NULL ? "" : line.data, line.len);
	buf_free(&line);
}

void
reply_begin(struct reply *r)
{
	if (r->begun)
		return;
	reply_head(r, 200, "X-Accel-Buffering: no\r\n");
	reply_type(r, types[r->form]);
	r->chunked = !r->old;
	reply_puts(r, r->chunked ? "Transfer-Encoding: chunked\r\n\r\n" :
	    "\r\n");
	r->over = r->bodiless;
}

/* Writes a piece of the body: a text between two others. */
static void
reply_piece(struct reply *r, const char *before, const char *text, size_t len,
    const char *after)
{
	const size_t	all = strlen(before) + len + strlen(after);
	char		line[32];

	reply_begin(r);
	if (r->over || all == 0)
		return;
	(void)snprintf(line, sizeof(line), "%zx\r\n", all);
	if (r->chunked)
		reply_puts(r, line);
	reply_puts(r, before);
	reply_add(r, text, len);
	reply_puts(r, after);
	if (r->chunked)
		reply_puts(r, "\r\n");
}

/* Writes the text of a frame that has some. */
static void
reply_text(struct reply *r, const char *line, size_t len)
{
	struct json	j = { 0 };
	struct buf	text = BUF_INIT(OUTPUT_MAX);
	int		type;

	if (json_parse(&j, line, len, MESSAGE_DEPTH, MESSAGE_TOKENS) == -1) {
		r->failed = true;
		return;
	}
	type = json_member(&j, 0, "type");
	/* What is not sent yet can still become another text. */
	if (r->held.cap > 0 && json_equals(&j, type, "cached")) {
		buf_clear(&r->held);
		r->written = false;
	}
	if (json_equals(&j, type, "stream") || json_equals(&j, type,
	    "cached")) {
		/* Another text than the one that was sent so far: that cannot
		   be said in this form. */
		if (r->written && json_equals(&j, type, "cached"))
			r->failed = true;
		else if (json_string(&j, json_member(&j, 0, json_equals(&j,
		    type, "stream") ? "content" : "response"), false,
		    &text) == -1)
			r->failed = true;
		else if (r->held.cap == 0)
			reply_piece(r, "", text.data, text.len, "");
		else if (buf_add(&r->held, text.data, text.len) == -1)
			r->failed = true;
		r->written = true;
	}
	buf_free(&text);
	json_free(&j);
}

void
reply_frame(struct reply *r, const char *line, size_t len)
{
	struct frame	f;

	if (r->over || r->failed)
		return;
	if (!r->begun || r->form == REPLY_TEXT) {
		frame_read(&f, line, len);
		if (f.type == FRAME_ERROR && !r->begun)
			reply_error(r, reply_status(f.failure.code), "",
			    &f.failure, line, len + 1);
		else if (f.type == FRAME_ERROR)
			r->failed = true;
		else if (r->form == REPLY_TEXT)
			reply_text(r, line, len);
		if (r->form == REPLY_TEXT || f.type == FRAME_ERROR)
			return;
	}
	reply_piece(r, r->form == REPLY_EVENTS ? "data: " : "", line, len,
	    r->form == REPLY_EVENTS ? "\n\n" : "\n");
}

void
reply_end(struct reply *r)
{
	if (r->over || r->failed)
		return;
	if (!r->begun && r->held.len > 0)
		reply_whole(r, 200, "", types[r->form], r->held.data,
		    r->held.len);
	if (!r->begun && r->form != REPLY_TEXT)
		reply_whole(r, 204, "", "", "", 0);
	reply_begin(r);
	if (!r->over && r->chunked)
		reply_puts(r, "0\r\n\r\n");
	r->over = true;
}
