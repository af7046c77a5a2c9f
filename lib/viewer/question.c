/*
 * The states of a question: see question.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "frame/frame.h"
#include "generation/generation.h"
#include "store/identity.h"
#include "viewer/question.h"

/*
 * How many times a viewer may meet a generation that is just ending before the
 * question fails.
 */
#define ATTACH_TRIES	8

/*
 * How long the holder of a ticket's claim may take to start its generation, in
 * ms: longer than STORE_TIMEOUT, which the holder may spend on its session row.
 */
#define ATTACH_TIMEOUT	15000

/*
 * Between two tries to connect to a generation, in us: doubled from the first
 * to the last.
 */
#define ATTACH_PAUSE_US_MIN	200
#define ATTACH_PAUSE_US_MAX	6000

enum {
	OPEN_PAUSE = 2000,	/* ms between two looks whether another machine
				   has saved the answer */
	BURY_WAIT = 100		/* ms in which a generation that lives
				   says so */
};

/* What a state's function returns. */
enum question_next {
	QUESTION_GO_ON,		/* call the function of the new state at once */
	QUESTION_WAIT,		/* return to the caller; question_wait says what
				   to wait for */
	QUESTION_ENDED		/* call question_end */
};

void
question_init(struct question *q, const struct settings *s,
    const struct connection *c, struct admission *a, struct output *out)
{
	memset(q, 0, sizeof(*q));
	q->settings = s;
	q->connection = c;
	q->out = out;
	q->admission = a;
	q->remote = !store_serves(s->text[SETTING_DATABASE]);
	q->fd = q->pidfd = q->run_dir = q->claim = q->claim_ticket = -1;
	q->asking.child.fd = q->asking.child.pidfd = -1;
	q->in.cap = 4 * FRAME_MAX;
	q->last.cap = FRAME_MAX;
	q->subject.ticket = c->ticket;
}

/*
 * The ways to end a question.  Each function writes the last frame and notes
 * what question_end needs.
 */

/* Notes the outcome; `word' names it in the log. */
static enum question_next
question_done(struct question *q, const char *word, enum failure_code code)
{
	q->outcome = word;
	q->code = code;
	q->exit = (int)failure_exit(code);
	return QUESTION_ENDED;
}

/* Counts the bytes appended to the output since its size was `before'. */
static void
question_count(struct question *q, size_t before)
{
	q->bytes += q->out->data.len - before;
}

static enum question_next
question_fail(struct question *q, const struct failure *f)
{
	const size_t	before = q->out->data.len;

	if (frame_error(&q->out->data, f, q->request.language) == -1)
		log_line(LOG_LEVEL_ERROR, "error=\"no memory\"");
	question_count(q, before);
	return question_done(q, "error", f->code);
}

static enum question_next
question_fail_code(struct question *q, enum failure_code code)
{
	const struct failure	f = failure_make(code, NULL);

	return question_fail(q, &f);
}

/* Notes for the log which call failed, and why. */
static void
question_blame(struct question *q, const char *call, const char *error)
{
	(void)snprintf(q->call, sizeof(q->call), "%s", call);
	(void)log_value(q->error, sizeof(q->error), error);
}

/* Ends the question because a call failed. */
static enum question_next
question_fail_call(struct question *q, enum failure_code code,
    const char *call, const char *error)
{
	question_blame(q, call, error);
	return question_fail_code(q, code);
}

static enum question_next
question_fail_errno(struct question *q, const char *call)
{
	return question_fail_call(q, FAILURE_INTERNAL, call, strerror(errno));
}

/*
 * Ends the question: writes its log lines and frees what it owns.  No other
 * function ends a question.
 */
static void
question_end(struct question *q)
{
	const int64_t	now = clock_us();
	char		user[128];

	/* Written before the log line, which may block.  An error of this write
	   shows again at the caller's next write. */
	(void)!output_write(q->out, now);
	if (q->outcome != NULL && !q->request.quiet)
		log_line(LOG_LEVEL_INFO, "id=%s remote=%s user=\"%s\" ticket=%"
		    PRId64 " session=%" PRId64 " outcome=%s code=%s bytes=%zu"
		    " tokens=%" PRId64 " first_ms=%" PRId64 " total_ms=%"
		    PRId64, q->connection->id, q->connection->remote,
		    log_value(user, sizeof(user),
		    q->request.user), q->connection->ticket,
		    q->session, q->outcome, q->code == FAILURE_NONE ? "-" :
		    failure_name(q->code), q->bytes, q->tokens,
		    q->first == 0 ? 0 : (q->first - q->started) / 1000,
		    (now - q->started) / 1000);
	if (*q->call != '\0')
		log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64
		    " call=%s error=\"%s\"", q->connection->id,
		    q->connection->ticket, q->call, q->error);
	if (q->exit > q->exit_code)
		q->exit_code = q->exit;
	question_free(q);
}

/*
 * LOOKING and STARTING: ask the database and act on its verdict.
 */

/* Asks the database next; the function of the new state does it. */
static enum question_next
question_look(struct question *q, enum query_kind kind)
{
	q->state = kind == QUERY_BEGIN ? QUESTION_STARTING : QUESTION_LOOKING;
	q->asked = kind;
	q->next = 0;
	return QUESTION_GO_ON;
}

/* Notes which answer is the newest, if the verdict says so. */
static void
question_newest(struct question *q, const struct verdict *v)
{
	if (v->newest == SEEN_UNKNOWN)
		return;
	q->newest = v->newest;
	if (q->noted == SEEN_UNKNOWN)
		q->noted = v->newest;
	if (q->request.seen == SEEN_UNKNOWN)
		q->request.seen = v->newest;
}

/* What `done' says of the answer, for clients that know it. */
static struct frame_answer
question_about(const struct question *q)
{
	const bool	asked = q->request.type == REQUEST_QUESTION;

	return (struct frame_answer){
		.session = !q->request.sessions ? 0 : asked ? q->root :
		    q->session,
		.version = asked ? q->version : 0,
		.turn = asked ? q->session : 0
	};
}

/*
 * Ends the question with `done' (a line without its end), or first sends the
 * sources and the thread.  `word' names the outcome in the log.
 */
static enum question_next
question_finish(struct question *q, const char *word, const char *line,
    size_t len, bool changed)
{
	const struct frame_answer	 a = question_about(q);
	const bool			 more = q->request.thread ||
					    q->request.sources;
	struct buf			*out = more ? &q->last :
					    &q->out->data;
	const size_t			 before = out->len;

	if (frame_done_again(out, line, len, changed, &a) == -1)
		return question_fail_code(q, FAILURE_INTERNAL);
	if (more) {
		q->outcome = word;
		q->turn = 0;
		q->asked = q->request.sources ? QUERY_SOURCES : QUERY_TURNS;
		q->state = QUESTION_TURNING;
		return QUESTION_GO_ON;
	}
	question_count(q, before);
	return question_done(q, word, FAILURE_NONE);
}

/*
 * Ends the question with a saved answer of this session.  Its frame was already
 * appended to the output, whose size was `before'.
 */
static enum question_next
question_cached(struct question *q, int64_t session, size_t before)
{
	static const char	done[] = "{\"type\":\"done\"}";

	q->session = session;
	question_count(q, before);
	if (q->first == 0)
		q->first = clock_us();
	return question_finish(q, "cached", done, sizeof(done) - 1, false);
}

/*
 * TURNING: the sources or the next turns were appended to the output, which had
 * `before' bytes before them; behind the last one appends the frame `done'.
 */
static enum question_next
question_turned(struct question *q, int64_t turn, size_t before)
{
	const bool	sources = q->asked == QUERY_SOURCES;

	question_count(q, before);
	q->asked = QUERY_TURNS;
	q->turn = sources ? 0 : turn;
	if (sources ? q->request.thread : turn != 0)
		return QUESTION_GO_ON;
	before = q->out->data.len;
	if (buf_add(&q->out->data, q->last.data, q->last.len) == -1)
		return question_fail_code(q, FAILURE_INTERNAL);
	question_count(q, before);
	return question_done(q, q->outcome, FAILURE_NONE);
}

/*
 * Locks RUN_DIR as shared after checking that it belongs to this database
 * (store/identity.h).  Returns QUESTION_GO_ON with the lock, else
 * QUESTION_ENDED.  Only at a shell: waits for a service that is starting or
 * ending, and exits with EXIT_SETTINGS if RUN_DIR belongs to another database.
 */
static enum question_next
question_share(struct question *q, const char *id)
{
	const bool	shell = !q->connection->websocketd;
	char		why[1024], text[1024];

	if (q->run_dir != -1)
		return QUESTION_GO_ON;
	if (generation_prepare(q->settings->text[SETTING_RUN_DIR]) == -1)
		return question_fail_errno(q, "run_dir");
	q->run_dir = identity_share(q->settings, id, shell ? q->store : NULL,
	    shell ? IDENTITY_WAIT : 0, why, sizeof(why));
	if (q->run_dir != -1)
		return QUESTION_GO_ON;
	log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64 " error=\"%s\"",
	    q->connection->id, q->connection->ticket, log_value(text,
	    sizeof(text), why));
	(void)question_fail_code(q, FAILURE_INTERNAL);
	q->exit = EXIT_SETTINGS;
	return QUESTION_ENDED;
}

/* No saved answer can be used: looks for the ticket's running generation. */
static enum question_next
question_attach(struct question *q, const struct verdict *v, int64_t now)
{
	memcpy(q->text_hash, v->text_hash, sizeof(q->text_hash));
	memcpy(q->instruction_hash, v->instruction_hash,
	    sizeof(q->instruction_hash));
	if (question_share(q, v->identity) == QUESTION_ENDED)
		return QUESTION_ENDED;
	memcpy(q->subject.question, v->question, sizeof(v->question));
	q->pause = ATTACH_PAUSE_US_MIN;
	q->deadline = now + ATTACH_TIMEOUT * INT64_C(1000);
	q->next = now;
	q->state = QUESTION_ATTACHING;
	return QUESTION_GO_ON;
}

/* Connected to the generation: forwards what it sends from now on. */
static enum question_next
question_follow(struct question *q, int fd)
{
	q->fd = fd;
	q->state = QUESTION_FOLLOWING;
	q->session = 0;
	q->stop_sent = q->alive = q->changed = q->waiting = q->elsewhere =
	    q->own = q->begun = false;
	q->waits = 0;
	q->wait_end = clock_us() + ALIVE * INT64_C(1000000);
	buf_clear(&q->in);
	store_close(q->store);
	q->store = NULL;
	/* A viewer may wait for minutes: also return SQLite's 130 kB to the
	   system. */
	(void)malloc_trim(0);
	return QUESTION_GO_ON;
}

static void
question_drop_claim(struct question *q)
{
	if (q->claim != -1)
		(void)close(q->claim);
	if (q->claim_ticket != -1)
		(void)close(q->claim_ticket);
	q->claim = q->claim_ticket = -1;
}

/* Tries to attach again after a pause. */
static enum question_next
question_pause(struct question *q, int64_t now)
{
	if (now >= q->deadline)
		return question_fail_call(q, FAILURE_INTERNAL, "attach",
		    "no process starts the generation");
	q->state = QUESTION_ATTACHING;
	q->next = clock_us() + q->pause;
	q->pause = q->pause * 2 < ATTACH_PAUSE_US_MAX ? q->pause * 2 :
	    ATTACH_PAUSE_US_MAX;
	return QUESTION_WAIT;
}

/*
 * Deletes the row that this question made, unless it is answered.  To be called
 * only when nobody generates the answer any more.
 */
static void
question_unmake(struct question *q)
{
	if (q->made != 0)
		(void)store_question_delete(q->store, q->made);
	q->made = 0;
}

/* The generation did not start: removes what was made for it. */
static void
question_not_started(struct question *q)
{
	generation_sweep(q->settings->text[SETTING_RUN_DIR], &q->subject);
	question_unmake(q);
}

/* The answer is not saved: was its generation killed, and the row left over? */
static void
question_bury(struct question *q)
{
	struct pollfd	p = { .fd = -1, .events = POLLIN };
	int		tries;
	bool		dead = q->made != 0;
	char		c;

	for (tries = 0; dead && tries < ATTACH_TRIES; tries++) {
		switch (generation_connect(q->settings->text[SETTING_RUN_DIR],
		    &q->subject, &p.fd)) {
		case GENERATION_NONE:
			question_unmake(q);
			return;
		case GENERATION_RUNNING:
			/* One that lives sends its first line.  One that was
			   just killed may still listen; then this closes. */
			dead = poll(&p, 1, BURY_WAIT) == 1 && recv(p.fd, &c, 1,
			    MSG_PEEK | MSG_DONTWAIT) <= 0;
			(void)close(p.fd);
			break;
		case GENERATION_BUSY:
		case GENERATION_ERROR:
		default:
			return;
		}
	}
}

/*
 * Under the claim: connects to the new socket before starting the generation,
 * which might otherwise end before this viewer is connected.
 */
static enum question_next
question_spawn(struct question *q, const struct verdict *v, int listener,
    int64_t session, int64_t now)
{
	const struct generation_wish	 wish = {
		.ticket = q->connection->ticket,
		.session = session, .seen = q->newest,
		.follows = q->root, .question = q->subject.question,
		.text = q->request.body.data, .len = q->request.body.len,
		.text_hash = q->text_hash,
		.instruction = q->request.instruction.data,
		.instruction_len = q->request.instruction.len,
		.instruction_hash = q->instruction_hash,
		.user = v->user_hash, .user_name = v->user_name,
		.language = q->request.language,
		.listener = listener, .run_dir = q->run_dir
	};
	enum question_next		 next;
	enum generation			 is;
	int				 fd = -1;

	is = generation_connect(q->settings->text[SETTING_RUN_DIR],
	    &q->subject, &fd);
	if (is == GENERATION_RUNNING &&
	    generation_start(q->settings, &wish) != -1) {
		(void)question_follow(q, fd);
		q->own = true;
		return QUESTION_GO_ON;
	}
	if (is == GENERATION_RUNNING || is == GENERATION_ERROR)
		next = question_fail_errno(q, is == GENERATION_RUNNING ?
		    "answer" : "connect");
	else
		next = question_pause(q, now);
	if (fd != -1)
		(void)close(fd);
	question_not_started(q);
	return next;
}

/*
 * Under the claim: no generation runs, no saved answer can be used, and the
 * user may have an answer generated.
 */
static enum question_next
question_start(struct question *q, const struct verdict *v, int64_t now)
{
	const struct settings	*s = q->settings;
	const int64_t		 ticket = q->connection->ticket;
	enum question_next	 next;
	enum failure_code	 rc = FAILURE_NONE;
	struct failure		 f;
	int64_t			 session = 0;
	char			 name[24];
	int			 listener;

	/* On PostgreSQL `answer' makes the session's row: another node may
	   already be answering the ticket. */
	if (!q->remote && q->root != 0) {
		/* Nobody listens: if we started a generation before, it was
		   killed. */
		question_unmake(q);
		rc = store_question_add(q->store, ticket, q->root, &session);
		q->made = session;
	}
	if (!q->remote && q->root == 0)
		rc = store_get_or_create(q->store, ticket,
		    s->number[SETTING_TICKETS] == TICKETS_EXISTING, q->newest,
		    &session);
	if (rc == FAILURE_UNKNOWN_TICKET) {
		/* The ticket was deleted after the database was asked. */
		(void)snprintf(name, sizeof(name), "%" PRId64, ticket);
		f = failure_make(rc, name);
		return question_fail(q, &f);
	}
	if (rc == FAILURE_THREAD_FULL)
		return question_fail_code(q, rc);
	if (rc != FAILURE_NONE)
		return question_fail_call(q, rc, "store",
		    store_error(q->store));
	if ((listener = generation_listen(s->text[SETTING_RUN_DIR],
	    &q->subject)) == -1) {
		next = question_fail_errno(q, "listen");
		question_not_started(q);
		return next;
	}
	next = question_spawn(q, v, listener, session, now);
	/* Close the listener before the claim: with this copy open, the socket
	   of a dead generation would still accept connections. */
	(void)close(listener);
	question_drop_claim(q);
	return next;
}

/*
 * Another machine is generating the answer that the viewer wants to open;
 * nothing is started here.  Asks the database again after a pause.
 */
static enum question_next
question_wait_elsewhere(struct question *q, int64_t now)
{
	question_drop_claim(q);
	if (now >= q->started + q->settings->number[SETTING_ANSWER_TIMEOUT] *
	    INT64_C(1000000))
		return question_fail_code(q, FAILURE_INTERRUPTED);
	q->next = now + OPEN_PAUSE * INT64_C(1000);
	q->state = QUESTION_LOOKING;
	q->asked = QUERY_LOOK;
	return QUESTION_WAIT;
}

/*
 * Acts on a verdict.  The output had `before' bytes before query_run or
 * query_answer appended the frame of a saved answer, if any.
 */
static enum question_next
question_verdict(struct question *q, const struct verdict *v, size_t before,
    int64_t now)
{
	question_newest(q, v);
	if (q->asked == QUERY_SESSION &&
	    v->failure.code == FAILURE_INTERRUPTED)
		question_bury(q);
	if (*v->call != '\0')
		return question_fail_call(q, v->failure.code, v->call,
		    v->error);
	if (v->failure.code != FAILURE_NONE)
		return question_fail(q, &v->failure);
	if (q->asked == QUERY_RATE || (q->asked == QUERY_BEGIN &&
	    q->request.type == REQUEST_WRITE)) {
		q->session = v->session;
		question_count(q, before);
		return question_done(q, q->asked == QUERY_RATE ? "rated" :
		    "written", FAILURE_NONE);
	}
	if (q->asked == QUERY_SOURCES || q->asked == QUERY_TURNS)
		return question_turned(q, v->session, before);
	if (v->follows != 0) {
		/* From now on it is about this answer, however new another
		   one is. */
		q->root = q->request.session = v->follows;
		q->version = v->version;
	}
	if (v->session != 0)
		return question_cached(q, v->session, before);
	if (q->asked == QUERY_BEGIN && v->heard)
		return question_wait_elsewhere(q, now);
	if (q->asked == QUERY_BEGIN)
		return question_start(q, v, now);
	return question_attach(q, v, now);
}

/*
 * Asks the database: a file at once, a server through a lookup program whose
 * reply query_heard reads.  At a shell that program does not stay.
 */
static enum question_next
question_ask(struct question *q, int64_t now)
{
	char			who[ADMISSION_WHO] = "";
	const struct query	query = { q->asked, q->connection->ticket,
				    q->asked == QUERY_TURNS && q->root != 0 ?
				    q->root : q->session, &q->request, who,
				    !q->charged, q->turn };
	const size_t		before = q->out->data.len;
	struct verdict		v;

	/* Not for what is looked for most: a ticket's answer. */
	if (q->asked == QUERY_BEGIN || q->request.version != 0 ||
	    (q->request.type != REQUEST_ASK && q->request.type !=
	    REQUEST_OPEN))
		admission_who(q->admission, q->request.user, who);
	if (q->asked == QUERY_BEGIN)
		q->charged = true;	/* charge once, even if several
					   generations are started */
	if (!q->remote) {
		query_run(&q->store, q->settings, &query, &q->out->data, &v);
		return question_verdict(q, &v, before, now);
	}
	if (query_start(&q->asking, q->settings, &query,
	    q->connection->websocketd) == -1)
		return question_fail_errno(q, "query");
	return QUESTION_WAIT;
}

/* The function of the states LOOKING and STARTING. */
static enum question_next
question_looking(struct question *q, int64_t now)
{
	const size_t	before = q->out->data.len;
	struct verdict	v;

	if (q->asking.child.fd == -1)
		return now < q->next ? QUESTION_WAIT : question_ask(q, now);
	return query_heard(&q->asking, now, &q->out->data, &v) ?
	    question_verdict(q, &v, before, now) : QUESTION_WAIT;
}

/* The function of the state TURNING. */
static enum question_next
question_turning(struct question *q, int64_t now)
{
	if (q->asking.child.fd != -1 || output_size(q->out) < OUTPUT_PENDING)
		return question_looking(q, now);
	return QUESTION_WAIT;
}

/*
 * ATTACHING: connects to the ticket's generation, or takes the claim to start
 * one.  Pauses between tries, since another process may be about to start a
 * generation or may just have ended one.
 */

/*
 * Connects to the ticket's generation.  Returns true if nobody listens; else
 * false, and *next says how to go on.  A user's own answer does not wait for a
 * generation.
 */
static bool
question_is_alone(struct question *q, enum question_next *next, int64_t now)
{
	enum generation	is;
	int		fd = -1;

	is = generation_connect(q->settings->text[SETTING_RUN_DIR],
	    &q->subject, &fd);
	if (q->request.type == REQUEST_WRITE && (is == GENERATION_RUNNING ||
	    is == GENERATION_BUSY)) {
		if (fd != -1)
			(void)close(fd);
		*next = question_fail_code(q, FAILURE_ANSWER_RUNNING);
		return false;
	}
	switch (is) {
	case GENERATION_NONE:
		return true;
	case GENERATION_RUNNING:
		*next = question_follow(q, fd);
		return false;
	case GENERATION_BUSY:
		*next = question_pause(q, now);
		return false;
	case GENERATION_ERROR:
	default:
		*next = question_fail_errno(q, "connect");
		return false;
	}
}

static enum question_next
question_attaching(struct question *q, int64_t now)
{
	const char		*run_dir = q->settings->text[SETTING_RUN_DIR];
	enum question_next	 next;

	if (now < q->next)
		return QUESTION_WAIT;
	if (!question_is_alone(q, &next, now))
		return next;
	if (generation_prepare(run_dir) == -1)
		return question_fail_errno(q, "run_dir");
	q->claim = q->root == 0 ? generation_claim(run_dir,
	    q->connection->ticket) : generation_claim_question(run_dir,
	    &q->subject, &q->claim_ticket);
	if (q->claim == -1)
		return errno == 0 ? question_pause(q, now) :
		    question_fail_errno(q, "claim");
	/* A generation may have started or ended before we got the claim. */
	if (question_is_alone(q, &next, now))
		return question_look(q, QUERY_BEGIN);
	question_drop_claim(q);
	return next;
}

/*
 * FOLLOWING: forwards to the viewer what the generation sends.
 */

/* Disconnects from the generation and asks the database. */
static enum question_next
question_leave(struct question *q, enum query_kind kind)
{
	(void)close(q->fd);
	if (q->pidfd != -1)
		(void)close(q->pidfd);
	q->fd = q->pidfd = -1;
	q->waiting = false;
	return question_look(q, kind);
}

/* The generation's connection has closed without a terminal frame. */
static enum question_next
question_lost(struct question *q)
{
	/* Start over if the generation answered another text, if it ran on
	   another node, where it may have failed, or if it ended before we got
	   its first line. */
	if (q->waiting || (q->session == 0 && (q->elsewhere ||
	    ++q->tries < ATTACH_TRIES)))
		return question_leave(q, QUERY_LOOK);
	return question_leave(q, QUERY_SESSION);
}

/* Forwards whole lines of the generation unchanged; false: no memory. */
static bool
question_forward(struct question *q, const char *line, size_t len)
{
	const size_t	before = q->out->data.len;

	if (len > 0 && buf_add(&q->out->data, line, len) == -1)
		return false;
	question_count(q, before);
	return true;
}

/*
 * Whether a generation is not the one that the viewer needs: its answer will
 * have another instruction, or be for another text where that matters.
 */
static bool
question_needs_another(const struct question *q, const struct frame *f)
{
	if (q->changed && q->settings->number[SETTING_CACHE] == CACHE_BODY)
		return true;
	return q->request.type == REQUEST_ASK && q->request.refresh &&
	    strcmp(f->instruction_hash, q->instruction_hash) != 0;
}

/*
 * Reads the first line of a generation: its session and its subject.  A viewer
 * that needs another generation only waits for this one's end.  Returns false
 * if there is no memory.
 */
static bool
question_begun(struct question *q, const struct frame *f)
{
	const bool	waited = q->waiting;

	q->session = f->session;
	q->elsewhere = f->elsewhere;
	q->alive = f->alive;
	/* The pid cannot have been reused: the process still has the connection
	   open. */
	if (q->alive && q->pidfd == -1 && f->pid > 0 && f->pid <= INT_MAX)
		q->pidfd = pidfd_open((pid_t)f->pid, 0);
	q->changed = q->root == 0 && f->text_hash[0] != '\0' &&
	    q->text_hash[0] != '\0' && strcmp(f->text_hash, q->text_hash) != 0;
	q->begun = true;
	q->waiting = question_needs_another(q, f);
	if (q->waiting && !waited)
		generation_say_wait(q->fd);
	return !q->waiting || waited || !q->request.status ||
	    frame_status(&q->out->data, FRAME_QUEUED, 1, 0) == 0;
}

/* Forwards the last line, with what this viewer gets more. */
static enum question_next
question_generated(struct question *q, const char *line, size_t len)
{
	if (q->changed || q->request.sessions || q->request.thread ||
	    q->request.sources)
		return question_finish(q, "generated", line, len, q->changed);
	if (!question_forward(q, line, len + 1))
		return question_fail_code(q, FAILURE_INTERNAL);
	return question_done(q, "generated", FAILURE_NONE);
}

/* Whether a generation's first line names the subject that is followed. */
static bool
question_meant(const struct question *q, const struct frame *f)
{
	return f->follows == q->root &&
	    strcmp(f->question, q->subject.question) == 0;
}

/* Handles a line that is not forwarded unchanged. */
static enum question_next
question_line(struct question *q, const struct frame *f, const char *line,
    size_t len)
{
	/* Nothing counts before the first line: it tells what this is about. */
	if (f->type == FRAME_SESSION ? !question_meant(q, f) : !q->begun)
		return f->type == FRAME_OTHER ? QUESTION_WAIT :
		    question_lost(q);
	/* A generation of an older version, which does not know `wait', has
	   ended. */
	if (q->waiting && (f->type == FRAME_DONE || f->type == FRAME_ERROR))
		return question_leave(q, QUERY_LOOK);
	if (f->type == FRAME_DONE)
		return question_generated(q, line, len);
	if (f->type == FRAME_ERROR)
		return question_fail(q, &f->failure);
	/* The text that is saved differs from the text that was streamed. */
	if (f->type == FRAME_KEPT && !q->waiting)
		return question_leave(q, QUERY_SESSION);
	if (f->type == FRAME_SESSION && !question_begun(q, f))
		return question_fail_code(q, FAILURE_INTERNAL);
	if (f->type == FRAME_COST)
		q->tokens = f->tokens;
	return QUESTION_WAIT;
}

/* Whether a line goes to the viewer unchanged. */
static bool
question_shows(const struct question *q, const struct frame *f)
{
	return q->begun && !q->waiting && (f->type == FRAME_STREAM ||
	    (f->type == FRAME_STATUS && q->request.status));
}

/*
 * Handles the whole lines in q->in; an incomplete last line stays there.
 * Consecutive lines that are forwarded unchanged are copied at once.
 */
static enum question_next
question_lines(struct question *q)
{
	char			*line = q->in.data, *end = line + q->in.len;
	char			*nl, *from = line;	/* first byte not
							   forwarded yet */
	enum question_next	 next;
	struct frame		 f;

	for (; (nl = memchr(line, '\n', (size_t)(end - line))) != NULL;
	    line = nl + 1) {
		frame_read(&f, line, (size_t)(nl - line));
		if (question_shows(q, &f)) {
			if (f.type == FRAME_STREAM && q->first == 0)
				q->first = clock_us();
			continue;
		}
		if (!question_forward(q, from, (size_t)(line - from)))
			return question_fail_code(q, FAILURE_INTERNAL);
		from = nl + 1;
		if ((next = question_line(q, &f, line, (size_t)(nl - line))) !=
		    QUESTION_WAIT)
			return next;
	}
	if (!question_forward(q, from, (size_t)(line - from)))
		return question_fail_code(q, FAILURE_INTERNAL);
	buf_drop(&q->in, (size_t)(line - q->in.data));
	return QUESTION_WAIT;
}

static enum question_next
question_receive(struct question *q, int64_t now)
{
	/* On the stack but small: touched stack pages are never returned to
	   the system. */
	char	data[FRAME_MAX];
	ssize_t	n;

	n = recv(q->fd, data, sizeof(data), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return QUESTION_WAIT;
	q->waits = 0;
	q->wait_end = now + ALIVE * INT64_C(1000000);
	if (n <= 0)
		return question_lost(q);
	if (buf_add(&q->in, data, (size_t)n) == -1)
		return question_fail_errno(q, "follow");
	return question_lines(q);
}

/*
 * Whether a line must arrive within a fixed time: the first line always, later
 * lines only if the generation promised them.  A generation of version 0.1,
 * which does not promise them, may still be running.
 */
static bool
question_is_due(const struct question *q)
{
	return q->session == 0 || q->alive;
}

/* Gives up a generation that hangs, and kills it if its pidfd is known. */
static enum question_next
question_give_up(struct question *q)
{
	log_line(LOG_LEVEL_ERROR, "id=%s ticket=%" PRId64 " session=%" PRId64
	    " call=follow error=\"the generation does not react\"",
	    q->connection->id, q->connection->ticket, q->session);
	if (q->pidfd != -1)
		(void)pidfd_send_signal(q->pidfd, SIGKILL, NULL, 0);
	/* If not even the first line came, trying again would only hang
	   again. */
	if (q->session == 0)
		return question_fail_code(q, FAILURE_INTERRUPTED);
	return question_lost(q);
}

/*
 * Nothing has arrived.  A generation hangs if it was silent for ALIVE_WAITS
 * waits in a row, or for ALIVE_WAITS_STOP waits since it was told to stop.  We
 * count waits instead of time so that a suspended machine or a paused container
 * does not end a generation.  A wait in which the socket was not polled
 * (`listened' is false) does not count.
 */
static enum question_next
question_silence(struct question *q, bool listened, int64_t now)
{
	enum question_next	next;

	if (listened && (!question_is_due(q) || now < q->wait_end))
		return QUESTION_WAIT;
	q->wait_end = now + ALIVE * INT64_C(1000000);
	if (!listened || ++q->waits < (q->stop_sent && q->session != 0 ?
	    ALIVE_WAITS_STOP : ALIVE_WAITS))
		return QUESTION_WAIT;
	/* Read once more: a line may have arrived in this moment. */
	next = question_receive(q, now);
	return next == QUESTION_WAIT && q->waits > 0 ? question_give_up(q) :
	    next;
}

/*
 * The function of the state FOLLOWING.  `p' is the result of poll, or NULL if
 * the state was entered just now and nothing was polled.
 */
static enum question_next
question_following(struct question *q, const struct pollfd *p, int64_t now)
{
	enum question_next	next = QUESTION_WAIT;

	if (p != NULL && p->fd == q->fd && p->revents != 0)
		next = question_receive(q, now);
	else if (p != NULL)
		next = question_silence(q, p->fd == q->fd, now);
	if (next != QUESTION_WAIT || !q->stop || q->stop_sent)
		return next;
	/* Before the first line it is not known whether this generation is for
	   this viewer. */
	if (!q->begun && !q->own)
		return QUESTION_WAIT;
	if (q->waiting)
		return question_fail_code(q, FAILURE_STOPPED);
	q->stop_sent = true;
	q->waits = 0;
	q->wait_end = now + ALIVE * INT64_C(1000000);
	generation_say_stop(q->fd);
	return QUESTION_WAIT;
}

/*
 * STOPPING: there is no question.  Sends `stop' to the ticket's generation, to
 * which this connection is not attached.
 */

/* A stop could not be delivered: only logged, since no question can fail. */
static enum question_next
question_stop_failed(struct question *q, const char *error)
{
	question_blame(q, "stop", error);
	return QUESTION_ENDED;
}

/* Asks the database server to stop a generation on another node. */
static enum question_next
question_stop_elsewhere(struct question *q)
{
	const struct query	query = { .kind = QUERY_STOP,
				    .ticket = q->connection->ticket,
				    .request = &q->request, .user = "" };

	if (query_start(&q->asking, q->settings, &query,
	    q->connection->websocketd) == -1)
		return question_stop_failed(q, strerror(errno));
	return QUESTION_WAIT;
}

static enum question_next
question_stopping(struct question *q, int64_t now)
{
	struct verdict	v;
	int		fd;

	if (q->asking.child.fd != -1) {
		if (!query_heard(&q->asking, now, &q->out->data, &v))
			return QUESTION_WAIT;
		return v.failure.code == FAILURE_NONE ? QUESTION_ENDED :
		    question_stop_failed(q, v.error);
	}
	if (now < q->next)
		return QUESTION_WAIT;
	switch (generation_connect(q->settings->text[SETTING_RUN_DIR],
	    &q->subject, &fd)) {
	case GENERATION_RUNNING:
		generation_say_stop(fd);
		(void)close(fd);
		return QUESTION_ENDED;
	case GENERATION_BUSY:
		if (now >= q->deadline)
			return QUESTION_ENDED;
		q->next = now + STOP_AGAIN * INT64_C(1000);
		return QUESTION_WAIT;
	case GENERATION_NONE:
		return q->remote ? question_stop_elsewhere(q) : QUESTION_ENDED;
	case GENERATION_ERROR:
	default:
		return QUESTION_ENDED;
	}
}

/*
 * The public functions.
 */

void
question_step(struct question *q, const struct pollfd *p, int64_t now)
{
	enum question_next	next = QUESTION_WAIT;

	do {
		switch (q->state) {
		case QUESTION_IDLE:
			return;
		case QUESTION_LOOKING:
		case QUESTION_STARTING:
			next = question_looking(q, now);
			break;
		case QUESTION_ATTACHING:
			next = question_attaching(q, now);
			break;
		case QUESTION_FOLLOWING:
			next = question_following(q, p, now);
			break;
		case QUESTION_TURNING:
			next = question_turning(q, now);
			break;
		case QUESTION_STOPPING:
			next = question_stopping(q, now);
			break;
		}
		p = NULL;	/* only the first state was polled */
	} while (next == QUESTION_GO_ON);
	if (next == QUESTION_ENDED)
		question_end(q);
}

void
question_note(struct question *q, struct request *r, bool behind)
{
	int64_t	id = 0;

	if (q->remote) {
		/* The first look-up notes the newest answer.  Of several
		   messages that came together, the later ones use what the
		   first one noted. */
		r->seen = behind || (q->state != QUESTION_IDLE &&
		    q->state != QUESTION_STOPPING) ? SEEN_SAME : SEEN_UNKNOWN;
		return;
	}
	if (!r->refresh || r->type != REQUEST_ASK ||
	    r->failure.code != FAILURE_NONE)
		return;
	/* If the database cannot be opened, the question will report that. */
	if (store_open(&q->store, q->settings->text[SETTING_DATABASE]) ==
	    FAILURE_NONE)
		(void)store_newest(q->store, q->connection->ticket, &id);
	r->seen = id;
	store_close(q->store);
	q->store = NULL;
}

/*
 * Whether the settings allow instructions: without a system prompt the model
 * would not know what they are, and with AUTH=off anybody could give one.
 */
static bool
question_instruction_is_allowed(const struct settings *s)
{
	return strcmp(s->text[SETTING_SYSTEM_PROMPT_FILE], "none") != 0 &&
	    (s->number[SETTING_AUTH] == AUTH_REQUIRED ||
	    s->number[SETTING_WRITE] == WRITE_ON);
}

/* What the settings say about a message: FAILURE_NONE, or why it is refused. */
static struct failure
question_policy(const struct settings *s, const struct request *r)
{
	const int64_t	max = s->number[SETTING_MAX_ANSWER_BYTES];
	struct failure	f = failure_make(FAILURE_NONE, NULL);

	switch (r->type) {
	case REQUEST_OPEN:
		if (s->number[SETTING_OPEN] == OPEN_OFF)
			f.code = FAILURE_NOT_ALLOWED;
		break;
	case REQUEST_RATE:
		if (s->number[SETTING_RATINGS] == RATINGS_OFF)
			f.code = FAILURE_NOT_ALLOWED;
		break;
	case REQUEST_WRITE:
		if (s->number[SETTING_WRITE] != WRITE_ON)
			f.code = FAILURE_NOT_ALLOWED;
		else if (r->body.len > (size_t)max)
			f = failure_too_large((size_t)max, FAILURE_TEXT);
		break;
	case REQUEST_ASK:
		if (r->instruction.len > 0 &&
		    !question_instruction_is_allowed(s))
			f.code = FAILURE_NOT_ALLOWED;
		break;
	case REQUEST_QUESTION:
	case REQUEST_STOP:
	case REQUEST_PING:
		break;
	}
	return f;
}

void
question_begin(struct question *q, struct request *r, int64_t now)
{
	struct failure	f = r->failure;

	if (f.code == FAILURE_NONE)
		f = question_policy(q->settings, r);
	q->request = *r;
	memset(r, 0, sizeof(*r));
	if (q->request.seen == SEEN_SAME)
		q->request.seen = q->noted;
	else
		q->noted = SEEN_UNKNOWN;
	q->started = now;
	q->first = 0;
	q->bytes = 0;
	q->session = q->tokens = q->root = q->version = q->turn = q->made = 0;
	q->subject.question[0] = '\0';
	q->tries = 0;
	q->text_hash[0] = q->call[0] = '\0';
	q->charged = q->stop = q->stop_sent = false;
	/* A client that has sent one of the newer messages knows all of
	   them. */
	q->sessions = q->sessions || q->request.sessions;
	q->request.sessions = q->sessions;
	if (f.code != FAILURE_NONE) {
		(void)question_fail(q, &f);
		question_end(q);
		return;
	}
	(void)question_look(q, q->request.type == REQUEST_RATE ? QUERY_RATE :
	    QUERY_LOOK);
	question_step(q, NULL, now);
}

int64_t
question_wait(const struct question *q, struct pollfd *p)
{
	p->fd = -1;
	p->events = POLLIN;
	if (q->asking.child.fd != -1) {
		p->fd = q->asking.child.fd;
		return q->asking.child.deadline;
	}
	switch (q->state) {
	case QUESTION_FOLLOWING:
		/* The client reads slowly: leave further lines in the socket,
		   so that `answer' buffers them. */
		if (output_size(q->out) >= OUTPUT_PENDING)
			return CLOCK_NEVER;
		p->fd = q->fd;
		return question_is_due(q) ? q->wait_end : CLOCK_NEVER;
	case QUESTION_ATTACHING:
	case QUESTION_STOPPING:
		return q->next;
	case QUESTION_TURNING:
		/* As FOLLOWING; else there is more to read now. */
		return output_size(q->out) >= OUTPUT_PENDING ? CLOCK_NEVER : 0;
	case QUESTION_LOOKING:
		return q->next;		/* a pause: no lookup program runs */
	case QUESTION_IDLE:
	case QUESTION_STARTING:
		break;
	}
	return CLOCK_NEVER;
}

void
question_stop(struct question *q)
{
	const int64_t	now = clock_us();
	const bool	looks = q->state == QUESTION_LOOKING ||
			    q->state == QUESTION_STARTING;
	bool		asked;

	/* What a person has written is being saved: `stopped' may be wrong. */
	if (looks && (q->request.type == REQUEST_RATE ||
	    q->request.type == REQUEST_WRITE))
		return;
	/* Do not wait for a slow database server: fail the question now, and
	   then also stop a generation that may be running already. */
	if (looks) {
		asked = q->request.type == REQUEST_QUESTION;
		(void)question_fail_code(q, FAILURE_STOPPED);
		question_end(q);
		/* It was not about the ticket's answer. */
		if (asked)
			return;
	}
	if (q->state == QUESTION_IDLE) {
		q->subject.question[0] = '\0';
		q->outcome = NULL;
		q->call[0] = '\0';
		q->exit = 0;
		q->state = QUESTION_STOPPING;
		q->next = now;
		q->deadline = now + STOP_TIMEOUT * INT64_C(1000);
		question_step(q, NULL, now);
	} else if (q->state != QUESTION_STOPPING) {
		q->stop = true;
		question_step(q, NULL, now);
	}
}

void
question_free(struct question *q)
{
	if (q->fd != -1)
		(void)close(q->fd);
	if (q->pidfd != -1)
		(void)close(q->pidfd);
	if (q->run_dir != -1)
		(void)close(q->run_dir);
	question_drop_claim(q);
	q->fd = q->pidfd = q->run_dir = -1;
	query_end(&q->asking);
	q->state = QUESTION_IDLE;
	store_close(q->store);
	q->store = NULL;
	request_free(&q->request);
	buf_free(&q->in);
	buf_free(&q->last);
}
