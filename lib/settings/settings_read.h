/*
 * What the two files of this room call of each other: settings.c has the table
 * and the checks, settings_read.c reads the values.
 */
#ifndef SETTINGS_READ_H
#define SETTINGS_READ_H

#include "settings/settings.h"

/* Sets the error line; returns -1. */
int settings_fail(struct settings *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Reads the environment's values into `text', unchecked; a setting that has no
 * value there, or an empty one, stays NULL.  If `strict', a TICKETCHAT_ name
 * that is no setting's is an error.  Returns 0, or -1 with `error' set.
 */
int settings_read_environment(struct settings *, bool strict);

/*
 * Reads a file's values into those of `text' that are NULL, unchecked; empty
 * ones stay NULL.  The file has lines KEY=value: of what systemd's
 * EnvironmentFile= takes, each line is read as there or refused.  If
 * `optional', the file may be absent.  Returns 0, or -1 with `error' set.
 */
int settings_read_file(struct settings *, const char *path, bool optional);

/*
 * The setting with a key of this length; SETTING__MAX if there is none.  The
 * search begins at `first', where the key is likely to be.
 */
size_t settings_find(const char *key, size_t len, size_t first);

/* Whether the values of a setting are whole numbers. */
bool settings_is_number(enum setting);

/* Whether a setting may have this value, checked alone. */
bool settings_good(enum setting, const char *value);

#endif
