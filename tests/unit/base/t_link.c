/*
 * lib/base/link: which addresses a page may link to.
 */
#include "base/link.h"
#include "t.h"

static void
links(void)
{
	static const struct {
		const char	*text;
		bool		 good;
	} rows[] = {
		{ "http://wiki/", true },
		{ "https://wiki.example/a?b=c#d", true },
		{ "HTTPS://Wiki.example", true }, { "http://[::1]:80/x", true },
		{ "https://wiki.example/caf\xc3\xa9", true },
		{ "https://wiki.example/@user", true },
		{ "https://wiki.example?a@b", true },
		{ "", false }, { "http://", false }, { "http:///x", false },
		{ "http:/wiki", false }, { "//wiki/", false },
		{ "javascript:alert(1)", false }, { "data:text/html,x", false },
		{ "file:///etc/passwd", false }, { "ftp://wiki/", false },
		{ " https://wiki/", false }, { "https://wiki/a b", false },
		{ "https://wiki/\n", false }, { "java\nscript:x", false },
		{ "https://a@wiki/", false }, { "https://a:b@wiki/", false },
		{ "https://wiki/\"onclick=", false },
		{ "https://wiki/<b>", false },
		{ "https://wiki\\@evil/", false },
		{ "https://:80/", false }, { "https://?", false },
		{ "https://wiki/\xff", false }, { "https://wiki/\x7f", false },
	};
	char	text[LINK_MAX + 2] = "https://wiki/";
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_int(link_is_good(rows[i].text, strlen(rows[i].text)),
		    rows[i].good);
	}
	row("the length");
	memset(text + 13, 'a', sizeof(text) - 13);
	check(link_is_good(text, LINK_MAX));
	check(!link_is_good(text, LINK_MAX + 1));
	row("a NUL");
	check(!link_is_good("https://wiki/\0x", 15));
}

int
main(void)
{
	t_begin();
	run(links);
	return t_end();
}
