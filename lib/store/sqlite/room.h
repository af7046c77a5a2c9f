/*
 * Room on a disk, for what would fill it.
 */
#ifndef ROOM_H
#define ROOM_H

#include <stdint.h>

#include "store/sqlite/db.h"

/* The bytes that are free on the disk of a file, which need not be there; -1:
 * not known. */
int64_t room_beside(const char *file);

/* The bytes that store_reserve holds for a database. */
int64_t room_reserved(const char *database);

/* Refuses what needs more bytes than are free on the disk of a file, with
 * FAILURE_STORAGE and both numbers in the store's error. */
enum failure_code room_need(struct store *, const char *file, int64_t bytes);

#endif
