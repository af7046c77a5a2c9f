/*
 * The prompt: the system prompt and the ticket.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/file.h"
#include "base/limit.h"
#include "base/utf8.h"
#include "ollama/prompt.h"
#include "system_prompt.h"
#include "text/text.h"

char *
prompt_system(const struct settings *s, const char **why)
{
	const char	*path = s->text[SETTING_SYSTEM_PROMPT_FILE];
	char		*text;
	size_t		 len, mark;

	*why = NULL;

	if (*path == '\0')
		return strdup(system_prompt);
	if (strcmp(path, "none") == 0)
		return strdup("");
	if ((text = file_read(path, SYSTEM_PROMPT_MAX, false, &len)) == NULL) {
		*why = strerror(errno);
		return NULL;
	}
	/* With an empty prompt there would be no fence around the ticket. */
	if ((*why = utf8_instead(text, len)) != NULL) {
		free(text);
		errno = EILSEQ;
		return NULL;
	}
	mark = utf8_mark(text, len);
	memmove(text, text + mark, len - mark + 1);
	return text;
}

static int
prompt_draw(char word[PROMPT_WORD + 1])
{
	unsigned char	r[PROMPT_WORD / 2];
	size_t		i;

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return -1;
	for (i = 0; i < sizeof(r); i++)
		(void)snprintf(word + 2 * i, 3, "%02x", r[i]);
	/*
	 * Few other words begin with 0, so that tidy.c rarely has to hold text
	 * back.
	 */
	word[0] = '0';
	return 0;
}

/* Appends the text between the two lines of the fence. */
static int
prompt_fence(
    struct buf *b, const char *text, size_t len, char word[PROMPT_WORD + 1])
{
	do {
		if (prompt_draw(word) == -1)
			return -1;
	} while (len > 0 && memmem(text, len, word, PROMPT_WORD) != NULL);
	if (buf_puts(b, "[[") == -1 || buf_puts(b, word) == -1 ||
	    buf_puts(b, "]]\n") == -1 || buf_add(b, text, len) == -1 ||
	    buf_puts(b, "\n[[/") == -1 || buf_puts(b, word) == -1)
		return -1;
	return buf_puts(b, "]]\n");
}

int
prompt_ticket(struct buf *b, const char *system, const char *text, size_t len,
    char word[PROMPT_WORD + 1])
{
	char	*form;
	size_t	 form_len;
	int	 rc;

	word[0] = '\0';
	if ((form = text_form(text, len, &form_len)) == NULL)
		return -1;
	rc = *system == '\0' ? buf_add(b, form, form_len) :
	    prompt_fence(b, form, form_len, word);
	free(form);
	return rc;
}
