/*
 * Finds out whether a mail is HTML, and drops what its program has marked as
 * quoted or as a signature.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "knowledge/html.h"
#include "knowledge/mail_html.h"
#include "knowledge/mail_line.h"

enum { TAG_NAME = 16, NEAR = 400 };	/* bytes */

/* In place of a quoted mail; shorter than the tag that begins one. */
#define QUOTED	"<p>&gt;</p>"

/* A tag in a text: from its < to behind its >. */
struct tag {
	const char	*begin, *end;
	char		 name[TAG_NAME + 1];	/* in lower case */
	bool		 closes;
};

/* Those that mails consist of. */
static const char	tags_known[] = " html head body div p br span table "
    "tbody tr td th b strong i em u a ul ol li font img blockquote h1 h2 h3 h4 "
    "h5 h6 hr pre center style script meta title link o:p ";

static bool
mail_word_in(const char *word, const char *list)
{
	const size_t	 len = strlen(word);
	const char	*p = list;

	while (len > 0 && (p = strstr(p, word)) != NULL) {
		if (p[-1] == ' ' && p[len] == ' ')
			return true;
		p++;
	}
	return false;
}

/* Reads the tag at a <.  Returns false if it is none that we know. */
static bool
mail_tag(const char *s, const char *end, struct tag *t)
{
	size_t	n = 0;
	char	quote = '\0';

	t->begin = s++;
	t->closes = s < end && *s == '/';
	s += t->closes;
	for (; s < end && n < TAG_NAME && (isalnum((unsigned char)*s) ||
	    *s == ':'); s++)
		t->name[n++] = (char)tolower((unsigned char)*s);
	t->name[n] = '\0';
	if (!mail_word_in(t->name, tags_known) || (s < end &&
	    strchr(" \t\r\n/>", *s) == NULL))
		return false;
	for (; s < end && (quote != '\0' || *s != '>'); s++) {
		if (quote != '\0')
			quote = *s == quote ? '\0' : quote;
		else if ((*s == '"' || *s == '\'') && s[-1] == '=')
			quote = *s;
		else if (*s == '<')
			return false;
	}
	t->end = s + 1;
	return s < end;
}

/* Whether a declaration or a comment begins at a <. */
static bool
mail_declares(const char *s, const char *end)
{
	return end - s > 4 && (strncasecmp(s, "<!--", 4) == 0 ||
	    strncasecmp(s, "<!doc", 5) == 0 || strncasecmp(s, "<?xml", 5) == 0);
}

bool
mail_is_html(const char *text, size_t len)
{
	const char	*end = text + len, *s = text;
	struct tag	 t;
	size_t		 lines = 0, opened = 0, closed = 0;

	while (s < end && strchr(" \t\r\n", *s) != NULL)
		s++;
	while (end > s && strchr(" \t\r\n", end[-1]) != NULL)
		end--;
	if (s == end)
		return false;
	if (*s == '<' && end[-1] == '>' && (mail_declares(s, end) ||
	    mail_tag(s, end, &t)))
		return true;
	/* A fragment: nothing but tags has a <, and some break lines. */
	if (memchr(s, '`', (size_t)(end - s)) != NULL)
		return false;
	while ((s = memchr(s, '<', (size_t)(end - s))) != NULL) {
		if (!mail_tag(s, end, &t))
			return false;
		lines += strcmp(t.name, "br") == 0;
		if (strcmp(t.name, "p") == 0 || strcmp(t.name, "div") == 0) {
			opened += !t.closes;
			closed += t.closes && opened > closed;
		}
		s = t.end;
	}
	return lines >= 2 || (opened > 0 && opened == closed);
}

/* Whether a tag begins what is to be dropped. */
static bool
mail_drops(const struct tag *t, const char *begin, const char *end)
{
	static const char *const	quotes[] = {
		"type=\"cite\"", "type='cite'", "type=cite", "gmail_quote",
		"protonmail_quote", NULL
	};
	static const char *const	signatures[] = {
		"gmail_signature", "moz-signature", "applemailsignature",
		"ms-outlook-mobile-signature", "id=\"signature\"", NULL
	};
	static const char *const	forwarded[] = {
		"forwarded message", "mensagem encaminhada",
		"mensagem reencaminhada", "mensaje reenviado", NULL
	};
	static const char		 empty[] = " br hr img meta link ";
	const char			*from = t->begin - begin > NEAR ?
					    t->begin - NEAR : begin;
	const char			*to = end - t->end > NEAR ?
					    t->end + NEAR : end;

	/* They have no end that could be looked for. */
	if (t->closes || t->end[-2] == '/' || mail_word_in(t->name, empty))
		return false;
	if (strcmp(t->name, "blockquote") == 0)
		return mail_line_has(t->begin, t->end, quotes) &&
		    !mail_line_has(from, to, forwarded);
	return mail_line_has(t->begin, t->end, signatures);
}

/* Where the element that a tag begins has ended. */
static const char *
mail_behind(const struct tag *first, const char *end)
{
	struct tag	 t;
	const char	*s = first->end;
	size_t		 depth = 1;

	while (depth > 0 && s < end &&
	    (s = memchr(s, '<', (size_t)(end - s))) != NULL) {
		if (!mail_tag(s, end, &t)) {
			s++;
			continue;
		}
		if (strcmp(t.name, first->name) == 0)
			depth += t.closes ? (size_t)-1 : 1;
		s = t.end;
	}
	return s == NULL ? end : s;
}

int
mail_html(const char *text, size_t len, struct buf *out)
{
	const char	*end = text + len, *s = text, *from = text;
	struct buf	 b = BUF_INIT(2 * len);
	struct tag	 t;
	int		 rc = 0;

	while (rc == 0 && (s = memchr(s, '<', (size_t)(end - s))) != NULL) {
		if (!mail_tag(s, end, &t)) {
			s++;
		} else if (mail_drops(&t, text, end)) {
			rc = buf_add(&b, from, (size_t)(s - from));
			from = s = mail_behind(&t, end);
			/* So that the line above it is known. */
			if (rc == 0 && strcmp(t.name, "blockquote") == 0)
				rc = buf_puts(&b, QUOTED);
		} else {
			s = t.end;
		}
	}
	if (rc == 0)
		rc = buf_add(&b, from, (size_t)(end - from));
	if (rc == 0)
		rc = html_text(b.data == NULL ? "" : b.data, b.len, NULL, 0,
		    out);
	buf_free(&b);
	return rc;
}
