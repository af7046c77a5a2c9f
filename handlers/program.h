/*
 * What all programs do first: descriptors, signals, common options, settings.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "base/buf.h"
#include "settings/settings.h"

/*
 * Makes sure that descriptors 0 to 2 are open, ignores SIGPIPE and SIGXFSZ, has
 * the kernel reap children, and sets the umask to 077.
 */
void program_start(void);

/* Restores default signal actions before another program is executed. */
void program_default_signals(void);

/*
 * Reads the options that all programs have: -c FILE (sets *file, else NULL),
 * --help, which prints `usage', and --version.  Returns the index of the first
 * other argument.  Exits after --help, --version or an invalid option.
 */
int program_options(int argc, char *argv[], const char *usage,
    const char **file);

/*
 * Loads the settings from the environment and then the file.  The default file
 * may be missing.  With `environment_only' reads only a file named by -c.
 * Prints an invalid setting on stderr and exits with 102.
 */
void program_settings(struct settings *, const char *file,
    int environment_only);

/*
 * Replaces this program by LIBEXEC/VARIANT, a variant linked with more
 * libraries.  Only needed at a shell: the service starts the right variant
 * itself.  Returns only on error, with errno (ENOENT: the variant was not
 * built).
 */
void program_become(const char *variant, char *argv[]);

/*
 * If this program cannot use DATABASE, replaces it by the given variant; exits
 * with a message if that variant does not exist.
 */
void program_store(const struct settings *, const char *variant,
    char *argv[]);

/*
 * Prints why a DATABASE on a server cannot be used, according to errno, and
 * exits.
 */
void program_no_server(void) __attribute__((noreturn));

/*
 * Appends all of standard input to a buffer.  Returns 0, or -1 with the errno
 * of read(2) or buf_add (EMSGSIZE: longer than the buffer's cap).
 */
int program_read(struct buf *);

/* Prints a line on stderr ("chat: …") and exits. */
void program_fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

#endif
