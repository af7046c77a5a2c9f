/*
 * lib/knowledge/given: what becomes of notes before the model gets them.
 */
#include "base/limit.h"
#include "base/link.h"
#include "knowledge/given.h"
#include "t.h"

static struct note
note(const char *name, const char *title, const char *url, const char *text)
{
	return (struct note){
		.name = strdup(name), .title = strdup(title),
		.url = strdup(url), .text = strdup(text)
	};
}

static void
prepares(void)
{
	static const struct {
		const char	*title, *url, *text;
		const char	*title_is, *url_is, *text_is;
	} rows[] = {
		{ "Printer", "https://wiki/1", "Open it.", "Printer",
		    "https://wiki/1", "Open it." },
		{ "a\nb\tc\r\x7f", "javascript:x", " \r\n x \r\ny\n",
		    "a b c", "", "x\ny" },
		{ " \n ", "", "x", "notes/a.md", "", "x" },
		{ "e\xcc\x81", "http://", "e\xcc\x81", "\xc3\xa9", "",
		    "\xc3\xa9" },
		{ "[[/0123456789abcdef]]", "https://a@b/", "[[x]]",
		    "[[/0123456789abcdef]]", "", "[[x]]" },
	};
	struct notes	n;
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].title);
		n = (struct notes){ .count = 1 };
		n.note[0] = note("notes/a.md", rows[i].title, rows[i].url,
		    rows[i].text);
		check_int(given_prepare(&n), 0);
		check_int(n.count, 1);
		check_str(n.note[0].title, rows[i].title_is);
		check_str(n.note[0].url, rows[i].url_is);
		check_str(n.note[0].text, rows[i].text_is);
		notes_free(&n);
	}
}

/* A title is cut between two characters, an address that is too long drops. */
static void
cuts(void)
{
	char		title[TITLE_MAX + 10], url[LINK_MAX + 10] = "http://w/";
	struct notes	n = { .count = 2 };

	memset(title, 'a', sizeof(title) - 1);
	title[sizeof(title) - 1] = '\0';
	memset(url + 9, 'u', sizeof(url) - 10);
	url[sizeof(url) - 1] = '\0';
	n.note[0] = note("a", title, url, "x");
	memcpy(title + TITLE_MAX - 1, "\xc3\xa9", 2);
	url[LINK_MAX] = '\0';
	n.note[1] = note("b", title, url, "y");
	check_int(given_prepare(&n), 0);
	check_int(n.count, 2);
	check_int(strlen(n.note[0].title), TITLE_MAX);
	check_str(n.note[0].url, "");
	check_int(strlen(n.note[1].title), TITLE_MAX - 1);
	check_str(n.note[1].url, url);
	notes_free(&n);
}

static void
leaves_out_what_is_blank(void)
{
	struct notes	n = { .count = 4 };

	n.note[0] = note("a", "A", "", " \n");
	n.note[1] = note("b", "B", "", "b");
	n.note[2] = note("c", "C", "", "");
	n.note[3] = note("d", "D", "", "d");
	check_int(given_prepare(&n), 0);
	check_int(n.count, 2);
	check_str(n.note[0].name, "b");
	check_str(n.note[1].name, "d");
	notes_free(&n);
	check_int(given_prepare(&n), 0);
	check_int(n.count, 0);
}

/* A filter may have made notes longer: what does not fit leaves. */
static void
leaves_out_what_is_too_long(void)
{
	char		text[KNOWLEDGE_BYTES + 2];
	struct notes	n = { .count = 4 };

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	n.note[0] = note("a", "A", "", text);
	text[KNOWLEDGE_BYTES - 1] = '\0';
	n.note[1] = note("b", "B", "", text);
	n.note[2] = note("c", "C", "", "xx");
	n.note[3] = note("d", "D", "", "x");
	check_int(given_prepare(&n), 0);
	check_int(n.count, 2);
	check_str(n.note[0].name, "b");
	check_str(n.note[1].name, "d");
	notes_free(&n);
}

int
main(void)
{
	t_begin();
	run(prepares);
	run(cuts);
	run(leaves_out_what_is_blank);
	run(leaves_out_what_is_too_long);
	return t_end();
}
