/*
 * Ends the answers that still run when the service ends.
 */
#ifndef REST_H
#define REST_H

#include <stdbool.h>

#include "settings/settings.h"

/* Between two looks whether somebody listens at a port, in ms. */
#define LISTEN_PAUSE	20

/*
 * Tells each `answer' of RUN_DIR that the service ends: those in the queue end,
 * those that run may finish within STOP_WAIT seconds.  With `at_once', or after
 * a signal on `signals' (a signalfd(2)), there is no such wait.  Then sends
 * SIGTERM to those that are left and waits up to INIT_TIMEOUT ms.  As process 1
 * sends SIGTERM to all processes.
 */
void rest_end(const struct settings *, int signals, bool at_once);

#endif
