/*
 * Fuzzes a request to the door: the head, and behind it a body in chunks.  What
 * is accepted lies within the input, and chunks give the same body however they
 * are cut.
 */
#include <string.h>

#include "door/chunked.h"
#include "door/head.h"
#include "fuzz.h"

enum { BODY_MAX = 4096 };

/* Checks what an accepted head promises. */
static void
check_head(const struct head *h, const char *text, size_t len)
{
	char	value[24];
	size_t	i;

	must(h->count <= HEAD_FIELDS && h->length >= 0);
	must(!h->chunked || h->length == 0);
	must(*h->path == '/' || strcmp(h->path, "*") == 0);
	must(h->old || head_field(h, "host") != NULL);
	for (i = 0; i < h->count; i++) {
		must(h->field[i].name >= text &&
		    h->field[i].value < text + len);
		must(strpbrk(h->field[i].name, " \t\r\n:") == NULL);
		must(strpbrk(h->field[i].value, "\r\n") == NULL);
		(void)head_accepts(h->field[i].value, "text/plain");
		(void)head_has_word(h->field[i].value, "respond-async");
	}
	if (head_query(h->query, "ticket", value, sizeof(value)) == 1)
		must(strlen(value) < sizeof(value) &&
		    strpbrk(value, "&=%+/") == NULL);
}

/* Reads chunks in pieces of `step'. */
static enum chunked_progress
feed(const char *p, size_t size, size_t step, struct buf *body)
{
	struct chunked		k = { .left = 0 };
	enum chunked_progress	progress = CHUNKED_MORE;
	size_t			n;

	for (; size > 0 && progress == CHUNKED_MORE; p += n, size -= n) {
		n = size < step ? size : step;
		progress = chunked_read(&k, p, n, body);
	}
	return progress;
}

static void
try_chunks(const char *p, size_t size)
{
	struct buf	whole = BUF_INIT(BODY_MAX), cut = BUF_INIT(BODY_MAX);

	if (feed(p, size, size + 1, &whole) != feed(p, size, size % 7 + 1,
	    &cut))
		abort();
	must(whole.len <= BODY_MAX);
	/* A chunk that is too large is not read in parts. */
	must(whole.len == cut.len || whole.len + cut.len >= BODY_MAX);
	must(whole.len != cut.len || whole.len == 0 ||
	    memcmp(whole.data, cut.data, whole.len) == 0);
	buf_free(&whole);
	buf_free(&cut);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct head	h;
	const char		*what;
	char			*text;
	size_t			len;
	int			status;

	/* The door reads no more, and has a NUL behind it. */
	if (size > HEAD_MAX || (text = malloc(size + 1)) == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	len = head_end(text, size);
	try_chunks(text + len, size - len);
	if (len > 0) {
		status = head_read(&h, text, len, &what);
		must(status == 0 || (status >= 400 && status <= 505));
		if (status == 0)
			check_head(&h, text, len);
	}
	free(text);
	return 0;
}
