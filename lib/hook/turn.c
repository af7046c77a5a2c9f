/*
 * Turns of other people's programs.
 */
#include "base/lock.h"
#include "hook/turn.h"

int
turn_take(const char *run_dir, enum turn_kind kind, int *fd)
{
	int	i, got = 0;

	if (*fd == -1 && (*fd = lock_open(run_dir, "hooks")) == -1)
		return -1;
	for (i = 0; i < TURNS && got == 0; i++)
		got = lock_try(*fd, (int)kind * TURNS + i);
	return got;
}
