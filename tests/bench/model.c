/*
 * model - Ollama's part in the bench: each token tells when it left.
 *
 *	model ASKED	prints its port; a byte is added to ASKED per question
 *
 * A ticket says how it wants to be answered, "tokens=100 pace=5000 first=0":
 * so many tokens of 24 bytes, pace us apart (0: back to back, a write each),
 * the first one after first us.  A token is CLOCK_MONOTONIC in ns as 16 hex
 * digits, and letters.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int	asked;

static int64_t
now(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
sleep_until(int64_t at)
{
	struct timespec	t = { at / 1000000000, at % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static bool
put(int s, const char *text, size_t len)
{
	return send(s, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* A line of the answer, as a chunk of HTTP. */
static bool
line(int s, const char *token, const char *rest)
{
	char	text[512], chunk[600];
	int	n;

	n = snprintf(text, sizeof(text), "{\"model\":\"bench\",\"created_at\":"
	    "\"2025-01-01T00:00:00.000000Z\",\"response\":\"%s\",%s}\n", token, rest);
	n = snprintf(chunk, sizeof(chunk), "%x\r\n%s\r\n", (unsigned)n, text);
	return put(s, chunk, (size_t)n);
}

static void
answer(int s, long tokens, long pace, long first)
{
	static const char	head[] = "HTTP/1.1 200 OK\r\n"
	    "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
	char	token[32];
	int64_t	due = now() + first * 1000;

	sleep_until(due);
	if (!put(s, head, sizeof(head) - 1))
		return;
	for (; tokens > 0; tokens--, due += pace * 1000) {
		if (pace > 0)
			sleep_until(due);
		snprintf(token, sizeof(token), "%016" PRIx64 " printer", (uint64_t)now());
		if (!line(s, token, "\"done\":false"))
			return;
	}
	if (line(s, "", "\"done\":true,\"done_reason\":\"stop\",\"eval_count\":1"))
		put(s, "0\r\n\r\n", 5);
}

/* Reads a request up to what it wants; whoever wants nothing gets a 404. */
static void *
serve(void *arg)
{
	static const char	none[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
	char		data[65536];
	const char	*p;
	size_t		len = 0;
	ssize_t		n;
	long		tokens, pace, first;
	int		s = (int)(intptr_t)arg, end = 0, one = 1;

	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while ((n = recv(s, data + len, sizeof(data) - 1 - len, 0)) > 0) {
		data[len += (size_t)n] = '\0';
		if (strncmp(data, "GET", 3) == 0) {
			put(s, none, sizeof(none) - 1);
			break;
		}
		if ((p = strstr(data, "tokens=")) == NULL || sscanf(p, "tokens=%ld pace=%ld first=%ld%n",
		    &tokens, &pace, &first, &end) != 3 || p[end] == '\0')
			continue;
		if (write(asked, ".", 1) == 1)
			answer(s, tokens, pace, first);
		break;
	}
	shutdown(s, SHUT_WR);
	while (recv(s, data, sizeof(data), 0) > 0)
		;
	close(s);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in	a = { .sin_family = AF_INET };
	socklen_t		len = sizeof(a);
	pthread_attr_t		attr;
	pthread_t		thread;
	int			l, s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (argc != 2 || (asked = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600)) == -1 ||
	    (l = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    bind(l, (struct sockaddr *)&a, len) == -1 || listen(l, 4096) == -1 ||
	    getsockname(l, (struct sockaddr *)&a, &len) == -1 ||
	    pthread_attr_init(&attr) != 0 || pthread_attr_setstacksize(&attr, 128 * 1024) != 0 ||
	    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) != 0)
		return 111;
	printf("%u\n", (unsigned)ntohs(a.sin_port));
	fflush(stdout);
	while ((s = accept(l, NULL, NULL)) != -1)
		if (pthread_create(&thread, &attr, serve, (void *)(intptr_t)s) != 0)
			close(s);
	return 111;
}
