/*
 * The terms of a text, in one pass and without memory of its own: of a word
 * only its beginning is kept, of a run only a window.
 */
#include <string.h>

#include "base/utf8.h"
#include "text/fold.h"
#include "knowledge/stop.h"
#include "knowledge/terms.h"

enum {
	CUT = 6,		/* letters of a word */
	DIGITS_MAX = 32,	/* bytes of a word with a digit */
	WORD_MAX = 48,		/* characters of a word that are kept */
	PAIR = 2, QUAD = 4,	/* characters of a part of a run */
	CODE = 5,		/* characters of a code */
	ID_LETTERS = 4, ID_DIGITS = 4
};

enum state { OUTSIDE, IN_WORD, IN_RUN };

struct walk {
	bool		(*each)(void *, const struct term *);
	void		*context;
	bool		 over;		/* each returned false */
	enum state	 state;
	uint32_t	 word[WORD_MAX];	/* or the window of a run */
	size_t		 len;		/* of the word, or of the run */
	uint32_t	 last[2];	/* the end of the word */
	bool		 digit;
	size_t		 part;		/* PAIR or QUAD */
};

static size_t
terms_encode(const uint32_t *c, size_t count, size_t max, char *to)
{
	size_t	i, len = 0, n;
	char	one[4];

	for (i = 0; i < count; i++) {
		n = utf8_encode(c[i], one);
		if (len + n > max)
			break;
		memcpy(to + len, one, n);
		len += n;
	}
	to[len] = '\0';
	return len;
}

static void
terms_tell(struct walk *w, struct term *t)
{
	if (!w->over && t->len > 0)
		w->over = !w->each(w->context, t);
}

static bool
terms_is_number(const char *s, size_t len)
{
	return strspn(s, "0123456789") == len;
}

/* A word with a digit, and the digits alone of KB5034441 and the like. */
static void
terms_digits(struct walk *w)
{
	char		text[DIGITS_MAX + 1], *p = text;
	struct term	t = { .weight = 1, .digit = true };
	size_t		letters;

	t.len = terms_encode(w->word, w->len < WORD_MAX ? w->len : WORD_MAX,
	    DIGITS_MAX, text);
	if (t.len > 4 && p[0] == '0' && p[1] == 'x') {
		p += 2;
		t.len -= 2;
	}
	t.text = p;
	t.code = t.len >= CODE;
	t.common = t.len < 3 && terms_is_number(p, t.len);
	terms_tell(w, &t);
	letters = strspn(p, "abcdefghijklmnopqrstuvwxyz");
	if (letters > 0 && letters <= ID_LETTERS && t.len - letters >=
	    ID_DIGITS && terms_is_number(p + letters, t.len - letters)) {
		t.text += letters;
		t.len -= letters;
		t.code = t.len >= CODE;
		terms_tell(w, &t);
	}
}

static void
terms_word(struct walk *w)
{
	char		text[4 * WORD_MAX + 1];
	struct term	t = { .weight = 1, .text = text };
	size_t		count = w->len;

	if (w->digit) {
		terms_digits(w);
		return;
	}
	if (w->len <= WORD_MAX) {
		t.len = terms_encode(w->word, w->len, sizeof(text) - 1, text);
		t.common = stop_has(text, t.len);
	}
	if (w->len == 1 && w->word[0] < 0x0e00)
		t.common = true;
	if (count >= 4 && w->last[1] == 's' && w->last[0] != 's')
		count--;
	t.len = terms_encode(w->word, count < CUT ? count : CUT,
	    sizeof(text) - 1, text);
	terms_tell(w, &t);
}

/* Tells a part of a run, unless it is hiragana only. */
static void
terms_part(struct walk *w, size_t count)
{
	char		text[4 * QUAD + 1];
	struct term	t = { .weight = 1.0 / (double)w->part, .text = text };
	bool		hiragana = true;
	size_t		i;

	for (i = 0; i < count; i++) {
		hiragana &= w->word[i] >= 0x3040 && w->word[i] <= 0x309f;
		t.digit |= fold_kind(w->word[i]) == FOLD_DIGIT;
	}
	if (hiragana)
		return;
	t.len = terms_encode(w->word, count, sizeof(text) - 1, text);
	terms_tell(w, &t);
}

static void
terms_end(struct walk *w)
{
	if (w->state == IN_WORD)
		terms_word(w);
	else if (w->state == IN_RUN && w->len < w->part)
		terms_part(w, w->len);
	w->state = OUTSIDE;
	w->len = 0;
	w->digit = false;
}

static bool
terms_is_quad(uint32_t c)
{
	return (c >= 0x0e00 && c <= 0x0eff) || (c >= 0x1000 && c <= 0x109f) ||
	    (c >= 0x1780 && c <= 0x17ff);
}

static void
terms_run(struct walk *w, uint32_t c)
{
	if (w->state != IN_RUN) {
		terms_end(w);
		w->state = IN_RUN;
		w->part = terms_is_quad(c) ? QUAD : PAIR;
	}
	if (w->len >= w->part)
		memmove(w->word, w->word + 1, (w->part - 1) * sizeof(c));
	w->word[w->len < w->part ? w->len : w->part - 1] = c;
	if (++w->len >= w->part)
		terms_part(w, w->part);
}

/* Takes a folded character. */
static void
terms_take(struct walk *w, uint32_t c)
{
	const enum fold_kind	kind = fold_kind(c);

	if (kind == FOLD_OTHER || (kind == FOLD_MARK && w->state == OUTSIDE &&
	    !fold_spaceless(c))) {
		terms_end(w);
	} else if (fold_spaceless(c)) {
		terms_run(w, c);
	} else {
		if (w->state != IN_WORD) {
			terms_end(w);
			w->state = IN_WORD;
		}
		if (w->len < WORD_MAX)
			w->word[w->len] = c;
		w->len++;
		w->last[0] = w->last[1];
		w->last[1] = c;
		w->digit |= kind == FOLD_DIGIT;
	}
}

static bool
terms_each(void *context, uint32_t c, size_t from, size_t to)
{
	struct walk	*w = context;

	(void)from;
	(void)to;
	terms_take(w, c);
	return !w->over;
}

void
terms(const char *text, size_t len, bool (*each)(void *, const struct term *),
    void *context)
{
	struct walk	w = { .each = each, .context = context };

	fold_text(text, len, terms_each, &w);
	terms_end(&w);
}

/* For joining terms. */
struct joined {
	struct buf	*to;
	size_t		 most;	/* different terms; 0: all terms */
	size_t		 count;
	bool		 failed;
};

/* Whether a term stands in a list of terms with blanks between them. */
static bool
terms_has(const struct buf *b, const char *text, size_t len)
{
	const char	*p = b->data, *end, *hit;

	if (b->len == 0)
		return false;
	for (end = p + b->len; (hit = memmem(p, (size_t)(end - p), text,
	    len)) != NULL; p = hit + 1) {
		if ((hit == b->data || hit[-1] == ' ') &&
		    (hit + len == end || hit[len] == ' '))
			return true;
	}
	return false;
}

static bool
terms_add(void *context, const struct term *t)
{
	struct joined	*j = context;

	if (j->most > 0 && terms_has(j->to, t->text, t->len))
		return true;
	if (j->most > 0 && j->count++ >= j->most)
		return false;
	j->failed = (j->to->len > 0 && buf_add(j->to, " ", 1) == -1) ||
	    buf_add(j->to, t->text, t->len) == -1;
	return !j->failed;
}

int
terms_join(const char *text, size_t len, struct buf *to)
{
	struct joined	j = { .to = to };

	terms(text, len, terms_add, &j);
	return j.failed ? -1 : 0;
}

int
terms_join_distinct(const char *text, size_t len, size_t most, struct buf *to)
{
	struct joined	j = { .to = to, .most = most };
	size_t		i;

	for (i = 0; i < to->len; i++)
		j.count += i == 0 || to->data[i] == ' ';
	terms(text, len, terms_add, &j);
	return j.failed ? -1 : 0;
}
