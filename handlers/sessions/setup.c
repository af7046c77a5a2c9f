/*
 * What an administrator sets up: checks the settings, makes a JWT for tests,
 * and takes a ticket out.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auth/token.h"
#include "base/file.h"
#include "base/limit.h"
#include "base/module.h"
#include "base/number.h"
#include "base/url.h"
#include "hook/hook.h"
#include "ollama/prompt.h"
#include "ollama/upstream.h"
#include "knowledge/learn.h"
#include "knowledge/synonyms.h"
#include "program.h"
#include "request/connection.h"
#include "sandbox/harden.h"
#include "sessions/command.h"
#include "store/maintain.h"

static const struct command_option	none[] = { { NULL, NULL, NULL, NULL } };

int
command_delete(const struct settings *s, int argc, char *argv[])
{
	struct store	*store;
	const char	*ticket;
	bool		 found;

	ticket = argv[command_options(argc, argv, none, 1, 1)];
	(void)command_ticket(argv[0], ticket);
	command_make_room(s);
	store = command_store(s);
	command_need(store_delete(store, command_ticket(argv[0], ticket),
	    &found), store);
	command_need(learn_sweep(store, false), store);
	store_close(store);
	if (!found)
		program_fail(EXIT_CLIENT, "there is no ticket %s", ticket);
	return EXIT_GOOD;
}

/* Refuses settings under the names of version 0.1 in the service's environment,
   or warns of them. */
static void
setup_bare_names(const struct settings *s)
{
	struct settings	copy = *s;
	char		names[512];

	if (settings_refuse_bare(&copy, SETTINGS_BARE_SERVICE) == -1)
		program_fail(EXIT_SETTINGS, "%s", copy.error);
	if (*settings_bare_names(s, names, sizeof(names)) != '\0')
		(void)fprintf(stderr, "sessions: warning: these names in the "
		    "environment have no effect: %s; such names begin with %s "
		    "now\n",
		    names, SETTINGS_PREFIX);
}

/* Exits, saying what is wrong with a file that can be read. */
static void
setup_refuse_text(const char *key, const char *path, const char *why)
{
	program_fail(EXIT_SETTINGS, "%s=%s: %s%s", key, path,
	    errno == EILSEQ ? "it is " : "", why == NULL ? strerror(errno) :
	    why);
}

/* Refuses files that every question needs and that hold no text. */
static void
setup_texts(const struct settings *s)
{
	const char	*why = NULL, *path, *key;
	const char	*list = s->text[SETTING_OLLAMA_SERVER];
	char		*text, file[SETTING_MAX + 1];
	struct url	 u;

	path = s->text[SETTING_SYSTEM_PROMPT_FILE];
	if ((text = prompt_system(s, &why)) == NULL)
		setup_refuse_text("SYSTEM_PROMPT_FILE", path, why);
	free(text);
	while (url_next(&list, &u)) {
		if (upstream_token(s, &u, &text, &why) == -1) {
			key = upstream_token_file(s, &u, file);
			if (key[strlen(key) - 1] == '=')
				key = "OLLAMA_SERVER: token";
			setup_refuse_text(key, file, why);
		}
		if (text != NULL)
			explicit_bzero(text, strlen(text));
		free(text);
	}
	path = s->text[SETTING_KNOWLEDGE_SYNONYMS];
	synonyms_free(synonyms_read(path, &why));
	if (why != NULL)
		program_fail(EXIT_SETTINGS, "KNOWLEDGE_SYNONYMS=%s: %s", path,
		    why);
}

/* Warns of servers that get no bearer, though the setting looks as if it were
   for all of them. */
static void
setup_token_hosts(const struct settings *s)
{
	const char	*list = s->text[SETTING_OLLAMA_SERVER];
	char		 file[SETTING_MAX + 1];
	struct url	 u, first = { 0 };

	if (*s->text[SETTING_OLLAMA_TOKEN_FILE] == '\0')
		return;
	while (url_next(&list, &u)) {
		if (first.text == NULL)
			first = u;
		if (upstream_token_file(s, &u, file) != NULL)
			continue;
		(void)fprintf(stderr, "sessions: warning: OLLAMA_TOKEN_FILE is "
		    "for the host of %.*s only: %.*s gets no token; if it "
		    "needs one, write token=FILE behind its address in "
		    "OLLAMA_SERVER\n", (int)first.len, first.text, (int)u.len,
		    u.text);
	}
}

/* Refuses a file in DATABASE with which every question would fail. */
static void
setup_database_file(const char *option, const char *path)
{
	const bool	pass = strcmp(option, "passfile") == 0;
	struct stat	st;

	if (access(path, R_OK) == -1 || stat(path, &st) == -1)
		program_fail(EXIT_SETTINGS, "DATABASE: %s=%s: %s", option,
		    path, strerror(errno));
	if (!harden_reads(path))
		program_fail(EXIT_SETTINGS, "DATABASE: %s=%s: the programs can "
		    "read only files below /etc; put it below /etc",
		    option, path);
	if (pass && (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0))
		program_fail(EXIT_SETTINGS, "DATABASE: %s=%s: %s", option,
		    path, S_ISREG(st.st_mode) ? "other users can read it, so "
		    "libpq would ignore it (chmod 600)" : "it is not a file");
}

/*
 * Checks all files in DATABASE.  Without passfile= libpq would search for one
 * in a home directory.
 */
static void
setup_database(const struct settings *s)
{
	static const char *const	options[] = {
		"passfile", "sslrootcert", "sslcert", "sslkey", "sslcrl",
	};
	const char			*uri = s->text[SETTING_DATABASE], *p;
	char				 path[PATH_MAX];
	size_t				 i, len;

	if (strncmp(uri, "postgres", 8) != 0 || (p = strchr(uri, '?')) == NULL)
		return;
	for (p++; *p != '\0'; p += strcspn(p, "&"), p += *p == '&') {
		for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
			len = strlen(options[i]);
			if (strncmp(p, options[i], len) != 0 || p[len] != '=')
				continue;
			(void)snprintf(path, sizeof(path), "%.*s",
			    (int)strcspn(p + len + 1, "&"), p + len + 1);
			if (strcmp(path, "system") != 0)
				setup_database_file(options[i], path);
		}
	}
}

/* Refuses programs that could not run. */
static void
setup_programs(const struct settings *s)
{
	static const enum setting	programs[] = {
		SETTING_TICKET_FILTER, SETTING_KNOWLEDGE_COMMAND,
		SETTING_DONE_COMMAND,
	};
	char				why[512];
	size_t				i;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (*s->text[programs[i]] != '\0' && hook_examine(s,
		    programs[i], why, sizeof(why)) == -1)
			program_fail(EXIT_SETTINGS, "%s=%s: %s",
			    settings_key(programs[i]), s->text[programs[i]],
			    why);
	}
}

/* Prints the settings.  Keys that cannot be used are bad settings, too. */
int
command_settings(const struct settings *s, int argc, char *argv[])
{
	bool				 service = false;
	const struct command_option	 options[] = {
		{ "service", &service, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct token_keys		 keys;
	char				 error[512];

	(void)command_options(argc, argv, options, 0, 0);
	if (service)
		setup_bare_names(s);
	setup_texts(s);
	if (service) {
		setup_token_hosts(s);
		setup_database(s);
	}
	setup_programs(s);
	if (s->number[SETTING_AUTH] == AUTH_REQUIRED) {
		if (token_keys_read(&keys, s->text[SETTING_JWT_KEY_FILE],
		    error, sizeof(error)) == -1)
			program_fail(EXIT_SETTINGS, "JWT_KEY_FILE: %s", error);
		token_keys_free(&keys);
	}
	settings_print(s, stdout);
	if (service) {
		(void)fputs("--passenv=", stdout);
		settings_print_names(stdout);
		(void)putchar('\n');
	}
	return EXIT_GOOD;
}

/* Makes a JWT for tests, perhaps one that has expired already. */
int
command_token(const struct settings *s, int argc, char *argv[])
{
	const char			*user = "test", *life = "3600";
	int64_t				 ticket = 0, ttl;
	const struct command_option	 options[] = {
		{ "ticket", NULL, &ticket, NULL },
		{ "user", NULL, NULL, &user },
		{ "ttl", NULL, NULL, &life },
		{ NULL, NULL, NULL, NULL },
	};
	struct buf			 out = BUF_INIT(TOKEN_MAX);
	const struct signature		*module;
	char				*key, error[512];
	const char			*file;
	size_t				 len;
	bool				 past;

	file = settings_key_path(argv[command_options(argc, argv, options, 1,
	    1)]);
	past = *life == '-';	/* makes an expired one */
	if (!number_read(life + past, strlen(life) - past, INT32_MAX, &ttl) ||
	    ttl == 0)
		program_fail(EXIT_USAGE, "token: --ttl needs a number of "
		    "seconds");
	if (ticket != 0 && strcmp(s->text[SETTING_JWT_TICKET_CLAIM],
	    "none") == 0)
		program_fail(EXIT_USAGE, "token: with JWT_TICKET_CLAIM=none, "
		    "no JWT can be for one ticket");
	if ((key = file_read(file, KEY_FILE_MAX, true, &len)) == NULL)
		program_fail(EXIT_SYSTEM, "%s: %s", file, errno == EPERM ?
		    "other users can read it (chmod 600)" : strerror(errno));
	module = module_load("signature.so", "signature_module", error,
	    sizeof(error));
	if (module == NULL)
		program_fail(EXIT_SYSTEM, "%s", error);
	if (token_make(module, key, len, s, ticket, user,
	    (int64_t)time(NULL) + (past ? -ttl : ttl), &out) == -1)
		program_fail(EXIT_SETTINGS, "%s: this is neither a secret of "
		    "at least 32 bytes nor a private key (RSA or P-256) in PEM",
		    file);
	(void)puts(out.data);
	explicit_bzero(key, len);
	free(key);
	buf_free(&out);
	return EXIT_GOOD;
}
