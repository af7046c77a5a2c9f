/*
 * HTTP calls by libcurl; the module http.so.
 *
 * libcurl says which sockets it waits for, and is told which are ready: with
 * curl_multi_poll and curl_multi_perform it asks about each of them once more.
 */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limit.h"
#include "ollama/http.h"

/* The largest Retry-After of a server that is used, in seconds: an hour. */
#define RETRY_AFTER_MAX	3600

static CURLM	*multi;

/* What is waited for: first the caller's descriptor, then libcurl's sockets. */
static struct pollfd	*waited;
static nfds_t		 waited_count, waited_size;

/* Makes room for one more.  Returns 0, or -1. */
static int
waited_grow(void)
{
	struct pollfd	*p;
	nfds_t		 size = waited_size == 0 ? 4 : waited_size * 2;

	if (waited_count < waited_size)
		return 0;
	if ((p = realloc(waited, size * sizeof(*p))) == NULL)
		return -1;
	waited = p;
	waited_size = size;
	return 0;
}

/* libcurl waits for a socket from now on, for something else, or no longer. */
static int
http_watch(CURL *e, curl_socket_t fd, int what, void *context, void *socket)
{
	nfds_t	i = 1;

	(void)e;
	(void)context;
	(void)socket;
	while (i < waited_count && waited[i].fd != fd)
		i++;
	if (what == CURL_POLL_REMOVE) {
		if (i < waited_count)
			waited[i] = waited[--waited_count];
		return 0;
	}
	if (i == waited_count) {
		if (waited_grow() == -1)
			return -1;
		waited[waited_count++] = (struct pollfd){ .fd = fd };
	}
	waited[i].events = (short)((what & CURL_POLL_IN ? POLLIN : 0) |
	    (what & CURL_POLL_OUT ? POLLOUT : 0));
	return 0;
}

static size_t
http_receive(char *data, size_t size, size_t n, void *context)
{
	struct http_call	*c = context;

	(void)curl_easy_getinfo(c->handle, CURLINFO_RESPONSE_CODE, &c->status);
	return c->receive(c->context, c->status, data, size * n) ? size * n : 0;
}

static bool
add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist	*longer;

	if ((longer = curl_slist_append(*list, line)) == NULL)
		return false;
	*list = longer;
	return true;
}

/* Makes the headers of a call.  Returns false if there is no memory. */
static bool
headers(struct http_call *c, struct curl_slist **list)
{
	char	line[4096 + 32];

	/* Without "Expect:" libcurl would ask first whether it may send. */
	if (!add_header(list, "Expect:"))
		return false;
	if (c->body != NULL &&
	    !add_header(list, "Content-Type: application/json"))
		return false;
	if (c->token == NULL)
		return true;
	(void)snprintf(line, sizeof(line), "Authorization: Bearer %s",
	    c->token);
	return add_header(list, line);
}

/*
 * Options that can fail only for want of memory.  No proxy from the
 * environment, no redirects, no other protocols.  Each call has a connection of
 * its own: libcurl would repeat a POST by itself when a reused connection
 * breaks.
 */
static bool
http_configure(struct http_call *c, CURL *e)
{
	CURLcode	rc = CURLE_OK;

#define SET(option, value) \
	(rc = rc == CURLE_OK ? curl_easy_setopt(e, (option), (value)) : rc)
	SET(CURLOPT_URL, c->url);
	SET(CURLOPT_PROTOCOLS_STR, strncasecmp(c->url, "https:", 6) == 0 ?
	    "https" : "http");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	/* Canceling a call does not wait for a name server. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, c->connect_timeout);
	SET(CURLOPT_TIMEOUT_MS, c->timeout);
	SET(CURLOPT_USERAGENT, "ticketchat/" VERSION);
	SET(CURLOPT_HTTPHEADER, (struct curl_slist *)c->headers);
	SET(CURLOPT_ERRORBUFFER, c->reason);
	SET(CURLOPT_WRITEFUNCTION, http_receive);
	SET(CURLOPT_WRITEDATA, c);
	SET(CURLOPT_PRIVATE, c);
	if (c->body != NULL) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_len);
		SET(CURLOPT_POSTFIELDS, c->body);
	}
#undef SET
	return rc == CURLE_OK;
}

static void
cancel(struct http_call *c)
{
	if (c->handle != NULL) {
		(void)curl_multi_remove_handle(multi, c->handle);
		curl_easy_cleanup(c->handle);
		c->handle = NULL;
	}
	curl_slist_free_all(c->headers);
	c->headers = NULL;
}

static int
http_start(struct http_call *c)
{
	struct curl_slist	*list = NULL;
	bool			 good;

	c->end = HTTP_RUNNING;
	c->status = 0;
	c->retry_after = 0;
	c->reason[0] = c->location[0] = '\0';
	good = headers(c, &list);
	c->headers = list;
	if (good && (c->handle = curl_easy_init()) != NULL &&
	    http_configure(c, c->handle) &&
	    curl_multi_add_handle(multi, c->handle) == CURLM_OK)
		return 0;
	cancel(c);
	return -1;
}

/* The end of a call by libcurl's result. */
static enum http_end
end_of(CURLcode rc)
{
	switch ((int)rc) {
	case CURLE_OK:
		return HTTP_COMPLETE;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return HTTP_UNREACHABLE;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_TIMEOUT;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return HTTP_INVALID;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return HTTP_BROKEN;
	case CURLE_WRITE_ERROR:
		return HTTP_REFUSED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return HTTP_CERTIFICATE;
	default:
		return HTTP_FAILED;
	}
}

/*
 * Whether a call got as far as sending: the connection, and TLS if it is https,
 * were made.
 */
static bool
http_connected(CURL *e)
{
	curl_off_t	when;

	return curl_easy_getinfo(e, CURLINFO_PRETRANSFER_TIME_T, &when) ==
	    CURLE_OK && when > 0;
}

/* Notes the end of the calls that have ended. */
static void
collect(void)
{
	struct http_call	*c;
	CURLMsg			*m;
	CURLcode		 rc;
	curl_off_t		 after;
	char			*to;
	int			 left;

	while ((m = curl_multi_info_read(multi, &left)) != NULL) {
		rc = m->data.result;
		if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle,
		    CURLINFO_PRIVATE, &c) != CURLE_OK)
			continue;
		(void)curl_easy_getinfo(c->handle, CURLINFO_RESPONSE_CODE,
		    &c->status);
		if (curl_easy_getinfo(c->handle, CURLINFO_RETRY_AFTER,
		    &after) == CURLE_OK && after > 0)
			c->retry_after = after > RETRY_AFTER_MAX ?
			    RETRY_AFTER_MAX : (int)after;
		if (curl_easy_getinfo(c->handle, CURLINFO_REDIRECT_URL, &to) ==
		    CURLE_OK && to != NULL)
			(void)snprintf(c->location, sizeof(c->location), "%s",
			    to);
		if (rc != CURLE_OK && c->reason[0] == '\0')
			(void)snprintf(c->reason, sizeof(c->reason), "%s",
			    curl_easy_strerror(rc));
		c->end = end_of(rc);
		if (c->end == HTTP_TIMEOUT && !http_connected(c->handle))
			c->end = HTTP_NO_CONNECTION;
		cancel(c);
	}
}

/* Tells libcurl what has come for its sockets.  Returns 0, or -1. */
static int
http_act(void)
{
	nfds_t	i;
	short	events;
	int	how, running;
	bool	acted = false;

	/* From the last one, since libcurl may remove any of them meanwhile,
	   and then the last one moves to its place. */
	for (i = waited_count; i-- > 1; ) {
		if (i >= waited_count || waited[i].revents == 0)
			continue;
		events = waited[i].revents;
		waited[i].revents = 0;
		how = (events & POLLIN ? CURL_CSELECT_IN : 0) |
		    (events & POLLOUT ? CURL_CSELECT_OUT : 0);
		/* What an error or an end means, it finds out by itself. */
		if ((events & ~(POLLIN | POLLOUT)) != 0)
			how = 0;
		if (curl_multi_socket_action(multi, waited[i].fd, how,
		    &running) != CURLM_OK)
			return -1;
		acted = true;
	}
	/* That looked at its timers, too. */
	return acted || curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0,
	    &running) == CURLM_OK ? 0 : -1;
}

static int
http_wait_for(int fd, int timeout)
{
	long	due = -1;
	int	n;

	waited[0] = (struct pollfd){ fd, POLLIN, 0 };
	if (curl_multi_timeout(multi, &due) != CURLM_OK)
		return -1;
	if (due >= 0 && (timeout < 0 || due < timeout))
		timeout = (int)due;
	n = poll(waited, waited_count, timeout);
	if (n == -1 && errno != EINTR)
		return -1;
	/* A signal: nothing in `waited' was written. */
	if (n != -1 && http_act() == -1)
		return -1;
	collect();
	return n > 0 && waited[0].revents != 0;
}

static void
http_finish(void)
{
	(void)curl_multi_cleanup(multi);
	multi = NULL;
	free(waited);
	waited = NULL;
	waited_count = waited_size = 0;
	curl_global_cleanup();
}

const void *
http_module(void)
{
	static const struct http module = { http_start, cancel, http_wait_for,
		http_finish };

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return NULL;
	if ((multi = curl_multi_init()) == NULL) {
		curl_global_cleanup();
		return NULL;
	}
	if (waited_grow() == -1 || curl_multi_setopt(multi,
	    CURLMOPT_SOCKETFUNCTION, http_watch) != CURLM_OK) {
		http_finish();
		return NULL;
	}
	waited_count = 1;
	return &module;
}
