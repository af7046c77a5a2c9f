/*
 * Prints a table: a line of names, then a line for each row.  Rows are
 * collected, a thousand at a time, to measure their columns.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>

#include "base/buf.h"
#include "store/store.h"

/* To be initialised with zeros. */
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

/* Adds a row.  Prints the collected rows when there are a thousand. */
void table_row(struct table *, const struct cell *, int cells);

/* Prints the collected rows. */
void table_print(struct table *);

void table_free(struct table *);

#endif
