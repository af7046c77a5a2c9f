/*
 * What can go wrong with a question: one table of stable codes, whether a
 * retry helps, the exit code of a program in a pipe, and the words for people.
 */
#ifndef FAILURE_H
#define FAILURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/language.h"

enum failure_code {
	FAILURE_NONE,			/* all is well */
	FAILURE_BAD_JSON,		/* not one JSON object in UTF-8 */
	FAILURE_BAD_REQUEST,		/* field missing, blank, wrong type */
	FAILURE_TOO_LARGE,		/* message or ticket over its limit */
	FAILURE_BAD_TICKET_ID,		/* the path names no ticket */
	FAILURE_UNKNOWN_TICKET,		/* TICKETS=existing, or just deleted */
	FAILURE_FORBIDDEN_ORIGIN,	/* Origin not in ALLOWED_ORIGINS */
	FAILURE_UNAUTHORIZED,		/* no token, or not a good one */
	FAILURE_NO_ANSWER,		/* `open': there is nothing to open */
	FAILURE_NOT_ALLOWED,		/* switched off, as OPEN=off */
	FAILURE_RATE_LIMITED,		/* over RATE_LIMIT or MAX_VIEWERS */
	FAILURE_QUEUE_FULL,		/* over QUEUE_MAX generations wait */
	FAILURE_STOPPED,		/* a viewer said stop */
	FAILURE_INTERRUPTED,		/* the generator died */
	FAILURE_SHUTTING_DOWN,		/* the generator got SIGTERM */
	FAILURE_UPSTREAM_UNREACHABLE,	/* refused, or no such name */
	FAILURE_UPSTREAM_BUSY,		/* 503, 429 */
	FAILURE_UPSTREAM_TIMEOUT,	/* one of our four timers ran out */
	FAILURE_UPSTREAM_ERROR,		/* 5xx, or an error line */
	FAILURE_UPSTREAM_INVALID,	/* a line that Ollama would not send */
	FAILURE_UPSTREAM_TRUNCATED,	/* an end without "done":true */
	FAILURE_EMPTY_ANSWER,		/* done, but no text */
	FAILURE_UPSTREAM_REJECTED,	/* 400, 401, 403, bad option */
	FAILURE_MODEL_MISSING,		/* 404, or no model at all */
	FAILURE_PROMPT_TOO_LONG,	/* does not fit the model's context */
	FAILURE_ANSWER_TOO_LONG,	/* over MAX_ANSWER_BYTES */
	FAILURE_STORAGE,		/* database busy, full, read-only */
	FAILURE_SCHEMA,			/* database older or newer than us */
	FAILURE_INTERNAL,		/* anything else */
	FAILURE__MAX
};

/* Exit codes of the programs, as in design.md; the worst one wins. */
enum exit_code {
	EXIT_GOOD = 0,
	EXIT_CLIENT = 1,	/* the client's fault */
	EXIT_UPSTREAM = 2,	/* the model, or the queue in front of it */
	EXIT_USAGE = 100,
	EXIT_BUG = 101,
	EXIT_SETTINGS = 102,
	EXIT_SYSTEM = 111
};

/* Details that have words of their own: of an upstream_error for want of
 * memory, of an upstream_unreachable whose certificate is not trusted here. */
#define FAILURE_MEMORY		"memory"
#define FAILURE_CERTIFICATE	"certificate"

/* What is wrong with a message, if the code alone does not say it. */
enum failure_cause {
	FAILURE_USUAL,
	FAILURE_MISSING,	/* a field is not there */
	FAILURE_BLANK,		/* a field has only blanks */
	FAILURE_REPEATED,	/* a field appears more than once */
	FAILURE_TYPE,		/* a field has a value of the wrong type */
	FAILURE_NUL,		/* U+0000 in the ticket's text */
	FAILURE_HALF_PAIR,	/* half a surrogate pair in it */
	FAILURE_MANY_VALUES	/* more than MESSAGE_TOKENS */
};

/* A failure on its way to its `error' frame. */
struct failure {
	enum failure_code	code;
	enum failure_cause	cause;		/* words of its own */
	int			retry_after;	/* seconds; 0: not known */
	char			detail[128];	/* UTF-8; see failure_message */
};

/* Makes a failure; detail may be NULL and is cut at the field's size. */
struct failure failure_make(enum failure_code, const char *detail);

/* The stable name of a code ("bad_json"). */
const char *failure_name(enum failure_code);

/* The code of a name of len bytes; FAILURE_INTERNAL if it is none. */
enum failure_code failure_from_name(const char *name, size_t len);

/* Whether asking again may help without anybody changing something. */
bool failure_retryable(enum failure_code);

/* What a program in a pipe exits with after this failure. */
enum exit_code failure_exit(enum failure_code);

/*
 * Words for people.  The message may hold one "{}", where the failure's
 * detail belongs: a field's name, a limit, a model, a setting.
 */
const char *failure_message(enum failure_code, enum language);

/* The same for a failure whose detail or cause may give it better words. */
const char *failure_words(const struct failure *, enum language);

#endif
