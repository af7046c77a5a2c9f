/*
 * Writes and reads frames.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limit.h"
#include "base/link.h"
#include "base/number.h"
#include "base/utf8.h"
#include "frame/frame.h"
#include "json/json.h"
#include "json/jsonw.h"

static const char *const frame_states[FRAME_STATE__MAX] = {
	[FRAME_QUEUED] = "queued",
	[FRAME_LOADING] = "loading",
	[FRAME_THINKING] = "thinking",
	[FRAME_GENERATING] = "generating",
	[FRAME_SAVING] = "saving",
};

static const char *const cached_message[LANGUAGE__MAX] = {
	[LANGUAGE_PT] = "Este chamado já tem uma resposta.",
	[LANGUAGE_EN] = "This ticket already has an answer.",
	[LANGUAGE_ES] = "Este ticket ya tiene una respuesta.",
};

static const char *const asked_message[LANGUAGE__MAX] = {
	[LANGUAGE_PT] = "Esta pergunta já foi respondida.",
	[LANGUAGE_EN] = "This question already has an answer.",
	[LANGUAGE_ES] = "Esta pregunta ya tiene una respuesta.",
};

/* What precedes and follows the text in a stream frame. */
static const char	stream_head[] = "{\"type\":\"stream\",\"content\":\"";
static const char	stream_tail[] = "\"}\n";

/* Begins a frame of a type. */
static void
frame_begin(struct jsonw *w, struct buf *b, const char *type)
{
	jsonw_begin(w, b);
	jsonw_object(w, NULL);
	jsonw_text(w, "type", type);
}

int
frame_cached(struct buf *b, const struct session *s, unsigned how,
    enum language language)
{
	struct jsonw	w;

	frame_begin(&w, b, "cached");
	jsonw_string(&w, "response", s->response, s->response_len);
	jsonw_text(&w, "message", s->follows != 0 ? asked_message[language] :
	    cached_message[language]);
	jsonw_text(&w, "createdAt", s->created);
	if ((how & FRAME_BODY_CHANGED) != 0)
		jsonw_bool(&w, "bodyChanged", true);
	if (s->cut)
		jsonw_text(&w, "reason", "length");
	if (s->follows != 0) {
		jsonw_int(&w, "session", s->follows);
		jsonw_int(&w, "version", s->version);
		jsonw_int(&w, "turn", s->id);
		return jsonw_end(&w, true);
	}
	if (s->versions > 1) {
		jsonw_int(&w, "version", s->version);
		jsonw_int(&w, "versions", s->versions);
	}
	if (s->author != NULL)
		jsonw_text(&w, "author", s->author);
	if (s->instruction != NULL)
		jsonw_text(&w, "instruction", s->instruction);
	if ((how & FRAME_WITH_SESSION) != 0)
		jsonw_int(&w, "session", s->id);
	if ((how & FRAME_WITH_BODY) != 0)
		jsonw_string(&w, "ticketBody", s->prompt, s->prompt_len);
	return jsonw_end(&w, true);
}

int
frame_done(struct buf *b, bool cut_by_length, int64_t versions,
    int64_t session)
{
	struct jsonw	w;

	frame_begin(&w, b, "done");
	if (cut_by_length)
		jsonw_text(&w, "reason", "length");
	if (versions > 1)
		jsonw_int(&w, "versions", versions);
	if (session != 0)
		jsonw_int(&w, "session", session);
	return jsonw_end(&w, true);
}

/*
 * Replaces {} in a message by the detail, and a multiple of 1,024 bytes by KB.
 */
static void
frame_message(char *to, size_t size, const char *message, const char *detail)
{
	static const char	bytes[] = "{} bytes";
	const char		*hole = strstr(message, "{}");
	int64_t			 n;

	if (hole == NULL)
		(void)snprintf(to, size, "%s", message);
	else if (strncmp(hole, bytes, sizeof(bytes) - 1) == 0 &&
	    number_read(detail, strlen(detail), INT64_MAX, &n) && n > 0 &&
	    n % 1024 == 0)
		(void)snprintf(to, size, "%.*s%" PRId64 " KB%s",
		    (int)(hole - message), message, n / 1024,
		    hole + sizeof(bytes) - 1);
	else
		(void)snprintf(to, size, "%.*s%s%s", (int)(hole - message),
		    message, detail, hole + 2);
}

int
frame_turn(struct buf *b, const struct session *s)
{
	struct jsonw	w;

	frame_begin(&w, b, "turn");
	jsonw_int(&w, "session", s->id);
	jsonw_string(&w, "question", s->prompt, s->prompt_len);
	jsonw_string(&w, "response", s->response, s->response_len);
	jsonw_text(&w, "createdAt", s->created);
	return jsonw_end(&w, true);
}

void
frame_sources_begin(struct jsonw *w, struct buf *b)
{
	frame_begin(w, b, "sources");
	jsonw_array(w, "sources");
}

void
frame_sources_add(struct jsonw *w, int64_t n, const char *title,
    const char *url, int64_t ticket, bool cited)
{
	jsonw_object(w, NULL);
	jsonw_int(w, "n", n);
	jsonw_text(w, "title", title);
	if (link_is_good(url, strlen(url)))
		jsonw_text(w, "url", url);
	if (ticket != 0)
		jsonw_int(w, "ticket", ticket);
	jsonw_bool(w, "cited", cited);
	jsonw_close(w);
}

int
frame_sources_end(struct jsonw *w)
{
	return jsonw_end(w, true);
}

int
frame_rated(struct buf *b, int64_t session, int64_t version, int64_t good,
    int64_t bad)
{
	struct jsonw	w;

	frame_begin(&w, b, "rated");
	jsonw_int(&w, "session", session);
	jsonw_int(&w, "version", version);
	jsonw_int(&w, "good", good);
	jsonw_int(&w, "bad", bad);
	return jsonw_end(&w, true);
}

int
frame_error(struct buf *b, const struct failure *f, enum language language)
{
	struct jsonw	w;
	char		message[512];

	frame_message(message, sizeof(message), failure_words(f, language),
	    f->detail);
	frame_begin(&w, b, "error");
	jsonw_text(&w, "message", message);
	jsonw_text(&w, "code", failure_name(f->code));
	jsonw_bool(&w, "retryable", failure_retryable(f->code));
	if (f->retry_after > 0)
		jsonw_int(&w, "retryAfter", f->retry_after);
	if (f->detail[0] != '\0')
		jsonw_text(&w, "detail", f->detail);
	if (f->session != 0)
		jsonw_int(&w, "session", f->session);
	if (f->version != 0)
		jsonw_int(&w, "version", f->version);
	return jsonw_end(&w, true);
}

int
frame_status(struct buf *b, enum frame_state state, int position, int viewers)
{
	struct jsonw	w;

	frame_begin(&w, b, "status");
	jsonw_text(&w, "state", frame_states[state]);
	if (state == FRAME_QUEUED && position > 0)
		jsonw_int(&w, "position", position);
	if (viewers > 0)
		jsonw_int(&w, "viewers", viewers);
	return jsonw_end(&w, true);
}

int
frame_pong(struct buf *b)
{
	struct jsonw	w;

	frame_begin(&w, b, "pong");
	return jsonw_end(&w, true);
}

int
frame_session(struct buf *b, int64_t session, int64_t pid,
    const struct frame_subject *s)
{
	struct jsonw	w;

	frame_begin(&w, b, "session");
	if (session != 0)
		jsonw_int(&w, "session", session);
	jsonw_int(&w, "pid", pid);
	jsonw_int(&w, "alive", ALIVE);
	if (s->elsewhere)
		jsonw_bool(&w, "elsewhere", true);
	if (*s->text_hash != '\0')
		jsonw_text(&w, "text", s->text_hash);
	if (*s->instruction_hash != '\0')
		jsonw_text(&w, "instruction", s->instruction_hash);
	if (s->follows != 0) {
		jsonw_int(&w, "follows", s->follows);
		jsonw_text(&w, "question", s->question);
	}
	return jsonw_end(&w, true);
}

int
frame_alive(struct buf *b)
{
	struct jsonw	w;

	frame_begin(&w, b, "alive");
	return jsonw_end(&w, true);
}

/* Writes a number unless it is 0. */
static void
frame_number(struct jsonw *w, const char *key, int64_t number)
{
	if (number != 0)
		jsonw_int(w, key, number);
}

int
frame_done_again(struct buf *b, const char *line, size_t len,
    bool body_changed, const struct frame_answer *a)
{
	struct buf	more = BUF_INIT(FRAME_MAX);
	const size_t	before = b->len;
	struct jsonw	w;
	bool		good;

	jsonw_begin(&w, &more);
	jsonw_object(&w, NULL);
	if (body_changed)
		jsonw_bool(&w, "bodyChanged", true);
	frame_number(&w, "session", a->session);
	frame_number(&w, "version", a->version);
	frame_number(&w, "turn", a->turn);
	/* The line without its bracket, a comma, and the members that follow
	   the other bracket. */
	good = jsonw_end(&w, true) == 0 && len > 0 && line[len - 1] == '}' &&
	    buf_add(b, line, len - 1) == 0 &&
	    (more.data[1] == '}' || buf_puts(b, ",") == 0) &&
	    buf_add(b, more.data + 1, more.len - 1) == 0;
	buf_free(&more);
	if (!good)
		b->len = before;
	return good ? 0 : -1;
}

int
frame_cost(struct buf *b, int64_t tokens)
{
	struct jsonw	w;

	frame_begin(&w, b, "cost");
	jsonw_int(&w, "tokens", tokens);
	return jsonw_end(&w, true);
}

int
frame_kept(struct buf *b)
{
	struct jsonw	w;

	frame_begin(&w, b, "kept");
	return jsonw_end(&w, true);
}

int
frame_stream_end(struct frame_stream *s)
{
	int	rc;

	if (s->open.len == 0)
		return 0;
	if ((rc = buf_puts(&s->open, stream_tail)) == 0)
		rc = buf_add(s->out, s->open.data, s->open.len);
	buf_clear(&s->open);
	return rc;
}

void
frame_stream_free(struct frame_stream *s)
{
	buf_free(&s->open);
}

/* An upper bound of the bytes that s takes within a JSON string. */
static size_t
frame_escaped(const char *s, size_t len)
{
	size_t	i, n = 0;
	int	k;

	for (i = 0; i < len; i += (size_t)k) {
		unsigned char	c = (unsigned char)s[i];

		if ((k = utf8_char(s + i, len - i)) > 1) {
			/* jsonw_escape escapes U+0080 to U+009F. */
			n += c == 0xc2 && (unsigned char)s[i + 1] < 0xa0 ? 6 :
			    (size_t)k;
			continue;
		}
		/* An invalid byte becomes U+FFFD. */
		n += k < 1 ? 3 : c < 0x20 || c == 0x7f ? 6 :
		    c == '"' || c == '\\' ? 2 : 1;
		k = 1;
	}
	return n;
}

/* Adds a piece that fits into one frame. */
static int
frame_add(struct frame_stream *s, const char *text, size_t len, size_t need)
{
	s->open.cap = FRAME_MAX;
	if (s->open.len + need + sizeof(stream_tail) - 1 > FRAME_MAX &&
	    frame_stream_end(s) == -1)
		return -1;
	if ((s->open.len == 0 && buf_puts(&s->open, stream_head) == -1) ||
	    jsonw_escape(&s->open, text, len) == -1) {
		buf_clear(&s->open);	/* never send half a piece */
		return -1;
	}
	return 0;
}

int
frame_stream_add(struct frame_stream *s, const char *text, size_t len)
{
	const size_t	room = FRAME_MAX - (sizeof(stream_head) - 1) -
			    (sizeof(stream_tail) - 1);
	size_t		need, part;

	while ((need = frame_escaped(text, len)) > room) {
		/* A byte takes at most six escaped, so this part fits into a
		   frame. */
		part = utf8_cut(text, len, room / 6);
		if (frame_add(s, text, part, frame_escaped(text, part)) == -1)
			return -1;
		text += part;
		len -= part;
	}
	return len == 0 ? 0 : frame_add(s, text, len, need);
}

/* Reads the code and the detail of an error frame. */
static struct failure
frame_read_failure(const struct json *j)
{
	struct buf	code = BUF_INIT(64), detail = BUF_INIT(256);
	struct failure	f = failure_make(FAILURE_INTERNAL, NULL);

	if (json_string(j, json_member(j, 0, "code"), false, &code) == 0 &&
	    (json_member(j, 0, "detail") == -1 ||
	    json_string(j, json_member(j, 0, "detail"), false, &detail) == 0))
		f = failure_make(failure_from_name(code.data, code.len),
		    detail.data);
	f.retry_after = (int)json_int(j, json_member(j, 0, "retryAfter"), 0);
	buf_free(&code);
	buf_free(&detail);
	return f;
}

/* Reads a hash of a session frame; leaves "" if it is not valid. */
static void
frame_read_hash(const struct json *j, const char *key, char to[TEXT_HASH + 1],
    size_t len)
{
	struct buf	hash = BUF_INIT(TEXT_HASH);

	if (json_string(j, json_member(j, 0, key), false, &hash) == 0 &&
	    hash.len == len)
		memcpy(to, hash.data, len);
	buf_free(&hash);
}

void
frame_read(struct frame *f, const char *line, size_t len)
{
	struct json	j = { 0 };
	int		type;

	memset(f, 0, sizeof(*f));
	if (len >= sizeof(stream_head) - 1 &&
	    memcmp(line, stream_head, sizeof(stream_head) - 1) == 0) {
		f->type = FRAME_STREAM;
		return;
	}
	if (json_parse(&j, line, len, MESSAGE_DEPTH, MESSAGE_TOKENS) == -1) {
		json_free(&j);
		return;
	}
	type = json_member(&j, 0, "type");
	if (json_equals(&j, type, "done")) {
		f->type = FRAME_DONE;
	} else if (json_equals(&j, type, "status")) {
		f->type = FRAME_STATUS;
		f->state = FRAME_QUEUED;
		while (f->state < FRAME_STATE__MAX - 1 && !json_equals(&j,
		    json_member(&j, 0, "state"), frame_states[f->state]))
			f->state++;
		f->position = (int)json_int(&j, json_member(&j, 0,
		    "position"), 0);
	} else if (json_equals(&j, type, "error")) {
		f->type = FRAME_ERROR;
		f->failure = frame_read_failure(&j);
	} else if (json_equals(&j, type, "session")) {
		f->type = FRAME_SESSION;
		f->session = json_int(&j, json_member(&j, 0, "session"), 0);
		f->pid = json_int(&j, json_member(&j, 0, "pid"), 0);
		f->alive = json_int(&j, json_member(&j, 0, "alive"), 0) > 0;
		frame_read_hash(&j, "text", f->text_hash, TEXT_HASH);
		frame_read_hash(&j, "instruction", f->instruction_hash,
		    TEXT_HASH);
		frame_read_hash(&j, "question", f->question, FRAME_QUESTION);
		f->follows = json_int(&j, json_member(&j, 0, "follows"), 0);
		f->elsewhere = json_true(&j, json_member(&j, 0, "elsewhere"));
	} else if (json_equals(&j, type, "kept")) {
		f->type = FRAME_KEPT;
	} else if (json_equals(&j, type, "cost")) {
		f->type = FRAME_COST;
		f->tokens = json_int(&j, json_member(&j, 0, "tokens"), 0);
	}
	json_free(&j);
}

int
frame_content(const char *line, size_t len, struct buf *b)
{
	struct json	j = { 0 };
	int		rc;

	if ((rc = json_parse(&j, line, len, 1, 8)) == 0)
		rc = json_string(&j, json_member(&j, 0, "content"), false, b);
	json_free(&j);
	return rc;
}

const char *
frame_state_name(enum frame_state state)
{
	return frame_states[state];
}
