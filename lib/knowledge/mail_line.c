/*
 * Lines of mails in three languages.
 */
#include <string.h>
#include <strings.h>

#include "knowledge/mail_line.h"

enum { WROTE_MIN = 5 };		/* characters, as in "On Monday he wrote:" */

struct mail_line
mail_line_trim(const char *text, size_t len)
{
	while (len > 0 && strchr(" \t\r\n", *text) != NULL) {
		text++;
		len--;
	}
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	return (struct mail_line){ text, len };
}

bool
mail_line_begins(const struct mail_line *l, const char *with)
{
	const size_t	len = strlen(with);

	return l->len >= len && strncasecmp(l->text, with, len) == 0;
}

size_t
mail_line_count(const char *s, size_t len)
{
	size_t	i, n = 0;

	for (i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

bool
mail_line_wrote(const struct mail_line *l, size_t most)
{
	static const struct {
		const char	*begin, *verb;
	} forms[] = {
		{ "On ", " wrote:" }, { "Em ", " escreveu:" },
		{ "El ", " escribi" },
	};
	size_t	f, i, begin, verb, n;

	for (f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		if (!mail_line_begins(l, forms[f].begin))
			continue;
		begin = strlen(forms[f].begin);
		verb = strlen(forms[f].verb);
		for (i = begin; i + verb <= l->len; i++) {
			if (strncasecmp(l->text + i, forms[f].verb, verb) != 0)
				continue;
			n = mail_line_count(l->text + begin, i - begin);
			if (n >= WROTE_MIN && n <= most)
				return true;
		}
	}
	return false;
}

bool
mail_line_is_rule(const struct mail_line *l, size_t dashes)
{
	/* A line of a diff begins with dashes, too, but with a file's name. */
	static const char *const	words[] = {
		"Original", "Mensagem", "Mensaje"
	};
	static const char *const	originals[] = {
		"Original Message", "Mensagem original", "Mensaje original"
	};
	struct mail_line		word;
	size_t				i, n;

	for (n = 0; n < l->len && l->text[n] == '-'; n++)
		;
	if (n < dashes)
		return false;
	word = mail_line_trim(l->text + n, l->len - n);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!mail_line_begins(&word, words[i]))
			continue;
		if (l->text[l->len - 1] == '-')
			return true;
		if (mail_line_begins(&word, originals[i])) {
			n = strlen(originals[i]);
			word = mail_line_trim(word.text + n, word.len - n);
			return word.len == 0 || *word.text == '-';
		}
	}
	return false;
}

bool
mail_line_is_header(const struct mail_line *l)
{
	static const char *const	heads[] = {
		"De: ", "From: ", "Enviada em:", "Sent: ", "Para: ", "To: ",
		"Assunto: ", "Subject: ",
	};
	size_t				i;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		if (mail_line_begins(l, heads[i]))
			return true;
	}
	return false;
}

bool
mail_line_has(const char *s, const char *end, const char *const words[])
{
	size_t	i, len;

	for (; s < end; s++) {
		for (i = 0; words[i] != NULL; i++) {
			len = strlen(words[i]);
			if ((size_t)(end - s) >= len &&
			    strncasecmp(s, words[i], len) == 0)
				return true;
		}
	}
	return false;
}
