/*
 * lib/generation/health: a failed server is avoided, for longer each time; no
 * content of the file does harm.
 */
#include <sys/stat.h>

#include "base/limit.h"
#include "generation/health.h"
#include "t.h"

#define S	INT64_C(1000000)

static void
backs_off(void)
{
	static const int	want[] = { 2, 4, 8, 16, 32, 60, 60, 60 };
	struct health		*h = health_open("."), *other;
	int64_t			 now = 1000 * S;
	size_t			 i;

	if (!check(h != NULL))
		return;
	health_read(h);
	check_int(health_again(h, 1, now), 0);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		row("%zu", i);
		check_int(health_failed(h, 1, now) - now, want[i] * S);
		row("%zu: the same failure, met by others", i);
		check_int(health_failed(h, 1, now + S) - now, want[i] * S);
		now += want[i] * S;
	}
	row("others know");
	other = health_open(".");
	check_int(health_again(other, 1, now), 0);	/* not read yet */
	health_read(other);
	check_int(health_again(other, 1, now), now);
	check_int(health_again(other, 2, now), 0);
	row("an answer ends it");
	health_good(other, 2);
	health_good(other, 1);
	health_read(h);
	check_int(health_again(h, 1, now), 0);
	check_int(health_failed(h, 1, now) - now, 2 * S);
	health_close(h);
	health_close(other);
}

static void
reboot(void)
{
	struct health	*h;

	check(unlink("health") == 0);
	h = health_open(".");
	check_int(health_failed(h, 1, 100000 * S), 100002 * S);
	row("as late as can be");
	check_int(health_again(h, 1, 99942 * S), 100002 * S);
	row("the clock has begun anew");
	check_int(health_again(h, 1, 99941 * S), 0);
	check_int(health_failed(h, 1, 5 * S), 9 * S);
	health_close(h);
}

/* More servers than the file can hold. */
static void
crowded(void)
{
	struct health	*h;
	uint64_t	 i;

	check(unlink("health") == 0);
	h = health_open(".");
	for (i = 1; i <= HEALTH_RECORDS + 3; i++)
		check_int(health_failed(h, i, (int64_t)i * 1000),
		    (int64_t)i * 1000 + 2 * S);
	for (i = 1; i <= HEALTH_RECORDS + 3; i++) {
		row("%d", (int)i);
		check_int(health_again(h, i, S) == 0, i <= 3);
	}
	health_close(h);
}

static void
nonsense(void)
{
	static const int64_t	rows[] = { 0, -1, INT64_MIN, INT64_MAX, 3 };
	struct health		*h;
	int64_t			 record[3] = { 7 }, again;
	size_t			 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		record[1] = record[2] = rows[i];
		t_write("health", (const char *)record, sizeof(record));
		h = health_open(".");
		again = health_failed(h, 7, 100 * S);
		check(again >= 102 * S && again <= 160 * S);
		health_close(h);
	}
	row("half a record");
	t_write("health", (const char *)record, 9);
	h = health_open(".");
	health_read(h);
	check(health_again(h, 7, S) < S);
	check_int(health_failed(h, 7, S), 3 * S);
	health_close(h);
}

static void
nowhere(void)
{
	struct health	*h = health_open("nothere");

	check(h == NULL);
	health_read(h);
	check_int(health_again(h, 1, S), 0);
	check_int(health_failed(h, 1, S), 3 * S);
	health_good(h, 1);
	health_close(h);
}

int
main(void)
{
	t_begin();
	run(backs_off);
	run(reboot);
	run(crowded);
	run(nonsense);
	run(nowhere);
	return t_end();
}
