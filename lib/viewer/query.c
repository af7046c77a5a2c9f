/*
 * What a question asks the database: see query.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/admission.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/rate.h"
#include "frame/frame.h"
#include "generation/generation.h"
#include "json/json.h"
#include "json/jsonw.h"
#include "store/resident.h"
#include "text/cite.h"
#include "viewer/query.h"

enum {
	OPEN_MISSES = 60,	/* "no answer" replies per user and minute */
	RATINGS = 30,		/* ratings per user and minute */
	WRITTEN = 30		/* a user's own answers per minute */
};

static const char	program[] = LIBEXECDIR "/lookup";

/* The names that language_of understands. */
static const char *const	languages[LANGUAGE__MAX] = {
	[LANGUAGE_PT] = "pt", [LANGUAGE_EN] = "en", [LANGUAGE_ES] = "es",
};

static void
verdict_clear(struct verdict *v)
{
	/* Set single members: clearing the whole struct would cost a kilobyte
	   for each cached answer. */
	v->failure.code = FAILURE_NONE;
	v->failure.cause = FAILURE_USUAL;
	v->failure.retry_after = 0;
	v->failure.session = v->failure.version = 0;
	v->failure.detail[0] = v->error[0] = v->call[0] = v->identity[0] =
	    v->text_hash[0] = v->instruction_hash[0] = v->user_hash[0] =
	    v->user_name[0] = '\0';
	v->session = v->follows = v->version = 0;
	v->question[0] = '\0';
	v->newest = SEEN_UNKNOWN;
	v->heard = false;
}

static void
verdict_fail(struct verdict *v, enum failure_code code, const char *call,
    const char *error)
{
	v->failure = failure_make(code, NULL);
	(void)snprintf(v->call, sizeof(v->call), "%s", call);
	(void)snprintf(v->error, sizeof(v->error), "%s", error);
}

static void
verdict_fail_store(struct verdict *v, enum failure_code code,
    const struct store *store)
{
	verdict_fail(v, code, "store", store_error(store));
}

/* Whether an answer was written with the question's instruction. */
static bool
query_same_instruction(const struct request *r, const struct session *found)
{
	const char	*saved = found->instruction;
	char		*x, *y;
	size_t		 x_len, y_len;
	bool		 same;

	if (saved == NULL || r->instruction.len == 0)
		return saved == NULL && r->instruction.len == 0;
	x = text_folded(saved, strlen(saved), &x_len);
	y = text_folded(r->instruction.data, r->instruction.len, &y_len);
	same = x != NULL && y != NULL && x_len == y_len &&
	    memcmp(x, y, x_len) == 0;
	free(x);
	free(y);
	return same;
}

/* Whether a saved answer is what the question asks for. */
static bool
query_serves(const struct settings *s, const struct request *r, int64_t seen,
    const struct session *found)
{
	if (found->id == 0)
		return false;
	if (r->refresh && (found->id <= seen ||
	    !query_same_instruction(r, found)))
		return false;
	return s->number[SETTING_CACHE] == CACHE_TICKET ||
	    text_same(found->prompt, found->prompt_len, r->body.data,
	    r->body.len);
}

/*
 * Finds the saved answer to consider, and whether it can be used.  With
 * CACHE=body it may be an older version that answers the same text.
 */
static enum failure_code
query_find(struct store *store, const struct settings *s,
    const struct query *q, struct session *found, bool *serves,
    struct verdict *v)
{
	const struct request	*r = q->request;
	enum failure_code	 rc;
	int64_t			 seen;

	if (q->kind == QUERY_SESSION) {
		rc = store_session(store, q->ticket, q->session, found);
		*serves = found->id != 0;
		return rc;
	}
	if (r->version != 0) {
		rc = store_session_by_version(store, q->ticket, r->version,
		    found);
		*serves = found->id != 0;
		return rc;
	}
	if ((rc = store_session_by_ticket(store, q->ticket, found)) !=
	    FAILURE_NONE)
		return rc;
	v->newest = found->id;
	if (r->type == REQUEST_OPEN) {
		*serves = found->id != 0;
		return rc;
	}
	seen = r->seen == SEEN_UNKNOWN ? found->id : r->seen;
	*serves = query_serves(s, r, seen, found);
	if (*serves || found->versions < 2 ||
	    s->number[SETTING_CACHE] == CACHE_TICKET)
		return rc;
	session_free(found);
	rc = store_session_by_text(store, q->ticket, r->body.data,
	    r->body.len, found);
	*serves = query_serves(s, r, seen, found);
	return rc;
}

/* Counts one against a rate limit.  If none is left, sets the verdict. */
static void
query_take(struct store *store, const struct settings *s, const char *key,
    int64_t count, int64_t period, struct verdict *v)
{
	const int	wait = rate_take(store, s, key, count, period, v->error,
			    sizeof(v->error));

	if (wait > 0) {
		v->failure = failure_make(FAILURE_RATE_LIMITED, NULL);
		v->failure.retry_after = wait;
	} else if (wait == -1) {
		v->failure = failure_make(FAILURE_STORAGE, NULL);
		(void)snprintf(v->call, sizeof(v->call), "rate");
	}
}

/* Counts something other than a generation against a user's limit for it. */
static void
query_take_one(struct store *store, const struct settings *s,
    const char *prefix, const char *user, int64_t count, struct verdict *v)
{
	char	key[RATE_KEY_MAX];

	if (*user == '\0')
		return;
	(void)snprintf(key, sizeof(key), "%s%s", prefix, user);
	query_take(store, s, key, count, RATE_MINUTE, v);
}

/* Charges a generation to the user's RATE_LIMIT. */
static void
query_charge(struct store *store, const struct settings *s, const char *user,
    struct verdict *v)
{
	int64_t	count, period;

	if (*user != '\0' && rate_parse(s->text[SETTING_RATE_LIMIT], &count,
	    &period) && count > 0)
		query_take(store, s, user, count, period, v);
}

/*
 * The ticket has no such answer.  Replies of this kind are rate-limited, so
 * that nobody can probe all ticket numbers.
 */
static void
query_miss(struct store *store, const struct settings *s,
    const struct query *q, enum failure_code code, const char *detail,
    struct verdict *v)
{
	v->failure = failure_make(code, detail);
	query_take_one(store, s, RATE_OPEN, q->user, OPEN_MISSES, v);
}

/*
 * There is no answer to open: fails unless another machine is generating one.
 */
static void
query_no_answer(struct store *store, const struct settings *s,
    const struct query *q, struct verdict *v)
{
	enum failure_code	rc;

	if ((rc = store_ticket_runs(store, q->ticket, &v->heard)) !=
	    FAILURE_NONE)
		verdict_fail_store(v, rc, store);
	else if (!v->heard)
		query_miss(store, s, q, FAILURE_NO_ANSWER, NULL, v);
}

/* The name of a user for ratings: from the JWT, else a hash. */
static enum failure_code
query_user(struct store *store, const char *who, char name[ADMISSION_WHO])
{
	static const char	 shell[] = "shell";
	const char		*user = store_user(who);

	if (*who == '\0')
		memcpy(name, shell, sizeof(shell));
	else if (user != NULL)
		(void)snprintf(name, ADMISSION_WHO, "%s", user);
	else
		return store_text_hash(store, who, strlen(who), name);
	return FAILURE_NONE;
}

/*
 * Whether a generation may be started: the ticket exists if it must, and the
 * user has one left.
 */
static void
query_begin(struct store *store, const struct settings *s,
    const struct query *q, struct verdict *v)
{
	enum failure_code	rc;
	bool			there = true;
	char			name[24];

	if (s->number[SETTING_TICKETS] == TICKETS_EXISTING &&
	    (rc = store_has_ticket(store, q->ticket, &there)) !=
	    FAILURE_NONE) {
		verdict_fail_store(v, rc, store);
		return;
	}
	if (!there) {
		(void)snprintf(name, sizeof(name), "%" PRId64, q->ticket);
		v->failure = failure_make(FAILURE_UNKNOWN_TICKET, name);
		return;
	}
	/* The queue's locks hold a hash, not a name.  On error: nobody's
	   turn. */
	if (*q->user != '\0' && store_text_hash(store, q->user,
	    strlen(q->user), v->user_hash) != FAILURE_NONE)
		v->user_hash[0] = '\0';
	if (query_user(store, q->user, v->user_name) != FAILURE_NONE)
		v->user_name[0] = '\0';
	if (q->charge)
		query_charge(store, s, q->user, v);
}

/* Sets the hash of the instruction, in the form in which it is compared. */
static void
query_hash_instruction(struct store *store, const struct request *r,
    struct verdict *v)
{
	enum failure_code	 rc = FAILURE_INTERNAL;
	char			*folded;
	size_t			 len;

	if ((folded = text_folded(r->instruction.data, r->instruction.len,
	    &len)) != NULL)
		rc = store_text_hash(store, folded, len, v->instruction_hash);
	free(folded);
	if (rc != FAILURE_NONE)
		verdict_fail_store(v, rc, store);
}

/* Sets what is needed to attach to a generation or to start one. */
static void
query_none(struct store *store, const struct query *q, struct verdict *v)
{
	enum failure_code	rc;

	if ((rc = store_identity(store, v->identity)) != FAILURE_NONE)
		verdict_fail_store(v, rc, store);
	else if (q->request->type == REQUEST_ASK &&
	    store_text_hash(store, q->request->body.data,
	    q->request->body.len, v->text_hash) != FAILURE_NONE)
		v->text_hash[0] = '\0';	/* then texts are not compared */
	if (v->failure.code == FAILURE_NONE && q->request->instruction.len > 0)
		query_hash_instruction(store, q->request, v);
}

/* The answer that a message is about: the named one, else the newest. */
static enum failure_code
query_subject(struct store *store, const struct query *q,
    struct session *found, struct verdict *v)
{
	const struct request	*r = q->request;
	enum failure_code	 rc;

	if (r->session != 0)
		rc = store_session(store, q->ticket, r->session, found);
	else if (r->version != 0)
		rc = store_session_by_version(store, q->ticket, r->version,
		    found);
	else
		rc = store_session_by_ticket(store, q->ticket, found);
	if (rc != FAILURE_NONE)
		verdict_fail_store(v, rc, store);
	else if (found->id == 0)
		v->failure = r->session == 0 && r->version == 0 ?
		    failure_make(FAILURE_NO_ANSWER, NULL) :
		    failure_make(FAILURE_BAD_REQUEST, r->session != 0 ?
		    "session" : "version");
	return v->failure.code;
}

/*
 * Whether the user has a token for one ticket, as a customer has: what such a
 * user thinks of an answer makes it no note for others.
 */
static bool
query_is_customer(const struct settings *s, const struct query *q)
{
	return s->number[SETTING_AUTH] == AUTH_REQUIRED &&
	    !q->request->tickets;
}

/* Saves the user's rating of an answer and reports everybody's. */
static void
query_rate(struct store *store, const struct settings *s,
    const struct query *q, struct buf *frames, struct verdict *v)
{
	const struct request	*r = q->request;
	const struct rating	 rating = { r->good, r->reason, r->body.data,
				    r->body.len };
	char			 user[ADMISSION_WHO];
	struct session		 found = { 0 };
	enum failure_code	 rc;
	int64_t			 good, bad;

	query_take_one(store, s, RATE_RATINGS, q->user, RATINGS, v);
	if (v->failure.code != FAILURE_NONE ||
	    query_subject(store, q, &found, v) != FAILURE_NONE)
		return;
	rc = query_user(store, q->user, user);
	if (rc == FAILURE_NONE)
		rc = store_rate(store, found.id, user, &rating, &good, &bad);
	if (rc != FAILURE_NONE)
		verdict_fail_store(v, rc, store);
	else if (frame_rated(frames, found.id, found.version, good, bad) == -1)
		v->failure = failure_make(FAILURE_INTERNAL, NULL);
	else
		v->session = found.id;
	if (rc == FAILURE_NONE && found.follows == 0 &&
	    (!query_is_customer(s, q) || !r->good))
		generation_learn(s, found.id);
	session_free(&found);
}

/*
 * Who writes an answer: the user of the JWT, "shell" in a pipe, and nobody's
 * name where a client without a JWT may write.  Never an address.
 */
static const char *
query_author(const char *who)
{
	const char	*user = store_user(who);

	return user != NULL ? user : *who == '\0' ? "shell" : "";
}

/*
 * Saves the user's answer as the ticket's next version, with the claim.  If the
 * answer to be replaced is not the newest, the failure names the newest.
 */
static void
query_replace(struct store *store, const struct settings *s,
    const struct query *q, struct buf *frames, struct verdict *v)
{
	const struct request	*r = q->request;
	struct written		 w = { q->ticket, r->session,
				    query_author(q->user), r->body.data,
				    r->body.len, text_cited(r->body.data,
				    r->body.len) };
	struct session		 named = { 0 };
	enum failure_code	 rc;
	int64_t			 session = 0, version = 0, before = 0;

	if (r->session == 0 && r->version != 0) {
		if (query_subject(store, q, &named, v) != FAILURE_NONE)
			return;
		w.session = named.id;
		session_free(&named);
	}
	/* Whatever is saved already is not told again. */
	rc = store_newest(store, q->ticket, &before);
	if (rc == FAILURE_NONE)
		rc = store_write(store, &w, &session, &version);
	if (rc == FAILURE_NONE && session != before) {
		generation_tell(s, session);
		if (!query_is_customer(s, q))
			generation_learn(s, session);
	}
	if (rc == FAILURE_BAD_REQUEST) {
		v->failure = failure_make(rc, "session");
	} else if (rc == FAILURE_NO_ANSWER || rc == FAILURE_ANSWER_RUNNING ||
	    rc == FAILURE_ANSWER_CHANGED) {
		v->failure = failure_make(rc, NULL);
		v->failure.session = session;
		v->failure.version = version;
	} else if (rc != FAILURE_NONE) {
		verdict_fail_store(v, rc, store);
	} else if (frame_done(frames, false, version, session) == -1) {
		v->failure = failure_make(FAILURE_INTERNAL, NULL);
	} else {
		v->session = session;
	}
}

/*
 * A user's own answer: without the claim only counted, and with it saved.  What
 * the database says about the newest answer holds only with the claim.
 */
static void
query_written(struct store *store, const struct settings *s,
    const struct query *q, struct buf *frames, struct verdict *v)
{
	if (q->kind == QUERY_BEGIN) {
		query_replace(store, s, q, frames, v);
		return;
	}
	query_take_one(store, s, RATE_WRITTEN, q->user, WRITTEN, v);
	if (v->failure.code == FAILURE_NONE)
		query_none(store, q, v);
}

/* Sets what is needed to attach to the generation of a question. */
static void
query_name_question(struct store *store, const struct query *q,
    struct verdict *v)
{
	const struct buf	*text = &q->request->body;
	enum failure_code	 rc;

	rc = store_identity(store, v->identity);
	if (rc == FAILURE_NONE)
		rc = store_question_hash(store, v->follows, text->data,
		    text->len, v->question);
	if (rc == FAILURE_NONE)
		rc = store_text_hash(store, text->data, text->len,
		    v->text_hash);
	if (rc != FAILURE_NONE)
		verdict_fail_store(v, rc, store);
}

/* Appends the frame of a question that is answered already. */
static void
query_answered(struct store *store, const struct query *q, int64_t id,
    struct buf *frames, struct verdict *v)
{
	struct session		found = { 0 };
	enum failure_code	rc;

	if ((rc = store_session(store, q->ticket, id, &found)) != FAILURE_NONE)
		verdict_fail_store(v, rc, store);
	else if (found.id == 0)
		v->failure = failure_make(FAILURE_INTERRUPTED, NULL);
	else if (frame_cached(frames, &found, 0, q->request->language) == -1)
		v->failure = failure_make(FAILURE_INTERNAL, NULL);
	else
		v->session = id;
	session_free(&found);
}

/* A question: which answer it is about, and whether it is answered already. */
static void
query_question(struct store *store, const struct settings *s,
    const struct query *q, struct buf *frames, struct verdict *v)
{
	const struct request	*r = q->request;
	struct session		 root = { 0 };
	enum failure_code	 rc;
	int64_t			 id, questions;

	(void)query_subject(store, q, &root, v);
	if (v->failure.code == FAILURE_NONE && root.follows != 0)
		v->failure = failure_make(FAILURE_BAD_REQUEST, "session");
	v->follows = root.id;
	v->version = root.version;
	session_free(&root);
	if (v->failure.code == FAILURE_NO_ANSWER ||
	    v->failure.code == FAILURE_BAD_REQUEST)
		query_take_one(store, s, RATE_OPEN, q->user, OPEN_MISSES, v);
	if (v->failure.code != FAILURE_NONE)
		return;
	rc = store_thread_find(store, q->ticket, v->follows, r->body.data,
	    r->body.len, &id, &questions);
	if (rc != FAILURE_NONE)
		verdict_fail_store(v, rc, store);
	else if (id != 0)
		query_answered(store, q, id, frames, v);
	else if (q->kind == QUERY_BEGIN && questions >= THREAD_MAX)
		v->failure = failure_make(FAILURE_THREAD_FULL, NULL);
	else if (q->kind == QUERY_BEGIN)
		query_begin(store, s, q, v);
	else
		query_name_question(store, q, v);
}

/* Appends the next turns of a thread: some frames, so that a reader can have
   all of them while only these take memory. */
static void
query_turns(struct store *store, const struct query *q, struct buf *frames,
    struct verdict *v)
{
	const size_t		before = frames->len;
	struct session		turn;
	enum failure_code	rc;
	int64_t			after = q->after;

	store_view(store, true);
	do {
		rc = store_thread_next(store, q->ticket, q->session, after,
		    &turn);
		after = turn.id;
		if (rc != FAILURE_NONE)
			verdict_fail_store(v, rc, store);
		else if (after != 0 && frame_turn(frames, &turn) == -1)
			v->failure = failure_make(FAILURE_INTERNAL, NULL);
		else if (after != 0)
			v->session = after;
		session_free(&turn);
	} while (v->failure.code == FAILURE_NONE && after != 0 &&
	    frames->len - before < OUTPUT_PENDING);
	store_view(store, false);
}

/* For writing a frame of sources. */
struct query_sources {
	struct jsonw	w;
	bool		tickets;	/* tell their numbers */
	bool		customer;	/* may see one ticket only: a title
					   has the number, too */
};

static void
query_source(void *context, const struct store_source *s)
{
	struct query_sources	*f = context;

	frame_sources_add(&f->w, s->n, s->ticket != 0 && f->customer ?
	    "\342\200\224" : s->title, s->url, f->tickets ? s->ticket : 0,
	    s->cited);
}

/* Appends the sources of a session's answer. */
static void
query_sources(struct store *store, const struct settings *s,
    const struct query *q, struct buf *frames, struct verdict *v)
{
	const size_t		before = frames->len;
	struct query_sources	f = { .tickets = q->request->tickets,
				    .customer = query_is_customer(s, q) };
	enum failure_code	rc;

	frame_sources_begin(&f.w, frames);
	rc = store_sources(store, q->session, query_source, &f);
	if (frame_sources_end(&f.w) == -1) {
		v->failure = failure_make(FAILURE_INTERNAL, NULL);
	} else if (rc != FAILURE_NONE) {
		frames->len = before;
		verdict_fail_store(v, rc, store);
	} else {
		v->session = q->session;
	}
}

static void
query_look(struct store *store, const struct settings *s,
    const struct query *q, struct buf *frames, struct verdict *v)
{
	const struct request	*r = q->request;
	struct session		 found = { 0 };
	enum failure_code	 rc;
	unsigned		 how = r->sessions ? FRAME_WITH_SESSION : 0;
	bool			 serves = false;

	if ((rc = query_find(store, s, q, &found, &serves, v)) !=
	    FAILURE_NONE) {
		verdict_fail_store(v, rc, store);
	} else if (serves) {
		v->session = found.id;
		if (r->type == REQUEST_OPEN)
			how |= s->number[SETTING_OPEN] == OPEN_ON ?
			    FRAME_WITH_BODY : 0;
		else if (r->type == REQUEST_ASK && !text_same(found.prompt,
		    found.prompt_len, r->body.data, r->body.len))
			how |= FRAME_BODY_CHANGED;
		if (frame_cached(frames, &found, how, r->language) == -1)
			v->failure = failure_make(FAILURE_INTERNAL, NULL);
	} else if (q->kind == QUERY_SESSION) {
		v->failure = failure_make(FAILURE_INTERRUPTED, NULL);
	} else if (r->version != 0) {
		query_miss(store, s, q, FAILURE_BAD_REQUEST, "version", v);
	} else if (q->kind == QUERY_BEGIN && r->type == REQUEST_OPEN) {
		query_no_answer(store, s, q, v);
	} else if (q->kind == QUERY_BEGIN) {
		query_begin(store, s, q, v);
	} else {
		query_none(store, q, v);
	}
	session_free(&found);
}

void
query_run(struct store **store, const struct settings *s,
    const struct query *q, struct buf *frames, struct verdict *v)
{
	enum failure_code	rc = FAILURE_NONE;

	verdict_clear(v);
	if (*store == NULL)
		rc = store_open(store, s->text[SETTING_DATABASE]);
	if (rc == FAILURE_NONE && q->kind == QUERY_STOP)
		rc = store_stop(*store, q->ticket, false, &v->heard);
	if (rc != FAILURE_NONE)
		verdict_fail_store(v, rc, *store);
	else if (q->kind == QUERY_RATE)
		query_rate(*store, s, q, frames, v);
	else if (q->kind == QUERY_TURNS)
		query_turns(*store, q, frames, v);
	else if (q->kind == QUERY_SOURCES)
		query_sources(*store, s, q, frames, v);
	else if (q->request->type == REQUEST_QUESTION &&
	    q->kind != QUERY_SESSION && q->kind != QUERY_STOP)
		query_question(*store, s, q, frames, v);
	else if (q->kind != QUERY_STOP && q->request->type == REQUEST_WRITE)
		query_written(*store, s, q, frames, v);
	else if (q->kind != QUERY_STOP)
		query_look(*store, s, q, frames, v);
}

/* Writes the fields of a rating. */
static void
query_write_rating(struct jsonw *w, const struct query *q)
{
	const struct request	*r = q->request;

	jsonw_text(w, "type", "rate");
	jsonw_bool(w, "good", r->good);
	if (*r->reason != '\0')
		jsonw_text(w, "reason", r->reason);
	jsonw_string(w, "comment", r->body.data, r->body.len);
}

/* Writes the type and the text of another message. */
static void
query_write_request(struct jsonw *w, const struct request *r)
{
	if (r->type == REQUEST_OPEN) {
		jsonw_text(w, "type", "open");
		return;
	}
	if (r->type == REQUEST_WRITE)
		jsonw_text(w, "type", "write");
	jsonw_string(w, r->type == REQUEST_WRITE ? "response" :
	    r->type == REQUEST_QUESTION ? "question" : "ticketBody",
	    r->body.data, r->body.len);
}

int
query_write(struct buf *out, const struct query *q)
{
	const struct request	*r = q->request;
	struct jsonw		 w;

	jsonw_begin(&w, out);
	jsonw_object(&w, NULL);
	jsonw_int(&w, "ticket", q->ticket);
	if (q->kind == QUERY_STOP) {
		jsonw_text(&w, "type", "stop");
		return jsonw_end(&w, true);
	}
	if (q->kind == QUERY_SOURCES) {
		jsonw_text(&w, "type", "open");
		jsonw_int(&w, "sourcesOf", q->session);
		jsonw_bool(&w, "tickets", r->tickets);
		return jsonw_end(&w, true);
	}
	if (q->kind == QUERY_TURNS) {
		jsonw_text(&w, "type", "open");
		jsonw_int(&w, "root", q->session);
		jsonw_int(&w, "after", q->after);
		return jsonw_end(&w, true);
	}
	if (q->kind == QUERY_RATE)
		query_write_rating(&w, q);
	else
		query_write_request(&w, r);
	if ((q->kind == QUERY_RATE || r->type == REQUEST_WRITE) && r->tickets)
		jsonw_bool(&w, "tickets", true);	/* no customer's */
	if (r->session != 0)
		jsonw_int(&w, "session", r->session);
	if (*q->user != '\0')
		jsonw_text(&w, "user", q->user);
	if (r->sessions)
		jsonw_bool(&w, "sessions", true);
	jsonw_text(&w, "lang", languages[r->language]);
	if (r->version != 0)
		jsonw_int(&w, "version", r->version);
	if (r->refresh)
		jsonw_bool(&w, "refresh", true);
	if (r->instruction.len > 0)
		jsonw_string(&w, "instruction", r->instruction.data,
		    r->instruction.len);
	if (r->refresh && r->seen != SEEN_UNKNOWN)
		jsonw_int(&w, "seen", r->seen);
	if (q->kind == QUERY_SESSION)
		jsonw_int(&w, r->type == REQUEST_QUESTION ? "turn" : "session",
		    q->session);
	if (q->kind == QUERY_BEGIN) {
		jsonw_bool(&w, "begin", true);
		jsonw_bool(&w, "charge", q->charge);
	}
	return jsonw_end(&w, true);
}

/* Reads what is asked, and about which session. */
static void
query_read_kind(struct query *q, const struct json *j, const struct request *r)
{
	const int	session = json_member(j, 0,
			    r->type == REQUEST_QUESTION ? "turn" : "session");
	const int	root = json_member(j, 0, "root");
	const int	sources = json_member(j, 0, "sourcesOf");

	q->session = json_int(j, sources != -1 ? sources : root != -1 ? root :
	    session, 0);
	if (r->type == REQUEST_STOP)
		q->kind = QUERY_STOP;
	else if (r->type == REQUEST_RATE)
		q->kind = QUERY_RATE;
	else if (sources != -1)
		q->kind = QUERY_SOURCES;
	else if (root != -1)
		q->kind = QUERY_TURNS;
	else if (session != -1 && r->type != REQUEST_WRITE)
		q->kind = QUERY_SESSION;
	else
		q->kind = json_true(j, json_member(j, 0, "begin")) ?
		    QUERY_BEGIN : QUERY_LOOK;
}

/*
 * Reads the fields that a client's message does not have.  Returns false if
 * they are invalid.
 */
static bool
query_read_more(struct query *q, const struct json *j, struct request *r,
    char user[], size_t size)
{
	struct buf	b = BUF_INIT(size - 1);
	int		value;
	bool		good;

	q->ticket = json_int(j, json_member(j, 0, "ticket"), 0);
	q->after = json_int(j, json_member(j, 0, "after"), 0);
	r->seen = json_int(j, json_member(j, 0, "seen"), SEEN_UNKNOWN);
	r->sessions = json_true(j, json_member(j, 0, "sessions"));
	r->tickets = json_true(j, json_member(j, 0, "tickets"));
	q->charge = json_true(j, json_member(j, 0, "charge"));
	query_read_kind(q, j, r);
	value = json_member(j, 0, "user");
	good = value == -1 || json_string(j, value, true, &b) == 0;
	(void)snprintf(user, size, "%s", b.data == NULL ? "" : b.data);
	buf_free(&b);
	return good;
}

void
query_read(struct query *q, struct request *r, char user[], size_t size,
    const char *line, size_t len, size_t max_body)
{
	struct json	j = { 0 };

	memset(q, 0, sizeof(*q));
	q->request = r;
	q->user = user;
	request_read(r, line, len, max_body, LANGUAGE_PT);
	if (r->failure.code != FAILURE_NONE)
		return;
	if (json_parse(&j, line, len, MESSAGE_DEPTH, MESSAGE_TOKENS) == -1)
		r->failure = failure_make(FAILURE_INTERNAL, NULL);
	else if (!query_read_more(q, &j, r, user, size))
		r->failure = failure_make(FAILURE_BAD_REQUEST, "user");
	else if (r->type == REQUEST_PING)
		r->failure = failure_make(FAILURE_BAD_REQUEST, "type");
	else if (q->ticket < 1)
		r->failure = failure_make(FAILURE_BAD_TICKET_ID, NULL);
	json_free(&j);
}

/* Writes a text unless it is empty. */
static void
verdict_text(struct jsonw *w, const char *key, const char *text)
{
	if (*text != '\0')
		jsonw_text(w, key, text);
}

int
verdict_write(struct buf *out, const struct verdict *v)
{
	struct jsonw	w;

	jsonw_begin(&w, out);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "type", "verdict");
	if (v->failure.code != FAILURE_NONE) {
		jsonw_text(&w, "code", failure_name(v->failure.code));
		verdict_text(&w, "detail", v->failure.detail);
		verdict_text(&w, "call", v->call);
		verdict_text(&w, "error", v->error);
		if (v->failure.session != 0) {
			jsonw_int(&w, "newestSession", v->failure.session);
			jsonw_int(&w, "newestVersion", v->failure.version);
		}
	}
	if (v->failure.retry_after != 0)
		jsonw_int(&w, "retryAfter", v->failure.retry_after);
	if (v->session != 0)
		jsonw_int(&w, "session", v->session);
	if (v->follows != 0) {
		jsonw_int(&w, "follows", v->follows);
		jsonw_int(&w, "version", v->version);
	}
	verdict_text(&w, "question", v->question);
	if (v->newest != SEEN_UNKNOWN)
		jsonw_int(&w, "newest", v->newest);
	verdict_text(&w, "identity", v->identity);
	verdict_text(&w, "textHash", v->text_hash);
	verdict_text(&w, "instructionHash", v->instruction_hash);
	verdict_text(&w, "userHash", v->user_hash);
	verdict_text(&w, "userName", v->user_name);
	if (v->heard)
		jsonw_bool(&w, "heard", true);
	return jsonw_end(&w, true);
}

/*
 * Reads a text, truncated to size - 1 bytes; "" if it is absent.  A text that
 * was truncated within a character may have grown by a replacement character.
 */
static bool
verdict_read_text(const struct json *j, const char *key, char text[],
    size_t size)
{
	struct buf	b = BUF_INIT(3 * size);
	const int	value = json_member(j, 0, key);
	bool		good;

	good = value == -1 || json_string(j, value, true, &b) == 0;
	(void)snprintf(text, size, "%s", b.data == NULL ? "" : b.data);
	buf_free(&b);
	return good;
}

static bool
verdict_read_all(struct verdict *v, const struct json *j)
{
	char	code[32];
	int64_t	wait = json_int(j, json_member(j, 0, "retryAfter"), 0);

	v->session = json_int(j, json_member(j, 0, "session"), 0);
	v->follows = json_int(j, json_member(j, 0, "follows"), 0);
	v->version = json_int(j, json_member(j, 0, "version"), 0);
	v->newest = json_int(j, json_member(j, 0, "newest"), SEEN_UNKNOWN);
	v->failure.session = json_int(j, json_member(j, 0, "newestSession"),
	    0);
	v->failure.version = json_int(j, json_member(j, 0, "newestVersion"),
	    0);
	v->heard = json_true(j, json_member(j, 0, "heard"));
	if (!json_equals(j, json_member(j, 0, "type"), "verdict") ||
	    !verdict_read_text(j, "code", code, sizeof(code)) ||
	    !verdict_read_text(j, "detail", v->failure.detail,
	    sizeof(v->failure.detail)) ||
	    !verdict_read_text(j, "call", v->call, sizeof(v->call)) ||
	    !verdict_read_text(j, "error", v->error, sizeof(v->error)) ||
	    !verdict_read_text(j, "identity", v->identity,
	    sizeof(v->identity)) ||
	    !verdict_read_text(j, "question", v->question,
	    sizeof(v->question)) ||
	    !verdict_read_text(j, "textHash", v->text_hash,
	    sizeof(v->text_hash)) ||
	    !verdict_read_text(j, "instructionHash", v->instruction_hash,
	    sizeof(v->instruction_hash)) ||
	    !verdict_read_text(j, "userHash", v->user_hash,
	    sizeof(v->user_hash)) ||
	    !verdict_read_text(j, "userName", v->user_name,
	    sizeof(v->user_name)))
		return false;
	if (*code != '\0')
		v->failure.code = failure_from_name(code, strlen(code));
	v->failure.retry_after = wait > 0 && wait <= INT32_MAX ?
	    (int)wait : 0;
	return true;
}

bool
verdict_read(struct verdict *v, const char *line, size_t len)
{
	struct json	j = { 0 };
	bool		good;

	verdict_clear(v);
	good = json_parse(&j, line, len, MESSAGE_DEPTH, MESSAGE_TOKENS) == 0 &&
	    verdict_read_all(v, &j);
	json_free(&j);
	return good;
}

bool
query_is_built(void)
{
	return access(program, X_OK) == 0;
}

/* Starts a program for the question. */
static int
query_spawn(struct asking *a)
{
	char	  path[sizeof(program)], **env;
	char	  option[] = "-c", none[] = "/dev/null", stay[] = "stay";
	char	 *argv[] = { path, option, none, a->stay ? stay : NULL, NULL };
	int	  rc = -1, saved;

	memcpy(path, program, sizeof(path));
	if ((env = settings_environment(a->settings, NULL)) != NULL)
		rc = child_start(&a->child, argv, env, a->line.data,
		    a->line.len, a->timeout);
	saved = errno;
	buf_free(&a->line);
	free(env);
	errno = saved;
	return rc;
}

int
query_start(struct asking *a, const struct settings *s, const struct query *q,
    bool stay)
{
	int	saved;

	a->settings = s;
	a->stay = stay;
	a->timeout = q->kind == QUERY_BEGIN ? QUERY_CLAIM_TIMEOUT :
	    QUERY_TIMEOUT;
	a->child.out.cap = OUTPUT_MAX;
	a->line.cap = request_message_max(s);
	if (query_write(&a->line, q) == -1) {
		saved = errno;
		buf_free(&a->line);
		errno = saved;
		return -1;
	}
	a->child.fd = resident_ask(s, a->line.data, a->line.len);
	if (a->child.fd == -1)
		return query_spawn(a);
	a->child.pidfd = -1;
	a->child.deadline = clock_us() + QUERY_HEARD * INT64_C(1000);
	return 0;
}

void
query_end(struct asking *a)
{
	child_end(&a->child);
	buf_free(&a->line);
}

/* Whether a resident lookup has accepted the question; drops its empty line.
   If it has not in time, or is gone, starts a program; CHILD_BROKEN if that
   fails. */
static enum child_progress
query_is_heard(struct asking *a, enum child_progress progress)
{
	struct child	*c = &a->child;

	if (c->out.len > 0 && c->out.data[0] == '\n') {
		buf_drop(&c->out, 1);
		buf_free(&a->line);
		c->deadline = clock_us() + a->timeout * INT64_C(1000);
		return progress == CHILD_LATE ? CHILD_MORE : progress;
	}
	if (progress == CHILD_MORE)
		return progress;
	child_end(c);
	return query_spawn(a) == 0 ? CHILD_MORE : CHILD_BROKEN;
}

/* Finds the verdict in the output: its last complete line. */
static bool
query_verdict(const struct buf *b, size_t *frames, struct verdict *v)
{
	const char	*nl;

	*frames = 0;
	if (b->len == 0 || b->data[b->len - 1] != '\n')
		return false;
	if ((nl = memrchr(b->data, '\n', b->len - 1)) != NULL)
		*frames = (size_t)(nl + 1 - b->data);
	return verdict_read(v, b->data + *frames, b->len - *frames) &&
	    (v->session != 0 && v->failure.code == FAILURE_NONE) ==
	    (*frames != 0);
}

/* Ends the question: sets the verdict, or why there is none. */
static void
query_answer(struct asking *a, enum child_progress progress,
    struct buf *frames, struct verdict *v)
{
	const char	*why = strerror(errno);
	struct child	*c = &a->child;
	size_t		 len;

	verdict_clear(v);
	if (progress == CHILD_ENDED && query_verdict(&c->out, &len, v)) {
		if (buf_add(frames, c->out.data, len) == -1)
			v->failure = failure_make(FAILURE_INTERNAL, NULL);
		if (a->stay)
			child_leave(c);
	} else {
		verdict_clear(v);
		verdict_fail(v, FAILURE_STORAGE, "query",
		    progress == CHILD_LATE ? "the database does not answer" :
		    progress == CHILD_ENDED ? "lookup ended without a verdict" :
		    why);
	}
	query_end(a);
}

bool
query_heard(struct asking *a, int64_t now, struct buf *frames,
    struct verdict *v)
{
	enum child_progress	progress = child_step(&a->child, now);

	if (a->line.len > 0)
		progress = query_is_heard(a, progress);
	if (progress == CHILD_MORE)
		return false;
	query_answer(a, progress, frames, v);
	return true;
}
