/*
 * The demonstration: the words of a ticket choose a text, which is cut into
 * pieces like a model's tokens.
 */
#include <err.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/* Counts how often the expression matches in the text. */
static int
count(const char *text, const char *expression)
{
	regex_t		re;
	regmatch_t	at;
	int		n = 0;

	if (regcomp(&re, expression, REG_EXTENDED | REG_ICASE) != 0)
		errx(111, "bad expression: %s", expression);
	for (; regexec(&re, text, 1, &at, 0) == 0; text += at.rm_eo)
		n++;
	regfree(&re);
	return n;
}

/* The text to be answered, in a request: the prompt, or the last message.  What
   is escaped in it becomes blanks, so that words have their ends. */
static char *
ticket(const char *body)
{
	static const char *const	keys[] = { "\"prompt\":\"",
					    "\"content\":\"" };
	const char			*p, *found = "";
	char				*text;
	size_t				 i, n = 0;

	for (i = 0; i < 2; i++)
		for (p = body; (p = strstr(p, keys[i])) != NULL; )
			found = p += strlen(keys[i]);
	while (found[n] != '\0' && found[n] != '"')
		n += found[n] == '\\' && found[n + 1] != '\0' ? 2 : 1;
	if ((text = strndup(found, n)) == NULL)
		err(111, NULL);
	for (i = 0; text[i] != '\0'; i++)
		if (text[i] == '\\' && text[i + 1] != '\0')
			text[i] = text[i + 1] = ' ';
	return text;
}

/* The text that fits the ticket best, without line ends at its end. */
static struct text
choose(const char *dir, const char *body)
{
	static const char *const	topics[][2] = {
		{ "printer", "impress|imprim|print|toner|papel|paper|scan" },
		{ "password", "senha|password|log ?in|bloquead|locked" },
		{ "network", "\\brede|internet|wi-?fi|vpn|network|conex" },
		{ "other", "" },
	};
	static const char		en[] = "\\b(the|my|is|not|and|you|in|"
					    "an|won|can)\\b|print|password";
	static const char		pt[] = "\\b(de|que|minha|meu|um|uma|"
					    "com|na|para|est)\\b|impress|senha";
	char				*asked = ticket(body), name[4096];
	struct text			 t;
	size_t				 i = 0;

	while (*topics[i][1] != '\0' && count(asked, topics[i][1]) == 0)
		i++;
	(void)snprintf(name, sizeof(name), "%s/%s.%s.txt", dir, topics[i][0],
	    count(asked, en) > count(asked, pt) ? "en" : "pt");
	free(asked);
	t = load(name);
	while (t.len > 0 && t.p[t.len - 1] == '\n')
		t.p[--t.len] = '\0';
	return t;
}

/*
 * The length of the next piece: a word with the space before it, the beginning
 * of a long word, or line ends.
 */
static size_t
piece(const char *s)
{
	size_t	n = strspn(s, "\n");

	if (n > 0)
		return n;
	n = strspn(s, " ");
	n += strcspn(s + n, " \n");
	if (n > 10)
		for (n = 6; (s[n] & 0xc0) == 0x80; )
			n++;
	return n;
}

static void
put_line(FILE *f, const char *s, size_t n)
{
	fputs("{\"model\":\"demo\",\"response\":\"", f);
	for (; n > 0; n--, s++)
		if ((unsigned char)*s < ' ' || *s == '"' || *s == '\\')
			fprintf(f, "\\u%04x", (unsigned int)*s);
		else
			fputc(*s, f);
}

struct text
demo_lines(const char *dir, const char *body)
{
	struct text	 said = choose(dir, body), lines;
	const char	*p = said.p;
	FILE		*f = memory(&lines);
	size_t		 n, tokens = 0;

	for (; *p != '\0'; p += n, tokens++) {
		put_line(f, p, n = piece(p));
		fputs("\",\"done\":false}\n", f);
	}
	put_line(f, "", 0);
	fprintf(f, "\",\"done\":true,\"done_reason\":\"stop\","
	    "\"prompt_eval_count\":%zu,\"eval_count\":%zu}\n",
	    strlen(body) / 4 + 1, tokens);
	fclose(f);
	free(said.p);
	return lines;
}
