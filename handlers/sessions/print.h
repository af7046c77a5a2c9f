/*
 * Prints rows on standard output: as a table that fits the terminal, as a
 * paragraph for each row, as lines of JSON, or as CSV.
 */
#ifndef PRINT_H
#define PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/store.h"

enum print_format { PRINT_TABLE, PRINT_PARAGRAPHS, PRINT_JSON, PRINT_CSV };

/*
 * A table: a line of names, then a line for each row.  Rows are collected, a
 * thousand at a time, to measure their columns.
 */
struct table {
	struct buf	 texts;		/* the collected texts, each with a
					   NUL */
	int		 waiting;	/* collected rows */
	int		 columns;	/* 0: no row so far */
	bool		 named;		/* the line of names was printed */
	struct column {
		char	name[32];
		int	width;
		bool	text;		/* some of it is not a number, */
		bool	prose;		/* and some is not a time */
	}		 column[CELLS_MAX];
};

/* To be initialised with zeros and a format. */
struct print {
	enum print_format	format;
	int64_t			rows;	/* printed or waiting */
	struct table		table;
};

/* Takes a row from store_report; the first argument is a struct print. */
bool print_row(void *, const struct cell *, int cells);

/* Prints the rows that still wait and frees the memory. */
void print_end(struct print *);

/*
 * Appends a text from outside so that its control characters cannot act on a
 * terminal.  With `line' it stays on one line.
 */
void print_tame(const char *, size_t len, bool line, struct buf *);

#endif
