/*
 * lib/viewer/output: nothing is lost, and writing never blocks.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "base/limit.h"
#include "t.h"
#include "viewer/output.h"

enum { BIG = 1 << 20 };

/* A pipe: [0] is ours to read, non-blocking. */
static void
make_pipe(int fd[2])
{
	if (pipe(fd) == -1 || fcntl(fd[0], F_SETFL, O_NONBLOCK) == -1)
		t_die("pipe");
}

/* Without and with a descriptor of its own: the tests hold for both. */
static bool	own;

static void
opened(struct output *o, int fd)
{
	if (own)
		output_open(o, fd);
	else
		o->fd = fd;
	check_int(o->own, own);
	check_int(o->fd != fd, own);
}

/* Fills the buffer with text that contains its position. */
static void
fill(struct output *o, size_t len)
{
	char	word[24];
	size_t	n;

	for (n = 0; n < len; n += 10) {
		(void)snprintf(word, sizeof(word), "%09zu\n", n);
		if (buf_add(&o->data, word, 10) == -1)
			t_die("buf");
	}
}

static void
small(void)
{
	struct output	o = { .data = BUF_INIT(BIG * 2) };
	char		data[100], *memory;
	int		fd[2];

	make_pipe(fd);
	opened(&o, fd[1]);
	check(!output_pending(&o) && output_size(&o) == 0);
	check_int(output_deadline(&o, 5), CLOCK_NEVER);
	check_int(output_write(&o, 1), 0);
	check(buf_puts(&o.data, "abc\n") == 0);
	check(output_pending(&o) && output_size(&o) == 4);
	check_int(output_write(&o, 77), 0);
	check_int(o.progress, 77);
	check_int(output_deadline(&o, 5), CLOCK_NEVER);
	check(!output_pending(&o) && o.sent == 0 && o.data.len == 0);
	check_mem(data, (size_t)read(fd[0], data, sizeof(data)), "abc\n", 4);
	row("memory is used again");
	memory = o.data.data;
	check(memory != NULL && buf_puts(&o.data, "def\n") == 0 &&
	    o.data.data == memory);
	(void)close(fd[0]);
	row("nobody reads");
	check(output_write(&o, 78) == -1 && errno == EPIPE);
	buf_free(&o.data);
	(void)close(fd[1]);
	if (o.own)
		(void)close(o.fd);
	row("closed");
	check(buf_puts(&o.data, "x") == 0);
	check(output_write(&o, 1) == -1 && errno == EBADF);
	buf_free(&o.data);
}

/* A reader that pauses gets everything in order, and no byte twice. */
static void
slow(void)
{
	struct output	o = { .data = BUF_INIT(BIG * 2) };
	static char	got[BIG + 10], data[8192];
	char		*copy;
	size_t		len = 0, before;
	ssize_t		n;
	int		fd[2], turns = 0;

	make_pipe(fd);
	opened(&o, fd[1]);
	fill(&o, BIG);
	if ((copy = malloc(o.data.len)) == NULL)
		t_die("malloc");
	memcpy(copy, o.data.data, o.data.len);
	check_int(output_write(&o, 5), 0);
	before = output_size(&o);
	check(output_pending(&o) && before < BIG);
	/* The memory of sent bytes is released. */
	check(o.sent < OUTPUT_PENDING);
	check_int(o.progress, 5);
	row("a full pipe");
	check_int(output_write(&o, 6), 0);
	check_int(output_size(&o), before);
	check_int(o.progress, 5);
	check_int(output_deadline(&o, 10), 15);
	check_int(output_size(&o), o.data.len - o.sent);
	row("read bit by bit");
	while (len < BIG + 4 && turns++ < 100000) {
		n = read(fd[0], data, (size_t)(turns % 7 + 1) * 1000);
		if (n > 0 && len + (size_t)n <= sizeof(got)) {
			memcpy(got + len, data, (size_t)n);
			len += (size_t)n;
		}
		check_int(output_write(&o, 10 + turns), 0);
	}
	check_mem(got, len, copy, (BIG / 10 + 1) * 10);
	check(!output_pending(&o));
	row("much memory goes back");
	check(o.data.data == NULL && o.data.size == 0);
	free(copy);
	(void)close(fd[0]);
	(void)close(fd[1]);
	buf_free(&o.data);
}

/* More may be appended while some is unsent. */
static void
appended(void)
{
	struct output	o = { .data = BUF_INIT(BIG * 2) };
	static char	data[4096];
	size_t		total = 0, want, i;
	ssize_t		n;
	bool		good = true;
	int		fd[2];

	make_pipe(fd);
	opened(&o, fd[1]);
	fill(&o, 200000);
	want = o.data.len;
	check_int(output_write(&o, 1), 0);
	check(output_pending(&o));
	check(buf_puts(&o.data, "the end\n") == 0);
	while ((n = read(fd[0], data, sizeof(data))) > 0) {
		for (i = 0; i < (size_t)n && total + i < want; i++)
			good = good && ((total + i) % 10 != 9) ==
			    (data[i] != '\n');
		total += (size_t)n;
		check_int(output_write(&o, 1), 0);
	}
	check(good);
	check_int(total, want + 8);
	(void)close(fd[0]);
	(void)close(fd[1]);
	buf_free(&o.data);
}

/* The time counts from when the pipe was full, not from the last frame. */
static void
late(void)
{
	struct output	o = { .data = BUF_INIT(BIG * 2) };
	int		fd[2], size;

	make_pipe(fd);
	opened(&o, fd[1]);
	if ((size = fcntl(fd[1], F_SETPIPE_SZ, 4096)) == -1)
		t_die("F_SETPIPE_SZ");
	fill(&o, (size_t)size - 10);
	o.data.len = (size_t)size;
	check_int(output_write(&o, 100), 0);
	check(!output_pending(&o));
	check_int(output_deadline(&o, 10), CLOCK_NEVER);
	check(buf_puts(&o.data, "more\n") == 0);
	check_int(output_write(&o, 9000), 0);
	check(output_pending(&o));
	check_int(output_deadline(&o, 10), 9010);
	check_int(output_write(&o, 9005), 0);
	check_int(output_deadline(&o, 10), 9010);
	(void)close(fd[0]);
	(void)close(fd[1]);
	buf_free(&o.data);
}

int
main(void)
{
	t_begin();
	do {
		run(small);
		run(late);
		run(slow);
		run(appended);
	} while ((own = !own));
	return t_end();
}
