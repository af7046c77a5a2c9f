/*
 * Reports about the model's servers, for administrators.
 */
#ifndef SERVERS_H
#define SERVERS_H

#include "ollama/http.h"
#include "ollama/probe.h"
#include "settings/settings.h"

/* probe_model or probe_load. */
typedef void servers_probe(struct probe *, const struct settings *,
    const struct http *, const struct url *);

/* The probe for the command `check' or `load'; NULL for any other name. */
servers_probe *servers_command(const char *name);

/*
 * Probes every server in OLLAMA_SERVER and prints a line about each, as JSON
 * (see probe_read) or for people.  Returns the exit code: good if at least one
 * server is.
 */
int servers_report(const struct settings *, const struct http *,
    servers_probe *, bool json);

/*
 * Run beside the starting service: probes all servers in OLLAMA_SERVER at the
 * same time, prints a line about each as soon as it is known, and advice if
 * none is good.  Good servers load the model if OLLAMA_KEEP_ALIVE says how long
 * to keep it.  Ends with our parent.  Returns the exit code.
 */
int servers_start(const struct settings *, const struct http *);

#endif
