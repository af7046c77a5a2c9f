/*
 * Fuzzes a message's way: splitting stdin, JSON, the request, its frame.  The
 * same bytes must give the same messages, however they are cut.
 */
#include <string.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "frame/frame.h"
#include "fuzz.h"
#include "json/json.h"
#include "request/message.h"
#include "request/request.h"

enum { TICKET_MAX = 4096, EVENTS = 64 };

/* The result of a run: the events and a checksum of the texts. */
struct result {
	unsigned char	event[EVENTS];
	size_t		count;
	uint64_t	sum;
};

/* Checks that an accepted request holds what it promises. */
static void
try_request(const struct buf *text)
{
	struct request	r;

	request_read(&r, text->data, text->len, TICKET_MAX, LANGUAGE_PT);
	if (r.failure.code == FAILURE_NONE && r.type == REQUEST_ASK) {
		must(r.body.len > 0 && r.body.len <= TICKET_MAX);
		must(utf8_valid(r.body.data, r.body.len));
		must(strlen(r.body.data) == r.body.len);
		must(!utf8_blank(r.body.data, r.body.len));
	}
	if (r.failure.code != FAILURE_NONE) {
		struct buf	line = BUF_INIT(FRAME_MAX);
		struct frame	f;

		must(frame_error(&line, &r.failure, r.language) == 0);
		frame_read(&f, line.data, line.len - 1);
		must(f.type == FRAME_ERROR &&
		    f.failure.code == r.failure.code);
		buf_free(&line);
	}
	request_free(&r);
}

static void
note(struct result *out, const struct message_reader *r,
    enum message_event event)
{
	size_t	i;

	if (event == MESSAGE_MORE)
		return;
	out->event[out->count++ % EVENTS] = (unsigned char)event;
	if (event != MESSAGE_READY)
		return;
	for (i = 0; i < r->text.len; i++)
		out->sum = out->sum * 31 + (unsigned char)r->text.data[i];
	try_request(&r->text);
}

/* Reads the bytes in pieces of `step'. */
static struct result
feed(const char *data, size_t size, size_t step)
{
	struct message_reader	r = { .text = BUF_INIT(MESSAGE_MAX(
				    TICKET_MAX)) };
	struct result		out = { .count = 0 };
	enum message_event	event;
	size_t			n, taken;

	for (; size > 0; data += n, size -= n) {
		n = size < step ? size : step;
		for (taken = 0; taken < n; ) {
			taken += message_read(&r, data + taken, n - taken,
			    &event);
			note(&out, &r, event);
		}
	}
	note(&out, &r, message_end(&r));
	message_free(&r);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result	whole, cut;

	whole = feed((const char *)data, size, size + 1);
	cut = feed((const char *)data, size, size % 7 + 1);
	must(whole.count == cut.count && whole.sum == cut.sum);
	must(memcmp(whole.event, cut.event, EVENTS) == 0);
	return 0;
}
