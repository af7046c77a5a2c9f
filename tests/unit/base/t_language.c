/*
 * lib/base/language: tags and Accept-Language headers, good and odd.
 */
#include "base/language.h"
#include "t.h"

static void
tags(void)
{
	enum { PT = LANGUAGE_PT, EN = LANGUAGE_EN, ES = LANGUAGE_ES,
	    NO = LANGUAGE__MAX };
	static const struct {
		const char	*tags;
		int		 want;
	} rows[] = {
		{ "", NO }, { "pt", PT }, { "pt-BR", PT }, { "PT_br", PT },
		{ "en", EN }, { "en-US", EN }, { "EN", EN }, { "de", NO },
		{ "p", NO }, { "ptx", NO }, { "eng", NO }, { ",", NO },
		{ ",,en", EN }, { "*", NO }, { " en", EN }, { "\tpt", PT },
		{ "de,en", EN }, { "de, en;q=0.5", EN }, { "pt,en", PT },
		{ "en,pt", EN }, { "en;q=0.8,pt;q=0.9", PT },
		{ "en;q=0.9, pt;q=0.8", EN }, { "en;q=0.5,pt;q=0.5", EN },
		{ "en; q=0.2, pt; q=0.3", PT }, { "en;Q=0.2,pt;Q=0.1", EN },
		{ "en ;q=0.1, pt;q=0.2", PT }, { "pt;q=0.999,en", EN },
		{ "en;q=0.123,pt;q=0.124", PT }, { "en;q=1.000,pt", EN },
		{ "en;q=0", NO }, { "en;q=0.000", NO }, { "pt;q=0,en", EN },
		{ "en;q=0.0001", NO }, { "fr;q=1,pt-PT;q=0.1", PT },
		{ "en-US,en;q=0.9,pt-BR;q=0.8,pt;q=0.7", EN },
		{ "pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7", PT },
		/* A tab is white space as well (RFC 9110 5.6.3). */
		{ "en;\tq=0.2, pt;q=0.3", PT }, { "en\t;q=0.1,pt;q=0.2", PT },
		{ "pt; \t q=0.1,\ten\t;\tq=0.9", EN }, { "en\t", EN },
		{ "en\t,pt", EN }, { "pt;q=0.5\t,en;q=0.4", PT },
		{ "en;", EN }, { "en;q", EN }, { "en;q=", EN },
		{ "en;x=0.1,pt;q=0.9", EN }, { "es", ES }, { "es-419", ES },
		{ "ES-mx;q=0.9,en;q=0.8", ES }, { "ca,es;q=0.9", ES },
		{ "est", NO }, { "en,es", EN },
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].tags);
		check_int(language_of(rows[i].tags), rows[i].want);
	}
}

/* Every prefix of a header: the sanitizers detect reads past its end. */
static void
starts(void)
{
	static const char	header[] = "en-US;q=0.5, pt-BR ; q=0.123,de";
	size_t			i;
	char			*s;

	for (i = 0; i < sizeof(header); i++) {
		if ((s = strndup(header, i)) == NULL)
			t_die("strndup");
		row("%s", s);
		check(language_of(s) <= LANGUAGE__MAX);
		free(s);
	}
}

int
main(void)
{
	t_begin();
	run(tags);
	run(starts);
	return t_end();
}
