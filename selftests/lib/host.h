/* SPDX-License-Identifier: GPL-2.0-only */
/* What kind of kernel the tests run on, where that decides how much of a test is done. */
#ifndef LINTEL_SELFTESTS_HOST_H
#define LINTEL_SELFTESTS_HOST_H

#include <stdbool.h>

/* Sanitizers make the host's kernel some ten times slower; freed memory stays away for a while. */
bool host_has_sanitizers(void);

/* How often something is repeated: `usual`, or `few` with sanitizers, which a note says. */
unsigned int host_repetitions(unsigned int usual, unsigned int few, const char *of_what);

#endif
