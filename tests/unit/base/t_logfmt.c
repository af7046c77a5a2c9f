/*
 * lib/base/logfmt: finds the value of a key, whatever else is in the line.
 */
#include "base/log.h"
#include "base/logfmt.h"
#include "t.h"

static void
values(void)
{
	static const struct {
		const char	*line, *key, *want;	/* NULL: none */
	} rows[] = {
		{ "a=1 b=2 c=3\n", "a", "1" }, { "a=1 b=2 c=3\n", "b", "2" },
		{ "a=1 b=2 c=3\n", "c", "3" }, { "a=1 b=2", "b", "2" },
		{ "a=1", "b", NULL }, { "a=1", "", NULL }, { "", "a", NULL },
		{ "\n", "a", NULL }, { "   a=1", "a", "1" },
		{ "aa=1 a=2", "a", "2" }, { "a=1 aa=2", "aa", "2" },
		{ "a=1 a=2", "a", "1" }, { "a= b=2", "a", "" },
		{ "a=\"\" b=2", "a", "" }, { "a=\"\" b=2", "b", "2" },
		{ "a=\"x y\" b=2", "a", "x y" },
		{ "a=\"x b=1\" b=2", "b", "2" },
		{ "a=\"b=1\" b=2", "b", "2" },
		{ "a=\"open b=1", "a", "open b=1" },
		{ "a=\"open b=1", "b", NULL },
		{ "a=\"open b=1\n", "a", "open b=1" },
		{ "Nov 23 10:00:00 host t[1]: a=1", "a", "1" },
		{ "a b=1", "a", NULL }, { "a b=1", "b", "1" },
		{ "=1 a=2", "a", "2" }, { "=1", "", "1" },
		{ "== =\"=\" a=1", "a", "1" }, { "a=b=c", "a", "b=c" },
		{ "a=x\"y b=1", "b", "1" }, { "\" a=1", "a", "1" },
		{ "a=1234567890", "a", "1234567" },	/* truncated to the
							   size */
	};
	char	to[8 + 1];
	bool	found;
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s of %s", rows[i].key, rows[i].line);
		(void)snprintf(to, sizeof(to), "before");
		found = logfmt_value(rows[i].line, rows[i].key, to,
		    i + 1 == sizeof(rows) / sizeof(rows[0]) ? 8 :
		    sizeof(to));
		check_int(found, rows[i].want != NULL);
		check_str(to, rows[i].want == NULL ? "" : rows[i].want);
	}
}

/* Reads back what log.c writes. */
static void
written(void)
{
	char	*line, to[64], user[64];
	size_t	 len;

	log_open("chat", "log");
	log_line(LOG_LEVEL_INFO, "id=1 user=\"%s\" outcome=cached",
	    log_value(user, sizeof(user), "a\" outcome=error \\"));
	line = t_read("log", &len);
	check(logfmt_value(line, "prog", to, sizeof(to)));
	check_str(to, "chat");
	check(logfmt_value(line, "outcome", to, sizeof(to)));
	check_str(to, "cached");
	check(logfmt_value(line, "user", to, sizeof(to)));
	check_str(to, "a' outcome=error '");
	check(logfmt_value(line, "time", to, 5));
	check(to[0] == '2' && strlen(to) == 4);
	free(line);
}

int
main(void)
{
	t_begin();
	run(values);
	run(written);
	return t_end();
}
