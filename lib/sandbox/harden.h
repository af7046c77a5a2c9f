/*
 * Least privilege: what a process gives up once it knows its settings.
 */
#ifndef HARDEN_H
#define HARDEN_H

#include <stdbool.h>

#include "settings/settings.h"

enum harden {
	HARDEN_FAILED = -1,	/* errno is set; do not continue */
	HARDEN_DONE,
	HARDEN_NO_LANDLOCK	/* the kernel has no Landlock; all else is
				   done */
};

/*
 * Turns off core dumps, limits memory and descriptors, sets no_new_privs, and
 * restricts file access with Landlock.  Writing is allowed only in RUN_DIR and
 * in the directories of DATABASE and LOG; reading only there, in the system's
 * directories, and in the files that the settings name, and the interpreters
 * of those that are programs.  Children inherit all of this.  RUN_DIR must
 * exist.
 */
enum harden harden(const struct settings *, unsigned descriptors);

/* As harden, and warns in the log if there is no Landlock.  Returns 0, or -1
   with errno. */
int harden_told(const struct settings *, unsigned descriptors);

/*
 * Writes the path of the interpreter that the kernel runs a script with: the
 * first word behind #! in its first line.  "" if it is no script or cannot be
 * read.
 */
enum { HARDEN_INTERPRETER = 256 };
void harden_interpreter(const char *program, char path[HARDEN_INTERPRETER]);

/*
 * A narrower domain for a program of other people: it may read and execute the
 * system's programs and libraries, itself and its interpreter, read in /etc
 * what programs need for host names, certificates, users and times, and write
 * in one directory and to /dev/null.  It has no capabilities, also if it is
 * root's.  It can make no UNIX sockets (but a connected pair of them), and so
 * connect to no process outside; it has neither io_uring nor the system calls
 * of another architecture.  With a new kernel it cannot send signals to
 * processes outside.
 *
 * harden_narrow makes the rules, and harden_enter restricts the calling
 * process, which may have been forked; it calls nothing but the kernel.
 * harden_narrow returns a descriptor, HARDEN_NONE if the kernel has no
 * Landlock, or -1 with errno; harden_enter 0, or -1 with errno.
 */
enum { HARDEN_NONE = -2 };
int harden_narrow(const char *program, const char *dir);
int harden_enter(int domain);

/*
 * Whether a file, which must exist, lies in a directory that hardened programs
 * may read even if no setting names the file.
 */
bool harden_reads(const char *file);

/* The version of the kernel's Landlock ABI; 0: the kernel has none. */
int harden_landlock(void);

/* Sets the limit of open descriptors again, for a child that inherited its
   parent's limit.  Returns 0, or -1 with errno. */
int harden_descriptors(unsigned most);

#endif
