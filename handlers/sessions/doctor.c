/*
 * sessions doctor: a line for each finding, and an exit code for monitoring.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limit.h"
#include "json/jsonw.h"
#include "program.h"
#include "sessions/command.h"
#include "sessions/doctor.h"
#include "sessions/print.h"

static const char *const	levels[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_ERROR] = "error",
};

/* In the order in which a person would look.  All need valid settings. */
static void (*const		of_settings[])(struct doctor *) = {
	doctor_database, doctor_disk, doctor_copies, doctor_run_dir,
	doctor_sockets, doctor_log, doctor_model, doctor_libcurl,
	doctor_address, doctor_auth, doctor_files, doctor_certificate,
	doctor_web, doctor_limits, doctor_settings, doctor_filter,
	doctor_knowledge_command, doctor_done_command, doctor_synonyms,
};
static void (*const		of_machine[])(struct doctor *) = {
	doctor_websocketd, doctor_landlock, doctor_places, doctor_clock,
};

static void
doctor_tell_json(enum doctor_level level, const char *what, const char *finding,
    const char *remedy)
{
	struct buf	b = BUF_INIT(OUTPUT_PENDING);
	struct jsonw	w;

	jsonw_begin(&w, &b);
	jsonw_object(&w, NULL);
	jsonw_text(&w, "level", levels[level]);
	jsonw_text(&w, "check", what);
	jsonw_text(&w, "finding", finding);
	if (remedy == NULL)
		jsonw_trusted(&w, "remedy", "null");
	else
		jsonw_text(&w, "remedy", remedy);
	if (jsonw_end(&w, true) == -1)
		program_fail(EXIT_SYSTEM, "%s", strerror(errno));
	(void)fputs(b.data, stdout);
	buf_free(&b);
}

void
doctor_tell(struct doctor *d, enum doctor_level level, const char *what,
    const char *format, ...)
{
	struct buf	 b = BUF_INIT(OUTPUT_PENDING);
	char		 text[2 * SETTING_MAX], *remedy;
	va_list		 ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if ((remedy = strchr(text, '\n')) != NULL)
		*remedy++ = '\0';
	if (level > d->worst)
		d->worst = level;
	if (d->json) {
		doctor_tell_json(level, what, text, remedy);
	} else {
		print_tame(text, strlen(text), true, &b);
		if (remedy != NULL && buf_puts(&b, ". ") == 0)
			print_tame(remedy, strlen(remedy), true, &b);
		(void)printf("%-7s  %s: %s.\n", levels[level], what, b.data);
		buf_free(&b);
	}
	command_flush();	/* the next check may take long */
}

int
command_doctor(const struct settings *s, int argc, char *argv[])
{
	struct doctor			 d = { .settings = s };
	const struct command_option	 options[] = {
		{ "json", &d.json, NULL, NULL },
		{ "quick", &d.quick, NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	size_t				 i;

	(void)command_options(argc, argv, options, 0, 0);
	if (s->error[0] != '\0')
		doctor_tell(&d, DOCTOR_ERROR, "settings", "%s\nCorrect them; "
		    "the checks that depend on them were skipped", s->error);
	else
		doctor_tell(&d, DOCTOR_OK, "settings", "all valid");
	for (i = 0; i < sizeof(of_settings) / sizeof(of_settings[0]) &&
	    s->error[0] == '\0'; i++)
		of_settings[i](&d);
	for (i = 0; i < sizeof(of_machine) / sizeof(of_machine[0]); i++)
		of_machine[i](&d);
	return (int)d.worst;
}
