/*
 * The names that settings have in the environment: those that are wrong, those
 * that somebody else put there, and the bare ones of version 0.1.
 */
#ifndef SETTINGS_NAMES_H
#define SETTINGS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "settings/settings.h"

/*
 * Whether Kubernetes or Docker puts TICKETCHAT_<name> with this value into the
 * environment for a Service or container whose name begins with "ticketchat".
 * Such a variable is no setting.
 */
bool settings_injected(const char *name, size_t len, const char *value);

/*
 * Sets the error line about TICKETCHAT_... (up to a `=', if there is one),
 * which is no setting, with the setting that may have been meant; returns -1.
 */
int settings_fail_name(struct settings *, const char *name);

/*
 * The setting whose key is written most alike; SETTING__MAX if none is.
 */
size_t settings_alike(const char *name, size_t len);

enum settings_bare {
	SETTINGS_BARE_DATA,	/* for whatever opens the database or RUN_DIR */
	SETTINGS_BARE_SERVICE	/* for the start of the service */
};

/*
 * Looks for bare names in the environment, which counted in 0.1, where they
 * would now lead astray: those of the database, of RUN_DIR and, for the
 * service, of whatever says who gets in.  One that is not empty and differs
 * from the effective value is refused: -1 with `error' set, else 0.
 */
int settings_refuse_bare(struct settings *, enum settings_bare);

/*
 * The other bare names, with a blank between two, that have a good value
 * which differs from the effective one; "" if there are none.
 */
const char *settings_bare_names(const struct settings *, char *to,
    size_t size);

#endif
