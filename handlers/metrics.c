/*
 * What Prometheus scrapes: see metrics.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/limit.h"
#include "base/url.h"
#include "base/utf8.h"
#include "metrics.h"
#include "sessions/aging.h"
#include "store/slots.h"
#include "store/store.h"

/*
 * A metric family.  Counts of saved answers are gauges: they shrink when
 * answers are deleted.
 */
static const struct family {
	const char	*name;
	const char	*type;
	const char	*help;
	const char	*label;
} families[] = {
	{ "build_info", "gauge", "The version, in a label.", "version" },
	{ "tickets", "gauge", "Tickets in the database.", NULL },
	{ "sessions_started_total", "counter",
	    "Sessions since the database was created, including deleted ones.",
	    NULL }, { "sessions_unanswered", "gauge",
	    "Sessions without an answer: still running, or ended by an error.",
	    NULL },
	{ "answers", "gauge",
	    "Saved answers; those without a model were imported.",
	    "model" },
	{ "prompt_tokens", "gauge", "Prompt tokens of the saved answers.",
	    "model" },
	{ "answer_tokens", "gauge", "Tokens of the saved answers.", "model" },
	{ "first_token_seconds", "histogram",
	    "Time to the first token of the saved answers.", "le" },
	{ "newest_answer_timestamp_seconds", "gauge",
	    "When the newest answer was saved; 0 if there is none.", NULL },
	{ "schema_version", "gauge", "Version of the database's tables.",
	    NULL },
	{ "database_bytes", "gauge", "Size of the database.", NULL },
	{ "wal_bytes", "gauge", "Size of the database's write-ahead log.",
	    NULL },
	{ "disk_free_bytes", "gauge", "Free space on the disk of the database.",
	    NULL },
	{ "newest_backup_timestamp_seconds", "gauge",
	    "When the newest nightly copy was made; 0 if there is none.",
	    NULL }, { "tls_certificate_end_timestamp_seconds", "gauge",
	    "When the certificate in TLS_CERT expires.", NULL },
	{ "generations_max", "gauge", "Slots of all servers.", NULL },
	{ "generations_running", "gauge", "Generations that have a slot.",
	    NULL },
	{ "queue_length", "gauge", "Generations that wait for a slot.", NULL },
};

/* A page being written. */
struct metrics {
	FILE			*page;
	const struct family	*last;	/* of the last sample */
	bool			 failed;	/* no memory */
};

/*
 * Adds a sample.  The first sample of a family is preceded by its description.
 */
static void
metrics_sample(struct metrics *m, const char *name, const char *suffix,
    const struct cell *label, const char *value)
{
	const struct family	*f = families;
	struct buf		 b = BUF_INIT(OUTPUT_MAX);
	size_t			 i;

	while (strcmp(f->name, name) != 0)
		f++;	/* every name is in our table or in sql/reports.sql */
	if (f != m->last)
		(void)fprintf(m->page, "# HELP ticketchat_%s %s\n"
		    "# TYPE ticketchat_%s %s\n", name, f->help, name, f->type);
	m->last = f;
	(void)fprintf(m->page, "ticketchat_%s%s", name, suffix);
	if (label->text != NULL) {
		(void)fprintf(m->page, "{%s=\"", f->label);
		if (utf8_tame(label->text, label->len, true, &b) == -1)
			m->failed = true;
		for (i = 0; i < b.len; i++) {
			if (b.data[i] == '"' || b.data[i] == '\\')
				(void)fputc('\\', m->page);
			(void)fputc(b.data[i], m->page);
		}
		(void)fprintf(m->page, "\"}");
	}
	(void)fprintf(m->page, " %s\n", value);
	buf_free(&b);
}

static bool
metrics_row(void *context, const struct cell *c, int cells)
{
	(void)cells;
	metrics_sample(context, c[0].text, c[1].text, &c[2], c[3].text);
	return true;
}

static void
metrics_number(struct metrics *m, const char *name, int64_t value)
{
	const struct cell	none = { NULL, NULL, 0, false };
	char			text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	metrics_sample(m, name, "", &none, text);
}

/* The size of a file in bytes; 0 if it does not exist. */
static int64_t
metrics_file_size(const char *path, const char *suffix)
{
	char		whole[PATH_MAX];
	struct stat	st;

	(void)snprintf(whole, sizeof(whole), "%s%s", path, suffix);
	return stat(whole, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* Adds the ages that alerts watch: see aging.h. */
static void
metrics_aging(struct metrics *m, const struct settings *s)
{
	char		folder[PATH_MAX + 16], error[512];
	struct statvfs	fs;
	int64_t		when;

	if (store_is_file() && statvfs(s->text[SETTING_DATABASE], &fs) == 0)
		metrics_number(m, "disk_free_bytes",
		    (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize));
	if ((when = aging_copy(s, folder, sizeof(folder))) != -1)
		metrics_number(m, "newest_backup_timestamp_seconds", when);
	if (*s->text[SETTING_TLS_CERT] != '\0' && (when = aging_certificate(s,
	    error, sizeof(error))) != -1)
		metrics_number(m, "tls_certificate_end_timestamp_seconds",
		    when);
}

enum failure_code
metrics_write(const struct settings *s, FILE *page, char *why, size_t size)
{
	const struct cell	 version = { NULL, VERSION,
				    sizeof(VERSION) - 1, false };
	const char		*path = s->text[SETTING_DATABASE];
	struct metrics		 all = { page, NULL, false }, *m = &all;
	struct store		*store;
	enum failure_code	 rc;
	int			 running, waiting;

	metrics_sample(m, "build_info", "", &version, "1");
	rc = store_open(&store, path);
	/* On a full disk the metrics matter most, and whoever may only read
	   the database gets them, too. */
	if (rc == FAILURE_NONE)
		(void)store_totals_make(store);
	if (rc == FAILURE_NONE)
		rc = store_report(store, STORE_METRICS, 0, INT64_MAX,
		    metrics_row, m);
	if (rc != FAILURE_NONE)
		(void)snprintf(why, size, "%s", store_error(store));
	store_close(store);
	/* Where the database is a server, the counts are in it, too. */
	if (rc == FAILURE_NONE &&
	    slots_counts(s, &running, &waiting, why, size) == -1)
		rc = FAILURE_INTERNAL;
	if (rc != FAILURE_NONE)
		return rc;
	if (store_is_file()) {
		metrics_number(m, "database_bytes", metrics_file_size(path,
		    ""));
		metrics_number(m, "wal_bytes", metrics_file_size(path,
		    "-wal"));
	}
	metrics_aging(m, s);
	metrics_number(m, "generations_max", s->number[SETTING_GENERATIONS] *
	    url_weights(s->text[SETTING_OLLAMA_SERVER]));
	metrics_number(m, "generations_running", running);
	metrics_number(m, "queue_length", waiting);
	if (!m->failed && fflush(page) == 0)
		return FAILURE_NONE;
	(void)snprintf(why, size, "%s", strerror(errno));
	return FAILURE_INTERNAL;
}
