/*
 * The settings: one table of every key with its default and its bounds, read
 * from the environment first and from websocketd.conf second.  The
 * environment's name of a setting is TICKETCHAT_<KEY>; that of OLLAMA_<X> may
 * also be bare, which counts less.
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
	SETTING_ON_DISCONNECT, SETTING_CACHE, SETTING_OPEN, SETTING_LANGUAGE,
	SETTING_AUTH, SETTING_JWT_KEY_FILE, SETTING_JWT_ISSUER,
	SETTING_JWT_AUDIENCE, SETTING_JWT_COOKIE, SETTING_JWT_TICKET_CLAIM,
	SETTING_RATE_LIMIT, SETTING_MAX_VIEWERS, SETTING_TRUSTED_PROXIES,
	SETTING_BACKUPS, SETTING_RETENTION_DAYS,
	SETTING__MAX
};

/* The values of the settings of a few words, in the order of their words. */
enum { WEB_ON, WEB_OFF };
enum { TICKETS_AUTO, TICKETS_EXISTING };
enum { ON_DISCONNECT_FINISH, ON_DISCONNECT_CANCEL };
enum { AUTH_OFF, AUTH_REQUIRED };
enum { CACHE_TICKET, CACHE_BODY };
enum { OPEN_AUTO, OPEN_ON, OPEN_ANSWER, OPEN_OFF };
enum { LANGUAGE_AUTO, LANGUAGE_FIXED_PT, LANGUAGE_FIXED_EN,
	LANGUAGE_FIXED_ES };

struct settings {
	const char	*text[SETTING__MAX];	/* as it takes effect */
	int64_t		 number[SETTING__MAX];	/* numbers; index of a word */
	char		*file;			/* what text may point into */
	char		 error[512];		/* one line, if it failed */
};

/* What stands before a key in the environment. */
#define SETTINGS_PREFIX	"TICKETCHAT_"

/*
 * Reads and checks every setting: environment, then the file, then the
 * default; an empty value is no value.  If `optional', the file may be absent.
 * With a file, a TICKETCHAT_ name that is no setting's is an error; without
 * (`file' is NULL: the environment comes from run.sh or chat) it is ignored.
 * Returns 0, or -1 with `error' set.  The texts live until settings_free,
 * those of the environment as long as the environment.
 */
int settings_load(struct settings *, const char *file, int optional)
    __attribute__((warn_unused_result));

void settings_free(struct settings *);

/* The key of a setting, as in the file. */
const char *settings_key(enum setting);

/* Whether its values are whole numbers. */
bool settings_is_number(enum setting);

/* The setting of a key; SETTING__MAX if there is none. */
size_t settings_find(const char *key);

/* Whether a setting may have this value, looked at alone. */
bool settings_good(enum setting, const char *value);

/* Whether LOG is a file, and neither syslog nor stderr. */
bool settings_log_is_file(const struct settings *);

/* Prints each key as KEY=value in the table's order. */
void settings_print(const struct settings *, FILE *);

/*
 * An environment that holds the effective settings as TICKETCHAT_<KEY> and
 * nothing else, for a child; one allocation, the caller frees it and may put
 * one entry of its own at [SETTING__MAX].  NULL: no memory.
 */
char **settings_environment(const struct settings *);

/* The file that the programs read at a shell (fixed at build time). */
extern const char settings_default_file[];

/* The path in a word of JWT_KEY_FILE: what follows `hs256:', if it is there. */
const char *settings_key_path(const char *word);

#endif
