/*
 * Good answers of the database itself as knowledge: the answer becomes a
 * document, and its ticket's words find the notes that it cited.
 */
#ifndef KNOWLEDGE_ANSWERS_H
#define KNOWLEDGE_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/failure.h"
#include "knowledge/learn.h"
#include "store/store.h"

/* The source of these documents. */
#define ANSWERS_SOURCE	"answers"

/*
 * After an answer was written or rated: learns it if it is good (`written':
 * only if a person wrote it), else unlearns it.  Looks again behind that, as
 * another process may have changed the ratings or deleted the ticket.  What was
 * unlearnt cannot be found any more; a later learn_sweep removes its bytes from
 * the file.
 */
enum failure_code answers_settle(struct store *, int64_t session,
    bool written);

/*
 * Unlearns all answers that taught something and are not good any more, and
 * removes every byte of their words from the index.  Does nothing where nothing
 * was learnt.
 */
enum failure_code answers_sweep(struct store *);

/* Learns all answers that people wrote or rated good, and unlearns the
   others. */
enum failure_code answers_learn_all(struct learning *, struct store *);

#endif
