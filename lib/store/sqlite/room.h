/*
 * Free space on a disk.
 */
#ifndef ROOM_H
#define ROOM_H

#include <stdint.h>

#include "store/sqlite/db.h"

/* The bytes in the reserve of a database. */
int64_t room_reserved(const char *database);

/* Refuses with FAILURE_STORAGE, and both numbers in the store's error, if fewer
   bytes are free on the disk of a file. */
enum failure_code room_need(struct store *, const char *file, int64_t bytes);

#endif
