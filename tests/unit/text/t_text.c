/*
 * lib/text/text and lib/text/siphash: the test vectors of the reference
 * implementation, what the same-text form makes equal, and what it must not.
 */
#include "t.h"
#include "text/siphash.h"
#include "text/text.h"

static const unsigned char	secret[TEXT_SECRET] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
};

/* SipHash-2-4-128 of the bytes 0, 1, 2, ...  with the key 0, 1, ...  15, by the
   number of bytes: the vectors of the reference implementation. */
static const char *const	vector[] = {
	"a3817f04ba25a8e66df67214c7550293",
	"da87c1d86b99af44347659119b22fc45",
	"8177228da4a45dc7fca38bdef60affe4",
	"9c70b60c5267a94e5f33b6b02985ed51",
	"f88164c12d9c8faf7d0f6e7c7bcd5579",
	"1368875980776f8854527a07690e9627",
	"14eeca338b208613485ea0308fd7a15e",
	"a1f1ebbed8dbc153c0b84aa61ff08239",
	"3b62a9ba6258f5610f83e264f31497b4",
	"264499060ad9baabc47f8b02bb6d71ed",
	"00110dc378146956c95447d3f3d0fbba",
	"0151c568386b6677a2b4dc6f81e5dc18",
	"d626b266905ef35882634df68532c125",
	"9869e247e9c08b10d029934fc4b952f7",
	"31fcefac66d7de9c7ec7485fe4494902",
	"5493e99933b0a8117e08ec0f97cfc3d9",
	"6ee2a4ca67b054bbfd3315bf85230577",
	"473d06e8738db89854c066c47ae47740",
	"a426e5e423bf4885294da481feaef723",
	"78017731cf65fab074d5208952512eb1",
	"9e25fc833f2290733e9344a5e83839eb",
	"568e495abe525a218a2214cd3e071d12",
	"4a29b54552d16b9a469c10528eff0aae",
	"c9d184ddd5a9f5e0cf8ce29a9abf691c",
	"2db479ae78bd50d8882a8a178a6132ad",
	"8ece5f042d5e447b5051b9eacb8d8f6f",
	"9c0b53b4b3c307e87eaee08678141f66",
	"abf248af69a6eae4bfd3eb2f129eeb94",
	"0664da1668574b88b935f3027358aef4",
	"aa4b9dc4bf337de90cd4fd3c467c6ab7",
	"ea5c7f471faf6bde2b1ad7d4686d2287",
	"2939b0183223fafc1723de4f52c43d35",
	"7c3956ca5eeafc3e363e9d556546eb68",
	"77c6077146f01c32b6b69d5f4ea9ffcf",
	"37a6986cb8847edf0925f0f1309b54de",
	"a705f0e69da9a8f907241a2e923c8cc8",
	"3dc47d1f29c448461e9e76ed904f6711",
	"0d62bf01e6fc0e1a0d3c4751c5d3692b",
	"8c03468bca7c669ee4fd5e084bbee7b5",
	"528a5bb93baf2c9c4473cce5d0d22bd9",
	"df6a301e95c95dad97ae0cc8c6913bd8",
	"801189902c857f39e73591285e70b6db",
	"e617346ac9c231bb3650ae34ccca0c5b",
	"27d93437efb721aa401821dcec5adf89",
	"89237d9ded9c5e78d8b1c9b166cc7342",
	"4a6d8091bf5e7d651189fa94a250b14c",
	"0e33f96055e7ae893ffc0e3dcf492902",
	"e61c432b720b19d18ec8d84bdc63151b",
	"f7e5aef549f782cf379055a608269b16",
	"438d030fd0b7a54fa837f2ad201a6403",
	"a590d3ee4fbf04e3247e0d27f286423f",
	"5fe2c1a172fe93c4b15cd37caef9f538",
	"2c97325cbd06b36eb2133dd08b3a017c",
	"92c814227a6bca949ff0659f002ad39e",
	"dce850110bd8328cfbd50841d6911d87",
	"67f14984c7da791248e32bb5922583da",
	"1938f2cf72d54ee97e94166fa91d2a36",
	"74481e9646ed49fe0f6224301604698e",
	"57fca5de98a9d6d8006438d0583d8a1d",
	"9fecde1cefdc1cbed4763674d9575359",
	"e3040c00eb28f15366ca73cbd872e740",
	"7697009a6a831dfecca91c5993670f7a",
	"5853542321f567a005d547a4f04759bd",
	"5150d1772f50834a503e069a973fbd7c",
};

/* Checks the vectors above. */
static void
vectors(void)
{
	unsigned char			data[64], out[SIPHASH_128];
	char				text[33];
	size_t				i, k;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)i;
	for (i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		row("%zu bytes", i);
		siphash_128(secret, data, i, out);
		for (k = 0; k < sizeof(out); k++)
			(void)snprintf(text + 2 * k, 3, "%02x", out[k]);
		check_str(text, vector[i]);
	}
}

static const struct {
	const char	*text, *form;
} forms[] = {
	{ "", "" },
	{ "a", "a" },
	/* Line ends. */
	{ "a\r\nb", "a\nb" }, { "a\rb", "a\nb" }, { "a\nb", "a\nb" },
	{ "a\r\n\r\nb", "a\n\nb" }, { "a\r\rb", "a\n\nb" },
	{ "a\n\rb", "a\n\nb" }, { "a\r\r\nb", "a\n\nb" },
	{ "a\n", "a" }, { "a\r\n", "a" }, { "a\r", "a" },
	{ "a\n\n\n", "a" }, { "\r\n\na", "a" },
	/* A byte order mark, once and only at the beginning. */
	{ "\xef\xbb\xbf" "a", "a" }, { "\xef\xbb\xbf\r\n a", "a" },
	{ "\xef\xbb\xbf\xef\xbb\xbf" "a", "\xef\xbb\xbf" "a" },
	{ " \xef\xbb\xbf" "a", "\xef\xbb\xbf" "a" },
	{ "a\xef\xbb\xbf", "a\xef\xbb\xbf" },
	/* Blanks. */
	{ "a\xc2\xa0" "b", "a b" }, { "a\xc2\xa0\xc2\xa0" "b", "a  b" },
	{ "a\xc2\xa0\nb", "a\nb" }, { "\xc2\xa0" "a\xc2\xa0", "a" },
	{ "a \nb", "a\nb" }, { "a\t\nb", "a\nb" },
	{ "a \t \r\nb", "a\nb" }, { "a\t\xc2\xa0 \rb", "a\nb" },
	{ "a \n \n b", "a\n\n b" }, { "a\n\tb", "a\n\tb" },
	{ "a  b", "a  b" }, { "a\tb", "a\tb" },
	{ " \t\v\f\r\na \t\v\f\r\n", "a" },
	{ "a\v\nb", "a\v\nb" }, { "a\f\nb", "a\f\nb" },
	{ "a\xe2\x80\x89", "a\xe2\x80\x89" },	/* a thin space is not a
						   blank */
	/* Letters and their marks. */
	{ "a\xcc\x83", "\xc3\xa3" }, { "A\xcc\x8a", "\xc3\x85" },
	{ "C\xcc\xa7", "\xc3\x87" }, { "E\xcc\x82", "\xc3\x8a" },
	{ "o\xcc\x8b", "\xc5\x91" }, { "Z\xcc\x8c", "\xc5\xbd" },
	{ "I\xcc\x87", "\xc4\xb0" }, { "a\xcc\xa8", "\xc4\x85" },
	{ "Impressa\xcc\x83o", "Impress\xc3\xa3o" },
	{ "NA\xcc\x83O", "N\xc3\x83O" },
	{ "\xc3\xa3", "\xc3\xa3" },
	{ "e\xcc\xa3", "e\xcc\xa3" },		/* Latin Extended Additional */
	{ "e\xcc", "e\xcc" },
	{ "\xcc\x83", "\xcc\x83" }, { "1\xcc\x83", "1\xcc\x83" },
	{ " \xcc\x83", "\xcc\x83" }, { "[\xcc\x88", "[\xcc\x88" },
	{ "q\xcc\x83", "q\xcc\x83" }, { "\xc3\xa6\xcc\x81",
	    "\xc3\xa6\xcc\x81" },
	/* Ordinary texts do not change. */
	{ "Caf\xc3\xa9 \xf0\x9f\x98\x80 \xe5\x8d\xb0",
	    "Caf\xc3\xa9 \xf0\x9f\x98\x80 \xe5\x8d\xb0" },
	{ "PRINTERS\\*.*  `x` <b>", "PRINTERS\\*.*  `x` <b>" },
};

static void
has_form(void)
{
	size_t	i, len, again_len;
	char	*form, *again;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		row("%zu %s", i, forms[i].text);
		form = text_form(forms[i].text, strlen(forms[i].text), &len);
		check_mem(form, len, forms[i].form, strlen(forms[i].form));
		/* Of several byte order marks at the beginning, each call drops
		   one. */
		again = text_form(form, len, &again_len);
		if (strncmp(form, "\xef\xbb\xbf", 3) != 0)
			check_mem(again, again_len, form, len);
		free(form);
		free(again);
	}
}

static bool
same(const char *a, const char *b)
{
	char	x[TEXT_HASH + 1], y[TEXT_HASH + 1];
	bool	is = text_same(a, strlen(a), b, strlen(b));

	check_int(text_hash(secret, a, strlen(a), x), 0);
	check_int(text_hash(secret, b, strlen(b), y), 0);
	check_int(strlen(x), TEXT_HASH);
	check_int(strcmp(x, y) == 0, is);
	return is;
}

static void
differs(void)
{
	static const char *const	rows[][2] = {
		{ "printer jam", "Printer jam" },
		{ "printer jam", "printer  jam" },
		{ "printer jam", "printerjam" },
		{ "printer jam", "printer\tjam" },
		{ "printer\njam", "printer jam" },
		{ "printer\njam", "printer\n\njam" },
		{ "printer\njam", "printer\n jam" },
		{ "esta", "est\xc3\xa1" },
		{ "est\xc3\xa0", "est\xc3\xa1" },
		{ "est\xc3\xa0", "esta\xcc\x81" },
		{ "n", "n\xcc\x83" },
		{ "fi", "\xef\xac\x81" },
		{ "a\xe2\x80\xaf" "b", "a b" },
		{ "\xe2\x80\x9c" "a\xe2\x80\x9d", "\"a\"" },
		{ "a", "" },
	};
	size_t				i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s, %s", rows[i][0], rows[i][1]);
		check(!same(rows[i][0], rows[i][1]));
	}
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		row("%s", forms[i].text);
		check(same(forms[i].text, forms[i].form) ==
		    (strncmp(forms[i].form, "\xef\xbb\xbf", 3) != 0 ||
		    strcmp(forms[i].text, forms[i].form) == 0));
	}
}

/*
 * Another key gives another hash; and a long text of blanks takes no long time.
 */
static void
hashes(void)
{
	static char	long_text[1 << 20];
	unsigned char	other[TEXT_SECRET] = { 1 };
	char		x[TEXT_HASH + 1], y[TEXT_HASH + 1];
	size_t		len;
	char		*form;

	check_int(text_hash(secret, "a", 1, x), 0);
	check_int(text_hash(other, "a", 1, y), 0);
	check(strcmp(x, y) != 0);
	memset(long_text, ' ', sizeof(long_text));
	long_text[0] = long_text[sizeof(long_text) - 1] = 'x';
	form = text_form(long_text, sizeof(long_text), &len);
	check_int(len, sizeof(long_text));
	free(form);
}

/* The form in which questions are compared. */
static void
folds(void)
{
	static const char *const	rows[][2] = {
		{ "", "" }, { " \t\n\v\f\r ", "" }, { "a", "a" },
		{ " a  b ", "a b" }, { "a\t\tb", "a b" },
		{ "a\r\n\r\nb\n", "a b" }, { "a \n b", "a b" },
		{ "a\xc2\xa0\xc2\xa0""b", "a b" }, { "a\vb\fc", "a b c" },
		{ "a\xe3\x80\x80""b", "a\xe3\x80\x80""b" },
		{ "e\xcc\x81  X", "\xc3\xa9 X" },
	};
	char	*folded;
	size_t	 i, len;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		folded = text_folded(rows[i][0], strlen(rows[i][0]), &len);
		check_mem(folded, len, rows[i][1], strlen(rows[i][1]));
		check(folded[len] == '\0');
		free(folded);
	}
}

/*
 * A ticket's word: the same one for the same text, however it was typed;
 * another one for another ticket, text, counter or key.  It is not the start of
 * a hash.
 */
static void
words(void)
{
	static const struct {
		int64_t		 ticket;
		const char	*text;
		unsigned	 counter, key;
	} rows[] = {
		{ 42, "a\nb", 0, 0 }, { 43, "a\nb", 0, 0 },
		{ 4, "2 a\nb", 0, 0 }, { 42, "a b", 0, 0 },
		{ 42, "a\nb", 1, 0 }, { 42, "a\nb", 2, 0 },
		{ 42, "a\nb", 0, 1 }, { 42, "", 0, 0 },
		{ INT64_MAX, "a\nb", 0, 0 }, { 42, "0 a\nb", 0, 0 },
	};
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	unsigned char	key[2][TEXT_SECRET] = { { 0 }, { 1 } };
	char		word[ROWS][TEXT_WORD + 1], hash[TEXT_HASH + 1];
	size_t		i, k;

	for (i = 0; i < ROWS; i++) {
		row("%zu", i);
		check_int(text_word(key[rows[i].key], rows[i].ticket,
		    rows[i].text, strlen(rows[i].text), rows[i].counter,
		    word[i]), 0);
		check_int(strspn(word[i], "0123456789abcdef"), TEXT_WORD);
		check_int(strlen(word[i]), TEXT_WORD);
		for (k = 0; k < i; k++)
			check(strcmp(word[i], word[k]) != 0);
	}
	check_int(text_word(key[0], 42, "\xef\xbb\xbf" "a \r\nb\n", 9, 0,
	    word[1]), 0);
	check_str(word[1], word[0]);
	check_int(text_hash(key[0], "a\nb", 3, hash), 0);
	check(strncmp(hash, word[0], TEXT_WORD) != 0);
}

/* A word is found in either case, anywhere. */
static void
has_words(void)
{
	check(text_has_word("0123456789abcdef", 16, "0123456789abcdef"));
	check(text_has_word("x0123456789ABCDEFx", 18, "0123456789abcdef"));
	check(text_has_word("[[/0123456789aBcDeF]]", 21, "0123456789abcdef"));
	check(!text_has_word("0123456789abcde", 15, "0123456789abcdef"));
	check(!text_has_word("0123456789abcde f", 17, "0123456789abcdef"));
	check(!text_has_word(NULL, 0, "0123456789abcdef"));
	check(!text_has_word("a", 1, ""));
}

int
main(void)
{
	t_begin();
	run(vectors);
	run(has_form);
	run(differs);
	run(hashes);
	run(folds);
	run(words);
	run(has_words);
	return t_end();
}
