/*
 * Running a statement whose rows somebody wants to see: shared by what stands
 * behind the administrator's part of lib/store/store.h.
 */
#ifndef REPORT_H
#define REPORT_H

#include "store/sqlite/db.h"
#include "store/store.h"

/*
 * Calls `row' for each row of a statement that is bound; ends early where it
 * returns false.
 */
enum failure_code report_rows(struct store *, sqlite3_stmt *,
    store_row *row, void *);

#endif
