/*
 * What is sent to Ollama.
 */
#include <stdlib.h>
#include <string.h>

#include "jsonw.h"
#include "ollama.h"

/* keep_alive is a number of seconds or a duration like "30m". */
static void
write_keep_alive(struct jsonw *w, const char *value)
{
	char	*end;
	long	 n;

	n = strtol(value, &end, 10);
	if (*end == '\0')
		jsonw_int(w, "keep_alive", n);
	else
		jsonw_text(w, "keep_alive", value);
}

static void
write_think(struct jsonw *w, const char *value)
{
	if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		jsonw_trusted(w, "think", value);
	else if (strcmp(value, "server") != 0)
		jsonw_text(w, "think", value);
}

static void
write_message(struct jsonw *w, const char *role, const char *text, size_t len)
{
	jsonw_object(w, NULL);
	jsonw_text(w, "role", role);
	jsonw_string(w, "content", text, len);
	jsonw_close(w);
}

/* What decides how the model is loaded, and for how long. */
static void
write_settings(struct jsonw *w, const struct settings *s)
{
	if (*s->text[SETTING_OLLAMA_KEEP_ALIVE] != '\0')
		write_keep_alive(w, s->text[SETTING_OLLAMA_KEEP_ALIVE]);
	if (*s->text[SETTING_OLLAMA_OPTIONS] != '\0')
		jsonw_trusted(w, "options", s->text[SETTING_OLLAMA_OPTIONS]);
}

int
ollama_request(struct buf *b, const struct settings *s, enum url_api api,
    const char *model, const char *system, const char *ticket, size_t len)
{
	struct jsonw	w;

	jsonw_begin(&w, b);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "model", model);
	/* What never changes comes first: the model's prefix cache. */
	if (api == URL_CHAT) {
		jsonw_array(&w, "messages");
		if (*system != '\0')
			write_message(&w, "system", system, strlen(system));
		write_message(&w, "user", ticket, len);
		jsonw_close(&w);
	} else {
		if (*system != '\0')
			jsonw_text(&w, "system", system);
		jsonw_string(&w, "prompt", ticket, len);
	}
	jsonw_bool(&w, "stream", true);
	jsonw_bool(&w, "truncate", false);
	write_think(&w, s->text[SETTING_OLLAMA_THINK]);
	write_settings(&w, s);
	return jsonw_end(&w, false);
}

int
ollama_load(struct buf *b, const struct settings *s, const char *model)
{
	struct jsonw	w;

	jsonw_begin(&w, b);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "model", model);
	jsonw_bool(&w, "stream", false);
	write_settings(&w, s);
	return jsonw_end(&w, false);
}
