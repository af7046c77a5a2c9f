/*
 * What is sent to Ollama.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limit.h"
#include "json/json.h"
#include "json/jsonw.h"
#include "ollama/ollama.h"

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

/* Whether the options, a JSON object, say how long an answer may be. */
static bool
has_limit(const char *options)
{
	struct json	j = { 0 };
	int		value = -1;
	bool		has;

	if (json_parse(&j, options, strlen(options), MESSAGE_DEPTH,
	    MESSAGE_TOKENS) == 0)
		value = json_member(&j, 0, "num_predict");
	/* Ollama passes a null over, and then nothing ends the answer; of two
	 * it takes the later one. */
	has = value != -1 && json_type(&j, value) != JSON_NULL;
	json_free(&j);
	return has;
}

/* Thoughts count too.  What the server decides may be to think. */
static const char *
ollama_request_limit(const struct settings *s)
{
	return strcmp(s->text[SETTING_OLLAMA_THINK], "false") == 0 ?
	    "\"num_predict\":" PREDICT_MAX :
	    "\"num_predict\":" PREDICT_MAX_THINKING;
}

/* The options of the settings; with a limit for the answer, if that is asked
 * for and they have none. */
static void
write_options(struct jsonw *w, const struct settings *s, bool limited)
{
	const char	*options = s->text[SETTING_OLLAMA_OPTIONS], *end;
	struct buf	 b = BUF_INIT(SETTING_MAX + 64);

	if (!limited || (*options != '\0' && has_limit(options))) {
		if (*options != '\0')
			jsonw_trusted(w, "options", options);
		return;
	}
	/* In front of the last brace; a comma unless nothing was there. */
	options = *options == '\0' ? "{}" : options;
	for (end = strrchr(options, '}'); end > options &&
	    strchr(" \t\r\n", end[-1]) != NULL; )
		end--;
	if (buf_add(&b, options, (size_t)(end - options)) == -1 ||
	    (end[-1] != '{' && buf_puts(&b, ",") == -1) ||
	    buf_puts(&b, ollama_request_limit(s)) == -1 ||
	    buf_puts(&b, "}") == -1)
		w->failed = true;
	else
		jsonw_trusted(w, "options", b.data);
	buf_free(&b);
}

/* How the model is loaded and for how long, and what a question adds. */
static void
write_settings(struct jsonw *w, const struct settings *s, bool question)
{
	if (*s->text[SETTING_OLLAMA_KEEP_ALIVE] != '\0')
		write_keep_alive(w, s->text[SETTING_OLLAMA_KEEP_ALIVE]);
	write_options(w, s, question);
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
	write_settings(&w, s, true);
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
	write_settings(&w, s, false);
	return jsonw_end(&w, false);
}
