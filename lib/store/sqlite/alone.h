/*
 * The implementation of lib/store/node.h and lib/store/slots.h if the database
 * is a file: there is only one node.
 */
#ifndef ALONE_H
#define ALONE_H

#include "store/node.h"

struct node {
	const struct settings	*settings;
	int64_t			 session;
	bool			 question;	/* the session is one */
	struct store		*store;		/* open while saving */
	int			 slots;		/* the file RUN_DIR/slots; -1:
						   not open */
	int64_t			 slot;		/* our locked byte; -1: no
						   slot */
	char			 error[256];
};

#endif
