/*
 * Every cap and every fixed wait that is not a setting, in one place, each
 * with its reason.  What an administrator may want to change is in
 * websocketd.conf instead; see lib/settings/settings.h.
 */
#ifndef LIMIT_H
#define LIMIT_H

/* Sizes, in bytes. */

/*
 * A frame to the client but for `cached'.  websocketd hands a line of up to
 * 4,082 bytes on as one WebSocket frame and splits a longer one; a pipe takes
 * PIPE_BUF (4,096) at once.
 */
#define FRAME_MAX	4000

/* One write to stdout: after POLLOUT a pipe takes PIPE_BUF without blocking. */
#define WRITE_MAX	4096

/* One read from stdin or a socket: what fits a page-sized pipe buffer well. */
#define READ_MAX	16384

/*
 * A character of the ticket may arrive as `\u00e1', six bytes; the rest is
 * for a token, the other fields and indentation.
 */
#define MESSAGE_MAX(ticket)	((ticket) * 6 + 32768)

/* A token in a message: far over any JWT, far under what hurts. */
#define TOKEN_MAX	8192

/* Cookies of the name JWT_COOKIE that are tried: a browser sends one for each
 * path and domain that set it. */
#define COOKIES_MAX	16

/* A file with keys: PEM of one has 800 bytes, but the set (JWKS) of a large
 * provider comes with its certificates. */
#define KEY_FILE_MAX	65536

/* A secret for tokens: more than 64 bytes make it no stronger. */
#define SECRET_MAX	16384

/* Tokens (jsmn's) of such a set: a key has some 30. */
#define KEY_FILE_TOKENS	4096

/* The name of a key (`kid'). */
#define KEY_ID_MAX	255

/* Brackets in a client message; the protocol itself needs one. */
#define MESSAGE_DEPTH	64

/* Tokens (jsmn's) of a client message: the protocol has six fields. */
#define MESSAGE_TOKENS	1024

/* A cap for people. */
#define LIMIT_TEXT_OF(n)	#n
#define LIMIT_TEXT(n)	LIMIT_TEXT_OF(n)

/* One read of a file that is looked through: a disk likes large ones. */
#define TRACE_READ	1048576

/* Ollama caps its runners' lines at 8 MB, and so do its own clients. */
#define UPSTREAM_LINE_MAX	(8 * 1024 * 1024)

/*
 * Tokens (jsmn's) of an upstream line: /api/generate ends with one integer
 * for each token of the context, and the largest contexts have 262,144.
 */
#define UPSTREAM_TOKENS	600000

/* Brackets of an upstream line; /api/tags and tool calls stay far below. */
#define UPSTREAM_DEPTH	64

/* The body of a refusal, of which only `error' is looked at. */
#define UPSTREAM_BODY_MAX	65536

/* A list of models: `ollama list' of a large server is some 100 KB. */
#define UPSTREAM_LIST_MAX	(4 * 1024 * 1024)

/* Tokens of an answer, and with the model's thoughts, unless OLLAMA_OPTIONS
 * says otherwise: three times what our system prompt asks for.  JSON. */
#define PREDICT_MAX		"1024"
#define PREDICT_MAX_THINKING	"4096"

/* A head of Harmony's, from its first mark to <|message|>: some words. */
#define HARMONY_HEAD_MAX	200

/* White space in front of an answer that may still be a thought: more of it is
 * none. */
#define THOUGHT_WHITE_MAX	4096

/* The two lines of a fence around a ticket; see lib/ollama/prompt.h. */
#define PROMPT_FENCE	64

/* SYSTEM_PROMPT_FILE: a page of text; more would eat the model's context. */
#define SYSTEM_PROMPT_MAX	65536

/* websocketd.conf: ours has 10 KB with its comments. */
#define SETTINGS_FILE_MAX	262144

/* One value of a setting, so that it fits an error line and an environment. */
#define SETTING_MAX	4096

/* The environment of a process of ours: each setting, and some room. */
#define ENVIRONMENT_MAX	1048576

/* A log line: websocketd stops reading a handler's stderr at 4,096. */
#define LOG_LINE_MAX	1000

/* Output that waits for a client that reads slowly, before we stop reading
 * for it; a `cached' frame may be longer and counts alone. */
#define OUTPUT_PENDING	65536

/* `lang` in a message: a language tag or an Accept-Language list. */
#define LANG_MAX	256

/* All output that waits: the largest answer, each byte escaped to six. */
#define OUTPUT_MAX	(ANSWER_MAX * 6 + 2 * OUTPUT_PENDING)

/* What MAX_ANSWER_BYTES may be at most. */
#define ANSWER_MAX	67108864

/*
 * The frames of a generation, kept for those who come late: a token of four
 * bytes in a frame of its own takes ten times as much.
 */
#define FRAMES_MAX(answer)	((answer) * 12 + 65536)

/*
 * Address space of a process (RLIMIT_AS): the largest output that is allowed,
 * twice while it grows, and room for libraries.
 */
#define MEMORY_MAX	(2UL * OUTPUT_MAX + 512UL * 1024 * 1024)

/* A piece of `sessions replay': the longest words, and most tokens, are
 * shorter. */
#define PLAY_PIECE	40

/* Counts. */

/* Descriptors of a chat: it needs about ten. */
#define DESCRIPTORS_CHAT	64

/* Servers in OLLAMA_SERVER: all of them are asked at the same time. */
#define SERVERS_MAX	32

/* Servers whose failures are remembered: also those of another list. */
#define HEALTH_RECORDS	(2 * SERVERS_MAX)

/* The notices behind them, a line of these, and how many days doctor tells it:
 * a template that was mended is soon forgotten. */
#define HEALTH_RECORD	24
#define NOTICES_AT	(HEALTH_RECORD * 171)
#define NOTICES_MAX	16384
#define NOTICE_MAX	320
#define NOTICE_DAYS	7

/* Descriptors of an answer: its followers', and libcurl's, which needs some for
 * each server that it asks. */
#define DESCRIPTORS_ANSWER	(FOLLOWERS_MAX + 64 + 4 * SERVERS_MAX)

/* Questions that wait behind the one that runs, on one connection. */
#define QUESTIONS_WAITING	4

/* What MAX_VIEWERS may be at most: an address' bytes in the file `viewers'. */
#define VIEWERS_MAX	65536

/* Viewers that one generation serves; the rest waits in the backlog. */
#define FOLLOWERS_MAX	4096

/* listen(2)'s backlog; /proc/sys/net/core/somaxconn is 4096 too. */
#define BACKLOG		4096

/* Times that a viewer comes just as a generation goes, before it gives up. */
#define ATTACH_TRIES	8

/*
 * Pages in the database's log before a writer moves them over.  Whoever opens
 * the database alone reads the whole log first, 0.55 ms a megabyte; SQLite's
 * own 1,000 pages would triple the time of a saved answer.
 */
#define WAL_PAGES	100

/* Sessions that a purge deletes at a time: others write in between. */
#define PURGE_CHUNK	500

/* How long one of its transactions goes on taking more, in milliseconds. */
#define PURGE_MOMENT	50

/* Waits, in milliseconds. */

/* A message of several lines whose end does not come. */
#define MESSAGE_TIMEOUT	2000

/* A connection that was refused, which may say something better meanwhile, or
 * one over MAX_VIEWERS, which may try again. */
#define REFUSED_TIMEOUT	15000

/* Until somebody who holds a ticket's claim has started its generation:
 * longer than STORE_TIMEOUT, which the holder may spend on its session row. */
#define ATTACH_TIMEOUT	15000

/* Between two tries to attach: doubled from the first to the last. */
#define ATTACH_PAUSE_US_MIN	200
#define ATTACH_PAUSE_US_MAX	6000

/* A claim is held for milliseconds, or for a session row by a slow disk; and
 * between two tries to get it. */
#define CLAIM_TIMEOUT	(2 * STORE_TIMEOUT)

/* How long a RUN_DIR or a database is waited for that another service has: it
 * may be ending, as in a restart. */
#define IDENTITY_WAIT	10000
#define CLAIM_PAUSE	10

/* Between two looks at what runs, and how long what runs may take to say what
 * it is doing. */
#define GENERATION_LOOK	250

/* A generation that was told to stop: it may be keeping its answer. */
#define STOP_TIMEOUT	(3 * STORE_TIMEOUT)

/* What --pace of `sessions replay' may be at most. */
#define PLAY_PACE_MAX	60000

/* `sessions tail' looks for what has begun: soon where somebody is about to
 * listen, otherwise inotify(7) tells it, if there is one. */
#define WATCH_SOON	20
#define WATCH_TICK	1000

/* The database's write lock and SQLite's own busy handler. */
#define STORE_TIMEOUT	5000

/* Until no reader is in the way of cutting the database's log to nothing. */
#define CUT_TIMEOUT	30000

/* A small upstream call (/api/tags, /api/ps): answered from memory. */
#define UPSTREAM_SMALL_TIMEOUT	10000
#define SMALL_TIMEOUT_TEXT	"10 s"

/* All servers are asked which models they have loaded (/api/ps): one that has
 * not told it by then would not be quick with an answer either. */
#define LOADED_TIMEOUT	1000

/* A server that has failed is left alone for so long, doubled each time up to
 * the last: a restart takes seconds, and one that is back after a night should
 * not be idle for long. */
#define HEALTH_PAUSE_MIN	2000
#define HEALTH_PAUSE_MAX	60000

/* Between two looks whether the server listens, and how long it has to; it
 * takes milliseconds. */
#define LISTEN_PAUSE	20
#define LISTEN_TIMEOUT	30000

/* How often what websocketd says of no use is told in one line: an hour. */
#define NOISE_PAUSE	3600000

/* How long websocketd has to end when the service is told to, and, when
 * STOP_WAIT is over, those that still write answers; between two looks at
 * these.  `podman stop' and `docker stop' wait for 10 s in all. */
#define END_TIMEOUT	1500
#define INIT_TIMEOUT	3000
#define REST_PAUSE	50

/* Before the one retry, plus up to the same again at random, so that several
 * generations do not come back at the same time. */
#define RETRY_PAUSE	1000

/* Silence of the model after which we ask it whether it is still loading. */
#define LOADING_ASK_FIRST	500
#define LOADING_ASK_AGAIN	2000

/* Each of the two waits of a try to save an answer that is whole, for the write
 * lock and for SQLite's own locks: together they keep the loop from its viewers
 * for 200 ms.  Between two tries, doubled from the first to the last; and all
 * of it, in seconds: a restore or a copy of the file takes minutes. */
#define SAVE_TRY	100
#define SAVE_PAUSE_MIN	100
#define SAVE_PAUSE_MAX	2000
#define SAVE_PATIENCE	600

/* Whoever follows a generation gets a line at least every ALIVE seconds.  It is
 * written somewhat earlier, in milliseconds, since a try to save may be in the
 * way. */
#define ALIVE		5
#define ALIVE_PAUSE	4000

/* How many waits of ALIVE seconds without a line it takes until a generation is
 * given up, and how many after a stop, which it obeys at once. */
#define ALIVE_WAITS	9
#define ALIVE_WAITS_STOP	3

/* Until doctor looks again at a generation that waits for a disk. */
#define STILL_PAUSE	500

/* Between two status frames that only tell of viewers who came or left. */
#define VIEWERS_PAUSE	1000

/* Between two tries to reach a generation whose backlog is full, to stop it;
 * after STOP_TIMEOUT that is given up. */
#define STOP_AGAIN	20

/* After accept(2) failed for want of descriptors or followers' places. */
#define ACCEPT_PAUSE	100

/* One of a database's hosts, at one of its addresses, has to answer within it,
 * and the name server too, in milliseconds; and all of them together. */
#define DIAL_TIMEOUT	3000
#define DIAL_ALL	30000

/* What a call of a database server may take, in milliseconds: to wait for a
 * lock, in all, and until its client has no more patience with it. */
#define CALL_LOCK	2000
#define CALL_STATEMENT	5000
#define CALL_TIMEOUT	6000

/* The same of what may be asked twice, over a connection that was there before:
 * then it is asked once more over a new one, which finds another server where
 * this one hangs. */
#define CALL_KEPT	3000

/* A viewer's question to a database server, from the start of the program that
 * asks it to its verdict: all hosts are gone through, and the last one needs
 * all of CALL_TIMEOUT.  Under the claim, where others wait for ATTACH_TIMEOUT,
 * the host that has just answered the first question is asked first. */
#define QUERY_TIMEOUT		(DIAL_ALL + CALL_TIMEOUT)
#define QUERY_CLAIM_TIMEOUT	10000

/* The program that stays to be asked by others: how long it stays when nobody
 * asks, and in all; how long it is connected; between two looks whether its
 * place is still there; and how long whoever asks waits until it hears, which
 * is at once unless it is busy with a server that is slow. */
#define QUERY_STAY		60000
#define QUERY_STAY_ALL		600000
#define QUERY_CONNECTED		10000
#define QUERY_TICK		1000
#define QUERY_HEARD		1000

/* An administrator's statement may take as long as it takes.  While its server
 * says nothing, how often another connection looks whether it is still there,
 * and how many of them in a row may get no answer. */
#define CALL_LOOK	5000
#define CALL_LOOKS	2

/* Between two calls of a generation to its database server: where none was
 * answered, where another machine writes the ticket, and (as the server tells
 * it) where it runs. */
#define NODE_PAUSE	500
#define NODE_WATCH	1000
#define NODE_RENEW	2000

/* How long its owner has to begin a run once more that the database lost. */
#define NODE_GRACE	(NODE_RENEW + 1000)

/* How long a generation that waits, or has not begun, does without its
 * database: a server's restart, or another one's taking over. */
#define NODE_PATIENCE	30000

/* How long the end of a run is waited for until it is in the database; without
 * it the lease ends by itself. */
#define NODE_LINGER	2000

/* Where the server is there, but its COMMIT waits for a standby, or somebody
 * has the row: between two tries to save, doubled from SAVE_PAUSE_MIN to this
 * (behind a COMMIT that takes too long from twice SAVE_PAUSE_MAX), and between
 * two renewals meanwhile, which also tell that it is saved. */
#define SAVE_AGAIN_MAX	30000
#define SAVE_RENEW	5000

/* How long a save is waited for before its viewers are told that it goes on. */
#define SAVE_QUIET	200

/* Looking at the slots while waiting: at the head of the queue, and behind. */
#define QUEUE_TICK_HEAD	20
#define QUEUE_TICK	250

/* How long a waiting generation that nobody watches lets those go first that
 * somebody watches.  After that it waits as they do. */
#define QUEUE_PATIENCE	600000

/* The most places of the queue that are looked at: the largest QUEUE_MAX, and
 * those that have a slot. */
#define QUEUE_PLACES	8192

/* `retryAfter' over MAX_VIEWERS, in seconds: when a tab may have closed. */
#define RETRY_AFTER_VIEWERS	10

/* The most that is believed of a server's Retry-After: an hour. */
#define RETRY_AFTER_MAX	3600

/* `retryAfter' of queue_full, in seconds: about one answer on a small CPU. */
#define RETRY_AFTER_QUEUE	30

#endif
