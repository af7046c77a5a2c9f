/*
 * The settings: one table of every key with its default and its bounds.  A
 * value comes from the environment, else from websocketd.conf, else it is the
 * default.  In the environment a setting's name is TICKETCHAT_<KEY>; for
 * OLLAMA_<X> also OLLAMA_<X>, if there is no TICKETCHAT_OLLAMA_<X>.
 *
 * On its way a value is read from the file once, by `sessions settings', which
 * run.sh calls; run.sh passes all values in the environment.  Each program
 * parses its environment once, as it starts, and gives its children what it
 * has.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum setting {
	SETTING_PORT, SETTING_ADDRESS, SETTING_MAX_CONNECTIONS,
	SETTING_TLS_CERT, SETTING_TLS_KEY, SETTING_WEB,
	SETTING_HTTP_PORT, SETTING_HTTP_HOSTS, SETTING_METRICS_FROM,
	SETTING_DATABASE, SETTING_RUN_DIR, SETTING_LOG,
	SETTING_OLLAMA_SERVER, SETTING_OLLAMA_MODEL, SETTING_OLLAMA_OPTIONS,
	SETTING_OLLAMA_KEEP_ALIVE, SETTING_OLLAMA_THINK,
	SETTING_OLLAMA_TOKEN_FILE, SETTING_SYSTEM_PROMPT_FILE,
	SETTING_CONNECT_TIMEOUT, SETTING_FIRST_TOKEN_TIMEOUT,
	SETTING_STALL_TIMEOUT, SETTING_ANSWER_TIMEOUT,
	SETTING_IDLE_TIMEOUT, SETTING_SEND_TIMEOUT, SETTING_STOP_WAIT,
	SETTING_MAX_TICKET_BYTES, SETTING_MAX_ANSWER_BYTES,
	SETTING_GENERATIONS, SETTING_QUEUE_MAX,
	SETTING_ALLOWED_ORIGINS, SETTING_TICKETS,
	SETTING_TICKETS_TABLE, SETTING_TICKETS_ID_COLUMN,
	SETTING_ON_DISCONNECT, SETTING_CACHE, SETTING_OPEN, SETTING_RATINGS,
	SETTING_WRITE, SETTING_KNOWLEDGE, SETTING_KNOWLEDGE_FLOOR,
	SETTING_KNOWLEDGE_ANSWERS, SETTING_KNOWLEDGE_SYNONYMS, SETTING_LANGUAGE,
	SETTING_AUTH, SETTING_JWT_KEY_FILE, SETTING_JWT_ISSUER,
	SETTING_JWT_AUDIENCE, SETTING_JWT_COOKIE, SETTING_JWT_TICKET_CLAIM,
	SETTING_RATE_LIMIT, SETTING_MAX_VIEWERS, SETTING_TRUSTED_PROXIES,
	SETTING_TICKET_FILTER, SETTING_KNOWLEDGE_COMMAND, SETTING_DONE_COMMAND,
	SETTING_BACKUPS, SETTING_RETENTION_DAYS,
	SETTING__MAX
};

/* The values of the settings of a few words, in the order of their words. */
enum { WEB_ON, WEB_OFF };
enum { TICKETS_AUTO, TICKETS_EXISTING };
enum { ON_DISCONNECT_FINISH, ON_DISCONNECT_CANCEL };
enum { AUTH_OFF, AUTH_REQUIRED };
enum { CACHE_TICKET, CACHE_BODY };
enum { RATINGS_ON, RATINGS_OFF };
enum { WRITE_AUTO, WRITE_ON, WRITE_OFF };
enum { OPEN_AUTO, OPEN_ON, OPEN_ANSWER, OPEN_OFF };
enum { ANSWERS_OFF, ANSWERS_WRITTEN, ANSWERS_RATED };
enum { LANGUAGE_AUTO, LANGUAGE_FIXED_PT, LANGUAGE_FIXED_EN,
	LANGUAGE_FIXED_ES };

struct settings {
	const char	*text[SETTING__MAX];	/* the effective value */
	int64_t		 number[SETTING__MAX];	/* a number; a word's place;
						   thousandths */
	char		*file;			/* `text' may point into it */
	char		 error[512];		/* one line, if it failed */
};

/* The beginning of a setting's name in the environment. */
#define SETTINGS_PREFIX	"TICKETCHAT_"

/*
 * Reads and checks every setting; an empty value is no value.  If `optional',
 * the file may be absent.  If `file' is NULL, the environment is one that
 * run.sh or chat has made, and no file is read.  Otherwise a TICKETCHAT_ name
 * that is no setting's is an error, and LOG and ADDRESS are checked further.
 * Returns 0, or -1 with `error' set.  The texts live until settings_free,
 * those of the environment as long as the environment.
 */
int settings_load(struct settings *, const char *file, int optional)
    __attribute__((warn_unused_result));

void settings_free(struct settings *);

/* The key of a setting, as in the file. */
const char *settings_key(enum setting);

/* Whether LOG is a file, and neither syslog nor stderr. */
bool settings_log_is_file(const struct settings *);

/*
 * The most bytes of a ticket's text that are admitted: MAX_TICKET_BYTES, or, if
 * a filter makes it shorter before that is checked, SETTINGS_FILTERED times as
 * much, but no more than MAX_TICKET_BYTES may be.
 */
enum { SETTINGS_FILTERED = 16 };
size_t settings_ticket_max(const struct settings *);

/* Prints each key as KEY=value in the table's order. */
void settings_print(const struct settings *, FILE *);

/*
 * Prints the names of the variables that chat needs, with a comma between two:
 * the value of websocketd's flag --passenv.
 */
void settings_print_names(FILE *);

/*
 * glibc's malloc keeps freed memory in lists of its own, where malloc_trim(3)
 * cannot return it: half of what a viewer has.  Without them it takes a
 * fifteenth more instructions until a saved answer is sent.  run.sh sets the
 * same for chat.
 */
#define SETTINGS_MALLOC	"GLIBC_TUNABLES=glibc.malloc.tcache_count=0"

/*
 * An environment for a child of chat or of `sessions': TICKETCHAT_<KEY> for
 * each setting that chat needs, SETTINGS_MALLOC, then `own', unless NULL:
 * entries NAME=value with a newline between two.  It is one allocation, which
 * the caller frees.  NULL: no memory.
 */
char **settings_environment(const struct settings *, const char *own);

enum settings_bare {
	SETTINGS_BARE_DATA,	/* for whatever opens the database or RUN_DIR */
	SETTINGS_BARE_SERVICE	/* for the start of the service */
};

/*
 * Refuses bare names in the environment (DATABASE, not TICKETCHAT_DATABASE).
 * They counted in version 0.1, and count no more: a value that differs from the
 * effective one would lead astray.  Looks at those of the database, of RUN_DIR
 * and, for the service, of the settings that say who gets in.  Returns -1 with
 * `error' set, else 0.
 */
int settings_refuse_bare(struct settings *, enum settings_bare);

/*
 * The other bare names that have a good value which differs from the effective
 * one, with a blank between two; "" if there are none.
 */
const char *settings_bare_names(const struct settings *, char *to,
    size_t size);

/* The file that the programs read at a shell (fixed at build time). */
extern const char settings_default_file[];

/* The path in a word of JWT_KEY_FILE, without `hs256:' in front of it. */
const char *settings_key_path(const char *word);

#endif
