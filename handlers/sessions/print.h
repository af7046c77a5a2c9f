/*
 * Rows on standard output: a table that fits the terminal, a paragraph for
 * each, lines of JSON, or CSV.
 */
#ifndef PRINT_H
#define PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "sessions/table.h"
#include "store/store.h"

enum print_format { PRINT_TABLE, PRINT_PARAGRAPHS, PRINT_JSON, PRINT_CSV };

/* Zero-initialised but for the format it has printed nothing. */
struct print {
	enum print_format	format;
	int64_t			rows;	/* taken so far */
	struct table		table;
};

/* Takes a row; a struct print, as store_report gives it. */
bool print_row(void *, const struct cell *, int cells);

/* Prints what still waits, and frees. */
void print_end(struct print *);

/*
 * Appends a text from outside for a terminal, which would obey its control
 * characters; with `line' it stays on one line.
 */
void print_tame(const char *, size_t len, bool line, struct buf *);

#endif
