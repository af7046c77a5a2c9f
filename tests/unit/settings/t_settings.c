/*
 * lib/settings/settings: each key's default and bounds, the file's syntax (what
 * systemd's EnvironmentFile= reads in the same way; all else is refused), and
 * the default websocketd.conf.
 */
#include "base/limit.h"
#include "settings/settings.h"
#include "t.h"

static const char *
key(size_t i)
{
	return settings_key((enum setting)i);
}

/* The output of settings_print. */
static char *
printed(const struct settings *s, size_t *len)
{
	char	*text = NULL;
	FILE	*f = open_memstream(&text, len);

	if (f == NULL)
		t_die("open_memstream");
	settings_print(s, f);
	if (fclose(f) == EOF)
		t_die("fclose");
	return text;
}

static void
defaults(void)
{
	struct settings	s;
	char		*text, *line, want[64];
	size_t		 i, len;

	check_int(settings_load(&s, NULL, 0), 0);
	check_str(s.error, "");
	check_int(s.number[SETTING_PORT], 5000);
	check_int(s.number[SETTING_MAX_TICKET_BYTES], 65536);
	check_int(s.number[SETTING_CACHE], CACHE_TICKET);
	check_str(s.text[SETTING_OLLAMA_SERVER],
	    "http://localhost:11434/api/generate");
	text = printed(&s, &len);
	for (i = 0, line = text; i < SETTING__MAX; i++) {
		row("%s", key(i));
		(void)snprintf(want, sizeof(want), "%s=", key(i));
		check(strncmp(line, want, strlen(want)) == 0);
		line += strcspn(line, "\n") + 1;
	}
	check_str(line, "");
	free(text);
	settings_free(&s);
}

/* The settings that websocketd passes to chat, and chat to its children. */
static void
passed(void)
{
	/* Settings for websocketd, its parents and the timer. */
	static const char	others[] = " PORT ADDRESS MAX_CONNECTIONS "
				    "TLS_CERT TLS_KEY WEB HTTP_PORT "
				    "HTTP_HOSTS METRICS_FROM STOP_WAIT "
				    "BACKUPS RETENTION_DAYS ";
	struct settings		s;
	char			want[5000], *text = NULL, *names, **env;
	size_t			i, n = 0, len;
	FILE			*f;

	check_int(settings_load(&s, NULL, 0), 0);
	if ((f = open_memstream(&text, &len)) == NULL)
		t_die("open_memstream");
	settings_print_names(f);
	if (fclose(f) == EOF)
		t_die("fclose");
	env = settings_environment(&s, "OWN=1");
	check(env != NULL);
	for (i = 0, names = text; i < SETTING__MAX; i++) {
		(void)snprintf(want, sizeof(want), " %s ", key(i));
		if (strstr(others, want) != NULL)
			continue;
		row("%s", key(i));
		(void)snprintf(want, sizeof(want), "%s%s=%s", SETTINGS_PREFIX,
		    key(i), s.text[i]);
		check_str(env[n++], want);
		len = strcspn(names, ",");
		check_mem(names, len, want, strcspn(want, "="));
		names += len + (names[len] == ',');
	}
	check_int(n, SETTING__MAX - 12);
	check_str(names, "");
	check_str(env[n++], SETTINGS_MALLOC);
	check_str(env[n], "OWN=1");
	check(env[n + 1] == NULL);
	free(env);
	env = settings_environment(&s, NULL);
	check(env != NULL && env[n - 1] != NULL && env[n] == NULL);
	free(env);
	env = settings_environment(&s, "OWN=1\nMORE=\nLAST=a b=c");
	check(env != NULL);
	check_str(env[n], "OWN=1");
	check_str(env[n + 1], "MORE=");
	check_str(env[n + 2], "LAST=a b=c");
	check(env[n + 3] == NULL);
	free(env);
	env = settings_environment(&s, "");
	check(env != NULL && env[n] == NULL);
	free(env);
	free(text);
	settings_free(&s);
}

/* Loads a file with this content.  Returns as settings_load. */
static int
load(struct settings *s, const char *content)
{
	t_write("conf", content, strlen(content));
	return settings_load(s, "conf", 0);
}

/* The name of a setting in the environment. */
static const char *
name(size_t i)
{
	static char	text[64];

	(void)snprintf(text, sizeof(text), "%s%s", SETTINGS_PREFIX, key(i));
	return text;
}

static void
put(const char *variable, const char *value)
{
	if (value == NULL ? unsetenv(variable) : setenv(variable, value, 1))
		t_die("setenv");
}

/* Sets the same value in the environment and in the file. */
static void
try(size_t i, const char *value, bool good, int64_t number)
{
	struct settings	s;
	char		line[9000];
	int		rc;

	row("%s=%.100s", key(i), value);
	put(name(i), value);
	rc = settings_load(&s, NULL, 0);
	check_int(rc, good ? 0 : -1);
	if (rc == 0) {
		check_str(s.text[i], value);
		check_int(s.number[i], number);
	} else {
		check(strncmp(s.error, key(i), strlen(key(i))) == 0);
		check(strchr(s.error, '\n') == NULL);
	}
	settings_free(&s);
	put(name(i), NULL);
	if (strchr(value, '\n') != NULL || *value == '\0')
		return;
	(void)snprintf(line, sizeof(line), "%s='%s'\n", key(i), value);
	check_int(load(&s, line), good ? 0 : -1);
	if (good)
		check_str(s.text[i], value);
	settings_free(&s);
}

/* What is admitted, with and without a filter. */
static void
ticket_max(void)
{
	static const struct {
		int64_t	set, filtered;
	} rows[] = {
		{ 1, 16 }, { 65536, 1048576 }, { 1048575, 16777200 },
		{ 1048576, 16777216 }, { 1048577, 16777216 },
		{ 16777216, 16777216 },
	};
	struct settings	s = { .text[SETTING_TICKET_FILTER] = "" };
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%lld", (long long)rows[i].set);
		s.number[SETTING_MAX_TICKET_BYTES] = rows[i].set;
		s.text[SETTING_TICKET_FILTER] = "";
		check_int(settings_ticket_max(&s), rows[i].set);
		s.text[SETTING_TICKET_FILTER] = "/bin/cat";
		check_int(settings_ticket_max(&s), rows[i].filtered);
	}
}

static void
numbers(void)
{
	static const struct {
		enum setting	key;
		int64_t		min, max;
	} rows[] = {
		{ SETTING_PORT, 1, 65535 },
		{ SETTING_MAX_CONNECTIONS, 1, 65536 },
		{ SETTING_CONNECT_TIMEOUT, 1, 600 },
		{ SETTING_FIRST_TOKEN_TIMEOUT, 1, 86400 },
		{ SETTING_STALL_TIMEOUT, 1, 86400 },
		{ SETTING_ANSWER_TIMEOUT, 1, 604800 },
		{ SETTING_IDLE_TIMEOUT, 1, 604800 },
		{ SETTING_SEND_TIMEOUT, 1, 86400 },
		{ SETTING_MAX_TICKET_BYTES, 1, 16777216 },
		{ SETTING_MAX_ANSWER_BYTES, 1, 67108864 },
		{ SETTING_GENERATIONS, 1, 1024 },
		{ SETTING_QUEUE_MAX, 0, 4096 },
		{ SETTING_MAX_VIEWERS, 0, VIEWERS_MAX },
		{ SETTING_KNOWLEDGE, 0, 10 },
		{ SETTING_BACKUPS, 0, 3650 },
		{ SETTING_RETENTION_DAYS, 0, 36500 },
	};
	static const char	*const bad[] = {
		"x", "-1", "+1", " 1", "1 ", "1x", "0x10", "1.0", "1e2",
		"9223372036854775808", "99999999999999999999999",
		"00", "01", "007", "0000000000000000000000001", "-0", "+0",
		"1_000", "1,000", "\xef\xbc\x91", "\t1",
	};
	char	text[32];
	size_t	i, k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t	n[] = { rows[i].min - 1, rows[i].min, rows[i].max,
			    rows[i].max + 1 };

		for (k = 0; k < 4; k++) {
			(void)snprintf(text, sizeof(text), "%lld",
			    (long long)n[k]);
			try(rows[i].key, text, k == 1 || k == 2, n[k]);
		}
		for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
			try(rows[i].key, bad[k], false, 0);
	}
}

/* Good and bad values of settings that are not plain numbers. */
static const struct {
	enum setting	 key;
	const char	*value;
	bool		 good;
	int64_t		 number;
} other_rows[] = {
	{ SETTING_OLLAMA_THINK, "false", true, 0 },
	{ SETTING_OLLAMA_THINK, "server", true, 6 },
	{ SETTING_OLLAMA_THINK, "low", true, 2 },
	{ SETTING_OLLAMA_THINK, "lo", false, 0 },
	{ SETTING_OLLAMA_THINK, "lowe", false, 0 },
	{ SETTING_OLLAMA_THINK, "true low", false, 0 },
	{ SETTING_OLLAMA_THINK, " ", false, 0 },
	{ SETTING_WEB, "on", true, 0 },
	{ SETTING_WEB, "off", true, 1 },
	{ SETTING_WEB, "yes", false, 0 },
	{ SETTING_TICKETS, "auto", true, TICKETS_AUTO },
	{ SETTING_TICKETS, "existing", true, TICKETS_EXISTING },
	{ SETTING_TICKETS, "Auto", false, 0 },
	{ SETTING_ON_DISCONNECT, "finish", true,
	    ON_DISCONNECT_FINISH },
	{ SETTING_ON_DISCONNECT, "cancel", true,
	    ON_DISCONNECT_CANCEL },
	{ SETTING_ON_DISCONNECT, "stop", false, 0 },
	{ SETTING_CACHE, "ticket", true, CACHE_TICKET },
	{ SETTING_CACHE, "body", true, CACHE_BODY },
	{ SETTING_CACHE, "off", false, 0 },
	{ SETTING_LANGUAGE, "auto", true, LANGUAGE_AUTO },
	{ SETTING_LANGUAGE, "pt-BR", true, LANGUAGE_FIXED_PT },
	{ SETTING_LANGUAGE, "en", true, LANGUAGE_FIXED_EN },
	{ SETTING_LANGUAGE, "es", true, LANGUAGE_FIXED_ES },
	{ SETTING_LANGUAGE, "pt", false, 0 },
	{ SETTING_OLLAMA_SERVER, "https://h/api/chat", true, 0 },
	{ SETTING_OLLAMA_SERVER, "localhost:11434", false, 0 },
	{ SETTING_OLLAMA_OPTIONS, "{\"num_ctx\":8192}", true, 0 },
	{ SETTING_OLLAMA_OPTIONS, "[1]", false, 0 },
	{ SETTING_OLLAMA_OPTIONS, "{\"a\":1,}", false, 0 },
	{ SETTING_OLLAMA_OPTIONS, "num_ctx 8192", false, 0 },
	{ SETTING_ALLOWED_ORIGINS, "https://a.example", true, 0 },
	{ SETTING_ALLOWED_ORIGINS, "*", true, 0 },
	{ SETTING_ALLOWED_ORIGINS, "a.example", false, 0 },
	{ SETTING_AUTH, "off", true, AUTH_OFF },
	{ SETTING_AUTH, "on", false, 0 },
	{ SETTING_RATE_LIMIT, "off", true, 0 },
	{ SETTING_RATE_LIMIT, "10/min", true, 0 },
	{ SETTING_RATE_LIMIT, "10", false, 0 },
	{ SETTING_TRUSTED_PROXIES, "127.0.0.1 10.0.0.0/8 ::1", true,
	    0 },
	{ SETTING_TRUSTED_PROXIES, "proxy.example", false, 0 },
	{ SETTING_TICKET_FILTER, "/bin/cat", true, 0 },
	{ SETTING_TICKET_FILTER, "cat", false, 0 },
	{ SETTING_KNOWLEDGE_COMMAND, "./cat", false, 0 },
	{ SETTING_DONE_COMMAND, "~/cat", false, 0 },
	{ SETTING_TRUSTED_PROXIES, "10.0.0.0/08", false, 0 },
	{ SETTING_TRUSTED_PROXIES, "10.0.0.0/+8", false, 0 },
	{ SETTING_TRUSTED_PROXIES, "10.0.0.0/", false, 0 },
	{ SETTING_TRUSTED_PROXIES, "10.0.0.0/0", true, 0 },
	{ SETTING_TRUSTED_PROXIES, "010.0.0.0/8", false, 0 },
	{ SETTING_RATE_LIMIT, "010/min", false, 0 },
	{ SETTING_RATE_LIMIT, "0/min", false, 0 },
	{ SETTING_RATE_LIMIT, "+1/min", false, 0 },
	{ SETTING_RATE_LIMIT, "1 /min", false, 0 },
	{ SETTING_RATE_LIMIT, "1/min ", false, 0 },
	{ SETTING_RATE_LIMIT, "18446744073709551617/min", false, 0 },
	{ SETTING_OLLAMA_SERVER, "http://h weight=03", false, 0 },
	{ SETTING_OLLAMA_SERVER, "http://h:080", false, 0 },
	{ SETTING_ALLOWED_ORIGINS, "https://a:08443", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "300", true, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "0", true, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "-1", true, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "30m", true, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "-1m", true, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "1h30m", true, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "1.5h", true, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "500ms", true, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "9223372036", true, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "9223372037", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "99999999999999999999", false,
	    0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "2562048h", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "never", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "forever", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "30 m", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "5M", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "5min", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "1d", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "m", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "030m", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "+30m", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "--1", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "-", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "1.h", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "1.5", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "30m ", false, 0 },
	{ SETTING_OLLAMA_KEEP_ALIVE, "30m10", false, 0 },
	{ SETTING_DATABASE, "postgres://u@h/db", true, 0 },
	{ SETTING_DATABASE, "postgresql://h,i/db?passfile=/p", true,
	    0 },
	{ SETTING_DATABASE, "postgres://u:p@h/db", false, 0 },
	{ SETTING_DATABASE, "postgres://h/db?password=p", false, 0 },
	{ SETTING_DATABASE, "postgres://h/db?%70assword=p", false,
	    0 },
	{ SETTING_DATABASE, "postgres://%2Frun%2Fpostgresql/db", true,
	    0 },
	{ SETTING_DATABASE, "postgres", false, 0 },
	{ SETTING_DATABASE, "/x/y z.db", true, 0 },
	{ SETTING_OLLAMA_MODEL, "a\nb", false, 0 },
	{ SETTING_OLLAMA_MODEL, "a\tb", false, 0 },
	{ SETTING_OLLAMA_MODEL, "a\x7f", false, 0 },
	{ SETTING_OLLAMA_MODEL, "\x1b[m", false, 0 },
	{ SETTING_OLLAMA_MODEL, "gemma3:1b", true, 0 },
};

static void
others(void)
{
	char	longest[4098];
	size_t	i;

	for (i = 0; i < sizeof(other_rows) / sizeof(other_rows[0]); i++)
		try(other_rows[i].key, other_rows[i].value, other_rows[i].good,
		    other_rows[i].number);
	memset(longest, 'x', sizeof(longest));
	longest[4097] = '\0';
	try(SETTING_OLLAMA_MODEL, longest, false, 0);
	longest[4096] = '\0';
	try(SETTING_OLLAMA_MODEL, longest, true, 0);
}

static void
together(void)
{
	struct settings	s;
	static char	long_file[SETTINGS_FILE_MAX + 2];

	memset(long_file, '#', SETTINGS_FILE_MAX + 1);
	check_int(load(&s, long_file), -1);
	settings_free(&s);
	long_file[SETTINGS_FILE_MAX] = '\0';
	check_int(load(&s, long_file), 0);
	settings_free(&s);
	check_int(load(&s, "TLS_CERT=a\n"), -1);
	settings_free(&s);
	check_int(load(&s, "TLS_KEY=a\n"), -1);
	settings_free(&s);
	check_int(load(&s, "TLS_KEY=a\nTLS_CERT=b\n"), 0);
	settings_free(&s);
	check_int(load(&s, "AUTH=required\n"), -1);
	settings_free(&s);
	check_int(load(&s, "AUTH=required\nJWT_KEY_FILE=k\n"), 0);
	check_int(s.number[SETTING_AUTH], AUTH_REQUIRED);
	settings_free(&s);
}

/*
 * `want' is what systemd 252 reads (found with load_env_file of its
 * libsystemd-shared).  NULL: systemd reads something unexpected or fails, so
 * the line is refused here.
 */
static const struct {
	const char	*file, *want;
} files[] = {
	{ "", "" }, { "\n\n  # x\n\t; y\nOLLAMA_MODEL=a\n", "a" },
	{ "OLLAMA_MODEL=a", "a" }, { "  OLLAMA_MODEL=a\n", "a" },
	{ "OLLAMA_MODEL=a b\n", "a b" }, { "OLLAMA_MODEL= a  \n",
	    "a" }, { "OLLAMA_MODEL=\ta\t\n", "a" },
	{ "OLLAMA_MODEL=\"a b \"\n", "a b " },
	{ "OLLAMA_MODEL=' a b'\n", " a b" },
	{ "OLLAMA_MODEL=\"a\"  \n", "a" },
	{ "OLLAMA_MODEL=a'b'\n", "a'b'" },
	{ "OLLAMA_MODEL=a\"b\n", "a\"b" },
	{ "OLLAMA_MODEL=\"a'b\"\n", "a'b" },
	{ "OLLAMA_MODEL='a\"b'\n", "a\"b" },
	{ "OLLAMA_MODEL=a#b\n", "a#b" },
	{ "OLLAMA_MODEL=a # b\n", "a # b" },
	{ "OLLAMA_MODEL=;b\n", ";b" }, { "OLLAMA_MODEL=#b\n", "#b" },
	{ "OLLAMA_MODEL=$HOME ${x} `id`\n", "$HOME ${x} `id`" },
	{ "OLLAMA_MODEL=\"$HOME `id`\"\n", "$HOME `id`" },
	{ "OLLAMA_MODEL=a\r\n", "a" }, { "OLLAMA_MODEL=\"a\"\r\n",
	    "a" }, { "OLLAMA_MODEL=\n", "" },
	{ "OLLAMA_MODEL=\"\"\n", "" }, { "OLLAMA_MODEL=''\n", "" },
	{ "OLLAMA_MODEL={\"a\":1}\n", "{\"a\":1}" },
	{ "OLLAMA_MODEL='{\"a\":1}'\n", "{\"a\":1}" },
	{ "OLLAMA_MODEL=\xc3\xa1\n", "\xc3\xa1" },
	{ "OLLAMA_MODEL=a=b\n", "a=b" }, { "# x\\y\nOLLAMA_MODEL=a\n",
	    "a" }, { "# x\\\r\nOLLAMA_MODEL=a\n", "a" },
	{ "; c\nOLLAMA_MODEL=a\n# the end\\", "a" },
	{ "# \xff\nOLLAMA_MODEL=a\n", "a" },
	/* systemd reads another key, value or line than it seems. */
	{ "OLLAMA_MODEL = a\n", NULL },
	{ "OLLAMA_MODEL='a'b\n", NULL },
	{ "OLLAMA_MODEL='a' b\n", NULL },
	{ "OLLAMA_MODEL='a''b'\n", NULL },
	{ "OLLAMA_MODEL=\"a\"b\"\n", NULL },
	{ "OLLAMA_MODEL='a\n", NULL }, { "OLLAMA_MODEL='\n", NULL },
	{ "OLLAMA_MODEL=\"a\nb\"\n", NULL },
	{ "OLLAMA_MODEL=\"a'\n", NULL },
	{ "OLLAMA_MODEL=a\\b\n", NULL },
	{ "OLLAMA_MODEL=a\\\nPORT=1\n", NULL },
	{ "# c \\\nOLLAMA_MODEL=a\n", NULL },
	{ "; c \\\nOLLAMA_MODEL=a\n", NULL },
	{ "OLLAMA_MODEL=a\rPORT=1\n", NULL },
	{ "OLLAMA_MODEL=a\nOLLAMA_MODEL=b\n", NULL },
	{ "export OLLAMA_MODEL=a\n", NULL },
	{ "OLLAMA_MODEL\n", NULL }, { "=a\n", NULL },
	{ "OLLAMA_MODEL=\xff\n", NULL }, { "PORT=\xff\n", NULL },
	{ "\xef\xbb\xbfOLLAMA_MODEL=a\n", NULL },
	{ "ollama_model=a\n", NULL }, { "X=1\n", NULL },
	{ "OLLAMA_MODEL=a\x01" "b\n", NULL },
};

/* Characters that an editor may show as a line end. */
static const struct {
	const char	*file, *error;
} line_ends[] = {
	{ "# my settings\rAUTH=required\rPORT=6000\r",
	    "conf:1: the line contains a carriage" },
	{ "PORT=1\n# mine\rAUTH=required\n",
	    "conf:2: the line contains a carriage" },
	{ "PORT=1\r", "conf:1: the line contains a carriage" },
	{ "PORT=1\r\r\n", "conf:1: the line contains a carriage" },
	{ "\r", "conf:1: the line contains a carriage" },
	{ "\r\n\rPORT=1\n", "conf:2: the line contains a carriage" },
	{ "OLLAMA_MODEL=a\rb\n", "conf:1: the line contains a carriage" },
	{ "OLLAMA_MODEL='a\r'\n", "conf:1: the line contains a carriage" },
	{ "# a\vAUTH=required\n", "conf:1: the line contains a vertical tab" },
	{ "PORT=1\n\n# a\fAUTH=required\n",
	    "conf:3: the line contains a form feed" },
	{ "# a\xc2\x85" "AUTH=required\n", "conf:1: the line contains U+0085" },
	{ "# a\xe2\x80\xa8" "AUTH=required\n",
	    "conf:1: the line contains U+2028" },
	{ "; a\xe2\x80\xa9" "AUTH=required\n",
	    "conf:1: the line contains U+2029" },
	{ "\xef\xbb\xbf# a\nPORT=1\n",
	    "conf:1: the file begins with a byte order mark" },
	{ "\xef\xbb\xbfPORT=1\n",
	    "conf:1: the file begins with a byte order mark" },
};

static void
syntax(void)
{
	struct settings	s;
	size_t		i;
	int		rc;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		row("%s", files[i].file);
		rc = load(&s, files[i].file);
		check_int(rc, files[i].want == NULL ? -1 : 0);
		if (rc == 0 && files[i].want != NULL)
			check_str(s.text[SETTING_OLLAMA_MODEL], files[i].want);
		else
			check(s.error[0] != '\0' &&
			    strchr(s.error, '\n') == NULL);
		settings_free(&s);
	}
	row("the line is told");
	check_int(load(&s, "# 1\nPORT=1\n\nX=1\n"), -1);
	check(strncmp(s.error, "conf:4:", 7) == 0);
	settings_free(&s);
	row("line ends");
	for (i = 0; i < sizeof(line_ends) / sizeof(line_ends[0]); i++) {
		row("%s", line_ends[i].file);
		check_int(load(&s, line_ends[i].file), -1);
		check(strncmp(s.error, line_ends[i].error,
		    strlen(line_ends[i].error)) == 0);
		check(strchr(s.error, '\n') == NULL);
		settings_free(&s);
	}
	check_int(load(&s, "# a\r\nAUTH=off\r\n\r\nPORT=7\r\n"), 0);
	check_int(s.number[SETTING_PORT], 7);
	settings_free(&s);
	row("UTF-16");
	t_write("conf", "\xff\xfeP\0O\0R\0T\0=\0" "7\0\n\0", 16);
	check_int(settings_load(&s, "conf", 0), -1);
	check(strstr(s.error, "UTF-16") != NULL);
	settings_free(&s);
	row("NUL");
	t_write("conf", "PORT=1\0\n", 8);
	check_int(settings_load(&s, "conf", 0), -1);
	settings_free(&s);
	row("absent");
	check_int(settings_load(&s, "nothere", 0), -1);
	settings_free(&s);
	check_int(settings_load(&s, "nothere", 1), 0);
	settings_free(&s);
	check_int(settings_load(&s, ".", 1), -1);
	settings_free(&s);
}

static void
precedence(void)
{
	struct settings	s;

	put("TICKETCHAT_PORT", "1");
	put("TICKETCHAT_GENERATIONS", "");
	check_int(load(&s, "PORT=2\nGENERATIONS=3\nQUEUE_MAX=\n"), 0);
	check_int(s.number[SETTING_PORT], 1);
	check_int(s.number[SETTING_GENERATIONS], 3);
	check_int(s.number[SETTING_QUEUE_MAX], 64);
	settings_free(&s);
	put("TICKETCHAT_PORT", NULL);
	put("TICKETCHAT_GENERATIONS", NULL);
	check_int(load(&s, "LANGUAGE=pt_BR\n"), -1);
	settings_free(&s);
	/* systemd's directory comes after the file and before the default. */
	put("RUNTIME_DIRECTORY", "/run/x");
	check_int(load(&s, ""), 0);
	check_str(s.text[SETTING_RUN_DIR], "/run/x");
	settings_free(&s);
	check_int(load(&s, "RUN_DIR=y\n"), 0);
	check_str(s.text[SETTING_RUN_DIR], "y");
	settings_free(&s);
	put("TICKETCHAT_RUN_DIR", "z");
	check_int(load(&s, "RUN_DIR=y\n"), 0);
	check_str(s.text[SETTING_RUN_DIR], "z");
	settings_free(&s);
	put("TICKETCHAT_RUN_DIR", NULL);
	put("RUNTIME_DIRECTORY", NULL);
	check_int(load(&s, "RUN_DIR=\n"), 0);
	check_str(s.text[SETTING_RUN_DIR], "var/run");
	settings_free(&s);
}

/* A name without prefix counts only if it begins with OLLAMA_. */
static void
bare_names(void)
{
	struct settings	s;
	size_t		i;
	bool		ollama;

	for (i = 0; i < SETTING__MAX; i++) {
		row("%s", key(i));
		ollama = strncmp(key(i), "OLLAMA_", 7) == 0;
		put(key(i), "a\nb");	/* no setting may contain it */
		check_int(settings_load(&s, NULL, 0), ollama ? -1 : 0);
		settings_free(&s);
		put(key(i), NULL);
	}
	put("OLLAMA_MODEL", "bare");
	check_int(load(&s, "OLLAMA_MODEL=file\n"), 0);
	check_str(s.text[SETTING_OLLAMA_MODEL], "bare");
	settings_free(&s);
	put("TICKETCHAT_OLLAMA_MODEL", "");
	check_int(load(&s, "OLLAMA_MODEL=file\n"), 0);
	check_str(s.text[SETTING_OLLAMA_MODEL], "bare");
	settings_free(&s);
	put("TICKETCHAT_OLLAMA_MODEL", "named");
	check_int(load(&s, "OLLAMA_MODEL=file\n"), 0);
	check_str(s.text[SETTING_OLLAMA_MODEL], "named");
	settings_free(&s);
	put("OLLAMA_MODEL", "");
	put("TICKETCHAT_OLLAMA_MODEL", NULL);
	check_int(load(&s, "OLLAMA_MODEL=file\n"), 0);
	check_str(s.text[SETTING_OLLAMA_MODEL], "file");
	settings_free(&s);
	put("OLLAMA_MODEL", NULL);
}

/*
 * A TICKETCHAT_ name that is not a setting, and variables that others inject.
 */
static void
names(void)
{
	static const struct {
		const char	*name, *value, *error;	/* NULL: no error */
	} rows[] = {
		{ "TICKETCHAT_AUHT", "required", "did you mean "
		    "TICKETCHAT_AUTH?" },
		{ "TICKETCHAT_auth", "required", "TICKETCHAT_AUTH?" },
		{ "TICKETCHAT_DATBASE", "x", "TICKETCHAT_DATABASE?" },
		{ "TICKETCHAT_TICKET", "x", "TICKETCHAT_TICKETS?" },
		{ "TICKETCHAT_JWT_KEY", "x", "TICKETCHAT_JWT_KEY_FILE?" },
		{ "TICKETCHAT_ORIGINS", "x", "TICKETCHAT_ALLOWED_ORIGINS?" },
		{ "TICKETCHAT_MODEL", "x", "TICKETCHAT_OLLAMA_MODEL?" },
		{ "TICKETCHAT_RATELIMIT", "", "TICKETCHAT_RATE_LIMIT?" },
		{ "TICKETCHAT_", "x", "no such setting" },
		{ "TICKETCHAT_QQQQQQQQ", "x", "no such setting" },
		{ "TICKETCHAT_NAMES", "x", "no such setting" },
		{ "TICKETCHAT_ENV", "x", "no such setting" },
		{ "TICKETCHAT_ADDRESS_PORT", "5000", "no such setting" },
		{ "TICKETCHAT_PORT_TCP", "x", "no such setting" },
		{ "TICKETCHAT_WEB_PORT", "http://10.0.0.1:80",
		    "no such setting" },
		{ "TICKETCHAT_SERVICE", "x", "no such setting" },
		{ "TICKETCHAT_PORT", "abc", "PORT=abc" },
		{ "TICKETCHAT_PORT", "tcp://10.96.0.1:5000", NULL },
		{ "TICKETCHAT_PORT", "udp://10.96.0.1:5000", NULL },
		{ "TICKETCHAT_SERVICE_HOST", "10.96.0.1", NULL },
		{ "TICKETCHAT_SERVICE_PORT", "5000", NULL },
		{ "TICKETCHAT_SERVICE_PORT_HTTP", "5000", NULL },
		{ "TICKETCHAT_PORT_5000_TCP", "tcp://10.96.0.1:5000", NULL },
		{ "TICKETCHAT_PORT_5000_TCP_ADDR", "10.96.0.1", NULL },
		{ "TICKETCHAT_PORT_53_UDP_PROTO", "udp", NULL },
		{ "TICKETCHAT_WEB_SERVICE_HOST", "10.96.0.1", NULL },
		{ "TICKETCHAT_DATABASE_PORT", "tcp://10.96.0.1:5432", NULL },
		{ "TICKETCHAT_DB_PORT_5432_TCP_PORT", "5432", NULL },
		{ "TICKETCHAT_NAME", "/web/ticketchat", NULL },
		{ "TICKETCHAT_ENV_PATH", "/bin", NULL },
		{ "TICKETCHATX", "1", NULL },
	};
	struct settings	s;
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s=%s", rows[i].name, rows[i].value);
		put(rows[i].name, rows[i].value);
		check_int(load(&s, ""), rows[i].error == NULL ? 0 : -1);
		if (rows[i].error != NULL)
			check(strstr(s.error, rows[i].error) != NULL &&
			    strchr(s.error, '\n') == NULL);
		else
			check_int(s.number[SETTING_PORT], 5000);
		settings_free(&s);
		put(rows[i].name, NULL);
	}
	row("the environment of run.sh may be a newer one's");
	put("TICKETCHAT_NEWER", "1");
	check_int(settings_load(&s, NULL, 0), 0);
	settings_free(&s);
	put("TICKETCHAT_NEWER", NULL);
	row("of the file");
	check_int(load(&s, "\nAUHT=required\n"), -1);
	check_str(s.error, "conf:2: unknown setting \"AUHT\"; did you mean "
	    "AUTH?");
	settings_free(&s);
	check_int(load(&s, "TICKETCHAT_PORT=1\n"), -1);
	check_str(s.error, "conf:1: unknown setting \"TICKETCHAT_PORT\"; did "
	    "you mean PORT?");
	settings_free(&s);
}

/* Names of version 0.1 that would mislead. */
static void
old_names(void)
{
	static const struct {
		const char	*file, *name, *value;
		bool		 data, service;	/* whether it is refused */
		const char	*warning;
	} rows[] = {
		{ "", "AUTH", "required", false, true, "" },
		{ "", "AUTH", "off", false, false, "" },
		{ "", "AUTH", "", false, false, "" },
		{ "AUTH=required\nJWT_KEY_FILE=k\n", "AUTH", "off", false,
		    true, "" },
		{ "", "AUTH", "perhaps", false, true, "" },
		{ "", "JWT_ISSUER", "idp", false, true, "" },
		{ "", "JWT_KEY_FILE", "k", false, true, "" },
		{ "", "JWT_COOKIE", "sid", false, true, "" },
		{ "", "JWT_AUDIENCE", "a", false, true, "" },
		{ "", "ALLOWED_ORIGINS", "https://a.example", false, true,
		    "" },
		{ "ALLOWED_ORIGINS=*\n", "ALLOWED_ORIGINS", "*", false,
		    false, "" },
		{ "", "TRUSTED_PROXIES", "127.0.0.1", false, true, "" },
		{ "", "RATE_LIMIT", "2/day", false, true, "" },
		{ "", "MAX_VIEWERS", "2", false, true, "" },
		{ "", "TICKETS", "existing", false, true, "" },
		{ "", "ADDRESS", "0.0.0.0", false, true, "" },
		{ "", "DATABASE", "copy.db", true, true, "" },
		{ "DATABASE=copy.db\n", "DATABASE", "copy.db", false, false,
		    "" },
		{ "", "RUN_DIR", "/run/x", true, true, "" },
		{ "", "LOG", "debug", false, false, "LOG" },
		{ "", "PORT", "6000", false, false, "PORT" },
		{ "", "PORT", "5000", false, false, "" },
		{ "", "PORT", "tcp://10.0.0.1:80", false, false, "" },
		{ "", "LANGUAGE", "pt_BR:pt:en", false, false, "" },
		{ "", "LANGUAGE", "en", false, false, "LANGUAGE" },
		{ "", "CACHE", "/var/cache", false, false, "" },
		{ "", "WEB", "firefox", false, false, "" },
		{ "", "WEB", "off", false, false, "WEB" },
		{ "", "RETENTION_DAYS", "30", false, false,
		    "RETENTION_DAYS" },
		{ "", "OLLAMA_MODEL", "gemma3", false, false, "" },
	};
	struct settings	s;
	char		text[512], to[64];
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s=%s, file: %s", rows[i].name, rows[i].value,
		    rows[i].file);
		put(rows[i].name, rows[i].value);
		check_int(load(&s, rows[i].file), 0);
		check_int(settings_refuse_bare(&s, SETTINGS_BARE_DATA),
		    rows[i].data ? -1 : 0);
		check_int(settings_refuse_bare(&s, SETTINGS_BARE_SERVICE),
		    rows[i].service ? -1 : 0);
		(void)snprintf(to, sizeof(to), "%s%s", SETTINGS_PREFIX,
		    rows[i].name);
		if (rows[i].service)
			check(strstr(s.error, to) != NULL &&
			    strstr(s.error, "unset") != NULL);
		check_str(settings_bare_names(&s, text, sizeof(text)),
		    rows[i].warning);
		settings_free(&s);
		put(rows[i].name, NULL);
	}
	row("several in one line");
	put("PORT", "6000");
	put("LOG", "debug");
	check_int(load(&s, ""), 0);
	check_str(settings_bare_names(&s, text, sizeof(text)), "PORT LOG");
	settings_free(&s);
	put("PORT", NULL);
	put("LOG", NULL);
}

/* Can be parsed, names each key once, and changes no default. */
static void
shipped(void)
{
	struct settings	s, d;
	char		path[5000], line[64], *text, *p;
	size_t		i, len;

	(void)snprintf(path, sizeof(path), "%s/websocketd.conf", t_source);
	check_int(settings_load(&s, path, 0), 0);
	check_str(s.error, "");
	check_int(settings_load(&d, NULL, 0), 0);
	text = t_read_source("websocketd.conf", &len);
	for (i = 0; i < SETTING__MAX; i++) {
		row("%s", key(i));
		/* chat does not get ADDRESS, with which OPEN=auto would be
		   checked. */
		check_str(s.text[i], i == SETTING_OPEN ? "on" : d.text[i]);
		if (i != SETTING_OPEN)
			check_int(s.number[i], d.number[i]);
		(void)snprintf(line, sizeof(line), "\n%s=", key(i));
		if (check((p = strstr(text, line)) != NULL))
			check(strstr(p + 1, line) == NULL);
	}
	free(text);
	settings_free(&s);
	settings_free(&d);
}

int
main(void)
{
	t_begin();
	run(defaults);
	run(passed);
	run(numbers);
	run(ticket_max);
	run(others);
	run(together);
	run(syntax);
	run(precedence);
	run(bare_names);
	run(names);
	run(old_names);
	run(shipped);
	return t_end();
}
