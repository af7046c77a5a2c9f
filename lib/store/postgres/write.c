/*
 * A person's answer as a ticket's next version: store_write.
 */
#include <string.h>

#include "store/postgres/pg.h"
#include "store/store.h"

enum failure_code
store_write(struct store *s, const struct written *w, int64_t *session,
    int64_t *version)
{
	static const struct {
		const char		*verdict;
		enum failure_code	 code;
	} verdicts[] = {
		{ "done", FAILURE_NONE }, { "none", FAILURE_NO_ANSWER },
		{ "changed", FAILURE_ANSWER_CHANGED },
		{ "unknown", FAILURE_BAD_REQUEST },
		{ "running", FAILURE_ANSWER_RUNNING },
		{ "closed", FAILURE_SHUTTING_DOWN },
	};
	struct pg_args		 a = { .count = 0 };
	enum failure_code	 rc;
	PGresult		*res;
	size_t			 i;

	*session = *version = 0;
	pg_int(&a, w->ticket);
	pg_int(&a, w->session);
	pg_text(&a, w->author, strlen(w->author));
	pg_text(&a, w->response, w->response_len);
	pg_int(&a, w->cited);
	if ((rc = pg_query(s, STATEMENT_WRITE, &a, &res)) != FAILURE_NONE)
		return rc;
	rc = FAILURE_INTERNAL;
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (strcmp(PQgetvalue(res, 0, 0), verdicts[i].verdict) == 0)
			rc = verdicts[i].code;
	}
	*session = pg_number(res, 0, 1);
	*version = pg_number(res, 0, 2);
	PQclear(res);
	return rc;
}
