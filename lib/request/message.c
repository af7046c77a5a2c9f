/*
 * Cutting stdin into messages.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limit.h"
#include "request/message.h"

/* Forgets the state of the message; its text stays until the next byte. */
static void
restart(struct message_reader *r)
{
	r->depth = r->bom = 0;
	r->string = r->escape = r->begun = r->structured = r->skipping = false;
	r->line = false;
	r->last = '\0';
}

/* Follows the structure over one byte that is no line feed. */
static void
message_follow(struct message_reader *r, char c)
{
	static const char	bom[] = "\xef\xbb\xbf";

	/* A whole byte order mark in front is no content, as white space. */
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
 * Whether a byte is the beginning of another message, though the one that has
 * begun has no end: a bracket at the beginning of a line behind a value.
 */
static bool
begins_another(struct message_reader *r, char c)
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

/* What a line end means here. */
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
	restart(r);
	if (!report) {
		buf_clear(&r->text);
		return MESSAGE_MORE;
	}
	r->given = true;
	return broken ? MESSAGE_BROKEN : MESSAGE_READY;
}

/* Keeps a piece of the text, unless it is being dropped. */
static enum message_event
message_keep(struct message_reader *r, const char *s, size_t len)
{
	if (r->skipping || len == 0 || buf_add(&r->text, s, len) == 0)
		return MESSAGE_MORE;
	buf_free(&r->text);
	r->skipping = true;
	return MESSAGE_TOO_LARGE;
}

size_t
message_take(struct message_reader *r, const char *s, size_t len,
    enum message_event *event)
{
	size_t	i, kept = 0;

	/* The last message has been read: its text may go. */
	if (r->given)
		buf_clear(&r->text);
	r->given = false;
	for (i = 0; i < len; i++) {
		if (s[i] != '\n') {
			if (begins_another(r, s[i])) {
				*event = message_keep(r, s + kept, i - kept);
				if (*event == MESSAGE_MORE)
					*event = MESSAGE_BROKEN;
				restart(r);
				r->given = true;
				return i;
			}
			message_follow(r, s[i]);
			if (r->depth <= MESSAGE_DEPTH || r->skipping)
				continue;
			/* Nobody knows where this ends: at its line's end. */
			buf_clear(&r->text);
			r->skipping = true;
			r->structured = false;
			*event = MESSAGE_BROKEN;
			return i + 1;
		}
		if ((*event = message_keep(r, s + kept, i - kept)) !=
		    MESSAGE_MORE)
			return i;	/* the line end once more */
		if ((*event = message_line_end(r)) != MESSAGE_MORE)
			return i + 1;
		kept = i;	/* white space of a longer message */
		if (!r->begun)
			kept = i + 1;
	}
	*event = message_keep(r, s + kept, len - kept);
	return len;
}

enum message_event
message_end(struct message_reader *r)
{
	bool	whole = r->depth == 0 && !r->string;
	bool	report = r->begun && !r->skipping;

	restart(r);
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

void
message_free(struct message_reader *r)
{
	buf_free(&r->text);
	restart(r);
}
