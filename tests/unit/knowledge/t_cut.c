/*
 * lib/knowledge/cut and html: where documents are cut, what becomes the title,
 * and what a page's markup leaves.
 */
#include "base/utf8.h"
#include "knowledge/cut.h"
#include "knowledge/html.h"
#include "t.h"

/* A document's title and passages, with separators. */
static const char *
parts(enum cut_kind kind, const char *text, const char *title)
{
	static struct buf	b = BUF_INIT(1 << 20);
	struct cut		c;
	size_t			i;
	int			good = 0;

	buf_clear(&b);
	if (cut(kind, text, strlen(text), title, "file", &c) == -1) {
		check_int(errno, ENODATA);
		cut_free(&c);
		return "none";
	}
	good |= buf_puts(&b, c.title);
	for (i = 0; i < c.count; i++) {
		good |= buf_puts(&b, " [");
		good |= buf_puts(&b, c.passage[i].title);
		good |= buf_puts(&b, "|");
		good |= buf_puts(&b, c.passage[i].text);
		good |= buf_puts(&b, "]");
		check_int(strlen(c.passage[i].text), c.passage[i].len);
	}
	if (*c.url != '\0') {
		good |= buf_puts(&b, " ");
		good |= buf_puts(&b, c.url);
	}
	check_int(good, 0);
	cut_free(&c);
	return b.data;
}

static void
markdown(void)
{
	static const struct {
		const char	*text, *want;
	} rows[] = {
		{ "one", "file [file|one]" },
		{ "# T\none\n## A\ntwo\n### B\nthree",
		    "T [T|one] [T: A|two] [T: B|three]" },
		{ "intro\n# A\none", "file [file|intro] [file: A|one]" },
		{ "# T\n# A\none", "T [T: A|one]" },
		{ "T\n=\none", "file [file|T\n=\none]" },
		{ "T\n===\none\n\nA\n---\ntwo", "T [T|one] [T: A|two]" },
		{ "# T #\none\n#no\n####### seven\n#\nx",
		    "T [T|one\n#no\n####### seven] [T|x]" },
		{ "# T\n```\n# no\n```\n~~~\n# no\n~~~\n# A\nx",
		    "T [T|```\n# no\n```\n~~~\n# no\n~~~] [T: A|x]" },
		{ "# T\r\none\r\n\r\n# A\r\ntwo\r\n", "T [T|one] [T: A|two]" },
		{ "\xef\xbb\xbf# T\none", "T [T|one]" },
		{ "# T\n\none\n\n---\n\ntwo", "T [T|one\n\n---\n\ntwo]" },
		{ "---\ntitle: \"F\"\nurl: https://a.example/x\n---\n# A\none",
		    "F [F: A|one] https://a.example/x" },
		{ "---\nurl: javascript:x\n---\none", "file [file|one]" },
		{ "---\nnot closed", "file [file|---\nnot closed]" },
		{ "", "none" }, { " \n\n", "none" },
		{ "# T\n\n## A\n", "none" },
		{ "---\ntitle: x\n---\n", "none" },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_str(parts(CUT_MARKDOWN, rows[i].text, ""), rows[i].want);
	}
	check_str(parts(CUT_MARKDOWN, "# A\none", "Given"),
	    "Given [Given: A|one]");
}

static void
text(void)
{
	check_str(parts(CUT_TEXT, "Title\n\n# one\r\ntwo", ""),
	    "Title [Title|# one\ntwo]");
	check_str(parts(CUT_TEXT, "one\ntwo", ""), "file [file|one\ntwo]");
}

static void
html(void)
{
	static const struct {
		const char	*text, *want;
	} rows[] = {
		{ "<p>one</p><p>two &amp; three</p>",
		    "file [file|one\n\ntwo & three]" },
		{ "<title>T</title><h1>A</h1>one<h2>B</h2>two",
		    "T [T: A|one] [T: B|two]" },
		{ "<h1>A</h1>one", "A [A|one]" },
		{ "a<br>b<br/>c <ul><li>d</li><li>e</ul>f",
		    "file [file|a\nb\nc\n\n- d\n- e\n\nf]" },
		{ "<script>if (a<b) x()</script>one<style>p{}</style>",
		    "file [file|one]" },
		{ "<!-- no <p> -->one<!doctype html><?x?>", "file [file|one]" },
		{ "a&nbsp;b &lt;c&gt; &#233; &#xe9; &eacute; &nope; & &#0; "
		    "&#xd800;", "file [file|a b <c> é é é &nope; & &#0; "
		    "&#xd800;]" },
		{ "<a href=\"x>y\">link</a> 1 < 2", "file [file|link 1 < 2]" },
		{ "<pre>a\n  b</pre>", "file [file|a\n  b]" },
		{ "<p># no heading</p>", "file [file| # no heading]" },
		{ "<script>", "none" }, { "<", "file [file|<]" },
		{ "<p", "none" }, { "</", "none" }, { "<!--", "none" },
		{ "<title>", "none" }, { "one</>", "file [file|one]" },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_str(parts(CUT_HTML, rows[i].text, ""), rows[i].want);
	}
}

/* What is too long is cut at the best place, and nothing is lost. */
static void
long_sections(void)
{
	struct cut	 c;
	char		*all = malloc(100000);
	size_t		 i, n = 0, total = 0;

	if (all == NULL)
		t_die("malloc");
	for (i = 0; i < 60; i++)
		n += (size_t)snprintf(all + n, 100000 - n, "Paragraph %zu has "
		    "some words, and then some more of them, so that it is "
		    "long.\n\n", i);
	check_int(cut(CUT_MARKDOWN, all, n, "", "file", &c), 0);
	check(c.count > 1);
	for (i = 0; i < c.count; i++) {
		check(c.passage[i].len <= PASSAGE_MAX);
		check(c.passage[i].len > PASSAGE_MAX / 4 || i + 1 == c.count);
		check(strncmp(c.passage[i].text, "Paragraph", 9) == 0);
		total += c.passage[i].len + 2;
	}
	check(total >= n - 2 && total <= n + 2);
	cut_free(&c);
	/* Without any place: between characters. */
	for (n = 0; n + 3 <= 6000; n += 3)
		memcpy(all + n, "\xe6\x89\x93", 3);
	check_int(cut(CUT_MARKDOWN, all, n, "", "file", &c), 0);
	for (i = total = 0; i < c.count; i++) {
		check(utf8_valid(c.passage[i].text, c.passage[i].len));
		total += c.passage[i].len;
	}
	check_int(total, n);
	cut_free(&c);
	/* A title is cut as well. */
	memset(all, 'a', 500);
	memcpy(all, "# ", 2);
	memcpy(all + 500, "\nx", 3);
	check_int(cut(CUT_MARKDOWN, all, 502, "", "file", &c), 0);
	check_int(strlen(c.title), TITLE_MAX);
	cut_free(&c);
	free(all);
}

static void
many(void)
{
	struct cut	 c;
	const size_t	 one = strlen("# a\nb\n");
	char		*all = malloc(one * (PASSAGES_MAX + 1) + 1);
	size_t		 i;

	if (all == NULL)
		t_die("malloc");
	for (i = 0; i <= PASSAGES_MAX; i++)
		memcpy(all + i * one, "# a\nb\n", one);
	check_int(cut(CUT_MARKDOWN, all, PASSAGES_MAX * one, "", "f", &c), 0);
	check_int(c.count, PASSAGES_MAX);
	cut_free(&c);
	check_int(cut(CUT_MARKDOWN, all, (PASSAGES_MAX + 1) * one, "", "f",
	    &c), -1);
	check_int(errno, E2BIG);
	cut_free(&c);
	free(all);
}

int
main(void)
{
	t_begin();
	run(markdown);
	run(text);
	run(html);
	run(long_sections);
	run(many);
	return t_end();
}
