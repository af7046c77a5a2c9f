/*
 * chat under the websocketd of version 0.1: see outdated.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "frame/frame.h"
#include "outdated.h"
#include "request/connection.h"
#include "request/message.h"
#include "settings/settings.h"
#include "viewer/output.h"

/* How long a client stays connected without a message (us). */
#define SILENT_TIMEOUT	INT64_C(60000000)

bool
outdated(void)
{
	const char	*auth = getenv(SETTINGS_PREFIX "AUTH");

	return connection_is_websocketd() && (auth == NULL || *auth == '\0');
}

static enum language
outdated_language(void)
{
	const char	*accepted = getenv("HTTP_ACCEPT_LANGUAGE");
	enum language	 l;

	if (accepted == NULL || (l = language_of(accepted)) == LANGUAGE__MAX)
		return LANGUAGE_PT;
	return l;
}

/* Answers a message.  A client that does not read gets no further answers. */
static void
outdated_refuse(struct output *out)
{
	const struct failure	f = failure_make(FAILURE_INTERNAL, NULL);

	if (output_size(out) < OUTPUT_PENDING &&
	    frame_error(&out->data, &f, outdated_language()) == -1)
		log_line(LOG_LEVEL_ERROR, "error=\"no memory\"");
}

/*
 * Reads input once and answers each complete message.  Returns false at the end
 * of input.
 */
static bool
outdated_read_input(struct message_reader *r, struct output *out, bool *refused)
{
	enum message_event	event;
	char			in[READ_MAX];
	ssize_t			n, done;

	if ((n = read(STDIN_FILENO, in, sizeof(in))) <= 0)
		return n == -1 && errno == EINTR;
	for (done = 0; done < n;) {
		done += (ssize_t)message_read(r, in + done,
		    (size_t)(n - done), &event);
		if (event == MESSAGE_MORE)
			continue;
		outdated_refuse(out);
		*refused = true;
	}
	return true;
}

int
outdated_serve(int out_fd)
{
	struct message_reader	reader = { .text = BUF_INIT(MESSAGE_MAX(
				    READ_MAX)) };
	struct output		out = { .data = BUF_INIT(OUTPUT_MAX) };
	int64_t			now = clock_us(), due,
				end = now + SILENT_TIMEOUT;
	bool			refused = false, more = true, was;

	log_open("chat", NULL);
	log_line(LOG_LEVEL_ERROR, "error=\"version 0.1 started this "
	    "websocketd: restart the service\"");
	output_open(&out, out_fd);
	for (; more && now < end; now = clock_us()) {
		struct pollfd	p[] = { { STDIN_FILENO, POLLIN, 0 },
				    { output_pending(&out) ? out.fd : -1,
				    POLLOUT, 0 } };

		due = message_incomplete(&reader) ?
		    now + MESSAGE_TIMEOUT * INT64_C(1000) : end;
		if (poll(p, 2, clock_poll(now, due < end ? due : end)) == -1 &&
		    errno != EINTR)
			break;
		was = refused;
		if (p[0].revents != 0)
			more = outdated_read_input(&reader, &out, &refused);
		else if (message_incomplete(&reader) && clock_us() >= due &&
		    message_end(&reader) != MESSAGE_MORE)
			outdated_refuse(&out);	/* incomplete after
						   MESSAGE_TIMEOUT */
		if (refused && !was)
			end = clock_us() + REFUSED_TIMEOUT * INT64_C(1000);
		if (output_write(&out, now) == -1)
			break;
	}
	message_free(&reader);
	buf_free(&out.data);
	return EXIT_SYSTEM;
}
