/*
 * lib/text/fold and lib/knowledge/terms, stop and clean: the terms of all notes
 * and tickets of tests/knowledge as the prototype that was measured had them
 * (terms.txt), and what must fold to the same, or to nothing.
 */
#include "base/file.h"
#include "json/json.h"
#include "knowledge/clean.h"
#include "text/fold.h"
#include "knowledge/terms.h"
#include "t.h"

enum { FILE_MAX_BYTES = 1 << 20 };

static char *
read_source(const char *name, size_t *len)
{
	char	path[5000], *text;

	(void)snprintf(path, sizeof(path), "%s/tests/knowledge/%s", t_source,
	    name);
	if ((text = file_read(path, FILE_MAX_BYTES, false, len)) == NULL)
		t_die(path);
	return text;
}

/* A member of a JSON line. */
static void
member(const char *line, size_t len, const char *name, struct buf *to)
{
	struct json	j = { 0 };

	buf_clear(to);
	check_int(json_parse(&j, line, len, 8, 1000), 0);
	check_int(json_string(&j, json_member(&j, 0, name), true, to), 0);
	json_free(&j);
}

/* Compares the terms of each line with the next line of terms.txt. */
static void
compare(const char *file, bool tickets, const char **want)
{
	struct buf	got = BUF_INIT(1 << 16), text = BUF_INIT(1 << 16),
			mail = BUF_INIT(1 << 16);
	size_t		len, n;
	char		*all = read_source(file, &len), *line, *end;

	for (line = all; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		n = (size_t)(end - line);
		buf_clear(&got);
		member(line, n, tickets ? "id" : "name", &text);
		check_int(buf_add(&got, text.data, text.len), 0);
		row("%s", got.data);
		check_int(buf_puts(&got, "\t"), 0);
		if (!tickets) {
			member(line, n, "title", &text);
			check_int(terms_join(text.data, text.len, &got), 0);
		}
		member(line, n, "text", &text);
		buf_clear(&mail);
		check_int(clean(text.data, text.len, &mail), 0);
		check_int(tickets ? terms_join(mail.data, mail.len, &got) :
		    terms_join(text.data, text.len, &got), 0);
		/* The first term stands behind the tab, without a blank. */
		n = strcspn(got.data, "\t");
		memmove(got.data + n + 1, got.data + n + 2, got.len - n - 1);
		check_mem(got.data, got.len - 1, *want, strcspn(*want, "\n"));
		*want += strcspn(*want, "\n") + 1;
	}
	free(all);
	buf_free(&got);
	buf_free(&text);
	buf_free(&mail);
}

static void
oracle(void)
{
	size_t		 len;
	char		*all = read_source("terms.txt", &len);
	const char	*want = all;

	compare("notes.jsonl", false, &want);
	compare("tickets.jsonl", true, &want);
	compare("fresh.jsonl", true, &want);
	check_str(want, "");
	free(all);
}

static const char *
joined(const char *text, size_t len)
{
	static struct buf	b = BUF_INIT(1 << 20);

	buf_clear(&b);
	check_int(terms_join(text, len, &b), 0);
	return b.len == 0 ? "" : b.data;
}

static void
folds(void)
{
	static const struct {
		const char	*text, *want;
	} rows[] = {
		{ "", "" }, { " \t\n-.,!?", "" }, { "\xef\xbb\xbf", "" },
		/* Capitals, accents, composed and decomposed. */
		{ "Impressão IMPRESSÃO impressa\xcc\x83o",
		    "impres impres impres" },
		{ "ÇÃÉÜÑ çãéüñ", "caeun caeun" },
		{ "Straße Ørsted Đà Łódź Æsir œuvre ıspanak",
		    "strass orsted da lodz aesir oeuvre ispana" },
		{ "Ждёт Й", "ждет и" },
		/* Full width, ligatures, superscripts, half-width kana. */
		{ "ＶＰＮ ｖｐｎ", "vpn vpn" }, { "ﬁle ﬂow", "file flow" },
		{ "3º m²", "3o m2" }, { "ﾌﾟﾘﾝﾀ", "プリ リン ンタ" },
		{ "プリンタ フ\xe3\x82\x9aリンタ", "プリ リン ンタ プリ リン ンタ" },
		{ "ｶﾞｿﾞｳ", "ガゾ ゾウ" },
		/* A soft hyphen, a variation selector. */
		{ "printer prin\xc2\xadter a\xef\xb8\x8f",
		    "printe printe a" },
		/* The final s, and six letters. */
		{ "bus buses class glass gas as printers", "bus buse class "
		    "glass gas as printe" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		    "aaaaaa" },
		/* Words with digits. */
		{ "0x80070005 80070005 0x12", "80070005 80070005 0x12" },
		{ "KB5034441 KB 5034441", "kb5034441 5034441 kb 5034441" },
		{ "abcde12345 ab123 a1234b", "abcde12345 ab123 a1234b" },
		{ "11111111112222222222333333333344444",
		    "11111111112222222222333333333344" },
		{ "5.7.1 192.168.0.1", "5 7 1 192 168 0 1" },
		/* Scripts without spaces. */
		{ "打印机 a 打", "打印 印机 a 打" },
		{ "はい ください", "" }, { "印刷する", "印刷 刷す" },
		{ "สลิป สล", "สลิป สล" },
		{ "สลิปเงิน", "สลิป ลิปเ ิปเง ปเงิ เงิน" },
		{ "프린터", "프린 린터" },
		/* Vowel signs belong to their letters. */
		{ "हिन्दी", "हिन्दी" },
		{ "vpn連不上", "vpn 連不 不上" },
		/* Paths, addresses, and what a query language would obey. */
		{ "C:\\spool\\printers", "c spool printe" },
		{ "\"a\" AND NEAR(b) OR c* NOT -d ^e",
		    "a and near b or c not d e" },
		/* Not UTF-8. */
		{ "a\xff" "b \xc3 c\xe2\x82", "a b c" },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check_str(joined(rows[i].text, strlen(rows[i].text)),
		    rows[i].want);
	}
	check_str(joined("a\0b", 3), "a b");
}

/*
 * Each character, valid or not, folds to something that does not grow on, and
 * to the same as ever: FOLD_VERSION changes with this hash (FNV-1a, of numbers
 * in place of bytes).
 */
static void
whole_unicode(void)
{
	const uint64_t	prime = UINT64_C(0x100000001b3);
	uint64_t	hash = UINT64_C(0xcbf29ce484222325);
	uint32_t	c, once[FOLD_MAX], twice[FOLD_MAX];
	size_t		n, i, bad = 0;

	for (c = 0; c <= 0x110000; c++) {
		n = fold(c, once);
		hash = (hash ^ (n << 2 | (unsigned)fold_kind(c))) * prime;
		for (i = 0; i < n && i < FOLD_MAX; i++)
			hash = (hash ^ once[i]) * prime;
		if (n > FOLD_MAX)
			bad++;
		for (i = 0; i < n && i < FOLD_MAX; i++)
			bad += fold(once[i], twice) != 1 ||
			    twice[0] != once[i];
	}
	check_int(bad, 0);
	check_int(hash, -INT64_C(2883943631642183579));
}

static bool
note_common(void *context, const struct term *t)
{
	struct buf	*b = context;

	return buf_puts(b, t->common ? "-" : t->code ? "#" :
	    t->weight < 0.3 ? "4" : t->weight < 0.6 ? "2" : "+") == 0;
}

static void
kinds(void)
{
	static const struct {
		const char	*text, *want;
	} rows[] = {
		{ "a impressora não imprime, obrigado!", "-+-+-" },
		{ "the printer is urgent please x", "-+-+--" },
		{ "204 00 7 80070005 kb5034441", "+--###" },
		{ "打印 สลิป é ж", "24--" },
	};
	struct buf	b = BUF_INIT(100);
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		buf_clear(&b);
		terms(rows[i].text, strlen(rows[i].text), note_common, &b);
		check_str(b.data, rows[i].want);
	}
	buf_free(&b);
}

/* Huge words and texts cost no memory, and each part is short. */
static void
huge(void)
{
	const size_t	 len = 1 << 20;
	char		*text = malloc(len);
	size_t		 i;

	if (text == NULL)
		t_die("malloc");
	memset(text, 'a', len);
	check_str(joined(text, len), "aaaaaa");
	memset(text, '7', len);
	check_int(strlen(joined(text, len)), 32);
	for (i = 0; i + 3 <= len; i += 3)
		memcpy(text + i, "\xe6\x89\x93", 3);
	check(strlen(joined(text, 3000)) == 999 * 7 - 1);
	free(text);
}

static void
distinct(void)
{
	struct buf	b = BUF_INIT(100);

	check_int(terms_join_distinct("b a b ab", 8, 3, &b), 0);
	check_str(b.data, "b a ab");
	check_int(terms_join_distinct("a c", 3, 3, &b), 0);
	check_str(b.data, "b a ab");
	check_int(terms_join_distinct("a c d", 5, 4, &b), 0);
	check_str(b.data, "b a ab c");
	buf_free(&b);
}

static void
cleans(void)
{
	static const struct {
		const char	*text, *want;
	} rows[] = {
		{ "", "" }, { "one", "one" },
		{ "one\n> two\nthree", "one\nthree" },
		{ "one\r\n-- \r\ntwo\r\n", "one\r\n" },
		{ "one\nOn Mon, 3 May, Ana wrote:\n> two", "one\n" },
		{ "um\nEm 3 de maio, Ana escreveu:\n> dois", "um\n" },
		{ "uno\nEl lunes Ana escribió:\n> dos", "uno\n" },
		{ "one\n-----Original Message-----\ntwo", "one\n" },
		{ "um\n-----Mensagem original-----\ndois", "um\n" },
		{ "um\nDe: Ana\ndois", "um\n" },
		{ "De: Ana\nAssunto: x\num", "um" },
		{ "From: a\nSent: b\nTo: c\nSubject: d\n\none", "\none" },
		{ "one\nThanks!\nAna\nIT", "one\n" },
		{ "um\nAtt,\nAna", "um\n" }, { "um\natt Ana Lima\nTI", "um\n" },
		{ "um\nObrigado.\nAna", "um\n" },
		/* What only looks like it stays. */
		{ "thanks to the printer\nit burns",
		    "thanks to the printer\nit burns" },
		{ "one\nThanks to it I can print\ntwo",
		    "one\nThanks to it I can print\ntwo" },
		{ "um\nAttachment is missing\ndois",
		    "um\nAttachment is missing\ndois" },
		{ "one\n--force does not help\ntwo",
		    "one\n--force does not help\ntwo" },
		{ "On Monday it burns\none", "On Monday it burns\none" },
		/* Nothing would be left. */
		{ "> one\n> two", "> one\n> two" },
		{ "Obrigado", "Obrigado" },
	};
	struct buf	b = BUF_INIT(1000);
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		buf_clear(&b);
		check_int(clean(rows[i].text, strlen(rows[i].text), &b), 0);
		check_str(b.len == 0 ? "" : b.data, rows[i].want);
	}
	buf_free(&b);
}

int
main(void)
{
	t_begin();
	run(oracle);
	run(folds);
	run(whole_unicode);
	run(kinds);
	run(huge);
	run(distinct);
	run(cleans);
	return t_end();
}
