/*
 * sessions learn: reads the team's notes from files, folders or JSON lines, and
 * good answers from the database.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limit.h"
#include "base/utf8.h"
#include "json/json.h"
#include "knowledge/answers.h"
#include "knowledge/learn.h"
#include "program.h"
#include "sessions/command.h"
#include "sessions/spam.h"
#include "store/knowledge.h"

enum {
	LEARN_FILE = 1024 * 1024,	/* bytes of a file or a line */
	LEARN_NAME = 500,		/* bytes of a name */
	LEARN_QUESTION = 65536,		/* bytes of a question */
	LEARN_DEPTH = 32,		/* folders in folders */
	LEARN_TOKENS = 100,		/* of a JSON line */
	LEARN_TITLE = 120		/* bytes of a question in a title */
};

struct learn {
	struct store	*store;
	struct learning	*learning;
	const char	*source;
	char		**seen;		/* names, sorted before pruning */
	size_t		 seen_count, seen_size;
	int64_t		 bad, done;
};

/* Tells what is wrong with a document, which is left out. */
static void __attribute__((format(printf, 3, 4)))
learn_refuse(struct learn *l, const char *name, const char *format, ...)
{
	va_list	ap;

	progress_end();
	va_start(ap, format);
	(void)fprintf(stderr, "sessions: %s: ", name);
	(void)vfprintf(stderr, format, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	l->bad++;
}

static void
learn_need(struct learn *l, enum failure_code rc)
{
	if (rc == FAILURE_INTERNAL)
		program_fail(EXIT_SYSTEM, "%s", strerror(ENOMEM));
	command_need(rc, l->store);
}

/* Notes that a document is there, also if it cannot be read today. */
static void
learn_see(struct learn *l, const char *name)
{
	char	**more;

	if (l->seen_count == l->seen_size) {
		l->seen_size = l->seen_size == 0 ? 256 : 2 * l->seen_size;
		more = realloc(l->seen, l->seen_size * sizeof(*more));
		if (more == NULL)
			program_fail(EXIT_SYSTEM, "%s", strerror(errno));
		l->seen = more;
	}
	if ((l->seen[l->seen_count++] = strdup(name)) == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
}

static void
learn_warn_moved(void *context, const char *name, const char *from,
    const char *to)
{
	(void)context;
	progress_end();
	(void)fprintf(stderr, "sessions: warning: %s was learnt from %s "
	    "before, and comes from %s now\n", name, from, to);
}

/* Learns a document that was cut. */
static void
learn_take(struct learn *l, struct learn_document *d)
{
	d->source = l->source;
	learn_need(l, learn_document(l->learning, d));
	progress_show(NULL, "learning", ++l->done, 0);
}

/* Why a text cannot be cut, by errno. */
static const char *
learn_why(void)
{
	return errno == E2BIG ? "it has more than 1,000 passages: divide it" :
	    errno == ENODATA ? "there is no text in it" : strerror(errno);
}

/* Reads a file that must not change meanwhile.  Returns NULL after telling. */
static char *
learn_read(struct learn *l, const char *path, const char *name, size_t *len)
{
	struct stat	 before, after;
	char		*text = NULL;
	const char	*instead;

	if (stat(path, &before) == -1 ||
	    (text = file_read(path, LEARN_FILE, false, len)) == NULL) {
		learn_refuse(l, name, "%s", errno == EFBIG ?
		    "it is longer than 1 MB: divide it" : errno == EINVAL ?
		    "it is not a file" : strerror(errno));
		return NULL;
	}
	if (stat(path, &after) == -1 || after.st_size != before.st_size ||
	    after.st_ino != before.st_ino ||
	    after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
	    after.st_mtim.tv_nsec != before.st_mtim.tv_nsec ||
	    (off_t)*len != after.st_size)
		learn_refuse(l, name, "it changed while it was read: learn it "
		    "again");
	else if (*len == 0)
		learn_refuse(l, name, "there is no text in it");
	else if ((instead = utf8_instead(text, *len)) != NULL)
		learn_refuse(l, name, "it is %s: save it as UTF-8", instead);
	else if (memchr(text, '\0', *len) != NULL)
		learn_refuse(l, name, "it has NUL bytes, so that it is no "
		    "text");
	else
		return text;
	free(text);
	return NULL;
}

/* How a file's name says it is to be cut; -1: it is not to be learnt. */
static int
learn_kind(const char *path)
{
	const char	*dot = strrchr(path, '.');

	if (dot == NULL || strchr(dot, '/') != NULL)
		return -1;
	if (strcasecmp(dot, ".md") == 0 || strcasecmp(dot, ".markdown") == 0)
		return CUT_MARKDOWN;
	if (strcasecmp(dot, ".html") == 0 || strcasecmp(dot, ".htm") == 0)
		return CUT_HTML;
	return strcasecmp(dot, ".txt") == 0 ? CUT_TEXT : -1;
}

/* What is wrong with a document's name; NULL: nothing. */
static const char *
learn_name_fault(const char *name)
{
	const char	*p;

	if (strlen(name) > LEARN_NAME)
		return "its name is longer than 500 bytes";
	if (!utf8_valid(name, strlen(name)))
		return "its name is not UTF-8";
	for (p = name; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == '\x7f')
			return "its name has control characters";
	}
	return NULL;
}

static void
learn_file(struct learn *l, const char *path, const char *name)
{
	struct learn_document	 d = { .name = name, .question = "" };
	struct cut		 c;
	const char		*base = strrchr(name, '/'), *fault;
	char			*text, title[LEARN_NAME + 1];
	size_t			 len;

	if ((fault = learn_name_fault(name)) != NULL) {
		learn_refuse(l, path, "%s", fault);
		return;
	}
	learn_see(l, name);
	if ((text = learn_read(l, path, name, &len)) == NULL)
		return;
	base = base == NULL ? name : base + 1;
	(void)snprintf(title, sizeof(title), "%.*s", (int)(strrchr(base, '.') -
	    base), base);
	if (cut((enum cut_kind)learn_kind(name), text, len, "", title, &c) ==
	    -1) {
		learn_refuse(l, name, "%s", learn_why());
	} else {
		d.cut = &c;
		d.url = c.url;
		learn_take(l, &d);
	}
	cut_free(&c);
	free(text);
}

static int
learn_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* Learns what is in a folder; links in it are not followed. */
static void
learn_folder(struct learn *l, const char *path, const char *name, int depth)
{
	struct dirent	**list;
	struct stat	  st;
	char		  file[PATH_MAX], as[PATH_MAX];
	int		  i, n;

	if (depth > LEARN_DEPTH) {
		learn_refuse(l, path, "folders are too deep");
		return;
	}
	if ((n = scandir(path, &list, learn_visible, alphasort)) == -1) {
		learn_refuse(l, path, "%s", strerror(errno));
		return;
	}
	for (i = 0; i < n; i++) {
		const int	a = snprintf(file, sizeof(file), "%s/%s", path,
				    list[i]->d_name);
		const int	b = snprintf(as, sizeof(as), "%s/%s", name,
				    list[i]->d_name);

		free(list[i]);
		if (a < 0 || b < 0 || (size_t)a >= sizeof(file) ||
		    (size_t)b >= sizeof(as))
			learn_refuse(l, path, "a name in it is too long");
		else if (lstat(file, &st) == -1)
			learn_refuse(l, file, "%s", strerror(errno));
		else if (S_ISDIR(st.st_mode))
			learn_folder(l, file, as, depth + 1);
		else if (learn_kind(file) != -1 && S_ISREG(st.st_mode))
			learn_file(l, file, as);
		else if (learn_kind(file) != -1)
			learn_refuse(l, file, "%s", S_ISLNK(st.st_mode) ?
			    "a link in a folder is not followed" :
			    "it is not a file");
	}
	free(list);
}

/* A member of a JSON line; *b is empty if it is missing.  Returns false if it
   is no text. */
static bool
learn_member(const struct json *j, const char *name, struct buf *b)
{
	const int	value = json_member(j, 0, name);

	buf_clear(b);
	if (value == -1 || json_type(j, value) == JSON_NULL)
		return buf_puts(b, "") == 0;
	return json_type(j, value) == JSON_STRING &&
	    json_string(j, value, true, b) == 0 && (b->len > 0 ?
	    memchr(b->data, '\0', b->len) == NULL : buf_puts(b, "") == 0);
}

/* The members of a JSON line. */
enum { NAME, TITLE, URL, TEXT, QUESTION, ANSWER, MEMBERS };
static const char *const	learn_members[MEMBERS] = {
	"name", "title", "url", "text", "question", "answer"
};

/* Learns what a line holds.  Returns what is wrong; NULL: nothing. */
static const char *
learn_json(struct learn *l, struct buf b[MEMBERS])
{
	struct learn_document	 d = { .name = b[NAME].data };
	struct cut		 c;
	const bool		 solved = b[QUESTION].len > 0;
	const char		*why = NULL;
	const int		 body = solved ? ANSWER : TEXT;
	char			 title[LEARN_TITLE + 1];

	if (solved == (b[TEXT].len > 0))
		return "it needs either text, or question and answer";
	if (utf8_blank(b[body].data, b[body].len))
		return solved ? "the answer is blank" : "the text is blank";
	if (b[NAME].len == 0)
		d.name = b[URL].len > 0 ? b[URL].data : NULL;
	(void)snprintf(title, sizeof(title), "%.*s",
	    (int)utf8_cut(b[QUESTION].data, strcspn(b[QUESTION].data, "\r\n"),
	    LEARN_TITLE), b[QUESTION].data);
	if (d.name == NULL && solved)
		d.name = title;
	if (d.name == NULL)
		return "it needs a name";
	if ((why = learn_name_fault(d.name)) != NULL)
		return why;
	learn_see(l, d.name);
	d.question = b[QUESTION].data;
	d.question_len = utf8_cut(b[QUESTION].data, b[QUESTION].len,
	    LEARN_QUESTION);
	d.url = link_is_good(b[URL].data, b[URL].len) ? b[URL].data : "";
	d.cut = &c;
	if (cut(CUT_MARKDOWN, b[body].data, b[body].len, b[TITLE].len > 0 ?
	    b[TITLE].data : solved ? title : "", d.name, &c) == -1)
		why = learn_why();
	else
		learn_take(l, &d);
	cut_free(&c);
	return why;
}

static void
learn_line(struct learn *l, const char *line, size_t len, const char *where)
{
	struct json	j = { 0 };
	struct buf	b[MEMBERS];
	const char	*why = NULL;
	size_t		i;

	for (i = 0; i < MEMBERS; i++)
		b[i] = (struct buf)BUF_INIT(LEARN_FILE);
	if (json_parse(&j, line, len, 8, LEARN_TOKENS) == -1 ||
	    json_type(&j, 0) != JSON_OBJECT)
		why = "it is not a JSON object in UTF-8";
	for (i = 0; i < MEMBERS && why == NULL; i++) {
		if (!learn_member(&j, learn_members[i], &b[i]))
			why = learn_members[i];
	}
	if (why == NULL)
		why = learn_json(l, b);
	else if (i > 0)
		why = "name, title, url, text, question and answer must be "
		    "texts, each at most once";
	if (why != NULL)
		learn_refuse(l, where, "%s", why);
	json_free(&j);
	for (i = 0; i < MEMBERS; i++)
		buf_free(&b[i]);
}

/* Reads a line of at most LEARN_FILE bytes.  Returns its length, which is more
   if the rest was skipped; 0 at the end. */
static size_t
learn_next(char *line)
{
	size_t	len = 0;
	int	c;

	while ((c = getc_unlocked(stdin)) != EOF) {
		if (len < LEARN_FILE)
			line[len] = (char)c;
		if (len <= LEARN_FILE)
			len++;
		if (c == '\n')
			break;
	}
	return len;
}

/* Learns JSON lines from standard input. */
static void
learn_lines(struct learn *l)
{
	char	*line, where[40];
	size_t	 len;
	int64_t	 number = 0;

	if ((line = malloc(LEARN_FILE)) == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	while ((len = learn_next(line)) > 0) {
		number++;
		(void)snprintf(where, sizeof(where), "line %" PRId64, number);
		if (len > LEARN_FILE)
			learn_refuse(l, where, "it is longer than 1 MB");
		else if (!utf8_blank(line, len))
			learn_line(l, line, len, where);
	}
	if (ferror(stdin))
		program_fail(EXIT_SYSTEM, "standard input: %s",
		    strerror(errno));
	free(line);
}

static int
learn_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts the names, and tells which ones several lines have. */
static void
learn_sort_seen(struct learn *l)
{
	size_t	i, same;

	if (l->seen_count > 0)
		qsort(l->seen, l->seen_count, sizeof(*l->seen),
		    learn_compare);
	for (i = 0; i < l->seen_count; i += same) {
		for (same = 1; i + same < l->seen_count &&
		    strcmp(l->seen[i], l->seen[i + same]) == 0; same++)
			;
		if (same == 1)
			continue;
		progress_end();
		(void)fprintf(stderr, "sessions: warning: %zu lines have the "
		    "name %s: only the last one counts\n", same, l->seen[i]);
	}
}

static bool
learn_was_seen(void *context, const char *name, size_t len)
{
	const struct learn	*l = context;
	char			 text[LEARN_NAME + 1];
	const char		*key = text;

	(void)snprintf(text, sizeof(text), "%.*s", (int)len, name);
	return l->seen_count > 0 && bsearch(&key, l->seen, l->seen_count,
	    sizeof(*l->seen), learn_compare) != NULL;
}

static void
learn_forget_seen(struct learn *l)
{
	while (l->seen_count > 0)
		free(l->seen[--l->seen_count]);
}

/* A file or folder to learn: its absolute path, and the name of its notes. */
struct learn_path {
	char		*path;		/* "-": standard input */
	const char	*name;
	bool		 folder;
};

/* Looks at an argument before anything is learnt. */
static void
learn_resolve(const char *argument, struct learn_path *p)
{
	struct stat	st;
	const char	*slash;

	p->folder = false;
	if (strcmp(argument, "-") == 0) {
		p->path = strdup(argument);
	} else if ((p->path = realpath(argument, NULL)) == NULL ||
	    stat(p->path, &st) == -1) {
		program_fail(EXIT_CLIENT, "%s: %s", argument,
		    strerror(errno));
	} else {
		p->folder = S_ISDIR(st.st_mode);
		if (!p->folder && learn_kind(p->path) == -1)
			program_fail(EXIT_CLIENT, "%s: its name does not end "
			    "in .md, .txt or .html", argument);
	}
	if (p->path == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	slash = strrchr(p->path, '/');
	p->name = slash == NULL || slash[1] == '\0' ? p->path : slash + 1;
}

static bool
learn_copy_path(void *context, const struct cell *c, int cells)
{
	(void)cells;
	(void)snprintf(context, PATH_MAX, "%.*s", (int)c[0].len,
	    c[0].text == NULL ? "" : c[0].text);
	return true;
}

static void __attribute__((noreturn))
learn_refuse_name(const char *name, const char *path, const char *other)
{
	program_fail(EXIT_CLIENT, "%s and %s have one name, %s, so that notes "
	    "of the one would replace notes of the other: rename one of them",
	    other, path, name);
}

/*
 * The name of a path must not be that of another one, whose notes would be
 * replaced.  If the other one is gone, it was moved: its notes are this one's.
 */
static void
learn_claim_name(struct learn *l, const struct learn_path *p)
{
	const struct store_text	name = { p->name, strlen(p->name) };
	const struct store_text	path = { p->path, strlen(p->path) };
	struct store_text	from;
	enum failure_code	rc;
	struct stat		st;
	char			other[PATH_MAX] = "", before[PATH_MAX] = "";

	if (strcmp(p->path, "-") == 0)
		return;
	for (;;) {
		*other = '\0';
		learn_need(l, store_source_beside(l->store, name, path,
		    learn_copy_path, other));
		if (*other == '\0' || strcmp(other, before) == 0)
			return;
		if (lstat(other, &st) == 0 || (errno != ENOENT &&
		    errno != ENOTDIR))
			learn_refuse_name(p->name, p->path, other);
		(void)fprintf(stderr, "sessions: %s is gone: its notes are "
		    "those of %s now\n", other, p->path);
		from = (struct store_text){ other, strlen(other) };
		if ((rc = store_learn_begin(l->store)) == FAILURE_NONE)
			rc = store_learn_end(l->store, store_source_move(
			    l->store, from, path));
		learn_need(l, rc);
		(void)snprintf(before, sizeof(before), "%s", other);
	}
}

/* Looks at all arguments, and refuses those of which one would replace notes of
   another. */
static struct learn_path *
learn_resolve_all(struct learn *l, char *arguments[], int count)
{
	struct learn_path	*p;
	int			 i, j;

	if ((p = calloc((size_t)count + 1, sizeof(*p))) == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	for (i = 0; i < count; i++) {
		learn_resolve(arguments[i], &p[i]);
		for (j = 0; j < i; j++) {
			if (strcmp(p[i].name, p[j].name) == 0 &&
			    strcmp(p[i].path, p[j].path) != 0)
				learn_refuse_name(p[i].name, p[i].path,
				    p[j].path);
		}
	}
	for (i = 0; i < count; i++)
		learn_claim_name(l, &p[i]);
	return p;
}

/* Learns one argument. */
static void
learn_argument(struct learn *l, const char *argument,
    const struct learn_path *p, bool prune)
{
	const int64_t	 bad = l->bad;

	l->source = p->path;
	if (strcmp(p->path, "-") == 0)
		learn_lines(l);
	else if (p->folder)
		learn_folder(l, p->path, p->name, 0);
	else
		learn_file(l, p->path, p->name);
	learn_sort_seen(l);
	if (prune && l->bad > bad) {
		(void)fprintf(stderr, "sessions: nothing was pruned, because "
		    "something could not be read\n");
	} else if (prune && l->seen_count == 0) {
		learn_refuse(l, argument, "no note was found: nothing was "
		    "pruned (sessions knowledge --delete removes one)");
	} else if (prune) {
		learn_need(l, learn_prune(l->learning, l->source,
		    learn_was_seen, l));
	}
	learn_forget_seen(l);
}

int
command_learn(const struct settings *s, int argc, char *argv[])
{
	bool				 prune = false, purge = false,
					 answers = false;
	const struct command_option	 options[] = {
		{ "prune", &prune, NULL, NULL },
		{ "purge", &purge, NULL, NULL },
		{ "answers", &answers, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	struct learn			 l = { .bad = 0 };
	struct learn_counts		 n;
	struct learn_path		*paths;
	int				 i, first;

	first = i = command_options(argc, argv, options, 0, argc);
	if (i == argc && !answers)
		program_fail(EXIT_USAGE, "learn: name a file, a folder, or - "
		    "for standard input (try sessions learn --help)");
	if (purge && !prune)
		program_fail(EXIT_USAGE, "learn: --purge goes with --prune");
	l.store = command_store(s);
	learn_need(&l, learn_begin(l.store, &l.learning));
	learn_tell(l.learning, learn_warn_moved, NULL);
	if (purge)
		learn_purge(l.learning);
	paths = learn_resolve_all(&l, argv + first, argc - first);
	for (; i < argc; i++)
		learn_argument(&l, argv[i], &paths[i - first], prune);
	if (answers)
		learn_need(&l, answers_learn_all(l.learning, l.store));
	learn_need(&l, learn_end(l.learning, &n));
	if (n.taken > 0)
		(void)fprintf(stderr, "sessions: warning: %" PRId64 " answers "
		    "were not learnt, because notes have their names "
		    "(\"Ticket\" and the number)\n", n.taken);
	if (n.removed > 0 || n.replaced > 0)
		learn_need(&l, learn_sweep(l.store, purge));
	if (n.passages >= LEARN_BATCH)
		learn_need(&l, store_index_merge(l.store));
	(void)printf("%" PRId64 " new, %" PRId64 " changed, %" PRId64
	    " unchanged, %" PRId64 " removed; %" PRId64 " passages read\n",
	    n.added, n.replaced, n.same, n.removed, n.passages);
	if (n.added + n.replaced > 0)
		spam_warn(s, l.store);
	progress_end();
	store_close(l.store);
	for (i = 0; i < argc - first; i++)
		free(paths[i].path);
	free(paths);
	free(l.seen);
	return l.bad > 0 ? EXIT_CLIENT : EXIT_GOOD;
}
