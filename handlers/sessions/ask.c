/*
 * sessions ask: a question from a shell of the server, asked by chat.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/limit.h"
#include "json/json.h"
#include "json/jsonw.h"
#include "program.h"
#include "sessions/command.h"
#include "sessions/print.h"

/* What was printed of an answer. */
struct ask {
	bool	begun;		/* some text */
	bool	open;		/* its last line has no end yet */
	bool	over;		/* the last frame has come */
};

/* Writes the message for chat as one line. */
static void
ask_write(struct buf *line, const char *text, size_t len, bool refresh)
{
	struct jsonw	w;

	line->cap = 6 * len + READ_MAX;
	jsonw_begin(&w, line);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "ticketBody", text, len);
	jsonw_text(&w, "lang", "en");
	if (refresh)
		jsonw_bool(&w, "refresh", true);
	if (jsonw_end(&w, true) == -1)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
}

/*
 * Starts chat for the ticket, with the message as its standard input and its
 * log, which is standard error, in the file `said'.  Whoever has a shell of the
 * service's user needs no JWT.  Returns chat's pid.
 */
static pid_t
ask_start(const struct settings *s, int64_t ticket, const struct buf *line,
    int out, int said)
{
	struct settings	 mine = *s;
	char		 path[32], name[] = "chat", option[] = "-c";
	char		 none[] = "/dev/null", **env;
	char		*argv[] = { name, option, none, NULL };
	const int	 in = child_input(line->data, line->len);
	pid_t		 pid;
	int		 rc;

	mine.text[SETTING_AUTH] = "off";
	mine.number[SETTING_AUTH] = AUTH_OFF;
	(void)snprintf(path, sizeof(path), "PATH_INFO=/%" PRId64, ticket);
	env = settings_environment(&mine, path);
	if (in == -1 || env == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	(void)signal(SIGCHLD, SIG_DFL);		/* else waitpid fails */
	rc = child_spawn(&pid, LIBEXECDIR "/chat", argv, env,
	    (int[]){ in, out, said }, 3, false);
	if (rc != 0)
		program_fail(EXIT_SYSTEM, LIBEXECDIR "/chat: %s", strerror(rc));
	(void)close(in);
	free(env);
	return pid;
}

/* Prints a text of a frame as it comes. */
static void
ask_print(struct ask *a, const struct json *j, const char *field)
{
	struct buf	text = BUF_INIT(OUTPUT_MAX);
	struct buf	tame = BUF_INIT(OUTPUT_MAX);

	if (json_string(j, json_member(j, 0, field), false, &text) == -1)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	if (text.len > 0) {
		print_tame(text.data, text.len, false, &tame);
		(void)fwrite(tame.data, 1, tame.len, stdout);
		a->begun = true;
		a->open = tame.data[tame.len - 1] != '\n';
	}
	command_flush();
	buf_free(&text);
	buf_free(&tame);
}

/* Ends the last line of the text. */
static void
ask_end_line(struct ask *a)
{
	if (a->open)
		(void)putchar('\n');
	a->open = false;
	command_flush();
}

/* Prints on standard error what is to be said about the answer. */
static void
ask_say(struct ask *a, const char *text)
{
	ask_end_line(a);
	(void)fprintf(stderr, "sessions: %s\n", text);
}

/* Prints the failure's code and its words. */
static void
ask_fail(struct ask *a, const struct json *j)
{
	struct buf	text = BUF_INIT(READ_MAX), line = BUF_INIT(READ_MAX);

	a->over = true;
	ask_end_line(a);
	if (json_string(j, json_member(j, 0, "code"), false, &text) == -1 ||
	    buf_add(&text, ": ", 2) == -1 || json_string(j,
	    json_member(j, 0, "message"), false, &text) == -1)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	print_tame(text.data, text.len, true, &line);
	(void)fprintf(stderr, "sessions: %.*s\n", (int)line.len, line.data);
	buf_free(&text);
	buf_free(&line);
}

/* Prints the lines of chat's log that say why it failed. */
static void
ask_explain(int said)
{
	char		text[READ_MAX + 1], *rest = text, *line;
	struct buf	tame = BUF_INIT(READ_MAX);
	const ssize_t	n = pread(said, text, READ_MAX, 0);

	text[n < 0 ? 0 : n] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0' || strstr(line, " level=info ") != NULL)
			continue;
		buf_clear(&tame);
		print_tame(line, strlen(line), true, &tame);
		(void)fprintf(stderr, "%.*s\n", (int)tame.len, tame.data);
	}
	buf_free(&tame);
}

/* Prints what a frame has for a reader. */
static void
ask_frame(struct ask *a, const struct json *j)
{
	const int	type = json_member(j, 0, "type");

	if (json_equals(j, type, "stream")) {
		ask_print(a, j, "content");
	} else if (json_equals(j, type, "cached")) {
		if (a->begun)
			ask_say(a, "the answer is another text:");
		ask_print(a, j, "response");
	} else if (json_equals(j, type, "error")) {
		ask_fail(a, j);
	}
	if (json_true(j, json_member(j, 0, "bodyChanged")))
		ask_say(a, "this answers a different text of the ticket; "
		    "--refresh asks for a new answer");
	if (json_equals(j, type, "done")) {
		a->over = true;
		ask_end_line(a);
		if (json_equals(j, json_member(j, 0, "reason"), "length"))
			ask_say(a, "the model stopped at its length limit");
	}
}

/* Prints frames until chat has ended.  Returns whether the last one came. */
static bool
ask_read(FILE *frames)
{
	struct ask	 a = { 0 };
	struct json	 j = { 0 };
	char		*line = NULL;
	size_t		 size = 0;
	ssize_t		 len;

	while ((len = getline(&line, &size, frames)) != -1) {
		if (json_parse(&j, line, (size_t)len, MESSAGE_DEPTH,
		    MESSAGE_TOKENS) == -1)
			program_fail(EXIT_SYSTEM, "chat: %s", strerror(errno));
		ask_frame(&a, &j);
	}
	json_free(&j);
	free(line);
	ask_end_line(&a);
	return a.over;
}

int
command_ask(const struct settings *s, int argc, char *argv[])
{
	bool				 frames = false, refresh = false;
	bool				 over = true;
	const struct command_option	 options[] = {
		{ "json", &frames, NULL, NULL },
		{ "refresh", &refresh, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct buf			 text = BUF_INIT(0), line = BUF_INIT(0);
	FILE				*in = NULL;
	int				 i, fd[2] = { -1, -1 }, said, status;
	int64_t				 ticket;
	pid_t				 pid;

	i = command_options(argc, argv, options, 2, 2);
	ticket = command_ticket(argv[0], argv[i]);
	command_text(&text, "ticket's text", *s->text[SETTING_TICKET_FILTER] ==
	    '\0' ? "MAX_TICKET_BYTES" : "16 times MAX_TICKET_BYTES",
	    (int64_t)settings_ticket_max(s),
	    strcmp(argv[i + 1], "-") == 0 ? NULL : argv[i + 1]);
	ask_write(&line, text.data, text.len, refresh);
	if ((said = child_input("", 0)) == -1 || (!frames &&
	    (pipe2(fd, O_CLOEXEC) == -1 || (in = fdopen(fd[0], "r")) == NULL)))
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	pid = ask_start(s, ticket, &line, frames ? STDOUT_FILENO : fd[1],
	    said);
	buf_free(&text);
	buf_free(&line);
	if (!frames) {
		(void)close(fd[1]);
		over = ask_read(in);
		(void)fclose(in);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_GOOD)
		ask_explain(said);
	if (!over || !WIFEXITED(status))
		program_fail(EXIT_SYSTEM, "chat has ended without an answer");
	return WEXITSTATUS(status);
}
