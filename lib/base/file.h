/*
 * Reads small files; puts complete files in place.
 */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads a whole file.  Returns its content with a NUL after it, which the
 * caller frees, and sets *len.  Or returns NULL with errno: EFBIG (longer than
 * max), EINVAL (not a file; a device counts as empty), EPERM (`secret', but
 * others can read the file).
 */
char *file_read(const char *path, size_t max, bool secret, size_t *len);

/*
 * Whether a path is unused or a regular file.  Only such a path may be replaced
 * or removed, not a device, a directory or a link.
 */
bool file_is_plain(const char *path);

/*
 * Removes a regular file.  Returns 0, also if there is no such file, or -1 with
 * errno: EINVAL if it is not a regular file.
 */
int file_remove(const char *path) __attribute__((warn_unused_result));

/*
 * Renames a complete file to its final name: first writes the file to disk,
 * then the directory.  Returns 0, or -1 with errno: EEXIST (or EINVAL) if the
 * name exists and `replace' is false, EINVAL if it is not a regular file.
 */
int file_place(const char *from, const char *to, bool replace)
    __attribute__((warn_unused_result));

#endif
