/*
 * What the fuzzers share: libFuzzer calls the function below with bytes that
 * it made up; a broken promise is an abort.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says that something must hold. */
#define must(what)	do { if (!(what)) abort(); } while (0)

#endif
