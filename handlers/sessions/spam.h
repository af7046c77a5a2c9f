/*
 * Notes that fit everything, such as a list of words: they would stand in many
 * prompts, in the place of the right notes.
 */
#ifndef SPAM_H
#define SPAM_H

#include "settings/settings.h"
#include "store/store.h"

/*
 * Looks up the titles of some notes, and warns about each note that is among
 * the first four for more than 15 % of the others.
 */
void spam_warn(const struct settings *, struct store *);

#endif
