/*
 * lib/base/url: which addresses are valid, and what they mean.
 */
#include "base/limit.h"
#include "base/url.h"
#include "t.h"

/* Values of OLLAMA_SERVER; which ones are valid. */
static const struct {
	const char	*url;
	bool		 want;
} lists[] = {
	{ "http://localhost:11434/api/generate", true },
	{ "http://localhost:11434", true }, { "HTTP://h", true },
	{ "https://ollama.example/", true }, { "HttpS://h/x", true },
	{ "http://[::1]:11434/api/chat", true },
	{ "http://10.0.0.1", true },
	{ "", false }, { "localhost", false }, { "http://", false },
	{ "http:///api", false }, { "http://:80", false },
	{ "http:/h", false }, { "ftp://h", false },
	{ "file:///etc/passwd", false }, { "httpx://h", false },
	{ "http://u@h", false }, { "http://u:p@h/", false },
	{ "http://h/?a=b", false }, { "http://h/#x", false },
	{ "http://h /", false }, { "http://h/a b", false },
	{ "http://h/\"", false }, { "http://h/\\", false },
	{ "http://h/{x}", false }, { " http://h ", true },
	{ "http://h https://i/api/chat", true }, { "  ", false },
	{ "http://h localhost", false },
	{ "http://h weight=1", true },
	{ "http://h  weight=100 ", true },
	{ "http://h weight=3 http://i weight=2 http://j", true },
	{ "weight=3 http://h", false }, { "weight=3", false },
	{ "http://h weight=3 weight=3", false },
	{ "http://h weight=0", false },
	{ "http://h weight=101", false },
	{ "http://h weight=", false }, { "http://h weight=-1", false },
	{ "http://h weight=1x", false },
	{ "http://h weight=+1", false },
	{ "http://h weight=4294967297", false },
	{ "http://h Weight=1", false }, { "http://h weight", false },
	{ "http://h http://h", false }, { "http://h http://h/", false },
	{ "http://h http://i http://h/api/chat", false },
	{ "http://h http://h:1 http://h/x", true },
	{ "http://h, http://i", false },
	{ "http://h weight=03", false },
	{ "http://h weight=00", false },
	{ "http://h:0", false }, { "http://h:1", true },
	{ "http://h:65535", true }, { "http://h:65536", false },
	{ "http://h:99999", false }, { "http://h:080", false },
	{ "http://h:abc", false }, { "http://h:", false },
	{ "http://h:/api", false }, { "http://h:80x", false },
	{ "http://h:+80", false }, { "http://h:1:2", false },
	{ "http://h:18446744073709551697", false },
	{ "http://[::1", false }, { "http://[::1:80", false },
	{ "http://[::1]80", false }, { "http://[::1]:", false },
	{ "http://[]", false }, { "http://[1", false },
	{ "http://[::g]", false }, { "http://[127.0.0.1]", false },
	{ "http://::1", false }, { "http://a]b", false },
	{ "http://a%b", false }, { "http://[fe80::1%eth0]:80", true },
	{ "http://[::ffff:10.0.0.1]:80/x", true },
	/* The same server twice, spelled differently. */
	{ "http://localhost http://LOCALHOST", false },
	{ "http://localhost HTTP://localHost:80/api/chat", false },
	{ "http://h:80 http://h", false },
	{ "https://h:443 https://h/api/generate", false },
	{ "https://h https://h:80", true },
	{ "http://h https://h", true }, { "http://h:443 https://h",
	    true },
	{ "http://[::1]:11434 http://[0::1]:11434", false },
	{ "http://[::1] http://[0:0:0:0:0:0:0:1]:80", false },
	{ "http://[FE80::1] http://[fe80::1]", false },
	{ "http://[::ffff:127.0.0.1] http://127.0.0.1", false },
	{ "http://127.1 http://127.0.0.1", false },
	{ "http://0x7f000001 http://127.0.0.1", false },
	{ "http://h. http://h", false },
	{ "http://127.0.0.1 http://127.0.0.2", true },
	/* Probably the same server, unless each has a name. */
	{ "http://127.0.0.1:11434 http://localhost:11434", false },
	{ "http://[::1] http://localhost", false },
	{ "http://[::1] name=a http://localhost", true },
	{ "http://h name=a http://h name=b", false },
	{ "http://h name=a http://i name=a", false },
	{ "http://h name=a http://i name=A", true },
	{ "http://h name=gpu-1.x_Y", true },
	{ "http://h name=a weight=3 http://i weight=2 name=b", true },
	{ "http://h name=a name=b", false },
	{ "http://h weight=2 name=a weight=2", false },
	{ "http://h name=", false }, { "http://h name", false },
	{ "http://h/v1 token=/etc/key", true },
	{ "http://h/v1 token=k name=a weight=2 http://i token=k", true },
	{ "http://h weight=2 token=/a/b:c name=a", true },
	{ "http://h token=", false }, { "http://h token", false },
	{ "http://h token=a token=b", false }, { "token=a http://h", false },
	{ "http://h Token=a", false }, { "http://h/v1 http://h", false },
	{ "http://h/v1 http://h/v1/chat/completions", false },
	{ "http://h/a/v1 http://h/b/v1", true },
	{ "http://h Name=a", false }, { "name=a http://h", false },
	{ "http://h name=a/b", false }, { "http://h name=a:1", false },
	{ "http://h name=\xc3\xa9", false },
	{ "http://h name=a weight=0", false },
	{ "http://h/X http://h/x", true },
};

static void
valid(void)
{
	size_t	i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		row("%s", lists[i].url);
		check_int(url_valid(lists[i].url), lists[i].want);
	}
}

static void
simple(void)
{
	static const struct {
		const char	*list;
		bool		 want;
	} rows[] = {
		{ "http://localhost:11434/api/generate", true },
		{ "HTTP://LocalHost", true }, { "http://127.0.0.1/x", true },
		{ "http://[::1]:11434/api/chat", true }, { "http://[::1]",
		    true },
		{ "http://10.0.0.1:1 http://localhost", true },
		{ "https://localhost", false }, { "http://gpu:11434", false },
		{ "http://localhost.example", false },
		{ "http://127.1", false }, { "http://0x7f000001", false },
		{ "http://127.0.0.1.example", false },
		{ "http://[fe80::1%eth0]", false }, { "http://[::1", true },
		{ "http://localhost http://gpu", false },
		{ "http://localhost weight=2 http://10.0.0.1 weight=1", true },
		{ "http://a-name-that-is-far-longer-than-any-number-could-be-"
		    "0123456789", false },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].list);
		check_int(url_simple(rows[i].list), rows[i].want);
	}
}

static void
split(void)
{
	static const struct {
		const char	*url, *base;
		enum url_api	 api;
	} rows[] = {
		{ "http://h/api/generate", "http://h", URL_GENERATE },
		{ "http://h/api/generate/", "http://h", URL_GENERATE },
		{ "http://h:1/x/api/generate//", "http://h:1/x",
		    URL_GENERATE },
		{ "http://h/api/chat", "http://h", URL_CHAT },
		{ "http://h/api/chat/", "http://h", URL_CHAT },
		{ "http://h/api", "http://h", URL_CHAT },
		{ "http://h/api/", "http://h", URL_CHAT },
		{ "http://h", "http://h", URL_CHAT },
		{ "http://h/", "http://h", URL_CHAT },
		{ "http://h/ollama", "http://h/ollama", URL_CHAT },
		{ "http://h/api/generated", "http://h/api/generated",
		    URL_CHAT },
		{ "http://h/xapi/chat", "http://h/xapi/chat", URL_CHAT },
		{ "http://h/API/chat", "http://h/API/chat", URL_CHAT },
		{ "http://h/v1", "http://h", URL_OPENAI },
		{ "http://h/v1/", "http://h", URL_OPENAI },
		{ "https://h:1/openai/v1//", "https://h:1/openai",
		    URL_OPENAI },
		{ "http://h/v1/chat/completions", "http://h", URL_OPENAI },
		{ "http://h/x/v1/chat/completions/", "http://h/x",
		    URL_OPENAI },
		{ "http://h/v1/chat", "http://h/v1/chat", URL_CHAT },
		{ "http://h/v1/completions", "http://h/v1/completions",
		    URL_CHAT },
		{ "http://h/xv1", "http://h/xv1", URL_CHAT },
		{ "http://h/v1x", "http://h/v1x", URL_CHAT },
		{ "http://h/v12", "http://h/v12", URL_CHAT },
		{ "http://h/V1", "http://h/V1", URL_CHAT },
		/* Hosts that are called like a path. */
		{ "http://v1", "http://v1", URL_CHAT },
		{ "http://v1/v1", "http://v1", URL_OPENAI },
		{ "https://api", "https://api", URL_CHAT },
		{ "http://api/api/chat", "http://api", URL_CHAT },
	};
	const char	*list;
	struct url	 u;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].url);
		list = rows[i].url;
		check(url_next(&list, &u));
		check_int(u.api, rows[i].api);
		check_mem(u.text, u.base, rows[i].base, strlen(rows[i].base));
		check(!url_next(&list, &u));
	}
}

static void
several(void)
{
	const char	*list = "  http://a/api/generate http://b  http://c/ ";
	struct url	 u;

	check(url_next(&list, &u));
	check_mem(u.text, u.len, "http://a/api/generate", 21);
	check_int(u.api, URL_GENERATE);
	check(url_next(&list, &u));
	check_mem(u.text, u.base, "http://b", 8);
	check_int(u.api, URL_CHAT);
	check(url_next(&list, &u));
	check_mem(u.text, u.base, "http://c", 8);
	check(!url_next(&list, &u));
	check(!url_next(&list, &u));
}

static void
tokens(void)
{
	const char	*all = "http://a/v1 token=/k/1 http://A:80/x weight=2 "
			    "token=k2 name=n https://a/v1 http://b:80/v1";
	static const struct {
		const char	*token;
		bool		 first;
	} rows[] = {
		{ "/k/1", true }, { "k2", true }, { NULL, false },
		{ NULL, false },
	};
	const char	*list = all;
	struct url	 u;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		check(url_next(&list, &u));
		check_int(u.token != NULL, rows[i].token != NULL);
		check_int(url_first_host(all, &u), rows[i].first);
		if (u.token != NULL)
			check_mem(u.token, u.token_len, rows[i].token,
			    strlen(rows[i].token));
	}
	check(!url_next(&list, &u));
}

static void
weights(void)
{
	static const int	want[] = { 1, 3, 100, 1 };
	const char		*list = "http://a http://b  weight=3 "
				    "http://c/api weight=100 http://d";
	struct url		 u;
	size_t			 i;

	check_int(url_weights(list), 105);
	check_int(url_weights("http://a"), 1);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		row("%zu", i);
		check(url_next(&list, &u));
		check_int(u.weight, want[i]);
		check_mem(u.text, u.base, &"http://ahttp://bhttp://chttp://d"[
		    i * 8], 8);
	}
	check(!url_next(&list, &u));
}

/* The names of servers for other machines. */
static void
names(void)
{
	static const struct {
		const char	*list, *want;
	} rows[] = {
		{ "http://gpu1:11434/api/chat", "http://gpu1:11434" },
		{ "HTTP://Gpu1.", "http://gpu1:80" },
		{ "https://gpu1/x/Y/api/", "https://gpu1:443/x/Y" },
		{ "http://gpu1 name=A.b_c-1", "A.b_c-1" },
		{ "http://gpu1 weight=2 name=a", "a" },
		{ "http://localhost name=a", "a" },
		{ "http://localhost:11434/api/generate",
		    "desk1/http://localhost:11434" },
		{ "http://LOCALHOST.:1", "desk1/http://localhost:1" },
		{ "http://127.0.0.1", "desk1/http://localhost:80" },
		{ "http://127.1", "desk1/http://localhost:80" },
		{ "http://0x7f000001", "desk1/http://localhost:80" },
		{ "http://[::1]", "desk1/http://localhost:80" },
		{ "http://[0:0::1]", "desk1/http://localhost:80" },
		{ "http://[::ffff:127.0.0.1]", "desk1/http://localhost:80" },
		{ "http://127.0.0.2:1", "desk1/http://127.0.0.2:1" },
		{ "http://127.200.1", "desk1/http://127.200.0.1:80" },
		{ "https://localhost/x", "desk1/https://localhost:443/x" },
		{ "http://10.0.0.1:1", "http://10.0.0.1:1" },
		{ "http://[::ffff:10.0.0.1]", "http://10.0.0.1:80" },
		{ "http://[FE80:0::A]:1", "http://[fe80::a]:1" },
		{ "http://[fe80::1%eth0]", "http://[fe80::1%eth0]:80" },
		{ "http://localhost.example", "http://localhost.example:80" },
		{ "http://128.0.0.1", "http://128.0.0.1:80" },
	};
	char		name[URL_NAME_MAX], text[URL_LEN_MAX + 2] = "http://";
	const char	*list;
	struct url	 u;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].list);
		list = rows[i].list;
		check(url_valid(list) && url_next(&list, &u));
		url_name(&u, "desk1", name);
		check_str(name, rows[i].want);
	}
	/* The longest ones: nothing is truncated. */
	list = "http://[::1]:65535 name="
	    "0123456789012345678901234567890123456789012345678901234567890123";
	check(url_valid(list) && url_next(&list, &u));
	url_name(&u, "", name);
	check_int(strlen(name), 64);
	check(!url_valid("http://h name="
	    "01234567890123456789012345678901234567890123456789012345678901234"
	    ));
	memset(text + 7, 'a', URL_LEN_MAX - 7);
	list = text;
	check(url_valid(list) && url_next(&list, &u));
	url_name(&u, "desk1", name);
	check_int(strlen(name), URL_LEN_MAX + 3);
	text[URL_LEN_MAX] = 'a';
	check(!url_valid(text));
}

/* The highest number of servers, and one more. */
static void
many(void)
{
	char	list[1024] = "";
	int	i, n = 0;

	for (i = 0; i <= SERVERS_MAX; i++) {
		row("%d", i);
		check_int(url_valid(list), i > 0);
		n += snprintf(list + n, sizeof(list) - (size_t)n,
		    "http://h:%d ", i + 1);
	}
	check(!url_valid(list));
}

/*
 * Keys are the same on every machine and in every version, because slots are
 * found by them.
 */
static void
keys(void)
{
	const char	*a = "http://a", *b = "http://b";

	check(url_key("", 0) == UINT64_C(0xcbf29ce484222325));
	check(url_key("a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	check(url_key(a, 8) != url_key(b, 8));
	check(url_key(a, 7) == url_key(b, 7));
}

int
main(void)
{
	t_begin();
	run(valid);
	run(simple);
	run(split);
	run(several);
	run(tokens);
	run(weights);
	run(names);
	run(many);
	run(keys);
	return t_end();
}
