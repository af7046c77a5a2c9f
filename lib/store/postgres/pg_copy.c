/*
 * Sends many rows to the server with COPY, in its text format.
 */
#include <errno.h>
#include <string.h>

#include "base/limit.h"
#include "store/postgres/pg.h"

enum { UNSENT_MAX = 65536 };	/* bytes that may wait for the server */

enum failure_code
pg_copy(struct store *s, enum statement which)
{
	enum failure_code	 rc;
	PGresult		*res;

	if ((rc = pg_query(s, which, NULL, &res)) != FAILURE_NONE)
		return rc;
	PQclear(res);
	s->copying = true;
	s->unsent = 0;
	return FAILURE_NONE;
}

int
pg_copy_cell(struct buf *b, const char *text, size_t len)
{
	static const char	from[] = "\n\r\t\\", to[] = "nrt\\";
	char			escape[2] = { '\\', '\0' };
	const char		*f;
	size_t			 i, good = 0;	/* everything before it is
						   written */

	if (b->len > 0 && buf_puts(b, "\t") == -1)
		return -1;
	if (text == NULL)
		return buf_puts(b, "\\N");
	for (i = 0; i < len; i++) {
		if (text[i] == '\0' || (f = strchr(from, text[i])) == NULL)
			continue;
		escape[1] = to[f - from];
		if (buf_add(b, text + good, i - good) == -1 ||
		    buf_add(b, escape, 2) == -1)
			return -1;
		good = i + 1;
	}
	return buf_add(b, text + good, len - good);
}

enum failure_code
pg_copy_row(struct store *s, struct buf *b)
{
	if (buf_puts(b, "\n") == -1)
		return pg_refuse(s, FAILURE_STORAGE, "%s", strerror(errno));
	if (PQputCopyData(s->db, b->data, (int)b->len) != 1)
		return pg_fail(s, "", NULL);
	s->unsent += b->len;
	buf_clear(b);
	if (s->unsent < UNSENT_MAX)
		return FAILURE_NONE;
	s->unsent = 0;
	return pg_flush(s);
}

enum failure_code
pg_copy_end(struct store *s)
{
	PGresult	*res;

	if (!s->copying)
		return FAILURE_NONE;
	s->copying = false;
	if (PQputCopyEnd(s->db, NULL) != 1)
		return pg_fail(s, "", NULL);
	if ((res = pg_next(s)) == NULL)
		return FAILURE_STORAGE;
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return pg_fail(s, "", res);
	PQclear(res);
	return FAILURE_NONE;
}
