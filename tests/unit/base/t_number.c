/*
 * lib/base/number: one spelling for each number.
 */
#include "base/number.h"
#include "t.h"

static void
spellings(void)
{
	static const struct {
		const char	*text;
		int64_t		 max, want;	/* -1: none */
	} rows[] = {
		{ "0", 10, 0 }, { "7", 10, 7 }, { "10", 10, 10 },
		{ "11", 10, -1 }, { "3", 3, 3 }, { "5", 3, -1 },
		{ "0", 0, 0 }, { "1", 0, -1 },
		{ "9223372036854775807", INT64_MAX, INT64_MAX },
		{ "9223372036854775808", INT64_MAX, -1 },
		{ "18446744073709551616", INT64_MAX, -1 },
		{ "99999999999999999999999999", INT64_MAX, -1 },
		{ "", 10, -1 }, { "00", 10, -1 }, { "01", 10, -1 },
		{ "+1", 10, -1 }, { "-1", 10, -1 }, { "-0", 10, -1 },
		{ " 1", 10, -1 }, { "1 ", 10, -1 }, { "1\n", 10, -1 },
		{ "0x1", 10, -1 }, { "1e1", 10, -1 }, { "1.0", 10, -1 },
		{ "x", 10, -1 }, { "1x", 10, -1 }, { "\xd9\xa1", 10, -1 },
	};
	int64_t	n;
	size_t	i;
	bool	good;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s up to %lld", rows[i].text, (long long)rows[i].max);
		n = -2;
		good = number_read(rows[i].text, strlen(rows[i].text),
		    rows[i].max, &n);
		check_int(good, rows[i].want != -1);
		check_int(n, good ? rows[i].want : -2);
	}
	row("only so many bytes");
	check(number_read("42d", 2, 100, &n));
	check_int(n, 42);
}

/* Numbers with a point, in thousandths. */
static void
thousandths(void)
{
	static const struct {
		const char	*text;
		int64_t		 max, want;	/* -1: none */
	} rows[] = {
		{ "0", 100000, 0 }, { "1.3", 100000, 1300 },
		{ "0.001", 100000, 1 }, { "12.25", 100000, 12250 },
		{ "100", 100000, 100000 }, { "100.0", 100000, 100000 },
		{ "100.001", 100000, -1 }, { "101", 100000, -1 },
		{ "1.2345", 100000, -1 }, { "1.", 100000, -1 },
		{ ".5", 100000, -1 }, { "01.5", 100000, -1 },
		{ "1.5.5", 100000, -1 }, { "-1", 100000, -1 },
		{ "+1", 100000, -1 }, { "1,3", 100000, -1 },
		{ "1e1", 100000, -1 }, { "1.x", 100000, -1 },
		{ "", 100000, -1 }, { ".", 100000, -1 },
		{ "1. 5", 100000, -1 }, { "nan", 100000, -1 },
	};
	int64_t	n;
	size_t	i;
	bool	good;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		n = -2;
		good = number_thousandths(rows[i].text, strlen(rows[i].text),
		    rows[i].max, &n);
		check_int(good, rows[i].want != -1);
		check_int(n, good ? rows[i].want : -2);
	}
}

/* Numbers of tickets. */
static void
ids(void)
{
	static const struct {
		const char	*text;
		int64_t		 want;
	} rows[] = {
		{ "1", 1 }, { "42", 42 }, { "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", 0 }, { "9999999999999999999", 0 },
		{ "10000000000000000000", 0 }, { "18446744073709551617", 0 },
		{ "", 0 }, { "0", 0 }, { "01", 0 }, { "-1", 0 }, { "+1", 0 },
		{ " 1", 0 }, { "1 ", 0 }, { "1\n", 0 }, { "1/", 0 },
		{ "1.0", 0 }, { "0x1", 0 }, { "1e3", 0 }, { "\xd9\xa1", 0 },
		{ "x", 0 }, { "1;ls", 0 },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_int(number_id(rows[i].text), rows[i].want);
	}
}

int
main(void)
{
	t_begin();
	run(spellings);
	run(thousandths);
	run(ids);
	return t_end();
}
