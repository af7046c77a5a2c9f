/*
 * lib/ollama/models: which model of a list is used, and what it says of one.
 */
#include "ollama/models.h"
#include "t.h"

static void
models(void)
{
	static const struct {
		const char		*body, *want;
		enum failure_code	 code;
	} rows[] = {
		{ "{\"models\":[{\"name\":\"a:1b\"},{\"name\":\"b\"}]}",
		    "a:1b", 0 },
		{ "{\"models\":[{\"name\":\"e\",\"capabilities\":"
		    "[\"embedding\"]},{\"name\":\"c\",\"capabilities\":"
		    "[\"vision\",\"completion\"]}]}", "c", 0 },
		{ "{\"models\":[{\"name\":\"e\",\"capabilities\":[]}]}", "",
		    FAILURE_MODEL_MISSING },
		{ "{\"models\":[{\"name\":\"e\",\"capabilities\":null}]}", "e",
		    0 },
		{ "{\"models\":[]}", "", FAILURE_MODEL_MISSING },
		{ "{\"models\":[{\"x\":1},{\"name\":5},{\"name\":\"\"},"
		    "{\"name\":\"c\"}]}", "c", 0 },
		/* A name that is too long is skipped and leaves nothing
		   behind. */
		{ "{\"models\":[{\"name\":\"long\\n-long-long\"},"
		    "{\"name\":\"c\"}]}", "c", 0 },
		{ "{\"models\":[{\"name\":\"long-long\"}]}", "",
		    FAILURE_MODEL_MISSING },
		{ "{\"models\":[\"c\"]}", "", FAILURE_MODEL_MISSING },
		/* A model on another machine is used only if the settings name
		   it. */
		{ "{\"models\":[{\"name\":\"a\",\"remote_host\":\"https://o\"},"
		    "{\"name\":\"b\",\"remote_host\":\"\"}]}", "b", 0 },
		{ "{\"models\":[{\"name\":\"a\",\"remote_host\":\"h:1\"}]}", "",
		    FAILURE_MODEL_MISSING },
		{ "{\"models\":[{\"name\":\"a:9-cloud\"},"
		    "{\"name\":\"a:Cloud\"},{\"name\":\"cloud\"}]}", "cloud",
		    0 },
		{ "{\"models\":[{\"name\":\"a\",\"remote_model\":\"x\"},"
		    "{\"name\":\"b\",\"remote_model\":\"\"}]}", "b", 0 },
		{ "{\"models\":[{\"name\":\"a\",\"remote_host\":\"\","
		    "\"remote_model\":\"x\"},{\"name\":\"b\"}]}", "b", 0 },
		{ "{\"models\":[{\"name\":\"a\",\"remote_host\":true},"
		    "{\"name\":\"b\"}]}", "b", 0 },
		{ "{\"models\":[{\"name\":\"a\",\"remote_host\":null}]}",
		    "a", 0 },
		/* A llama-server's list. */
		{ "{\"models\":[{\"name\":\"a\"}],\"object\":\"list\","
		    "\"data\":[]}",
		    "", FAILURE_UPSTREAM_INVALID },
		{ "{\"models\":null}", "", FAILURE_UPSTREAM_INVALID },
		{ "{\"models\":{}}", "", FAILURE_UPSTREAM_INVALID },
		{ "{}", "", FAILURE_UPSTREAM_INVALID },
		{ "[]", "", FAILURE_UPSTREAM_INVALID },
		{ "Ollama is running", "", FAILURE_UPSTREAM_INVALID },
		{ "", "", FAILURE_UPSTREAM_INVALID },
	};
	char	model[9];
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].body);
		model[0] = '\0';
		check_int(models_first(URL_CHAT, rows[i].body,
		    strlen(rows[i].body), model, sizeof(model)),
		    rows[i].code);
		check_str(model, rows[i].want);
	}
}

static void
listed(void)
{
	static const char	body[] = "{\"models\":[{\"name\":5},{\"name\":"
				    "\"a:1b\"},{\"name\":\"B:latest\"},"
				    "{\"name\":\"reg.example:5050/team/"
				    "helpdesk:latest\"},{\"name\":"
				    "\"hf.co/u/m-GGUF:Q4_K_M\"}]}";
	static const struct {
		const char	*model;
		bool		 want;
	} rows[] = {
		{ "a:1b", true }, { "A:1B", true }, { "a", false },
		{ "a:latest", false }, { "a:1", false }, { "b", true },
		{ "B", true }, { "b:latest", true }, { "b:1b", false },
		{ "", false }, { "a:1bb", false }, { "bb", false },
		/* Names, as Ollama splits them. */
		{ "library/b", true }, { "Library/B:latest", true },
		{ "registry.ollama.ai/library/b", true },
		{ "https://reg.example:5050/team/helpdesk:latest", true },
		{ "registry.ollama.ai/library/a:1b", true },
		{ "other/b", false }, { "hf.co/library/b", false },
		{ "library/a", false }, { "x/library/b:latest", false },
		{ "reg.example:5050/team/helpdesk", true },
		{ "reg.example:5050/team/helpdesk:latest", true },
		{ "http://REG.example:5050/team/helpdesk", true },
		{ "reg.example/team/helpdesk", false },
		{ "team/helpdesk", false }, { "helpdesk", false },
		{ "reg.example:5050/team/helpdesk:v2", false },
		{ "hf.co/u/m-GGUF:Q4_K_M", true },
		{ "hf.co/u/m-gguf:q4_k_m", true }, { "u/m-GGUF:Q4_K_M", false },
	};
	struct model	m;
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].model);
		check_int(models_find(URL_CHAT, body, sizeof(body) - 1,
		    rows[i].model, &m), rows[i].want);
		check(!models_find(URL_CHAT, "{}", 2, rows[i].model, &m));
		check(!models_find(URL_CHAT, "", 0, rows[i].model, &m));
	}
}

/* What a list says about a model. */
static void
described(void)
{
	static const char	tags[] = "{\"models\":[{\"name\":\"a:1\","
				    "\"details\":{\"context_length\":8192},"
				    "\"capabilities\":[\"embedding\"]},"
				    "{\"name\":\"b:1\",\"context_length\":4096,"
				    "\"details\":{\"context_length\":8192},"
				    "\"capabilities\":[\"x\",\"completion\"]},"
				    "{\"name\":\"c:1\",\"details\":[]}]}";
	static const struct {
		const char	*model;
		bool		 found, completes;
		int64_t		 context;
	} rows[] = {
		{ "a:1", true, false, 8192 }, { "b:1", true, true, 4096 },
		{ "c:1", true, true, 0 }, { "d:1", false, false, 0 },
	};
	struct model	m;
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].model);
		memset(&m, 0x55, sizeof(m));
		check_int(models_find(URL_CHAT, tags, sizeof(tags) - 1,
		    rows[i].model, &m), rows[i].found);
		check_int(m.completes, rows[i].completes);
		check_int(m.context, rows[i].context);
	}
}

/* What is no list of OpenAI's, and names that cannot be used. */
static void
openai(void)
{
	static const char	odd[] = "{\"data\":[{\"id\":\"abcdef\"},"
				    "{\"id\":\"b\\u0000\"},{\"id\":\"c\"}]}";
	struct model		m;
	char			model[4];

	check_int(models_first(URL_OPENAI, "", 0, model, sizeof(model)),
	    FAILURE_UPSTREAM_INVALID);
	check_int(models_first(URL_OPENAI, "{\"data\":{}}", 11, model,
	    sizeof(model)), FAILURE_UPSTREAM_INVALID);
	check_int(models_first(URL_OPENAI, "{\"data\":[]}", 11, model,
	    sizeof(model)), FAILURE_MODEL_MISSING);
	check_int(models_first(URL_OPENAI, odd, sizeof(odd) - 1, model,
	    sizeof(model)), 0);
	check_str(model, "c");
	check(!models_find(URL_OPENAI, "{\"data\":[{\"id\":\"a\"}]}", 21,
	    "b", &m));
}

int
main(void)
{
	t_begin();
	run(models);
	run(listed);
	run(described);
	run(openai);
	return t_end();
}
