/*
 * The commands of sessions, one function each, and what they share.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "frame/failure.h"
#include "settings/settings.h"
#include "store/store.h"

/*
 * A command gets its own name in argv[0] and returns the exit code; errors end
 * the program.  Only commands marked in the table of sessions.c are called with
 * invalid settings: s->error then says what is wrong.
 */
int command_ask(const struct settings *, int argc, char *argv[]);
int command_backup(const struct settings *, int argc, char *argv[]);
int command_check(const struct settings *, int argc, char *argv[]);
int command_delete(const struct settings *, int argc, char *argv[]);
int command_doctor(const struct settings *, int argc, char *argv[]);
int command_export(const struct settings *, int argc, char *argv[]);
int command_forget(const struct settings *, int argc, char *argv[]);
int command_history(const struct settings *, int argc, char *argv[]);
int command_import(const struct settings *, int argc, char *argv[]);
int command_knowledge(const struct settings *, int argc, char *argv[]);
int command_learn(const struct settings *, int argc, char *argv[]);
int command_list(const struct settings *, int argc, char *argv[]);
int command_metrics(const struct settings *, int argc, char *argv[]);
int command_migrate(const struct settings *, int argc, char *argv[]);
int command_hold(const struct settings *, int argc, char *argv[]);
int command_purge(const struct settings *, int argc, char *argv[]);
int command_report(const struct settings *, int argc, char *argv[]);
int command_replay(const struct settings *, int argc, char *argv[]);
int command_restore(const struct settings *, int argc, char *argv[]);
int command_search(const struct settings *, int argc, char *argv[]);
int command_settings(const struct settings *, int argc, char *argv[]);
int command_similar(const struct settings *, int argc, char *argv[]);
int command_show(const struct settings *, int argc, char *argv[]);
int command_stats(const struct settings *, int argc, char *argv[]);
int command_stop(const struct settings *, int argc, char *argv[]);
int command_tail(const struct settings *, int argc, char *argv[]);
int command_write(const struct settings *, int argc, char *argv[]);
int command_token(const struct settings *, int argc, char *argv[]);

/*
 * An option of a command.  Exactly one pointer says where its value goes; a
 * flag has none.  A number is from 1 to 2^63-1.  A list of options ends with a
 * NULL name.
 */
struct command_option {
	const char	 *name;		/* "json" means --json, "n" means -n */
	bool		 *flag;
	int64_t		 *number;
	const char	**text;
};

/*
 * Reads the options and moves the other arguments behind them.  Returns the
 * index of the first of these; there must be `least' to `most' of them.
 */
int command_options(int argc, char *argv[], const struct command_option *,
    int least, int most);

/*
 * Reads a text, from standard input if `argument' is NULL, without the line
 * ends behind it.  Exits if it is blank, no UTF-8, or longer than `max' bytes,
 * the value of `setting'.  `what' names the text.
 */
void command_text(struct buf *, const char *what, const char *setting,
    int64_t max, const char *argument);

/* Reads the number of a ticket; exits if it is invalid. */
int64_t command_ticket(const char *command, const char *argument);

/* Makes RUN_DIR if it is missing; exits if it is not ours alone. */
void command_run_dir(const struct settings *);

/*
 * As command_run_dir, and also locks RUN_DIR as shared until the program ends,
 * after checking that it belongs to this database (lib/store/identity.h).
 */
void command_share_run_dir(const struct settings *, struct store *);

/*
 * If the disk is full, deletes the reserve so that data can be deleted.  To be
 * called before the store is opened.  The reserve is made again when the
 * program ends, as large as the free space allows.
 */
void command_make_room(const struct settings *);

/* Opens the store in DATABASE; exits on error. */
struct store *command_store(const struct settings *);

/* If the code is an error of the store: clears the progress line, prints the
   error, and exits. */
void command_need(enum failure_code, const struct store *);

/*
 * Flushes standard output; exits if the disk is full.  SIGPIPE ends the program
 * if nobody reads on, as in `sessions list | head'.
 */
void command_flush(void);

/*
 * Shows the progress on standard error if that is a terminal: after half a
 * second, and then a few times a second.  A callback for store_watch.  `what'
 * must be a literal.
 */
void progress_show(void *, const char *what, int64_t done, int64_t total);

/* Clears the progress line. */
void progress_end(void);

#endif
