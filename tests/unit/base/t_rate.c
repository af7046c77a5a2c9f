/*
 * lib/base/rate: so many at once, then evenly spread, exact over processes; and
 * a damaged database of the limits never blocks a question.
 */
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/rate.h"
#include "settings/settings.h"
#include "t.h"

static void
parses(void)
{
	static const struct {
		const char	*text;
		bool		 good;
		int64_t		 count, seconds;
	} rows[] = {
		{ "off", true, 0, 0 }, { "1/sec", true, 1, 1 },
		{ "10/min", true, 10, 60 }, { "5/hour", true, 5, 3600 },
		{ "100/day", true, 100, 86400 },
		{ "1000000/sec", true, 1000000, 1 },
		{ "1000001/sec", false, 0, 0 }, { "0/min", false, 0, 0 },
		{ "", false, 0, 0 }, { "10", false, 0, 0 },
		{ "10/", false, 0, 0 }, { "/min", false, 0, 0 },
		{ "10/minute", false, 0, 0 }, { "10/mi", false, 0, 0 },
		{ "10 /min", false, 0, 0 }, { " 10/min", false, 0, 0 },
		{ "-1/min", false, 0, 0 }, { "+1/min", false, 0, 0 },
		{ "1.5/min", false, 0, 0 }, { "Off", false, 0, 0 },
		{ "99999999999999999999/min", false, 0, 0 },
	};
	int64_t	count, period;
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_int(rate_parse(rows[i].text, &count, &period),
		    rows[i].good);
		if (!rows[i].good)
			continue;
		check_int(count, rows[i].count);
		check_int(period, rows[i].seconds * 1000000);
	}
}

static int
take_in(const char *run_dir, const char *key, int64_t count, int64_t seconds,
    char *error, size_t size)
{
	struct settings	s = { .text[SETTING_RUN_DIR] = run_dir };

	return rate_take(NULL, &s, key, count, seconds * 1000000, error, size);
}

static int
take(const char *key, int64_t count, int64_t seconds)
{
	char	error[256] = "";
	int	rc = take_in(".", key, count, seconds, error, sizeof(error));

	if (rc == -1)
		(void)printf("%s\n", error);
	return rc;
}

static void
takes(void)
{
	int	i, wait;

	row("so many at once");
	for (i = 0; i < 5; i++)
		check_int(take("user:a", 5, 3600), 0);
	wait = take("user:a", 5, 3600);
	check(wait > 700 && wait <= 720);
	row("to be refused costs nothing");
	for (i = 0; i < 5; i++)
		check(take("user:a", 5, 3600) == wait ||
		    take("user:a", 5, 3600) == wait - 1);
	row("another key");
	check_int(take("user:b", 5, 3600), 0);
	check_int(take("'; DROP TABLE RateLimits; --", 1, 3600), 0);
	check(take("'; DROP TABLE RateLimits; --", 1, 3600) > 0);
	row("then evenly");
	check_int(take("c", 2, 1), 0);
	check_int(take("c", 2, 1), 0);
	check_int(take("c", 2, 1), 1);
	t_sleep_ms(550);
	check_int(take("c", 2, 1), 0);
	check_int(take("c", 2, 1), 1);
	row("and again as many as at first");
	t_sleep_ms(1100);
	check_int(take("c", 2, 1), 0);
	check_int(take("c", 2, 1), 0);
	check_int(take("c", 2, 1), 1);
}

/* Sets a key's time to so many seconds from now. */
static void
set(const char *key, int64_t seconds)
{
	char	sql[256];
	sqlite3	*db;

	(void)snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO RateLimits "
	    "VALUES ('%s', %lld)", key,
	    (long long)(clock_us() + seconds * 1000000));
	if (sqlite3_open("rate.db", &db) != SQLITE_OK ||
	    sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		t_die("sqlite3");
	(void)sqlite3_close(db);
}

static void
clock_goes_back(void)
{
	set("d", 100000);	/* set before a reboot */
	check_int(take("d", 2, 60), 0);
	check_int(take("d", 2, 60), 0);
	check(take("d", 2, 60) > 0);
	row("what has passed is forgotten");
	set("e", -5);
	check_int(take("f", 2, 60), 0);
	set("e", 1);
	check_int(take("e", 2, 60), 0);
}

/* However many ask at the same time, exactly so many are allowed; ten times. */
static void
race(void)
{
	pid_t	pid[12];
	char	key[16];
	int	i, round, got, rc;

	for (round = 0; round < 10; round++) {
		(void)snprintf(key, sizeof(key), "r%d", round);
		for (i = 0; i < 12; i++) {
			if ((pid[i] = t_fork()) == 0) {
				rc = take(key, 5, 86400);
				_exit(rc > 0 ? 1 : rc == 0 ? 0 : 2);
			}
		}
		for (i = 0, got = 0; i < 12; i++) {
			rc = t_wait(pid[i]);
			check(rc == 0 || rc == 1);
			got += rc == 0;
		}
		check_int(got, 5);
	}
}

static void
broken(void)
{
	char	error[256] = "";

	check_int(take_in("nothere", "k", 1, 1, error, sizeof(error)), -1);
	check(error[0] != '\0');
	error[0] = '\0';
	check(mkdir("sub", 0700) == 0);
	t_write("sub/rate.db", "no database, but sixteen bytes and more", 39);
	check_int(take_in("sub", "k", 1, 1, error, sizeof(error)), 0);
	check(error[0] != '\0');
}

/* Runs a command; returns its exit code. */
static int
shell(const char *command)
{
	pid_t	pid = t_fork();

	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	return t_wait(pid);
}

/* What is in the way is replaced, for a question and for `sessions forget'. */
static void
in_the_way(void)
{
	static const char *const	made[] = {
		"mkdir odd/rate.db", "mkdir -p odd/rate.db/sub",
		"mkfifo odd/rate.db", "ln -s nowhere/x odd/rate.db",
		"ln -s /dev/null odd/rate.db", "mkdir odd/rate.db-wal",
		"cp whole.db odd/rate.db && mkdir odd/rate.db-journal",
		"head -c 5000 whole.db >odd/rate.db",
		"sed s/RateLimits/RateLimitz/ whole.db >odd/rate.db",
		"echo nothing of ours, but longer than its head >odd/rate.db",
	};
	char				error[256], command[128];
	struct settings			s = { .text = { [SETTING_RUN_DIR] =
					    "odd" } };
	size_t				i, forget;

	check_int(shell("sqlite3 rate.db 'PRAGMA wal_checkpoint(TRUNCATE)' "
	    ">checkpoint && cp rate.db whole.db"), 0);
	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		for (forget = 0; forget < 2; forget++) {
			row("%s", made[i]);
			(void)snprintf(command, sizeof(command), "rm -rf odd; "
			    "mkdir -m 700 odd && %s", made[i]);
			check_int(shell(command), 0);
			check_int(forget ? rate_forget(&s, "k", error,
			    sizeof(error)) : take_in("odd", "k", 1, 1, error,
			    sizeof(error)), 0);
			check_int(take_in("odd", "j", 1, 1, error,
			    sizeof(error)), 0);
			check_int(take_in("odd", "j", 1, 60, error,
			    sizeof(error)) > 0, 1);
		}
	}
	/* A directory with files in it is kept, under another name. */
	check_int(shell("rm -rf odd; mkdir -m 700 odd odd/rate.db; "
	    "echo mine >odd/rate.db/f"), 0);
	check_int(take_in("odd", "k", 1, 1, error, sizeof(error)), 0);
	check_int(shell("grep -q mine odd/rate.db.*.old/f"), 0);
}

int
main(void)
{
	t_begin();
	run(parses);
	run(takes);
	run(clock_goes_back);
	run(race);
	run(broken);
	run(in_the_way);
	return t_end();
}
