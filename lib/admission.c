/*
 * Who gets in.
 */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "admission.h"
#include "log.h"
#include "origin.h"

void
admission_init(struct admission *a, const struct settings *s,
    const struct connection *c)
{
	memset(a, 0, sizeof(*a));
	a->settings = s;
	a->connection = c;
}

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

struct failure
admission_check(struct admission *a, const struct request *r)
{
	const struct settings	*s = a->settings;
	enum failure_code	 code = FAILURE_NONE;

	if (a->connection->ticket == 0)
		code = FAILURE_BAD_TICKET_ID;
	else if (!origin_allowed(s->text[SETTING_ALLOWED_ORIGINS],
	    a->connection->origin))
		code = FAILURE_FORBIDDEN_ORIGIN;
	else if (s->number[SETTING_AUTH] == AUTH_REQUIRED)
		code = authorize(a, r);
	return failure_make(code, NULL);
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
}
