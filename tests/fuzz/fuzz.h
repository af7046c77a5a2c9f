/*
 * What the fuzzers share.  libFuzzer calls the function below with generated
 * bytes; a broken rule aborts.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts if something does not hold. */
#define must(what)	do { if (!(what)) abort(); } while (0)

#endif
