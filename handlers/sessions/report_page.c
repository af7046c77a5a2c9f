/*
 * `sessions report': the page, HTML with SVG in it.  Nothing is loaded from
 * elsewhere, there is no script, and every text of the database is escaped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "sessions/report.h"

enum {
	ROWS_MAX = 15,		/* bars of a chart by name */
	LIST_MAX = 50,		/* notes that are listed */
	LABEL_MAX = 44,		/* characters of a name in a chart */
	SAYS = 112,		/* room for what a bar says, as "100 % of
				   12,345", in a wide font */
	WIDE = 400,		/* of a chart, in its own units */
	LEFT = 44, RIGHT = 8, TOP = 12, HIGH = 130,	/* of a chart over
							   time */
	ROW_HIGH = 40		/* of a chart by name */
};

enum word {
	W_TAG, W_TITLE, W_PERIOD, W_UTC, W_DAYS_A_BAR, W_EMPTY, W_NUMBERS,
	W_NONE, W_OTHERS,
	W_ANSWERS_SUM, W_WAIT_SUM, W_RATED_SUM, W_NOT_RATED, W_CITED_SUM,
	W_DAY, W_AI, W_QUESTIONS, W_PEOPLE, W_ANSWERS,
	W_WAIT_TITLE, W_HALF, W_MOST, W_SECONDS,
	W_MODEL_TITLE, W_PROMPT_TITLE, W_MODEL, W_PROMPT, W_GOOD, W_BAD,
	W_SHARE, W_OF, W_RATINGS_UNIT, W_UNKNOWN,
	W_REASON_TITLE, W_REASON, W_WRONG, W_INCOMPLETE, W_UNSAFE, W_LANGUAGE,
	W_OTHER, W_NO_REASON,
	W_CITED_TITLE, W_NOTE, W_NOTE_TITLE, W_GIVEN, W_CITED,
	W_UNCITED_TITLE, W_UNCITED_ALL, W_FIRST_FEW,
	W_UNFITTED_TITLE, W_TICKET, W_BEGINS, W_NEWEST, W_NO_NOTES,
	W_PEOPLE_TITLE, W_AUTHOR, W_NO_AUTHOR,
	W_COST_TITLE, W_MINUTES, W_READ, W_WRITTEN, W_ANSWERS_TITLE,
	W__MAX
};

static const char *const	words[W__MAX][LANGUAGE__MAX] = {
	[W_TAG] = { "pt-BR", "en", "es" },
	[W_TITLE] = { "O assistente ajuda?", "Does the assistant help?",
	    "¿Ayuda el asistente?" },
	[W_PERIOD] = { "De %s a %s", "From %s to %s", "Del %s al %s" },
	[W_UTC] = { "dias em UTC", "days in UTC", "días en UTC" },
	[W_DAYS_A_BAR] = { "cada ponto reúne %" PRId64 " dias",
	    "each point is about %" PRId64 " days",
	    "cada punto reúne %" PRId64 " días" },
	[W_EMPTY] = { "Nada neste período.", "Nothing in this period.",
	    "Nada en este período." },
	[W_NUMBERS] = { "Os números", "The numbers", "Los números" },
	[W_NONE] = { "nenhuma", "none", "ninguna" },
	[W_OTHERS] = { "outros", "others", "otros" },
	[W_ANSWERS_SUM] = { "respostas da IA (%s a perguntas sobre uma "
	    "resposta); por pessoas: %s", "answers by the AI, %s of them to "
	    "questions; %s by people", "respuestas de la IA, %s de ellas a "
	    "preguntas; %s de personas" },
	[W_WAIT_SUM] = { "metade esperou no máximo esse tempo pela primeira "
	    "palavra; 95 %%, até %s s",
	    "half of the viewers waited at most this long for the first "
	    "word; 95 %% at most %s s",
	    "la mitad esperó como máximo ese tiempo por la primera palabra; "
	    "el 95 %%, hasta %s s" },
	[W_RATED_SUM] = { "das %s avaliações são boas", "of %s ratings are "
	    "good", "de las %s valoraciones son buenas" },
	[W_NOT_RATED] = { "nenhuma resposta foi avaliada", "nobody has rated "
	    "an answer", "aún no hay valoraciones" },
	[W_CITED_SUM] = { "chamados sem nenhuma nota que servisse",
	    "tickets that no note fitted", "tickets sin ninguna nota "
	    "adecuada" },
	[W_DAY] = { "Dia", "Day", "Día" },
	[W_AI] = { "da IA", "by the AI", "de la IA" },
	[W_QUESTIONS] = { "a perguntas", "to questions", "a preguntas" },
	[W_PEOPLE] = { "de pessoas", "by people", "de personas" },
	[W_ANSWERS] = { "respostas", "answers", "respuestas" },
	[W_ANSWERS_TITLE] = { "Respostas por dia", "Answers a day",
	    "Respuestas por día" },
	[W_WAIT_TITLE] = { "Espera pela primeira palavra, com a fila, em "
	    "segundos", "Wait until the first word, with the queue, in "
	    "seconds", "Espera hasta la primera palabra, con la cola, en "
	    "segundos" },
	[W_HALF] = { "metade dos casos (p50)", "half wait up to this "
	    "(p50)", "la mitad de los casos (p50)" },
	[W_MOST] = { "95 % dos casos (p95)", "95 % wait up to this "
	    "(p95)", "el 95 % de los casos (p95)" },
	[W_SECONDS] = { "segundos", "seconds", "segundos" },
	[W_MODEL_TITLE] = { "Quantas avaliações são boas, por modelo",
	    "How many ratings are good, by model",
	    "Cuántas valoraciones son buenas, por modelo" },
	[W_PROMPT_TITLE] = { "Quantas avaliações são boas, por prompt do "
	    "sistema", "How many ratings are good, by system prompt",
	    "Cuántas valoraciones son buenas, por prompt del sistema" },
	[W_MODEL] = { "Modelo", "Model", "Modelo" },
	[W_PROMPT] = { "Prompt do sistema (início do hash)",
	    "System prompt (beginning of its hash)",
	    "Prompt del sistema (comienzo del hash)" },
	[W_GOOD] = { "boas", "good", "buenas" },
	[W_BAD] = { "ruins", "bad", "malas" },
	[W_SHARE] = { "boas, em %", "good, in %", "buenas, en %" },
	[W_OF] = { "de", "of", "de" },
	[W_RATINGS_UNIT] = { "avaliações", "ratings", "valoraciones" },
	[W_UNKNOWN] = { "(não registrado)", "(not recorded)",
	    "(no registrado)" },
	[W_REASON_TITLE] = { "Motivos das avaliações ruins",
	    "Why answers were rated bad, in ratings",
	    "Por qué se valoraron mal las respuestas, en valoraciones" },
	[W_REASON] = { "Motivo", "Reason", "Motivo" },
	[W_WRONG] = { "errada", "wrong", "incorrecta" },
	[W_INCOMPLETE] = { "incompleta", "incomplete", "incompleta" },
	[W_UNSAFE] = { "perigosa", "unsafe", "peligrosa" },
	[W_LANGUAGE] = { "idioma errado", "wrong language",
	    "idioma equivocado" },
	[W_OTHER] = { "outro motivo", "another reason", "otro motivo" },
	[W_NO_REASON] = { "sem motivo", "no reason given", "sin motivo" },
	[W_CITED_TITLE] = { "Notas mais citadas",
	    "The notes that are cited most, in answers that cite them",
	    "Las notas más citadas, en respuestas que las citan" },
	[W_NOTE] = { "Nota", "Note", "Nota" },
	[W_NOTE_TITLE] = { "Título", "Title", "Título" },
	[W_GIVEN] = { "dada ao modelo", "given to the model",
	    "dada al modelo" },
	[W_CITED] = { "citada", "cited", "citada" },
	[W_UNCITED_TITLE] = { "Notas que nenhuma resposta citou",
	    "Notes that no answer has cited",
	    "Notas que ninguna respuesta citó" },
	[W_UNCITED_ALL] = { "%s de %s notas", "%s of %s notes",
	    "%s de %s notas" },
	[W_FIRST_FEW] = { "primeiro as que mais foram dadas ao modelo",
	    "those that were given to the model most often come first",
	    "primero las que más se dieron al modelo" },
	[W_UNFITTED_TITLE] = { "Chamados sem nota adequada",
	    "Tickets that no note fitted",
	    "Tickets para los que ninguna nota servía" },
	[W_TICKET] = { "Chamado", "Ticket", "Ticket" },
	[W_BEGINS] = { "Início do texto", "Beginning of its text",
	    "Comienzo del texto" },
	[W_NEWEST] = { "%s no total; os mais novos primeiro",
	    "%s in all; the newest first",
	    "%s en total; los más nuevos primero" },
	[W_NO_NOTES] = { "Nenhuma nota foi aprendida (sessions learn).",
	    "No notes have been learnt (sessions learn).",
	    "No se ha aprendido ninguna nota (sessions learn)." },
	[W_PEOPLE_TITLE] = { "Respostas escritas por pessoas",
	    "Who wrote answers, in answers",
	    "Quién escribió respuestas, en respuestas" },
	[W_AUTHOR] = { "Autor", "Author", "Autor" },
	[W_NO_AUTHOR] = { "(sem nome)", "(without a name)", "(sin nombre)" },
	[W_COST_TITLE] = { "Custo: quanto os modelos trabalharam, em minutos "
	    "por dia", "Cost: how long the models worked, in minutes a day",
	    "Costo: cuánto trabajaron los modelos, en minutos por día" },
	[W_MINUTES] = { "minutos", "minutes", "minutos" },
	[W_READ] = { "tokens lidos", "tokens read", "tokens leídos" },
	[W_WRITTEN] = { "tokens escritos", "tokens written",
	    "tokens escritos" },
};

static const char	style[] =
	":root{color-scheme:light dark;--ink:#1c2733;--soft:#51606f;"
	"--paper:#fff;--page:#f3f5f8;--line:#d5dbe3;--a:#1f62d0;--b:#8a4fd3;"
	"--c:#0b7d6e;--good:#1f62d0;--bad:#c2500a}"
	"@media(prefers-color-scheme:dark){:root{--ink:#e8edf3;--soft:#a9b6c4;"
	"--paper:#1a222c;--page:#10161d;--line:#36424f;--a:#78aaff;"
	"--b:#c29bff;--c:#4fc7b4;--good:#78aaff;--bad:#ff9c5a}}"
	"*{box-sizing:border-box}"
	"body{margin:0;background:var(--page);color:var(--ink);font:16px/1.45 "
	"system-ui,sans-serif}"
	"header,main{max-width:72rem;margin:0 auto;padding:1rem}"
	"h1{margin:.5rem 0 0;font-size:1.7rem}h2{font-size:1.05rem;"
	"margin:0 0 .5rem}p{margin:.25rem 0}.soft{color:var(--soft)}"
	"ul.sum{list-style:none;padding:0;margin:1rem 0 0;display:grid;gap:"
	"1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,14rem),"
	"1fr))}ul.sum b{display:block;font-size:1.9rem;line-height:1.2}"
	"ul.sum li,section{background:var(--paper);border:1px solid "
	"var(--line);border-radius:.5rem;padding:1rem}"
	"main{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,"
	"minmax(min(100%,26rem),1fr));align-items:start}"
	"section{min-width:0}svg{display:block;width:100%;height:auto}"
	"svg text{font:11px system-ui,sans-serif;fill:var(--ink)}"
	"svg .grid{stroke:var(--line)}.a{fill:var(--a)}.b{fill:var(--b)}"
	".c{fill:var(--c)}.good{fill:var(--good)}.bad{fill:var(--bad)}"
	".la{stroke:var(--a);fill:none;stroke-width:2}.lb{stroke:var(--b);"
	"fill:none;stroke-width:2;stroke-dasharray:5 3}"
	".key{display:flex;flex-wrap:wrap;gap:.25rem 1rem;font-size:.85rem;"
	"margin:0 0 .5rem;padding:0;list-style:none}.key svg{display:inline-"
	"block;width:1.4em;height:.8em;margin-right:.35em}"
	"details{margin-top:.75rem}summary{cursor:pointer;color:var(--soft)}"
	"section.long{grid-column:1/-1}.k{white-space:nowrap}"
	".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;"
	"font-size:.85rem;margin-top:.5rem}th,td{text-align:left;"
	"padding:.25rem .5rem .25rem 0;border-bottom:1px solid var(--line);"
	"vertical-align:top;overflow-wrap:anywhere}td.n,th.n{text-align:right;"
	"white-space:nowrap;font-variant-numeric:tabular-nums}"
	"caption{text-align:left;color:var(--soft)}"
	"@media print{:root{color-scheme:light;--ink:#000;--soft:#333;"
	"--paper:#fff;--page:#fff;--line:#999;--a:#1f62d0;--b:#8a4fd3;"
	"--c:#0b7d6e;--good:#1f62d0;--bad:#c2500a}body{font-size:11pt;"
	"print-color-adjust:exact;-webkit-print-color-adjust:exact}"
	"section,ul.sum li{break-inside:avoid}section.long{break-inside:auto}"
	"main{display:block}section{margin-bottom:1rem}}";

static int	page_ids;	/* of the titles in the page */

static const char *
page_word(const struct report_figures *f, enum word w)
{
	return words[w][f->language];
}

/*
 * The length of what a reader must not get: controls, and marks that change the
 * direction of what follows.  0: the character is harmless.
 */
static size_t
page_harm(const unsigned char *p)
{
	if (p[0] < ' ' || p[0] == 0x7f)
		return 1;
	if ((p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) ||
	    (p[0] == 0xd8 && p[1] == 0x9c))
		return 2;
	if (p[0] == 0xe2 && ((p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f ||
	    (p[2] >= 0xa8 && p[2] <= 0xae))) || (p[1] == 0x81 &&
	    p[2] >= 0xa6 && p[2] <= 0xa9)))
		return 3;
	return 0;
}

/* Writes a text, at most so many characters of it, for HTML. */
static void
page_cut(const char *text, int most)
{
	const unsigned char	*p = (const unsigned char *)text;
	size_t			 n;

	for (; *p != '\0' && most > 0; most--) {
		if ((n = page_harm(p)) > 0) {
			(void)putchar(' ');
			p += n;
			continue;
		}
		n = 1;
		switch (*p) {
		case '<':
			(void)fputs("&lt;", stdout);
			break;
		case '>':
			(void)fputs("&gt;", stdout);
			break;
		case '&':
			(void)fputs("&amp;", stdout);
			break;
		case '"':
			(void)fputs("&quot;", stdout);
			break;
		default:
			while ((p[n] & 0xc0) == 0x80)
				n++;
			(void)fwrite(p, 1, n, stdout);
		}
		p += n;
	}
	if (*p != '\0')
		(void)fputs("…", stdout);
}

static void
page_text(const char *text)
{
	page_cut(text, INT32_MAX);
}

/* A number in tenths, or a whole one, as it is written in the language. */
static const char *
page_number_of(const struct report_figures *f, int64_t n, bool tenths,
    char to[40])
{
	const char	*point = f->language == LANGUAGE_EN ? "." : ",";
	const char	*group = f->language == LANGUAGE_EN ? "," : ".";
	char		 digits[24];
	size_t		 len, i, out = 0;

	len = (size_t)snprintf(digits, sizeof(digits), "%" PRId64,
	    tenths ? n / 10 : n);
	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			to[out++] = *group;
		to[out++] = digits[i];
	}
	to[out] = '\0';
	if (tenths)
		(void)snprintf(to + out, 40 - out, "%s%d", point,
		    (int)(n % 10));
	return to;
}

static const char *
page_number(const struct report_figures *f, int64_t n, char to[40])
{
	return page_number_of(f, n, false, to);
}

/* Milliseconds as seconds: with a tenth below 100. */
static const char *
page_seconds(const struct report_figures *f, int64_t ms, char to[40])
{
	return ms < 100000 ? page_number_of(f, (ms + 50) / 100, true, to) :
	    page_number(f, (ms + 500) / 1000, to);
}

static const char *
page_minutes(const struct report_figures *f, int64_t ms, char to[40])
{
	return ms < 6000000 ? page_number_of(f, (ms + 3000) / 6000, true, to) :
	    page_number(f, (ms + 30000) / 60000, to);
}

/* A date as people write it. */
static const char *
page_date(const struct report_figures *f, const char *iso, char to[12])
{
	if (f->language == LANGUAGE_EN)
		(void)snprintf(to, 12, "%.10s", iso);
	else
		(void)snprintf(to, 12, "%.2s/%.2s/%.4s", iso + 8, iso + 5,
		    iso);
	return to;
}

/* How many of 100 are good, rounded; 100 only if none is bad. */
static int64_t
page_share(int64_t good, int64_t bad)
{
	const int64_t	share = good + bad == 0 ? 0 : (good * 200 + good +
			    bad) / (2 * (good + bad));

	return share == 100 && bad > 0 ? 99 : share;
}

/* Begins a part of the page; `more' is a second line. */
static void
page_section(const struct report_figures *f, enum word title, const char *more,
    bool is_long)
{
	page_ids++;
	(void)printf("<section%s aria-labelledby=\"t%d\"><h2 id=\"t%d\">%s"
	    "</h2>\n", is_long ? " class=\"long\"" : "", page_ids, page_ids,
	    page_word(f, title));
	if (*more != '\0')
		(void)printf("<p class=\"soft\">%s</p>\n", more);
}

/* Ends a part of the page that has nothing to show, and says why. */
static void
page_empty(const struct report_figures *f, enum word why)
{
	(void)printf("<p>%s</p>\n</section>\n", page_word(f, why));
}

/* Begins the table of a chart's numbers; `head' are its columns. */
static void
page_table(const struct report_figures *f, const enum word *head, size_t count,
    size_t texts, bool open)
{
	size_t	i;

	if (!open)
		(void)printf("<details><summary>%s</summary>",
		    page_word(f, W_NUMBERS));
	(void)fputs("<div class=\"wide\" tabindex=\"0\" role=\"group\" ",
	    stdout);
	(void)printf("aria-labelledby=\"t%d\"><table><thead><tr>", page_ids);
	for (i = 0; i < count; i++)
		(void)printf("<th scope=\"col\"%s>%s</th>", i < texts ? "" :
		    " class=\"n\"", page_word(f, head[i]));
	(void)fputs("</tr></thead><tbody>\n", stdout);
}

static void
page_table_end(bool open)
{
	(void)printf("</tbody></table></div>%s\n</section>\n", open ? "" :
	    "</details>");
}

static void
page_cell(const char *text)
{
	(void)fputs("<td><bdi>", stdout);
	page_text(text);
	(void)fputs("</bdi></td>", stdout);
}

static void
page_figure(const struct report_figures *f, int64_t n)
{
	char	text[40];

	(void)printf("<td class=\"n\">%s</td>", page_number(f, n, text));
}

/* The least round number that is no smaller: 1, 2, 4, 5 or 10 times a power of
   ten. */
static int64_t
page_round(int64_t n)
{
	static const int	steps[] = { 1, 2, 4, 5, 10 };
	int64_t			power = 1;
	size_t			i;

	while (power * 10 < n)
		power *= 10;
	for (i = 0; i < 4 && steps[i] * power < n; )
		i++;
	return steps[i] * power;
}

static double
page_x(const struct report_figures *f, double bar)
{
	return LEFT + (WIDE - LEFT - RIGHT) * bar / (double)f->bars;
}

/* Begins a chart over time whose numbers go up to `top', in `unit's. */
static void
page_axes(const struct report_figures *f, int64_t top, int64_t unit)
{
	char	text[40], date[12];
	size_t	i, at[3] = { 0, f->bars / 2, f->bars - 1 };
	int	k, y;

	(void)printf("<svg viewBox=\"0 0 %d %d\" role=\"img\" "
	    "aria-labelledby=\"t%d\">\n", WIDE, TOP + HIGH + 22, page_ids);
	for (k = 0; k < 3; k++) {
		y = TOP + HIGH - HIGH * k / 2;
		(void)printf("<line class=\"grid\" x1=\"%d\" x2=\"%d\" "
		    "y1=\"%d\" y2=\"%d\"/>", LEFT, WIDE - RIGHT, y, y);
		if (k == 1 && top / unit % 2 == 1)
			continue;
		(void)printf("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s"
		    "</text>\n", LEFT - 5, y + 4, page_number(f, top / unit *
		    k / 2, text));
	}
	for (i = 0; i < 3; i++) {
		if (i > 0 && (at[i] == at[i - 1] || f->bars < 3))
			continue;
		(void)printf("<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s"
		    "</text>\n", i == 0 ? LEFT : i == 2 ? WIDE - RIGHT :
		    page_x(f, (double)at[i] + .5), TOP + HIGH + 16, i == 0 ?
		    "start" : i == 2 ? "end" : "middle", page_date(f,
		    f->bar[at[i]].first, date));
	}
}

/* A line of the legend. */
static void
page_key(const char *class, const char *what)
{
	(void)printf("<li><svg viewBox=\"0 0 14 8\" aria-hidden=\"true\">");
	if (*class == 'l')
		(void)printf("<path class=\"%s\" d=\"M0 4H14\"/>", class);
	else
		(void)printf("<rect class=\"%s\" width=\"14\" height=\"8\"/>",
		    class);
	(void)printf("</svg>%s</li>", what);
}

/* A part of a bar, which begins at `from'.  Returns where it ends. */
static int64_t
page_bar(const struct report_figures *f, size_t i, const char *class,
    int64_t from, int64_t n, int64_t top)
{
	const double	high = (double)HIGH * (double)n / (double)top;
	const double	x = page_x(f, (double)i + .12);

	if (n > 0)
		(void)printf("<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" "
		    "width=\"%.1f\" height=\"%.1f\"/>\n", class, x, TOP +
		    HIGH - (double)HIGH * (double)from / (double)top - high,
		    page_x(f, (double)i + .88) - x, high);
	return from + n;
}

/* Says of the charts over time what a point of them is. */
static const char *
page_point(const struct report_figures *f, char to[80])
{
	to[0] = '\0';
	if (f->days_a_bar > 1) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(to, 80, page_word(f, W_DAYS_A_BAR),
		    f->days_a_bar);
#pragma GCC diagnostic pop
	}
	return to;
}

static void
page_answers(const struct report_figures *f)
{
	static const enum word	head[] = { W_DAY, W_AI, W_QUESTIONS,
				    W_PEOPLE };
	char			date[12], more[80];
	int64_t			top = 1, n;
	size_t			i;

	page_section(f, W_ANSWERS_TITLE, page_point(f, more), false);
	for (i = 0; i < f->bars; i++) {
		n = f->bar[i].answers + f->bar[i].questions +
		    f->bar[i].written;
		top = n > top ? n : top;
	}
	if (f->all.answers + f->all.questions + f->all.written == 0) {
		page_empty(f, W_EMPTY);
		return;
	}
	(void)fputs("<ul class=\"key\">", stdout);
	page_key("a", page_word(f, W_AI));
	page_key("b", page_word(f, W_QUESTIONS));
	page_key("c", page_word(f, W_PEOPLE));
	(void)fputs("</ul>\n", stdout);
	page_axes(f, top = page_round(top), 1);
	for (i = 0; i < f->bars; i++) {
		n = page_bar(f, i, "a", 0, f->bar[i].answers, top);
		n = page_bar(f, i, "b", n, f->bar[i].questions, top);
		(void)page_bar(f, i, "c", n, f->bar[i].written, top);
	}
	(void)fputs("</svg>\n", stdout);
	page_table(f, head, 4, 1, false);
	for (i = 0; i < f->bars; i++) {
		(void)printf("<tr><th scope=\"row\" class=\"k\">%s</th>",
		    page_date(f, f->bar[i].first, date));
		page_figure(f, f->bar[i].answers);
		page_figure(f, f->bar[i].questions);
		page_figure(f, f->bar[i].written);
		(void)fputs("</tr>\n", stdout);
	}
	page_table_end(false);
}

/* One of the two lines of the waits: through the days that have answers. */
static void
page_line(const struct report_figures *f, bool most, int64_t top)
{
	const char	*class = most ? "lb" : "la";
	int64_t		 ms;
	size_t		 i;
	bool		 begun = false;

	(void)printf("<path class=\"%s\" d=\"", class);
	for (i = 0; i < f->bars; i++) {
		if (f->bar[i].waits == 0)
			continue;
		ms = most ? f->bar[i].wait_most : f->bar[i].wait_half;
		(void)printf("%c%.1f %.1f", begun ? 'L' : 'M', page_x(f,
		    (double)i + .5), TOP + HIGH - (double)HIGH * (double)ms /
		    (double)top);
		begun = true;
	}
	(void)fputs("\"/>\n", stdout);
	for (i = 0; i < f->bars; i++) {
		ms = most ? f->bar[i].wait_most : f->bar[i].wait_half;
		if (f->bar[i].waits > 0)
			(void)printf("<circle class=\"%s\" cx=\"%.1f\" "
			    "cy=\"%.1f\" r=\"2.5\"/>\n", most ? "b" : "a",
			    page_x(f, (double)i + .5), TOP + HIGH -
			    (double)HIGH * (double)ms / (double)top);
	}
}

static void
page_waits(const struct report_figures *f)
{
	static const enum word	head[] = { W_DAY, W_HALF, W_MOST, W_ANSWERS };
	char			date[12], a[40], b[40], more[80];
	int64_t			top = 1;
	size_t			i;

	page_section(f, W_WAIT_TITLE, page_point(f, more), false);
	if (f->all.waits == 0) {
		page_empty(f, W_EMPTY);
		return;
	}
	for (i = 0; i < f->bars; i++)
		top = f->bar[i].wait_most > top ? f->bar[i].wait_most : top;
	(void)fputs("<ul class=\"key\">", stdout);
	page_key("la", page_word(f, W_HALF));
	page_key("lb", page_word(f, W_MOST));
	(void)fputs("</ul>\n", stdout);
	top = page_round((top + 999) / 1000) * 1000;
	page_axes(f, top, 1000);
	page_line(f, true, top);
	page_line(f, false, top);
	(void)fputs("</svg>\n", stdout);
	page_table(f, head, 4, 1, false);
	for (i = 0; i < f->bars; i++) {
		if (f->bar[i].waits == 0)
			continue;
		(void)printf("<tr><th scope=\"row\" class=\"k\">%s</th>"
		    "<td class=\"n\">%s"
		    "</td><td class=\"n\">%s</td>", page_date(f,
		    f->bar[i].first, date), page_seconds(f,
		    f->bar[i].wait_half, a), page_seconds(f,
		    f->bar[i].wait_most, b));
		page_figure(f, f->bar[i].waits);
		(void)fputs("</tr>\n", stdout);
	}
	page_table_end(false);
}

static void
page_cost(const struct report_figures *f)
{
	static const enum word	head[] = { W_DAY, W_MINUTES, W_READ,
				    W_WRITTEN };
	char			date[12], a[40], more[80];
	int64_t			top = 1;
	size_t			i;

	page_section(f, W_COST_TITLE, page_point(f, more), false);
	if (f->all.model_ms + f->all.prompt_tokens + f->all.answer_tokens ==
	    0) {
		page_empty(f, W_EMPTY);
		return;
	}
	for (i = 0; i < f->bars; i++)
		top = f->bar[i].model_ms > top ? f->bar[i].model_ms : top;
	top = page_round((top + 59999) / 60000) * 60000;
	page_axes(f, top, 60000);
	for (i = 0; i < f->bars; i++)
		(void)page_bar(f, i, "a", 0, f->bar[i].model_ms, top);
	(void)fputs("</svg>\n", stdout);
	page_table(f, head, 4, 1, false);
	for (i = 0; i < f->bars; i++) {
		(void)printf("<tr><th scope=\"row\" class=\"k\">%s</th>"
		    "<td class=\"n\">%s"
		    "</td>", page_date(f, f->bar[i].first, date),
		    page_minutes(f, f->bar[i].model_ms, a));
		page_figure(f, f->bar[i].prompt_tokens);
		page_figure(f, f->bar[i].answer_tokens);
		(void)fputs("</tr>\n", stdout);
	}
	page_table_end(false);
}

/* Begins a chart by name with so many rows. */
static void
page_rows(size_t rows)
{
	(void)printf("<svg viewBox=\"0 0 %d %d\" role=\"img\" "
	    "aria-labelledby=\"t%d\">\n", WIDE, (int)rows * ROW_HIGH,
	    page_ids);
}

/* A row of such a chart: a name, one or two bars, and what they say. */
static void
page_row(size_t row, const char *name, int64_t first, int64_t second,
    int64_t top, const char *class, const char *says)
{
	const int	y = (int)row * ROW_HIGH;
	const double	wide = WIDE - SAYS;
	const double	a = wide * (double)first / (double)top;
	const double	b = wide * (double)second / (double)top;

	(void)printf("<text x=\"2\" y=\"%d\">", y + 15);
	page_cut(name, LABEL_MAX);
	(void)printf("</text><rect class=\"%s\" y=\"%d\" width=\"%.1f\" "
	    "height=\"12\"/>", class, y + 20, a);
	if (second > 0)
		(void)printf("<rect class=\"bad\" x=\"%.1f\" y=\"%d\" "
		    "width=\"%.1f\" height=\"12\"/>", a + (a > 0 ? 1 : 0),
		    y + 20, b);
	(void)printf("<text x=\"%.1f\" y=\"%d\">%s</text>\n", a + b + 6,
	    y + 30, says);
}

static const char *
page_name(const struct report_figures *f, const struct report_name *n,
    enum word without)
{
	return *n->name == '\0' ? page_word(f, without) : n->name;
}

static int
page_by_ratings(const void *a, const void *b)
{
	const struct report_name	*x = a, *y = b;
	const int64_t			 m = x->good + x->bad;
	const int64_t			 n = y->good + y->bad;

	if (m != n)
		return m > n ? -1 : 1;
	return x->answers != y->answers ? (x->answers > y->answers ? -1 : 1) :
	    strcmp(x->name, y->name);
}

static int
page_by_cited(const void *a, const void *b)
{
	const struct report_name	*x = a, *y = b;

	if (x->cited != y->cited)
		return x->cited > y->cited ? -1 : 1;
	return x->given != y->given ? (x->given > y->given ? -1 : 1) :
	    strcmp(x->name, y->name);
}

static int
page_by_answers(const void *a, const void *b)
{
	const struct report_name	*x = a, *y = b;

	return x->answers != y->answers ? (x->answers > y->answers ? -1 : 1) :
	    strcmp(x->name, y->name);
}

/* A sorted copy of names, which the caller frees; NULL: there are none. */
static struct report_name *
page_sorted(const struct report_names *n, int (*order)(const void *,
    const void *))
{
	struct report_name	*copy;

	if (n->count == 0 || (copy = malloc(n->count * sizeof(*copy))) == NULL)
		return NULL;
	memcpy(copy, n->name, n->count * sizeof(*copy));
	qsort(copy, n->count, sizeof(*copy), order);
	return copy;
}

/* Rows of a table behind which the others are only counted. */
static void
page_others(const struct report_figures *f, int64_t n, int columns)
{
	char	text[40];

	if (n > 0)
		(void)printf("<tr><td colspan=\"%d\">+ %s %s</td></tr>\n",
		    columns, page_number(f, n, text), page_word(f, W_OTHERS));
}

/* Ratings by model, or by system prompt. */
static void
page_ratings(const struct report_figures *f, const struct report_names *names,
    enum word title, enum word what)
{
	const enum word		 head[] = { what, W_ANSWERS, W_GOOD, W_BAD,
				    W_SHARE };
	struct report_name	*n = page_sorted(names, page_by_ratings);
	char			 a[40], says[80];
	size_t			 i, rated = 0;
	int64_t			 top = 1;

	page_section(f, title, "", false);
	if (n == NULL) {
		page_empty(f, W_EMPTY);
		return;
	}
	for (i = 0; i < names->count && n[i].good + n[i].bad > 0; i++)
		rated += i < ROWS_MAX;
	if (rated == 0) {
		(void)printf("<p>%s</p>\n", page_word(f, W_NOT_RATED));
	} else {
		top = n[0].good + n[0].bad;
		(void)fputs("<ul class=\"key\">", stdout);
		page_key("good", page_word(f, W_GOOD));
		page_key("bad", page_word(f, W_BAD));
		(void)fputs("</ul>\n", stdout);
		page_rows(rated);
	}
	for (i = 0; i < rated; i++) {
		(void)snprintf(says, sizeof(says), "%d %% %s %s",
		    (int)page_share(n[i].good, n[i].bad),
		    page_word(f, W_OF), page_number(f,
		    n[i].good + n[i].bad, a));
		page_row(i, page_name(f, &n[i], W_UNKNOWN), n[i].good,
		    n[i].bad, top, "good", says);
	}
	if (rated > 0)
		(void)fputs("</svg>\n", stdout);
	page_table(f, head, 5, 1, false);
	for (i = 0; i < names->count && i < LIST_MAX; i++) {
		(void)fputs("<tr>", stdout);
		page_cell(page_name(f, &n[i], W_UNKNOWN));
		page_figure(f, n[i].answers);
		page_figure(f, n[i].good);
		page_figure(f, n[i].bad);
		if (n[i].good + n[i].bad > 0)
			page_figure(f, page_share(n[i].good, n[i].bad));
		else
			(void)fputs("<td class=\"n\">–</td>", stdout);
		(void)fputs("</tr>\n", stdout);
	}
	page_others(f, (int64_t)(names->count - i) + names->others, 5);
	page_table_end(false);
	free(n);
}

/* The words for a reason of a bad rating. */
static const char *
page_reason(const struct report_figures *f, const char *name)
{
	static const struct {
		const char	*name;
		enum word	 word;
	} known[] = {
		{ "wrong", W_WRONG }, { "incomplete", W_INCOMPLETE },
		{ "unsafe", W_UNSAFE }, { "language", W_LANGUAGE },
		{ "other", W_OTHER }, { "", W_NO_REASON },
	};
	size_t	i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i].name) == 0)
			return page_word(f, known[i].word);
	}
	return name;
}

static int
page_by_bad(const void *a, const void *b)
{
	const struct report_name	*x = a, *y = b;

	return x->bad != y->bad ? (x->bad > y->bad ? -1 : 1) :
	    strcmp(x->name, y->name);
}

static void
page_reasons(const struct report_figures *f)
{
	static const enum word	 head[] = { W_REASON, W_RATINGS_UNIT };
	struct report_name	*n = page_sorted(&f->reasons, page_by_bad);
	char			 a[40];
	size_t			 i;

	page_section(f, W_REASON_TITLE, "", false);
	if (n == NULL) {
		page_empty(f, W_EMPTY);
		return;
	}
	page_rows(f->reasons.count < ROWS_MAX ? f->reasons.count : ROWS_MAX);
	for (i = 0; i < f->reasons.count && i < ROWS_MAX; i++)
		page_row(i, page_reason(f, n[i].name), n[i].bad, 0, n[0].bad,
		    "bad", page_number(f, n[i].bad, a));
	(void)fputs("</svg>\n", stdout);
	page_table(f, head, 2, 1, false);
	for (i = 0; i < f->reasons.count && i < LIST_MAX; i++) {
		(void)fputs("<tr>", stdout);
		page_cell(page_reason(f, n[i].name));
		page_figure(f, n[i].bad);
		(void)fputs("</tr>\n", stdout);
	}
	page_table_end(false);
	free(n);
}

static void
page_people(const struct report_figures *f)
{
	static const enum word	 head[] = { W_AUTHOR, W_ANSWERS, W_GOOD,
				    W_BAD };
	struct report_name	*n = page_sorted(&f->authors,
				    page_by_answers);
	char			 a[40];
	size_t			 i;

	page_section(f, W_PEOPLE_TITLE, "", false);
	if (n == NULL) {
		page_empty(f, W_EMPTY);
		return;
	}
	page_rows(f->authors.count < ROWS_MAX ? f->authors.count : ROWS_MAX);
	for (i = 0; i < f->authors.count && i < ROWS_MAX; i++)
		page_row(i, page_name(f, &n[i], W_NO_AUTHOR), n[i].answers, 0,
		    n[0].answers, "c", page_number(f, n[i].answers, a));
	(void)fputs("</svg>\n", stdout);
	page_table(f, head, 4, 1, false);
	for (i = 0; i < f->authors.count && i < LIST_MAX; i++) {
		(void)fputs("<tr>", stdout);
		page_cell(page_name(f, &n[i], W_NO_AUTHOR));
		page_figure(f, n[i].answers);
		page_figure(f, n[i].good);
		page_figure(f, n[i].bad);
		(void)fputs("</tr>\n", stdout);
	}
	page_others(f, (int64_t)(f->authors.count - i) + f->authors.others, 4);
	page_table_end(false);
	free(n);
}

/* A row of the tables about notes. */
static void
page_note(const struct report_figures *f, const struct report_name *n,
    bool cited)
{
	(void)fputs("<tr>", stdout);
	page_cell(n->name);
	page_cell(n->title);
	page_figure(f, n->given);
	if (cited)
		page_figure(f, n->cited);
	(void)fputs("</tr>\n", stdout);
}

/* The notes that are cited most; n is sorted by that. */
static void
page_cited(const struct report_figures *f, const struct report_name *n)
{
	static const enum word	head[] = { W_NOTE, W_NOTE_TITLE, W_GIVEN,
				    W_CITED };
	char			a[40];
	size_t			i, cited = 0;

	page_section(f, W_CITED_TITLE, "", false);
	while (n != NULL && cited < f->notes.count && n[cited].cited > 0)
		cited++;
	if (cited == 0) {
		page_empty(f, f->documents + (int64_t)f->notes.count == 0 ?
		    W_NO_NOTES : W_EMPTY);
		return;
	}
	page_rows(cited < ROWS_MAX ? cited : ROWS_MAX);
	for (i = 0; i < cited && i < ROWS_MAX; i++)
		page_row(i, *n[i].title == '\0' ? n[i].name : n[i].title,
		    n[i].cited, 0, n[0].cited, "a", page_number(f, n[i].cited,
		    a));
	(void)fputs("</svg>\n", stdout);
	page_table(f, head, 4, 2, false);
	for (i = 0; i < cited && i < LIST_MAX; i++)
		page_note(f, &n[i], true);
	page_others(f, (int64_t)(cited - i), 4);
	page_table_end(false);
}

/* The notes that are learnt and were never cited. */
static void
page_uncited(const struct report_figures *f, const struct report_name *n)
{
	static const enum word	head[] = { W_NOTE, W_NOTE_TITLE, W_GIVEN };
	char			more[200], line[160], a[40], b[40];
	size_t			i;
	int64_t			shown = 0;

	(void)page_number(f, f->uncited, a);
	(void)page_number(f, f->documents, b);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(line, sizeof(line), page_word(f, W_UNCITED_ALL), a, b);
#pragma GCC diagnostic pop
	(void)snprintf(more, sizeof(more), "%s; %s", line,
	    page_word(f, W_FIRST_FEW));
	page_section(f, W_UNCITED_TITLE, f->uncited == 0 ? "" : more, true);
	if (f->uncited == 0) {
		page_empty(f, f->documents == 0 ? W_NO_NOTES : W_NONE);
		return;
	}
	page_table(f, head, 3, 2, true);
	for (i = 0; n != NULL && i < f->notes.count && shown < LIST_MAX; i++) {
		if (!n[i].known || n[i].cited > 0)
			continue;
		page_note(f, &n[i], false);
		shown++;
	}
	page_others(f, f->uncited - shown, 3);
	page_table_end(true);
}

static void
page_unfitted(const struct report_figures *f)
{
	static const enum word	head[] = { W_TICKET, W_DAY, W_BEGINS };
	char			more[160], a[40], date[12];
	size_t			i;

	(void)page_number(f, f->unfitted_all, a);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(more, sizeof(more), page_word(f, W_NEWEST), a);
#pragma GCC diagnostic pop
	page_section(f, W_UNFITTED_TITLE, f->unfitted_count == 0 ? "" : more,
	    true);
	if (f->unfitted_count == 0) {
		page_empty(f, f->documents + (int64_t)f->notes.count == 0 ?
		    W_NO_NOTES : W_EMPTY);
		return;
	}
	page_table(f, head, 3, 3, true);
	for (i = 0; i < f->unfitted_count; i++) {
		(void)printf("<tr><th scope=\"row\" class=\"k\">%s</th>"
		    "<td class=\"k\">%s</td><td><bdi>",
		    f->unfitted[i].ticket, page_date(f, f->unfitted[i].day,
		    date));
		page_cut(f->unfitted[i].words, 160);
		(void)fputs("</bdi></td></tr>\n", stdout);
	}
	page_others(f, f->unfitted_all - (int64_t)f->unfitted_count, 3);
	page_table_end(true);
}

/* The four figures at the top. */
static void
page_sum(const struct report_figures *f)
{
	const struct report_span	*s = &f->all;
	char				 a[40], b[40], c[40];

	(void)fputs("<ul class=\"sum\">\n<li><b>", stdout);
	(void)printf("%s</b>", page_number(f, s->answers + s->questions, a));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)printf(page_word(f, W_ANSWERS_SUM), page_number(f, s->questions,
	    b), page_number(f, s->written, c));
	(void)fputs("</li>\n<li><b>", stdout);
	if (s->waits == 0) {
		(void)printf("–</b>%s", page_word(f, W_EMPTY));
	} else {
		(void)printf("%s s</b>", page_seconds(f, s->wait_half, a));
		(void)printf(page_word(f, W_WAIT_SUM), page_seconds(f,
		    s->wait_most, b));
	}
	(void)fputs("</li>\n<li><b>", stdout);
	if (s->good + s->bad == 0) {
		(void)printf("–</b>%s", page_word(f, W_NOT_RATED));
	} else {
		(void)printf("%d %%</b>", (int)page_share(s->good, s->bad));
		(void)printf(page_word(f, W_RATED_SUM), page_number(f,
		    s->good + s->bad, a));
	}
#pragma GCC diagnostic pop
	(void)fputs("</li>\n", stdout);
	if (f->documents + (int64_t)f->notes.count > 0)
		(void)printf("<li><b>%s</b>%s</li>\n", page_number(f,
		    f->unfitted_all, a), page_word(f, W_CITED_SUM));
	(void)fputs("</ul>\n", stdout);
}

static void
page_head(const struct report_figures *f)
{
	char	a[12], b[12];

	(void)printf("<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta "
	    "charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" "
	    "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, "
	    "initial-scale=1\">\n<meta name=\"referrer\" "
	    "content=\"no-referrer\">\n<title>%s</title>\n<style>%s</style>\n"
	    "</head>\n<body>\n<header>\n<h1>%s</h1>\n<p class=\"soft\">",
	    page_word(f, W_TAG), page_word(f, W_TITLE), style,
	    page_word(f, W_TITLE));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)printf(page_word(f, W_PERIOD), page_date(f, f->begins, a),
	    page_date(f, f->last, b));
#pragma GCC diagnostic pop
	(void)printf(" (%s)</p>\n", page_word(f, W_UTC));
}

void
report_page(const struct report_figures *f)
{
	struct report_name	*notes = page_sorted(&f->notes, page_by_cited);

	page_head(f);
	page_sum(f);
	(void)fputs("</header>\n<main>\n", stdout);
	page_answers(f);
	page_waits(f);
	page_ratings(f, &f->models, W_MODEL_TITLE, W_MODEL);
	page_ratings(f, &f->prompts, W_PROMPT_TITLE, W_PROMPT);
	page_reasons(f);
	page_people(f);
	page_cited(f, notes);
	page_cost(f);
	page_uncited(f, notes);
	page_unfitted(f);
	(void)fputs("</main>\n</body>\n</html>\n", stdout);
	free(notes);
}
