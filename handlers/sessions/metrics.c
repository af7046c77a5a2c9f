/*
 * sessions metrics: what Prometheus scrapes, in its text format.
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
#include "program.h"
#include "sessions/aging.h"
#include "sessions/command.h"
#include "sessions/print.h"
#include "store/slots.h"

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

static FILE	*page;	/* in memory; printed when complete */

/*
 * Adds a sample.  The first sample of a family is preceded by its description.
 */
static void
metrics_sample(const char *name, const char *suffix, const struct cell *label,
    const char *value)
{
	static const struct family	*last;
	const struct family		*f = families;
	struct buf			 b = BUF_INIT(OUTPUT_MAX);
	size_t				 i;

	while (strcmp(f->name, name) != 0)
		f++;	/* every name is in our table or in sql/reports.sql */
	if (f != last)
		(void)fprintf(page, "# HELP ticketchat_%s %s\n"
		    "# TYPE ticketchat_%s %s\n", name, f->help, name, f->type);
	last = f;
	(void)fprintf(page, "ticketchat_%s%s", name, suffix);
	if (label->text != NULL) {
		(void)fprintf(page, "{%s=\"", f->label);
		print_tame(label->text, label->len, true, &b);
		for (i = 0; i < b.len; i++) {
			if (b.data[i] == '"' || b.data[i] == '\\')
				(void)fputc('\\', page);
			(void)fputc(b.data[i], page);
		}
		(void)fprintf(page, "\"}");
	}
	(void)fprintf(page, " %s\n", value);
	buf_free(&b);
}

static bool
metrics_row(void *context, const struct cell *c, int cells)
{
	(void)context;
	(void)cells;
	metrics_sample(c[0].text, c[1].text, &c[2], c[3].text);
	return true;
}

static void
metrics_number(const char *name, int64_t value)
{
	const struct cell	none = { NULL, NULL, 0, false };
	char			text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	metrics_sample(name, "", &none, text);
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
metrics_aging(const struct settings *s)
{
	char		folder[PATH_MAX + 16], error[512];
	struct statvfs	fs;
	int64_t		when;

	if (store_is_file() && statvfs(s->text[SETTING_DATABASE], &fs) == 0)
		metrics_number("disk_free_bytes",
		    (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize));
	if ((when = aging_copy(s, folder, sizeof(folder))) != -1)
		metrics_number("newest_backup_timestamp_seconds", when);
	if (*s->text[SETTING_TLS_CERT] != '\0' && (when = aging_certificate(s,
	    error, sizeof(error))) != -1)
		metrics_number("tls_certificate_end_timestamp_seconds", when);
}

int
command_metrics(const struct settings *s, int argc, char *argv[])
{
	const struct command_option	 none[] = { { NULL, NULL, NULL,
					    NULL } };
	const struct cell		 version = { NULL, VERSION,
					    sizeof(VERSION) - 1, false };
	const char			*path = s->text[SETTING_DATABASE];
	struct store			*store;
	int				 running, waiting;
	char				*text = NULL, why[1024];
	size_t				 len = 0;

	(void)command_options(argc, argv, none, 0, 0);
	if ((page = open_memstream(&text, &len)) == NULL)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	store = command_store(s);
	if (slots_counts(s, &running, &waiting, why, sizeof(why)) == -1)
		program_fail(EXIT_SYSTEM, "%s", why);
	metrics_sample("build_info", "", &version, "1");
	command_need(store_report(store, STORE_METRICS, 0, INT64_MAX,
	    metrics_row, NULL), store);
	store_close(store);
	if (store_is_file()) {
		metrics_number("database_bytes", metrics_file_size(path, ""));
		metrics_number("wal_bytes", metrics_file_size(path, "-wal"));
	}
	metrics_aging(s);
	metrics_number("generations_max", s->number[SETTING_GENERATIONS] *
	    url_weights(s->text[SETTING_OLLAMA_SERVER]));
	metrics_number("generations_running", running);
	metrics_number("queue_length", waiting);
	if (fclose(page) == EOF)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	(void)fwrite(text, 1, len, stdout);
	free(text);
	return EXIT_GOOD;
}
