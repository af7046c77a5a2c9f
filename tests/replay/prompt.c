/*
 * The prompt of a request, as a server with one slot reads it: it keeps the
 * last prompt, and reads of the next one only what comes behind the bytes that
 * both begin with.
 */
#include <string.h>

#include "replay.h"

/* The key at a place of the body whose value the model reads; NULL: none. */
static const char *
key_at(const char *p)
{
	static const char *const	keys[] = { "\"system\":\"",
					    "\"prompt\":\"", "\"content\":\"" };
	size_t				i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strncmp(p, keys[i], strlen(keys[i])) == 0)
			return keys[i];
	return NULL;
}

struct text
prompt_text(const char *body)
{
	struct text	 t;
	FILE		*f = memory(&t);
	const char	*p = body, *key;

	while (*p != '\0') {
		if ((key = key_at(p)) == NULL) {
			p++;
			continue;
		}
		for (p += strlen(key); *p != '\0' && *p != '"'; p++) {
			putc(*p, f);
			if (*p == '\\' && p[1] != '\0')
				putc(*++p, f);
		}
	}
	fclose(f);
	return t;
}

size_t
prompt_new(const struct text *t)
{
	struct slot	*s = options.slot;
	size_t		 same = 0;

	while (same < t->len && same < s->len && t->p[same] == s->prompt[same])
		same++;
	s->len = t->len < sizeof(s->prompt) ? t->len : sizeof(s->prompt);
	memcpy(s->prompt, t->p, s->len);
	return t->len - same;
}

struct text
prompt_refusal(void)
{
	static const char	body[] =
	    "{\"error\":\"{\\\"error\\\":{\\\"code\\\":400,\\\"message\\\":"
	    "\\\"request (5120 tokens) exceeds the available context size "
	    "(4096 tokens), try increasing it\\\",\\\"type\\\":"
	    "\\\"exceed_context_size_error\\\"}}\"}";
	struct text		 t;
	FILE			*f = memory(&t);

	fprintf(f, "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json"
	    "\r\nContent-Length: %zu\r\n\r\n%s", sizeof(body) - 1, body);
	fclose(f);
	return t;
}
