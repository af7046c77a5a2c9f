/*
 * lib/knowledge/printed: notes in JSON lines.
 */
#include "base/limit.h"
#include "knowledge/printed.h"
#include "t.h"

static void
good(void)
{
	static const struct {
		const char	*text;
		size_t		 most, count;
		const char	*title, *last;	/* of the first; of the last */
	} rows[] = {
		{ "", 3, 0, "", "" }, { "\n \n\r\n", 3, 0, "", "" },
		{ "{\"text\":\"a\"}", 3, 1, "a", "a" },
		{ "{\"text\":\"a\\nb\",\"score\":[1,{}],\"n\":7}\n", 3, 1,
		    "a", "a\nb" },
		{ "{\"text\":\"a\",\"name\":\"n\"}\r\n{\"text\":\"b\","
		    "\"title\":null,\"url\":null}", 3, 2, "n", "b" },
		{ "{\"text\":\"a\",\"title\":\"t\"}\n{\"text\":\"b\"}\n"
		    "no JSON", 2, 2, "t", "b" },
		{ "{\"text\":\"a\"}\n{\"text\":\"b\"}", 0, 0, "", "" },
	};
	struct notes	n;
	char		why[160];
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_int(printed_notes(&n, rows[i].text,
		    strlen(rows[i].text), rows[i].most, why, sizeof(why)), 0);
		check_int(n.count, rows[i].count);
		if (n.count > 0 && n.count == rows[i].count) {
			check_str(n.note[0].title, rows[i].title);
			check_str(n.note[n.count - 1].text, rows[i].last);
		}
		notes_free(&n);
	}
}

static void
bad(void)
{
	static const struct {
		const char	*text, *why;
	} rows[] = {
		{ "x", "line 1 of what it printed: not a JSON object in "
		    "UTF-8" },
		{ "\n\n[]", "line 3 of what it printed: not a JSON object in "
		    "UTF-8" },
		{ "{\"text\":\"a\"}\n{\"text\":\"\"}",
		    "line 2 of what it printed: text is blank" },
		{ "{}", "line 1 of what it printed: text is missing" },
		{ "{\"text\":null}", "line 1 of what it printed: text is "
		    "missing" },
		{ "{\"text\":{}}", "line 1 of what it printed: text is no "
		    "text" },
		{ "{\"text\":\"a\",\"name\":1}", "line 1 of what it printed: "
		    "name is no text" },
		{ "{\"text\":\"a\",\"title\":\"\\u0000\"}", "line 1 of what "
		    "it printed: title has a NUL" },
		{ "{\"text\":\"\\ud800\"}", "line 1 of what it printed: text "
		    "is not UTF-8" },
		{ "{\"text\":\"a\",\"url\":\"x\",\"url\":\"y\"}", "line 1 "
		    "of what it printed: url is there twice" },
	};
	struct notes	n;
	char		why[160];
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_int(printed_notes(&n, rows[i].text,
		    strlen(rows[i].text), 3, why, sizeof(why)), -1);
		check_str(why, rows[i].why);
		check_int(n.count, 0);
	}
}

/* Of three notes the second does not fit any more. */
static void
sizes(void)
{
	char		text[4 * KNOWLEDGE_BYTES], why[160];
	struct notes	n;

	(void)snprintf(text, sizeof(text), "{\"text\":\"%0*d\"}\n"
	    "{\"text\":\"%0*d\"}\n{\"text\":\"x\"}\n",
	    KNOWLEDGE_BYTES - 1, 1, 2, 2);
	check_int(printed_notes(&n, text, strlen(text), 3, why, sizeof(why)),
	    0);
	check_int(n.count, 2);
	check_int(strlen(n.note[0].text), KNOWLEDGE_BYTES - 1);
	check_str(n.note[1].text, "x");
	notes_free(&n);
	(void)snprintf(text, sizeof(text), "{\"text\":\"%0*d\"}\n",
	    KNOWLEDGE_BYTES + 1, 1);
	check_int(printed_notes(&n, text, strlen(text), 3, why, sizeof(why)),
	    0);
	check_int(n.count, 0);
}

static void
joins(void)
{
	static const struct {
		const char	*text, *title_is, *text_is;
	} rows[] = {
		{ "New\nbody\nmore", "New", "body\nmore" },
		/* What no filter has seen does not come back. */
		{ "only", "Note", "only" }, { "only\n", "Note", "only\n" },
		{ "only\n \n", "Note", "only\n \n" },
		{ "\nbody", "Note", "body" }, { " \t\nbody", "Note", "body" },
		{ "\xe2\x80\x8b\nbody", "Note", "body" },
	};
	struct note	n;
	struct buf	b = BUF_INIT(100);
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		n = (struct note){ .title = strdup("T"), .text = strdup("x") };
		buf_clear(&b);
		check_int(printed_join(&n, &b), 0);
		check_str(b.data, "T\nx");
		check_int(printed_split(&n, rows[i].text,
		    strlen(rows[i].text)), 0);
		check_str(n.title, rows[i].title_is);
		check_str(n.text, rows[i].text_is);
		free(n.title);
		free(n.text);
	}
	buf_free(&b);
}

int
main(void)
{
	t_begin();
	run(good);
	run(bad);
	run(sizes);
	run(joins);
	return t_end();
}
