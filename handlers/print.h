/*
 * Rows on standard output: a table that fits the terminal, a paragraph for
 * each, lines of JSON, or CSV.
 */
#ifndef PRINT_H
#define PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "store.h"

enum print_format { PRINT_TABLE, PRINT_PARAGRAPHS, PRINT_JSON, PRINT_CSV };

/* Zero-initialised but for the format it has printed nothing. */
struct print {
	enum print_format	 format;
	int64_t			 rows;		/* taken so far */
	/* A table's rows wait until their columns have been measured. */
	struct buf		 held;		/* their texts, a NUL behind
						   each; none for NULL: "-" */
	int			 waiting;	/* rows in it */
	int			 columns;
	struct print_column {
		char	name[32];
		int	width;
		bool	text;		/* something in it is no number */
	}			 column[CELLS_MAX];
};

/* Takes a row; a struct print, as store_report gives it. */
bool print_row(void *, const struct cell *, int cells);

/* Prints what still waits, and frees. */
void print_end(struct print *);

#endif
