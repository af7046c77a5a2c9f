/*
 * lib/auth/token with the module signature.so: which JWTs are good by RFC 7519
 * and RFC 8725, which word says why one is not, and the key files.
 */
#include <sys/stat.h>

#include "auth/token.h"
#include "base/base64url.h"
#include "base/limit.h"
#include "base/module.h"
#include "t.h"
#include "t_keys.h"

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

/* Makes a JWT from these parts, signed with this key. */
static void
make(struct buf *t, const char *header, const char *claims, const char *key)
{
	unsigned char		 mark[1024];
	char			 error[128];
	struct signature_key	*k;
	size_t			 len;

	buf_clear(t);
	if (base64url_encode(t, (const unsigned char *)header,
	    strlen(header)) == -1 || buf_puts(t, ".") == -1 ||
	    base64url_encode(t, (const unsigned char *)claims,
	    strlen(claims)) == -1)
		t_die("buf");
	if ((k = module->secret(key, strlen(key), error,
	    sizeof(error))) == NULL)
		t_die(error);
	len = module->sign(k, t->data, t->len, mark, sizeof(mark));
	module->release(k);
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
		    "no-exp" }, { HS, "{\"exp\":1e99}", "no-exp" },
		{ HS, "{\"exp\":1e999}", "no-exp" },
		{ HS, "{\"exp\":-1.5}", "no-exp" },
		/* Dates may have a fraction or an exponent (RFC 7519 2). */
		{ HS, "{\"exp\":1800000600.5}", "good" },
		{ HS, "{\"exp\":1800000600.000000000000000000001}", "good" },
		{ HS, "{\"exp\":1.8000006E+9}", "good" },
		{ HS, "{\"exp\":1799999940.5}", "good" },
		{ HS, "{\"exp\":1799999939.999}", "expired" },
		{ HS, "{\"exp\":1.7e9}", "expired" },
		{ HS, EXP ",\"nbf\":1799999994.75}", "good" },
		{ HS, EXP ",\"nbf\":1800000059.5}", "good" },
		{ HS, EXP ",\"nbf\":1800000060.001}", "not-yet" },
		{ HS, EXP ",\"nbf\":1.9e9}", "not-yet" },
		{ HS, EXP ",\"nbf\":-1.5,\"iat\":1800000000.25}", "good" },
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
		{ EXP ",\"iss\":[\"https://i\"],\"aud\":\"a\"}", "issuer" },
		{ EXP ",\"iss\":[\"x\",\"https://i\"],\"aud\":\"a\"}",
		    "issuer" },
		{ EXP ",\"iss\":{\"https://i\":\"https://i\"},\"aud\":\"a\"}",
		    "issuer" },
		{ EXP ",\"iss\":null,\"aud\":\"a\"}", "issuer" },
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

/* JWT_TICKET_CLAIM: the claim that ties a JWT to a ticket; may be empty. */
static void
ticket_claims(void)
{
	static const struct {
		const char	*claim, *claims, *want;
	} rows[] = {
		/* Microsoft's tenant. */
		{ "tid", EXP ",\"tid\":\"72f988bf-86f1-41af-91ab-2d7cd011db47"
		    "\"}", "ticket" },
		{ "none", EXP ",\"tid\":\"72f988bf-86f1-41af-91ab-"
		    "2d7cd011db47\"}", "good" },
		{ "none", EXP ",\"none\":43}", "good" },
		{ "ticket", EXP ",\"tid\":\"x\"}", "good" },
		{ "ticket", EXP ",\"ticket\":42,\"tid\":\"x\"}", "good" },
		{ "ticket", EXP ",\"ticket\":\"42\"}", "good" },
		{ "ticket", EXP ",\"ticket\":43,\"tid\":42}", "ticket" },
		{ "https://desk.example/ticket",
		    EXP ",\"https://desk.example/ticket\":43}", "ticket" },
	};
	struct buf		t = BUF_INIT(10000);
	struct token_keys	keys;
	char			error[256];
	size_t			i;

	check_int(token_keys_read(&keys, "hs.key", error, sizeof(error)), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s %s", rows[i].claim, rows[i].claims);
		check(setenv("TICKETCHAT_JWT_TICKET_CLAIM", rows[i].claim,
		    1) == 0);
		load_settings();
		make(&t, HS, rows[i].claims, SECRET);
		is(&keys, &t, rows[i].want);
	}
	row("what token_make makes");
	check(setenv("TICKETCHAT_JWT_TICKET_CLAIM", "ticket", 1) == 0);
	load_settings();
	buf_clear(&t);
	check_int(token_make(module, SECRET, 32, &settings, TICKET + 1, "ana",
	    NOW + 5, &t), 0);
	is(&keys, &t, "ticket");
	(void)unsetenv("TICKETCHAT_JWT_TICKET_CLAIM");
	load_settings();
	is(&keys, &t, "good");
	token_keys_free(&keys);
	buf_free(&t);
}

/* A list of groups as long as a JWT can be, and the deepest that is read. */
static void
groups(void)
{
	static const struct {
		const char	*group;
		int		 count;
	} rows[] = { { "\"g\"", 1 }, { "\"g001\"", 600 }, { "\"g\"", 1400 },
		     { "1", 2900 }, { "{}", 1900 },
		     { "\"0f3a7c21-9d4e-4b1a-8c55-6e2f7d8b9a01\"", 140 } };
	struct buf		t = BUF_INIT(20000);
	struct buf		claims = BUF_INIT(20000);
	struct token_keys	keys;
	char			error[256];
	size_t			i;
	int			n;

	check_int(token_keys_read(&keys, "hs.key", error, sizeof(error)), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%d of %s", rows[i].count, rows[i].group);
		buf_clear(&claims);
		check(buf_puts(&claims, EXP ",\"groups\":[") == 0);
		for (n = 0; n < rows[i].count; n++)
			check(buf_puts(&claims, n > 0 ? "," : "") == 0 &&
			    buf_puts(&claims, rows[i].group) == 0);
		check(buf_puts(&claims, "],\"tid\":42}") == 0);
		make(&t, HS, claims.data, SECRET);
		check(t.len <= TOKEN_MAX);
		is(&keys, &t, "good");
	}
	token_keys_free(&keys);
	buf_free(&t);
	buf_free(&claims);
}

/* Changes each byte of a JWT, and cuts it at each length. */
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
	check_str(keys.key[0].key->algorithm, algorithm);
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

/* EC_PUBLIC as the members of a JWK. */
#define EC_JWK \
    "\"kty\":\"EC\",\"crv\":\"P-256\"," \
    "\"x\":\"tkj28bX_w_MYUY9pBjD80wW6nOxB4Jempy50Gu23qm4\"," \
    "\"y\":\"7_Vf2aBjrIjeTn7TPA8_064BF5qJwiC-o5Rxc0qr5Uk\""

/* Another key than that of EC_PRIVATE. */
#define OTHER_JWK(more) \
    "{\"kty\":\"EC\",\"crv\":\"P-256\"," \
    "\"x\":\"BZMMuPhkRTwSXyPJ9oME3eQEDylVnrrzoLQWAEP_J88\"," \
    "\"y\":\"19wQNsp3LdpXvNG7fabekYxhylil1AeyBFu01cAFOUI\"" more "}"

/* A set with one key more than allowed. */
static void
many_keys(void)
{
	char	text[33 * (sizeof(EC_JWK) + 3) + 32];
	size_t	i, n;

	n = (size_t)snprintf(text, sizeof(text), "{\"keys\":[{" EC_JWK "}");
	for (i = 1; i < 33; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    ",{" EC_JWK "}");
	(void)snprintf(text + n, sizeof(text) - n, "]}");
	key_file("many.jwks", text, 0600);
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
		{ "private.pem", "a private key", 0 },
		{ "bad.pem", "not a public key", 0 },
		{ "two.pem", NULL, 2 }, { "two.pem hs.key", NULL, 3 },
		{ "three.pem", "a private key", 0 },
		{ "hs.key.pub", "the name is that of a public key", 0 },
		{ "hs256:hs.key.pub", NULL, 1 }, { "hs256:hs.key", NULL, 1 },
		{ "x.secret hs256:x.secret", NULL, 2 },
		{ "hs256:short.key", "shorter", 0 }, { "hs256:", "No such", 0 },
		{ "hs256:rsa.pem", "looks like PEM", 0 },
		{ "hs256:key.jwk", "looks like JSON", 0 },
		{ "rsa.secret", "looks like PEM", 0 },
		{ "hs256:rsa.secret", "looks like PEM", 0 },
		{ "rs256:rsa.pem", "No such file", 0 },
		{ "key.jwk", NULL, 1 }, { "many.jwks", "more than 32", 0 },
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
	key_file("two.pem", "# two\n" RSA_PUBLIC "\n" EC_PUBLIC "# end\n",
	    0600);
	key_file("three.pem", EC_PUBLIC EC_PRIVATE, 0600);
	key_file("hs.key.pub", SECRET, 0600);
	key_file("x.secret", SECRET "\n", 0600);
	key_file("rsa.secret", RSA_PUBLIC, 0600);
	key_file("key.jwk", "{" EC_JWK "}", 0600);
	many_keys();
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

/* Makes a JWT signed by EC_PRIVATE, with this kid in its header. */
static void
make_es256(struct buf *t, const char *kid)
{
	struct buf	 header = BUF_INIT(1000);
	unsigned char	 mark[128];
	char		 error[128];
	struct signature_key *k;
	size_t		 len;

	buf_clear(t);
	if ((k = module->private_pem(EC_PRIVATE, strlen(EC_PRIVATE), error,
	    sizeof(error))) == NULL)
		t_die(error);
	if (buf_puts(&header, "{\"alg\":\"ES256\"") == -1 ||
	    (kid != NULL && (buf_puts(&header, ",\"kid\":\"") == -1 ||
	    buf_puts(&header, kid) == -1 || buf_puts(&header, "\"") == -1)) ||
	    buf_puts(&header, "}") == -1 || base64url_encode(t,
	    (unsigned char *)header.data, header.len) == -1 ||
	    buf_puts(t, ".") == -1 || base64url_encode(t,
	    (const unsigned char *)EXP "}", sizeof(EXP)) == -1 ||
	    (len = module->sign(k, t->data, t->len, mark,
	    sizeof(mark))) == 0 || buf_puts(t, ".") == -1 ||
	    base64url_encode(t, mark, len) == -1)
		t_die("make_es256");
	module->release(k);
	buf_free(&header);
}

/*
 * JWKs with various kid, use, key_ops and alg; each is tried alone and beside
 * one that is for something else.
 */
static void
jwks(void)
{
#define KEY(more)	"{" EC_JWK more "}"
	static const struct {
		const char	*text, *kid, *want; /* or the error */
		size_t		 usable;		/* 0: refused */
	} rows[] = {
		{ KEY(""), NULL, "good", 1 }, { KEY(""), "x", "good", 1 },
		{ KEY(",\"kid\":\"a\""), "a", "good", 1 },
		{ KEY(",\"kid\":\"\\u0061\""), "a", "good", 1 },
		{ KEY(",\"kid\":\"a\""), "file", "good", 1 },
		{ KEY(",\"use\":\"sig\",\"alg\":\"ES256\","
		    "\"key_ops\":[\"sign\",\"verify\"]"), NULL, "good", 1 },
		{ "{\"keys\":[" KEY(",\"kid\":\"a\"") ","
		    OTHER_JWK(",\"kid\":\"b\"") "]}", "a", "good", 2 },
		{ "{\"keys\":[" KEY(",\"kid\":\"a\"") ","
		    OTHER_JWK(",\"kid\":\"b\"") "]}", "b", "signature", 2 },
		/* Two keys with the same name are both tried; without a name,
		   all are. */
		{ "{\"keys\":[" OTHER_JWK(",\"kid\":\"a\"") ","
		    KEY(",\"kid\":\"a\"") "]}", "a", "good", 2 },
		{ "{\"keys\":[" OTHER_JWK("") "," KEY("") "]}", "c", "good",
		    2 },
		{ "{\"keys\":[" OTHER_JWK("") ","
		    KEY(",\"use\":\"enc\",\"kid\":\"a\"") "]}", "a",
		    "signature", 1 },
		{ "{\"keys\":[" KEY("") ",{\"kty\":\"OKP\"},{},"
		    KEY(",\"alg\":\"PS256\"") "]}", NULL, "good", 1 },
		{ KEY(",\"use\":\"enc\""), NULL, "use", 0 },
		{ KEY(",\"use\":\"SIG\""), NULL, "use", 0 },
		{ KEY(",\"use\":\"sig\",\"use\":\"sig\""), NULL, "use", 0 },
		{ KEY(",\"use\":null"), NULL, "use", 0 },
		{ KEY(",\"key_ops\":[]"), NULL, "key_ops", 0 },
		{ KEY(",\"key_ops\":[\"sign\"]"), NULL, "key_ops", 0 },
		{ KEY(",\"key_ops\":{\"verify\":\"verify\"}"), NULL,
		    "key_ops", 0 },
		{ KEY(",\"alg\":\"ES384\""), NULL, "alg", 0 },
		{ KEY(",\"alg\":\"none\""), NULL, "alg", 0 },
		{ KEY(",\"alg\":\"RS256\""), NULL, "alg", 0 },
		{ KEY(",\"d\":\"AA\""), NULL, "private", 0 },
		{ KEY(",\"k\":null"), NULL, "private", 0 },
		{ "{\"keys\":[" KEY("") "," KEY(",\"d\":\"\"") "]}", NULL,
		    "private", 0 },
		{ "{\"keys\":[" KEY("") ",7]}",
		    NULL, "not all of its keys are JWKs", 0 },
		{ "{\"keys\":[],\"keys\":[]}", NULL, "not a list", 0 },
		{ "{\"keys\":[]}", NULL, "empty", 0 },
		{ KEY(",\"kid\":\"\""), NULL, "kid", 0 },
		{ KEY(",\"kid\":\"a\\u0000b\""), NULL, "kid", 0 },
		{ KEY(",\"kid\":\"a\",\"kid\":\"a\""), NULL, "kid", 0 },
		{ "{\"kty\":\"oct\"}", NULL, "kty", 0 },
	};
	struct buf		t = BUF_INIT(10000);
	struct token_keys	keys;
	char			error[256];
	size_t			i;
	int			rc;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu: %s", i, rows[i].text);
		(void)unlink("file.json");
		key_file("file.json", rows[i].text, 0600);
		rc = token_keys_read(&keys, "file.json", error,
		    sizeof(error));
		check_int(rc, rows[i].usable > 0 ? 0 : -1);
		if (rc == -1) {
			check(strstr(error, "file.json: ") != NULL &&
			    strstr(error, rows[i].want) != NULL);
		} else {
			check_int(keys.usable, rows[i].usable);
			make_es256(&t, rows[i].kid);
			is(&keys, &t, rows[i].want);
		}
		token_keys_free(&keys);
	}
	buf_free(&t);
}

/* Several keys with the same name: each is tried for a kid. */
static void
one_name(void)
{
	struct buf		t = BUF_INIT(10000);
	struct token_keys	keys;
	char			error[256];

	check(mkdir("old", 0700) == 0 && mkdir("new", 0700) == 0);
	key_file("old/idp.pem", RSA_PUBLIC, 0600);
	key_file("new/idp.pem", EC_PUBLIC, 0600);
	make_es256(&t, "idp");
	row("the second file");
	check_int(token_keys_read(&keys, "old/idp.pem new/idp.pem", error,
	    sizeof(error)), 0);
	is(&keys, &t, "good");
	token_keys_free(&keys);
	row("the second key of a file");
	make_es256(&t, "two");
	check_int(token_keys_read(&keys, "two.pem", error, sizeof(error)), 0);
	is(&keys, &t, "good");
	token_keys_free(&keys);
	row("and only those");
	make_es256(&t, "rsa");
	check_int(token_keys_read(&keys, "rsa.pem ec.pem", error,
	    sizeof(error)), 0);
	is(&keys, &t, "signature");
	token_keys_free(&keys);
	buf_free(&t);
}

/* Texts that are not JWTs. */
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

/* User names of all lengths that fit, and longer ones. */
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
	run(ticket_claims);
	run(groups);
	run(algorithms);
	run(key_files);
	run(jwks);
	run(one_name);
	run(garbage);
	run(users);
	settings_free(&settings);
	return t_end();
}
