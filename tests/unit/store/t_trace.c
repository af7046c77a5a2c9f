/*
 * lib/store/trace: pieces of texts are found anywhere in a file, and nothing
 * else is.
 */
#include <sys/stat.h>

#include "base/limit.h"
#include "store/trace.h"
#include "t.h"

/* Bytes that look random, the same for the same seed. */
static void
noise(char *to, size_t len, uint32_t seed)
{
	for (; len > 0; len--) {
		seed = seed * 1664525 + 1013904223;
		*to++ = (char)('a' + (seed >> 16) % 26);
	}
}

/* Writes a file of `size' bytes with a text at an offset. */
static void
put(size_t size, size_t at, const char *text, size_t len)
{
	static char	data[3 * TRACE_READ];
	FILE		*f;

	noise(data, size, 99);
	memcpy(data + at, text, len);
	if ((f = fopen("f", "w")) == NULL ||
	    fwrite(data, 1, size, f) != size || fclose(f) != 0)
		t_die("write");
}

static void
fragments(void)
{
	struct trace	t = { .count = 0 };
	char		text[5000];
	size_t		i;

	noise(text, sizeof(text), 1);
	check_int(trace_add(&t, text, sizeof(text)), 0);
	/* Any 47 bytes contain a whole piece; fewer may not. */
	for (i = 0; i + 47 <= sizeof(text); i += 13) {
		row("from %zu", i);
		put(8000, i, text + i, 47);
		check(trace_file(&t, "f", false) >= 1);
	}
	row("the last bytes");
	put(8000, 9, text + sizeof(text) - TRACE_PIECE, TRACE_PIECE);
	check_int(trace_file(&t, "f", false), 1);
	put(8000, 9, text + 1, TRACE_PIECE);
	check_int(trace_file(&t, "f", false), 0);
	put(8000, 0, text, sizeof(text));
	check_int(trace_file(&t, "f", false),
	    (sizeof(text) + TRACE_PIECE - 1) / TRACE_PIECE);
	trace_free(&t);
}

/* Texts across the ends of the buffer into which a file is read. */
static void
buffers(void)
{
	struct trace	t = { .count = 0 };
	char		text[TRACE_PIECE];
	size_t		end, i;

	noise(text, sizeof(text), 2);
	check_int(trace_add(&t, text, sizeof(text)), 0);
	check_int(trace_add(&t, "printer jam", 11), 0);
	for (end = TRACE_READ; end <= 2 * TRACE_READ; end += TRACE_READ) {
		for (i = 0; i <= TRACE_PIECE; i++) {
			row("%zu before %zu", i, end);
			put(2 * TRACE_READ + 100, end - i, text, sizeof(text));
			check_int(trace_file(&t, "f", true), 1);
			put(2 * TRACE_READ + 100, end - i, "printer jam", 11);
			check_int(trace_file(&t, "f", true), 1);
			check_int(trace_file(&t, "f", false), 0);
		}
	}
	row("at the ends of the file");
	put(sizeof(text), 0, text, sizeof(text));
	check_int(trace_file(&t, "f", true), 1);
	put(TRACE_READ, TRACE_READ - 11, "printer jam", 11);
	check_int(trace_file(&t, "f", true), 1);
	put(1, 0, "p", 1);
	check_int(trace_file(&t, "f", true), 0);
	trace_free(&t);
}

static void
shorts(void)
{
	struct trace	t = { .count = 0 };

	check_int(trace_add(&t, "", 0), 0);
	check_int(trace_add(&t, "seven b", 7), 0);
	check_int(trace_add(&t, "--------------------------------", 32), 0);
	check_int(t.count, 0);
	put(100, 0, "--------------------------------seven b", 39);
	check_int(trace_file(&t, "f", true), 0);
	check_int(trace_add(&t, "eight by", 8), 0);
	check_int(trace_add(&t, "eight by", 8), 0);
	check_int(t.count, 1);
	put(100, 50, "eight by", 8);
	check_int(trace_file(&t, "f", true), 1);
	check(trace_file(&t, "none", true) == -1 && errno == ENOENT);
	check(mkdir("d", 0700) == 0);
	check(trace_file(&t, "d", true) == -1 && errno == EINVAL);
	check(symlink("f", "l") == 0);
	check(trace_file(&t, "l", true) == -1 && errno == EINVAL);
	trace_free(&t);
	trace_free(&t);
}

static void
spares(void)
{
	struct trace	t = { .count = 0 };
	char		text[100 * TRACE_PIECE];

	noise(text, sizeof(text), 3);
	check_int(trace_add(&t, text, sizeof(text)), 0);
	check_int(trace_add(&t, "printer jam", 11), 0);
	put(9000, 0, text, sizeof(text));
	check_int(trace_file(&t, "f", true), 100);
	trace_spare(&t, "x", 1);
	trace_spare(&t, "a printer jam it is", 19);
	trace_spare(&t, text + 1, 30 * TRACE_PIECE);
	check_int(trace_file(&t, "f", true), 71);
	trace_spare(&t, text, sizeof(text));
	check_int(trace_file(&t, "f", true), 0);
	trace_free(&t);
}

int
main(void)
{
	t_begin();
	run(fragments);
	run(buffers);
	run(shorts);
	run(spares);
	return t_end();
}
