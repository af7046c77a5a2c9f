/*
 * Checks tokens, reads the keys of JWT_KEY_FILE, makes tokens for tests.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/key_form.h"
#include "auth/token.h"
#include "base/base64url.h"
#include "base/file.h"
#include "base/limit.h"
#include "base/module.h"
#include "json/json.h"
#include "json/jsonw.h"

/* jsmn's tokens of a set of keys; a key has some 30. */
#define KEY_FILE_TOKENS	4096

/* Bytes of the name of a key (`kid'). */
#define KEY_ID_MAX	255

enum {
	LEEWAY = 60,		/* seconds by which clocks may differ */
	CLAIMS_DEPTH = 8,
	/*
	 * jsmn's tokens: each needs two bytes of the JSON, so that this is
	 * enough for any token of TOKEN_MAX bytes
	 */
	CLAIMS_TOKENS = TOKEN_MAX * 3 / 4 / 2
};

bool
token_expired(const struct token *t, int64_t now)
{
	return now >= t->expires + LEEWAY;
}

/*
 * Whether a key made the signature, and the header names the key's algorithm.
 */
static bool
signed_by(const struct token_keys *keys, const struct token_key *k,
    const struct json *header, const char *text, size_t len,
    const struct buf *mark)
{
	return k->key != NULL && json_equals(header,
	    json_member(header, 0, "alg"), k->key->algorithm) &&
	    keys->module->verify(k->key, text, len,
	    (const unsigned char *)mark->data, mark->len);
}

/*
 * Whether one of the keys made the signature: one of those that `kid' names, or
 * any key if it names none of ours.
 */
static bool
signature_good(const struct token_keys *keys, const struct json *header,
    const char *text, size_t len, const struct buf *mark)
{
	int	kid = json_member(header, 0, "kid");
	bool	named = false;
	size_t	i;

	for (i = 0; i < keys->count; i++) {
		if (!json_equals(header, kid, keys->key[i].id))
			continue;
		named = true;
		if (signed_by(keys, &keys->key[i], header, text, len, mark))
			return true;
	}
	for (i = 0; !named && i < keys->count; i++) {
		if (signed_by(keys, &keys->key[i], header, text, len, mark))
			return true;
	}
	return false;
}

/* Whether `iss' is the text that the setting asks for (RFC 7519 4.1.1). */
static bool
issuer_is(const struct json *j, const char *wanted)
{
	return *wanted == '\0' ||
	    json_equals(j, json_member(j, 0, "iss"), wanted);
}

/* Whether `aud' is what the setting asks for, or a list that holds it. */
static bool
audience_is(const struct json *j, const char *wanted)
{
	int	value = json_member(j, 0, "aud"), e;

	if (*wanted == '\0' || json_equals(j, value, wanted))
		return true;
	for (e = json_first(j, value); e != -1; e = json_next(j, value, e)) {
		if (json_equals(j, e, wanted))
			return true;
	}
	return false;
}

/*
 * Whether the claim that ties a token to a ticket is absent, or names this
 * ticket by a number or a text.  Sets *tied if it is there.
 */
static bool
ticket_is(const struct json *j, const char *claim, int64_t ticket, bool *tied)
{
	int	tid = json_member(j, 0, claim);
	char	text[24];

	*tied = tid != -1 && strcmp(claim, "none") != 0;
	if (!*tied)
		return true;
	(void)snprintf(text, sizeof(text), "%" PRId64, ticket);
	return json_int(j, tid, 0) == ticket || json_equals(j, tid, text);
}

static const char *
check_claims(const struct json *j, const struct settings *s, int64_t ticket,
    int64_t now, struct token *out)
{
	struct buf	user = BUF_INIT(sizeof(out->user) - 1);
	int		nbf = json_member(j, 0, "nbf");
	int		sub = json_member(j, 0, "sub");
	const char	*bad = NULL;

	out->expires = json_seconds(j, json_member(j, 0, "exp"), 0);
	if (out->expires <= 0)
		bad = "no-exp";
	else if (token_expired(out, now))
		bad = "expired";
	else if (nbf != -1 && json_seconds(j, nbf, INT64_MAX) > now + LEEWAY)
		bad = "not-yet";
	else if (!issuer_is(j, s->text[SETTING_JWT_ISSUER]))
		bad = "issuer";
	else if (!audience_is(j, s->text[SETTING_JWT_AUDIENCE]))
		bad = "audience";
	else if (!ticket_is(j, s->text[SETTING_JWT_TICKET_CLAIM], ticket,
	    &out->tied))
		bad = "ticket";
	else if (sub != -1 && (json_string(j, sub, true, &user) == -1 ||
	    (user.len > 0 && memchr(user.data, '\0', user.len) != NULL)))
		bad = "user";
	out->user[0] = '\0';
	if (bad == NULL && user.len > 0)
		memcpy(out->user, user.data, user.len + 1);
	buf_free(&user);
	return bad;
}

/* Parses a part of the token, which must be a JSON object. */
static bool
token_parse(struct json *j, const struct buf *b)
{
	return json_parse(j, b->data, b->len, CLAIMS_DEPTH,
	    CLAIMS_TOKENS) == 0 && json_type(j, 0) == JSON_OBJECT;
}

const char *
token_check(const struct token_keys *keys, const struct settings *s,
    const char *text, size_t len, int64_t ticket, int64_t now,
    struct token *out)
{
	struct buf	 header = BUF_INIT(TOKEN_MAX);
	struct buf	 claims = BUF_INIT(TOKEN_MAX);
	struct buf	 mark = BUF_INIT(TOKEN_MAX);
	struct json	 h = { 0 }, c = { 0 };
	const char	*dot1, *dot2, *end = text + len, *bad = "format";

	memset(out, 0, sizeof(*out));
	if (len > TOKEN_MAX ||
	    (dot1 = memchr(text, '.', len)) == NULL ||
	    (dot2 = memchr(dot1 + 1, '.', (size_t)(end - dot1 - 1))) == NULL ||
	    !base64url_decode(text, (size_t)(dot1 - text), &header) ||
	    !base64url_decode(dot1 + 1, (size_t)(dot2 - dot1 - 1), &claims) ||
	    !base64url_decode(dot2 + 1, (size_t)(end - dot2 - 1), &mark) ||
	    !token_parse(&h, &header) || !token_parse(&c, &claims))
		goto out;
	/* These are extensions that must be understood; we know none. */
	if (json_member(&h, 0, "crit") != -1)
		bad = "crit";
	else if (!signature_good(keys, &h, text, (size_t)(dot2 - text), &mark))
		bad = "signature";
	else
		bad = check_claims(&c, s, ticket, now, out);
out:
	if (bad != NULL)
		memset(out, 0, sizeof(*out));
	json_free(&h);
	json_free(&c);
	buf_free(&header);
	buf_free(&claims);
	buf_free(&mark);
	return bad;
}

enum { JWK_DEPTH = 8, HALF = 32 /* bytes of a coordinate */ };

/* A key file that is being read; `error' gets one line. */
struct reading {
	struct token_keys	*keys;
	const char		*path;
	char			*error;
	size_t			 size;
};

/* Whether a path ends like this, in capitals or not. */
static bool
ends_in(const char *path, const char *ending)
{
	const size_t	len = strlen(path), n = strlen(ending);

	return len > n && strcasecmp(path + len - n, ending) == 0;
}

static int
fail(struct reading *r, const char *what)
{
	(void)snprintf(r->error, r->size, "%s: %s", r->path, what);
	return -1;
}

/* The name of a file without directory and ending. */
static char *
token_keys_name_of(const char *path)
{
	const char	*base = strrchr(path, '/'), *dot;

	base = base == NULL ? path : base + 1;
	dot = strrchr(base, '.');
	return dot == NULL || dot == base ? strdup(base) :
	    strndup(base, (size_t)(dot - base));
}

/*
 * Adds a key under its id (NULL: its file's name). A NULL key is one that
 * cannot be used, and `why' says why.  The keys then own the key; on an error
 * it is released.
 */
static int
token_keys_add(struct reading *r, struct signature_key *key, const char *id,
    const char *why)
{
	struct token_keys	*keys = r->keys;
	struct token_key	*k;

	if (keys->count == TOKEN_KEYS) {
		if (key != NULL)
			keys->module->release(key);
		(void)snprintf(r->error, r->size, "%s: more than %d keys",
		    r->path, TOKEN_KEYS);
		return -1;
	}
	k = &keys->key[keys->count++];
	k->key = key;
	k->file = strdup(r->path);
	k->id = id == NULL ? token_keys_name_of(r->path) : strdup(id);
	k->why = why == NULL ? NULL : strdup(why);
	keys->usable += key != NULL;
	return k->file != NULL && k->id != NULL && (k->why != NULL ||
	    why == NULL) ? 0 : fail(r, strerror(errno));
}

/* Refuses a PEM block that is no public key, and says what it is. */
static int
refuse_block(struct reading *r, const char *label, size_t len)
{
	if (memmem(label, len, "PRIVATE KEY", 11) != NULL)
		return fail(r, "this is a private key, which must not be here "
		    "(openssl pkey -pubout writes its public key)");
	if (memmem(label, len, "CERTIFICATE", 11) != NULL)
		return fail(r, "this is a certificate, not a public key "
		    "(openssl x509 -noout -pubkey writes its public key)");
	return fail(r, "this is not a public key in PEM: the PEM block is not "
	    "PUBLIC KEY");
}

/* Adds every key of a file in PEM; text around them is comment. */
static int
read_pem(struct reading *r, const char *text, size_t len)
{
	static const char	 label[] = "PUBLIC KEY-----";
	static const char	 close[] = "-----END PUBLIC KEY-----";
	const char		*end = text + len, *begin, *stop;
	struct signature_key	*k;
	char			 why[128];

	while ((begin = key_form_begin(text, end)) != NULL) {
		text = begin + sizeof("-----BEGIN ") - 1;
		if ((size_t)(end - text) < sizeof(label) - 1 ||
		    memcmp(text, label, sizeof(label) - 1) != 0) {
			stop = memchr(text, '\n', (size_t)(end - text));
			return refuse_block(r, text,
			    (size_t)((stop == NULL ? end : stop) - text));
		}
		stop = memmem(text, (size_t)(end - text), close,
		    sizeof(close) - 1);
		if (stop == NULL)
			return fail(r, "this is not a public key in PEM: its "
			    "last line is missing");
		text = stop + sizeof(close) - 1;
		k = r->keys->module->public_pem(begin, (size_t)(text - begin),
		    why, sizeof(why));
		if (k == NULL)
			return fail(r, why);
		if (token_keys_add(r, k, NULL, NULL) == -1)
			return -1;
	}
	return 0;
}

/* Whether a member is absent or this text. */
static bool
absent_or(const struct json *j, int object, const char *name, const char *want)
{
	int	value = json_member(j, object, name);

	return value == -1 || json_equals(j, value, want);
}

/* Whether key_ops is absent or a list that holds "verify". */
static bool
may_verify(const struct json *j, int object)
{
	int	ops = json_member(j, object, "key_ops"), e;

	for (e = json_first(j, ops); e != -1; e = json_next(j, ops, e)) {
		if (json_equals(j, e, "verify"))
			return true;
	}
	return ops == -1;
}

/* Decodes a member in base64url.  Returns false if it has no bytes. */
static bool
token_keys_number(
    const struct json *j, int object, const char *name, struct buf *out)
{
	struct buf	text = BUF_INIT(KEY_FILE_MAX);
	bool		good;

	buf_clear(out);
	good = json_string(j, json_member(j, object, name), true,
	    &text) == 0 && base64url_decode(text.data, text.len, out) &&
	    out->len > 0;
	buf_free(&text);
	return good;
}

/* Makes a key from a JWK's numbers; NULL with the reason in `why'. */
static struct signature_key *
numbers(const struct token_keys *keys, const struct json *j, int object,
    bool is_rsa, char *why, size_t size)
{
	struct buf		 a = BUF_INIT(KEY_FILE_MAX);
	struct buf		 b = BUF_INIT(KEY_FILE_MAX);
	struct signature_key	*k = NULL;

	if (!token_keys_number(j, object, is_rsa ? "n" : "x", &a) ||
	    !token_keys_number(j, object, is_rsa ? "e" : "y", &b) ||
	    (!is_rsa && (a.len != HALF || b.len != HALF)))
		(void)snprintf(why, size, "its numbers (%s) are missing, or "
		    "not in base64url", is_rsa ? "n, e" : "x, y");
	else if (is_rsa)
		k = keys->module->rsa((unsigned char *)a.data, a.len,
		    (unsigned char *)b.data, b.len, why, size);
	else
		k = keys->module->ec((unsigned char *)a.data,
		    (unsigned char *)b.data, why, size);
	buf_free(&a);
	buf_free(&b);
	return k;
}

/*
 * Makes the public key of a JWK (RFC 7517 4, RFC 7518 6); NULL with the reason.
 */
static struct signature_key *
jwk(const struct token_keys *keys, const struct json *j, int object, char *why,
    size_t size)
{
	const int	kty = json_member(j, object, "kty");
	const bool	is_rsa = json_equals(j, kty, "RSA");
	const char	*bad = NULL;

	if (!is_rsa && !json_equals(j, kty, "EC"))
		bad = "its kty is neither RSA nor EC";
	else if (!absent_or(j, object, "use", "sig"))
		bad = "its use is not sig";
	else if (!may_verify(j, object))
		bad = "its key_ops do not allow verify";
	else if (!absent_or(j, object, "alg", is_rsa ? "RS256" : "ES256"))
		bad = is_rsa ? "its alg is not RS256" : "its alg is not ES256";
	else if (!is_rsa && !json_equals(j, json_member(j, object, "crv"),
	    "P-256"))
		bad = "its crv is not P-256";
	if (bad == NULL)
		return numbers(keys, j, object, is_rsa, why, size);
	(void)snprintf(why, size, "%s", bad);
	return NULL;
}

/* The member that a public key must not have; NULL: none. */
static const char *
private_part(const struct json *j, int object)
{
	static const char *const	parts[] = { "d", "p", "q", "dp", "dq",
					    "qi", "oth", "k" };
	size_t				i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (json_member(j, object, parts[i]) != -1)
			return parts[i];
	}
	return NULL;
}

/* Adds a JWK; one that cannot be used is added with the reason. */
static int
add_jwk(struct reading *r, const struct json *j, int object)
{
	struct buf		 id = BUF_INIT(KEY_ID_MAX);
	const int		 kid = json_member(j, object, "kid");
	const char		*part = private_part(j, object);
	struct signature_key	*k = NULL;
	char			 why[128];
	int			 rc;

	if (part != NULL) {
		(void)snprintf(why, sizeof(why), "this is a JWK with a private "
		    "or secret part (%s), which must not be here", part);
		return fail(r, why);
	}
	if (kid != -1 && (json_string(j, kid, true, &id) == -1 ||
	    id.len == 0 || memchr(id.data, '\0', id.len) != NULL))
		(void)snprintf(why, sizeof(why), "its kid is not a text of 1 "
		    "to %d bytes", KEY_ID_MAX);
	else
		k = jwk(r->keys, j, object, why, sizeof(why));
	rc = token_keys_add(r, k, kid == -1 || k == NULL ? NULL : id.data,
	    k == NULL ? why : NULL);
	buf_free(&id);
	return rc;
}

/*
 * Adds every JWK of a set; those for another use cannot be used (RFC 7517 5).
 */
static int
add_set(struct reading *r, const struct json *j, int set)
{
	int	e;

	if (json_type(j, set) != JSON_ARRAY)
		return fail(r,
		    "this is JSON, but its keys member is not a list");
	for (e = json_first(j, set); e != -1; e = json_next(j, set, e)) {
		if (json_type(j, e) != JSON_OBJECT)
			return fail(r, "this is JSON, but not all of its keys "
			    "are JWKs");
		if (add_jwk(r, j, e) == -1)
			return -1;
	}
	return 0;
}

static int
read_json(struct reading *r, const char *text, size_t len)
{
	struct token_keys	*keys = r->keys;
	const size_t		 first = keys->count, usable = keys->usable;
	struct json		 j = { 0 };
	char			 why[192];
	int			 kty, set, rc;

	if (json_parse(&j, text, len, JWK_DEPTH, KEY_FILE_TOKENS) == -1) {
		json_free(&j);
		return fail(r, errno == E2BIG ? "this is JSON with something "
		    "after the set of keys" : "this is invalid JSON");
	}
	set = json_member(&j, 0, "keys");
	kty = json_member(&j, 0, "kty");
	if ((set == -1) == (kty == -1))
		rc = fail(r, "this is JSON, but neither a JWK (kty) nor a set "
		    "of JWKs (keys)");
	else
		rc = set == -1 ? add_jwk(r, &j, 0) : add_set(r, &j, set);
	json_free(&j);
	if (rc == -1 || keys->usable > usable)
		return rc;
	(void)snprintf(why, sizeof(why), "there is no key for signatures in "
	    "this JWK%s: %s", set == -1 ? "" : " set", keys->count == first ?
	    "it is empty" : keys->key[first].why);
	return fail(r, why);
}

/*
 * Whether a file is named like a public key: it is no secret by its form then.
 */
static bool
named_as_key(const char *path)
{
	static const char *const	endings[] = { ".pem", ".pub", ".der",
					    ".crt", ".cer", ".cert", ".jwk",
					    ".jwks", ".json", ".p12", ".pfx",
					    ".p7b", ".asc" };
	size_t				i;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (ends_in(path, endings[i]))
			return true;
	}
	return false;
}

static int
read_secret(struct reading *r, const char *text, size_t len, bool declared)
{
	const char		*doubt;
	struct signature_key	*k;
	char			 why[256];

	if (len > SECRET_MAX)
		return fail(r, strerror(EFBIG));
	if (!declared && named_as_key(r->path))
		return fail(r, "the name is that of a public key, but the file "
		    "has none (declare a secret as hs256:FILE, or by a name "
		    "that ends in .secret)");
	if (!declared && (doubt = key_form_doubt(text, len)) != NULL) {
		(void)snprintf(why, sizeof(why), "this looks like %s, which "
		    "may contain a public key: if it is a secret, declare it "
		    "(hs256:FILE, or a name that ends in .secret)", doubt);
		return fail(r, why);
	}
	if ((k = r->keys->module->secret(text, len, why, sizeof(why))) == NULL)
		return fail(r, why);
	if (token_keys_add(r, k, NULL, NULL) == -1)
		return -1;
	r->keys->key[r->keys->count - 1].undeclared = !declared;
	return 0;
}

/*
 * Reads the content of a file by its form.  `declared' says that it is declared
 * to be a secret.
 */
static int
read_text(struct reading *r, const char *text, size_t len, bool declared)
{
	const enum key_form	 form = key_form(text, len, NULL);
	const char		*name;
	char			 why[192];

	if (form == KEY_FORM_SECRET)
		return read_secret(r, text, len, declared);
	if (!declared && form == KEY_FORM_PEM)
		return read_pem(r, text, len);
	if (!declared && form == KEY_FORM_JSON)
		return read_json(r, text, len);
	(void)key_form(text, len, &name);
	(void)snprintf(why, sizeof(why), "%sit looks like %s, which is %s",
	    declared ? "this is declared as a secret, but " :
	    "", name, declared ?
	    "never one" : "neither a public key in PEM or JWK nor a secret");
	return fail(r, why);
}

static int
read_file(struct token_keys *keys, const char *word, char *error, size_t size)
{
	const char	*path = settings_key_path(word);
	struct reading	 r = { keys, path, error, size };
	char		*text;
	size_t		 len;
	int		 rc;

	if ((text = file_read(path, KEY_FILE_MAX, true, &len)) == NULL)
		return fail(&r, errno == EPERM ?
		    "other users can read it (chmod 600)" : strerror(errno));
	rc = read_text(&r, text, len, path != word || ends_in(path, ".secret"));
	explicit_bzero(text, len);
	free(text);
	return rc;
}

int
token_keys_read(struct token_keys *keys, const char *files, char *error,
    size_t size)
{
	char	word[SETTING_MAX + 1];
	size_t	len, count = 0;

	memset(keys, 0, sizeof(*keys));
	keys->module = module_load("signature.so", "signature_module", error,
	    size);
	if (keys->module == NULL)
		return -1;
	for (; *files != '\0'; files += len) {
		files += strspn(files, " ");
		if ((len = strcspn(files, " ")) == 0)
			break;
		if (count++ == TOKEN_FILES) {
			(void)snprintf(error, size, "more than %d key files",
			    TOKEN_FILES);
			return -1;
		}
		(void)snprintf(word, sizeof(word), "%.*s", (int)len, files);
		if (read_file(keys, word, error, size) == -1)
			return -1;
	}
	if (keys->usable > 0)
		return 0;
	(void)snprintf(error, size, "no key file is given");
	return -1;
}

void
token_keys_free(struct token_keys *keys)
{
	size_t	i;

	for (i = 0; i < keys->count; i++) {
		if (keys->key[i].key != NULL)
			keys->module->release(keys->key[i].key);
		free(keys->key[i].file);
		free(keys->key[i].id);
		free(keys->key[i].why);
	}
	memset(keys, 0, sizeof(*keys));
}

/* The claims of a test token. */
static int
write_claims(struct buf *b, const struct settings *s, int64_t ticket,
    const char *user, int64_t expires)
{
	struct jsonw	w;

	jsonw_begin(&w, b);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "sub", user);
	jsonw_int(&w, "exp", expires);
	if (ticket != 0)
		jsonw_int(&w, s->text[SETTING_JWT_TICKET_CLAIM], ticket);
	if (*s->text[SETTING_JWT_ISSUER] != '\0')
		jsonw_text(&w, "iss", s->text[SETTING_JWT_ISSUER]);
	if (*s->text[SETTING_JWT_AUDIENCE] != '\0')
		jsonw_text(&w, "aud", s->text[SETTING_JWT_AUDIENCE]);
	return jsonw_end(&w, false);
}

/* The key that signs: a secret, or a private key; NULL: neither. */
static struct signature_key *
signing_key(const struct signature *module, const char *text, size_t len)
{
	char	error[128];

	switch (key_form(text, len, NULL)) {
	case KEY_FORM_SECRET:
		return module->secret(text, len, error, sizeof(error));
	case KEY_FORM_PEM:
		return module->private_pem(text, len, error, sizeof(error));
	case KEY_FORM_JSON:
	case KEY_FORM_OTHER:
	default:
		return NULL;
	}
}

int
token_make(const struct signature *module, const char *key, size_t key_len,
    const struct settings *s, int64_t ticket, const char *user,
    int64_t expires, struct buf *out)
{
	unsigned char	 mark[2048];	/* enough for the largest RSA key */
	struct signature_key *k;
	struct buf	 part = BUF_INIT(TOKEN_MAX);
	struct jsonw	 w;
	size_t		 len;
	int		 rc = -1;

	if ((k = signing_key(module, key, key_len)) == NULL)
		return -1;
	jsonw_begin(&w, &part);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "alg", k->algorithm);
	jsonw_text(&w, "typ", "JWT");
	if (jsonw_end(&w, false) == 0 &&
	    base64url_encode(out, (unsigned char *)part.data, part.len) == 0 &&
	    buf_puts(out, ".") == 0) {
		buf_clear(&part);
		if (write_claims(&part, s, ticket, user, expires) == 0 &&
		    base64url_encode(out, (unsigned char *)part.data,
		    part.len) == 0 &&
		    (len = module->sign(k, out->data, out->len, mark,
		    sizeof(mark))) > 0 &&
		    buf_puts(out, ".") == 0)
			rc = base64url_encode(out, mark, len);
	}
	module->release(k);
	buf_free(&part);
	return rc;
}
