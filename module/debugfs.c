// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/lintel: what the recorder and the store of dead VMs have, as text, for root.
 *
 *	exits	for each living VM, vCPU and exit reason: how often, and the histogram of the host's
 *		time, as pairs "log2 of the ticks : exits"
 *	dead	the dead VMs; a write, of whatever, forgets them
 */
#include "debugfs.h"

#include <linux/debugfs.h>
#include <linux/lintel.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "flight.h"
#include "registry.h"
#include "stats.h"
#include "vm.h"

static struct dentry *directory;

static void show_reason(struct seq_file *m, const struct lintel_vcpu *vcpu, u32 reason)
{
	u64 exits = READ_ONCE(vcpu->stats.exits_by_reason[reason]), count;
	unsigned int buckets = LINTEL_LATENCY_BUCKETS, i;

	if (!exits)
		return;
	seq_printf(m, "  %-20s %12llu ", lintel_exit_reason_name(reason), exits);
	/* the recorder's last row is of several reasons */
	if (!lintel_flight_on() || reason >= LINTEL_LATENCY_REASONS - 1)
		buckets = 0;
	for (i = 0; i < buckets; i++) {
		count = lintel_flight_latency(vcpu, reason, i);
		if (count)
			seq_printf(m, " %u:%llu", i, count);
	}
	seq_putc(m, '\n');
}

static int show_vm(struct lintel_vm *vm, void *seq)
{
	struct lintel_vcpu *vcpu;
	struct seq_file *m = seq;
	unsigned int i, reason;

	for_each_vcpu(i, vcpu, vm) {
		seq_printf(m, "VM %llu vCPU %u exits %llu\n", vm->identity.number, vcpu->id,
			   READ_ONCE(vcpu->stats.exits));
		for (reason = 0; reason < LINTEL_NR_EXIT_REASONS; reason++)
			show_reason(m, vcpu, reason);
	}
	return 0;
}

static int exits_show(struct seq_file *m, void *unused)
{
	return lintel_registry_each(show_vm, m);
}
DEFINE_SHOW_ATTRIBUTE(exits);

static int dead_show(struct seq_file *m, void *unused)
{
	struct lintel_vm_info info = {};

	while (!lintel_registry_next(&info)) {
		if (info.flags & LINTEL_VM_DEAD)
			seq_printf(m, "VM %llu uid %u vcpus %u died %llu%s\n", info.vm, info.uid,
				   info.vcpus, info.died,
				   info.flags & LINTEL_VM_KILLED ? " killed" : "");
		info.flags = 0;
	}
	return 0;
}

static int dead_open(struct inode *inode, struct file *file)
{
	return single_open(file, dead_show, NULL);
}

static ssize_t dead_write(struct file *file, const char __user *text, size_t size, loff_t *pos)
{
	lintel_registry_clear();
	return size;
}

static const struct file_operations dead_fops = {
	.owner = THIS_MODULE,
	.open = dead_open,
	.read = seq_read,
	.write = dead_write,
	.llseek = seq_lseek,
	.release = single_release,
};

void lintel_debugfs_init(void)
{
	directory = debugfs_create_dir("lintel", NULL);
	debugfs_create_file("exits", 0400, directory, NULL, &exits_fops);
	debugfs_create_file("dead", 0600, directory, NULL, &dead_fops);
}

void lintel_debugfs_exit(void)
{
	debugfs_remove(directory);
}
