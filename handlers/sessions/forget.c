/*
 * sessions forget: deletes a ticket or a user without leaving a byte.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rate.h"
#include "generation/generations.h"
#include "knowledge/answers.h"
#include "knowledge/learn.h"
#include "program.h"
#include "sessions/command.h"
#include "store/knowledge.h"
#include "store/maintain.h"
#include "store/store.h"
#include "store/trace.h"

/* A search through files: what to search for, and the results. */
struct search {
	struct trace	 trace;
	const char	*user;
	bool		 shorts;	/* argument of trace_file for the next
					   files */
	bool		 say;		/* print where something is found */
	int64_t		 ticket;	/* search the copies' rows for it; 0: do
					   not */
	int64_t		 held;		/* its texts in the copies */
	int64_t		 files, found;
	int64_t		 copies;	/* of found, in copies */
};

static void
forget_add_text(void *context, int64_t session, const char *text, size_t len)
{
	(void)session;
	if (trace_add(context, text, len) == -1)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
}

static void
forget_add_held(void *context, int64_t session, const char *text, size_t len)
{
	struct search	*f = context;

	f->held++;
	forget_add_text(&f->trace, session, text, len);
}

static void
forget_count_held(void *context, int64_t session, const char *text, size_t len)
{
	struct search	*f = context;

	(void)session;
	(void)text;
	(void)len;
	f->held++;
}

/* Calls `each' for the ticket's texts in a copy. */
static void
forget_copy_texts(struct search *f, const char *path,
    void (*each)(void *, int64_t, const char *, size_t))
{
	struct stat	st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		store_texts_of_copy(path, f->ticket, each, f);
}

/* Adds the ticket's texts in a copy to the search. */
static void
forget_add_copy(struct search *f, const char *path)
{
	forget_copy_texts(f, path, forget_add_held);
}

/* Searches a file. */
static void
forget_search_file(struct search *f, const char *path)
{
	int64_t	n;

	n = f->user != NULL ? log_forget_user(path, f->user, true) :
	    trace_file(&f->trace, path, f->shorts);
	/* Not a regular file, or deleted meanwhile: skip it. */
	if (n == -1 && (errno == ENOENT || errno == EINVAL || errno == ENXIO ||
	    errno == EISDIR))
		return;
	if (n == -1)
		program_fail(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
	progress_show(NULL, "searching the files", 0, 0);
	f->files++;
	f->found += n;
	if (n > 0 && f->say) {
		progress_end();
		(void)printf("%s: %" PRId64 " pieces are left\n", path, n);
	}
}

/* Calls `each' for the files in a directory whose names begin with `name'. */
static void
forget_each_file(struct search *f, const char *dir, const char *name,
    void (*each)(struct search *, const char *path))
{
	struct dirent	*e;
	char		 path[PATH_MAX + NAME_MAX];
	DIR		*d;

	if ((d = opendir(dir)) == NULL && errno == ENOENT)
		return;		/* no log yet */
	if (d == NULL)
		program_fail(EXIT_SYSTEM, "%s: %s", dir, strerror(errno));
	while ((e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, name, strlen(name)) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		each(f, path);
	}
	(void)closedir(d);
}

static void
forget_search_dir(struct search *f, const char *dir, const char *name)
{
	forget_each_file(f, dir, name, forget_search_file);
}

/* Searches a file and the files beside it whose names begin with its name. */
static void
forget_search_beside(struct search *f, const char *file, bool shorts)
{
	char	dir[PATH_MAX], name[PATH_MAX];

	(void)snprintf(dir, sizeof(dir), "%s", file);
	(void)snprintf(name, sizeof(name), "%s", file);
	f->shorts = shorts;
	forget_search_dir(f, dirname(dir), basename(name));
}

/*
 * Calls `each' for the copies that the nightly upkeep made, and for what an
 * interrupted one left.  (PostgreSQL's copies are compressed: no text can be
 * found in them.)
 */
static void
forget_each_copy(struct search *f, const char *database,
    void (*each)(struct search *, const char *path))
{
	char	dir[PATH_MAX], copies[PATH_MAX + 16];

	(void)snprintf(dir, sizeof(dir), "%s", database);
	(void)snprintf(copies, sizeof(copies), "%s/backup", dirname(dir));
	forget_each_file(f, copies, "", each);
}

/* Searches a copy.  A text that is short or also another ticket's does not
   prove anything; in this case looks for the ticket's rows. */
static void
forget_search_copy(struct search *f, const char *path)
{
	const int64_t	before = f->found;

	forget_search_file(f, path);
	if (f->found > before || f->ticket == 0)
		return;
	f->held = 0;
	forget_copy_texts(f, path, forget_count_held);
	f->found += f->held;
	if (f->held > 0 && f->say) {
		progress_end();
		(void)printf("%s: contains ticket %" PRId64 "\n", path,
		    f->ticket);
	}
}

static void
forget_search_copies(struct search *f, const char *database)
{
	const int64_t	before = f->found;

	forget_each_copy(f, database, forget_search_copy);
	f->copies += f->found - before;
}

static void
forget_search_all(struct search *f, const struct settings *s, bool say)
{
	f->say = say;
	f->files = f->found = f->copies = 0;
	if (store_is_file()) {
		forget_search_beside(f, s->text[SETTING_DATABASE], true);
		forget_search_copies(f, s->text[SETTING_DATABASE]);
	}
	if (settings_log_is_file(s))
		forget_search_beside(f, s->text[SETTING_LOG], false);
	f->shorts = false;
	forget_search_dir(f, s->text[SETTING_RUN_DIR], "");
}

static void
forget_spare_text(void *context, int64_t session, const char *text, size_t len)
{
	(void)session;
	trace_spare(context, text, len);
}

/* Whether no trace of the deleted texts is left. */
static bool
forget_nothing_left(struct search *f, const struct settings *s,
    struct store *store)
{
	forget_search_all(f, s, false);
	if (f->found > 0) {
		/* Ignore texts that other tickets contain, too. */
		command_need(store_texts(store, 0, forget_spare_text,
		    &f->trace), store);
		forget_search_all(f, s, true);
	}
	progress_end();
	if (f->copies > 0)
		(void)printf("A copy of the database still has the text.  "
		    "Delete the copy, or forget the ticket\nin it too "
		    "(TICKETCHAT_DATABASE=COPY sessions forget).\n");
	if (f->found == 0)
		(void)printf("searched %" PRId64 " files%s: nothing is left\n",
		    f->files, store_is_file() ? "" :
		    ", but not those of the database server, nor its copies");
	trace_free(&f->trace);
	return f->found == 0;
}

/* Adds the ticket's texts to the search, also those in copies: if the ticket
   was deleted earlier, only the copies have them. */
static void
forget_note_texts(struct search *f, const struct settings *s,
    struct store *store)
{
	command_need(store_texts(store, f->ticket, forget_add_text, &f->trace),
	    store);
	if (store_is_file())
		forget_each_copy(f, s->text[SETTING_DATABASE], forget_add_copy);
}

/* Removes the ticket's words from the notes that it found. */
static enum failure_code
forget_words(struct store *store)
{
	return learn_sweep(store, true);
}

/* Whether none of the ticket's words is left beside the notes. */
static bool
forget_no_words(struct store *store, int64_t ticket)
{
	int64_t	rows;

	command_need(store_knowledge_left(store, ticket, &rows), store);
	if (rows > 0)
		(void)printf("the index of the notes: %" PRId64 " rows are "
		    "left\n", rows);
	return rows == 0;
}

static int
forget_ticket(const struct settings *s, int64_t ticket, bool verify)
{
	struct search	 f = { .ticket = ticket };
	struct store	*store = command_store(s);
	bool		 found, clean = true;
	int		 claim;

	command_share_run_dir(s, store);
	command_need(store_forget_room(store), store);
	command_make_room(s);
	store_watch(store, progress_show, NULL);
	if ((claim = generations_end(s->text[SETTING_RUN_DIR], ticket)) == -1)
		program_fail(EXIT_SYSTEM, "the generation of ticket %" PRId64
		    " does not end: %s", ticket, strerror(errno));
	if (verify)
		forget_note_texts(&f, s, store);
	command_need(store_forget(store, ticket, forget_words, &found), store);
	if (verify && (found || f.trace.count > 0 || f.held > 0))
		clean = forget_nothing_left(&f, s, store) &&
		    forget_no_words(store, ticket);
	(void)close(claim);
	store_close(store);
	if (!found && clean)
		program_fail(EXIT_CLIENT, "there is no ticket %" PRId64,
		    ticket);
	return clean ? EXIT_GOOD : EXIT_CLIENT;
}

/* Removes a user from the database: the ratings and what they taught, the
   names beside answers that the user wrote or asked for, and what a server
   notes about generations.  Returns false if something is left. */
static bool
forget_in_database(const struct settings *s, const char *who, bool verify)
{
	struct store	*store;
	int64_t		 rows = 0;

	store = command_store(s);
	store_watch(store, progress_show, NULL);
	command_need(store_forget_user(store, who, answers_sweep), store);
	if (verify) {
		command_need(store_user_left(store, who, &rows), store);
		(void)printf("searched the tables: %" PRId64 " rows are left\n",
		    rows);
	}
	store_close(store);
	return rows == 0;
}

static int
forget_user(const struct settings *s, const char *user, bool verify)
{
	struct search	 f = { .user = user, .say = true };
	const char	*log = s->text[SETTING_LOG];
	static const char *const	limits[] = { "", RATE_OPEN,
					    RATE_RATINGS, RATE_WRITTEN };
	char		 who[256], key[300], error[512];
	bool		 clean;
	size_t		 i;
	int64_t		 lines;

	if (*user == '\0' || strcmp(user, "-") == 0)
		program_fail(EXIT_USAGE, "forget: \"%s\" is not a user's name",
		    user);
	command_run_dir(s);
	(void)snprintf(who, sizeof(who), STORE_USER "%s", user);
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		(void)snprintf(key, sizeof(key), "%s%s", limits[i], who);
		if (rate_forget(s, key, error, sizeof(error)) == -1)
			program_fail(EXIT_SYSTEM, "%s", error);
	}
	clean = forget_in_database(s, who, verify);
	if (!settings_log_is_file(s))
		program_fail(EXIT_CLIENT, "LOG=%s: sessions cannot change the "
		    "lines of this log", log);
	if ((lines = log_forget_user(log, user, false)) == -1 &&
	    errno != ENOENT)
		program_fail(EXIT_SYSTEM, "%s: %s", log, strerror(errno));
	(void)printf("%s: %" PRId64 " lines changed\n", log,
	    lines == -1 ? 0 : lines);
	if (verify)
		forget_search_beside(&f, log, false);
	return clean && f.found == 0 ? EXIT_GOOD : EXIT_CLIENT;
}

int
command_forget(const struct settings *s, int argc, char *argv[])
{
	int64_t				 ticket = 0;
	const char			*user = NULL;
	bool				 verify = false;
	const struct command_option	 options[] = {
		{ "ticket", NULL, &ticket, NULL },
		{ "user", NULL, NULL, &user },
		{ "verify", &verify, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};

	(void)command_options(argc, argv, options, 0, 0);
	if ((ticket == 0) == (user == NULL))
		program_fail(EXIT_USAGE,
		    "forget: --ticket or --user is missing");
	return user == NULL ? forget_ticket(s, ticket, verify) :
	    forget_user(s, user, verify);
}
