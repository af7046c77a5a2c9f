/*
 * A node that is alone: what lib/store/node.h and lib/store/slots.h have behind
 * them where the database is a file.
 */
#ifndef ALONE_H
#define ALONE_H

#include "store/node.h"

struct node {
	const struct settings	*settings;
	int64_t			 session;
	struct store		*store;		/* open while it is kept */
	int			 slots;		/* the file of the slots; -1 */
	int64_t			 slot;		/* our byte of it; -1 */
	char			 error[256];
};

#endif
