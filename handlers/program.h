/*
 * What the mains of all programs begin with: safe descriptors and signals,
 * the options that they share, the settings.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "base/buf.h"
#include "settings/settings.h"

/* Descriptors 0 to 2 open, SIGPIPE ignored, children reaped, umask 077. */
void program_start(void);

/* Signals as they were before, for a program that this one becomes. */
void program_default_signals(void);

/*
 * Reads the options that every program has: -c FILE (to *file; NULL if it is
 * not given), --help and --version.  `usage' is the manual that --help
 * prints.  Returns the index of the first argument that is no option; after
 * --help, --version or bad usage it exits.
 */
int program_options(int argc, char *argv[], const char *usage,
    const char **file);

/*
 * Loads the settings: environment, then the file; the default one may be
 * absent.  With `environment_only' no file is read unless one was named.
 * A bad setting is one line on stderr and exit code 102.
 */
void program_settings(struct settings *, const char *file,
    int environment_only);

/*
 * Becomes another variant of this program, LIBEXEC/VARIANT, which is linked
 * with what this one lacks.  The service starts the variant that it needs;
 * this is for whoever starts a program at a shell.  Returns, with errno, only
 * if that fails (ENOENT: it was not built).
 */
void program_become(const char *variant, char *argv[]);

/*
 * Becomes this variant if the program itself cannot speak to the DATABASE of
 * the settings; exits with a message if there is no such variant.
 */
void program_store(const struct settings *, const char *variant,
    char *argv[]);

/* Says why a server's DATABASE cannot be used, which errno tells, and exits. */
void program_no_server(void) __attribute__((noreturn));

/*
 * Appends all of standard input.  Returns 0, or -1 with errno: of read(2), or
 * as buf_add (EMSGSIZE: longer than the buffer's cap).
 */
int program_read(struct buf *);

/* One line on stderr ("chat: …"), then exits. */
void program_fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

#endif
