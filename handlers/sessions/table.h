/*
 * A table on standard output: a line of names, then a line for each row.
 * Rows wait until their columns have been measured, a thousand at a time.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>

#include "base/buf.h"
#include "store/store.h"

/* Zero-initialised it is empty. */
struct table {
	struct buf	 held;		/* the texts that wait, each with a
					   NUL behind it */
	int		 waiting;	/* rows of them */
	int		 columns;	/* 0: no row yet */
	bool		 named;		/* the line of names is printed */
	struct column {
		char	name[32];
		int	width;
		bool	text;		/* some of it is no number, */
		bool	prose;		/* and no time */
	}		 column[CELLS_MAX];
};

/* Takes a row; once a thousand of them wait, prints them. */
void table_row(struct table *, const struct cell *, int cells);

/* Prints the rows that wait. */
void table_print(struct table *);

void table_free(struct table *);

#endif
