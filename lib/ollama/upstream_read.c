/*
 * Reading an answer.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limit.h"
#include "ollama/ollama.h"
#include "ollama/upstream_read.h"

void
upstream_tell(struct upstream *u, enum frame_state state)
{
	if (u->state == state)
		return;
	u->state = state;
	u->on_state(u->context, state);
}

/*
 * Hands a piece on, without what is not meant for people, and at the answer's
 * end what was held; returns false to end it.
 */
static bool
show(struct upstream *u, bool ended)
{
	struct utf8_cleaner	cleaner = { .len = 0 };
	const struct buf	*text = &u->text, *tidied = &u->tidied;

	if (text->len == 0 && !ended)
		return true;
	buf_clear(&u->raw);
	buf_clear(&u->plain);
	buf_clear(&u->tidied);
	/* The text is UTF-8 by now, but may hold control characters. */
	if ((text->len > 0 && (utf8_clean(&cleaner, text->data, text->len,
	    &u->raw) == -1 || thought_add(&u->thought, u->raw.data,
	    u->raw.len, &u->plain) == -1)) ||
	    (ended && thought_end(&u->thought, &u->plain) == -1) ||
	    (u->plain.len > 0 && tidy_add(&u->tidy, u->plain.data,
	    u->plain.len, &u->tidied) == -1) ||
	    (ended && tidy_end(&u->tidy, &u->tidied) == -1)) {
		u->failure = failure_make(FAILURE_INTERNAL, NULL);
		return false;
	}
	if (u->thought.opened && !u->shown)
		upstream_tell(u, FRAME_THINKING);
	if (tidied->len == 0)
		return true;
	if (!u->shown)
		u->first = clock_us();
	u->shown = true;
	upstream_tell(u, FRAME_GENERATING);
	return u->on_text(u->context, tidied->data, tidied->len);
}

/* Takes thoughts out that a whole text is found to begin with. */
static int
settle_thoughts(struct upstream *u, struct buf *text)
{
	struct thought	t = { .held = BUF_INIT(text->len + 1) };
	struct buf	rest = BUF_INIT(text->len + 1);
	size_t		from;
	int		rc = 0;

	/* An opener at its start was seen as such. */
	if (u->thought.opened || (from = thought_late(text->data,
	    text->len)) == 0)
		return 0;
	u->late = true;
	thought_begin(&t);
	if (thought_add(&t, text->data + from, text->len - from, &rest) == 0 &&
	    thought_end(&t, &rest) == 0) {
		buf_clear(text);
		rc = rest.len == 0 ? 1 :
		    buf_add(text, rest.data, rest.len) == -1 ? -1 : 1;
	} else {
		rc = -1;
	}
	buf_free(&t.held);
	buf_free(&rest);
	return rc;
}

/* Takes the fence's word and end marks out of a whole text. */
static int
settle_marks(struct upstream *u, struct buf *text)
{
	struct tidy	t = { .everywhere = true,
			    .held = BUF_INIT(text->len + 1) };
	struct buf	rest = BUF_INIT(text->len + 1);
	int		rc = -1;

	tidy_begin(&t, u->word);
	if (tidy_add(&t, text->data, text->len, &rest) == 0 &&
	    tidy_end(&t, &rest) == 0)
		rc = t.found;
	if (rc == 1) {
		buf_clear(text);
		if (rest.len > 0 && buf_add(text, rest.data, rest.len) == -1)
			rc = -1;
	}
	buf_free(&t.held);
	buf_free(&rest);
	return rc;
}

int
upstream_settle(struct upstream *u, struct buf *text)
{
	int	changed, rc;

	if (text->len == 0)
		return 0;
	if ((changed = settle_thoughts(u, text)) == -1)
		return -1;
	/* What was between two of them may have come together. */
	while (text->len > 0 && (rc = settle_marks(u, text)) != 0) {
		if (rc == -1)
			return -1;
		changed = 1;
		u->tidy.found = true;
	}
	return changed;
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
	if (!show(u, l.done))
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
