/*
 * Making tokens, for tests.
 */
#include "auth/key_form.h"
#include "auth/token.h"
#include "base/base64url.h"
#include "base/limit.h"
#include "json/jsonw.h"

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

/* The key of a text: a secret, or a private one; NULL: neither. */
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
	unsigned char	 mark[2048];	/* of the largest RSA key */
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
