/*
 * sessions doctor: runs other people's programs with a sample, and reads the
 * synonyms.
 */
#include <stdio.h>
#include <string.h>

#include "generation/generation.h"
#include "hook/hook.h"
#include "knowledge/printed.h"
#include "knowledge/synonyms.h"
#include "sessions/doctor.h"

static const char	sample[] =
    "Ticket 1: the printer in room 204 shows error 0x61.\n";

/* Whether a program can be executed, as the start examines it; otherwise the
   finding is told. */
static bool
doctor_hooks_can(struct doctor *d, enum setting program)
{
	char	why[512];

	if (hook_examine(d->settings, program, why, sizeof(why)) == 0)
		return true;
	doctor_tell(d, DOCTOR_ERROR, settings_key(program), "%s: %s, so that "
	    "the service does not start", d->settings->text[program], why);
	return false;
}

/*
 * Runs a program.  Returns whether it ended well; otherwise the finding is
 * told.
 */
static bool
doctor_hooks_run(struct doctor *d, struct hook *h, enum setting program,
    size_t most)
{
	const struct hook_call	call = {
		.settings = d->settings, .program = program, .part = "ticket",
		.text = sample, .len = sizeof(sample) - 1,
		.most = most,
		.seconds = HOOK_SECONDS
	};

	if (!doctor_hooks_can(d, program))
		return false;
	(void)generation_prepare(d->settings->text[SETTING_RUN_DIR]);
	if (hook_run(h, &call) == HOOK_ENDED)
		return true;
	doctor_tell(d, DOCTOR_ERROR, settings_key(program), "%s: %s%s%s%s\n"
	    "Run it at a shell as the service's user, with a text on its "
	    "standard input", d->settings->text[program], h->why, *h->said ==
	    '\0' ? "" : "; it says \"", h->said, *h->said == '\0' ? "" : "\"");
	return false;
}

void
doctor_filter(struct doctor *d)
{
	const char	*program = d->settings->text[SETTING_TICKET_FILTER];
	const char	*wrong;
	struct hook	 h = HOOK_INIT;

	if (*program == '\0')
		return;
	if (doctor_hooks_run(d, &h, SETTING_TICKET_FILTER,
	    settings_ticket_max(d->settings))) {
		if ((wrong = hook_wrong_text(&h.out)) != NULL)
			doctor_tell(d, DOCTOR_ERROR, "TICKET_FILTER", "%s: of "
			    "a sample %s, so that questions end with "
			    "filter_failed\nLet it print the text for the "
			    "model", program, wrong);
		else
			doctor_tell(d, DOCTOR_OK, "TICKET_FILTER", "%s made a "
			    "sample's %zu bytes to %zu", program,
			    sizeof(sample) - 1, h.out.len);
	}
	hook_close(&h);
}

void
doctor_knowledge_command(struct doctor *d)
{
	const char	*program = d->settings->text[SETTING_KNOWLEDGE_COMMAND];
	char		 why[160];
	struct notes	 notes = { .count = 0 };
	struct hook	 h = HOOK_INIT;

	if (*program == '\0')
		return;
	if (doctor_hooks_run(d, &h, SETTING_KNOWLEDGE_COMMAND,
	    HOOK_NOTES_MAX)) {
		if (printed_notes(&notes, h.out.data == NULL ? "" : h.out.data,
		    h.out.len, NOTES_MAX, why, sizeof(why)) == -1)
			doctor_tell(d, DOCTOR_ERROR, "KNOWLEDGE_COMMAND", "%s: "
			    "%s, so that answers are written without notes\n"
			    "Let it print lines as `sessions similar --json' "
			    "does", program, why);
		else
			doctor_tell(d, DOCTOR_OK, "KNOWLEDGE_COMMAND", "%s "
			    "found %zu notes for a sample", program,
			    notes.count);
	}
	notes_free(&notes);
	hook_close(&h);
}

/* It is not run, because it would tell others of an answer that is none. */
void
doctor_done_command(struct doctor *d)
{
	const char	*program = d->settings->text[SETTING_DONE_COMMAND];

	if (*program != '\0' && doctor_hooks_can(d, SETTING_DONE_COMMAND))
		doctor_tell(d, DOCTOR_OK, "DONE_COMMAND", "%s can be executed",
		    program);
}

void
doctor_synonyms(struct doctor *d)
{
	const char	*path = d->settings->text[SETTING_KNOWLEDGE_SYNONYMS];
	const char	*why = NULL;

	synonyms_free(synonyms_read(path, &why));
	if (why != NULL)
		doctor_tell(d, DOCTOR_ERROR, "KNOWLEDGE_SYNONYMS", "%s: %s, "
		    "so that the service does not start", path, why);
}
