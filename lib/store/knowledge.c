/*
 * The team's knowledge: what both stores do in the same way.
 */
#include <inttypes.h>
#include <stdio.h>

#include "store/knowledge.h"
#include "store/statement.h"

enum { NUMBER_BYTES = 21 };	/* of an id, and a comma */

#define TEXT(t)	ARG_TEXT((t).text, (t).len)

bool
store_ids_add(void *context, const struct cell *c, int cells)
{
	struct store_ids	*ids = context;

	if (ids->count == STORE_IDS_MAX)
		return true;
	ids->id[ids->count] = store_cell_number(&c[0]);
	ids->other[ids->count++] = cells > 1 ? store_cell_number(&c[1]) : 0;
	return true;
}

enum failure_code
store_passage(struct store *s, int64_t id, store_row *row, void *ctx)
{
	return store_rows(s, STATEMENT_PASSAGE, row, ctx, ARGS(ARG_INT(id)));
}

enum failure_code
store_document_passages(struct store *s, int64_t document, store_row *row,
    void *ctx)
{
	return store_rows(s, STATEMENT_DOCUMENT_PASSAGES, row, ctx,
	    ARGS(ARG_INT(document), ARG_INT(0)));
}

enum failure_code
store_documents_of(struct store *s, struct store_text source, int64_t behind,
    int64_t most, store_row *row, void *ctx)
{
	return store_rows(s, STATEMENT_DOCUMENTS_OF, row, ctx,
	    ARGS(TEXT(source), ARG_INT(behind), ARG_INT(most)));
}

enum failure_code
store_source_beside(struct store *s, struct store_text name,
    struct store_text source, store_row *row, void *ctx)
{
	return store_rows(s, STATEMENT_SOURCE_BESIDE, row, ctx,
	    ARGS(TEXT(name), TEXT(source)));
}

enum failure_code
store_source_move(struct store *s, struct store_text from,
    struct store_text to)
{
	return store_run(s, STATEMENT_SOURCE_MOVE, NULL, ARGS(TEXT(from),
	    TEXT(to)));
}

enum failure_code
store_document_of_session(struct store *s, int64_t session, int64_t *id)
{
	return store_run(s, STATEMENT_DOCUMENT_OF_SESSION, id,
	    ARGS(ARG_INT(session)));
}

enum failure_code
store_document_delete(struct store *s, int64_t id)
{
	struct store_ids	passages = { .count = 0 };
	enum failure_code	rc;
	size_t			i;

	rc = store_document_passages(s, id, store_ids_add, &passages);
	for (i = 0; rc == FAILURE_NONE && i < passages.count; i++)
		rc = store_passage_delete(s, passages.id[i]);
	/* If there were more, nobody finds them, and the next sweep deletes
	   them. */
	return rc != FAILURE_NONE ? rc : store_run(s,
	    STATEMENT_DOCUMENT_DELETE, NULL, ARGS(ARG_INT(id)));
}

enum failure_code
store_passage_move(struct store *s, int64_t id, int64_t document)
{
	return store_run(s, STATEMENT_PASSAGE_MOVE, NULL, ARGS(ARG_INT(id),
	    ARG_INT(document)));
}

enum failure_code
store_passages_next(struct store *s, int64_t behind, int64_t most,
    store_row *row, void *ctx)
{
	return store_rows(s, STATEMENT_PASSAGES_NEXT, row, ctx,
	    ARGS(ARG_INT(behind), ARG_INT(most)));
}

enum failure_code
store_fold(struct store *s, int64_t *version)
{
	return store_run(s, STATEMENT_FOLD_VERSION, version, NO_ARGS);
}

enum failure_code
store_fold_set(struct store *s, int64_t version)
{
	enum failure_code	rc;

	rc = store_run(s, STATEMENT_FOLD_CLEAR, NULL, NO_ARGS);
	return rc != FAILURE_NONE ? rc : store_run(s, STATEMENT_FOLD_SET, NULL,
	    ARGS(ARG_INT(version)));
}

enum failure_code
store_asked_add(struct store *s, int64_t passage, int64_t session)
{
	return store_run(s, STATEMENT_ASKED_ADD, NULL, ARGS(ARG_INT(passage),
	    ARG_INT(session)));
}

enum failure_code
store_asked_delete(struct store *s, int64_t passage, int64_t session)
{
	return store_run(s, STATEMENT_ASKED_DELETE, NULL,
	    ARGS(ARG_INT(passage), ARG_INT(session)));
}

enum failure_code
store_asked_texts(struct store *s, int64_t passage, store_row *row, void *ctx)
{
	return store_rows(s, STATEMENT_ASKED_TEXTS, row, ctx,
	    ARGS(ARG_INT(passage)));
}

enum failure_code
store_asked_of(struct store *s, int64_t session, store_row *row, void *ctx)
{
	return store_rows(s, STATEMENT_ASKED_OF_SESSION, row, ctx,
	    ARGS(ARG_INT(session)));
}

enum failure_code
store_orphans(struct store *s, enum store_orphans which, int64_t most,
    store_row *row, void *ctx)
{
	static const enum statement	statements[] = {
		[STORE_ORPHANS_ASKED] = STATEMENT_ORPHANS_ASKED,
		[STORE_ORPHANS_SOURCES] = STATEMENT_ORPHANS_SOURCES,
		[STORE_ORPHANS_DOCUMENTS] = STATEMENT_ORPHANS_DOCUMENTS,
		[STORE_ORPHANS_PASSAGES] = STATEMENT_ORPHANS_PASSAGES,
		[STORE_ORPHANS_INDEX] = STATEMENT_ORPHANS_INDEX,
	};

	return store_rows(s, statements[which], row, ctx, ARGS(ARG_INT(most)));
}

enum failure_code
store_sources_purge(struct store *s, const struct store_ids *documents)
{
	char	ids[STORE_IDS_MAX * NUMBER_BYTES];
	size_t	i, len = 0;

	for (i = 0; i < documents->count; i++)
		len += (size_t)snprintf(ids + len, sizeof(ids) - len,
		    "%s%" PRId64, i == 0 ? "" : ",", documents->id[i]);
	return len == 0 ? FAILURE_NONE : store_run(s,
	    STATEMENT_SOURCES_PURGE, NULL, ARGS(ARG_TEXT(ids, len)));
}

enum failure_code
store_source_delete(struct store *s, int64_t session, int64_t n)
{
	return store_run(s, STATEMENT_SOURCE_DELETE, NULL,
	    ARGS(ARG_INT(session), ARG_INT(n)));
}

enum failure_code
store_passages_count(struct store *s, int64_t *passages)
{
	return store_run(s, STATEMENT_PASSAGES_COUNT, passages, NO_ARGS);
}

enum failure_code
store_good_answers(struct store *s, int64_t behind, int64_t most,
    store_row *row, void *ctx)
{
	return store_rows(s, STATEMENT_GOOD_ANSWERS, row, ctx,
	    ARGS(ARG_INT(behind), ARG_INT(most)));
}

enum failure_code
store_good_answer(struct store *s, int64_t session, bool written,
    store_row *row, void *ctx)
{
	return store_rows(s, STATEMENT_GOOD_ANSWER, row, ctx,
	    ARGS(ARG_INT(session), ARG_INT(written)));
}

enum failure_code
store_cited(struct store *s, int64_t session, store_row *row, void *ctx)
{
	return store_rows(s, STATEMENT_CITED_PASSAGES, row, ctx,
	    ARGS(ARG_INT(session)));
}

enum failure_code
store_teachers(struct store *s, int64_t behind, int64_t most, store_row *row,
    void *ctx)
{
	return store_rows(s, STATEMENT_TEACHERS, row, ctx,
	    ARGS(ARG_INT(behind), ARG_INT(most)));
}

enum failure_code
store_some_titles(struct store *s, int64_t most, store_row *row, void *ctx)
{
	return store_rows(s, STATEMENT_SOME_TITLES, row, ctx,
	    ARGS(ARG_INT(most)));
}

enum failure_code
store_knowledge_left(struct store *s, int64_t ticket, int64_t *rows)
{
	enum failure_code	rc;
	bool			there;

	*rows = 0;
	if ((rc = store_knowledge_there(s, &there)) != FAILURE_NONE || !there)
		return rc;
	return store_run(s, STATEMENT_KNOWLEDGE_LEFT, rows,
	    ARGS(ARG_INT(ticket)));
}
