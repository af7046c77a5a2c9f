/*
 * A connection: requests and their answers.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay.h"

enum { REQUEST_MAX = 16 << 20 };

struct request {
	char	*in;			/* read from the connection */
	size_t	 head, body;		/* the lengths of its parts */
	char	 method[8], path[256];
	bool	 last;			/* the client wants no further answer */
};

/*
 * Whether the client can see where the answer ends, so that another may follow.
 */
static bool
has_end(const struct text *a)
{
	static const char	last[] = "\r\n0\r\n\r\n";
	const size_t		n = sizeof(last) - 1;

	return (a->len >= n && memcmp(a->p + a->len - n, last, n) == 0) ||
	    strcasestr(a->p, "\r\nContent-Length:") != NULL;
}

static void
keep_body(const struct request *r, unsigned int n)
{
	char	 name[4096];
	FILE	*f;

	(void)snprintf(name, sizeof(name), "%s/%u.json", options.bodies, n);
	if ((f = fopen(name, "we")) == NULL ||
	    fwrite(r->in + r->head, 1, r->body, f) != r->body ||
	    fclose(f) != 0)
		err(111, "%s", name);
}

/* Makes the answer to the nth request for a generation. */
static struct text
compose(const struct request *r, unsigned int n, enum api api)
{
	struct text	lines, a;

	if (options.demo != NULL) {
		lines = demo_lines(options.demo, r->in + r->head);
		a = recording_lines(&lines, api, 0);
		free(lines.p);
		return a;
	}
	return recording_file(n <= options.times ? options.file :
	    options.then, api, options.context);
}

/*
 * Answers a request for a generation.  Returns whether the connection can
 * continue.
 */
static bool
serve_post(int fd, const struct request *r, enum api api)
{
	const unsigned int	n = atomic_fetch_add(options.posts, 1) + 1;
	struct manner		how = options.how;
	struct text		a, prompt;
	enum fate		fate;
	bool			keep;

	if (n > options.times) {
		how.delay = how.cut = how.stall = -1;
		how.reset = false;
	}
	if (options.bodies != NULL)
		keep_body(r, n);
	dprintf(options.log_fd, "request %u POST %s %zu\n", n, r->path,
	    r->body);
	prompt = prompt_text(r->in + r->head);
	if (options.room > 0 && prompt.len > (size_t)options.room) {
		a = prompt_refusal();
	} else {
		a = compose(r, n, api);
		if (options.read > 0)
			how.delay = (how.delay < 0 ? 0 : how.delay) +
			    (long long)prompt_new(&prompt) *
			    options.read / 1000;
	}
	free(prompt.p);
	fate = play(fd, &a, &how);
	if (fate == GONE)
		dprintf(options.log_fd, "gone %u\n", n);
	keep = fate == SENT && has_end(&a);
	free(a.p);
	return keep;
}

/* Answers a small request.  Returns whether the connection can continue. */
static bool
serve_get(int fd, const char *path)
{
	const bool	 ps = strcmp(path, "/api/ps") == 0;
	const bool	 models = strcmp(path, "/v1/models") == 0;
	const bool	 list = ps || models || strcmp(path, "/api/tags") == 0;
	const char	*recorded = ps ? options.ps : models ? options.models :
			    options.tags;
	const char	*status = "200 OK";
	struct text	 a, body;
	FILE		*f;
	bool		 keep;

	dprintf(options.log_fd, "get %s\n", path);
	if (list && recorded != NULL) {
		a = recording_file(recorded, GENERATE, 0);
	} else {
		f = memory(&body);
		if (models)
			fprintf(f, "{\"object\":\"list\",\"data\":[{\"id\":"
			    "\"%s\",\"object\":\"model\"}]}", options.demo !=
			    NULL ? "demo" : "replay:latest");
		else if (list)
			fprintf(f, "{\"models\":[{\"name\":\"%s\","
			    "\"context_length\":4096}]}", options.demo != NULL ?
			    "demo" : "replay:latest");
		else if (strcmp(path, "/api/version") == 0 &&
		    !options.no_version)
			fputs("{\"version\":\"0.0.0\"}", f);
		else if (strcmp(path, "/") == 0)
			fputs("Ollama is running", f);
		else
			fputs(status = "404 Not Found", f);
		fclose(f);
		f = memory(&a);
		fprintf(f, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
		    status, body.len, body.p);
		fclose(f);
		free(body.p);
	}
	(void)play_bytes(fd, a.p, a.len, options.how.split);
	keep = has_end(&a);
	free(a.p);
	return keep;
}

/* The value of a header; "" if it is missing. */
static const char *
header(const struct request *r, const char *name)
{
	const char	*p = strcasestr(r->in, name);

	if (p == NULL || p > r->in + r->head)
		return "";
	p += strlen(name);
	return p + strspn(p, " ");
}

/* Reads a request, head and body.  Returns false if there is none. */
static bool
read_request(int fd, struct request *r)
{
	size_t	 len = 0;
	ssize_t	 n;
	char	*end;

	for (r->head = r->body = 0; r->head == 0 || len < r->head + r->body; ) {
		if ((n = recv(fd, r->in + len, REQUEST_MAX - len, 0)) <= 0)
			return false;
		len += (size_t)n;
		r->in[len] = '\0';
		if (r->head > 0 || (end = strstr(r->in, "\r\n\r\n")) == NULL)
			continue;
		r->head = (size_t)(end + 4 - r->in);
		r->body = strtoul(header(r, "\r\nContent-Length:"), NULL, 10);
	}
	if (sscanf(r->in, "%7s %255s", r->method, r->path) != 2)
		return false;
	r->last = strncasecmp(header(r, "\r\nConnection:"), "close", 5) == 0;
	return true;
}

void
converse(int fd)
{
	static const char	*const paths[] = { "/api/generate",
				    "/api/chat", "/v1/chat/completions" };
	struct request	r = { .in = malloc(REQUEST_MAX + 1) };
	bool		keep = true;
	int		api, on = 1;

	if (r.in == NULL)
		err(111, NULL);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	srandom((unsigned int)getpid());
	(void)prctl(PR_SET_TIMERSLACK, 1);	/* allows pauses of 40 us */
	while (keep && !r.last && read_request(fd, &r)) {
		for (api = GENERATE; api <= OPENAI && strcmp(r.path,
		    paths[api]) != 0; )
			api++;
		if (strcmp(r.method, "POST") == 0 && api <= OPENAI)
			keep = serve_post(fd, &r, (enum api)api);
		else
			keep = serve_get(fd, r.path);
	}
	free(r.in);
	close(fd);
}
