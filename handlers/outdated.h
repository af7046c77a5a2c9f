/*
 * chat under a websocketd that a run.sh of version 0.1 has started.
 */
#ifndef OUTDATED_H
#define OUTDATED_H

#include <stdbool.h>

/*
 * Whether chat runs under such a websocketd: a package or `make install' has
 * replaced the programs, but nobody has restarted the service.  The settings
 * have other names in its environment, so that AUTH=required would be unseen,
 * and under websocketd no file says it either.
 */
bool outdated(void);

/*
 * Answers each message, on the descriptor `out', with the error `internal',
 * logs once that the service has to be restarted, and opens nothing else.
 * Returns chat's exit code.
 */
int outdated_serve(int out);

#endif
