/*
 * Least privilege: what a process gives up once it knows what it needs.
 */
#ifndef HARDEN_H
#define HARDEN_H

#include <stdbool.h>

#include "settings/settings.h"

enum harden {
	HARDEN_FAILED = -1,	/* errno tells; go no further */
	HARDEN_DONE,
	HARDEN_NO_LANDLOCK	/* the kernel has none; the rest is done */
};

/*
 * No core dumps, bounded memory and descriptors, no new privileges, and
 * (Landlock) writing only below the state and run directories and the log's,
 * reading only there, in the system's directories and in the files that the
 * settings name.  Children inherit it.  The run directory must exist.
 */
enum harden harden(const struct settings *, unsigned descriptors);

/*
 * Whether a file, which must be there, lies where they may read without its
 * being a setting of its own.
 */
bool harden_reads(const char *file);

/* The version of the kernel's Landlock; 0: it has none. */
int harden_landlock(void);

/* Sets anew how many descriptors may be open, for a child that was hardened
 * with its parent.  Returns 0, or -1 with errno. */
int harden_descriptors(unsigned most);

#endif
