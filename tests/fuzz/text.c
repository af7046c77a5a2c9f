/*
 * Fuzzes the short texts of the environment: the path's number, origins,
 * addresses, the server's URL, languages, rates.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "connection.h"
#include "fuzz.h"
#include "language.h"
#include "origin.h"
#include "rate.h"
#include "url.h"

static void
try_number(const char *s)
{
	char	again[24];
	int64_t	n = connection_number(s);

	if (n == 0)
		return;
	(void)snprintf(again, sizeof(again), "%" PRId64, n);
	must(n > 0 && strcmp(again, s) == 0);
}

static void
try_address(const char *s)
{
	char	out[ADDRESS_MAX], key[ADDRESS_MAX];

	address_client("127.0.0.1 10.0.0.0/8 ::1", "127.0.0.1", s, out);
	must(strlen(out) < ADDRESS_MAX);
	address_key(out, key);
	must(strlen(key) < ADDRESS_MAX);
	if (address_list_valid(s))
		(void)address_in(s, "192.0.2.1");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char	list[] = "http://localhost:* https://a.example";
	char			*s;
	int64_t			 count, period;
	size_t			 len;

	must((s = malloc(size + 1)) != NULL);
	memcpy(s, data, size);
	s[size] = '\0';
	try_number(s);
	try_address(s);
	if (origin_allowed(list, s) && *s != '\0')
		must(strncasecmp(s, "http", 4) == 0);
	if (origin_list_valid(s))
		(void)origin_allowed(s, "https://a.example:8443");
	if (url_valid(s)) {
		(void)url_split(s, &len);
		must(len > 0 && len <= strlen(s));
	}
	must(language_of(s) <= LANGUAGE__MAX);
	if (rate_parse(s, &count, &period))
		must(count == 0 || period / count > 0);
	free(s);
	return 0;
}
