/*
 * The checks of `sessions doctor'.  Each prints its findings.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>

#include "settings/settings.h"
#include "store/store.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_ERROR };

struct doctor {
	const struct settings	*settings;
	bool			 quick;		/* skip checks that read all
						   data */
	bool			 json;
	enum doctor_level	 worst;		/* the worst level so far */
};

/*
 * Prints a finding about `what': what was found and, after a line feed, what
 * helps.  A warning is for what should be fixed, an error for what keeps the
 * service from working.
 */
void doctor_tell(struct doctor *, enum doctor_level, const char *what,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* doctor_data.c: the database, its disk, the log. */
void doctor_database(struct doctor *);
void doctor_disk(struct doctor *);
void doctor_log(struct doctor *);

/* The name of the network file system on which a path lies, where neither
   SQLite's nor our locks are safe; NULL: none. */
const char *doctor_network(const char *path);

/* doctor_run.c: RUN_DIR and the files in it. */
void doctor_run_dir(struct doctor *);
void doctor_sockets(struct doctor *);

/* doctor_settings.c: who can connect, the files with keys, and valid settings
   that are probably not intended. */
void doctor_address(struct doctor *);
void doctor_auth(struct doctor *);
void doctor_files(struct doctor *);
void doctor_settings(struct doctor *);

/* doctor_hooks.c: other people's programs, each with a sample but for
   DONE_COMMAND, and the synonyms. */
void doctor_filter(struct doctor *);
void doctor_knowledge_command(struct doctor *);
void doctor_done_command(struct doctor *);
void doctor_synonyms(struct doctor *);

/* doctor_host.c: the model, websocketd, the machine. */
void doctor_model(struct doctor *);
void doctor_libcurl(struct doctor *);
void doctor_websocketd(struct doctor *);
void doctor_web(struct doctor *);
void doctor_limits(struct doctor *);
void doctor_landlock(struct doctor *);
void doctor_places(struct doctor *);

/* doctor_age.c: what grows old, and the clock. */
void doctor_copies(struct doctor *);
void doctor_certificate(struct doctor *);
void doctor_clock(struct doctor *);

#endif
