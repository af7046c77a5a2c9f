/*
 * lib/frame/failure: the table is complete, consistent, and as in websocket.md.
 */
#include "base/utf8.h"
#include "frame/failure.h"
#include "t.h"

static int
holes(const char *message)
{
	int	n = 0;

	for (; (message = strstr(message, "{}")) != NULL; message += 2)
		n++;
	return n;
}

static void
entries(void)
{
	size_t	i, k, l;

	for (i = 1; i < FAILURE__MAX; i++) {
		const char	*name = failure_name((enum failure_code)i);
		int		 n[LANGUAGE__MAX];

		row("code %zu", i);
		if (!check(name != NULL && *name != '\0'))
			continue;
		row("%s", name);
		check_int(strspn(name, "abcdefghijklmnopqrstuvwxyz_"),
		    strlen(name));
		for (k = 0; k < i; k++)
			check(strcmp(name, failure_name(
			    (enum failure_code)k)) != 0);
		for (l = 0; l < LANGUAGE__MAX; l++) {
			const char	*m = failure_message(
					    (enum failure_code)i,
					    (enum language)l);

			if (!check(m != NULL && *m != '\0'))
				return;
			check(utf8_valid(m, strlen(m)));
			n[l] = holes(m);
			check(n[l] <= 1);
			/* With its detail it fits the buffer in frame.c. */
			check(strlen(m) + sizeof(((struct failure *)0)->
			    detail) < 512);
			check(strpbrk(m, "\n\t%") == NULL);
		}
		for (l = 1; l < LANGUAGE__MAX; l++) {
			check_int(n[l], n[0]);
			check(strcmp(failure_message((enum failure_code)i,
			    (enum language)l), failure_message(
			    (enum failure_code)i,
			    (enum language)(l - 1))) != 0);
		}
	}
	row("none");
	check_int(failure_exit(FAILURE_NONE), EXIT_GOOD);
	check(!failure_retryable(FAILURE_NONE));
}

/* No message contains details that only help administrators. */
static void
people(void)
{
	static const char *const	words[] = {
		"OLLAMA_", "Ollama", "ollama", "MAX_", "sess", " log ", " log.",
	};
	size_t				i, l, w;

	for (i = 1; i < FAILURE__MAX; i++) {
		for (l = 0; l < LANGUAGE__MAX; l++) {
			for (w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
				row("%s %zu %s", failure_name(
				    (enum failure_code)i), l, words[w]);
				check(strstr(failure_message(
				    (enum failure_code)i, (enum language)l),
				    words[w]) == NULL);
			}
		}
	}
}

/* Nor that of an answer which the ticket does not have: only we know
   sessions. */
static void
answers_not_sessions(void)
{
	static const char *const	fields[] = { "session", "version" };
	struct failure			f;
	const char			*m;
	size_t				i, l;

	for (i = 0; i < 2; i++) {
		f = failure_make(FAILURE_BAD_REQUEST, fields[i]);
		for (l = 0; l < LANGUAGE__MAX; l++) {
			row("%s %zu", fields[i], l);
			m = failure_words(&f, (enum language)l);
			check(strstr(m, "sess") == NULL);
			check(strstr(m, "sesi") == NULL);
			check(strstr(m, "{}") == NULL);
		}
	}
}

/* Exit codes: the client's, the model's, the administrator's, the system's. */
static void
exits(void)
{
	size_t	i;
	int	want;

	for (i = 1; i < FAILURE__MAX; i++) {
		row("%s", failure_name((enum failure_code)i));
		want = i < FAILURE_QUEUE_FULL ? 1 : i < FAILURE_STORAGE ? 2 :
		    i == FAILURE_SCHEMA ? 102 : 111;
		check_int(failure_exit((enum failure_code)i), want);
	}
}

static void
names(void)
{
	static const struct {
		const char		*name;
		size_t			 len;
		enum failure_code	 want;
	} rows[] = {
		{ "bad_json", 8, FAILURE_BAD_JSON },
		{ "bad_json", 7, FAILURE_INTERNAL },
		{ "bad_jsonx", 9, FAILURE_INTERNAL },
		{ "bad_jsonx", 8, FAILURE_BAD_JSON },
		{ "", 0, FAILURE_INTERNAL }, { "STORAGE", 7,
		    FAILURE_INTERNAL }, { "storage", 7, FAILURE_STORAGE },
	};
	const char	*name;
	size_t		 i;

	for (i = 0; i < FAILURE__MAX; i++) {
		name = failure_name((enum failure_code)i);
		row("%s", name);
		check_int(failure_from_name(name, strlen(name)), i);
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("\"%s\" %zu", rows[i].name, rows[i].len);
		check_int(failure_from_name(rows[i].name, rows[i].len),
		    rows[i].want);
	}
}

/* Each code is a row in websocket.md's table, with the same `retry'. */
static void
documented(void)
{
	char	*text, want[80];
	size_t	 i, len;

	text = t_read_source("websocket.md", &len);
	for (i = 1; i < FAILURE__MAX; i++) {
		enum failure_code	c = (enum failure_code)i;

		(void)snprintf(want, sizeof(want), "\n| `%s` | %s |",
		    failure_name(c), failure_retryable(c) ? "yes" : "no");
		row("%s", want + 1);
		check(strstr(text, want) != NULL);
	}
	free(text);
}

static void
details(void)
{
	char		text[300];
	struct failure	f;
	size_t		i, size = sizeof(f.detail);

	f = failure_make(FAILURE_STORAGE, NULL);
	check(f.code == FAILURE_STORAGE && f.retry_after == 0);
	check_str(f.detail, "");
	f = failure_make(FAILURE_TOO_LARGE, "65536");
	check_str(f.detail, "65536");
	/* Truncated between characters, wherever the limit is. */
	for (i = 0; i < 4; i++) {
		memset(text, 'a', sizeof(text));
		memcpy(text + size - 1 - i, "\xf0\x9f\x98\x80", 4);
		text[sizeof(text) - 1] = '\0';
		f = failure_make(FAILURE_INTERNAL, text);
		row("character at %zu", size - 1 - i);
		check_int(strlen(f.detail), size - 1 - i);
	}
}

int
main(void)
{
	t_begin();
	run(entries);
	run(people);
	run(answers_not_sessions);
	run(exits);
	run(names);
	run(documented);
	run(details);
	return t_end();
}
