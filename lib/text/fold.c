/*
 * Folding, with the tables that fold_table.py makes.
 */
#include "base/utf8.h"
#include "text/fold.h"

#include "text/fold_table.h"

#define COUNT(table)	(sizeof(table) / sizeof((table)[0]))

/* The last row of a table whose first number, its `member', is at most c. */
#define FOLD_FIND(table, member, c, found)				\
	do {								\
		size_t	low_ = 0, high_ = COUNT(table), mid_;		\
									\
		while (high_ - low_ > 1) {				\
			mid_ = low_ + (high_ - low_) / 2;		\
			if ((table)[mid_] member <= (c))		\
				low_ = mid_;				\
			else						\
				high_ = mid_;				\
		}							\
		(found) = &(table)[low_];				\
	} while (0)

size_t
fold(uint32_t c, uint32_t out[FOLD_MAX])
{
	const struct fold_run	*run;
	uint32_t		 behind, to;
	size_t			 i, n;

	out[0] = c;
	if (c < 0x80) {
		if (c >= 'A' && c <= 'Z')
			out[0] = c + ('a' - 'A');
		return 1;
	}
	FOLD_FIND(fold_runs, .first, c, run);
	behind = c - run->first;
	if (c < run->first || behind >= run->count ||
	    (run->step == 2 && behind % 2 == 1))
		return 1;
	to = run->step == 3 ? fold_listed[run->to + behind] :
	    run->to + (run->step == 0 ? 0 : behind);
	if (to == 0)
		return 0;
	n = to >> 24;
	if (n == 0) {
		out[0] = to;
		return 1;
	}
	for (i = 0; i < n; i++)
		out[i] = fold_pool[(to & 0xffffff) + i];
	return n;
}

enum fold_kind
fold_kind(uint32_t c)
{
	const uint32_t	*kind;

	if (c < 0x80)
		return c >= '0' && c <= '9' ? FOLD_DIGIT :
		    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ?
		    FOLD_LETTER : FOLD_OTHER;
	FOLD_FIND(fold_kinds, >> 2, c, kind);
	return (enum fold_kind)(*kind & 3);
}

bool
fold_spaceless(uint32_t c)
{
	static const struct {
		uint32_t	first, last;
	} scripts[] = {
		{ 0x0e01, 0x0eff }, { 0x1000, 0x109f }, { 0x1780, 0x17ff },
		{ 0x2e80, 0x2fff }, { 0x3005, 0x9fff }, { 0xac00, 0xd7af },
		{ 0xf900, 0xfaff }, { 0xff66, 0xff9f }, { 0x20000, 0x3ffff },
	};
	size_t	i;

	if (c < scripts[0].first)
		return false;
	for (i = 0; i < COUNT(scripts); i++) {
		if (c <= scripts[i].last)
			return c >= scripts[i].first;
	}
	return false;
}

/* The character that a kana and a voicing mark are together; 0: none. */
static uint32_t
fold_voiced(uint32_t kana, uint32_t mark)
{
	const uint32_t	hiragana = kana >= 0x30a1 ? kana - 0x60 : kana;
	const bool	ha = hiragana >= 0x306f && hiragana <= 0x307b &&
			    hiragana % 3 == 0;
	const bool	ka = hiragana >= 0x304b && hiragana <= 0x3061 &&
			    hiragana % 2 == 1;
	const bool	tsu = hiragana == 0x3064 || hiragana == 0x3066 ||
			    hiragana == 0x3068;

	if (kana < 0x3046 || kana > 0x30f0)
		return 0;
	if (mark == 0x309a)
		return ha ? kana + 2 : 0;
	if (hiragana == 0x3046)
		return kana == 0x3046 ? 0x3094 : 0x30f4;
	return ha || ka || tsu ? kana + 1 : 0;
}

/*
 * Reads one character of UTF-8 and moves *s behind it; an invalid byte counts
 * as one that separates words.  *s must be below end.
 */
static uint32_t
fold_next(const char **s, const char *end)
{
	const unsigned char	*p = (const unsigned char *)*s;
	const int		 len = utf8_char(*s, (size_t)(end - *s));

	*s += len > 0 ? len : 1;
	switch (len) {
	case 1:
		return p[0];
	case 2:
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	case 3:
		return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 |
		    (p[2] & 0x3fu);
	case 4:
		return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 |
		    (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	default:
		return 0;
	}
}

void
fold_text(const char *text, size_t len, bool (*each)(void *, uint32_t, size_t,
    size_t), void *context)
{
	const char	*p = text, *end = text + len;
	uint32_t	 folded[FOLD_MAX], both, held = 0;
	size_t		 i, n, from, to, held_from = 0, held_to = 0;
	bool		 more = true;

	while (p < end && more) {
		from = (size_t)(p - text);
		n = fold(fold_next(&p, end), folded);
		to = (size_t)(p - text);
		for (i = 0; i < n && more; i++) {
			const uint32_t	c = folded[i];

			both = held != 0 && (c == 0x3099 || c == 0x309a) ?
			    fold_voiced(held, c) : 0;
			if (both != 0) {
				held = both;
				held_to = to;
				continue;
			}
			if (held != 0)
				more = each(context, held, held_from, held_to);
			held = c >= 0x3041 && c <= 0x30ff ? c : 0;
			held_from = from;
			held_to = to;
			if (held == 0 && more)
				more = each(context, c, from, to);
		}
	}
	if (held != 0 && more)
		(void)each(context, held, held_from, held_to);
}
