/*
 * lib/text/cite: which numbers count as cited, and which stand in code.
 */
#include "t.h"
#include "text/cite.h"

/* The numbers, with a space behind each. */
static void
numbers(unsigned cited, char text[128])
{
	size_t	len = 0;
	int	n;

	text[0] = '\0';
	for (n = 0; n < 32; n++) {
		if ((cited >> n & 1) == 1)
			len += (size_t)snprintf(text + len, 128 - len, "%d ",
			    n);
	}
}

static void
cited(void)
{
	static const struct {
		const char	*text, *numbers;
	} rows[] = {
		{ "", "" },
		{ "Restart it [1].", "1 " },
		{ "[2] and [1][3]", "1 2 3 " },
		{ "**[4]**, _[5]_, ([6])", "4 5 6 " },
		{ "é[7]é 印刷[8]。", "7 8 " },
		{ "some models write \\[2\\] or \\[3]", "2 3 " },
		/* A link is none. */
		{ "[1](https://wiki.example/1)", "" },
		{ "[1](javascript:x) \\[2\\](x) [3] (x) [4][5](x)", "3 4 " },
		{ "[31] [32] [99] [310]", "31 " },
		{ "[0] [00] [01] [-1] [+1] [1 ] [ 1] [1.0] [a] []", "" },
		{ "[1", "" }, { "1]", "" }, { "[", "" }, { "[\\]", "" },
		{ "[4294967297] [18446744073709551617]", "" },
		{ "[1, 2]", "" },
		/* Code spans. */
		{ "`[1]` [2]", "2 " }, { "``a ` [1]`` [2]", "2 " },
		{ "`[1] [2]", "1 2 " }, { "``[1]` [2]", "1 2 " },
		{ "`a\n[1]` [2]", "2 " }, { "`a\n\n[1]` [2]", "1 2 " },
		{ "\\`[1]`", "1 " }, { "`a[` [1] `]`", "1 " },
		/* Fenced code. */
		{ "```\n[1]\n```\n[2]", "2 " },
		{ "~~~sh\n[1]\n~~~\n[2]", "2 " },
		{ "```\n[1]", "" }, { "[3]\n```\n[1]", "3 " },
		{ "````\n```\n[1]\n```\n````\n[2]", "2 " },
		{ "```\n~~~\n[1]\n```\n[2]", "2 " },
		{ "1. a\n   ```sh\n   [1]\n   ```\n2. b [2]", "2 " },
		{ "- ```\n  [1]\n  ```\n[2]", "2 " },
		{ "> ```\n> [1]\n> ```\n[2]", "2 " },
		{ "```\n[1]\n``` x\n[2]", "" },
		{ "```[1]``` [2]", "2 " },
		{ "x ```\n[1]\n```\n[2]", "1 " },	/* no list's mark */
		{ "1x ```\n[1]\n```\n[2]", "1 " },
		{ "``\n[1]\n``\n[2]", "2 " },
		{ "\r\n```\r\n[1]\r\n```\r\n[2]\r\n", "2 " },
		/* A fence around the whole answer is none. */
		{ "```markdown\nUse it [1].\n```\n", "1 " },
		{ "\n```md\n```sh\n[2]\n```\n[1]\n```", "1 " },
		{ "a\n```markdown\n[1]\n```\n", "" },
	};
	char	got[128];
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		numbers(text_cited(rows[i].text, strlen(rows[i].text)), got);
		check_str(got, rows[i].numbers);
	}
}

static void
uncited(void)
{
	static const struct {
		const char	*text, *left;
	} rows[] = {
		{ "", "" }, { "no", "no" }, { "[1]", "" },
		{ "Restart it [1].", "Restart it." },
		{ "a[2] and  [1][3], b", "a and, b" },
		{ "\\[2\\] or \\[3] \\\\[4]", " or \\\\" },
		{ "[1](x) [0] [32] [x]", "[1](x) [0] [32] [x]" },
		{ "`[1]` [2] ``[3]``", "`[1]` ``[3]``" },
		{ "a [1]\n```\nx [1]\n```\nb [2]\n",
		    "a\n```\nx [1]\n```\nb\n" },
		{ "```\n[1]", "```\n[1]" }, { "é [7]é", "éé" },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	b = BUF_INIT(1000);

		row("%s", rows[i].text);
		check(text_uncited(rows[i].text, strlen(rows[i].text), &b) ==
		    0);
		check_str(b.len == 0 ? "" : b.data, rows[i].left);
		buf_free(&b);
	}
}

/* Every byte counts once or so: a megabyte of marks ends at once. */
static void
takes_any_bytes(void)
{
	static const char *const	pieces[] = {
		"`", "[", "[1", "```\n", ">", "1. ", "\\", "``\n\n`",
		"\xff[2]"
	};
	const size_t			max = 1000000;
	char				*text = malloc(max);
	size_t				i, k, n;

	check(text != NULL);
	for (i = 0; text != NULL && i < sizeof(pieces) / sizeof(pieces[0]);
	    i++) {
		row("%s", pieces[i]);
		n = strlen(pieces[i]);
		for (k = 0; k + n <= max; k += n)
			memcpy(text + k, pieces[i], n);
		check((text_cited(text, k) & ~(1U << 2)) == 0);
	}
	free(text);
}

int
main(void)
{
	t_begin();
	run(cited);
	run(uncited);
	run(takes_any_bytes);
	return t_end();
}
