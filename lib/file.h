/*
 * Reading a small file whole.
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

#endif
