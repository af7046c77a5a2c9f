/*
 * lib/ollama/thought and tidy: a model's thoughts, repeated fence and end marks
 * are removed from texts in pieces of every size; what only looks similar
 * stays, and nothing is held back longer than needed.
 */
#include "ollama/thought.h"
#include "ollama/tidy.h"
#include "t.h"

#define W	"0123456789abcdef"

enum { MOST = 10000 };

/* Plays a text in pieces: cut once at `cut', or every -cut bytes. */
static void
play(bool tidy, const char *text, long cut, struct buf *out)
{
	struct thought	th = { .held = BUF_INIT(MOST) };
	struct tidy	ti = { .held = BUF_INIT(MOST) };
	const size_t	len = strlen(text);
	size_t		i, n;
	int		rc = 0;

	thought_begin(&th);
	tidy_begin(&ti, W);
	n = cut < 0 ? (size_t)-cut : (size_t)cut;
	for (i = 0; i < len && rc == 0; i += n) {
		if (i > 0 && cut > 0)
			n = len - i;
		n = n == 0 || n > len - i ? len - i : n;
		rc = tidy ? tidy_add(&ti, text + i, n, out) :
		    thought_add(&th, text + i, n, out);
	}
	check_int(rc, 0);
	check_int(tidy ? tidy_end(&ti, out) : thought_end(&th, out), 0);
	buf_free(&th.held);
	buf_free(&ti.held);
}

static void
play_all(bool tidy, const char *text, const char *want)
{
	const long	len = (long)strlen(text);
	struct buf	out = BUF_INIT(MOST);
	long		cut;

	for (cut = -3; cut < len; cut++) {
		row("%s cut %ld", text, cut);
		buf_clear(&out);
		play(tidy, text, cut, &out);
		check_mem(out.len == 0 ? "" : out.data, out.len, want,
		    strlen(want));
	}
	buf_free(&out);
}

#define HEAD	"<|channel|>analysis<|message|>"
#define FINAL	"<|start|>assistant<|channel|>final<|message|>"

static const struct {
	const char	*text, *want;
} shown[] = {
	{ "", "" }, { "Open.", "Open." }, { " \n", " \n" },
	{ "  Open.\n", "  Open.\n" },
	{ "<think>hm</think>Open.", "Open." },
	{ " \n<think>\nhm\n</think>\n\nOpen.\n", "Open.\n" },
	{ "<think></think>\n\nOpen.", "Open." },
	{ "<think>\n\n</think>\n\nOpen.", "Open." },
	{ "</think>\n\nOpen.", "Open." },
	{ "\n</think>Open.", "Open." },
	{ "<Think>a</THINK> Open.", "Open." },
	{ "<think>a</think><think>b</think> Open.", "Open." },
	{ "<thinking>a</think>b</thinking>Open.", "Open." },
	{ "[THINK]a < b[/THINK]Open.", "Open." },
	{ "<|START_THINKING|>a<|END_THINKING|>Open.", "Open." },
	{ "<think>a</thin</think>Open.", "Open." },
	{ "<think>a<</think>Open.", "Open." },
	{ "<thought>a</thought>\nOpen.", "Open." },
	{ "<reasoning>\na\n</reasoning>\n\nOpen.", "Open." },
	{ "<seed:think>a</seed:think>Open.", "Open." },
	{ "<|begin_of_thought|>a<|end_of_thought|>\n\nOpen.", "Open." },
	{ "◁think▷a◁/think▷Open.", "Open." },
	{ "\xef\xbb\xbf<think>a</think>Open.", "Open." },
	{ "\xc2\xa0\n\xe2\x80\x8b<think>a</think>\xc2\xa0Open.", "Open." },
	{ "\xc2\xa0Open.", "\xc2\xa0Open." }, { "\xc2", "\xc2" },
	{ "\xe2\x86\x92 Open.", "\xe2\x86\x92 Open." },
	{ "<thoughts>", "<thoughts>" },
	{ "<reason>x</reason>", "<reason>x</reason>" },
	/* Only thoughts. */
	{ "<think>hm", "" }, { "<think>hm</thi", "" },
	{ "<think>hm</think>\n\n", "" }, { "<think>", "" },
	/* White space after thoughts is dropped, whatever follows. */
	{ "<think>hm</think> <thi", "<thi" },
	{ "[/THINK]\n\n<", "<" }, { "</thinking> \t[", "[" },
	{ HEAD "hm<|end|> <|st", "<|st" },
	{ " \n</think>\n", "" },
	/* An answer about such marks. */
	{ "Write <think>a</think> there.",
	    "Write <think>a</think> there." },
	{ "`<think>`", "`<think>`" }, { "<thin", "<thin" },
	{ "<thinker>", "<thinker>" }, { "<b>x</b>", "<b>x</b>" },
	{ "<think>a</think>Write <think>b</think>.",
	    "Write <think>b</think>." },
	{ "[1] see", "[1] see" }, { "<", "<" }, { "  <", "  <" },
	/* Harmony. */
	{ HEAD "hm<|end|>" FINAL "Open.", "Open." },
	{ HEAD "hm<|end|>" FINAL "Open.<|return|>",
	    "Open.<|return|>" },	/* tidy removes it */
	{ "\n" HEAD "hm" FINAL "Open.", "Open." },
	{ HEAD "hm<|channel|>final<|message|>Open.", "Open." },
	{ "<|channel|>final<|message|>Open.", "Open." },
	{ "<|start|>assistant" HEAD "a<|end|>\n" FINAL "Open.",
	    "Open." },
	{ HEAD "a<|end|><|start|>assistant<|channel|>commentary to=f "
	    "<|constrain|>json<|message|>{}<|call|>" FINAL "Open.",
	    "Open." },
	{ FINAL "a <|end|> b <|channel|>analysis<|message|> c",
	    "a <|end|> b <|channel|>analysis<|message|> c" },
	{ FINAL "Open.<|end|><|start|>assistant" HEAD "b<|end|>",
	    "Open." },
	{ "<|start|>assistant<|message|>Open.", "Open." },
	{ HEAD "hm", "" }, { "<|channel|>analysis", "" },
	{ HEAD "hm<|end|>", "" },
	{ "<|channel|> is a mark.", "<|channel|> is a mark." },
	{ "Harmony has <|channel|>analysis<|message|>.",
	    "Harmony has <|channel|>analysis<|message|>." },
};

static void
thoughts(void)
{
	char	*large, want[400];
	size_t	i;

	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		play_all(false, shown[i].text, shown[i].want);
	row("a head without end is text");
	memset(want, 'x', sizeof(want) - 1);
	want[sizeof(want) - 1] = '\0';
	memcpy(want, "<|channel|>", 11);
	play_all(false, want, want);
	row("white space without end");
	if ((large = malloc(MOST)) == NULL)
		t_die("malloc");
	memset(large, ' ', MOST - 1);
	large[MOST - 1] = '\0';
	{
		struct buf	out = BUF_INIT(MOST);

		play(false, large, -100, &out);
		check_int(out.len, MOST - 1);
		buf_free(&out);
	}
	free(large);
}

/* What is passed on after each piece: each token as it comes. */
static void
promptly(void)
{
	static const struct {
		bool		tidy;
		const char	*pieces[6];
		const char	*left;	/* what is passed on of the last piece;
					   NULL: all */
	} rows[] = {
		{ false, { "Open" }, NULL }, { false, { " ", "O" }, NULL },
		{ false, { "<b" }, NULL }, { false, { "[x" }, NULL },
		{ false, { "A", " <think>" }, NULL },
		{ false, { "<th" }, "<th" }, { false, { "A", "<th" }, NULL },
		{ false, { "<think>a</think>", "B" }, NULL },
		{ true, { "Open" }, NULL }, { true, { "Open ", "it" }, NULL },
		{ true, { "x", "0" }, "0" },	/* within a word, too */
		{ true, { "x ", "0" }, "0" }, { true, { "x ", "1" }, NULL },
		{ true, { "a [b" }, NULL }, { true, { "a [[" }, "[[" },
		{ true, { "a <b" }, NULL }, { true, { "a <|im" }, "<|im" },
		{ true, { "a</s>" }, "</s>" }, { true, { "a\n" }, NULL },
		{ true, { "a\n", "  " }, "  " }, { true, { "a  " }, NULL },
	};
	size_t	i, k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct thought	th = { .held = BUF_INIT(MOST) };
		struct tidy	ti = { .held = BUF_INIT(MOST) };
		struct buf	*held = rows[i].tidy ? &ti.held : &th.held;
		struct buf	out = BUF_INIT(MOST);
		const char	*want = rows[i].left;

		row("%zu", i);
		thought_begin(&th);
		tidy_begin(&ti, W);
		for (k = 0; k < 6 && rows[i].pieces[k] != NULL; k++) {
			const char	*p = rows[i].pieces[k];

			check_int(rows[i].tidy ? tidy_add(&ti, p, strlen(p),
			    &out) : thought_add(&th, p, strlen(p), &out), 0);
		}
		check_mem(held->len == 0 ? "" : held->data, held->len,
		    want == NULL ? "" : want, want == NULL ? 0 : strlen(want));
		buf_free(&out);
		buf_free(&th.held);
		buf_free(&ti.held);
	}
}

static void
late(void)
{
	static const struct {
		const char	*text, *want;	/* NULL: it is an answer */
	} rows[] = {
		{ "", NULL }, { "Open.", NULL },
		{ "Okay.\n</think>\n\nOpen.", "Open." },
		{ "a</think>b</think> c", "c" }, { "a</think>", "" },
		{ "a</thought>\xc2\xa0 b", "b" }, { "a◁/think▷b", "b" },
		{ "Write <thought>a</thought> there.", NULL },
		{ "a[/THINK]\nb", "b" }, { "a</THINK>b", "b" },
		{ "Write <think>a</think> there.", NULL },
		{ "<think>a</think> b</think>c", NULL },
		{ "a</think>b <think>c</think> d",
		    "b <think>c</think> d" },
		{ "We need.<|end|><|start|>assistant<|channel|>final"
		    "<|message|>Open.", "Open." },
		{ "It has <|channel|>analysis<|message|> and "
		    "<|channel|>final<|message|>.", NULL },
		{ "a</thin", NULL }, { "a</think", NULL },
	};
	size_t	i, len, from;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].text);
		len = strlen(rows[i].text);
		from = thought_late(rows[i].text, len);
		if (rows[i].want == NULL)
			check_int(from, 0);
		else
			check_str(rows[i].text + from, rows[i].want);
	}
}

static void
tidied(void)
{
	static const struct {
		const char	*text, *want;
	} rows[] = {
		{ "", "" }, { "Open.\n", "Open.\n" }, { "\n", "\n" },
		{ "[[" W "]]\nOpen.\n[[/" W "]]\n", "Open.\n" },
		{ "Open.\n[[/" W "]]", "Open.\n" },
		{ "  [[" W "]]  \r\nOpen.", "Open." },
		{ "a\n\n[[" W "]]\n\nb", "a\n\n\nb" },
		{ "a\n[[" W "]] [[/" W "]]\nb", "a\nb" },
		{ "See [[" W "]] there.", "See  there." },
		{ "See [[" W "]]\nthere.", "See \nthere." },
		{ "[[" W "]] Open.", " Open." },
		{ "  [[" W "]]Open.", "  Open." },
		{ "[" W "]", "" }, { W, "" }, { "[/" W "]\nx", "x" },
		{ "the word " W ".", "the word ." }, { "[[ /" W " ]]x", "x" },
		{ "[[[" W "]]]x", "x" }, { "[[" W "x", "x" },
		{ "[[" W "]x", "x" }, { "[[" W "]\n", "" },
		{ "[[" W "]]]", "]" }, { W W, "" },
		{ "- [[" W "]]\n- b", "- \n- b" },
		{ "[[" W "]][[/" W "]]", "" },
		/* Texts that only look like the fence. */
		{ "[[0123]]\n", "[[0123]]\n" }, { "[[", "[[" },
		{ "0123456789abcde", "0123456789abcde" },
		{ "[[0123456789abcde]]", "[[0123456789abcde]]" },
		{ "- [ ] a\n- [x] b\n", "- [ ] a\n- [x] b\n" },
		{ "a\n    code\n\tx\n", "a\n    code\n\tx\n" },
		{ "[a](b) [[c]]", "[a](b) [[c]]" },
		/* Marks at the end of a turn. */
		{ "Open.<|im_end|>", "Open." }, { "Open.\n</s>\n", "Open.\n" },
		{ "Open.<|return|>", "Open." }, { "Open.<|end|> \n", "Open." },
		{ "Open.<|eot_id|></s>\n<|im_end|>", "Open." },
		{ "Open.<eos>", "Open." },
		{ "Open.<|end_of_turn|>\n", "Open." },
		{ "Open.<｜end▁of▁sentence｜>", "Open." },
		{ "Open.<|END_OF_TURN_TOKEN|>", "Open." },
		{ "Say <eos> then.", "Say <eos> then." },
		{ "<|im_end|>", "" }, { "[[/" W "]]\n</s>", "" },
		{ "Write </s> there.", "Write </s> there." },
		{ "`</s>`", "`</s>`" }, { "a</s", "a</s" },
		{ "a<|im_end|>b<|im_end|>", "a<|im_end|>b" },
		{ "a <b>c</b>", "a <b>c</b>" }, { "a < b", "a < b" },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		play_all(true, rows[i].text, rows[i].want);
	row("no fence: nothing of it is looked for");
	{
		struct tidy	t = { .held = BUF_INIT(MOST) };
		struct buf	out = BUF_INIT(MOST);

		tidy_begin(&t, "");
		check_int(tidy_add(&t, "[[" W, 18, &out), 0);
		check_int(t.held.len, 0);
		check_int(tidy_end(&t, &out), 0);
		check_int(out.len, 18);
		buf_free(&t.held);
		buf_free(&out);
	}
}

int
main(void)
{
	t_begin();
	run(thoughts);
	run(promptly);
	run(late);
	run(tidied);
	return t_end();
}
