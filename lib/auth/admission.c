/*
 * Decides who gets in.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "auth/admission.h"
#include "base/limit.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/origin.h"
#include "store/store.h"

/* The token of "Bearer TOKEN" (RFC 6750 2.1); NULL if there is none. */
static const char *
bearer(const char *header, size_t *len)
{
	if (header == NULL || strncasecmp(header, "bearer ", 7) != 0)
		return NULL;
	header += 7;
	header += strspn(header, " ");
	*len = strlen(header);
	return header;
}

/*
 * The value of the next cookie of a name (RFC 6265 4.2) at or behind *header,
 * without the quotes around it; NULL if there is none.  websocketd joins
 * several headers with a comma, which no cookie's value holds.
 */
static const char *
cookie(const char **header, const char *name, size_t *len)
{
	const size_t	 n = strlen(name);
	const char	*p = *header, *value = NULL;

	while (value == NULL && *p != '\0') {
		p += strspn(p, ";, \t");
		if (strncmp(p, name, n) == 0 && p[n] == '=')
			value = p + n + 1;
		p += strcspn(p, ";,");
	}
	*header = p;
	if (value == NULL)
		return NULL;
	*len = strcspn(value, ";, \t");
	if (*len >= 2 && value[0] == '"' && value[*len - 1] == '"') {
		value++;
		*len -= 2;
	}
	return value;
}

/*
 * Checks a token. If it is good, it is stored; else *bad says why it is not.
 */
static enum failure_code
check_token(struct admission *a, const char *text, size_t len, int64_t now,
    const char **bad)
{
	struct token	t;
	char		error[512];

	if (a->keys.count == 0 && token_keys_read(&a->keys,
	    a->settings->text[SETTING_JWT_KEY_FILE], error,
	    sizeof(error)) == -1) {
		log_line(LOG_LEVEL_ERROR, "id=%s call=keys error=\"%s\"",
		    a->connection->id, error);
		token_keys_free(&a->keys);
		return FAILURE_INTERNAL;
	}
	*bad = token_check(&a->keys, a->settings, text, len,
	    a->connection->ticket, now, &t);
	if (*bad != NULL)
		return FAILURE_UNAUTHORIZED;
	a->token = t;
	return FAILURE_NONE;
}

/* Tries the tokens of the connection: the header's, then each cookie's. */
static enum failure_code
check_headers(struct admission *a, int64_t now, const char **bad)
{
	const char		*name = a->settings->text[SETTING_JWT_COOKIE];
	const char		*cookies = a->connection->cookie, *text;
	enum failure_code	 code = FAILURE_UNAUTHORIZED;
	size_t			 len, tries;

	if ((text = bearer(a->connection->authorization, &len)) != NULL)
		code = check_token(a, text, len, now, bad);
	if (cookies == NULL || *name == '\0')
		return code;
	for (tries = 0; code == FAILURE_UNAUTHORIZED && tries < COOKIES_MAX &&
	    (text = cookie(&cookies, name, &len)) != NULL; tries++)
		code = check_token(a, text, len, now, bad);
	return code;
}

/*
 * Checks the tokens that concern a message.  A message's own token decides for
 * it.  Without one, each token of the connection is tried, and one good token
 * is enough: the last good one, until it expires, then those of the headers.
 */
static enum failure_code
authorize(struct admission *a, const struct request *r)
{
	const int64_t		 now = (int64_t)time(NULL);
	const char		*bad = NULL;
	enum failure_code	 code;

	if (r->token.len > 0)
		code = check_token(a, r->token.data, r->token.len, now, &bad);
	else if (a->token.expires != 0 && !token_expired(&a->token, now))
		code = FAILURE_NONE;
	else
		code = check_headers(a, now, &bad);
	if (code == FAILURE_UNAUTHORIZED && bad != NULL && !a->quiet)
		log_line(LOG_LEVEL_WARNING, "id=%s remote=%s token=%s",
		    a->connection->id, a->connection->remote, bad);
	return code;
}

/* The offset of an address' bytes in the file, by FNV-1a. */
static int64_t
region(const char *key)
{
	uint64_t	h = UINT64_C(0xcbf29ce484222325);

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	return (int64_t)(h >> 18) * VIEWERS_MAX;	/* within 63 bits */
}

/* What is wrong with the connection for any message. */
static enum failure_code
connection_failure(const struct admission *a)
{
	if (a->connection->ticket == 0)
		return FAILURE_BAD_TICKET_ID;
	if (!origin_allowed(a->settings->text[SETTING_ALLOWED_ORIGINS],
	    a->connection->origin))
		return FAILURE_FORBIDDEN_ORIGIN;
	return FAILURE_NONE;
}

bool
admission_is_hopeless(const struct admission *a)
{
	return connection_failure(a) != FAILURE_NONE;
}

bool
admission_has_place(const struct admission *a)
{
	return a->viewer != -1 || !a->connection->websocketd ||
	    a->settings->number[SETTING_MAX_VIEWERS] == 0;
}

/*
 * Takes one of the MAX_VIEWERS places of this address.  It is a locked byte of
 * a file, so that the place is free when the process ends.
 */
static enum failure_code
take_place(struct admission *a)
{
	const int64_t	max = a->settings->number[SETTING_MAX_VIEWERS];
	char		key[ADDRESS_MAX];
	int64_t		first, i;
	int		fd;

	if (admission_has_place(a))
		return FAILURE_NONE;
	if ((fd = lock_open(a->settings->text[SETTING_RUN_DIR],
	    "viewers")) == -1)
		return FAILURE_INTERNAL;
	address_key(a->connection->remote, key);
	first = region(key);
	for (i = 0; i < max; i++) {
		if (lock_try(fd, first + i) == 1) {
			a->viewer = fd;
			return FAILURE_NONE;
		}
	}
	(void)close(fd);
	return FAILURE_RATE_LIMITED;
}

void
admission_init(struct admission *a, const struct settings *s,
    const struct connection *c)
{
	memset(a, 0, sizeof(*a));
	a->settings = s;
	a->connection = c;
	a->viewer = -1;
	(void)take_place(a);	/* without a place each message is refused */
}

/* Takes a place for whoever has none, if nothing is wrong so far. */
static struct failure
admit(struct admission *a, enum failure_code code)
{
	struct failure	f;

	if (code == FAILURE_NONE)
		code = take_place(a);
	f = failure_make(code, NULL);
	if (code == FAILURE_RATE_LIMITED)
		f.retry_after = RETRY_AFTER_VIEWERS;
	return f;
}

struct failure
admission_enter(struct admission *a)
{
	return admit(a, connection_failure(a));
}

struct failure
admission_check(struct admission *a, const struct request *r)
{
	enum failure_code	code = connection_failure(a);

	if (code == FAILURE_NONE &&
	    a->settings->number[SETTING_AUTH] == AUTH_REQUIRED)
		code = authorize(a, r);
	return admit(a, code);
}

void
admission_who(const struct admission *a, const char *user,
    char who[ADMISSION_WHO])
{
	_Static_assert(ADMISSION_WHO >= 3 + ADDRESS_MAX, "an address fits");

	who[0] = '\0';
	if (*user != '\0') {
		(void)snprintf(who, ADMISSION_WHO, STORE_USER "%s", user);
	} else if (a->connection->websocketd) {
		memcpy(who, "ip:", 3);
		address_key(a->connection->remote, who + 3);
	}
}

void
admission_note(const struct admission *a, struct request *r)
{
	memcpy(r->user, a->token.user, sizeof(r->user));
	r->tickets = a->token.expires != 0 ? !a->token.tied :
	    !a->connection->websocketd;
}

void
admission_free(struct admission *a)
{
	token_keys_free(&a->keys);
	if (a->viewer != -1)
		(void)close(a->viewer);
}
