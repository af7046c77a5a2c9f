/*
 * Removes the fence's word and end marks from an answer.
 */
#include <ctype.h>
#include <string.h>

#include "ollama/tidy.h"

static const char *const	marks[] = {
	"<|im_end|>", "<|return|>", "<|end|>", "<|eot_id|>", "</s>",
	"<|endoftext|>", "<|end_of_text|>", "<|eom_id|>", "<end_of_turn>",
	"<|end_of_turn|>", "<|END_OF_TURN_TOKEN|>", "<eos>",
	"<｜end▁of▁sentence｜>",			/* DeepSeek */
};

enum {
	MARKS = sizeof(marks) / sizeof(marks[0]),
	BRACKETS = 4		/* most brackets on each side of the word */
};

/* Whether something is found at a place. */
enum match { NO, MAYBE, YES };	/* MAYBE: the text ends within it */

static size_t
tidy_blanks(const char *text, size_t len, const char *which, size_t most)
{
	size_t	n = 0;

	while (n < len && n < most && text[n] != '\0' &&
	    strchr(which, text[n]) != NULL)
		n++;
	return n;
}

void
tidy_begin(struct tidy *t, const char *word)
{
	memcpy(t->word, word, strlen(word) + 1);
	t->inside = t->found = false;
	buf_clear(&t->held);
}

/*
 * Looks for the fence's word at a place, with any number of brackets: "[[", "/"
 * and blanks in front of it, blanks and "]]" behind it.  *n becomes its length,
 * 0 as long as the word is not complete.
 */
static enum match
tidy_fence(const struct tidy *t, const char *text, size_t len, size_t *n)
{
	size_t	i = 0, open, word, close;

	*n = 0;
	for (open = 0; i < len && text[i] == '[' && open < BRACKETS; open++)
		i++;
	if (open > 0) {
		i += tidy_blanks(text + i, len - i, " ", 1);
		i += i < len && text[i] == '/';
		i += tidy_blanks(text + i, len - i, " ", 1);
	}
	for (word = 0; word < TEXT_WORD && i < len; word++, i++) {
		if (tolower((unsigned char)text[i]) != t->word[word])
			return NO;
	}
	if (word < TEXT_WORD)
		return MAYBE;
	*n = i;
	if (open == 0)
		return YES;
	i += tidy_blanks(text + i, len - i, " ", 1);
	for (close = 0; i < len && text[i] == ']' && close < open; close++)
		i++;
	if (close > 0)
		*n = i;
	return i == len && close < open ? MAYBE : YES;
}

/*
 * Looks for end marks, with white space behind them, up to the end of the text.
 */
static enum match
end_marks(const char *text, size_t len)
{
	size_t	i = 0, k, n = 0;

	while (i < len) {
		for (k = 0; k < MARKS; k++) {
			n = strlen(marks[k]);
			n = n < len - i ? n : len - i;
			if (strncmp(text + i, marks[k], n) == 0)
				break;
		}
		if (k == MARKS)
			return NO;
		if (n < strlen(marks[k]))
			return MAYBE;
		i += n;
		i += tidy_blanks(text + i, len - i, " \t\r\n", len);
	}
	return YES;
}

/* Whether a fence may begin at a place of what is held. */
static bool
may_begin(const struct tidy *t, size_t i)
{
	const char	*text = t->held.data;

	if (t->word[0] == '\0')
		return false;
	return text[i] == '[' ||
	    tolower((unsigned char)text[i]) == t->word[0];
}

/*
 * The offset of the blanks in front of a place, if they begin the line; else
 * the place itself.
 */
static size_t
line_start(const struct tidy *t, size_t i)
{
	const char	*text = t->held.data;
	size_t		 from = i;

	while (from > 0 && strchr(" \t", text[from - 1]) != NULL)
		from--;
	return (from == 0 ? !t->inside : text[from - 1] == '\n') ? from : i;
}

static bool
at_line_start(const struct tidy *t, size_t i)
{
	size_t	from = line_start(t, i);

	return from == 0 ? !t->inside : t->held.data[from - 1] == '\n';
}

/*
 * Extends a fence, at *from up to *to, to its whole line if nothing else is on
 * that line.  MAYBE: what follows has not come yet.
 */
static enum match
whole_line(const struct tidy *t, size_t *from, size_t *to, bool ended)
{
	const char	*text = t->held.data;
	const size_t	 len = t->held.len;
	enum match	 how = YES;
	size_t		 i = *to, n;

	if (!at_line_start(t, *from))
		return YES;
	/* Another fence may follow on the same line. */
	do {
		i += tidy_blanks(text + i, len - i, " \t\r", len);
		n = 0;
		if (i < len)
			how = tidy_fence(t, text + i, len - i, &n);
		i += n;
	} while (n > 0);
	if (!ended && (i == len || how == MAYBE))
		return MAYBE;
	if (i == len || text[i] == '\n') {
		*from = line_start(t, *from);
		*to = i + (i < len);
	}
	return YES;
}

/*
 * Finds what to remove next of what is held, from *from up to *to.  MAYBE: it
 * is undecided from *from on; NO: there is nothing.
 */
static enum match
scan(const struct tidy *t, bool ended, size_t *from, size_t *to)
{
	const char	*text = t->held.data;
	const size_t	 len = t->held.len;
	enum match	 how;
	size_t		 i, n;

	for (i = 0; i < len; i++) {
		*from = i;
		*to = len;
		if (text[i] == '<') {
			how = end_marks(text + i, len - i);
			if (how == YES && ended)
				return YES;
			if (how != NO && !ended)
				return MAYBE;
		} else if (may_begin(t, i)) {
			how = tidy_fence(t, text + i, len - i, &n);
			*to = i + n;
			if (how == YES || (how == MAYBE && ended && n > 0))
				how = whole_line(t, from, to, ended);
			else if (ended)
				how = NO;
			if (how == MAYBE)
				*from = line_start(t, i);
			if (how != NO)
				return how;
		}
	}
	/* The first blanks of a line may belong to a fence. */
	*from = ended ? len : line_start(t, len);
	return MAYBE;
}

/* Passes on the first n of the bytes that are held. */
static int
tidy_give(struct tidy *t, size_t n, struct buf *out)
{
	const char	*text = t->held.data, *nl;
	size_t		 line = 0;

	if (n == 0)
		return 0;
	if (buf_add(out, text, n) == -1)
		return -1;
	if ((nl = memrchr(text, '\n', n)) != NULL) {
		line = (size_t)(nl + 1 - text);
		t->inside = false;
	}
	if (tidy_blanks(text + line, n - line, " \t\r", n) < n - line)
		t->inside = true;
	buf_drop(&t->held, n);
	return 0;
}

/* Decides about what is held, as far as possible. */
static int
tidy_work(struct tidy *t, bool ended, struct buf *out)
{
	enum match	how;
	size_t		from, to;

	do {
		how = scan(t, ended, &from, &to);
		if (tidy_give(t, from, out) == -1)
			return -1;
		if (how == YES) {
			buf_drop(&t->held, to - from);
			t->found = true;
		}
	} while (how == YES);
	return 0;
}

int
tidy_add(struct tidy *t, const char *text, size_t len, struct buf *out)
{
	return buf_add(&t->held, text, len) == -1 ? -1
						  : tidy_work(t, false, out);
}

int
tidy_end(struct tidy *t, struct buf *out)
{
	return tidy_work(t, true, out);
}
