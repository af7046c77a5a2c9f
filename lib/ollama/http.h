/*
 * HTTP calls by libcurl, as a module: libcurl brings 30 shared objects and
 * 1.3 MB of private memory, so it is loaded when a call is due and not
 * before.  lib/ollama/http.c is built as http.so and found beside `answer'.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum http_end {
	HTTP_RUNNING,		/* not yet */
	HTTP_COMPLETE,		/* an answer, whole; see status */
	HTTP_UNREACHABLE,	/* no such name, refused */
	HTTP_NO_CONNECTION,	/* connecting took too long, or its name */
	HTTP_TIMEOUT,		/* all of it took too long */
	HTTP_INVALID,		/* what came is not HTTP */
	HTTP_BROKEN,		/* the connection ended before the answer did */
	HTTP_REFUSED,		/* receive returned false */
	HTTP_CERTIFICATE,	/* the server's is not trusted here */
	HTTP_FAILED		/* anything else: no memory, TLS, … */
};

/* One call; the caller owns it and all it points to while it runs. */
struct http_call {
	const char	*url;
	const char	*body;		/* JSON to POST; NULL: GET */
	size_t		 body_len;
	const char	*token;		/* for Authorization: Bearer; or NULL */
	long		 connect_timeout;	/* ms */
	long		 timeout;	/* ms, of all of it; 0: none */

	/* Takes a piece of the answer's body; false ends the call. */
	bool		(*receive)(void *, long status, const char *, size_t);
	void		*context;

	enum http_end	 end;
	long		 status;	/* HTTP's, once there is one */
	int		 retry_after;	/* seconds, of Retry-After; 0: none */
	char		 reason[256];	/* libcurl's words, for the log */
	char		 location[256];	/* whereto it redirects; or empty */
	void		*handle;	/* libcurl's; NULL: not running */
	void		*headers;
};

struct http {
	/* Begins a call; returns 0, or -1 (no memory). */
	int	(*start)(struct http_call *);

	/* Ends it whatever it does; the connection is closed. */
	void	(*cancel)(struct http_call *);

	/*
	 * Works on the calls, waiting until something comes for them or on fd
	 * (-1: none), at most timeout_ms (-1: for ever).  Returns 0, or -1.
	 */
	int	(*wait)(int fd, int timeout_ms);

	/* Ends libcurl; no call may be running. */
	void	(*close)(void);
};

/*
 * The module's one symbol, for module_load("http.so", "http_module"):
 * initialises libcurl and returns the functions above; NULL if that fails.
 */
const void *http_module(void);

#endif
