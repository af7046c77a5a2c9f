/*
 * Fuzzes JWTs.  The signature module is replaced by one that accepts every
 * signature, so that the claims are reached; an accepted JWT must not have
 * expired.
 */
#include <string.h>

#include "auth/token.h"
#include "fuzz.h"

static bool
verify(const struct signature_key *key, const char *text, size_t len,
    const unsigned char *mark, size_t mark_len)
{
	(void)key;
	(void)mark;
	(void)mark_len;
	must(memchr(text, '.', len) != NULL);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct signature	module = { .verify = verify };
	static struct signature_key	hs256 = { .algorithm = "HS256" };
	static struct settings		s;
	static char			id[] = "key";
	struct token_keys		keys = { .module = &module, .count = 1,
		.usable = 1, .key[0] = { .key = &hs256, .id = id } };
	struct token			t;
	const char			*bad;

	if (s.text[0] == NULL)
		must(settings_load(&s, NULL, 0) == 0);
	bad = token_check(&keys, &s, (const char *)data, size, 42,
	    1795000000, &t);
	if (bad == NULL) {
		must(t.expires > 1795000000 - 61);
		must(!token_expired(&t, 1795000000));
		must(memchr(t.user, '\0', sizeof(t.user)) != NULL);
	} else {
		must(t.expires == 0);
	}
	return 0;
}
