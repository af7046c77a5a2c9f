/*
 * What the error texts of model servers mean, whichever dialect they came in:
 * the same engines stand behind both.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>

#include "frame/failure.h"

/* Whether a text contains a part, whatever the case of its ASCII letters. */
bool fault_says(const char *text, const char *part);

/* Whether an error says that there is too little memory for the model. */
bool fault_memory(const char *error);

/*
 * What an error text means, in a line of an answer or in a refusal; *retry says
 * whether one more try may help.
 */
enum failure_code fault_meaning(const char *error, bool *retry);

/*
 * What a response with this status (any but 200) and error text, which may be
 * empty, means.  `model' is for the message.
 */
struct failure fault_refusal(long status, const char *error, const char *model,
    bool *retry);

#endif
