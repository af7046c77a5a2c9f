/*
 * lib/auth/key_form: which texts are certainly secrets and which are not.  The
 * files that openssl writes are in tests/cases/disguises.py.
 */
#include "auth/key_form.h"
#include "base/base64url.h"
#include "base/limit.h"
#include "t.h"
#include "t_keys.h"

static void
forms(void)
{
	static const struct {
		const char	*text, *name;	/* a part of it; "": a secret */
		enum key_form	 want;
	} rows[] = {
		{ "0123456789abcdef0123456789abcdef", "", KEY_FORM_SECRET },
		{ "correct horse battery staple {again}", "", KEY_FORM_SECRET },
		{ "{not JSON, a password of 36 letters}", "", KEY_FORM_SECRET },
		{ "[0123456789abcdef0123456789abcdef]x", "", KEY_FORM_SECRET },
		{ "------------------------------------", "", KEY_FORM_SECRET },
		{ "0\x80 not DER, just text 0123456789abcd", "",
		    KEY_FORM_SECRET },
		{ "3082 0123456789abcdef0123456789abcdef", "",
		    KEY_FORM_SECRET },
		{ "pass\xc3\xa3o de trinta e duas letras, ou mais", "",
		    KEY_FORM_SECRET },
		{ "", "", KEY_FORM_SECRET },
		{ RSA_PUBLIC, "PEM", KEY_FORM_PEM },
		{ "x" EC_PUBLIC, "PEM", KEY_FORM_PEM },
		{ "-----BEGIN NOTHING", "PEM", KEY_FORM_PEM },
		{ "---- BEGIN NOTHING", "PEM", KEY_FORM_OTHER },
		{ "-----END PUBLIC KEY-----", "PEM", KEY_FORM_OTHER },
		{ "my P.u.b.l.i.c 1 Key", "PEM", KEY_FORM_OTHER },
		{ " \n{\"kty\":\"RSA\"}", "JSON", KEY_FORM_JSON },
		{ "{}", "JSON", KEY_FORM_JSON }, { "[]\n", "JSON",
		    KEY_FORM_JSON },
		{ "x{\"kty\":\"RSA\"}", "JWK", KEY_FORM_OTHER },
		{ "kty: RSA", "JWK", KEY_FORM_OTHER },
		{ "\xef\xbb\xbf" "0123456789abcdef", "byte order mark",
		    KEY_FORM_OTHER },
		{ "\xff\xfe" "0123456789abcdef", "UTF-16", KEY_FORM_OTHER },
		{ "a b ssh-rsa AAAA", "SSH", KEY_FORM_OTHER },
		{ "ecdsa-sha2-nistp256 AAAA", "SSH", KEY_FORM_OTHER },
		{ "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		    "base64", KEY_FORM_OTHER },
		{ "key=MCowBQYDK2VwAyEA50EXWfTZPXK8nSL0AYTtH4/hHzTxGpAcMwJf"
		    "sY8R4V8=", "base64", KEY_FORM_OTHER },
		{ "302a300506032b6570032100e7411759f4d93d72bc9d22f40184ed1f",
		    "hexadecimal", KEY_FORM_OTHER },
		{ "302A300506032B6570032100E7411759F4D93D72BC9D22F40184ED1F",
		    "hexadecimal", KEY_FORM_OTHER },
		{ "0x302a300506032b6570032100e7411759f4d93d72bc9d22f40184ed1f",
		    "hexadecimal", KEY_FORM_OTHER },
		{ "{0x30,0x2a, 0x30, 0x05,\n0X06, 0x03,0x2b,0x65, 0x70, 0x03, "
		    "0x21, 0x00, 0xe7, 0x41, 0x17, 0x59, 0xf4, 0xd9, 0x3d, "
		    "0x72, 0xbc, 0x9d, 0x22, 0xf4, 1}", "hexadecimal",
		    KEY_FORM_OTHER },
		{ "k = \"\\x30\\x2a\\x30\\x05\\x06\\x03\\x2b\\x65\\x70\\x03"
		    "\\x21\\x00\\xe7\\x41\\x17\\x59\\xf4\\xd9\\x3d\\x72\\xbc"
		    "\\x9d\\x22\\xf4", "hexadecimal", KEY_FORM_OTHER },
		{ "30,2a,30,05,06,03,2b,65,70,03,21,00,e7,41,17,59,f4,d9,3d,"
		    "72,bc,9d,22,f4,01", "hexadecimal", KEY_FORM_OTHER },
		{ "0x0123456789abcdef0123456789abcdef", "", KEY_FORM_SECRET },
		{ "<RSA-KeyValue>", "XML", KEY_FORM_OTHER },
		{ "\xfe\xed\xfe\xed", "Java", KEY_FORM_OTHER },
	};
	const char	*name;
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_int(key_form(rows[i].text, strlen(rows[i].text), &name),
		    rows[i].want);
		check(rows[i].name[0] == '\0' ? name[0] == '\0' :
		    strstr(name, rows[i].name) != NULL);
		check_int(key_form(rows[i].text, strlen(rows[i].text), NULL),
		    rows[i].want);
	}
}

/* The body of a PEM key, its lines joined, at each position in a text. */
static void
bodies(void)
{
	static const char	*const keys[] = { RSA_PUBLIC, RSA_SHORT,
				    RSA_PRIVATE, EC_PUBLIC, EC_PRIVATE,
				    EC_P384, ED25519 };
	char			 text[4096];
	const char		*p;
	size_t			 i, n;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		row("%zu", i);
		n = (size_t)snprintf(text, sizeof(text), "the key: ");
		for (p = strchr(keys[i], '\n') + 1; *p != '-'; p++) {
			if (*p != '\n')
				text[n++] = *p;
		}
		check_int(key_form(text, n, NULL), KEY_FORM_OTHER);
		check_int(key_form(text + 9, n - 9, NULL), KEY_FORM_OTHER);
		check_int(key_form(text + 9, 40, NULL), KEY_FORM_OTHER);
	}
}

/* xorshift64: makes the same secrets each time. */
static unsigned char
next(void)
{
	static uint64_t	x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned char)(x >> 32);
}

/*
 * The output of `openssl rand', plain, in hexadecimal and in base64, counts as
 * a secret.
 */
static void
secrets(void)
{
	static const char	digits[] = "0123456789abcdef";
	struct buf		b = BUF_INIT(4096);
	unsigned char		s[65];
	char			hex[2 * sizeof(s)];
	size_t			i, n, len;
	const char		*name;

	for (i = 0; i < 20000; i++) {
		len = 32 + i % 34;
		for (n = 0; n < len; n++) {
			s[n] = next();
			hex[2 * n] = digits[s[n] >> 4];
			hex[2 * n + 1] = digits[s[n] & 15];
		}
		s[0] &= 0x7f;	/* a byte order mark would make it text */
		buf_clear(&b);
		if (base64url_encode(&b, s, len) == -1)
			t_die("buf");
		row("%.*s", (int)(2 * len), hex);
		check_int(key_form((char *)s, len, &name), KEY_FORM_SECRET);
		check_str(name, "");
		check_int(key_form(hex, 2 * len, NULL), KEY_FORM_SECRET);
		check_int(key_form(b.data, b.len, NULL), KEY_FORM_SECRET);
		if (len > 64)
			continue;
		check(s[0] == 0x1f || s[0] == 0x78 || s[0] == 0x5d ||
		    s[0] == 0x28 || key_form_doubt((char *)s, len) == NULL);
		check(len == 45 || key_form_doubt(b.data, b.len) == NULL ||
		    key_form_doubt((char *)s, len) != NULL || len <= 48);
	}
	buf_free(&b);
}

/* An unknown text is a secret only if no key fits into it. */
static void
doubts(void)
{
	static const char	secret[] = "k9F-", hex[] = "30a5",
				one[] = "gezd", words[] = "wort ",
				odd[] = "a!7?";
	static const struct {
		const char	*of;
		size_t		 len;
		const char	*doubt;		/* part of the message; NULL:
						   none */
	} rows[] = {
		{ odd, 32, NULL }, { odd, 48, NULL }, { odd, 49, "too long" },
		{ one, 64, NULL }, { one, 65, "too long" },
		{ one, 60, "PEM" }, { secret, 60, "PEM" },
		{ secret, 64, NULL }, { secret, 88, NULL },
		{ "BPk9", 87, "P-256" }, { "BAz_", 87, "P-256" },
		{ "BQk9", 87, NULL }, { "BPk9", 86, NULL },
		{ secret, 89, "too long" },
		{ hex, 64, NULL }, { hex, 128, NULL },
		{ hex, 129, "hexadecimal" },
		{ words, 70, NULL }, { words, 75, "too long" },
		{ "\x80" "abc", 64, NULL }, { "\x80" "abc", 68, "not text" },
		{ "abc\nd", 50, "lines" }, { "a\tbcd", 50, "lines" },
		{ "\x1f\x8b\x08\x01", 64, "compressed" },
		{ "\x78\x9c\x08\x01", 52, "compressed" },
		{ "BZh9\x81", 60, "compressed" },
		{ "H4sIAAk9", 64, "compressed" },
		{ "1f8b08a0", 64, "compressed" }, { "789c01a0", 128,
		    "compressed" },
	};
	char		text[256];
	size_t		i, n;
	const char	*why;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (n = 0; n < rows[i].len; n++)
			text[n] = rows[i].of[n % strlen(rows[i].of)];
		row("%zu: %.*s", i, (int)n, text);
		why = key_form_doubt(text, n);
		check(rows[i].doubt == NULL ? why == NULL : why != NULL &&
		    strstr(why, rows[i].doubt) != NULL);
		/* A line end after it does not belong to it. */
		text[n] = '\r';
		text[n + 1] = '\n';
		check(key_form_doubt(text, n + 2) == why);
	}
}

/*
 * A key after a declared secret is found however many words the secret has.
 * The time is bounded; without a limit this would take minutes.
 */
static void
many_words(void)
{
	static char	text[SECRET_MAX];
	const char	key[] = " MCowBQYDK2VwAyEA50EXWfTZPXK8nSL0AYTtH4/hHz"
			    "TxGpAcMwJfsY8R4V8=";
	const size_t	len = sizeof(text) - sizeof(key);
	size_t		i, round;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < len; i++)
			text[i] = i % 3 == 2 ? ' ' : (char)('a' + next() % 26);
		check_int(key_form(text, len, NULL), KEY_FORM_SECRET);
		memcpy(text + len, key, sizeof(key) - 1);
		check_int(key_form(text, len + sizeof(key) - 1, NULL),
		    KEY_FORM_OTHER);
	}
}

int
main(void)
{
	t_begin();
	run(forms);
	run(bodies);
	run(secrets);
	run(doubts);
	run(many_words);
	return t_end();
}
