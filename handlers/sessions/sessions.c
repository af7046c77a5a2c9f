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
	{ "list", command_list, "[--json | --csv] [-n ROWS]",
	    "the newest session of each ticket, newest first",
	    "At most 50 unless -n says otherwise.\n"
	    "  sessions list -n 10\n"
	    "  sessions list --json | jq -r .ticket\n", 0 },
	{ "show", command_show, "[--json | --csv] [-n ROWS] TICKET",
	    "all sessions of a ticket, oldest first",
	    "With their texts and what they cost; -n: the newest ones only.\n"
	    "  sessions show 42\n"
	    "  sessions show --json -n 1 42 | jq -r .response\n", 0 },
	{ "history", command_history, "[--json | --csv] [-n ROWS] TICKET",
	    "the sessions of a ticket, a line each, newest first",
	    "`version' is the number by which an answer can be asked for.\n"
	    "  sessions history 42\n"
	    "  sessions history --csv 42 >42.csv\n", 0 },
	{ "search", command_search, "[--json | --csv] [-n ROWS] WORD...",
	    "what has all these words, best first",
	    "In tickets and answers, accents and case folded; at most 20 "
	    "unless -n.  An\nargument of several words is a phrase; one that "
	    "ends with * is a beginning.\n"
	    "  sessions search impressora papel\n"
	    "  sessions search 'paper jam' 'print*'\n", 0 },
	{ "stats", command_stats, "[--json | --csv] [-n ROWS] "
	    "[--by day|model | --log FILE] [--since DAYS]",
	    "what the answers have cost",
	    "Times are in milliseconds, days in UTC.  --log counts the "
	    "questions in a log\n(-: standard input) instead, by day and user: "
	    "all, those answered from the\ndatabase, errors.\n"
	    "  sessions stats --by day --since 7\n"
	    "  sessions stats --log var/ticketchat.log --csv\n"
	    "  journalctl --utc -o short-iso -t chat | "
	    "sessions stats --log -\n", 0 },
	{ "metrics", command_metrics, "",
	    "what Prometheus wants to know, in its text format",
	    "For node_exporter's textfile collector, from a timer:\n"
	    "  cd /var/lib/prometheus/node-exporter &&\n"
	    "  sessions metrics >ticketchat.new && mv ticketchat.new "
	    "ticketchat.prom\n", 0 },
	{ "doctor", command_doctor, "[--json] [--quick]",
	    "examine the settings, the data, the model and the machine",
	    "A line for each finding: ok, warning or error, and what helps.  "
	    "--quick does not\nread the whole database.  Exit code: 0 all "
	    "good, 1 warnings, 2 errors.\n"
	    "  sessions doctor\n"
	    "  sessions doctor --quick | grep -v ^ok\n", ANY_SETTINGS },
	{ "tail", command_tail, "[TICKET]",
	    "watch generations while they run",
	    "A line for each change; with TICKET its text as it comes, until "
	    "it ends.\nWho watches counts as a viewer: ON_DISCONNECT=cancel "
	    "waits for him too.\n"
	    "  sessions tail\n"
	    "  sessions tail 42\n", 0 },
	{ "stop", command_stop, "TICKET",
	    "end the running generation of a ticket, for everyone",
	    "As a viewer's stop would; one that stands still is killed.  As "
	    "root or as the\nservice's user.  Exit code 1: nothing runs, or "
	    "its answer is whole already.\n"
	    "  sessions stop 42\n", 0 },
	{ "replay", command_replay, "[--version N] [--pace MS] TICKET",
	    "play a saved answer as the frames of the protocol",
	    "The newest one unless --version; 30 milliseconds between two "
	    "words unless --pace.\n"
	    "  websocketd --port=5001 sessions replay 42\n", 0 },
	{ "check", command_check, "[--full]",
	    "look for damage in the database",
	    "--full: also whether every index fits its table.\n"
	    "  sessions check --full\n", 0 },
	{ "backup", command_backup, "[--force] FILE",
	    "copy the database while it is used",
	    "As of one moment, looked through and on disk before it gets its "
	    "name; --force\nreplaces a file.\n"
	    "  sessions backup /backup/ticketchat.$(date +%F)\n", 0 },
	{ "restore", command_restore, "[--force] FILE",
	    "put a backup in the place of the database",
	    "In one transaction, while no generation runs; what it was is "
	    "kept as\nDATABASE.before-restore, which must not be there "
	    "unless --force.\n"
	    "  sessions restore /backup/ticketchat.2026-11-23\n", 0 },
	{ "export", command_export, "[--since DAYS]",
	    "all sessions as lines of JSON",
	    "With ids, times and costs: nothing is lost.\n"
	    "  sessions export >sessions.jsonl\n", 0 },
	{ "import", command_import, "[FILE | --aspnet DATABASE]",
	    "take sessions in, from export or the original service",
	    "All or, where a line is wrong or an id is another session's "
	    "here, none.\n"
	    "  sessions import sessions.jsonl\n"
	    "  sessions import --aspnet tickets.db\n", 0 },
	{ "purge", command_purge, "--older-than DAYS [--dry-run | --force]",
	    "delete what is too old",
	    "Sessions by their answer's time; tickets that have none left "
	    "go too, unless\nTICKETS=existing.  Where the newest answer is "
	    "over 30 "
	    "days old, the clock may\nbe wrong: nothing is deleted without "
	    "--force.\n"
	    "  sessions purge --older-than 90d --dry-run\n", 0 },
	{ "forget", command_forget,
	    "--ticket N | --user NAME [--verify]",
	    "leave no byte of a ticket, or of a user's name",
	    "A ticket: its generation is stopped, the database written anew.  "
	    "A user: LOG is\noverwritten in place.  --verify looks through "
	    "the files that are left.\n"
	    "  sessions forget --ticket 42 --verify\n", 0 },
	{ "delete", command_delete, "TICKET",
	    "delete a ticket and all that belongs to it",
	    "  sessions delete 42\n", 0 },
	{ "migrate", command_migrate, "[--new-identity] [--now] [--wait]",
	    "make the database, or bring it to this version",
	    "Makes RUN_DIR too.  A newer database, or somebody else's, is "
	    "refused.\n--new-identity: the database began as a copy of "
	    "another one.\n"
	    "Generations of an older version are waited for, at most "
	    "ANSWER_TIMEOUT; --now\nends them.  --wait waits for a "
	    "database server that is out of reach, as run.sh does.\n"
	    "  sessions migrate\n", 0 },
	{ "hold", command_hold, "[--listen=N] COMMAND [ARGUMENT ...]",
	    "run a server, as run.sh does, and hold the database open for it",
	    "Passes signals and the exit code on.  --listen: it is websocketd, "
	    "on N addresses;\nclients that never read lose their places after "
	    "SEND_TIMEOUT, and what it says\nabout clients that left is "
	    "counted only.\n"
	    "  sessions hold --listen=1 websocketd --port=5000 "
	    "build/libexec/chat\n",
	    0 },
	{ "settings", command_settings, "[--service]",
	    "check the settings, print them as they take effect",
	    "As lines KEY=value.  --service is for run.sh: names of 0.1 in the "
	    "environment\n(AUTH, not TICKETCHAT_AUTH) that would lead the "
	    "service astray are refused, others\nnamed in one warning, and "
	    "the last line is websocketd's flag --passenv.\n"
	    "  TICKETCHAT_PORT=8080 sessions settings\n", NO_DATABASE },
	{ "token", command_token,
	    "[--ticket N] [--user NAME] [--ttl SECONDS] KEY-FILE",
	    "make a token for tests",
	    "Signed with a secret or a private key, for every ticket unless "
	    "--ticket,\nfor the user `test' unless --user, good for an hour "
	    "unless --ttl.\n"
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
	    "  COMMAND --help     its options and an example\n"
	    "  -c, --config FILE  settings from FILE, not from " CONF_FILE "\n"
	    "  -h, --help         this text\n"
	    "  -V, --version      the version\n"
	    "Exit code: 0 good, 1 nothing found or refused, 2 a generation "
	    "failed, 100 usage,\n102 settings or schema, 111 system.\n");
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
