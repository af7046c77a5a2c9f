/*
 * Reading a small file whole, putting one in its place.
 */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Returns the file's content with a NUL behind it, which the caller frees,
 * and its length; or NULL with errno: EFBIG (longer than max), EINVAL (no
 * file; a device is empty), EPERM (`secret', and others may read it).
 */
char *file_read(const char *path, size_t max, bool secret, size_t *len);

/*
 * Whether a name is free, or a regular file's: only such a file is ever
 * replaced or removed by its name.  A device, a directory or a link is not.
 */
bool file_is_plain(const char *path);

/*
 * Removes a regular file.  Returns 0, also if there is none, or -1 with errno:
 * EINVAL for what is no regular file.
 */
int file_remove(const char *path) __attribute__((warn_unused_result));

/*
 * Gives a file that is complete its name: on disk before, and the name on
 * disk after.  Returns 0, or -1 with errno: EEXIST (or EINVAL) where there is
 * one already and it is not to be replaced, EINVAL for what is no regular file.
 */
int file_place(const char *from, const char *to, bool replace)
    __attribute__((warn_unused_result));

#endif
