// SPDX-License-Identifier: GPL-2.0-only
/*
 * Binary statistics files.
 *
 * A file is a header, an id string, one descriptor per statistic and the values, in that order,
 * laid out as <linux/kvm.h> has it; a program reads the first three once and the values as often
 * as it likes, with pread().  All of it is made in one buffer of some 25 KiB when it is read, because
 * that has no state to keep, and the values of one read() belong together.
 *
 * Statistics are cumulative scalars without a unit, but for what comes and goes (a VM's vCPUs, page
 * tables and entries), and one histogram for each exit reason: how many ticks of the TSC went by
 * between the exit and the next entry, by powers of two.  rows[] is the list of scalars; what there
 * is by reason follows from exit_reasons.h.
 */
#include "stats.h"

#include <linux/anon_inodes.h>
#include <linux/ctype.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "exit_reasons.h"
#include "flight.h"
#include "vcpu.h"
#include "vm.h"

#define REASON_ROW(number, text)	{ number, text },
static const struct {
	u32 reason;
	const char *name;
} reasons[] = { LINTEL_EXIT_REASONS(REASON_ROW, REASON_ROW) };

const char *lintel_exit_reason_name(u32 reason)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].reason == (reason & 0xffff))
			return reasons[i].name;
	return "unknown";
}

#define ROW(member)	{ #member, offsetof(struct lintel_vcpu_stats, member) }
static const struct {
	const char *name;
	size_t offset;
} rows[] = {
	ROW(exits),
	ROW(exits_to_user),
	ROW(emulated),
	ROW(injected_irqs),
	ROW(injected_nmis),
	ROW(injected_exceptions),
	ROW(halts),
	ROW(halt_wakeups),
	ROW(halt_attempted_poll),
	ROW(halt_successful_poll),
	ROW(halt_poll_success_ns),
	ROW(halt_poll_fail_ns),
	ROW(halt_wait_ns),
	ROW(directed_yield_attempted),
	ROW(directed_yield_successful),
	ROW(pv_eois),
	ROW(pv_tlb_flushes),
	ROW(apf_not_present),
	ROW(apf_ready),
	ROW(apf_waits),
	ROW(ept_faults),
	ROW(tlb_flushes),
	ROW(invepts),
	ROW(invvpids),
};

#define STAT_NAME_SIZE	48
#define STAT_ID_SIZE	48

/*
 * A descriptor and its name; the header gives one size for all names, so they form an array.  The
 * name begins where user space sees it: newer kernels, but not their user space, count a name of
 * their own length into the structure.
 */
#define STAT_NAME_AT	offsetof(struct kvm_stats_desc, name)
#define STAT_DESC_SIZE	(STAT_NAME_AT + STAT_NAME_SIZE)
static_assert(STAT_DESC_SIZE % __alignof__(u64) == 0);

#define NR_BY_REASON	(ARRAY_SIZE(reasons) + 1)			/* 1: all others */
#define NR_SCALARS	(ARRAY_SIZE(rows) + NR_BY_REASON + 7)		/* 7: see fill_vm() */
#define NR_STATS	(NR_SCALARS + NR_BY_REASON)
/* KVM's first bucket is of the value 0, which no exit has. */
#define NR_BUCKETS	(LINTEL_LATENCY_BUCKETS + 1)
#define NR_VALUES	(NR_SCALARS + NR_BY_REASON * NR_BUCKETS)

struct stat_image {
	struct kvm_stats_header header;
	char id[STAT_ID_SIZE];
	u8 desc[NR_STATS][STAT_DESC_SIZE] __aligned(8);	/* struct kvm_stats_desc and name */
	u64 value[NR_VALUES];
	unsigned int nr, nr_values;
};

/* An open statistics file: of @vcpu, or of the whole VM when that is NULL. */
struct stat_file {
	struct lintel_vm *vm;
	struct lintel_vcpu *vcpu;
	char id[STAT_ID_SIZE];
};

/* A new statistic of @size values; returns where they stand. */
static u64 *image_new(struct stat_image *image, const char *prefix, const char *name, u32 flags,
		      unsigned int size)
{
	struct kvm_stats_desc *d = (struct kvm_stats_desc *)image->desc[image->nr++];
	u64 *value = &image->value[image->nr_values];

	d->flags = flags;
	d->size = size;
	d->offset = image->nr_values * sizeof(u64);
	snprintf((char *)d + STAT_NAME_AT, STAT_NAME_SIZE, "%s%s", prefix, name);
	image->nr_values += size;
	return value;
}

static void image_add(struct stat_image *image, const char *prefix, const char *name, u32 type,
		      u64 value)
{
	*image_new(image, prefix, name, type | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10, 1) =
		value;
}

static void add_latency(u64 *to, const struct lintel_vcpu *vcpu, unsigned int row)
{
	unsigned int i;

	for (i = 0; i < LINTEL_LATENCY_BUCKETS; i++)
		to[i + 1] += lintel_flight_latency(vcpu, row, i);
}

static void image_latency(struct stat_image *image, const struct stat_file *file,
			  const char *name, unsigned int row)
{
	u64 *to = image_new(image, "latency_", name, KVM_STATS_TYPE_LOG_HIST |
			    KVM_STATS_UNIT_CYCLES | KVM_STATS_BASE_POW10, NR_BUCKETS);
	struct lintel_vcpu *vcpu;
	unsigned int i;

	if (file->vcpu)
		add_latency(to, file->vcpu, row);
	else
		for_each_vcpu(i, vcpu, file->vm)
			add_latency(to, vcpu, row);
}

/* The last row of the recorder's is of all reasons that have none. */
static void image_latencies(struct stat_image *image, const struct stat_file *file)
{
	unsigned int i;

	if (!lintel_flight_on())
		return;
	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].reason < LINTEL_LATENCY_REASONS - 1)
			image_latency(image, file, reasons[i].name, reasons[i].reason);
	image_latency(image, file, "other", LINTEL_LATENCY_REASONS - 1);
}

/* Add a vCPU's counters; they are read while it runs, each by itself. */
static void sum_vcpu(struct lintel_vcpu_stats *sum, const struct lintel_vcpu *vcpu)
{
	const u64 *from = (const u64 *)&vcpu->stats;
	u64 *to = (u64 *)sum;
	unsigned int i;

	for (i = 0; i < sizeof(*sum) / sizeof(u64); i++)
		to[i] += READ_ONCE(from[i]);
}

/* What only a VM has. */
static void fill_vm(struct stat_image *image, struct lintel_vm *vm)
{
	static const char * const leaves[] = { "pages_4k", "pages_2m", "pages_1g" };
	struct lintel_ept *ept = &vm->ept;
	unsigned int i;

	image_add(image, "", "vcpus", KVM_STATS_TYPE_INSTANT, smp_load_acquire(&vm->nr_vcpus));
	image_add(image, "", "ept_tables", KVM_STATS_TYPE_INSTANT,
		  atomic_long_read(&ept->nr_tables));
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		image_add(image, "", leaves[i], KVM_STATS_TYPE_INSTANT,
			  atomic_long_read(&ept->nr_leaves[i]));
	image_add(image, "", "ept_flushes", KVM_STATS_TYPE_CUMULATIVE,
		  READ_ONCE(ept->flush_nr) - 1);
	image_add(image, "", "ept_kicks", KVM_STATS_TYPE_CUMULATIVE, READ_ONCE(ept->nr_kicks));
}

static void image_fill(struct stat_image *image, const struct stat_file *file,
		       struct lintel_vcpu_stats *sum)
{
	const u64 *counters = (const u64 *)sum;
	struct lintel_vm *vm = file->vm;
	struct lintel_vcpu *vcpu;
	u64 named = 0, all = 0;
	unsigned int i;

	if (file->vcpu)
		sum_vcpu(sum, file->vcpu);
	else
		for_each_vcpu(i, vcpu, vm)
			sum_vcpu(sum, vcpu);

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		image_add(image, "", rows[i].name, KVM_STATS_TYPE_CUMULATIVE,
			  counters[rows[i].offset / sizeof(u64)]);
	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		u64 value = sum->exits_by_reason[reasons[i].reason];

		image_add(image, "exits_", reasons[i].name, KVM_STATS_TYPE_CUMULATIVE, value);
		named += value;
	}
	for (i = 0; i < LINTEL_NR_EXIT_REASONS; i++)
		all += sum->exits_by_reason[i];
	image_add(image, "exits_", "other", KVM_STATS_TYPE_CUMULATIVE, all - named);
	image_latencies(image, file);
	if (!file->vcpu)
		fill_vm(image, vm);

	strscpy(image->id, file->id, sizeof(image->id));
	image->header.name_size = STAT_NAME_SIZE;
	image->header.num_desc = image->nr;
	image->header.id_offset = offsetof(struct stat_image, id);
	image->header.desc_offset = offsetof(struct stat_image, desc);
	image->header.data_offset = offsetof(struct stat_image, value);
}

static ssize_t stats_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	const struct stat_file *stats = file->private_data;
	struct lintel_vcpu_stats *sum;
	struct stat_image *image;
	ssize_t ret = -ENOMEM;

	image = kvzalloc(sizeof(*image), GFP_KERNEL_ACCOUNT);
	sum = kzalloc(sizeof(*sum), GFP_KERNEL_ACCOUNT);
	if (image && sum) {
		image_fill(image, stats, sum);
		ret = simple_read_from_buffer(to, count, pos, image,
					      image->header.data_offset +
					      image->nr_values * sizeof(u64));
	}
	kfree(sum);
	kvfree(image);
	return ret;
}

static int stats_release(struct inode *inode, struct file *file)
{
	struct stat_file *stats = file->private_data;

	lintel_vm_put(stats->vm);
	kfree(stats);
	return 0;
}

static const struct file_operations stats_fops = {
	.owner = THIS_MODULE,
	.read = stats_read,
	.release = stats_release,
	.llseek = default_llseek,
};

static int stats_open(struct lintel_vm *vm, struct lintel_vcpu *vcpu)
{
	struct stat_file *stats;
	struct file *file;
	int fd;

	stats = kzalloc(sizeof(*stats), GFP_KERNEL_ACCOUNT);
	if (!stats)
		return -ENOMEM;
	stats->vm = vm;
	stats->vcpu = vcpu;
	/* as KVM's begin: programs look for that */
	if (vcpu)
		snprintf(stats->id, sizeof(stats->id), "kvm-lintel-vcpu-stats:%u", vcpu->id);
	else
		snprintf(stats->id, sizeof(stats->id), "kvm-lintel-vm-stats:%d",
			 task_tgid_nr(current));

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		kfree(stats);
		return fd;
	}
	file = anon_inode_getfile(stats->id, &stats_fops, stats, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		kfree(stats);
		return PTR_ERR(file);
	}
	/* An anonymous file takes no offset of its own: allow pread(). */
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD;
	lintel_vm_get(vm);
	fd_install(fd, file);
	return fd;
}

int lintel_vcpu_stats_fd(struct lintel_vcpu *vcpu)
{
	return stats_open(vcpu->vm, vcpu);
}

int lintel_vm_stats_fd(struct lintel_vm *vm)
{
	return stats_open(vm, NULL);
}
