/*
 * Who gets in.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "admission.h"
#include "limit.h"
#include "lock.h"
#include "log.h"
#include "origin.h"
#include "rate.h"

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

/* The value of a cookie (RFC 6265 4.2); NULL if it is not there. */
static const char *
cookie(const char *header, const char *name, size_t *len)
{
	size_t	n = strlen(name);

	if (header == NULL || n == 0)
		return NULL;
	for (; *header != '\0'; header += strcspn(header, ";")) {
		header += strspn(header, "; ");
		if (strncmp(header, name, n) == 0 && header[n] == '=') {
			*len = strcspn(header + n + 1, "; ");
			return header + n + 1;
		}
	}
	return NULL;
}

/* Checks a token and keeps it if it is good. */
static enum failure_code
check_token(struct admission *a, const char *text, size_t len, int64_t now)
{
	struct token	 t;
	const char	*bad;
	char		 error[512];

	if (a->keys.count == 0 && token_keys_read(&a->keys,
	    a->settings->text[SETTING_JWT_KEY_FILE], error,
	    sizeof(error)) == -1) {
		log_line(LOG_LEVEL_ERROR, "id=%s call=keys error=\"%s\"",
		    a->connection->id, error);
		token_keys_free(&a->keys);
		return FAILURE_INTERNAL;
	}
	bad = token_check(&a->keys, a->settings, text, len,
	    a->connection->ticket, now, &t);
	if (bad == NULL) {
		a->token = t;
		return FAILURE_NONE;
	}
	if (!a->quiet)
		log_line(LOG_LEVEL_WARNING, "id=%s remote=%s token=%s",
		    a->connection->id, a->connection->remote, bad);
	return FAILURE_UNAUTHORIZED;
}

static enum failure_code
authorize(struct admission *a, const struct request *r)
{
	const struct connection	*c = a->connection;
	const int64_t		 now = (int64_t)time(NULL);
	const char		*text;
	size_t			 len;

	if (r->token.len > 0)
		return check_token(a, r->token.data, r->token.len, now);
	if (a->token.expires != 0)
		return token_expired(&a->token, now) ? FAILURE_UNAUTHORIZED :
		    FAILURE_NONE;
	if ((text = bearer(c->authorization, &len)) != NULL ||
	    (text = cookie(c->cookie, a->settings->text[SETTING_JWT_COOKIE],
	    &len)) != NULL)
		return check_token(a, text, len, now);
	return FAILURE_UNAUTHORIZED;
}

/* FNV-1a: where in the file the bytes of an address are. */
static int64_t
region(const char *key)
{
	uint64_t	h = UINT64_C(0xcbf29ce484222325);

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	return (int64_t)(h >> 18) * VIEWERS_MAX;	/* within 63 bits */
}

/* What is wrong with the connection, whatever is said on it. */
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
 * Takes one of MAX_VIEWERS places of this address, held until the process
 * ends: a locked byte, so that the dead hold none.
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
	(void)take_place(a);	/* if not, each message says so */
}

struct failure
admission_check(struct admission *a, const struct request *r)
{
	const struct settings	*s = a->settings;
	enum failure_code	 code = connection_failure(a);
	struct failure		 f;

	if (code == FAILURE_NONE && s->number[SETTING_AUTH] == AUTH_REQUIRED)
		code = authorize(a, r);
	if (code == FAILURE_NONE)
		code = take_place(a);
	f = failure_make(code, NULL);
	if (code == FAILURE_RATE_LIMITED)
		f.retry_after = RETRY_AFTER_VIEWERS;
	return f;
}

struct failure
admission_charge(struct admission *a)
{
	const struct settings	*s = a->settings;
	struct failure		 f = failure_make(FAILURE_NONE, NULL);
	char			 key[sizeof(a->token.user) + 8], error[512];
	int64_t			 count, period;
	int			 wait;

	if (!rate_parse(s->text[SETTING_RATE_LIMIT], &count, &period) ||
	    count == 0)
		return f;
	if (a->token.user[0] != '\0') {
		(void)snprintf(key, sizeof(key), "user:%s", a->token.user);
	} else if (a->connection->websocketd) {
		memcpy(key, "ip:", 3);
		address_key(a->connection->remote, key + 3);
	} else {
		return f;
	}
	wait = rate_take(s, key, count, period, error, sizeof(error));
	if (wait > 0) {
		f.code = FAILURE_RATE_LIMITED;
		f.retry_after = wait;
	} else if (wait == -1) {
		log_line(LOG_LEVEL_ERROR, "id=%s call=rate error=\"%s\"",
		    a->connection->id, error);
		f.code = FAILURE_STORAGE;
	}
	return f;
}

const char *
admission_user(const struct admission *a)
{
	return a->token.user;
}

void
admission_free(struct admission *a)
{
	token_keys_free(&a->keys);
	if (a->viewer != -1)
		(void)close(a->viewer);
}
