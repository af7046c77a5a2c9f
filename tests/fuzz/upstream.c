/*
 * Fuzzes what comes from model servers, in both dialects (lines, refusals,
 * lists of models), and the frames from answer to chat.  What reaches viewers
 * must be clean, in short valid frames that hold exactly the text.
 */
#include <string.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "frame/frame.h"
#include "fuzz.h"
#include "json/json.h"
#include "ollama/models.h"
#include "ollama/ollama.h"
#include "ollama/openai.h"

/* Checks that the frames give the text back. */
static void
check_frames(const struct buf *frames, const struct buf *text)
{
	struct buf	again = BUF_INIT(UPSTREAM_LINE_MAX);
	struct json	j = { 0 };
	const char	*line = frames->data, *nl;
	size_t		len;

	for (; frames->len > 0 && line < frames->data + frames->len;
	    line = nl + 1) {
		nl = memchr(line, '\n', frames->len -
		    (size_t)(line - frames->data));
		must(nl != NULL);
		len = (size_t)(nl - line);
		must(len + 1 <= FRAME_MAX);
		must(json_parse(&j, line, len, 1, 5) == 0);
		must(json_string(&j, json_member(&j, 0, "content"), true,
		    &again) == 0);
	}
	must(again.len == text->len);
	must(text->len == 0 || memcmp(again.data, text->data, text->len) == 0);
	buf_free(&again);
	json_free(&j);
}

static void
try_lines(const char *data, size_t size, enum url_api api)
{
	struct buf		text = BUF_INIT(UPSTREAM_LINE_MAX);
	struct buf		clean = BUF_INIT(UPSTREAM_LINE_MAX);
	struct buf		frames = BUF_INIT(UPSTREAM_LINE_MAX * 8);
	struct frame_stream	stream = { .out = &frames };
	struct openai_stream	events = { .held =
				    BUF_INIT(UPSTREAM_LINE_MAX) };
	struct json		j = { 0 };
	const char		*nl, *end = data + size;

	for (; data < end; data = nl + 1) {
		struct utf8_cleaner	cleaner = { .len = 0 };
		struct ollama_line	l;
		struct cost		cost = { .total = 0 };
		size_t			before = clean.len;

		if ((nl = memchr(data, '\n', (size_t)(end - data))) == NULL)
			nl = end;
		buf_clear(&text);
		if (api == URL_OPENAI)
			openai_read(&l, &events, data, (size_t)(nl - data), &j,
			    &text, &cost);
		else
			ollama_read(&l, api, data, (size_t)(nl - data), &j,
			    &text, &cost);
		must(cost.prompt_tokens >= 0 && cost.answer_tokens >= 0);
		if (l.failure.code == FAILURE_NONE && text.len > 0) {
			must(utf8_valid(text.data, text.len));
			must(utf8_clean(&cleaner, text.data, text.len,
			    &clean) == 0);
			must(frame_stream_add(&stream, clean.data + before,
			    clean.len - before) == 0);
		}
		if (nl == end)
			break;
	}
	must(frame_stream_end(&stream) == 0);
	must(clean.len == 0 || utf8_valid(clean.data, clean.len));
	check_frames(&frames, &clean);
	frame_stream_free(&stream);
	json_free(&j);
	buf_free(&events.held);
	buf_free(&text);
	buf_free(&clean);
	buf_free(&frames);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long	status[] = { 400, 401, 404, 429, 500, 503 };
	static const enum url_api lists[] = { URL_OPENAI, URL_CHAT };
	const char		*s = (const char *)data;
	char			 model[64];
	bool			 retry;
	struct failure		 f;
	struct frame		 frame;
	struct openai_refusal	 r;
	struct model		 m;
	int			 i;

	if (size == 0)
		return 0;
	try_lines(s, size, size % 2 == 0 ? URL_CHAT : URL_GENERATE);
	try_lines(s, size, URL_OPENAI);
	openai_refuse(&r, status[size % 6], s, size, "m");
	must(r.failure.code != FAILURE_NONE && r.failure.code < FAILURE__MAX);
	must((r.refuses & ~(unsigned)OPENAI_REFUSES_ALL) == 0);
	must(utf8_valid(r.reason, strlen(r.reason)));
	for (i = 0; i < 2; i++) {
		if (models_first(lists[i], s, size, model, sizeof(model)) ==
		    FAILURE_NONE)
			must(model[0] != '\0' && models_find(lists[i], s,
			    size, model, &m));
	}
	f = ollama_refusal(status[size % 6], s, size, "m", &retry);
	must(f.code != FAILURE_NONE && f.code < FAILURE__MAX);
	frame_read(&frame, s, size);
	must(frame.type != FRAME_ERROR ||
	    (frame.failure.code != FAILURE_NONE &&
	    frame.failure.code < FAILURE__MAX));
	return 0;
}
