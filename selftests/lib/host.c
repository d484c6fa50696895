// SPDX-License-Identifier: GPL-2.0-only
/*
 * See host.h. A kernel with KMEMLEAK is one of the test machine's debug kernels, which have KASAN,
 * lockdep and more; LINTEL_SANITIZERS=0 or 1 (environment) says otherwise.
 */
#include "host.h"

#include <stdlib.h>
#include <unistd.h>

#include "ktap.h"

bool host_has_sanitizers(void)
{
	const char *said = getenv("LINTEL_SANITIZERS");

	return said ? *said == '1' : !access("/sys/kernel/debug/kmemleak", F_OK);
}

unsigned int host_repetitions(unsigned int usual, unsigned int few, const char *of_what)
{
	if (!host_has_sanitizers())
		return usual;
	ktap_note("a kernel with sanitizers: %u %s, not %u", few, of_what, usual);
	return few;
}

__u64 host_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000UL + t.tv_nsec;
}
