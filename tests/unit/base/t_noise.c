/*
 * lib/base/noise: lines of websocketd that are not for the log.
 */
#include <string.h>

#include "base/noise.h"
#include "t.h"

/* As websocketd 0.4.1 prints it, built with Go 1.19. */
static const char *const	trace[] = {
	"2026/11/29 18:11:11 http: panic serving 127.0.0.1:58778: runtime "
	    "error: invalid memory address or nil pointer dereference",
	"goroutine 22 [running]:",
	"net/http.(*conn).serve.func1()",
	"\tnet/http/server.go:1850 +0xbf",
	"panic({0x6b89c0, 0x8eac70})",
	"\truntime/panic.go:890 +0x262",
	"github.com/joewalnes/websocketd/libwebsocketd.PipeEndpoints("
	    "{0x786778, 0xc00009b2c0}, {0x7867b0, 0xc0000c8340})",
	"net/http.(*ServeMux).ServeHTTP(0x0?, {0x7861d8}, 0xc000104400)",
	"created by net/http.(*Server).Serve",
	"\tnet/http/server.go:3102 +0x4db",
};
enum { TRACE = sizeof(trace) / sizeof(trace[0]) };

static bool
is(struct noise *n, const char *line)
{
	return noise_is(n, line, strlen(line));
}

static void
traces(void)
{
	struct noise	n = { 0 };
	size_t		i;
	int		times;

	for (times = 1; times <= 3; times++) {
		for (i = 0; i < TRACE; i++) {
			row("%zu", i);
			check(is(&n, trace[i]));
		}
		check_int((int64_t)n.panics, times);
	}
	/* A line that ends with the words by which it is known. */
	check(is(&n, "http: panic serving "));
	check(!is(&n, "http: panic serving"));
	/* What follows is an ordinary line and ends the trace. */
	check(!is(&n, "run.sh: goes on (as ever)."));
	check(!is(&n, "net/http.(*conn).serve.func1()"));
}

/* A panic that ends websocketd is logged with its trace. */
static void
fatal(void)
{
	static const char *const	lines[] = {
		"panic: runtime error: index out of range [1] with length 0",
		"fatal error: all goroutines are asleep - deadlock!",
		"SIGQUIT: quit",
		"2026/11/29 18:11:11 http: Accept error: accept tcp: too many "
		    "open files; retrying in 5ms",
		"2026/11/29 18:11:11 http: TLS handshake error from 127.0.0.1:"
		    "1: remote error: tls: unknown certificate",
		"",
	};
	struct noise	n;
	size_t		i, k;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		row("%s", lines[i]);
		memset(&n, 0, sizeof(n));
		(void)is(&n, trace[0]);
		(void)is(&n, trace[1]);
		check(!is(&n, lines[i]));
		for (k = 1; k < TRACE; k++)
			check(!is(&n, trace[k]));
	}
}

static void
others(void)
{
	static const char	said[] = "Sun, 29 Nov 2026 18:10:43 +0000 | "
	    "ERROR  | process    | url:'http://a/' id:'1' remote:'127.0.0.1' "
	    "command:'chat' origin:'file:' pid:'7' | Unexpected error while "
	    "reading STDERR from process: read |0: file already closed";
	static const char	other[] = "Sun, 29 Nov 2026 18:10:43 +0000 | "
	    "ERROR  | stderr     | url:'http://a/' | chat: file already closed";
	static const char	method[] = "2026/11/29 18:11:11 http: "
	    "superfluous response.WriteHeader call from github.com/joewalnes/"
	    "websocketd/libwebsocketd.(*WebsocketdServer).ServeHTTP "
	    "(http.go:111)";
	struct noise		n = { 0 };
	char			text[256];
	size_t			len;

	check(!noise_report(&n, text, sizeof(text)));
	check(is(&n, said) && is(&n, said) && !is(&n, other));
	check(is(&n, method));
	check(noise_report(&n, text, sizeof(text)));
	check(strstr(text, " panics=0 closed=2 refused=1") != NULL);
	check(!noise_report(&n, text, sizeof(text)));
	/* The beginning of such a line is not one; nothing is read past its
	   end. */
	for (len = 0; len < sizeof(method) - 1; len++)
		check(!noise_is(&n, method, len) || len > 80);
	for (len = 0; len < sizeof(said) - 1; len++)
		check(!noise_is(&n, said, len));
}

int
main(void)
{
	t_begin();
	run(traces);
	run(fatal);
	run(others);
	return t_end();
}
