/*
 * Running a statement for its rows; used by the administrator's part of
 * lib/store/store.h.
 */
#ifndef REPORT_H
#define REPORT_H

#include "store/sqlite/db.h"
#include "store/store.h"

/* Calls `row' for each row of a bound statement until `row' returns false. */
enum failure_code report_rows(struct store *, sqlite3_stmt *,
    store_row *row, void *);

#endif
