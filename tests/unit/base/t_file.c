/*
 * lib/base/file: which files are read and which are refused.
 */
#include <sys/stat.h>

#include "base/file.h"
#include "t.h"

/* Reads a file.  Returns errno, 0 if the content is as expected. */
static int
read_it(const char *path, size_t max, bool secret, const char *want,
    size_t want_len)
{
	size_t	len = 99;
	char	*data;
	int	saved;

	errno = 0;
	data = file_read(path, max, secret, &len);
	saved = errno;
	if (data == NULL)
		return saved == 0 ? -1 : saved;
	check_mem(data, len, want, want_len);
	check(data[len] == '\0');
	free(data);
	return 0;
}

static void
reads(void)
{
	static const struct {
		const char	*name;
		size_t		 max;
		bool		 secret;
		mode_t		 mode;
		int		 want;
	} rows[] = {
		{ "five", 5, false, 0644, 0 }, { "five", 4, false, 0644,
		    EFBIG }, { "five", 99, false, 0600, 0 },
		{ "five", 5, true, 0600, 0 }, { "five", 5, true, 0640, 0 },
		{ "five", 5, true, 0644, EPERM }, { "five", 5, true, 0602,
		    EPERM }, { "five", 5, true, 0601, EPERM },
		{ "five", 0, false, 0644, EFBIG },
		{ "nothere", 5, false, 0, ENOENT },
		{ ".", 5, false, 0700, EINVAL },
		{ "fifo", 5, false, 0600, EINVAL },
	};
	size_t	i;

	t_write("five", "a\0b\nc", 5);
	t_write("empty", "", 0);
	check(mkfifo("fifo", 0600) == 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s %zu %d %o", rows[i].name, rows[i].max, rows[i].secret,
		    rows[i].mode);
		if (rows[i].mode != 0)
			check(chmod(rows[i].name, rows[i].mode) == 0);
		check_int(read_it(rows[i].name, rows[i].max, rows[i].secret,
		    "a\0b\nc", 5), rows[i].want);
	}
	check_int(read_it("/dev/null", 5, false, "", 0), 0);
	row("empty");
	check_int(read_it("empty", 0, false, "", 0), 0);
	check_int(read_it("empty", 9, true, "", 0), EPERM);
}

int
main(void)
{
	t_begin();
	(void)umask(022);
	run(reads);
	return t_end();
}
