/*
 * lib/base/buf: the cap, the NUL after the content, and that a failure changes
 * nothing.
 */
#include "base/buf.h"
#include "t.h"

static void
cap(void)
{
	static const struct {
		size_t	cap, first, second;
		int	rc;
	} rows[] = {
		{ 0, 0, 0, 0 }, { 0, 0, 1, -1 },
		{ 1, 1, 0, 0 }, { 1, 1, 1, -1 },
		{ 255, 255, 0, 0 }, { 256, 200, 56, 0 }, { 256, 200, 57, -1 },
		{ 1000, 255, 1, 0 }, { 1000, 256, 744, 0 },
		{ 1000, 256, 745, -1 }, { 70000, 1, 69999, 0 },
		{ 70000, 1, 70000, -1 }, { 70000, 1, SIZE_MAX, -1 },
	};
	static char	data[70000];
	size_t		i;

	memset(data, 'x', sizeof(data));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	b = BUF_INIT(rows[i].cap);
		size_t		want = rows[i].first;

		row("cap %zu: %zu + %zu", rows[i].cap, rows[i].first,
		    rows[i].second);
		check(buf_add(&b, data, rows[i].first) == 0);
		errno = 0;
		check_int(buf_add(&b, data, rows[i].second), rows[i].rc);
		if (rows[i].rc == -1)
			check_int(errno, EMSGSIZE);
		else
			want += rows[i].second;
		check_int(b.len, want);
		check(b.data != NULL && b.data[b.len] == '\0');
		check(memcmp(b.data, data, b.len) == 0);
		check(b.size > b.len);
		buf_free(&b);
	}
}

static void
grows(void)
{
	struct buf	b = BUF_INIT(5000);
	size_t		i;

	for (i = 0; i < 5000; i++) {
		if (buf_add(&b, &"0123456789"[i % 10], 1) == -1 ||
		    strlen(b.data) != i + 1)
			break;
	}
	check_int(i, 5000);
	for (i = 0; i < 5000 && b.data[i] == "0123456789"[i % 10]; i++)
		;
	check_int(i, 5000);
	check(buf_add(&b, "x", 1) == -1);
	buf_free(&b);
	check(b.data == NULL && b.len == 0 && b.cap == 5000);
	check(buf_puts(&b, "again") == 0);
	check_str(b.data, "again");
	buf_free(&b);
}

static void
drops(void)
{
	static const struct {
		size_t		 n;
		const char	*left;
	} rows[] = {
		{ 0, "a\0bcd" }, { 1, "\0bcd" }, { 2, "bcd" }, { 4, "d" },
		{ 5, "" },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	b = BUF_INIT(10);

		row("drop %zu", rows[i].n);
		check(buf_add(&b, "a\0bcd", 5) == 0);
		buf_drop(&b, rows[i].n);
		check_mem(b.data, b.len, rows[i].left, 5 - rows[i].n);
		check(b.data[b.len] == '\0');
		check(buf_add(&b, "12345", 5) == 0);
		buf_free(&b);
	}
}

/* An unused buffer may be dropped from, cleared and freed. */
static void
empty(void)
{
	struct buf	b = BUF_INIT(10);

	buf_drop(&b, 0);
	buf_clear(&b);
	check(b.data == NULL && b.len == 0);
	buf_free(&b);
	check(buf_add(&b, NULL, 0) == 0);
	check_int(b.len, 0);
	check(buf_puts(&b, "abc") == 0);
	buf_clear(&b);
	check_int(b.len, 0);
	check_str(b.data, "");
	buf_free(&b);
}

int
main(void)
{
	t_begin();
	run(cap);
	run(grows);
	run(drops);
	run(empty);
	return t_end();
}
