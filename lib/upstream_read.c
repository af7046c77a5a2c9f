/*
 * Reading an answer.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "limit.h"
#include "ollama.h"
#include "upstream_read.h"

void
upstream_tell(struct upstream *u, enum frame_state state)
{
	if (u->state == state)
		return;
	u->state = state;
	u->on_state(u->context, state);
}

/* Hands a piece on; returns false to end it. */
static bool
show(struct upstream *u)
{
	struct utf8_cleaner	cleaner = { .len = 0 };
	const struct buf	*text = &u->text;

	if (text->len == 0)
		return true;
	buf_clear(&u->raw);
	/* The text is UTF-8 by now, but may hold control characters. */
	if (utf8_clean(&cleaner, text->data, text->len, &u->raw) == -1) {
		u->failure = failure_make(FAILURE_INTERNAL, NULL);
		return false;
	}
	if (!u->shown)
		u->first = clock_us();
	u->shown = true;
	upstream_tell(u, FRAME_GENERATING);
	return u->on_text(u->context, u->raw.data, u->raw.len);
}

bool
upstream_take_line(struct upstream *u, const char *line, size_t len)
{
	struct utf8_cleaner	cleaner = { .len = 0 };
	struct ollama_line	l;

	while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL &&
	    line[len - 1] != '\0')
		len--;
	if (len == 0)
		return true;
	u->lines = true;
	if (!utf8_valid(line, len)) {
		buf_clear(&u->raw);
		if (utf8_clean(&cleaner, line, len, &u->raw) == -1) {
			u->failure = failure_make(FAILURE_UPSTREAM_INVALID,
			    NULL);
			return false;
		}
		line = u->raw.data;
		len = u->raw.len;
	}
	buf_clear(&u->text);
	ollama_read(&l, u->server.api, line, len, &u->json, &u->text, &u->cost);
	u->failure = l.failure;
	u->retry = l.retry;
	if (l.failure.code != FAILURE_NONE) {
		(void)snprintf(u->reason, sizeof(u->reason), "%s", l.reason);
		return false;
	}
	if (l.thinking && !u->shown)
		upstream_tell(u, FRAME_THINKING);
	if (!show(u))
		return false;
	return !l.done;
}

bool
upstream_take_answer(void *context, long status, const char *data, size_t len)
{
	struct upstream	*u = context;
	const char	*nl;
	size_t		 n;
	bool		 more = true;

	u->last = clock_us();
	if (status != 200) {
		/* Only its beginning matters: the rest is dropped. */
		n = UPSTREAM_BODY_MAX - u->body.len;
		return buf_add(&u->body, data, len < n ? len : n) == 0;
	}
	while (more && (nl = memchr(data, '\n', len)) != NULL) {
		n = (size_t)(nl - data);
		if (u->line.len == 0) {
			more = upstream_take_line(u, data, n);
		} else if (buf_add(&u->line, data, n) == 0) {
			more = upstream_take_line(u, u->line.data, u->line.len);
			buf_clear(&u->line);
		} else {
			break;
		}
		data += n + 1;
		len -= n + 1;
	}
	if (more && buf_add(&u->line, data, len) == -1) {
		u->failure = failure_make(errno == EMSGSIZE ?
		    FAILURE_UPSTREAM_INVALID : FAILURE_INTERNAL, NULL);
		more = false;
	}
	u->over = !more;
	return more;
}
