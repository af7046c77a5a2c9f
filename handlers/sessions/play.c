/*
 * Plays a saved answer as frames, as if it were being generated.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limit.h"
#include "base/number.h"
#include "base/utf8.h"
#include "frame/frame.h"
#include "program.h"
#include "sessions/command.h"

/*
 * Bytes of a piece that `sessions replay' plays: the longest words, and most
 * tokens, are shorter.
 */
#define PLAY_PIECE	40

/* The most that --pace of `sessions replay' may be, in ms. */
#define PLAY_PACE_MAX	60000

/* Writes the complete frames and waits. */
static void
play_write(struct buf *out, int64_t pace)
{
	const struct timespec	t = {
		(time_t)(pace / 1000), (long)(pace % 1000) * 1000000
	};

	(void)fwrite(out->data, 1, out->len, stdout);
	command_flush();
	buf_clear(out);
	(void)nanosleep(&t, NULL);
}

/* Plays a text in pieces such as models write: a word and its white space. */
static int
play_text(const struct session *s, struct buf *out, int64_t pace)
{
	struct frame_stream	 stream = { .out = out };
	const char		*p = s->response, *end = p + s->response_len;
	size_t			 n, most;

	for (; p < end; p += n) {
		most = (size_t)(end - p) < PLAY_PIECE ? (size_t)(end - p) :
		    PLAY_PIECE;
		for (n = 0; n < most && strchr(" \n", p[n]) == NULL; n++)
			;
		for (; n < most && strchr(" \n", p[n]) != NULL; n++)
			;
		n = utf8_cut(p, (size_t)(end - p), n);
		n = n == 0 ? most : n;		/* not UTF-8 */
		if (frame_stream_add(&stream, p, n) == -1 ||
		    frame_stream_end(&stream) == -1)
			break;
		play_write(out, pace);
	}
	frame_stream_free(&stream);
	return p < end ? -1 : 0;
}

int
command_replay(const struct settings *s, int argc, char *argv[])
{
	int64_t				 version = 0, ticket;
	const char			*pace = "30";
	const struct command_option	 options[] = {
		{ "version", NULL, &version, NULL },
		{ "pace", NULL, NULL, &pace },
		{ NULL, NULL, NULL, NULL },
	};
	struct buf			 out = BUF_INIT(OUTPUT_MAX);
	struct session			 session;
	struct store			*store;
	int64_t				 ms;
	int				 i;

	i = command_options(argc, argv, options, 1, 1);
	ticket = command_ticket(argv[0], argv[i]);
	if (!number_read(pace, strlen(pace), PLAY_PACE_MAX, &ms))
		program_fail(EXIT_USAGE, "replay: --pace needs a number of "
		    "milliseconds");
	store = command_store(s);
	command_need(version != 0 ? store_session_by_version(store, ticket,
	    version, &session) : store_session_by_ticket(store, ticket,
	    &session), store);
	if (session.id == 0)
		program_fail(EXIT_CLIENT, "ticket %s has no such answer",
		    argv[i]);
	store_close(store);
	if (play_text(&session, &out, ms) == -1 ||
	    frame_done(&out, session.cut, session.versions, 0) == -1)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	play_write(&out, 0);
	session_free(&session);
	buf_free(&out);
	return EXIT_GOOD;
}
