/*
 * lib/base/peer: whose process is at the other end of a socket.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "base/peer.h"
#include "t.h"

static void
uids(void)
{
	int	sv[2], p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1 || pipe(p) == -1)
		t_die("socketpair");
	check(peer_is_ours(sv[0]));
	check(!peer_is_ours(p[0]));
	check(!peer_is_ours(-1));
	(void)close(sv[0]);
	(void)close(sv[1]);
	(void)close(p[0]);
	(void)close(p[1]);
	if (geteuid() != 0)
		return;
	row("another's");
	if (seteuid(65534) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1 || seteuid(0) == -1)
		t_die("seteuid");
	check(!peer_is_ours(sv[0]));
	(void)close(sv[0]);
	(void)close(sv[1]);
}

int
main(void)
{
	t_begin();
	run(uids);
	return t_end();
}
