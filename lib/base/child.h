/*
 * Running another program for what it prints.
 */
#ifndef CHILD_H
#define CHILD_H

#include "base/buf.h"

/*
 * Runs a program (found in PATH if its name has no slash) with stdin empty,
 * appends what it prints on stdout and stderr, as far as the buffer takes it,
 * and waits for its end, at most so long (-1: for ever).  Returns its exit
 * code, or -1 with errno (ENOENT: there is none; ETIMEDOUT; EINTR: a signal
 * ended it).
 */
int child_run(char *const argv[], char *const env[], int timeout_ms,
    struct buf *out);

#endif
