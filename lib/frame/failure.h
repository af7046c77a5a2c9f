/*
 * What can go wrong with a question.  One table holds the stable code, whether
 * trying again may help, the exit code for programs in a pipe, and the words
 * for people.
 */
#ifndef FAILURE_H
#define FAILURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/language.h"

enum failure_code {
	FAILURE_NONE,			/* no failure */
	FAILURE_BAD_JSON,		/* not one JSON object in UTF-8 */
	FAILURE_BAD_REQUEST,		/* field missing, blank, wrong type */
	FAILURE_TOO_LARGE,		/* message or ticket over its limit */
	FAILURE_BAD_TICKET_ID,		/* the path names no ticket */
	FAILURE_UNKNOWN_TICKET,		/* TICKETS=existing: there is none, or
					   it was deleted just now */
	FAILURE_FORBIDDEN_ORIGIN,	/* Origin not in ALLOWED_ORIGINS */
	FAILURE_UNAUTHORIZED,		/* no JWT, or not a valid one */
	FAILURE_NO_ANSWER,		/* nothing is saved, and nothing runs */
	FAILURE_NOT_ALLOWED,		/* switched off, as by OPEN=off */
	FAILURE_THREAD_FULL,		/* too many questions about an answer */
	FAILURE_ANSWER_CHANGED,		/* the answer to be replaced is not the
					   newest any more */
	FAILURE_ANSWER_RUNNING,		/* an answer of the ticket is being
					   generated */
	FAILURE_RATE_LIMITED,		/* over RATE_LIMIT or MAX_VIEWERS */
	FAILURE_QUEUE_FULL,		/* QUEUE_MAX generations wait already */
	FAILURE_FILTER_FAILED,		/* TICKET_FILTER gave no text */
	FAILURE_STOPPED,		/* a viewer sent `stop' */
	FAILURE_INTERRUPTED,		/* the `answer' process died */
	FAILURE_SHUTTING_DOWN,		/* `answer' got SIGTERM */
	FAILURE_UPSTREAM_UNREACHABLE,	/* connection refused, or no such
					   host */
	FAILURE_UPSTREAM_BUSY,		/* HTTP 503 or 429 */
	FAILURE_UPSTREAM_TIMEOUT,	/* one of the four timeouts */
	FAILURE_UPSTREAM_ERROR,		/* HTTP 5xx, or an error line */
	FAILURE_UPSTREAM_INVALID,	/* a line that Ollama never sends */
	FAILURE_UPSTREAM_TRUNCATED,	/* no line with "done":true */
	FAILURE_EMPTY_ANSWER,		/* done, but without text */
	FAILURE_UPSTREAM_REJECTED,	/* HTTP 400, 401, 403; a bad option */
	FAILURE_MODEL_MISSING,		/* HTTP 404, or the server has no
					   model */
	FAILURE_PROMPT_TOO_LONG,	/* longer than the model's context */
	FAILURE_ANSWER_TOO_LONG,	/* longer than MAX_ANSWER_BYTES */
	FAILURE_STORAGE,		/* database busy, full or read-only */
	FAILURE_SCHEMA,			/* older or newer than SCHEMA_VERSION */
	FAILURE_INTERNAL,		/* anything else */
	FAILURE__MAX
};

/*
 * Exit codes of the programs.  If several failures occur, the highest one wins.
 */
enum exit_code {
	EXIT_GOOD = 0,
	EXIT_CLIENT = 1,	/* the client's mistake */
	EXIT_UPSTREAM = 2,	/* the model or the queue */
	EXIT_USAGE = 100,
	EXIT_BUG = 101,
	EXIT_SETTINGS = 102,
	EXIT_SYSTEM = 111
};

/* Details with their own words: upstream_error because the model's server
   has no memory left; upstream_unreachable because its certificate is not
   trusted. */
#define FAILURE_MEMORY		"memory"
#define FAILURE_CERTIFICATE	"certificate"

/* Why a message was refused, if the code alone does not say it. */
enum failure_cause {
	FAILURE_USUAL,
	FAILURE_MISSING,	/* a field is not there */
	FAILURE_BLANK,		/* a field holds only white space */
	FAILURE_REPEATED,	/* a field appears more than once */
	FAILURE_TYPE,		/* a field has a value of the wrong type */
	FAILURE_NUL,		/* U+0000 in a text */
	FAILURE_HALF_PAIR,	/* half a surrogate pair in it */
	FAILURE_TEXT,		/* too_large: a text other than the ticket's */
	FAILURE_MANY_VALUES	/* more than MESSAGE_TOKENS */
};

/* A failure, on its way to becoming an `error' frame. */
struct failure {
	enum failure_code	code;
	enum failure_cause	cause;		/* selects the words */
	int			retry_after;	/* seconds; 0: not known */
	int64_t			session, version;	/* answer_changed: of
							   the newest answer; 0:
							   not known */
	char			detail[128];	/* UTF-8; replaces "{}" in the
						   message */
};

/*
 * Makes a failure.  `detail' may be NULL and is truncated to the field's size.
 */
struct failure failure_make(enum failure_code, const char *detail);

/* Makes a too_large failure; `max' is the limit in bytes. */
struct failure failure_too_large(size_t max, enum failure_cause);

/* The stable name of a code ("bad_json"). */
const char *failure_name(enum failure_code);

/* The code with this name, of len bytes; FAILURE_INTERNAL if there is none. */
enum failure_code failure_from_name(const char *name, size_t len);

/* Whether asking again may help without any change. */
bool failure_retryable(enum failure_code);

/* With what a program in a pipe exits after this failure. */
enum exit_code failure_exit(enum failure_code);

/*
 * The words for people.  A "{}" in the message stands for the failure's detail:
 * the name of a field, a limit, a model, a setting.
 */
const char *failure_message(enum failure_code, enum language);

/*
 * As failure_message, but chooses better words if the detail or cause allows
 * it.
 */
const char *failure_words(const struct failure *, enum language);

#endif
