/*
 * Fuzzes the short texts of the environment: first the input's lines as what
 * websocketd says about a connection (path, origin, X-Forwarded-For, cookie,
 * Authorization, Accept-Language), then the whole input as each text that a
 * setting or a log line may be.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth/admission.h"
#include "base/address.h"
#include "base/language.h"
#include "base/log.h"
#include "base/origin.h"
#include "base/rate.h"
#include "base/url.h"
#include "fuzz.h"

/* Sets a variable to each line; unsets those without a line. */
static void
set_environment(const char *s)
{
	static const char *const	names[] = { "PATH_INFO", "HTTP_ORIGIN",
					    "HTTP_X_FORWARDED_FOR",
					    "HTTP_COOKIE", "HTTP_AUTHORIZATION",
					    "HTTP_ACCEPT_LANGUAGE" };
	char				*copy = strdup(s), *rest = copy, *line;
	size_t				 i;

	must(copy != NULL);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((line = strsep(&rest, "\n")) != NULL)
			must(setenv(names[i], line, 1) == 0);
		else
			must(unsetenv(names[i]) == 0);
	}
	free(copy);
}

/*
 * The ticket is the number in the path, after a slash or after the service's
 * path; the address is a valid one.
 */
static void
try_connection(const struct settings *s, struct connection *c)
{
	const char	*path = getenv("PATH_INFO"), *number;
	char		 again[24], key[ADDRESS_MAX];

	connection_read(c, s);
	(void)snprintf(again, sizeof(again), "%" PRId64, c->ticket);
	must(c->ticket >= 0);
	if (c->ticket != 0) {
		number = strrchr(path, '/') + 1;
		must(strcmp(number, again) == 0);
		must(number == path + 1 ||
		    (number == path + strlen(CONNECTION_PATH) &&
		    strncmp(path, CONNECTION_PATH, strlen(CONNECTION_PATH)) ==
		    0));
	}
	must(c->remote[0] != '\0' && address_list_valid(c->remote));
	address_key(c->remote, key);
	must(strlen(key) < ADDRESS_MAX);
	must(c->language < LANGUAGE__MAX);
}

/*
 * Without a valid key nobody is admitted; ticket and origin are checked first.
 */
static void
try_admission(const struct settings *s, const struct connection *c)
{
	struct admission	a;
	struct request		r = { .type = REQUEST_ASK };
	enum failure_code	code;

	admission_init(&a, s, c);
	code = admission_check(&a, &r).code;
	if (c->ticket == 0)
		must(code == FAILURE_BAD_TICKET_ID);
	else if (c->origin != NULL && *c->origin != '\0' &&
	    strncasecmp(c->origin, "http://localhost", 16) != 0)
		must(code == FAILURE_FORBIDDEN_ORIGIN);
	else
		must(code == FAILURE_FORBIDDEN_ORIGIN ||
		    code == FAILURE_UNAUTHORIZED || code == FAILURE_INTERNAL);
	admission_free(&a);
}

/* Checks a text as a setting. */
static void
try_setting(const char *s)
{
	const bool	addresses = url_valid(s);
	struct url	u;
	int64_t		count, period;

	if (address_list_valid(s))
		(void)address_in(s, "192.0.2.1");
	if (origin_list_valid(s))
		(void)origin_allowed(s, "https://a.example:8443");
	must(language_of(s) <= LANGUAGE__MAX);
	if (rate_parse(s, &count, &period))
		must(count == 0 || period / count > 0);
	while (url_next(&s, &u))
		must(!addresses || (u.base > 0 && u.base <= u.len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings	settings;
	struct connection	c;
	char			value[64], *s;

	if (settings.text[0] == NULL) {
		log_open("fuzz", "/dev/null");
		must(setenv("REMOTE_ADDR", "127.0.0.1", 1) == 0 &&
		    setenv("TICKETCHAT_TRUSTED_PROXIES",
		    "127.0.0.1 10.0.0.0/8 ::1", 1) == 0 &&
		    setenv("TICKETCHAT_AUTH", "required", 1) == 0 &&
		    setenv("TICKETCHAT_JWT_KEY_FILE", "/dev/null", 1) == 0 &&
		    setenv("TICKETCHAT_JWT_COOKIE", "token", 1) == 0 &&
		    setenv("TICKETCHAT_ALLOWED_ORIGINS",
		    "http://localhost:*", 1) == 0);
		must(settings_load(&settings, NULL, 0) == 0);
	}
	must((s = malloc(size + 1)) != NULL);
	memcpy(s, data, size);
	s[size] = '\0';
	set_environment(s);
	try_connection(&settings, &c);
	try_admission(&settings, &c);
	try_setting(s);
	must(strlen(log_value(value, sizeof(value), s)) < sizeof(value) &&
	    strpbrk(value, "\"\\") == NULL);
	free(s);
	return 0;
}
