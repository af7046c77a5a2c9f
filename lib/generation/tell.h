/*
 * DONE_COMMAND: tells another program of a saved answer.
 */
#ifndef TELL_H
#define TELL_H

#include <stdint.h>

#include "settings/settings.h"

/*
 * Runs DONE_COMMAND, if it is set, with the session's answer as one line of
 * JSON on its stdin, and waits for its end: for TELL_TURN seconds until it has
 * a turn on this machine, and then for TELL_SECONDS.  SIGTERM
 * or SIGINT end it.  `language' is the tag of whoever asked, "" if it is not
 * known.  A session that is no answer, or a question, is told to nobody.  The
 * process must have no other children.  Returns 0, or else an exit code: 1 if
 * there is no such answer, 2 if it was not told.
 */
enum { TELL_SECONDS = 60, TELL_TURN = 1800 };
int tell_done(const struct settings *, int64_t session, const char *language);

#endif
