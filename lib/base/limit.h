/*
 * Caps and fixed waits that users can meet or that several files share, each
 * with its reason; the others stand beside their only user.  What an
 * administrator may want to change is a setting (settings/settings.h).
 */
#ifndef LIMIT_H
#define LIMIT_H

/* Sizes, in bytes. */

/*
 * A frame to the client, except `cached'. websocketd sends a line of up to
 * 4,082 bytes as one WebSocket frame and splits a longer one; a pipe takes
 * PIPE_BUF (4,096) at once.
 */
#define FRAME_MAX	4000

/* One write to stdout: after POLLOUT a pipe takes PIPE_BUF without blocking. */
#define WRITE_MAX	4096

/* One read from stdin or a socket: what fits a page-sized pipe buffer well. */
#define READ_MAX	16384

/*
 * A client message: a character of its text may be written as `\u00e1', six
 * bytes; the rest is for a token, the other fields and indentation.
 */
#define MESSAGE_MAX(text)	((text) * 6 + 32768)

/* What MAX_TICKET_BYTES may be at most. */
#define TICKET_BYTES_MAX	16777216

/* A question about an answer: two pages of text. */
#define QUESTION_MAX	8192

/* An instruction for a new answer: a few sentences. */
#define INSTRUCTION_MAX	2000

/* A JWT: far longer than any is, far shorter than what could hurt. */
#define TOKEN_MAX	8192

/*
 * A file with keys: one key in PEM has 800 bytes, but the key set (JWKS) of a
 * large provider contains its certificates.
 */
#define KEY_FILE_MAX	65536

/* A secret for tokens: more than 64 bytes make it no stronger. */
#define SECRET_MAX	16384

/* Nested brackets in a client message; the protocol itself needs one. */
#define MESSAGE_DEPTH	64

/* jsmn's tokens of a client message: the protocol has six fields. */
#define MESSAGE_TOKENS	1024

/* A cap as a text, for messages. */
#define LIMIT_TEXT_OF(n)	#n
#define LIMIT_TEXT(n)	LIMIT_TEXT_OF(n)

/* Ollama caps its runners' lines at 8 MB, and so do its own clients. */
#define UPSTREAM_LINE_MAX	(8 * 1024 * 1024)

/*
 * jsmn's tokens of an upstream line: /api/generate ends with one integer for
 * each token of the context, and the largest contexts have 262,144.
 */
#define UPSTREAM_TOKENS	600000

/* Nested brackets of an upstream line; lists and tool calls have far fewer. */
#define UPSTREAM_DEPTH	64

/* The body of a refusal, of which only `error' is read. */
#define UPSTREAM_BODY_MAX	65536

/* A list of models: `ollama list' of a large server is some 100 KB. */
#define UPSTREAM_LIST_MAX	(4 * 1024 * 1024)

/*
 * What the model is given of a thread: the largest contexts have 262,144 tokens
 * of some bytes each.  Of a longer thread the older half leaves.
 */
#define THREAD_BYTES	(4 * 1024 * 1024)

/* The title of a note. */
#define TITLE_MAX	200

/* The user of a token, with its NUL. */
#define USER_MAX	128

/* SYSTEM_PROMPT_FILE: a page of text; more would eat the model's context. */
#define SYSTEM_PROMPT_MAX	65536

/* What KNOWLEDGE may be at most, and the bytes of all notes in a prompt. */
#define KNOWLEDGE_MAX	10
#define KNOWLEDGE_BYTES	3000

/* KNOWLEDGE_SYNONYMS: some thousand groups of words. */
#define SYNONYMS_MAX	262144

/* websocketd.conf: the shipped one has 20 KB with its comments. */
#define SETTINGS_FILE_MAX	262144

/* One value of a setting, so that it fits an error line and an environment. */
#define SETTING_MAX	4096

/* A log line: websocketd stops reading a handler's stderr at 4,096. */
#define LOG_LINE_MAX	1000

/*
 * Output that waits for a slow client before we stop reading messages; a
 * `cached' frame may be longer, and counts alone.
 */
#define OUTPUT_PENDING	65536

/* All output that waits: the largest answer, each byte escaped to six. */
#define OUTPUT_MAX	(ANSWER_MAX * 6 + 2 * OUTPUT_PENDING)

/* What MAX_ANSWER_BYTES may be at most. */
#define ANSWER_MAX	67108864

/* Counts. */

/* Servers in OLLAMA_SERVER: all of them may be asked at the same time. */
#define SERVERS_MAX	32

/* Servers whose failures are stored: there may be some of an older setting. */
#define HEALTH_RECORDS	(2 * SERVERS_MAX)

/* The most that MAX_VIEWERS may be: an address' bytes in the file `viewers'. */
#define VIEWERS_MAX	65536

/* Viewers that one generation serves; more of them wait in the backlog. */
#define FOLLOWERS_MAX	4096

/* listen(2)'s backlog; /proc/sys/net/core/somaxconn is 4096 too. */
#define BACKLOG		4096

/* Sessions that a purge deletes at a time: others can write in between. */
#define PURGE_CHUNK	500

/* Waits, in milliseconds. */

/* How long the end of a message of several lines is awaited. */
#define MESSAGE_TIMEOUT	2000

/*
 * How long a refused connection stays open, which may still send a good
 * message, or retry if it was over MAX_VIEWERS.
 */
#define REFUSED_TIMEOUT	15000

/*
 * How long to wait for a RUN_DIR or a database that another service has, which
 * may be ending, as in a restart; and between two tries to get a lock.
 */
#define IDENTITY_WAIT	10000
#define CLAIM_PAUSE	10

/*
 * Between two looks at the generations that run, and how long they may take to
 * report what they do.
 */
#define GENERATION_LOOK	250

/* How long a generation that was told to stop may take: it may be saving. */
#define STOP_TIMEOUT	(3 * STORE_TIMEOUT)

/* How long to wait for the database's write lock, and SQLite's busy handler. */
#define STORE_TIMEOUT	5000

/* How long to wait for readers before the database's log can be truncated. */
#define CUT_TIMEOUT	30000

/* A small upstream call (/api/tags, /api/ps), which is answered from memory. */
#define UPSTREAM_SMALL_TIMEOUT	10000
#define SMALL_TIMEOUT_TEXT	"10 s"

/*
 * A call of /api/ps to all servers: one that takes longer would not answer a
 * question quickly, either.
 */
#define LOADED_TIMEOUT	1000

/*
 * SAVE_TRY is each of the two waits of a try to save a whole answer, for the
 * write lock and for SQLite's own locks: together they keep the loop from its
 * viewers for 200 ms.  SAVE_PAUSE is the time between two tries, doubled from
 * the first to the last, and SAVE_PATIENCE, in seconds, the time for all of
 * them: a restore or a copy of the file takes minutes.
 */
#define SAVE_TRY	100
#define SAVE_PAUSE_MIN	100
#define SAVE_PAUSE_MAX	2000
#define SAVE_PATIENCE	600

/*
 * A viewer of a generation gets a line at least every ALIVE seconds.  It is
 * written somewhat earlier, after ALIVE_PAUSE ms, since a try to save may delay
 * it.
 */
#define ALIVE		5
#define ALIVE_PAUSE	4000

/*
 * How many times ALIVE seconds may pass without a line before a viewer gives a
 * generation up, and after a stop, which a generation obeys at once.
 */
#define ALIVE_WAITS	9
#define ALIVE_WAITS_STOP	3

/*
 * Between two tries to tell a generation whose backlog is full to stop; after
 * STOP_TIMEOUT the caller gives up.
 */
#define STOP_AGAIN	20

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

/*
 * How long a waiting generation without viewers lets those go first that have
 * viewers.
 */
#define QUEUE_PATIENCE	600000

#endif
