/*
 * lib/base/hex: bytes as digits, and what is none.
 */
#include "base/hex.h"
#include "t.h"

static void
writes(void)
{
	static const unsigned char	bytes[] = { 0, 9, 10, 127, 128, 255 };
	char				digits[13] = "------------";

	hex_write(bytes, 0, digits);
	check_str(digits, "------------");
	hex_write(bytes, 1, digits);
	check_str(digits, "00");
	hex_write(bytes, sizeof(bytes), digits);
	check_str(digits, "00090a7f80ff");
}

static void
knows_digits(void)
{
	check(hex_is("", 0) && hex_is("0", 1) && hex_is("09af", 4));
	check(!hex_is("09af", 3) && !hex_is("09af", 5) && !hex_is("", 1));
	check(!hex_is("09aF", 4) && !hex_is("09ag", 4) && !hex_is("-9af", 4));
	check(!hex_is("9af ", 4) && !hex_is("\xd9\xa1", 2));
}

int
main(void)
{
	t_begin();
	run(writes);
	run(knows_digits);
	return t_end();
}
