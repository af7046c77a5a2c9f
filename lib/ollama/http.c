/*
 * HTTP calls by libcurl; the module http.so.
 */
#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limit.h"
#include "ollama/http.h"

/* The largest Retry-After of a server that is used, in seconds: an hour. */
#define RETRY_AFTER_MAX	3600

static CURLM	*multi;

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

static int
http_wait_for(int fd, int timeout)
{
	struct curl_waitfd	extra = { fd, CURL_WAIT_POLLIN, 0 };
	int			running;

	/* curl_multi_poll cannot wait without a limit. */
	if (curl_multi_poll(multi, &extra, fd == -1 ? 0 : 1,
	    timeout < 0 ? INT_MAX : timeout, NULL) != CURLM_OK ||
	    curl_multi_perform(multi, &running) != CURLM_OK)
		return -1;
	collect();
	return 0;
}

static void
http_finish(void)
{
	(void)curl_multi_cleanup(multi);
	multi = NULL;
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
	return &module;
}
