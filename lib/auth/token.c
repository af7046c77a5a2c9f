/*
 * Checking tokens.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auth/token.h"
#include "base/base64url.h"
#include "base/limit.h"
#include "json/json.h"

enum {
	LEEWAY = 60,		/* seconds: clocks differ */
	CLAIMS_DEPTH = 8,
	/* jsmn's: each takes two bytes of the JSON behind the base64, so that
	 * every token of TOKEN_MAX bytes is read. */
	CLAIMS_TOKENS = TOKEN_MAX * 3 / 4 / 2
};

bool
token_expired(const struct token *t, int64_t now)
{
	return now >= t->expires + LEEWAY;
}

/* Whether a key made the mark, and the header names its algorithm. */
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
 * Whether one of the keys made the mark: one that `kid' names, of which there
 * may be several, or any where it names none of ours.
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

/* Whether `iss' is what the setting asks for: one text (RFC 7519 4.1.1). */
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
 * Whether the claim that ties a token to a ticket is absent or this ticket, as
 * a number or a text.
 */
static bool
ticket_is(const struct json *j, const char *claim, int64_t ticket)
{
	int	tid = json_member(j, 0, claim);
	char	text[24];

	if (tid == -1 || strcmp(claim, "none") == 0)
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
	else if (!ticket_is(j, s->text[SETTING_JWT_TICKET_CLAIM], ticket))
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
	/* An extension that we must understand: we know none. */
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
