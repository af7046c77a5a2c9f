/*
 * Tests of lib/knowledge/mail.c and mail_html.c; tests/mail has whole mails.
 */
#include <string.h>

#include "knowledge/mail.h"
#include "knowledge/mail_html.h"
#include "t.h"

static void
is_html(void)
{
	static const struct {
		const char	*text;
		bool		 html;
	} rows[] = {
		{ "<p>a</p>", true }, { " \n<DIV>a</DIV>\n", true },
		{ "<!doctype html><p>x", false },
		{ "<!DOCTYPE html><p>x</p>", true },
		{ "<!-- x --><p>x</p>", true },
		{ "a<br>b<br/>c", true }, { "a<br>b", false },
		{ "<p>a</p> b", true }, { "the <p> tag", false },
		{ "a <p>b</p> `c`", false }, { "a < b<br><br>", false },
		{ "<configuration>x</configuration>", false },
		{ "<paragraph>x</paragraph>", false },
		{ "#include <stdio.h>", false }, { "<", false }, { "", false },
		{ " ", false }, { "<p", false }, { "<p a='>", false },
		{ "<maria@example.com>", false }, { "</p><p>", true },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		check(mail_is_html(rows[i].text, strlen(rows[i].text)) ==
		    rows[i].html);
	}
}

static void
texts(void)
{
	static const struct {
		const char	*text, *left;
	} rows[] = {
		{ "a", "a\n" }, { "a\n\n\n\nb\n", "a\n\nb\n" },
		{ "a\n-- \nb", "a\n" }, { "a\n--\nb", "a\n" },
		{ "a\n -- \nb", "a\n -- \nb\n" },
		/* Too long for a signature without its blank. */
		{ "a\n--\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11", "a\n--\n1\n2\n3\n"
		    "4\n5\n6\n7\n8\n9\n10\n11\n" },
		{ "a\n> b\nc", "a\nc\n" }, { "> b", "> b" }, { "", "" },
		/* Who wrote what needs an address, or a quote below. */
		{ "a\nOn 3 Nov 2025 the log wrote:\nb",
		    "a\nOn 3 Nov 2025 the log wrote:\nb\n" },
		{ "a\nOn 3 Nov 2025 Al <a@b.c> wrote:\nb", "a\n" },
		{ "a\nOn 3 Nov 2025 Al wrote:\n\n> b", "a\n" },
		{ "a\nEm 3 de nov, Al <a@b.c>\nescreveu:\n> b\nc", "a\nc\n" },
		{ "a\nEl lun, Al (a@b.c)\nescribi\303\263:\n> b", "a\n" },
		/* A head needs its three parts. */
		{ "a\nFrom: b\nc", "a\nFrom: b\nc\n" },
		{ "a\nFrom: b\nSent: c\nTo: d\n\ne", "a\n" },
		{ "a\nDe: b\nEnviada em: c\nPara: d\nAssunto: e\n\nf", "a\n" },
		{ "From: b\nSent: c\nSubject: d\n\ne", "Subject: d\n\ne\n" },
		{ "Sent from my desk it is broken.\nb",
		    "Sent from my desk it is broken.\nb\n" },
		{ "a\n\nSent from my iPhone", "a\n" },
		{ "x data:a/b;base64,AAAA= y", "x  y\n" },
		{ "data: a, b", "data: a, b\n" }, { "data:,", "data:,\n" },
		{ "a\n-----Original Message-----\nb", "a\n" },
		{ "-----Original Message-----\nFrom: x\n\nb", "b\n" },
		{ "a\n----- Original Message\nb", "a\n" },
		{ "a\n-----Original Message----- From: x\nb", "a\n" },
		{ "a\n-----Mensaje original-----\nb", "a\n" },
		{ "a\n----- Original -----\nb", "a\n" },
		{ "a\n--- original/app.conf\nb",
		    "a\n--- original/app.conf\nb\n" },
		{ "a\n--- original message.txt\nb",
		    "a\n--- original message.txt\nb\n" },
		{ "a\n--- mensagens/app.conf\nb",
		    "a\n--- mensagens/app.conf\nb\n" },
		{ "a\n---Original\nb", "a\n---Original\nb\n" },
		{ "<p>a &lt; b</p>", "a < b\n" },
		{ "a &lt; b", "a &lt; b\n" },
		{ "<blockquote>own</blockquote>", "own\n" },
		{ "<p>a</p><blockquote type=cite>b<blockquote>c</blockquote>d"
		    "</blockquote><p>e</p>", "a\n\ne\n" },
		{ "<p>a</p><blockquote type=\"cite\">b</p>", "a\n" },
		/* Tags without an end. */
		{ "<p>a<svg width='5' />b</p>", "ab\n" },
		{ "<p>a<svg><path/></svg>b</p>", "ab\n" },
		{ "<p>a<iframe src='>'/>b<object/>c<SVG/>d</p>", "abcd\n" },
		{ "<title/><script src='x' /><p>a</p>", "a\n" },
		{ "<p>a</p><img class=\"gmail_signature\"><p>b</p>",
		    "a\n\nb\n" },
		{ "<p>a</p><hr id=\"signature\"/><p>b</p>", "a\n\nb\n" },
		{ "<p>a</p><div id=\"signature\">x</div><p>b</p>",
		    "a\n\nb\n" },
		/* Blank lines in the head of what was forwarded. */
		{ "---- Forwarded message ----\nFrom: a\n\n\n\nTo: b\n\n\nc",
		    "c\n" },
	};
	struct buf	b = BUF_INIT(4096);
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		buf_clear(&b);
		check_int(mail_text(rows[i].text, strlen(rows[i].text), &b),
		    0);
		check_str(b.data == NULL ? "" : b.data, rows[i].left);
	}
	buf_free(&b);
}

int
main(void)
{
	t_begin();
	run(is_html);
	run(texts);
	return t_end();
}
