// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading the module with a fault at each place where the module's own start can have one: the
 * last of those that a load has, the others being the kernel's loader's. It loads all the same or
 * it does not, with an errno; then it loads, and runs a guest. Needs the debug kernel, root and
 * the module's file. LINTEL_PLACES (environment): how many of the last places, default 60.
 */
#include "fault.h"
#include "module.h"
#include "vm.h"

#define MANY_SITES	16384
#define COUNTED_LOADS	4

static void unload(void)
{
	REQUIRE(module_references_settle(0, 2000) && !module_unload(module_name()), "unload: %m");
}

/* Whether there was an n-th place. */
static bool fault_at(unsigned int n, unsigned int *failed)
{
	int ret, err;
	bool hit;

	ktap_row("fault %u", n);
	fault_arm(n);
	ret = module_load(module_file(), "");
	err = errno;
	hit = fault_disarm();
	if (ret) {
		(*failed)++;
		CHECK(hit, "not loaded, errno %d, without a fault", err);
		CHECK(!module_loaded(module_name()), "errno %d, and there all the same", err);
		module_reload();
	}
	/* each guest takes longer than the load */
	if (!(n % 16) || !hit)
		module_works();
	unload();
	return hit;
}

/* How many places a load has; no two loads need have the same. */
static unsigned int count_places(void)
{
	unsigned int places;

	fault_arm(MANY_SITES);
	module_reload();
	places = fault_sites(MANY_SITES);
	unload();
	return places;
}

TEST_SLOW(the_last_places, 30)
{
	const char *text = getenv("LINTEL_PLACES");
	unsigned int last = text ? strtoul(text, NULL, 10) : 60;
	unsigned int least = MANY_SITES, most = 0, hits = 0, failed = 0, n;

	fault_prepare();
	module_needed();
	unload();
	for (int i = 0; i < COUNTED_LOADS; i++) {
		n = count_places();
		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	/* above a load's last place there is no fault; that one is not counted */
	for (n = most; n && hits < last && !ktap_timed_out(); n--)
		hits += fault_at(n, &failed);
	/* what a load can do without, debugfs above all, keeps it from nothing */
	ktap_note("%u to %u places; at %u to %u there were %u faults, and %u kept the module out",
		  least, most, n + 1, most, hits, failed);
	CHECK_EQ(hits, last);
	CHECK(least - n <= 2 * last, "the places differ too much for the last ones to be meant");
	CHECK(failed, "no fault kept the module out");
	module_reload();
	module_works();
}
