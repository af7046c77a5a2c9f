/*
 * A person's answer as a ticket's next version: store_write.
 */
#include <string.h>

#include "store/knowledge.h"
#include "store/sqlite/db.h"
#include "store/store.h"

/* Whether the newest answer may be replaced; or is the same already. */
static enum failure_code
db_may_write(struct store *s, const struct written *w, int64_t newest,
    bool *same)
{
	enum failure_code	rc;
	int64_t			n = 0;

	if (newest == 0)
		return FAILURE_NO_ANSWER;
	rc = store_run(s, STATEMENT_WRITTEN_IS, &n, ARGS(ARG_INT(newest),
	    ARG_TEXT(w->author, strlen(w->author)),
	    ARG_TEXT(w->response, w->response_len)));
	*same = n == 1;
	if (rc != FAILURE_NONE || *same || w->session == 0 ||
	    w->session == newest)
		return rc;
	rc = store_run(s, STATEMENT_ANSWER_IS, &n, ARGS(ARG_INT(w->session),
	    ARG_INT(w->ticket)));
	return rc != FAILURE_NONE ? rc : n == 1 ? FAILURE_ANSWER_CHANGED :
	    FAILURE_BAD_REQUEST;
}

/* Adds the row.  Sets *session, which is the answer to be replaced, to it. */
static enum failure_code
db_add_written(struct store *s, const struct written *w, int64_t *session)
{
	const int64_t		replaced = *session;
	enum failure_code	rc;
	bool			there;

	rc = store_run(s, STATEMENT_WRITE, session, ARGS(ARG_INT(replaced),
	    ARG_TEXT(w->author, strlen(w->author)),
	    ARG_TEXT(w->response, w->response_len)));
	if (rc == FAILURE_NONE)
		rc = store_knowledge_there(s, &there);
	if (rc != FAILURE_NONE || !there)
		return rc;
	return store_run(s, STATEMENT_SOURCES_COPY, NULL, ARGS(
	    ARG_INT(*session), ARG_INT(replaced), ARG_INT(w->cited)));
}

/* The body of store_write's transaction. */
static enum failure_code
db_write(struct store *s, const struct written *w, int64_t *session,
    int64_t *version)
{
	enum failure_code	why, rc;
	bool			same = false;

	if ((rc = store_newest(s, w->ticket, session)) != FAILURE_NONE)
		return rc;
	why = db_may_write(s, w, *session, &same);
	if (why == FAILURE_NONE && !same)
		why = db_add_written(s, w, session);
	if (why != FAILURE_NONE && why != FAILURE_ANSWER_CHANGED)
		return why;
	rc = store_run(s, STATEMENT_VERSIONS, version,
	    ARGS(ARG_INT(*session)));
	return rc != FAILURE_NONE ? rc : why;
}

enum failure_code
store_write(struct store *s, const struct written *w, int64_t *session,
    int64_t *version)
{
	enum failure_code	rc;

	*session = *version = 0;
	if ((rc = db_begin(s)) != FAILURE_NONE)
		return rc;
	return db_end(s, db_write(s, w, session, version));
}
