// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which parts of lintel.ko have run: a module of its own, for a lintel.ko that was built with
 * `testbed/module KERNEL --coverage`. No other build has to do with it.
 *
 * The compiler puts a call of __sanitizer_cov_trace_pc() into every basic block. It comes from
 * every context, with interrupts off and in the midst of a VM exit, so it only sets one byte in a
 * map by address; the first call says around which. /sys/kernel/debug/lintel_coverage lists the
 * addresses behind the calls that were made; fuzz/coverage/report knows, from the object file,
 * all the calls that there are.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/vmalloc.h>

#define MAP_BYTES	(8UL << 20)	/* of text, half of it on each side of the first call */

static u8 *map;
static unsigned long map_base;
static struct dentry *file;

void __sanitizer_cov_trace_pc(void);

notrace void __sanitizer_cov_trace_pc(void)
{
	unsigned long at = (unsigned long)__builtin_return_address(0);

	if (unlikely(!READ_ONCE(map_base)))
		cmpxchg(&map_base, 0, at - MAP_BYTES / 2);
	at -= READ_ONCE(map_base);
	if (at < MAP_BYTES)
		map[at] = 1;
}
EXPORT_SYMBOL_GPL(__sanitizer_cov_trace_pc);

static int coverage_show(struct seq_file *seq, void *unused)
{
	unsigned long at;

	for (at = 0; at < MAP_BYTES; at++)
		if (map[at])
			seq_printf(seq, "%lx\n", map_base + at);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(coverage);

static int __init coverage_init(void)
{
	map = vzalloc(MAP_BYTES);
	if (!map)
		return -ENOMEM;
	file = debugfs_create_file("lintel_coverage", 0400, NULL, NULL, &coverage_fops);
	return 0;
}

static void __exit coverage_exit(void)
{
	debugfs_remove(file);
	vfree(map);
}

module_init(coverage_init);
module_exit(coverage_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Which basic blocks of lintel.ko have run");
