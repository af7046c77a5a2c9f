/*
 * Running a statement for its rows, one by one; used by the administrator's
 * part of lib/store/store.h.
 */
#ifndef REPORT_H
#define REPORT_H

#include "store/postgres/pg.h"
#include "store/store.h"

/* Calls `row' for each row of a statement until `row' returns false. */
enum failure_code report_rows(struct store *, enum statement,
    const struct pg_args *, store_row *row, void *);

/* The number in a cell; 0 for an SQL NULL. */
int64_t report_number(const struct cell *);

#endif
