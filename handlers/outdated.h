/*
 * chat under a websocketd that was started by run.sh of version 0.1.
 */
#ifndef OUTDATED_H
#define OUTDATED_H

#include <stdbool.h>

/*
 * Whether chat runs under such a websocketd: a package or `make install' has
 * replaced the programs, but the service was not restarted.  In its environment
 * the settings have their old names, so chat would not see AUTH=required, and
 * under websocketd chat reads no settings file.
 */
bool outdated(void);

/*
 * Answers every message with the error `internal', on the descriptor `out', and
 * logs once that the service must be restarted.  Opens nothing else.  Returns
 * chat's exit code.
 */
int outdated_serve(int out);

#endif
