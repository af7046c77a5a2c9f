/*
 * lib/token with the module signature.so: which tokens are good, by RFC 7519
 * and RFC 8725, and which word tells why one is not; the key files.
 */
#include <sys/stat.h>

#include "base64url.h"
#include "limit.h"
#include "module.h"
#include "t.h"
#include "t_keys.h"
#include "token.h"

#define SECRET	"0123456789abcdef0123456789abcdef"

enum { NOW = 1800000000, TICKET = 42 };

static const struct signature	*module;
static struct settings		 settings;

static void
key_file(const char *name, const char *content, mode_t mode)
{
	t_write(name, content, strlen(content));
	if (chmod(name, mode) == -1)
		t_die(name);
}

static void
load_settings(void)
{
	settings_free(&settings);
	if (settings_load(&settings, NULL, 0) == -1)
		t_die(settings.error);
}

/* A token of these parts, signed with this key; or as good as. */
static void
make(struct buf *t, const char *header, const char *claims, const char *key)
{
	unsigned char	mark[1024];
	const char	*name;
	size_t		len;

	buf_clear(t);
	if (base64url_encode(t, (const unsigned char *)header,
	    strlen(header)) == -1 || buf_puts(t, ".") == -1 ||
	    base64url_encode(t, (const unsigned char *)claims,
	    strlen(claims)) == -1)
		t_die("buf");
	len = module->sign(key, strlen(key), t->data, t->len, mark,
	    sizeof(mark), &name);
	if (!check(len > 0) || buf_puts(t, ".") == -1 ||
	    base64url_encode(t, mark, len) == -1)
		t_die("sign");
}

static void
is(const struct token_keys *keys, const struct buf *t, const char *want)
{
	struct token	 out;
	const char	*bad = token_check(keys, &settings, t->data, t->len,
			    TICKET, NOW, &out);

	check_str(bad == NULL ? "good" : bad, want);
	check(bad == NULL ? out.expires > 0 : out.expires == 0 &&
	    out.user[0] == '\0');
}

#define HS	"{\"alg\":\"HS256\"}"
#define EXP	"{\"exp\":1800000600"

static void
checks(void)
{
	static const struct {
		const char	*header, *claims, *want;
	} rows[] = {
		{ HS, EXP "}", "good" },
		{ "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"x\"}",
		    EXP "}", "good" },
		{ "{\"alg\":\"HS256\",\"kid\":\"hs\"}", EXP "}", "good" },
		{ "{\"alg\":\"HS256\",\"kid\":\"rsa\"}", EXP "}",
		    "signature" },
		{ "{\"alg\":\"none\"}", EXP "}", "signature" },
		{ "{\"alg\":\"hs256\"}", EXP "}", "signature" },
		{ "{\"alg\":\"HS384\"}", EXP "}", "signature" },
		{ "{\"alg\":\"RS256\"}", EXP "}", "signature" },
		{ "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", EXP "}",
		    "signature" }, { "{}", EXP "}", "signature" },
		{ "{\"alg\":\"HS256\",\"crit\":[\"b64\"]}", EXP "}", "crit" },
		{ "[]", EXP "}", "format" }, { "x", EXP "}", "format" },
		{ HS, "[]", "format" }, { HS, EXP, "format" },
		{ HS, "{}", "no-exp" }, { HS, "{\"exp\":\"1800000600\"}",
		    "no-exp" }, { HS, "{\"exp\":1.8e9}", "no-exp" },
		{ HS, "{\"exp\":0}", "no-exp" }, { HS, "{\"exp\":-1}",
		    "no-exp" }, { HS, "{\"exp\":9223372036854775807}",
		    "no-exp" }, { HS, "{\"exp\":99999999999999999999}",
		    "no-exp" }, { HS, "{\"exp\":1,\"exp\":1800000600}",
		    "no-exp" },
		/* Clocks may differ by a minute. */
		{ HS, "{\"exp\":1799999941}", "good" },
		{ HS, "{\"exp\":1799999940}", "expired" },
		{ HS, EXP ",\"nbf\":1800000060}", "good" },
		{ HS, EXP ",\"nbf\":1800000061}", "not-yet" },
		{ HS, EXP ",\"nbf\":\"0\"}", "not-yet" },
		{ HS, EXP ",\"nbf\":0,\"nbf\":0}", "not-yet" },
		{ HS, EXP ",\"tid\":42}", "good" },
		{ HS, EXP ",\"tid\":\"42\"}", "good" },
		{ HS, EXP ",\"tid\":43}", "ticket" },
		{ HS, EXP ",\"tid\":\"\"}", "ticket" },
		{ HS, EXP ",\"tid\":\"042\"}", "ticket" },
		{ HS, EXP ",\"tid\":null}", "ticket" },
		{ HS, EXP ",\"tid\":[42]}", "ticket" },
		{ HS, EXP ",\"tid\":42,\"tid\":42}", "ticket" },
		{ HS, EXP ",\"sub\":\"ana\"}", "good" },
		{ HS, EXP ",\"sub\":5}", "user" },
		{ HS, EXP ",\"sub\":\"\\ud800\"}", "user" },
		{ HS, EXP ",\"iss\":\"x\",\"aud\":[\"y\"],\"z\":{}}", "good" },
	};
	struct buf		t = BUF_INIT(10000);
	struct token_keys	keys;
	char			error[256];
	size_t			i;

	check_int(token_keys_read(&keys, " hs.key  rsa.pem ", error,
	    sizeof(error)), 0);
	check_int(keys.count, 2);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s %s", rows[i].header, rows[i].claims);
		make(&t, rows[i].header, rows[i].claims, SECRET);
		is(&keys, &t, rows[i].want);
	}
	row("another secret");
	make(&t, HS, EXP "}", "another 0123456789abcdef01234567");
	is(&keys, &t, "signature");
	token_keys_free(&keys);
	buf_free(&t);
}

static void
claims_of_settings(void)
{
	static const struct {
		const char	*claims, *want;
	} rows[] = {
		{ EXP ",\"iss\":\"https://i\",\"aud\":\"a\"}", "good" },
		{ EXP ",\"iss\":\"https://i\",\"aud\":[\"b\",\"a\"]}",
		    "good" },
		{ EXP ",\"aud\":\"a\"}", "issuer" },
		{ EXP ",\"iss\":\"https://i/\",\"aud\":\"a\"}", "issuer" },
		{ EXP ",\"iss\":\"https://i\"}", "audience" },
		{ EXP ",\"iss\":\"https://i\",\"aud\":\"b\"}", "audience" },
		{ EXP ",\"iss\":\"https://i\",\"aud\":[]}", "audience" },
		{ EXP ",\"iss\":\"https://i\",\"aud\":{\"a\":\"a\"}}",
		    "audience" },
		{ EXP ",\"iss\":\"https://i\",\"aud\":\"a\",\"aud\":\"a\"}",
		    "audience" },
	};
	struct buf		t = BUF_INIT(10000);
	struct token_keys	keys;
	char			error[256];
	size_t			i;

	check(setenv("TICKETCHAT_JWT_ISSUER", "https://i", 1) == 0);
	check(setenv("TICKETCHAT_JWT_AUDIENCE", "a", 1) == 0);
	load_settings();
	check_int(token_keys_read(&keys, "hs.key", error, sizeof(error)), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].claims);
		make(&t, HS, rows[i].claims, SECRET);
		is(&keys, &t, rows[i].want);
	}
	row("what token_make makes");
	buf_clear(&t);
	check_int(token_make(module, SECRET, 32, &settings, TICKET, "ana",
	    NOW + 5, &t), 0);
	is(&keys, &t, "good");
	token_keys_free(&keys);
	buf_free(&t);
	(void)unsetenv("TICKETCHAT_JWT_ISSUER");
	(void)unsetenv("TICKETCHAT_JWT_AUDIENCE");
	load_settings();
}

/* Each byte of a token, changed, and each of its ends, cut off. */
static void
broken(const char *private, const char *file, const char *algorithm)
{
	struct buf		t = BUF_INIT(10000);
	struct token_keys	keys;
	struct token		out;
	char			error[256];
	size_t			i;
	int			good = 0;

	row("%s", algorithm);
	if (!check_int(token_keys_read(&keys, file, error, sizeof(error)),
	    0))
		return;
	check_str(keys.key[0].algorithm, algorithm);
	check_int(token_make(module, private, strlen(private), &settings,
	    TICKET, "ana", NOW + 600, &t), 0);
	check(token_check(&keys, &settings, t.data, t.len, TICKET, NOW,
	    &out) == NULL);
	check_str(out.user, "ana");
	check_int(out.expires, NOW + 600);
	check(!token_expired(&out, NOW + 659) && token_expired(&out,
	    NOW + 660));
	check_str(token_check(&keys, &settings, t.data, t.len, TICKET + 1,
	    NOW, &out), "ticket");
	check_str(token_check(&keys, &settings, t.data, t.len, TICKET,
	    NOW + 700, &out), "expired");
	for (i = 0; i < t.len; i++) {
		char	was = t.data[i];

		t.data[i] = was == 'A' ? 'B' : 'A';
		good += token_check(&keys, &settings, t.data, t.len, TICKET,
		    NOW, &out) == NULL;
		t.data[i] = was;
		good += token_check(&keys, &settings, t.data, i, TICKET, NOW,
		    &out) == NULL;
	}
	check_int(good, 0);
	check(buf_puts(&t, "A") == 0);
	check(token_check(&keys, &settings, t.data, t.len, TICKET, NOW,
	    &out) != NULL);
	token_keys_free(&keys);
	buf_free(&t);
}

static void
algorithms(void)
{
	broken(SECRET, "hs.key", "HS256");
	broken(RSA_PRIVATE, "rsa.pem", "RS256");
	broken(EC_PRIVATE, "ec.pem", "ES256");
}

static void
key_files(void)
{
	static const struct {
		const char	*files, *error;	/* a part of it; NULL: good */
		size_t		 count;
	} rows[] = {
		{ "hs.key", NULL, 1 }, { "hs.key rsa.pem ec.pem", NULL, 3 },
		{ "nl.key", NULL, 1 }, { "", "no key file", 0 },
		{ "  ", "no key file", 0 }, { "nothere", "No such file", 0 },
		{ "hs.key nothere", "No such file", 0 },
		{ "short.key", "shorter", 0 }, { "shortnl.key", "shorter", 0 },
		{ "open.key", "chmod 600", 0 }, { "rsa1024.pem", "2048", 0 },
		{ "p384.pem", "P-256", 0 }, { "ed25519.pem", "P-256", 0 },
		{ "private.pem", "not a public key", 0 },
		{ "bad.pem", "not a public key", 0 },
		{ "hs.key hs.key hs.key hs.key hs.key hs.key hs.key hs.key",
		    NULL, 8 },
		{ "hs.key hs.key hs.key hs.key hs.key hs.key hs.key hs.key "
		    "hs.key", "more than 8", 0 },
	};
	struct token_keys	keys;
	char			error[256];
	size_t			i;
	int			rc;

	key_file("nl.key", SECRET "\r\n", 0600);
	key_file("short.key", "0123456789abcdef0123456789abcde", 0600);
	key_file("shortnl.key", "0123456789abcdef0123456789abcde\n\n", 0600);
	key_file("open.key", SECRET, 0604);
	key_file("rsa1024.pem", RSA_SHORT, 0600);
	key_file("p384.pem", EC_P384, 0600);
	key_file("ed25519.pem", ED25519, 0600);
	key_file("private.pem", RSA_PRIVATE, 0600);
	key_file("bad.pem", "-----BEGIN PUBLIC KEY-----\nx\n", 0600);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].files);
		error[0] = '\0';
		rc = token_keys_read(&keys, rows[i].files, error,
		    sizeof(error));
		check_int(rc, rows[i].error == NULL ? 0 : -1);
		if (rows[i].error == NULL)
			check_int(keys.count, rows[i].count);
		else
			check(strstr(error, rows[i].error) != NULL &&
			    strchr(error, '\n') == NULL);
		token_keys_free(&keys);
	}
}

/* What is no token at all. */
static void
garbage(void)
{
	static const char	*const rows[] = {
		"", ".", "..", "...", "a", "a.b", "a.b.c", "e30.e30.",
		"e30.e30", "e30..e30", "e30.e30.e30.e30",
		"eyJhbGciOiJub25lIn0.eyJleHAiOjE4MDAwMDA2MDB9.",
		"Bearer x", "=.=.=", "e30=.e30=.e30=",
	};
	static char		big[TOKEN_MAX + 2];
	struct token_keys	keys;
	struct token		out;
	char			error[256];
	size_t			i;

	check_int(token_keys_read(&keys, "hs.key", error, sizeof(error)), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i]);
		check(token_check(&keys, &settings, rows[i], strlen(rows[i]),
		    TICKET, NOW, &out) != NULL);
	}
	row("large");
	memset(big, 'A', sizeof(big));
	big[3] = big[6] = '.';
	check_str(token_check(&keys, &settings, big, TOKEN_MAX + 1, TICKET,
	    NOW, &out), "format");
	token_keys_free(&keys);
}

/* A user of any length that fits, and none that does not. */
static void
users(void)
{
	struct buf		t = BUF_INIT(10000);
	struct token_keys	keys;
	struct token		out;
	char			user[200], error[256];
	size_t			n;

	check_int(token_keys_read(&keys, "hs.key", error, sizeof(error)), 0);
	for (n = 126; n < 130; n++) {
		row("%zu bytes", n);
		memset(user, 'u', n);
		user[n] = '\0';
		buf_clear(&t);
		check_int(token_make(module, SECRET, 32, &settings, 0, user,
		    NOW, &t), 0);
		check_int(token_check(&keys, &settings, t.data, t.len,
		    TICKET, NOW, &out) == NULL, n < sizeof(out.user));
		check_str(out.user, n < sizeof(out.user) ? user : "");
	}
	token_keys_free(&keys);
	buf_free(&t);
}

int
main(void)
{
	char	error[256] = "";

	t_begin();
	/* `make everything' builds it; this program alone does not. */
	module = module_load("signature.so", "signature_module", error,
	    sizeof(error));
	if (module == NULL) {
		(void)printf("%s\n", error);
		t_die("signature.so");
	}
	check(module_load("nothere.so", "x", error, sizeof(error)) == NULL &&
	    error[0] != '\0');
	check(module_load("signature.so", "nothere", error,
	    sizeof(error)) == NULL);
	load_settings();
	key_file("hs.key", SECRET, 0600);
	key_file("rsa.pem", RSA_PUBLIC, 0600);
	key_file("ec.pem", EC_PUBLIC, 0600);
	run(checks);
	run(claims_of_settings);
	run(algorithms);
	run(key_files);
	run(garbage);
	run(users);
	settings_free(&settings);
	return t_end();
}
