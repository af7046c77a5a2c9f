/*
 * The file websocketd.conf: lines KEY=value, a part of what systemd's
 * EnvironmentFile= takes, read the same as there or refused.
 */
#ifndef SETTINGS_FILE_H
#define SETTINGS_FILE_H

#include "settings/settings.h"

/*
 * Reads a file's values into `text', unchecked, the first to the last line;
 * empty ones stay NULL.  If `optional' it may be absent.  Returns 0, or -1
 * with `error' set.
 */
int settings_file_read(struct settings *, const char *path, int optional);

/*
 * Checks what concerns more than one setting; each alone is right.  As
 * settings_file_read.
 */
int settings_together(struct settings *);

/*
 * Gives OPEN=auto the value that the other settings make of it.  `whole': all
 * of them are there; chat gets what run.sh has read, without ADDRESS.
 */
void settings_open(struct settings *, bool whole);

/*
 * Refuses a LOG that is a descriptor or a terminal, or a link to one: under
 * websocketd its lines would be sent to clients.  As settings_file_read.
 */
int settings_check_log(struct settings *);

/*
 * Looks whether ADDRESS is a list of addresses as websocketd takes them, in
 * their usual spelling: 127.0.0.01 is another one for some programs.  Returns
 * as settings_fail.  Asked where a file is read: by run.sh and at a shell.
 */
int settings_check_listen(struct settings *);

/* Sets the error line; returns -1. */
int settings_fail(struct settings *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
