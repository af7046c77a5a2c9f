/*
 * Reads a mail line by line, and leaves out what its writer did not write.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "knowledge/mail.h"
#include "knowledge/mail_html.h"
#include "knowledge/mail_line.h"

enum {
	WRAPPED = 3,		/* lines of one that says who wrote what */
	WROTE_BYTES = 400,	/* and its length */
	HEAD_LINES = 6,		/* of the head of a quoted mail */
	SIGNED_LINES = 10,	/* of a signature behind "--" without its
				   blank */
	DEVICE_BYTES = 80,	/* "Sent from my telephone" */
	NOTE_BYTES = 200,	/* "See below" */
	UNDERSCORES = 10	/* above a quoted mail */
};

/* A mail while it is read. */
struct mail {
	struct mail_line	*lines;		/* with their line ends */
	size_t			 count;
	struct buf		*out;
	size_t			 start;		/* where it begins there */
	bool			 skips;		/* up to what was forwarded */
	bool			 head;		/* in the head of what was
						   forwarded */
	bool			 headed;	/* behind a line of it */
	bool			 quoted;	/* what was forwarded has > */
	bool			 blank;		/* the last line was */
	bool			 failed;
};

/* A line without the white space around it, without bold type's asterisk. */
static struct mail_line
mail_bare(const struct mail *m, size_t i)
{
	struct mail_line	l = mail_line_trim(m->lines[i].text,
				    m->lines[i].len);

	while (m->quoted && l.len > 0 && *l.text == '>')
		l = mail_line_trim(l.text + 1, l.len - 1);
	while (l.len > 0 && *l.text == '*') {
		l.text++;
		l.len--;
	}
	return l;
}

static bool
mail_begins(const struct mail_line *l, const char *const words[])
{
	size_t	i;

	for (i = 0; words[i] != NULL; i++) {
		if (mail_line_begins(l, words[i]))
			return true;
	}
	return false;
}

/* Whether the next line that is not blank begins with a >. */
static bool
mail_is_quoted(const struct mail *m, size_t i)
{
	struct mail_line	l;

	for (; i < m->count; i++) {
		l = mail_line_trim(m->lines[i].text, m->lines[i].len);
		if (l.len > 0)
			return *l.text == '>';
	}
	return false;
}

/* Whether a line stands above what was forwarded. */
static bool
mail_forwards(const struct mail_line *l)
{
	static const char *const	words[] = {
		"Forwarded message", "Mensagem encaminhada",
		"Mensagem reencaminhada", "Mensaje reenviado",
		"Begin forwarded message:", "Início da mensagem encaminhada:",
		"Início da mensagem reencaminhada:",
		"Inicio del mensaje reenviado:", NULL
	};
	struct mail_line		 word = *l;

	while (word.len > 0 && strchr("-> \t", *word.text) != NULL) {
		word.text++;
		word.len--;
	}
	return (word.text > l->text || (l->len > 0 && l->text[l->len - 1] ==
	    ':')) && mail_begins(&word, words);
}

/* Whether a line belongs to the head of a mail. */
static bool
mail_is_head(const struct mail_line *l)
{
	static const char *const	more[] = {
		"Enviado em:", "Enviado el:", "Enviado:", "Enviada:",
		"Date:", "Data:", "Fecha:", "Cc:", "Cco:", "Reply-To:",
		"Responder a:", "Asunto:", "Sent:", "To:", "Para:", "From:",
		"De:", "Subject:", "Assunto:", "Attachments:", "Anexos:",
		"Importance:", "Prioridade:", NULL
	};

	return mail_line_is_header(l) || mail_begins(l, more);
}

/* Whether the head of a quoted mail begins at a line: who, when, what. */
static bool
mail_head_at(const struct mail *m, size_t i)
{
	static const char *const	who[] = { "From:", "De:", NULL };
	static const char *const	when[] = {
		"Sent:", "Enviada em:", "Enviado em:", "Enviado el:",
		"Enviado:", "Enviada:", "Date:", "Data:", "Fecha:", NULL
	};
	static const char *const	what[] = {
		"To:", "Para:", "Subject:", "Assunto:", "Asunto:", NULL
	};
	struct mail_line		 l = mail_bare(m, i);
	bool				 sent = false, about = false;
	size_t				 j;

	if (!mail_begins(&l, who))
		return false;
	for (j = i + 1; j < m->count && j < i + HEAD_LINES; j++) {
		l = mail_bare(m, j);
		sent |= mail_begins(&l, when);
		about |= mail_begins(&l, what);
	}
	return sent && about;
}

/* Whether a line of underscores stands above such a head. */
static bool
mail_is_bar(const struct mail *m, size_t i)
{
	const struct mail_line	l = mail_bare(m, i);
	size_t			n = 0;

	while (n < l.len && l.text[n] == '_')
		n++;
	if (n < UNDERSCORES || n < l.len)
		return false;
	for (i++; i < m->count && mail_bare(m, i).len == 0; i++)
		;
	return i < m->count && mail_head_at(m, i);
}

/*
 * How many lines from i on say who wrote what is quoted below, as mail programs
 * break them; 0: none.  Names an address, or has a quote below it.
 */
static size_t
mail_wrote_at(const struct mail *m, size_t i)
{
	char			 text[WROTE_BYTES];
	struct mail_line	 l, all = { text, 0 };
	size_t			 n;

	for (n = 0; n < WRAPPED && i + n < m->count; n++) {
		l = mail_bare(m, i + n);
		if (l.len == 0 || all.len + l.len + 1 >= sizeof(text))
			return 0;
		if (n > 0)
			text[all.len++] = ' ';
		memcpy(text + all.len, l.text, l.len);
		all.len += l.len;
		while (all.len > 0 && strchr("* ", text[all.len - 1]) != NULL)
			all.len--;
		if (text[all.len - 1] == ':' && mail_line_wrote(&all,
		    WROTE_BYTES))
			return memchr(text, '@', all.len) != NULL ||
			    mail_is_quoted(m, i + n + 1) ? n + 1 : 0;
	}
	return 0;
}

/* Whether a signature begins at a line. */
static bool
mail_signs(const struct mail *m, size_t i)
{
	struct mail_line	l = m->lines[i];
	size_t			n = 0;

	while (l.len > 0 && strchr("\r\n", l.text[l.len - 1]) != NULL)
		l.len--;
	if (l.len == 3 && memcmp(l.text, "-- ", 3) == 0)
		return true;
	if (l.len != 2 || memcmp(l.text, "--", 2) != 0)
		return false;
	for (i++; i < m->count && n <= SIGNED_LINES; i++) {
		l = mail_bare(m, i);
		if (mail_forwards(&l))
			break;
		n += l.len > 0;
	}
	return n <= SIGNED_LINES;
}

/* Whether a mail program has written a line, the last one of the writer's. */
static bool
mail_is_device(const struct mail *m, size_t i)
{
	static const char *const	words[] = {
		"Sent from my ", "Sent from Mail for ", "Sent from Outlook",
		"Get Outlook for ", "Enviado do meu ", "Enviado desde mi ",
		"Enviado do Email para ", "Enviado do Outlook",
		"Obter o Outlook para ", "Obtenha o Outlook para ",
		"Obtener Outlook para ", NULL
	};

	struct mail_line		 l = mail_bare(m, i);

	if (l.len > DEVICE_BYTES || !mail_begins(&l, words))
		return false;
	for (i++; i < m->count && mail_bare(m, i).len == 0; i++)
		;
	if (i == m->count)
		return true;
	l = mail_bare(m, i);
	return *l.text == '>' || mail_forwards(&l) ||
	    mail_line_is_rule(&l, 3) || mail_is_bar(m, i) ||
	    mail_head_at(m, i) || mail_wrote_at(m, i) > 0;
}

/* Whether what was written so far only points to what is below. */
static bool
mail_points(const struct mail *m)
{
	static const char *const	words[] = {
		"fyi", "see below", "forward", "encaminh", "segue abaixo",
		"segue e-mail", "segue email", "vide abaixo", "veja abaixo",
		"reenv", NULL
	};
	const char			*s = m->out->data + m->start;
	const char			*end = m->out->data + m->out->len;

	if (m->out->len == m->start || utf8_blank(s, (size_t)(end - s)))
		return true;
	if (end - s > NOTE_BYTES)
		return false;
	return mail_line_has(s, end, words);
}

/* Another mail is quoted below: it is dropped, or was forwarded. */
static void
mail_meet_other(struct mail *m, size_t next)
{
	m->skips = !mail_points(m);
	m->head = !m->skips;
	m->headed = false;
	m->quoted = m->head && mail_is_quoted(m, next);
}

/* Appends a line; of several blank ones only one, and none at the start. */
static void
mail_put(struct mail *m, const char *text, size_t len)
{
	const bool	blank = mail_line_trim(text, len).len == 0;

	if (!m->failed && !(blank && (m->blank || m->out->len == m->start)))
		m->failed = buf_add(m->out, blank ? "\n" : text, blank ? 1 :
		    len) == -1;
	m->blank = blank;
}

/* Whether the head of a mail goes on at a line, perhaps behind blank ones. */
static bool
mail_head_goes_on(const struct mail *m, size_t i)
{
	struct mail_line	l = { NULL, 0 };

	for (; i < m->count && l.len == 0; i++)
		l = mail_bare(m, i);
	return l.len > 0 && mail_is_head(&l);
}

/* In the head of what was forwarded.  Returns whether the line i is done. */
static bool
mail_read_head(struct mail *m, size_t i)
{
	static const char *const	subjects[] = {
		"Subject:", "Assunto:", "Asunto:", NULL
	};
	const struct mail_line		 l = mail_bare(m, i);

	if (l.len == 0) {
		m->head = !m->headed || mail_head_goes_on(m, i);
		/* Of several blank lines only one looks ahead. */
		m->headed = false;
		return m->head;
	}
	if (mail_begins(&l, subjects)) {
		mail_put(m, l.text, l.len);
		m->failed = m->failed || buf_add(m->out, "\n", 1) == -1;
		m->headed = true;
		return true;
	}
	/* Addresses go on in the next line. */
	if (mail_is_head(&l) || (m->headed && memchr(l.text, '@', l.len) !=
	    NULL && l.text[l.len - 1] != '.')) {
		m->headed = true;
		return true;
	}
	m->head = false;
	return false;
}

/* Appends a line of the mail, without the > of what was forwarded. */
static void
mail_keep(struct mail *m, size_t i)
{
	struct mail_line	l = m->lines[i];

	if (m->quoted && *l.text == '>') {
		l.text++;
		l.len--;
		if (l.len > 0 && *l.text == ' ') {
			l.text++;
			l.len--;
		}
	}
	mail_put(m, l.text, l.len);
}

/* Reads the line i.  Returns how many lines were read. */
static size_t
mail_read(struct mail *m, size_t i)
{
	struct mail_line	l = mail_bare(m, i);
	size_t			n;

	if (mail_forwards(&l)) {
		m->skips = m->headed = false;
		m->head = true;
		m->quoted = mail_is_quoted(m, i + 1);
		return 1;
	}
	if (m->skips || (m->head && mail_read_head(m, i)) ||
	    mail_is_bar(m, i) || mail_is_device(m, i))
		return 1;
	if ((n = mail_wrote_at(m, i)) > 0) {
		/* Without > nobody knows where the quote ends. */
		m->skips = !mail_is_quoted(m, i + n);
		return n;
	}
	if (mail_line_is_rule(&l, 3)) {
		mail_meet_other(m, i + 1);
		return 1;
	}
	if (mail_head_at(m, i)) {
		mail_meet_other(m, i);
		return m->skips ? 1 : 0;
	}
	if (mail_signs(m, i)) {
		m->skips = true;
		return 1;
	}
	if (m->quoted || l.len == 0 || *l.text != '>')
		mail_keep(m, i);
	return 1;
}

/* Splits a text into lines.  Returns 0, or -1 with errno. */
static int
mail_split(struct mail *m, const char *text, size_t len)
{
	const char	*end = text + len, *next;
	size_t		 lines = 1;

	for (next = text; next < end; next++)
		lines += *next == '\n';
	if ((m->lines = calloc(lines, sizeof(*m->lines))) == NULL)
		return -1;
	for (; text < end; text = next) {
		next = memchr(text, '\n', (size_t)(end - text));
		next = next == NULL ? end : next + 1;
		m->lines[m->count].text = text;
		m->lines[m->count++].len = (size_t)(next - text);
	}
	return 0;
}

/* The length of a `data:' address at the beginning of a text; 0: none. */
static size_t
mail_data(const char *s, const char *end)
{
	static const char	begin[] = "data:";
	const char		*p = s + sizeof(begin) - 1;

	if ((size_t)(end - s) < sizeof(begin) || strncasecmp(s, begin,
	    sizeof(begin) - 1) != 0)
		return 0;
	while (p < end && (isalnum((unsigned char)*p) || strchr("/;=+.-_",
	    *p) != NULL))
		p++;
	if (p == end || *p != ',' || memchr(s, '/', (size_t)(p - s)) == NULL)
		return 0;
	for (p++; p < end && (isalnum((unsigned char)*p) || strchr("+/=%_-.~",
	    *p) != NULL); p++)
		;
	return (size_t)(p - s);
}

/* Copies a text without CR in front of LF and without `data:' addresses. */
static int
mail_copy(const char *s, size_t len, struct buf *to)
{
	const char	*end = s + len, *from = s;
	size_t		 n;

	while (s < end) {
		n = *s == '\r' && s + 1 < end && s[1] == '\n' ? 1 :
		    (*s == 'd' || *s == 'D') && (s == from ||
		    !isalnum((unsigned char)s[-1])) ? mail_data(s, end) : 0;
		if (n > 0) {
			if (buf_add(to, from, (size_t)(s - from)) == -1)
				return -1;
			from = s + n;
		}
		s += n > 0 ? n : 1;
	}
	return buf_add(to, from, (size_t)(end - from));
}

/* Reads all lines of a plain text. */
static int
mail_plain(const char *text, size_t len, struct buf *out)
{
	struct mail	m = { .out = out, .start = out->len };
	size_t		i;

	if (mail_split(&m, text, len) == -1)
		return -1;
	for (i = 0; i < m.count; i += mail_read(&m, i))
		;
	free(m.lines);
	if (m.failed)
		return -1;
	while (out->len > m.start && strchr(" \t\n", out->data[out->len -
	    1]) != NULL)
		out->len--;
	if (out->len > m.start && !utf8_blank(out->data + m.start,
	    out->len - m.start))
		return buf_add(out, "\n", 1);
	/* Nothing is left: better all of it than nothing. */
	out->len = m.start;
	return buf_add(out, text, len);
}

int
mail_text(const char *text, size_t len, struct buf *out)
{
	struct buf	html = BUF_INIT(4 * len + 64), plain = BUF_INIT(4 *
			    len + 64);
	int		rc = 0;

	if (mail_is_html(text, len)) {
		rc = mail_html(text, len, &html);
		if (rc == 0 && html.len > 0 && !utf8_blank(html.data,
		    html.len)) {
			text = html.data;
			len = html.len;
		}
	}
	if (rc == 0)
		rc = mail_copy(text, len, &plain);
	if (rc == 0)
		rc = mail_plain(plain.data == NULL ? "" : plain.data,
		    plain.len, out);
	buf_free(&html);
	buf_free(&plain);
	return rc;
}
