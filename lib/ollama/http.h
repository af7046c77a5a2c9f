/*
 * HTTP calls by libcurl, behind a table of functions: libcurl brings 30 shared
 * objects and 1.3 MB of private memory, so that a program loads it only when a
 * call is due.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum http_end {
	HTTP_RUNNING,		/* has not ended */
	HTTP_COMPLETE,		/* a whole response; see `status' */
	HTTP_UNREACHABLE,	/* no such name, or refused */
	HTTP_NO_CONNECTION,	/* no connection or no name in time */
	HTTP_TIMEOUT,		/* no whole response in time */
	HTTP_INVALID,		/* the response is not HTTP */
	HTTP_BROKEN,		/* the connection broke before the end */
	HTTP_REFUSED,		/* receive returned false */
	HTTP_CERTIFICATE,	/* the certificate is not trusted here */
	HTTP_FAILED		/* anything else: no memory, TLS, … */
};

/* One call.  While it runs, the caller leaves it and all it points to alone. */
struct http_call {
	const char	*url;
	const char	*body;		/* JSON to POST; NULL: GET */
	size_t		 body_len;
	const char	*token;		/* for Authorization: Bearer; or NULL */
	long		 connect_timeout;	/* ms */
	long		 timeout;	/* ms for the whole call; 0: none */

	/* Receives a piece of the body; false ends the call. */
	bool		(*receive)(void *, long status, const char *, size_t);
	void		*context;

	enum http_end	 end;
	long		 status;	/* of the response, once there is one */
	int		 retry_after;	/* seconds, of Retry-After; 0: none */
	char		 reason[256];	/* libcurl's words, for the log */
	char		 location[256];	/* target of a redirect, or "" */
	void		*handle;	/* libcurl's; NULL: not running */
	void		*headers;
};

struct http {
	/* Starts a call.  Returns 0, or -1 if there is no memory. */
	int	(*start)(struct http_call *);

	/* Ends a call in any state and closes its connection. */
	void	(*cancel)(struct http_call *);

	/*
	 * Processes the calls: waits until something comes for them or on fd
	 * (-1: none), at most timeout_ms (-1: no limit). Returns 1 if fd has
	 * become readable, otherwise 0, or -1.
	 */
	int	(*wait)(int fd, int timeout_ms);

	/* Frees libcurl.  No call may be running. */
	void	(*close)(void);
};

/*
 * The module's one symbol, for module_load("http.so", "http_module"):
 * initialises libcurl and returns the functions above; NULL if that fails.
 */
const void *http_module(void);

#endif
