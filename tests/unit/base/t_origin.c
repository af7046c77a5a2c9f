/*
 * lib/base/origin: which pages are admitted.
 */
#include "base/origin.h"
#include "t.h"

static void
lists(void)
{
	static const struct {
		const char	*list;
		bool		 want;
	} rows[] = {
		{ "*", true }, { "", true }, { "  ", true },
		{ "https://a.example", true }, { "http://localhost:*", true },
		{ " https://a  http://b:1 ", true }, { "http://[::1]:*",
		    true }, { "app://x", true },
		{ "a.example", false }, { "https://", false },
		{ "https://a/", false }, { "https://a/x", false },
		{ "https://a:", false }, { "https://a:x", false },
		{ "https://a:123456", false }, { "https://a:99999", false },
		{ "https://a:65535", true }, { "https://a:0443", false },
		{ "https://a:0", false }, { "https://a:+1", false },
		{ "https://a:1:2", false },
		{ "https://*.example", false }, { "https://a b", false },
		{ "https://a *", false }, { "*,https://a", false },
		{ "https://a,https://b", false }, { "https://u@a", false },
		{ "://a", false }, { "https:/a", false }, { "https://:80",
		    false }, { "http://[::1", false }, { "null", false },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].list);
		check_int(origin_list_valid(rows[i].list), rows[i].want);
	}
}

static void
allowed(void)
{
	static const char	shipped[] =
				    "http://localhost:* http://127.0.0.1:*";
	static const struct {
		const char	*list, *origin;
		bool		 want;
	} rows[] = {
		{ "", NULL, true }, { "", "", true }, { "", "https://a",
		    false }, { "*", "https://a", true }, { "*", "null", true },
		{ shipped, "http://localhost", true },
		{ shipped, "http://localhost:3000", true },
		{ shipped, "http://LOCALHOST:3000", true },
		{ shipped, "http://127.0.0.1:5000", true },
		{ shipped, "https://localhost", false },
		{ shipped, "http://localhost.evil.example", false },
		{ shipped, "http://evil.localhost", false },
		{ shipped, "http://localhost:3000/", false },
		{ shipped, "http://localhost:3000x", false },
		{ shipped, "http://localhost:", false },
		{ shipped, "http://localhost:*", false },
		{ shipped, "http://localhost http://127.0.0.1", false },
		{ shipped, "http://localhost@evil.example", false },
		{ shipped, "http://127.0.0.1.evil.example", false },
		{ shipped, "http://[::1]:5000", false },
		{ shipped, "null", false }, { shipped, "*", false },
		{ shipped, "file://", false }, { shipped, "x", false },
		{ "https://a.example", "https://a.example", true },
		{ "https://a.example", "https://a.example:443", true },
		{ "https://a.example:443", "https://a.example", true },
		{ "https://a.example", "https://a.example:8443", false },
		{ "https://a.example", "http://a.example", false },
		{ "https://a.example", "http://a.example:443", false },
		{ "http://a:80", "http://a", true },
		{ "http://a:80", "http://a:80", true },
		{ "http://a:80", "http://a:8", false },
		{ "http://a:8", "http://a:80", false },
		{ "https://a.exampl", "https://a.example", false },
		{ "https://a.example", "https://a.exampl", false },
		{ "http://x https://a ", "HTTPS://A", true },
		{ "http://[::1]:*", "http://[::1]:99", true },
		{ "http://[::1]:*", "http://[::2]:99", false },
		{ "http://[::1]", "http://[::1]:80", true },
		{ "app://x", "app://x", true }, { "app://x", "app://y",
		    false },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s for %s", rows[i].origin == NULL ? "NULL" :
		    rows[i].origin, rows[i].list);
		check_int(origin_allowed(rows[i].list, rows[i].origin),
		    rows[i].want);
	}
}

int
main(void)
{
	t_begin();
	run(lists);
	run(allowed);
	return t_end();
}
