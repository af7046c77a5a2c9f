/*
 * The team's knowledge in the database: documents, their passages, and the
 * index of the passages' words.  The words are folded terms
 * (lib/knowledge/terms.h) with a blank between two; this room only keeps them.
 * The functions return as those of lib/store/store.h.  A callback for rows that
 * returns false drops the connection to a server, and the transaction with it.
 */
#ifndef STORE_KNOWLEDGE_H
#define STORE_KNOWLEDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/failure.h"
#include "store/store.h"

/*
 * Whether the tables of sql/knowledge.sql are there.  A file has none before
 * the first store_knowledge_make, and each connection is then cheaper; a
 * server's database always has them.
 */
enum failure_code store_knowledge_there(struct store *, bool *there);

/* Makes these tables, in a transaction of its own, if they are not there. */
enum failure_code store_knowledge_make(struct store *);

/* Ids from rows: their first column, and the second one, or 0.  As many are
   changed in one transaction. */
enum { STORE_IDS_MAX = 200 };

struct store_ids {
	int64_t	id[STORE_IDS_MAX], other[STORE_IDS_MAX];
	size_t	count;
};

/* A `row' that adds to a struct store_ids; what is too much is left out. */
bool store_ids_add(void *, const struct cell *, int cells);

/*
 * All other functions need the tables.
 *
 * Reading: what is read between store_knowledge_read and
 * store_knowledge_read_end comes from one state of the database.
 */
enum failure_code store_knowledge_read(struct store *);
void store_knowledge_read_end(struct store *);

/* Sets *passages to how many there are. */
enum failure_code store_passages_count(struct store *, int64_t *passages);

/* A word of a ticket; the text is borrowed. */
struct store_word {
	const char	*text;
	size_t		 len;
	int64_t		 passages;	/* how many hold it */
	double		 value;		/* what a passage with it is worth */
};

/* `passages' of a word that was not counted (yet). */
enum { STORE_UNCOUNTED = -1 };

/*
 * Sets how many passages hold each word that is not counted yet.  Common words
 * take long and may stay so: those which, with all that are rarer (`least' of
 * them or more), stand in more than `rows' passages, counted once for each
 * word.
 */
enum failure_code store_words(struct store *, struct store_word *,
    size_t count, size_t least, int64_t rows);

/*
 * Calls `row' for at most `most' passages that hold one of these words (at
 * least one), about the best ones by the words' values: id, and the words of
 * the title, of the text, and of the tickets that it answered.
 */
enum failure_code store_candidates(struct store *, const struct store_word *,
    size_t count, int64_t most, store_row *row, void *);

/* Calls `row' for a passage, if it is there: name, title, url, text, ticket,
   and the question of a solved ticket. */
enum failure_code store_passage(struct store *, int64_t id, store_row *row,
    void *);

/*
 * Writing: a transaction, which waits for other writers and must be short.
 * store_learn_end commits if rc is FAILURE_NONE, and returns rc or the error of
 * the commit.
 */
enum failure_code store_learn_begin(struct store *);
enum failure_code store_learn_end(struct store *, enum failure_code rc);

/* A text that is borrowed. */
struct store_text {
	const char	*text;
	size_t		 len;
};

/* A document.  question "": it is no solved ticket. */
struct store_document {
	struct store_text	name, source, hash, title, url, question;
	int64_t			ticket, session;	/* 0: none */
};

/* The words of a passage in the index. */
struct store_index {
	struct store_text	title, body, asked;
};

struct store_passage {
	struct store_text	title, text, hash;
	struct store_index	words;
};

/* As many documents are asked for, or put, together: what a server does for one
   takes less time than asking it. */
enum { STORE_DOCUMENTS_MAX = 25 };

/* Calls `row' for the document of each of these names, if it is there: id,
   hash, source, and the name's number from 0 on; in any order. */
enum failure_code store_documents_find(struct store *,
    const struct store_text names[], size_t count, store_row *row, void *);

/*
 * Adds documents, or replaces those of the same names; their passages stay, and
 * `row' is called for each: id, hash, and the document's number from 0 on.  The
 * names differ from each other and from those of all documents to which this
 * transaction has added passages.  id[i] is 0 if an answer would replace a
 * document of another source.
 */
enum failure_code store_documents_put(struct store *,
    const struct store_document d[], size_t count, int64_t id[],
    store_row *row, void *);

/* Calls `row' for each passage of a document that was not added in this
   transaction: id, hash. */
enum failure_code store_document_passages(struct store *, int64_t document,
    store_row *row, void *);

/* Deletes a document and its passages; those of a large one are found no more,
   and are left for a sweep. */
enum failure_code store_document_delete(struct store *, int64_t id);

/* Calls `row' for at most `most' documents of a source behind an id: id, name;
   in the order of ids. */
enum failure_code store_documents_of(struct store *, struct store_text source,
    int64_t behind, int64_t most, store_row *row, void *);

/* The document that a session's answer became; 0: none. */
enum failure_code store_document_of_session(struct store *, int64_t session,
    int64_t *id);

/* Calls `row' with another path than `source' from which documents were learnt
   that are named `name' or lie in a folder of this name, if there is one. */
enum failure_code store_source_beside(struct store *, struct store_text name,
    struct store_text source, store_row *row, void *);

/* The documents of a source are those of another one from now on. */
enum failure_code store_source_move(struct store *, struct store_text from,
    struct store_text to);

/*
 * Adds a passage with its words.  A document that is not above 0 does not
 * exist: such a passage is not found, and waits for store_passage_move or a
 * sweep.  A server is sent many together, at the end of the transaction at the
 * latest.
 */
enum failure_code store_passage_add(struct store *, int64_t document,
    const struct store_passage *);

/* Gives a passage to another document. */
enum failure_code store_passage_move(struct store *, int64_t id,
    int64_t document);

/* Deletes a passage with its words. */
enum failure_code store_passage_delete(struct store *, int64_t id);

/* Replaces the words of a passage. */
enum failure_code store_index_put(struct store *, int64_t id,
    const struct store_index *);

/* Calls `row' for at most `most' passages behind an id, in order: id. */
enum failure_code store_passages_next(struct store *, int64_t behind,
    int64_t most, store_row *row, void *);

/* Which version of folding made the index; 0: none has. */
enum failure_code store_fold(struct store *, int64_t *version);
enum failure_code store_fold_set(struct store *, int64_t version);

/*
 * Which sessions lend their tickets' words to which passages.  Whoever changes
 * that then makes the words anew (learn_index).  store_asked_texts calls
 * `row' for each ticket's text, the newest first; store_asked_of for each
 * passage of a session.
 */
enum failure_code store_asked_add(struct store *, int64_t passage,
    int64_t session);
enum failure_code store_asked_delete(struct store *, int64_t passage,
    int64_t session);
enum failure_code store_asked_texts(struct store *, int64_t passage,
    store_row *row, void *);
enum failure_code store_asked_of(struct store *, int64_t session,
    store_row *row, void *);

/* Calls `row' for at most `most' documents, evenly among all: name, title. */
enum failure_code store_some_titles(struct store *, int64_t most,
    store_row *row, void *);

/* What deleted answers and interrupted programs have left. */
enum store_orphans {
	STORE_ORPHANS_ASKED,		/* rows: passage, session */
	STORE_ORPHANS_SOURCES,		/* rows: session, number */
	STORE_ORPHANS_DOCUMENTS,	/* rows: document */
	STORE_ORPHANS_PASSAGES,		/* rows: passage */
	STORE_ORPHANS_INDEX		/* rows: passage without words */
};

/* Calls `row' for at most `most' of them. */
enum failure_code store_orphans(struct store *, enum store_orphans,
    int64_t most, store_row *row, void *);

/* Removes the words of deleted passages from the file; needs some MB of its
   log where there are many passages. */
enum failure_code store_index_optimize(struct store *);

/* Makes the index quick again after many changes, in short transactions. */
enum failure_code store_index_merge(struct store *);

/* Empties, in what answers were given, the texts of these documents, which are
   there still. */
enum failure_code store_sources_purge(struct store *,
    const struct store_ids *);

/* Deletes one note of what an answer was given. */
enum failure_code store_source_delete(struct store *, int64_t session,
    int64_t n);

/* Calls `row' for the answers behind an id that people wrote or rated good, of
   each ticket the newest, in order: session, ticket, text of the ticket,
   answer. */
enum failure_code store_good_answers(struct store *, int64_t behind,
    int64_t most, store_row *row, void *);

/* Calls `row' for an answer if people wrote it or, unless `written', rated it
   good, and no newer one of its ticket is good: as store_good_answers. */
enum failure_code store_good_answer(struct store *, int64_t session,
    bool written, store_row *row, void *);

/* Calls `row' for at most `most' sessions behind an id whose answers became
   documents or lend words, in order: session. */
enum failure_code store_teachers(struct store *, int64_t behind, int64_t most,
    store_row *row, void *);

/* Calls `row' for each passage that a session's answer cited: passage. */
enum failure_code store_cited(struct store *, int64_t session, store_row *row,
    void *);

/* How many rows are left of a ticket that was forgotten; 0 also without the
   tables. */
enum failure_code store_knowledge_left(struct store *, int64_t ticket,
    int64_t *rows);

/* Calls `fault' with a line about each fault of these tables. */
enum failure_code store_knowledge_check(struct store *, bool full,
    void (*fault)(void *, const char *), void *);

#endif
