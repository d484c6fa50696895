// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host states and MSR areas that break no rule and that the host does not survive.  Each takes a
 * boot of its own, which it ends: the last line before that says what is about to be loaded.
 */
#include "risky.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "edit.h"

static const struct {
	const char *name;
	struct row row;
} rows[] = {
	{ "cr3", HOLDS(TOP(host_cr3, 0)) },
	{ "rip", HOLDS(SET(host_rip, 0x00007ffffffff000ULL)) },
	{ "rip-high", HOLDS(SET(host_rip, 0xffff800000000000ULL)) },
	{ "exit-store-end", HOLDS(SET(exit_msr_store_count, 1), TOP(exit_msr_store_addr, 0xff0)) },
	{ "exit-load-end", HOLDS(SET(exit_msr_load_count, 1), TOP(exit_msr_load_addr, 0xff0)) },
	{ "exit-load-entry", HOLDS(SET(exit_msr_load_count, 2),
				   PAGE(exit_msr_load_addr, PAGE_BAD_MSRS, 0)) },
};

int risky_row(struct machine *m, const char *name, struct attempt *a)
{
	struct vmcs_fields *f = &a->wanted;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].name, name))
			continue;
		pr_warn("entrycheck: about to enter: %s\n", name);
		machine_begin(m);
		*f = m->sound;
		edit_apply(m, f, &rows[i].row);
		machine_try(m, f, a, true);
		machine_end(m);
		return 0;
	}
	return -EINVAL;
}
