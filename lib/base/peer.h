/*
 * The process at the other end of a Unix socket.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>

/* Whether it has our uid; false also on error. */
bool peer_is_ours(int fd);

#endif
