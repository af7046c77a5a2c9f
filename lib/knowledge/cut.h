/*
 * Cutting a document into passages: at every heading, and a section that is too
 * long at its paragraphs.
 */
#ifndef CUT_H
#define CUT_H

#include <stddef.h>

#include "base/limit.h"
#include "base/link.h"

enum {
	PASSAGE_MAX = 1200,	/* bytes of a passage's text */
	PASSAGES_MAX = 1000	/* of a document */
};

enum cut_kind { CUT_MARKDOWN, CUT_TEXT, CUT_HTML };

/* A document's passages. */
struct cut {
	char	title[TITLE_MAX + 1];	/* of the document */
	char	url[LINK_MAX + 1];	/* from the front matter; "": none */
	struct cut_passage {
		char	 title[TITLE_MAX + 1];	/* with the heading */
		char	*text;			/* owned */
		size_t	 len;
	}	*passage;
	size_t	 count;
};

/*
 * Cuts a text (valid UTF-8 without NUL).  `title' is the document's title; if
 * it is "", it is the first heading that nothing precedes (in HTML <title>),
 * or else `name'.  Of Markdown the front matter is read for `title' and `url'.
 * Returns 0, or -1 with errno: E2BIG (more than PASSAGES_MAX passages), ENODATA
 * (there is no text), ENOMEM.  The caller calls cut_free, also after an error.
 */
int cut(enum cut_kind, const char *text, size_t len, const char *title,
    const char *name, struct cut *) __attribute__((warn_unused_result));
void cut_free(struct cut *);

#endif
