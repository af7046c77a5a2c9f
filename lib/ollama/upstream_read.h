/*
 * Reading an answer: its bytes into lines, the lines into text for the
 * callbacks of lib/ollama/upstream.h.
 */
#ifndef UPSTREAM_READ_H
#define UPSTREAM_READ_H

#include "ollama/upstream.h"

/*
 * Takes bytes of the answer to the POST; see http_call.receive.  False ends
 * the call: `over' is set, and `failure' says how it ended.
 */
bool upstream_take_answer(void *, long status, const char *, size_t len);

/*
 * Takes a whole line.  Returns false when the answer has ended, with
 * `failure'; code NONE then means a whole answer.
 */
bool upstream_take_line(struct upstream *, const char *, size_t len);

/* Tells what the model is doing, if that is new. */
void upstream_tell(struct upstream *, enum frame_state);

#endif
