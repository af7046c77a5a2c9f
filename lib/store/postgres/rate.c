/*
 * The rate limit for all machines, in a function of the database.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/rate.h"
#include "settings/settings.h"
#include "store/postgres/pg.h"
#include "store/store.h"

int
rate_take(struct store *s, const struct settings *settings, const char *key,
    int64_t count, int64_t period, char *error, unsigned long size)
{
	const int64_t	interval = period / count;
	char		name[PG_NAME];
	int64_t		us;

	(void)settings;
	/* The name makes a repeated call count only once. */
	if (!pg_draw_name(name)) {
		(void)snprintf(error, size, "%s", strerror(errno));
		return -1;
	}
	if (store_run(s, STATEMENT_RATE_TAKE, &us, ARGS(ARG_TEXT(key,
	    strlen(key)), ARG_INT(interval), ARG_INT((count - 1) * interval),
	    ARG_TEXT(name, strlen(name)))) == FAILURE_NONE)
		return (int)((us + 999999) / 1000000);
	(void)snprintf(error, size, "%s", store_error(s));
	return -1;
}

int
rate_forget(const struct settings *settings, const char *key, char *error,
    unsigned long size)
{
	enum failure_code	 rc;
	struct store		*s;

	if ((rc = store_open(&s, settings->text[SETTING_DATABASE])) ==
	    FAILURE_NONE && (rc = store_run(s, STATEMENT_RATE_FORGET, NULL,
	    ARGS(ARG_TEXT(key, strlen(key))))) == FAILURE_NONE)
		rc = pg_alone(s, STATEMENT_VACUUM_RATES, NULL, NULL);
	if (rc != FAILURE_NONE)
		(void)snprintf(error, size, "%s", store_error(s));
	store_close(s);
	return rc == FAILURE_NONE ? 0 : -1;
}
