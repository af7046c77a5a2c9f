/*
 * What still runs when the service ends: the answers that are being written.
 */
#ifndef REST_H
#define REST_H

#include <stdbool.h>

#include "settings/settings.h"

/*
 * Tells each `answer' of RUN_DIR that the service ends, so that none waits for
 * its turn any longer, and lets those that run end for STOP_WAIT seconds; with
 * `at_once', or when a signal comes on the signalfd(2), not any longer.  Then
 * the rest gets SIGTERM, and INIT_TIMEOUT to end.  As process 1 that is
 * everybody.
 */
void rest_end(const struct settings *, int signals, bool at_once);

#endif
