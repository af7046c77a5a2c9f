/*
 * sessions - the administrator's tool: reports about the saved answers, and
 * maintains the database.
 *
 *	sessions COMMAND		see the table below, or sessions --help
 *	sessions COMMAND --help		one command, with an example
 *
 * Exit code: 0 good, 1 nothing found or refused, 2 a generation failed, 100
 * usage, 102 settings or schema, 111 system.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "program.h"
#include "sessions/command.h"

enum {
	ANY_SETTINGS = 1,	/* also runs with invalid settings */
	NO_DATABASE = 2		/* does not use the database */
};

static const struct command {
	const char	*name;
	int		 (*run)(const struct settings *, int, char *[]);
	const char	*arguments;
	const char	*summary;	/* its line in `sessions --help' */
	const char	*manual;	/* the rest of its own --help */
	unsigned	 flags;
} commands[] = {
	{ "ask", command_ask, "[--json] [--refresh] TICKET TEXT",
	    "ask about a ticket, and print the answer as it is written",
	    "As a viewer of the ticket: a saved answer is printed at once, a "
	    "new one is saved.\n"
	    "TEXT is the ticket's text; - reads it from standard input.  "
	    "--refresh asks for a new\n"
	    "answer, --json prints the frames.  Needs no JWT.  Exit code 2: "
	    "the model failed.\n"
	    "  sessions ask 42 'printer jam'\n"
	    "  sessions ask --json 42 - <ticket.txt | jq -r .type\n", 0 },
	{ "list", command_list, "[--json | --csv] [-n ROWS]",
	    "the newest session of each ticket, newest first",
	    "Prints at most 50 rows unless -n gives another number.\n"
	    "  sessions list -n 10\n"
	    "  sessions list --json | jq -r .ticket\n", 0 },
	{ "show", command_show,
	    "[--sources] [--json | --csv] [-n ROWS] TICKET",
	    "all sessions of a ticket, oldest first",
	    "Prints texts, times and tokens, and behind each answer the "
	    "questions about it\n"
	    "(`follows'); -n limits this to the newest answers.  --sources "
	    "prints instead the notes\n"
	    "that the model was given for them, and whether they cite them.\n"
	    "  sessions show 42\n"
	    "  sessions show --sources 42\n"
	    "  sessions show --json -n 1 42 | jq -r .response\n", 0 },
	{ "history", command_history, "[--json | --csv] [-n ROWS] TICKET",
	    "the sessions of a ticket, one per line, newest first",
	    "A client can ask for an answer by the number under `version'.\n"
	    "  sessions history 42\n"
	    "  sessions history --csv 42 >42.csv\n", 0 },
	{ "search", command_search, "[--json | --csv] [-n ROWS] WORD...",
	    "tickets and answers that have all these words, best first",
	    "Accents and case do not count.  Prints at most 20 rows unless -n "
	    "gives another\n"
	    "number.  An argument with several words is a phrase; a word that "
	    "ends with * is\n"
	    "the beginning of a word.\n"
	    "  sessions search impressora papel\n"
	    "  sessions search 'paper jam' 'print*'\n", 0 },
	{ "stats", command_stats, "[--json | --csv] [-n ROWS] [--by "
	    "day|model|prompt | --log FILE] [--since DAYS]",
	    "times and tokens of the answers",
	    "Times are in milliseconds, days in UTC; a system prompt is named "
	    "by the beginning\n"
	    "of its hash.  --log counts the questions in a log file\n"
	    "instead (- is standard input), by day and user: all questions, "
	    "those answered\n"
	    "from the database, and errors.\n"
	    "  sessions stats --by day --since 7\n"
	    "  sessions stats --log var/ticketchat.log --csv\n"
	    "  journalctl --utc -o short-iso -t chat | sessions stats --log "
	    "-\n",
	    0 },
	{ "report", command_report, "[--days N] [--lang pt-BR|en|es]",
	    "a page about the last days, for people",
	    "Writes one HTML file with charts and their numbers: answers, "
	    "waits, ratings, notes\n"
	    "that are cited and that are not, tickets that no note fitted, "
	    "cost.  It loads\n"
	    "nothing from elsewhere, and contains beginnings of tickets.  "
	    "Days are in UTC;\n"
	    "without --days the last 30, today among them.\n"
	    "  sessions report >report.html\n"
	    "  sessions report --days 7 --lang en >week.html\n", 0 },
	{ "metrics", command_metrics, "",
	    "metrics for Prometheus, in its text format",
	    "For node_exporter's textfile collector, run this from a timer:\n"
	    "  cd /var/lib/prometheus/node-exporter &&\n"
	    "  sessions metrics >ticketchat.new && mv ticketchat.new "
	    "ticketchat.prom\n", 0 },
	{ "doctor", command_doctor, "[--json] [--quick]",
	    "examine the settings, the data, the model and the machine",
	    "Prints one line for each finding: ok, warning or error, and what "
	    "helps.  --quick\n"
	    "does not read the whole database.  Exit code: 0 all is well, 1 "
	    "warnings, 2 errors.\n"
	    "  sessions doctor\n"
	    "  sessions doctor --quick | grep -v ^ok\n", ANY_SETTINGS },
	{ "tail", command_tail, "[TICKET]",
	    "watch generations while they run",
	    "Prints one line for each change; with TICKET, the text of its "
	    "answer until the\n"
	    "end.  This counts as a viewer, also for ON_DISCONNECT=cancel.\n"
	    "  sessions tail\n"
	    "  sessions tail 42\n", 0 },
	{ "stop", command_stop, "TICKET",
	    "end the running generation of a ticket, for all viewers",
	    "Works as a viewer's stop does; a process that does not react is "
	    "killed.  Run it\n"
	    "as root or as the service's user.  Exit code 1: no generation "
	    "runs, or its\n"
	    "answer is already complete.\n"
	    "  sessions stop 42\n", 0 },
	{ "write", command_write, "[--session N] TICKET",
	    "put an answer of your own in place of a ticket's newest one",
	    "Reads the answer from standard input; it becomes the next "
	    "version, by `shell'.\n"
	    "With --session only if that is still the newest answer.  Exit "
	    "code 1: it is not,\n"
	    "there is none, or one is being generated.\n"
	    "  sessions write 42 <answer.md\n", 0 },
	{ "learn", command_learn, "[--prune [--purge]] [--answers] [PATH... | "
	    "-]",
	    "read the team's notes, so that answers can cite them",
	    "PATH is a file (.md, .txt, .html) or a folder; - reads JSON "
	    "lines: name, title, url,\n"
	    "text; or question, answer, url of a solved ticket.  Only what is "
	    "new or has changed\n"
	    "is read.  --prune removes what a PATH does not have any more, and "
	    "--purge its text\n"
	    "from what answers were given.  --answers learns the answers here "
	    "that people wrote or\n"
	    "rated good.  Exit code 1: something could not be learnt.\n"
	    "  sessions learn notes/\n"
	    "  sessions learn - <solved.jsonl\n", 0 },
	{ "knowledge", command_knowledge, "[--json | --csv] [-n ROWS] "
	    "[--delete NAME [--purge] | --sweep]",
	    "what was learnt, and how often it was given and cited",
	    "--delete removes a document, --purge also its text from what "
	    "answers were given.\n"
	    "--sweep removes what deleted answers have left, as the timer "
	    "does at night.\n"
	    "  sessions knowledge\n"
	    "  sessions knowledge --delete notes/printer.md\n", 0 },
	{ "similar", command_similar, "[--json]",
	    "the notes that an answer to a text would get",
	    "Reads the text from standard input.  The number in front of a "
	    "title is its score;\n"
	    "see KNOWLEDGE_FLOOR.  Exit code 1: nothing fits.\n"
	    "  echo 'printer jam' | sessions similar\n"
	    "  echo 'printer jam' | sessions similar --json | jq -r .title\n",
	    0 },
	{ "replay", command_replay, "[--version N] [--pace MS] TICKET",
	    "play a saved answer as the frames of the protocol",
	    "Plays the newest answer unless --version chooses another, with 30 "
	    "milliseconds\n"
	    "between two words unless --pace gives another time.\n"
	    "  websocketd --port=5001 sessions replay 42\n", 0 },
	{ "check", command_check, "[--full]",
	    "look for damage in the database",
	    "--full also checks whether every index matches its table.\n"
	    "  sessions check --full\n", 0 },
	{ "backup", command_backup, "[--force] FILE",
	    "copy the database while it is in use",
	    "The copy shows one moment.  It is checked and on disk before it "
	    "gets its name.\n"
	    "--force replaces an existing file.\n"
	    "  sessions backup /backup/ticketchat.$(date +%F)\n", 0 },
	{ "restore", command_restore, "[--force] FILE",
	    "replace the database with a backup",
	    "Runs in one transaction, and only while no generation runs.  The "
	    "old contents go\n"
	    "to DATABASE.before-restore; that file must not exist, unless "
	    "--force is given.\n"
	    "  sessions restore /backup/ticketchat.2026-11-23\n", 0 },
	{ "export", command_export, "[--since DAYS]",
	    "all sessions as lines of JSON",
	    "The lines have ids, times and costs, so import loses nothing.\n"
	    "  sessions export >sessions.jsonl\n", 0 },
	{ "import", command_import, "[FILE | --aspnet DATABASE]",
	    "add sessions from an export or from the original service",
	    "Adds all sessions, or none if a line is wrong or an id belongs to "
	    "another session\n"
	    "here.\n"
	    "  sessions import sessions.jsonl\n"
	    "  sessions import --aspnet tickets.db\n", 0 },
	{ "purge", command_purge, "--older-than DAYS [--dry-run | --force]",
	    "delete old sessions",
	    "A session's age is that of its answer.  Tickets without sessions "
	    "are deleted too,\n"
	    "unless TICKETS=existing.  If the newest answer is over 30 days "
	    "old, the clock may\n"
	    "be wrong, and nothing is deleted without --force.\n"
	    "  sessions purge --older-than 90d --dry-run\n", 0 },
	{ "forget", command_forget, "--ticket N | --user NAME [--verify]",
	    "erase every byte of a ticket, or of a user's name",
	    "A ticket: its generation is stopped, and the database is "
	    "rewritten.  A user: the\n"
	    "name is overwritten in LOG.  --verify searches the remaining "
	    "files.\n"
	    "  sessions forget --ticket 42 --verify\n", 0 },
	{ "delete", command_delete, "TICKET",
	    "delete a ticket and its answers",
	    "  sessions delete 42\n", 0 },
	{ "migrate", command_migrate, "[--new-identity] [--now] [--wait]",
	    "create the database, or migrate it to this version",
	    "Creates RUN_DIR too.  Refuses a newer database, or that of "
	    "another program.\n"
	    "--new-identity gives a copy of another database its own "
	    "identity.\n"
	    "Waits for generations of an older version, at most "
	    "ANSWER_TIMEOUT; --now ends\n"
	    "them.  --wait waits for a database server that cannot be reached, "
	    "as run.sh does.\n"
	    "  sessions migrate\n", 0 },
	{ "hold", command_hold, "[--listen=N] COMMAND [ARGUMENT ...]",
	    "run a server and hold the database open for it, as run.sh does",
	    "Passes on signals and the exit code.  --listen: the command is "
	    "websocketd on N\n"
	    "addresses; clients that never read then lose their places after "
	    "SEND_TIMEOUT, and\n"
	    "its messages about clients that left are only counted.\n"
	    "  sessions hold --listen=1 websocketd --port=5000 "
	    "build/libexec/chat\n", 0 },
	{ "settings", command_settings, "[--service]",
	    "check the settings, and print the effective values",
	    "Prints lines KEY=value.  --service: as run.sh does; environment "
	    "names of version\n"
	    "0.1 (AUTH instead of TICKETCHAT_AUTH) are refused where they "
	    "could mislead, and\n"
	    "named in one warning otherwise.\n"
	    "  TICKETCHAT_PORT=8080 sessions settings\n", NO_DATABASE },
	{ "token", command_token,
	    "[--ticket N] [--user NAME] [--ttl SECONDS] KEY-FILE",
	    "make a JWT for tests",
	    "The JWT is signed with a secret or a private key.  It is for "
	    "every ticket unless\n"
	    "--ticket names one, for the user `test' unless --user names "
	    "another, and valid\n"
	    "for an hour unless --ttl gives another time.\n"
	    "  sessions token --ticket 42 --user ana secret.key\n",
	    NO_DATABASE },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* Returns the text of `sessions --help', which program_options prints. */
static const char *
usage(void)
{
	static char	text[8192];
	size_t		i, len;

	len = (size_t)snprintf(text, sizeof(text), "%s",
	    "usage: sessions [-c FILE] COMMAND [OPTIONS]\n");
	for (i = 0; i < COMMANDS && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "  %-18s %s\n", commands[i].name, commands[i].summary);
	(void)snprintf(text + len, len < sizeof(text) ? sizeof(text) - len :
	    0, "%s",
	    "  COMMAND --help     print the options of a command, with an "
	    "example\n"
	    "  -c, --config FILE  read settings from FILE instead of " CONF_FILE
	    "\n"
	    "  -h, --help         print this text\n"
	    "  -V, --version      print the version\n"
	    "Exit code: 0 good, 1 nothing found or refused, 2 a generation "
	    "failed, 100 wrong\narguments, 102 wrong settings or schema, 111 "
	    "system error.\n");
	return text;
}

static const struct command *
sessions_find(const char *name)
{
	size_t	i;

	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	program_fail(EXIT_USAGE, *name == '\0' ? "no command%s (try --help)" :
	    "unknown command \"%s\" (try --help)", name);
}

/* Whether the arguments of a command ask for its --help. */
static bool
sessions_asks_help(int argc, char *argv[])
{
	int	i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

int
main(int argc, char *argv[])
{
	static struct settings	 s;
	const struct command	*c;
	const char		*file;
	bool			 good;
	int			 i, rc = EXIT_GOOD;

	program_start();
	(void)signal(SIGPIPE, SIG_DFL);		/* sessions list | head */
	i = program_options(argc, argv, usage(), &file);
	argc -= i;
	argv += i;
	c = sessions_find(argc > 0 ? argv[0] : "");
	if (sessions_asks_help(argc, argv)) {
		(void)printf("usage: sessions %s %s\n%c%s.\n%s",
		    c->name, c->arguments, c->summary[0] & ~0x20,
		    c->summary + 1, c->manual);
	} else {
		good = settings_load(&s, file == NULL ?
		    settings_default_file : file, file == NULL) == 0;
		if (!good && (c->flags & ANY_SETTINGS) == 0)
			program_fail(EXIT_SETTINGS, "%s", s.error);
		if (good && (c->flags & NO_DATABASE) == 0 &&
		    settings_refuse_bare(&s, SETTINGS_BARE_DATA) == -1)
			program_fail(EXIT_SETTINGS, "%s", s.error);
		if (good && (c->flags & NO_DATABASE) == 0)
			program_store(&s, "sessions-postgres", argv - i);
		rc = c->run(&s, argc, argv);
	}
	settings_free(&s);
	command_flush();
	return rc;
}
