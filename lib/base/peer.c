/*
 * The process at the other end of a Unix socket.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "base/peer.h"

bool
peer_is_ours(int fd)
{
	struct ucred	peer;
	socklen_t	len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	    peer.uid == geteuid();
}
