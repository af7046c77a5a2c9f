/*
 * What an administrator is told about the model's servers.
 */
#ifndef SERVERS_H
#define SERVERS_H

#include "http.h"
#include "probe.h"
#include "settings.h"

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

#endif
