// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module is loaded and unloaded again and again, makes a VM each time, and leaves nothing
 * behind. Needs root and the .ko file (LINTEL_MODULE); without them the test is skipped.
 *
 * A program of its own, since one load takes two seconds on a kernel that looks the name of each
 * function up for ftrace, one after the other in the module's list of them.
 */
#include "host.h"
#include "memory.h"
#include "module.h"
#include "vm.h"

#define WARM_UP	3	/* reloads that fill caches */
#define SERIES	8

static void reload_many(int reloads)
{
	/* a hold on KVM that lingers is memory that goes later, while it is measured */
	const char *args = strcmp(module_name(), "lintel") ? "" : "kvm_linger_ms=0";

	for (int i = 0; i < reloads; i++) {
		ktap_row("round %d", i);
		REQUIRE(module_references_settle(0, 2000), "references: %d",
			module_references(module_name()));
		REQUIRE(module_unload(module_name()) == 0, "%m");
		REQUIRE(module_load(module_file(), args) == 0, "loading %s: %m", module_file());
		module_works();
	}
}

TEST_SLOW(many_reloads, 6)
{
	module_needed();
	reload_many(WARM_UP);
	check_memory_is_kept(reload_many, host_repetitions(10, 4, "reloads"), SERIES);
}
