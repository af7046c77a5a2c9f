/*
 * The commands of sessions: one function each, and what they share.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "frame/failure.h"
#include "settings/settings.h"
#include "store/store.h"

/*
 * A command gets its own name as argv[0] and returns the exit code; what it
 * cannot do ends the program.  It may find bad settings only if its row in
 * sessions.c says so: s->error tells then.
 */
int command_backup(const struct settings *, int argc, char *argv[]);
int command_check(const struct settings *, int argc, char *argv[]);
int command_delete(const struct settings *, int argc, char *argv[]);
int command_doctor(const struct settings *, int argc, char *argv[]);
int command_export(const struct settings *, int argc, char *argv[]);
int command_forget(const struct settings *, int argc, char *argv[]);
int command_history(const struct settings *, int argc, char *argv[]);
int command_import(const struct settings *, int argc, char *argv[]);
int command_list(const struct settings *, int argc, char *argv[]);
int command_metrics(const struct settings *, int argc, char *argv[]);
int command_migrate(const struct settings *, int argc, char *argv[]);
int command_hold(const struct settings *, int argc, char *argv[]);
int command_purge(const struct settings *, int argc, char *argv[]);
int command_replay(const struct settings *, int argc, char *argv[]);
int command_restore(const struct settings *, int argc, char *argv[]);
int command_search(const struct settings *, int argc, char *argv[]);
int command_settings(const struct settings *, int argc, char *argv[]);
int command_show(const struct settings *, int argc, char *argv[]);
int command_stats(const struct settings *, int argc, char *argv[]);
int command_stop(const struct settings *, int argc, char *argv[]);
int command_tail(const struct settings *, int argc, char *argv[]);
int command_token(const struct settings *, int argc, char *argv[]);

/*
 * An option of a command, with one place for its value: none is taken for a
 * flag, a number is from 1 to 2^63-1.  A list of them ends with no name.
 */
struct command_option {
	const char	 *name;		/* "json" is --json, "n" is -n */
	bool		 *flag;
	int64_t		 *number;
	const char	**text;
};

/*
 * Reads the options; what is no option is moved behind them.  Returns the
 * index of the first argument, of which there must be `least' to `most'.
 */
int command_options(int argc, char *argv[], const struct command_option *,
    int least, int most);

/* The number of a ticket. */
int64_t command_ticket(const char *command, const char *argument);

/* Sees that the run directory is there and ours alone, or makes it. */
void command_run_dir(const struct settings *);

/*
 * The same, and that it is this database's: shared until the program ends, see
 * lib/store/identity.h.
 */
void command_share_run_dir(const struct settings *, struct store *);

/*
 * Gives the reserve up where the disk is full, for what deletes: before the
 * store is opened.  Whatever way the program ends, it is made anew of what is
 * free then.
 */
void command_make_room(const struct settings *);

/* Opens the store of the settings. */
struct store *command_store(const struct settings *);

/* Wipes the progress that was shown, and ends the program if the store has
 * failed. */
void command_need(enum failure_code, const struct store *);

/*
 * Sends on what was printed; a full disk ends the program.  So does SIGPIPE
 * where nobody reads on: `sessions list | head'.
 */
void command_flush(void);

#endif
