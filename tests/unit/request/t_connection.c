/*
 * lib/request/connection: the CGI environment.
 */
#include "request/connection.h"
#include "t.h"

/* Sets a variable, or removes it if the value is NULL. */
static void
env(const char *name, const char *value)
{
	if (value == NULL ? unsetenv(name) : setenv(name, value, 1))
		t_die(name);
}

static void
paths(void)
{
	/* Whole paths are valid everywhere, short ones only at a shell. */
	static const struct {
		const char	*path;
		int64_t		 websocketd, shell;
	} rows[] = {
		{ NULL, 0, 0 }, { "", 0, 0 }, { "/", 0, 0 }, { "/42", 0, 42 },
		{ "42", 0, 0 }, { "//42", 0, 0 }, { "/42/", 0, 0 },
		{ "/42/1", 0, 0 }, { "/x", 0, 0 }, { "/../42", 0, 0 },
		{ CONNECTION_PATH "42", 42, 42 }, { CONNECTION_PATH, 0, 0 },
		{ CONNECTION_PATH "042", 0, 0 },
		{ CONNECTION_PATH "42/", 0, 0 },
		{ CONNECTION_PATH "/42", 0, 0 },
		{ CONNECTION_PATH "42/42", 0, 0 },
		{ CONNECTION_PATH "9223372036854775807", INT64_MAX, INT64_MAX },
		{ "/api/websocket/chat", 0, 0 },
		{ "/api/websocket/chat42", 0, 0 },
		{ "/API/websocket/chat/42", 0, 0 },
		{ "/x/api/websocket/chat/42", 0, 0 },
		{ "/api/websocket/other/42", 0, 0 },
		{ "//api/websocket/chat/42", 0, 0 },
		{ "api/websocket/chat/42", 0, 0 },
	};
	static struct settings	s;
	struct connection	c;
	size_t			i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].path == NULL ? "NULL" : rows[i].path);
		env("PATH_INFO", rows[i].path);
		env("GATEWAY_INTERFACE", "websocketd-CGI/0.1");
		connection_read(&c, &s);
		check_int(c.ticket, rows[i].websocketd);
		env("GATEWAY_INTERFACE", NULL);
		connection_read(&c, &s);
		check_int(c.ticket, rows[i].shell);
	}
}

static void
languages(void)
{
	static const struct {
		int		 setting;
		const char	*header;
		enum language	 want;
	} rows[] = {
		{ LANGUAGE_AUTO, NULL, LANGUAGE_PT },
		{ LANGUAGE_AUTO, "", LANGUAGE_PT },
		{ LANGUAGE_AUTO, "de", LANGUAGE_PT },
		{ LANGUAGE_AUTO, "en-US,en;q=0.9", LANGUAGE_EN },
		{ LANGUAGE_AUTO, "pt-BR", LANGUAGE_PT },
		{ LANGUAGE_FIXED_PT, "en", LANGUAGE_PT },
		{ LANGUAGE_FIXED_EN, "pt", LANGUAGE_EN },
		{ LANGUAGE_FIXED_ES, "pt", LANGUAGE_ES },
	};
	static struct settings	s;
	struct connection	c;
	size_t			i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		env("HTTP_ACCEPT_LANGUAGE", rows[i].header);
		s.number[SETTING_LANGUAGE] = rows[i].setting;
		connection_read(&c, &s);
		check_int(c.language, rows[i].want);
	}
}

static void
others(void)
{
	static struct settings	s;
	struct connection	c;

	env("GATEWAY_INTERFACE", NULL);
	env("UNIQUE_ID", NULL);
	env("REMOTE_ADDR", "");
	env("HTTP_ORIGIN", NULL);
	connection_read(&c, &s);
	check(!c.websocketd && !connection_is_websocketd());
	check_str(c.id, "-");
	check_str(c.remote, "-");
	check(c.origin == NULL);
	env("GATEWAY_INTERFACE", "websocketd-CGI/0.1");
	env("UNIQUE_ID", "17");
	env("REMOTE_ADDR", "::1");
	env("HTTP_ORIGIN", "http://x");
	connection_read(&c, &s);
	check(c.websocketd && connection_is_websocketd());
	check_str(c.id, "17");
	check_str(c.remote, "::1");
	check_str(c.origin, "http://x");
}

int
main(void)
{
	t_begin();
	run(paths);
	run(languages);
	run(others);
	return t_end();
}
