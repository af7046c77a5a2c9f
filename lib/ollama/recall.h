/*
 * What each model server refused of OpenAI's requests (bits of openai.h), in
 * RUN_DIR/refusals, so that only the first question after a start meets the
 * refusal.  If the file is lost, one question meets it once more.
 */
#ifndef RECALL_H
#define RECALL_H

#include <stdint.h>

/* What a server (a url_key) is known to refuse; 0: nothing. */
unsigned recall_read(const char *run_dir, uint64_t server);

/* Notes that a server has refused this, and then answered without it. */
void recall_add(const char *run_dir, uint64_t server, unsigned refuses);

#endif
