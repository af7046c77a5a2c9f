/*
 * A ticket's socket, its claim, and starting `answer'.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/file.h"
#include "base/limit.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/peer.h"
#include "base/url.h"
#include "generation/generation.h"
#include "store/store.h"
#include "text/text.h"

/* A version is a word. */
#define LIBCURL_VERSION_MAX	64

const char *
generation_program(const struct settings *s)
{
	if (!store_serves(s->text[SETTING_DATABASE]))
		return LIBEXECDIR "/answer-postgres";
	return url_simple(s->text[SETTING_OLLAMA_SERVER]) ?
	    LIBEXECDIR "/answer-http" : LIBEXECDIR "/answer";
}

bool
generation_same(const struct subject *a, const struct subject *b)
{
	return a->ticket == b->ticket &&
	    strcmp(a->question, b->question) == 0;
}

bool
generation_libcurl(const struct settings *s, char *text, size_t size)
{
	static const char	costs[] = "the system's, which takes 5 ms of "
				    "CPU and 1.2 MB for each answer";
	size_t			len;
	char			*version;
	bool			small;

	if (!store_serves(s->text[SETTING_DATABASE]) || !store_is_file()) {
		(void)snprintf(text, size, "%s (DATABASE is a server)", costs);
		return true;
	}
	if (!url_simple(s->text[SETTING_OLLAMA_SERVER])) {
		(void)snprintf(text, size, "%s (OLLAMA_SERVER needs TLS or a "
		    "name)", costs);
		return true;
	}
	/* `make' writes this file: a line, or an empty one. */
	version = file_read(LIBEXECDIR "/libcurl", LIBCURL_VERSION_MAX, false,
	    &len);
	small = version != NULL && *version > ' ';
	if (small)
		(void)snprintf(text, size, "a small one, %.*s, linked into "
		    "answer", (int)strcspn(version, "\n"), version);
	else
		(void)snprintf(text, size, "%s", costs);
	free(version);
	return small;
}

int
generation_path(char *path, size_t size, const char *run_dir,
    const struct subject *s)
{
	int	n;

	n = snprintf(path, size, "%s/%" PRId64 "%s%s.sock", run_dir, s->ticket,
	    s->question[0] == '\0' ? "" : "-", s->question);
	if (n < 0 || (size_t)n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int
generation_prepare(const char *run_dir)
{
	struct stat	st;

	if (strlen(run_dir) > RUN_DIR_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (mkdir(run_dir, 0700) == -1 && errno != EEXIST)
		return -1;
	if (stat(run_dir, &st) == -1)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

/*
 * Makes a socket and sets *a to the generation's address.  Returns the socket,
 * or -1 with errno.
 */
static int
generation_socket(const char *run_dir, const struct subject *subject,
    struct sockaddr_un *a)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (generation_path(a->sun_path, sizeof(a->sun_path), run_dir,
	    subject) == -1)
		return -1;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

enum generation
generation_connect(const char *run_dir, const struct subject *subject,
    int *fd)
{
	struct sockaddr_un	a;
	int			s, saved;

	if ((s = generation_socket(run_dir, subject, &a)) == -1)
		return GENERATION_ERROR;
	if (connect(s, (const struct sockaddr *)&a, sizeof(a)) == 0) {
		if (peer_is_ours(s)) {
			*fd = s;
			return GENERATION_RUNNING;
		}
		errno = EPERM;
	}
	saved = errno;
	(void)close(s);
	errno = saved;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return GENERATION_NONE;
	return errno == EAGAIN || errno == EINTR ? GENERATION_BUSY :
	    GENERATION_ERROR;
}

static void
generation_say(int fd, const char *line)
{
	(void)!send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
generation_say_stop(int fd)
{
	generation_say(fd, "stop\n");
}

void
generation_say_wait(int fd)
{
	generation_say(fd, "wait\n");
}

int
generation_claims(const char *run_dir)
{
	return lock_open(run_dir, "claims");
}

/* Returns the descriptor of a lock that was tried, as generation_claim. */
static int
generation_claimed(int fd, int got)
{
	const int	saved = got == 0 ? 0 : errno;

	if (got == 1)
		return fd;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
generation_claim(const char *run_dir, int64_t ticket)
{
	int	fd;

	if ((fd = generation_claims(run_dir)) == -1)
		return -1;
	return generation_claimed(fd, lock_try(fd, ticket));
}

/*
 * The byte of a question's claim.  Two questions may have the same one: then
 * one waits for the other for a moment.
 */
static int64_t
generation_question_byte(const struct subject *s)
{
	return (int64_t)(strtoull(s->question, NULL, 16) &
	    (uint64_t)(INT64_MAX >> 1));
}

int
generation_claim_question(const char *run_dir, const struct subject *s,
    int *ticket)
{
	int	fd, saved;

	*ticket = -1;
	if ((fd = generation_claims(run_dir)) == -1 ||
	    (*ticket = generation_claimed(fd, lock_share(fd, s->ticket))) == -1)
		return -1;
	fd = lock_open(run_dir, "questions");
	if (fd != -1)
		fd = generation_claimed(fd, lock_try(fd,
		    generation_question_byte(s)));
	if (fd != -1)
		return fd;
	saved = errno;
	(void)close(*ticket);
	*ticket = -1;
	errno = saved;
	return -1;
}

int
generation_listen(const char *run_dir, const struct subject *subject)
{
	struct sockaddr_un	a;
	int			s, saved;

	if ((s = generation_socket(run_dir, subject, &a)) == -1)
		return -1;
	if ((unlink(a.sun_path) == 0 || errno == ENOENT) &&
	    bind(s, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(s, BACKLOG) == 0)
		return s;
	saved = errno;
	(void)close(s);
	errno = saved;
	return -1;
}

void
generation_sweep(const char *run_dir, const struct subject *s)
{
	char	path[sizeof(((struct sockaddr_un *)0)->sun_path)];

	if (generation_path(path, sizeof(path), run_dir, s) == 0)
		(void)unlink(path);
}

/* The file that is descriptor 0 of `answer'; -1 with errno. */
static int
generation_input(const struct generation_wish *w)
{
	const char	*language = language_tag(w->language);
	struct buf	b = BUF_INIT(w->len + w->instruction_len +
			    strlen(w->user_name) + strlen(language) + 3);
	int		fd = -1;

	if (buf_add(&b, w->text, w->len) == 0 && buf_add(&b, "", 1) == 0 &&
	    buf_add(&b, w->instruction, w->instruction_len) == 0 &&
	    buf_add(&b, "", 1) == 0 && buf_puts(&b, w->user_name) == 0 &&
	    buf_add(&b, "", 1) == 0 && buf_puts(&b, language) == 0)
		fd = child_input(b.data, b.len);
	buf_free(&b);
	return fd;
}

int
generation_start(const struct settings *s, const struct generation_wish *w)
{
	char	 name[] = "answer", t[24], id[24], hash[TEXT_HASH + 1], **env;
	char	 turn[sizeof(GENERATION_USER "=") + TEXT_HASH];
	char	 more[TEXT_HASH + 32];
	char	*argv[] = { name, t, id, *w->text_hash == '\0' ? NULL : hash,
		    *w->instruction_hash == '\0' && w->follows == 0 ? NULL :
		    more, NULL };
	/* What `answer' inherits: the text, /dev/null, a log or /dev/null, the
	   listener, the lock of RUN_DIR or nothing. */
	int	 fd[5] = { -1, -1, -1, w->listener, -1 };
	pid_t	 pid = -1;
	int	 rc;

	(void)snprintf(t, sizeof(t), "%" PRId64, w->ticket);
	(void)snprintf(id, sizeof(id), "%s%" PRId64, w->session == 0 ? "+" :
	    "", w->session == 0 ? w->seen : w->session);
	(void)snprintf(hash, sizeof(hash), "%s", w->text_hash);
	if (w->follows == 0)
		(void)snprintf(more, sizeof(more), "%s", w->instruction_hash);
	else
		(void)snprintf(more, sizeof(more), "%" PRId64 "-%s",
		    w->follows, w->question);
	(void)snprintf(turn, sizeof(turn), GENERATION_USER "=%s", w->user);
	if ((env = settings_environment(s, *w->user == '\0' ? NULL : turn)) ==
	    NULL)
		return -1;
	if (strcmp(s->text[SETTING_LOG], "stderr") == 0)
		fd[2] = log_descriptor();
	if ((fd[0] = generation_input(w)) == -1) {
		rc = errno;
	} else {
		/* As child_spawn demands, not one of the lower ones. */
		fd[4] = w->run_dir == -1 ? -1 : fcntl(w->run_dir,
		    F_DUPFD_CLOEXEC, 4);
		rc = w->run_dir != -1 && fd[4] == -1 ? errno :
		    child_spawn(&pid, generation_program(s), argv, env, fd,
		    w->run_dir == -1 ? 4 : 5, true);
		(void)close(fd[0]);
		if (fd[4] != -1)
			(void)close(fd[4]);
	}
	free(env);
	errno = rc;
	return rc == 0 ? (int)pid : -1;
}

/* Starts `answer WHAT SESSION', detached.  Returns as child_spawn. */
static int
generation_spawn_for(const struct settings *s, const char *what,
    int64_t session)
{
	char		 name[] = "answer", word[8], id[24];
	char		*argv[] = { name, word, id, NULL }, **env;
	const int	 fd[] = { -1, -1, strcmp(s->text[SETTING_LOG],
			    "stderr") == 0 ? log_descriptor() : -1 };
	pid_t		 pid;
	int		 rc;

	(void)snprintf(word, sizeof(word), "%s", what);
	(void)snprintf(id, sizeof(id), "%" PRId64, session);
	rc = (env = settings_environment(s, NULL)) == NULL ? ENOMEM :
	    child_spawn(&pid, generation_program(s), argv, env, fd, 3, true);
	free(env);
	return rc;
}

void
generation_tell(const struct settings *s, int64_t session)
{
	int	rc;

	if (*s->text[SETTING_DONE_COMMAND] == '\0' ||
	    (rc = generation_spawn_for(s, "hook", session)) == 0)
		return;
	log_line(LOG_LEVEL_WARNING, "session=%" PRId64
	    " hook=DONE_COMMAND error=\"%s\"", session, strerror(rc));
}

void
generation_learn(const struct settings *s, int64_t session)
{
	int	rc;

	if (s->number[SETTING_KNOWLEDGE_ANSWERS] == ANSWERS_OFF ||
	    (rc = generation_spawn_for(s, "learn", session)) == 0)
		return;
	log_line(LOG_LEVEL_WARNING, "session=%" PRId64
	    " call=learn error=\"%s\"", session, strerror(rc));
}
