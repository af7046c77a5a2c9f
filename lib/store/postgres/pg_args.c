/*
 * The arguments and results of statements.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/hex.h"
#include "store/postgres/pg.h"

/* Type OIDs from pg_type.dat; they never change. */
enum { TYPE_BIGINT = 20, TYPE_TEXT = 25 };

void
pg_int(struct pg_args *a, int64_t n)
{
	const int	i = a->count++;

	(void)snprintf(a->number[i], sizeof(a->number[i]), "%" PRId64, n);
	a->value[i] = a->number[i];
	a->len[i] = a->format[i] = 0;
	a->type[i] = TYPE_BIGINT;
}

void
pg_text(struct pg_args *a, const char *text, size_t len)
{
	const int	i = a->count++;

	/* Texts in binary format: the same bytes, with a length. */
	a->value[i] = text == NULL ? "" : text;
	a->len[i] = (int)len;
	a->format[i] = 1;
	a->type[i] = TYPE_TEXT;
}

bool
pg_draw_name(char name[PG_NAME])
{
	unsigned char	random[(PG_NAME - 1) / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	hex_write(random, sizeof(random), name);
	return true;
}

bool
pg_put(PGconn *db, enum statement which, const struct pg_args *a)
{
	static const struct pg_args	none;

	if (a == NULL)
		a = &none;
	return PQsendQueryParams(db, store_statements[which], a->count,
	    a->type, a->value, a->len, a->format, 0) == 1;
}

int64_t
pg_number(const PGresult *res, int row, int column)
{
	return strtoll(PQgetvalue(res, row, column), NULL, 10);
}
