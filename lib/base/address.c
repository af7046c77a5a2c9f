/*
 * Parses and compares addresses.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/number.h"

/* An address as 16 bytes; IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
struct address {
	unsigned char	byte[16];
};

static const unsigned char	mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
				    0xff, 0xff };

/*
 * Reads an address of len bytes, which may be in brackets.  Returns false if
 * the text is not an address.
 */
static bool
address_parse(const char *text, size_t len, struct address *a)
{
	char	s[ADDRESS_MAX];

	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= sizeof(s))
		return false;
	memcpy(s, text, len);
	s[len] = '\0';
	if (inet_pton(AF_INET6, s, a->byte) == 1)
		return true;
	memcpy(a->byte, mapped, sizeof(mapped));
	return inet_pton(AF_INET, s, a->byte + 12) == 1;
}

/* Reads a network.  *bits counts from the first of the 16 bytes. */
static bool
address_network(const char *text, size_t len, struct address *a, unsigned *bits)
{
	const char	*slash = memchr(text, '/', len);
	int64_t		 n;
	bool		 v4;

	*bits = 128;
	if (!address_parse(
		text, slash == NULL ? len : (size_t)(slash - text), a))
		return false;
	if (slash == NULL)
		return true;
	v4 = memchr(text, ':', len) == NULL;
	if (!number_read(slash + 1, (size_t)(text + len - slash - 1),
	    v4 ? 32 : 128, &n))
		return false;
	*bits = (unsigned)n + (v4 ? 96 : 0);
	return true;
}

static bool
within(const struct address *a, const struct address *network, unsigned bits)
{
	unsigned	rest = bits % 8, mask = 0xff00U >> rest & 0xff;

	return memcmp(a->byte, network->byte, bits / 8) == 0 && (rest == 0 ||
	    ((a->byte[bits / 8] ^ network->byte[bits / 8]) & mask) == 0);
}

bool
address_list_valid(const char *list)
{
	struct address	a;
	unsigned	bits;
	size_t		len;

	for (; *list != '\0'; list += len) {
		list += strspn(list, " ");
		len = strcspn(list, " ");
		if (len > 0 && !address_network(list, len, &a, &bits))
			return false;
	}
	return true;
}

bool
address_in(const char *list, const char *address)
{
	struct address	a, network;
	unsigned	bits;
	size_t		len;

	if (!address_parse(address, strlen(address), &a))
		return false;
	for (; *list != '\0'; list += len) {
		list += strspn(list, " ");
		len = strcspn(list, " ");
		if (len > 0 && address_network(list, len, &network, &bits) &&
		    within(&a, &network, bits))
			return true;
	}
	return false;
}

/*
 * Strips what X-Forwarded-For may have around an address: white space, quotes,
 * and a port after an IPv4 address or after brackets.
 */
static void
address_bare(const char **from, size_t *len)
{
	const char	*p = *from, *end = p + *len, *colon;

	for (; p < end && strchr(" \t", *p) != NULL; p++)
		;
	for (; end > p && strchr(" \t", end[-1]) != NULL; end--)
		;
	if (end - p >= 2 && *p == '"' && end[-1] == '"') {
		p++;
		end--;
	}
	colon = memrchr(p, ':', (size_t)(end - p));
	if (colon != NULL && (memchr(p, ':', (size_t)(colon - p)) == NULL ||
	    colon[-1] == ']') && end - colon > 1 && end - colon <= 6 &&
	    strspn(colon + 1, "0123456789") >= (size_t)(end - colon) - 1)
		end = colon;
	*from = p;
	*len = (size_t)(end - p);
}

void
address_client(const char *trusted, const char *peer, const char *forwarded,
    char *out)
{
	const char	*start, *end, *from;
	struct address	 a;
	size_t		 len;

	(void)snprintf(out, ADDRESS_MAX, "%s", peer);
	if (forwarded == NULL)
		return;
	/* From right to left: each proxy that we trust names the address before
	   it. */
	for (end = forwarded + strlen(forwarded); address_in(trusted, out) &&
	    end > forwarded; end = start > forwarded ? start - 1 : start) {
		for (start = end; start > forwarded && start[-1] != ',';
		    start--)
			;
		from = start;
		len = (size_t)(end - start);
		address_bare(&from, &len);
		if (!address_parse(from, len, &a))
			return;
		(void)snprintf(out, ADDRESS_MAX, "%.*s", (int)len, from);
	}
}

void
address_key(const char *address, char *out)
{
	struct address	a;
	char		text[INET6_ADDRSTRLEN];

	if (!address_parse(address, strlen(address), &a)) {
		(void)snprintf(out, ADDRESS_MAX, "%s", address);
	} else if (memcmp(a.byte, mapped, sizeof(mapped)) == 0) {
		(void)inet_ntop(AF_INET, a.byte + 12, text, sizeof(text));
		(void)snprintf(out, ADDRESS_MAX, "%s", text);
	} else {
		memset(a.byte + 8, 0, 8);
		(void)inet_ntop(AF_INET6, a.byte, text, sizeof(text));
		(void)snprintf(out, ADDRESS_MAX, "%s/64", text);
	}
}
