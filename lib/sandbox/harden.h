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
 * directories, and in the files that the settings name.  Children inherit all
 * of this.  RUN_DIR must exist.
 */
enum harden harden(const struct settings *, unsigned descriptors);

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
