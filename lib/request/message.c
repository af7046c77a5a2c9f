/*
 * Splitting stdin into messages: see message.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limit.h"
#include "request/message.h"

/* Resets the reader's state.  The text stays until the next byte. */
static void
message_reset(struct message_reader *r)
{
	r->depth = r->bom = 0;
	r->string = r->escape = r->begun = r->structured = r->skipping = false;
	r->line = false;
	r->last = '\0';
}

/* Updates the state for a byte other than a line feed. */
static void
message_follow(struct message_reader *r, char c)
{
	static const char	bom[] = "\xef\xbb\xbf";

	/* Like white space, a byte order mark before the message does not begin
	   it. */
	if (r->bom < 3 && c == bom[r->bom] && (r->bom > 0 || !r->begun)) {
		r->begun = ++r->bom < 3;
		return;
	}
	if (!r->begun && (c == ' ' || c == '\t' || c == '\r'))
		return;
	r->bom = 3;
	if (!r->begun) {
		r->begun = true;
		r->structured = c == '{' || c == '[';
	}
	if (r->string) {
		if (r->escape)
			r->escape = false;
		else if (c == '\\')
			r->escape = true;
		else if (c == '"')
			r->string = false;
		return;
	}
	if (c == '"')
		r->string = true;
	else if (c == '{' || c == '[')
		r->depth++;
	else if ((c == '}' || c == ']') && r->depth > 0)
		r->depth--;
}

/*
 * Whether c begins another message although the current one is not complete: a
 * bracket at the start of a line, directly after a value.
 */
static bool
message_begins_another(struct message_reader *r, char c)
{
	if (c == ' ' || c == '\t' || c == '\r')
		return false;
	if (r->line && (c == '{' || c == '[') && r->structured && !r->string &&
	    !r->skipping && r->depth > 0 && strchr("{[,:", r->last) == NULL)
		return true;
	r->line = false;
	r->last = c;
	return false;
}

/* What a line end means in the current state. */
static enum message_event
message_line_end(struct message_reader *r)
{
	bool	open = r->structured && r->depth > 0 && !r->string;
	bool	report = r->begun && !r->skipping && !open;
	bool	broken = r->structured && r->string;

	if (open) {
		r->line = true;
		return MESSAGE_MORE;
	}
	message_reset(r);
	if (!report) {
		buf_clear(&r->text);
		return MESSAGE_MORE;
	}
	r->given = true;
	return broken ? MESSAGE_BROKEN : MESSAGE_READY;
}

/* Appends to the text, unless the message is being dropped. */
static enum message_event
message_append(struct message_reader *r, const char *s, size_t len)
{
	if (r->skipping || len == 0 || buf_add(&r->text, s, len) == 0)
		return MESSAGE_MORE;
	buf_free(&r->text);
	r->skipping = true;
	return MESSAGE_TOO_LARGE;
}

size_t
message_read(struct message_reader *r, const char *s, size_t len,
    enum message_event *event)
{
	size_t	i, kept = 0;

	/* The caller has read the last message. */
	if (r->given)
		buf_clear(&r->text);
	r->given = false;
	for (i = 0; i < len; i++) {
		if (s[i] != '\n') {
			if (message_begins_another(r, s[i])) {
				*event = message_append(r, s + kept, i - kept);
				if (*event == MESSAGE_MORE)
					*event = MESSAGE_BROKEN;
				message_reset(r);
				r->given = true;
				return i;
			}
			message_follow(r, s[i]);
			if (r->depth <= MESSAGE_DEPTH || r->skipping)
				continue;
			/* Its end cannot be found any more: drop the rest of
			   the line. */
			buf_clear(&r->text);
			r->skipping = true;
			r->structured = false;
			*event = MESSAGE_BROKEN;
			return i + 1;
		}
		if ((*event = message_append(r, s + kept, i - kept)) !=
		    MESSAGE_MORE)
			return i;	/* handle the line end in the next
					   call */
		if ((*event = message_line_end(r)) != MESSAGE_MORE)
			return i + 1;
		kept = i;	/* the line end is white space within the
				   message */
		if (!r->begun)
			kept = i + 1;
	}
	*event = message_append(r, s + kept, len - kept);
	return len;
}

enum message_event
message_end(struct message_reader *r)
{
	bool	whole = r->depth == 0 && !r->string;
	bool	report = r->begun && !r->skipping;

	message_reset(r);
	if (!report) {
		buf_clear(&r->text);
		return MESSAGE_MORE;
	}
	r->given = true;
	return whole ? MESSAGE_READY : MESSAGE_BROKEN;
}

char *
message_rest(struct message_reader *r, size_t *len)
{
	char	*line = r->text.data, *end, *rest = NULL;

	if (line == NULL)
		return NULL;
	end = line + r->text.len;
	while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		line += 1 + strspn(line + 1, " \t\r");
		if (*line != '{' && *line != '[')
			continue;
		*len = (size_t)(end - line);
		if ((rest = malloc(*len)) != NULL)
			memcpy(rest, line, *len);
		break;
	}
	buf_clear(&r->text);
	return rest;
}

bool
message_incomplete(const struct message_reader *r)
{
	return r->begun;
}

bool
message_release(struct message_reader *r)
{
	if (!r->given || r->text.size <= READ_MAX)
		return false;
	buf_free(&r->text);
	return true;
}

void
message_free(struct message_reader *r)
{
	buf_free(&r->text);
	message_reset(r);
}
