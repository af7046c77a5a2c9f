/*
 * lib/base/address: which lists and addresses are valid, which part of
 * X-Forwarded-For is trusted, and the key of a household.
 */
#include "base/address.h"
#include "t.h"

static void
lists(void)
{
	static const struct {
		const char	*list;
		bool		 want;
	} rows[] = {
		{ "", true }, { "  ", true }, { "127.0.0.1", true },
		{ " 10.0.0.0/8  ::1 fd00::/8 ", true }, { "0.0.0.0/0", true },
		{ "1.2.3.4/32", true }, { "::/0", true }, { "::1/128", true },
		{ "[::1]", true }, { "::ffff:1.2.3.4", true },
		{ "1.2.3.4/33", false }, { "::1/129", false },
		{ "1.2.3.4/", false }, { "1.2.3.4/x", false },
		{ "1.2.3.4/-1", false }, { "1.2.3.4/8x", false },
		{ "1.2.3", false }, { "1.2.3.4.5", false },
		{ "1.2.3.256", false }, { "localhost", false },
		{ "1.2.3.4,5.6.7.8", false }, { "/8", false }, { "*", false },
		{ ":::", false }, { "fe80::1%eth0", false },
		{ "1.2.3.4:80", false }, { "1.2.3.4 x", false },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].list);
		check_int(address_list_valid(rows[i].list), rows[i].want);
	}
}

static void
members(void)
{
	static const struct {
		const char	*list, *address;
		bool		 want;
	} rows[] = {
		{ "", "127.0.0.1", false }, { "127.0.0.1", "127.0.0.1", true },
		{ "127.0.0.1", "127.0.0.2", false },
		{ "10.0.0.0/8", "10.255.1.2", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.1.2.3/8", "10.9.9.9", true },
		{ "192.168.4.0/22", "192.168.7.255", true },
		{ "192.168.4.0/22", "192.168.8.0", false },
		{ "192.168.4.0/31", "192.168.4.1", true },
		{ "192.168.4.0/31", "192.168.4.2", false },
		{ "0.0.0.0/0", "1.2.3.4", true },
		{ "0.0.0.0/0", "::1", false }, { "::/0", "::1", true },
		{ "::/0", "1.2.3.4", true },
		{ "1.2.3.4", "::ffff:1.2.3.4", true },
		{ "::ffff:1.2.3.4", "1.2.3.4", true },
		{ "fd00::/8", "fd12:3456::1", true },
		{ "fd00::/8", "fe00::1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::1", "[::1]", true }, { "x ::1", "::1", true },
		{ "10.0.0.1 10.0.0.2", "10.0.0.2", true },
		{ "0.0.0.0/0", "x", false }, { "::/0", "", false },
		{ "::/0", "-", false },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s in %s", rows[i].address, rows[i].list);
		check_int(address_in(rows[i].list, rows[i].address),
		    rows[i].want);
	}
}

static void
clients(void)
{
	static const struct {
		const char	*trusted, *peer, *forwarded, *want;
	} rows[] = {
		{ "", "9.9.9.9", NULL, "9.9.9.9" },
		{ "", "9.9.9.9", "1.1.1.1", "9.9.9.9" },
		{ "10.0.0.0/8", "10.0.0.1", NULL, "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.1", "", "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.1", "1.1.1.1", "1.1.1.1" },
		{ "10.0.0.0/8", "9.9.9.9", "1.1.1.1", "9.9.9.9" },
		{ "10.0.0.0/8", "10.0.0.1", "1.1.1.1, 2.2.2.2", "2.2.2.2" },
		{ "10.0.0.0/8", "10.0.0.1", "1.1.1.1,2.2.2.2", "2.2.2.2" },
		{ "10.0.0.0/8", "10.0.0.1", "1.1.1.1, 2.2.2.2, 10.0.0.2",
		    "2.2.2.2" },
		{ "10.0.0.0/8", "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3" },
		{ "10.0.0.0/8", "10.0.0.1", "1.1.1.1 ,\t2.2.2.2 , 10.0.0.2 ",
		    "2.2.2.2" },
		/* The client itself may have written what stands left of the
		   true address. */
		{ "10.0.0.0/8", "10.0.0.1", "127.0.0.1, 6.6.6.6", "6.6.6.6" },
		{ "10.0.0.0/8", "10.0.0.1", "x, 6.6.6.6", "6.6.6.6" },
		{ "10.0.0.0/8", "10.0.0.1", "1.1.1.1, x", "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.1", "1.1.1.1, x, 10.0.0.2",
		    "10.0.0.2" },
		{ "10.0.0.0/8", "10.0.0.1", "1.1.1.1,", "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.1", ",,", "10.0.0.1" },
		{ "::1", "::1", "2001:db8::1", "2001:db8::1" },
		{ "::1", "::1", "1.1.1.1, [2001:db8::1]", "[2001:db8::1]" },
		/* Some proxies add the port, and quotes. */
		{ "::1", "::1", "203.0.113.7:51234", "203.0.113.7" },
		{ "::1", "::1", "[2001:db8::7]:443", "[2001:db8::7]" },
		{ "::1", "::1", "\"203.0.113.7\"", "203.0.113.7" },
		{ "::1", "::1", " \"203.0.113.7:1\" ", "203.0.113.7" },
		{ "::1", "::1", "\"[2001:db8::7]:65535\"", "[2001:db8::7]" },
		{ "::1", "::1", "\"2001:db8::7\"", "2001:db8::7" },
		/* Without brackets, the port would be part of the address. */
		{ "::1", "::1", "2001:db8::7:443", "2001:db8::7:443" },
		{ "10.0.0.0/8", "10.0.0.1", "1.1.1.1:80, 2.2.2.2:81 , "
		    "10.0.0.2:82", "2.2.2.2" },
		{ "fd00::/8", "fd00::1", "1.1.1.1, [fd00::2]:9, \"[fd00::3]\"",
		    "1.1.1.1" },
		{ "::1", "::1", "203.0.113.7:", "::1" },
		{ "::1", "::1", "203.0.113.7:x", "::1" },
		{ "::1", "::1", "203.0.113.7:123456", "::1" },
		{ "::1", "::1", "203.0.113.7:1:2", "::1" },
		{ "::1", "::1", ":80", "::1" }, { "::1", "::1", "\"", "::1" },
		{ "::1", "::1", "\"203.0.113.7", "::1" },
		{ "::1", "::1", "\"\"", "::1" }, { "::1", "::1", "]:1", "::1" },
		{ "::1", "::1", "203.0.113.7:80 x", "::1" },
	};
	char	out[ADDRESS_MAX], long_one[300];
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s from %s, %s trusted", rows[i].forwarded == NULL ?
		    "NULL" : rows[i].forwarded, rows[i].peer,
		    rows[i].trusted);
		address_client(rows[i].trusted, rows[i].peer,
		    rows[i].forwarded, out);
		check_str(out, rows[i].want);
	}
	row("longer than any address");
	memset(long_one, '1', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	address_client("::/0", "10.0.0.1", long_one, out);
	check_str(out, "10.0.0.1");
	address_client("::/0", long_one, NULL, out);
	check_int(strlen(out), ADDRESS_MAX - 1);
}

static void
keys(void)
{
	static const struct {
		const char	*address, *want;
	} rows[] = {
		{ "1.2.3.4", "1.2.3.4" }, { "::ffff:1.2.3.4", "1.2.3.4" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
		{ "[2001:db8:1:2::9]", "2001:db8:1:2::/64" },
		{ "::1", "::/64" }, { "-", "-" }, { "x", "x" }, { "", "" },
	};
	char	out[ADDRESS_MAX];
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].address);
		address_key(rows[i].address, out);
		check_str(out, rows[i].want);
	}
}

int
main(void)
{
	t_begin();
	run(lists);
	run(members);
	run(clients);
	run(keys);
	return t_end();
}
