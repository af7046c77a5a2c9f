/*
 * What an administrator is told about the model's servers.
 */
#ifndef SERVERS_H
#define SERVERS_H

#include "ollama/http.h"
#include "ollama/probe.h"
#include "settings/settings.h"

/* probe_model or probe_load. */
typedef void servers_probe(struct probe *, const struct settings *,
    const struct http *, const struct url *);

/* The one that `answer check' or `answer load' means; NULL: neither. */
servers_probe *servers_command(const char *name);

/*
 * Probes every server of OLLAMA_SERVER and prints a line for each, as JSON for
 * probe_read or for people.  Returns the exit code: good if one of them is.
 */
int servers_tell(const struct settings *, const struct http *, servers_probe *,
    bool json);

/*
 * For the start of the service, beside it: probes all servers of OLLAMA_SERVER
 * at once and prints a line for each when it is known, and what helps where
 * none of them is good.  Those that are good load the model, where
 * OLLAMA_KEEP_ALIVE says for how long it stays.  Ends with our parent.  Returns
 * the exit code.
 */
int servers_start(const struct settings *, const struct http *);

#endif
