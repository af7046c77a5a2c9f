/*
 * Cleaning of mail, line by line.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "knowledge/clean.h"
#include "knowledge/mail_line.h"

enum {
	WROTE_MAX = 80,		/* characters of a line that says who wrote what
				   is quoted */
	CLOSING_MORE = 20	/* and of a name behind "Thanks," */
};

/* Whether a line is part of a quoted mail or of its head. */
static bool
clean_is_quote(const struct mail_line *l)
{
	return (l->len > 0 && *l->text == '>') || mail_line_is_header(l) ||
	    mail_line_is_rule(l, 3) || mail_line_wrote(l, WROTE_MAX);
}

/* Whether everything behind a line is a signature or another mail. */
static bool
clean_ends(const struct mail_line *l)
{
	return (l->len == 2 && memcmp(l->text, "--", 2) == 0) ||
	    mail_line_is_rule(l, 5) || mail_line_begins(l, "De: ") ||
	    mail_line_begins(l, "From: ");
}

/* Whether a line is only a closing, such as "Best regards,". */
static bool
clean_is_closing(const struct mail_line *l)
{
	static const struct {
		const char	*word;
		bool		 more;	/* a name may stand behind it */
	} closings[] = {
		{ "atenciosamente", false }, { "att", true },
		{ "obrigados", false }, { "obrigadas", false },
		{ "obrigado", false }, { "obrigada", false },
		{ "grato", true }, { "grata", true }, { "abs", true },
		{ "abracos", false }, { "abraços", false },
		{ "abraco", false }, { "abraço", false }, { "saludos", true },
		{ "regards", true }, { "kind regards", false },
		{ "best regards", false }, { "thanks", false },
		{ "thank you", false }, { "thx", false }, { "cheers", false },
		{ "sds", false },
	};
	size_t	i, j, len;

	for (i = 0; i < sizeof(closings) / sizeof(closings[0]); i++) {
		if (!mail_line_begins(l, closings[i].word))
			continue;
		len = strlen(closings[i].word);
		for (j = len; j < l->len && strchr(" \t.,!", l->text[j]) !=
		    NULL; j++)
			;
		if (j == l->len)
			return true;
		/* A word that only begins like it is none. */
		if (closings[i].more && j > len &&
		    mail_line_count(l->text + len, l->len - len) <=
		    CLOSING_MORE)
			return true;
	}
	return false;
}

/* Appends the lines that count. */
static int
clean_lines(const char *s, const char *end, struct buf *to)
{
	const char		*next;
	struct mail_line	 l;
	bool			 any = false;

	for (; s < end; s = next) {
		next = memchr(s, '\n', (size_t)(end - s));
		next = next == NULL ? end : next + 1;
		l = mail_line_trim(s, (size_t)(next - s));
		if (any && (clean_ends(&l) || clean_is_closing(&l)))
			break;
		if (clean_is_quote(&l))
			continue;
		if (buf_add(to, s, (size_t)(next - s)) == -1)
			return -1;
		any |= l.len > 0;
	}
	return 0;
}

int
clean(const char *text, size_t len, struct buf *to)
{
	struct buf	b = BUF_INIT(len);
	int		rc;

	if ((rc = clean_lines(text, text + len, &b)) == 0) {
		if (b.len > 0 && !utf8_blank(b.data, b.len)) {
			text = b.data;
			len = b.len;
		}
		rc = buf_add(to, text, utf8_cut(text, len, CLEAN_MAX));
	}
	buf_free(&b);
	return rc;
}
