/*
 * A store for the unit tests: an SQLite file in the test's directory, or, if
 * T_SERVER is the beginning of an address ("postgres://user@host:port/"), a
 * database there, which the command T_CREATEDB makes.
 */
#ifndef T_STORE_H
#define T_STORE_H

#include "store/store.h"
#include "t.h"

static char	t_server[256], t_createdb[1024];

/* To be called instead of t_begin, which empties the environment. */
static inline void
t_store_begin(void)
{
	const char	*server = getenv("T_SERVER"),
			*createdb = getenv("T_CREATEDB");

	if (server != NULL && createdb != NULL) {
		(void)snprintf(t_server, sizeof(t_server), "%s", server);
		(void)snprintf(t_createdb, sizeof(t_createdb), "%s", createdb);
	}
	t_begin();
}

/* The address of the database with this name; also for later calls. */
static inline const char *
t_database(const char *name)
{
	static char	where[512];

	(void)snprintf(where, sizeof(where), *t_server == '\0' ?
	    "%s%s.db" : "%s%s", t_server, name);
	return where;
}

/* Makes an empty database on the server; a file is made by store_migrate. */
static inline void
t_fresh(const char *name)
{
	char	command[2048];
	pid_t	pid;

	if (*t_server == '\0')
		return;
	(void)snprintf(command, sizeof(command), "%s %s", t_createdb, name);
	if ((pid = t_fork()) == 0) {
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (t_wait(pid) != 0)
		t_die(command);
}

/* Makes a database with this name and opens it. */
static inline struct store *
t_make(const char *name)
{
	struct store	*s;
	int		 from, to;

	t_fresh(name);
	check_int(store_migrate(&s, t_database(name), &from, &to, NULL),
	    FAILURE_NONE);
	store_close(s);
	if (!check(store_open(&s, t_database(name)) == FAILURE_NONE))
		t_die(store_error(s));
	return s;
}

static inline int64_t
t_newest(struct store *s, int64_t ticket)
{
	int64_t	newest = -1;

	check_int(store_newest(s, ticket, &newest), FAILURE_NONE);
	return newest;
}

static const char	*t_prompt[256];	/* by the lowest digits of the session's
					   id */

static inline int64_t
t_ask(struct store *s, int64_t ticket, const char *prompt)
{
	int64_t	id = -1;

	check_int(store_get_or_create(s, ticket, false, t_newest(s, ticket),
	    &id), FAILURE_NONE);
	t_prompt[(uint64_t)id % 256] = prompt;
	return id;
}

static int64_t	t_versions;	/* after the last answer */
static const char	*t_instruction = "";	/* of the next one */
static const struct store_source	*t_sources;	/* of the next one */
static size_t	t_source_count;

static inline enum failure_code
t_answer(struct store *s, int64_t id, const char *text)
{
	const struct cost	cost = { .model = "m", .done_reason = "stop",
				    .prompt_tokens = 1, .answer_tokens = 2,
				    .first_token = 300 };

	const char		*prompt = t_prompt[(uint64_t)id % 256];
	const struct answered	 all = {
		.prompt = prompt == NULL ? "" : prompt,
		.prompt_len = prompt == NULL ? 0 : strlen(prompt),
		.response = text, .response_len = strlen(text),
		.instruction = t_instruction,
		.instruction_len = strlen(t_instruction),
		.cost = &cost, .prompt_name = "0badcafe", .user = "maria",
		.server = "http://gpu:11434",
		.sources = t_sources, .source_count = t_source_count
	};

	return store_update_response(s, id, &all, &t_versions);
}

/* Checks what was found: a session's id, prompt and response; id 0: none. */
static inline void
t_is(enum failure_code rc, struct session *s, int64_t id, const char *prompt,
    const char *response)
{
	check_int(rc, FAILURE_NONE);
	check_int(s->id, id);
	if (id != 0 && s->id != 0) {
		check_mem(s->prompt, s->prompt_len, prompt, strlen(prompt));
		check_mem(s->response, s->response_len, response,
		    strlen(response));
		check(s->prompt[s->prompt_len] == '\0' &&
		    s->response[s->response_len] == '\0');
		/* 2026-01-02T03:04:05.678Z */
		check(strlen(s->created) == 24 && s->created[10] == 'T' &&
		    s->created[23] == 'Z');
	}
	session_free(s);
}

static inline void
t_newest_is(struct store *s, int64_t ticket, int64_t id, const char *prompt,
    const char *response)
{
	struct session	found;

	t_is(store_session_by_ticket(s, ticket, &found), &found, id, prompt,
	    response);
	check_int(t_newest(s, ticket), id);
}

#endif
