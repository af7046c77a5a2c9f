/*
 * sessions knowledge, sessions similar: what was learnt, and what fits a text.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "json/jsonw.h"
#include "knowledge/learn.h"
#include "knowledge/similar.h"
#include "program.h"
#include "sessions/command.h"
#include "sessions/print.h"
#include "store/knowledge.h"

enum { LINE_BYTES = 65536, BESIDE = 76 };

/* Deletes a document and, with `purge', its texts in what was given. */
static int
knowledge_delete(struct store *store, const char *name, bool purge)
{
	const struct store_text	 t = { name, strlen(name) };
	struct store_ids	 found = { .count = 0 };
	enum failure_code	 rc;

	command_need(store_documents_find(store, &t, 1, store_ids_add,
	    &found), store);
	if (found.count == 0)
		program_fail(EXIT_CLIENT, "there is no document \"%s\" "
		    "(sessions knowledge lists them)", name);
	command_need(store_learn_begin(store), store);
	rc = purge ? store_sources_purge(store, &found) : FAILURE_NONE;
	if (rc == FAILURE_NONE)
		rc = store_document_delete(store, found.id[0]);
	command_need(store_learn_end(store, rc), store);
	command_need(learn_sweep(store, true), store);
	return EXIT_GOOD;
}

int
command_knowledge(const struct settings *s, int argc, char *argv[])
{
	bool				 json = false, csv = false,
					 purge = false, sweep = false, there;
	int64_t				 rows = INT64_MAX;
	const char			*name = NULL;
	const struct command_option	 options[] = {
		{ "json", &json, NULL, NULL },
		{ "csv", &csv, NULL, NULL },
		{ "purge", &purge, NULL, NULL },
		{ "sweep", &sweep, NULL, NULL },
		{ "delete", NULL, NULL, &name },
		{ "n", NULL, &rows, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct print			 p = { .format = PRINT_TABLE };
	struct store			*store;
	enum failure_code		 rc;
	int				 code = EXIT_GOOD;

	(void)command_options(argc, argv, options, 0, 0);
	if ((json && csv) || (purge && name == NULL))
		program_fail(EXIT_USAGE, "knowledge: wrong options (try "
		    "sessions knowledge --help)");
	p.format = json ? PRINT_JSON : csv ? PRINT_CSV : PRINT_TABLE;
	store = command_store(s);
	command_need(store_knowledge_there(store, &there), store);
	if (!there && !sweep)
		program_fail(EXIT_CLIENT, "nothing was learnt yet (sessions "
		    "learn)");
	if (sweep) {
		command_need(learn_sweep(store, true), store);
	} else if (name != NULL) {
		code = knowledge_delete(store, name, purge);
	} else {
		rc = store_report(store, STORE_KNOWLEDGE, 0, rows, print_row,
		    &p);
		command_need(rc, store);
		print_end(&p);
		code = p.rows > 0 ? EXIT_GOOD : EXIT_CLIENT;
	}
	store_close(store);
	return code;
}

static void
similar_print_json(const struct note *n, size_t number)
{
	struct buf	b = BUF_INIT(LINE_BYTES);
	struct jsonw	w;
	char		score[32];

	(void)snprintf(score, sizeof(score), "%.2f", n->score);
	jsonw_begin(&w, &b);
	jsonw_object(&w, NULL);
	jsonw_int(&w, "n", (int64_t)number);
	jsonw_text(&w, "name", n->name);
	jsonw_text(&w, "title", n->title);
	jsonw_text(&w, "url", n->url);
	jsonw_text(&w, "text", n->text);
	jsonw_trusted(&w, "score", score);
	if (jsonw_end(&w, true) == -1)
		program_fail(EXIT_SYSTEM, "%s", strerror(ENOMEM));
	(void)fwrite(b.data, 1, b.len, stdout);
	buf_free(&b);
}

/* A line about a note, and the beginning of its text. */
static void
similar_print(const struct note *n, size_t number)
{
	struct buf	b = BUF_INIT(LINE_BYTES);
	size_t		len;

	print_tame(n->title, strlen(n->title), true, &b);
	(void)printf("%zu  %5.2f  %.*s", number, n->score, (int)b.len,
	    b.len == 0 ? "" : b.data);
	buf_clear(&b);
	print_tame(n->name, strlen(n->name), true, &b);
	(void)printf("  (%.*s)\n", (int)b.len, b.len == 0 ? "" : b.data);
	buf_clear(&b);
	len = strlen(n->text);
	print_tame(n->text, utf8_cut(n->text, len, BESIDE), true, &b);
	(void)printf("   %.*s%s\n", (int)b.len, b.len == 0 ? "" : b.data,
	    len > BESIDE ? "..." : "");
	buf_free(&b);
}

int
command_similar(const struct settings *s, int argc, char *argv[])
{
	bool				 json = false;
	const struct command_option	 options[] = {
		{ "json", &json, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct buf			 b = BUF_INIT(0);
	struct notes			 n;
	struct store			*store;
	enum failure_code		 rc;
	size_t				 i;
	int				 code;

	(void)command_options(argc, argv, options, 0, 0);
	command_text(&b, "text", "MAX_TICKET_BYTES",
	    s->number[SETTING_MAX_TICKET_BYTES], NULL);
	store = command_store(s);
	rc = knowledge_similar(store, s, b.data, b.len,
	    (size_t)s->number[SETTING_KNOWLEDGE], &n);
	if (rc == FAILURE_INTERNAL)
		program_fail(EXIT_SYSTEM, "%s", strerror(ENOMEM));
	command_need(rc, store);
	for (i = 0; i < n.count; i++) {
		if (json)
			similar_print_json(&n.note[i], i + 1);
		else
			similar_print(&n.note[i], i + 1);
	}
	code = n.count > 0 ? EXIT_GOOD : EXIT_CLIENT;
	notes_free(&n);
	store_close(store);
	buf_free(&b);
	return code;
}
