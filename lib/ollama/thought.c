/*
 * Separates a model's thoughts from its answer.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/limit.h"
#include "ollama/thought.h"

/* Bytes of one of Harmony's heads, up to <|message|>: a few words. */
#define HARMONY_HEAD_MAX	200

/* Bytes of white space that may stand in front of thoughts. */
#define THOUGHT_WHITE_MAX	4096

static const struct pair {
	const char	*opener, *closer;
} pairs[] = {
	{ "<think>", "</think>" },
	{ "<thinking>", "</thinking>" },
	{ "[THINK]", "[/THINK]" },			/* Magistral */
	{ "<|START_THINKING|>", "<|END_THINKING|>" },	/* Command A */
	{ "<thought>", "</thought>" },
	{ "<reasoning>", "</reasoning>" },
	{ "<seed:think>", "</seed:think>" },		/* Seed-OSS */
	{ "<|begin_of_thought|>", "<|end_of_thought|>" },
	{ "◁think▷", "◁/think▷" },			/* Kimi-VL */
};

/* White space that is no ASCII: a byte order mark, a no-break space and a
 * space of no width. */
static const char *const	wide[] = { "\xef\xbb\xbf", "\xc2\xa0",
				    "\xe2\x80\x8b" };

enum { WIDE = sizeof(wide) / sizeof(wide[0]) };

enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]) };

/* Harmony, gpt-oss' format: <|start|>ROLE<|channel|>NAME<|message|>TEXT and
 * one of the ends, again and again. */
static const char	start[] = "<|start|>", channel[] = "<|channel|>",
			message[] = "<|message|>";
static const char *const	ends[] = { "<|end|>", "<|return|>",
				    "<|call|>" };

enum { ENDS = sizeof(ends) / sizeof(ends[0]) };

/* Whether a mark is found at a place. */
enum match { NO, MAYBE, YES };	/* MAYBE: the text ends within it */

static enum match
match(const char *text, size_t len, const char *mark)
{
	size_t	n = strlen(mark);

	/* An empty buffer has no text at all. */
	if (len > 0 && strncasecmp(text, mark, len < n ? len : n) != 0)
		return NO;
	return len < n ? MAYBE : YES;
}

/*
 * The offset of a mark in a text, or of the end of the text that may be its
 * beginning; the length of the text if there is neither.
 */
static size_t
thought_find(const char *text, size_t len, const char *mark, enum match *how)
{
	const char	first[] = { *mark, '\0' };
	size_t		i;

	for (i = 0; i < len; i++) {
		const char	*at = memchr(text + i, *first, len - i);

		if (at == NULL)
			break;
		i = (size_t)(at - text);
		if ((*how = match(at, len - i, mark)) != NO)
			return i;
	}
	*how = NO;
	return len;
}

static size_t
thought_blanks(const char *text, size_t len)
{
	size_t	n = 0, i;

	do {
		while (n < len && text[n] != '\0' &&
		    strchr(" \t\r\n\v\f", text[n]) != NULL)
			n++;
		for (i = 0; i < WIDE; i++) {
			if (match(text + n, len - n, wide[i]) == YES) {
				n += strlen(wide[i]);
				break;
			}
		}
	} while (i < WIDE);
	return n;
}

void
thought_begin(struct thought *t)
{
	t->state = THOUGHT_START;
	t->opened = t->dropped = false;
	buf_clear(&t->held);
}

static bool
thinking(const struct thought *t)
{
	return t->state == THOUGHT_INSIDE || t->state == THOUGHT_CHANNEL;
}

/* Passes on n of the bytes that are held. */
static int
thought_give(struct thought *t, size_t n, struct buf *out)
{
	if (n > 0 && buf_add(out, t->held.data, n) == -1)
		return -1;
	buf_drop(&t->held, n);
	return 0;
}

static void
thought_drop(struct thought *t, size_t n)
{
	t->dropped = true;
	buf_drop(&t->held, n);
}

/*
 * Reads Harmony's head at the start of a text, up to <|message|>; the name in
 * the head says whether thoughts follow.  MAYBE: the rest of the head has not
 * come.
 */
static enum match
head(struct thought *t, const char *text, size_t len)
{
	enum match	how;
	size_t		n = thought_find(text, len, message, &how), at;

	/*
	 * The words of a head are letters; a text about the mark has other
	 * characters there.
	 */
	at = strlen(match(text, len, start) == YES ? start : channel);
	if (at < len && !isalpha((unsigned char)text[at]))
		return NO;
	if (how != YES)
		return len < HARMONY_HEAD_MAX ? MAYBE : NO;
	at = thought_find(text, n, channel, &how);
	t->state = THOUGHT_FINAL;
	if (how == YES) {
		text += at + sizeof(channel) - 1;
		text += thought_blanks(text, n);
		if (strncasecmp(text, "analysis", 8) == 0 ||
		    strncasecmp(text, "commentary", 10) == 0) {
			t->state = THOUGHT_CHANNEL;
			t->opened = true;
		}
	}
	thought_drop(t, (size_t)(t->held.len - len) + n + sizeof(message) - 1);
	return YES;
}

/*
 * Looks for a mark at the start of the text.  MAYBE: more has to come first;
 * NO: there is none.
 */
static enum match
mark(struct thought *t, size_t white)
{
	const char	*text = t->held.data + white;
	const size_t	 len = t->held.len - white;
	enum match	 how, best = NO;
	size_t		 i;

	for (i = 0; i < PAIRS; i++) {
		how = match(text, len, pairs[i].opener);
		if (how == YES) {
			t->state = THOUGHT_INSIDE;
			t->closer = pairs[i].closer;
			t->opened = true;
			thought_drop(t, white + strlen(pairs[i].opener));
			return YES;
		}
		best = how == MAYBE ? MAYBE : best;
		how = match(text, len, pairs[i].closer);
		if (how == YES) {
			thought_drop(t, white + strlen(pairs[i].closer));
			return YES;
		}
		best = how == MAYBE ? MAYBE : best;
	}
	for (i = 0; i < WIDE; i++)
		best = match(text, len, wide[i]) == MAYBE ? MAYBE : best;
	for (i = 0; i < 2; i++) {
		how = match(text, len, i == 0 ? start : channel);
		if (how == YES)
			return head(t, text, len);
		best = how == MAYBE ? MAYBE : best;
	}
	return best;
}

/*
 * Works on what is held in the state THOUGHT_START. Returns true if something
 * was decided and there may be more to decide.
 */
static bool
at_start(struct thought *t, int *rc, struct buf *out)
{
	size_t	white = thought_blanks(t->held.data, t->held.len);

	if (white == t->held.len) {
		/*
		 * White space in front of a thought and behind it is dropped.
		 */
		if (t->dropped)
			buf_clear(&t->held);
		else if (white > THOUGHT_WHITE_MAX)
			*rc = thought_give(t, white, out);
		return false;
	}
	switch (mark(t, white)) {
	case MAYBE:
		return false;
	case YES:
		return true;
	case NO:
	default:
		if (t->dropped)
			buf_drop(&t->held, white);
		t->state = THOUGHT_TEXT;
		return true;
	}
}

/* The same in thoughts that end with `closer'. */
static bool
thought_inside(struct thought *t)
{
	enum match	how;
	size_t n = thought_find(t->held.data, t->held.len, t->closer, &how);

	thought_drop(t, how == YES ? n + strlen(t->closer) : n);
	if (how == YES)
		t->state = THOUGHT_START;
	return how == YES;
}

/* The same in Harmony's thoughts, which reach to an end or to the next head. */
static bool
in_channel(struct thought *t)
{
	const char	*marks[ENDS + 2] = { start, channel };
	enum match	 how, best = NO;
	size_t		 i, n, first = t->held.len, which = 0;

	memcpy(marks + 2, ends, sizeof(ends));
	for (i = 0; i < ENDS + 2; i++) {
		n = thought_find(t->held.data, t->held.len, marks[i], &how);
		if (how == NO || n > first || (n == first && best == YES))
			continue;
		first = n;
		best = how;
		which = i;
	}
	thought_drop(t, first);
	if (best != YES)
		return false;
	if (which >= 2)
		thought_drop(t, strlen(marks[which]));
	t->state = THOUGHT_START;
	return true;
}

/*
 * The same in Harmony's answer, which only an end with a new head behind it
 * ends.
 */
static bool
in_final(struct thought *t, int *rc, struct buf *out)
{
	const char	*text = t->held.data, *at;
	const size_t	 len = t->held.len;
	enum match	 how = NO;
	size_t		 n = 0, i, next;

	while (n < len && (at = memchr(text + n, '<', len - n)) != NULL) {
		n = (size_t)(at - text);
		for (i = 0, how = NO; i < ENDS && how == NO; i++) {
			how = match(at, len - n, ends[i]);
			if (how != YES)
				continue;
			next = n + strlen(ends[i]);
			next += thought_blanks(text + next, len - next);
			how = next == len ? MAYBE : match(text + next,
			    len - next, start);
			if (how != YES)
				continue;
			*rc = thought_give(t, n, out);
			thought_drop(t, next - n);
			t->state = THOUGHT_START;
			return true;
		}
		if (how == MAYBE)
			break;
		n++;
	}
	*rc = thought_give(t, how == MAYBE ? n : len, out);
	return false;
}

int
thought_add(struct thought *t, const char *text, size_t len, struct buf *out)
{
	bool	more;
	int	rc = 0;

	if (t->state == THOUGHT_TEXT && t->held.len == 0)
		return buf_add(out, text, len);
	if (buf_add(&t->held, text, len) == -1)
		return -1;
	do {
		more = false;
		if (t->held.len == 0)
			break;
		switch (t->state) {
		case THOUGHT_START:
			more = at_start(t, &rc, out);
			break;
		case THOUGHT_INSIDE:
			more = thought_inside(t);
			break;
		case THOUGHT_CHANNEL:
			more = in_channel(t);
			break;
		case THOUGHT_FINAL:
			more = in_final(t, &rc, out);
			break;
		case THOUGHT_TEXT:
		default:
			rc = thought_give(t, t->held.len, out);
			break;
		}
	} while (more && rc == 0);
	return rc;
}

int
thought_end(struct thought *t, struct buf *out)
{
	const size_t	 white = thought_blanks(t->held.data, t->held.len);
	const char	*text = t->held.data + white;
	const size_t	 len = t->held.len - white;

	/* A part of a mark is text; a head that nothing follows is not. */
	if (thinking(t) || (t->state == THOUGHT_START && len > 0 &&
	    (match(text, len, start) == YES || match(text, len, channel) ==
	    YES)))
		buf_clear(&t->held);
	else if (t->state == THOUGHT_START && t->dropped)
		buf_drop(&t->held, white);
	return thought_give(t, t->held.len, out);
}

size_t
thought_late(const char *text, size_t len)
{
	static const char	final[] = "<|channel|>final<|message|>";
	size_t			from = 0, i, n, opener, closer, behind;
	enum match		how;

	do {
		opener = closer = len;
		behind = 0;
		for (i = 0; i <= PAIRS; i++) {
			n = from +
			    thought_find(text + from, len - from,
				i < PAIRS ? pairs[i].opener
					  : "<|channel|>analysis",
				&how);
			if (how == YES && n < opener)
				opener = n;
			n = from +
			    thought_find(text + from, len - from,
				i < PAIRS ? pairs[i].closer : final, &how);
			if (how == YES && n < closer) {
				closer = n;
				behind = n + strlen(i < PAIRS ?
				    pairs[i].closer : final);
			}
		}
		if (behind == 0 || opener < closer)
			break;
		from = behind;
	} while (from < len);
	if (from > 0)
		from += thought_blanks(text + from, len - from);
	return from;
}
