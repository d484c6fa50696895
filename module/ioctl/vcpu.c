// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU descriptor: running, and state in and out.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/kvm.h>
#include <linux/lintel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "attr.h"
#include "dev.h"
#include "sync.h"
#include "user.h"
#include "../compat.h"
#include "../irq/irq.h"
#include "../paravirt/apf.h"
#include "../paravirt/clock.h"
#include "../regs.h"
#include "../stats.h"
#include "../vcpu_life.h"
#include "../vm.h"
#include "../pmu/pmu.h"
#include "../vmx/cpuid.h"
#include "../vmx/explain_capture.h"
#include "../vmx/guest_debug.h"
#include "../vmx/mce.h"
#include "../vmx/msr.h"
#include "../vmx/tsc.h"

static long run_locked(struct lintel_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	long ret;

	if (unlikely(READ_ONCE(run->kvm_dirty_regs) | READ_ONCE(run->kvm_valid_regs))) {
		ret = lintel_sync_in(vcpu);
		if (ret)
			return ret;
	}
	ret = lintel_vcpu_run(vcpu);
	if (unlikely(READ_ONCE(run->kvm_valid_regs)))
		lintel_sync_out(vcpu);
	return ret;
}

static long vcpu_run(struct ioctl_context *ctx)
{
	return ctx->number ? -EINVAL : run_locked(ctx->vcpu);
}

/* KVM_RUN is nearly all of the calls: what its row says, without the look-up. */
static long run_ioctl(struct lintel_vcpu *vcpu, unsigned long arg)
{
	long ret;

	if (vcpu->vm->mm != current->mm)
		return -EIO;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	ret = arg ? -EINVAL : run_locked(vcpu);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

/* For handlers that return nothing and those that return an errno. */
#define GET(name, type)								\
static long vcpu_get_##name(struct ioctl_context *ctx)				\
{										\
	struct type *arg = ctx->arg;						\
										\
	lintel_get_##name(ctx->vcpu, arg);					\
	return 0;								\
}

#define SET(name, type)								\
static long vcpu_set_##name(struct ioctl_context *ctx)				\
{										\
	const struct type *arg = ctx->arg;					\
										\
	return lintel_set_##name(ctx->vcpu, arg);				\
}

GET(regs, kvm_regs)
GET(sregs, kvm_sregs)
SET(sregs, kvm_sregs)
GET(sregs2, kvm_sregs2)
SET(sregs2, kvm_sregs2)
GET(debugregs, kvm_debugregs)
SET(debugregs, kvm_debugregs)
GET(vcpu_events, kvm_vcpu_events)
SET(vcpu_events, kvm_vcpu_events)
SET(guest_debug, kvm_guest_debug)
SET(mce, kvm_x86_mce)

static long vcpu_set_regs(struct ioctl_context *ctx)
{
	lintel_set_regs(ctx->vcpu, ctx->arg);
	return 0;
}

static long vcpu_get_fpu(struct ioctl_context *ctx)
{
	guest_fpu_get(ctx->vcpu, ctx->arg);
	return 0;
}

static long vcpu_set_fpu(struct ioctl_context *ctx)
{
	return guest_fpu_set(ctx->vcpu, ctx->arg);
}

static long vcpu_get_xsave(struct ioctl_context *ctx)
{
	guest_xsave_get(ctx->vcpu, ctx->arg);
	return 0;
}

/* The form whose length KVM_CAP_XSAVE2 tells: the same here. */
static long vcpu_get_xsave2(struct ioctl_context *ctx)
{
	struct kvm_xsave *xsave = kmalloc(sizeof(*xsave), GFP_KERNEL_ACCOUNT);
	long ret = 0;

	static_assert(sizeof(*xsave) == LINTEL_XSAVE_SIZE);
	if (!xsave)
		return -ENOMEM;
	guest_xsave_get(ctx->vcpu, xsave);
	if (copy_to_user(ctx->user, xsave, sizeof(*xsave)))
		ret = -EFAULT;
	kfree(xsave);
	return ret;
}

static long vcpu_set_xsave(struct ioctl_context *ctx)
{
	return guest_xsave_set(ctx->vcpu, ctx->arg);
}

static long vcpu_get_xcrs(struct ioctl_context *ctx)
{
	struct kvm_xcrs *xcrs = ctx->arg;

	memset(xcrs, 0, sizeof(*xcrs));
	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].xcr = 0;
	xcrs->xcrs[0].value = ctx->vcpu->xcr0;
	return 0;
}

static long vcpu_set_xcrs(struct ioctl_context *ctx)
{
	const struct kvm_xcrs *xcrs = ctx->arg;
	u32 i;

	if (xcrs->nr_xcrs > KVM_MAX_XCRS || xcrs->flags)
		return -EINVAL;
	for (i = 0; i < xcrs->nr_xcrs; i++)
		if (!xcrs->xcrs[i].xcr)
			return lintel_set_xcr0(ctx->vcpu, xcrs->xcrs[i].value) ? -EINVAL : 0;
	return 0;
}

static int msr_get(void *vcpu, u32 msr, u64 *value)
{
	return lintel_msr_get(vcpu, msr, value, true);
}

static int msr_set(void *vcpu, u32 msr, u64 *value)
{
	return lintel_msr_set(vcpu, msr, *value, true);
}

static long vcpu_get_msrs(struct ioctl_context *ctx)
{
	return lintel_user_msrs(ctx->user, msr_get, ctx->vcpu, true);
}

static long vcpu_set_msrs(struct ioctl_context *ctx)
{
	return lintel_user_msrs(ctx->user, msr_set, ctx->vcpu, false);
}

static long vcpu_get_lapic(struct ioctl_context *ctx)
{
	return ctx->vcpu->lapic ? lintel_lapic_get(ctx->vcpu, ctx->arg) : -EINVAL;
}

static long vcpu_set_lapic(struct ioctl_context *ctx)
{
	return ctx->vcpu->lapic ? lintel_lapic_set(ctx->vcpu, ctx->arg) : -EINVAL;
}

static int cpuid_get(void *vcpu, struct kvm_cpuid_entry2 *entries, u32 *nent)
{
	return lintel_cpuid_get(vcpu, entries, nent);
}

static long vcpu_get_cpuid2(struct ioctl_context *ctx)
{
	return lintel_user_get_cpuid(ctx->user, cpuid_get, ctx->vcpu);
}

static long vcpu_set_cpuid2(struct ioctl_context *ctx)
{
	struct kvm_cpuid_entry2 *entries;
	u32 nent;
	long ret;

	entries = lintel_user_cpuid(ctx->user, &nent);
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	ret = lintel_cpuid_set(ctx->vcpu, entries, nent);
	if (!ret)
		ret = lintel_pmu_refresh(ctx->vcpu);
	kvfree(entries);
	return ret;
}

/* The older form has no subleaves. */
static long vcpu_set_cpuid(struct ioctl_context *ctx)
{
	struct kvm_cpuid_entry2 *entries;
	u32 nent;
	long ret;

	entries = lintel_user_cpuid_v1(ctx->user, &nent);
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	ret = lintel_cpuid_set(ctx->vcpu, entries, nent);
	if (!ret)
		ret = lintel_pmu_refresh(ctx->vcpu);
	kvfree(entries);
	return ret;
}

static long vcpu_get_mp_state(struct ioctl_context *ctx)
{
	struct lintel_vcpu *vcpu = ctx->vcpu;
	u32 state = vcpu->mp_state;

	/* a kick that has not been seen yet has ended the halt all the same */
	if (state == KVM_MP_STATE_HALTED && READ_ONCE(vcpu->pv.unhalted))
		state = KVM_MP_STATE_RUNNABLE;
	((struct kvm_mp_state *)ctx->arg)->mp_state = state;
	return 0;
}

static long vcpu_set_mp_state(struct ioctl_context *ctx)
{
	u32 state = ((struct kvm_mp_state *)ctx->arg)->mp_state;

	switch (state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_HALTED:
		if (ctx->vcpu->lapic)
			break;
		fallthrough;
	default:
		return -EINVAL;
	}
	WRITE_ONCE(ctx->vcpu->mp_state, state);
	lintel_vcpu_request(ctx->vcpu, REQ_EVENT);
	return 0;
}

static long vcpu_get_tsc_khz(struct ioctl_context *ctx)
{
	return ctx->vcpu->tsc_khz;
}

static long vcpu_set_tsc_khz(struct ioctl_context *ctx)
{
	return lintel_set_tsc_khz(ctx->vcpu, ctx->number);
}

static long vcpu_interrupt(struct ioctl_context *ctx)
{
	const struct kvm_interrupt *interrupt = ctx->arg;
	struct lintel_vcpu *vcpu = ctx->vcpu;

	if (interrupt->irq >= KVM_NR_INTERRUPTS)
		return -EINVAL;
	if (vcpu->lapic)
		return lintel_irq_extint(vcpu, interrupt->irq);
	if (vcpu->events.interrupt.pending || vcpu->events.interrupt.injected)
		return -EEXIST;
	vcpu->events.interrupt.pending = true;
	vcpu->events.interrupt.nr = interrupt->irq;
	lintel_vcpu_request(vcpu, REQ_EVENT);
	return 0;
}

static long vcpu_nmi(struct ioctl_context *ctx)
{
	lintel_vcpu_queue_nmi(ctx->vcpu);
	return 0;
}

static long vcpu_signal_mask(struct ioctl_context *ctx)
{
	struct kvm_signal_mask __user *user = ctx->user;
	struct lintel_vcpu *vcpu = ctx->vcpu;
	sigset_t sigset;
	u32 len;

	if (!user) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (get_user(len, &user->len))
		return -EFAULT;
	if (len != sizeof(sigset))
		return -EINVAL;
	if (copy_from_user(&sigset, user->sigset, sizeof(sigset)))
		return -EFAULT;
	sigdelsetmask(&sigset, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = sigset;
	vcpu->sigset_active = true;
	return 0;
}

static long vcpu_clock_ctrl(struct ioctl_context *ctx)
{
	return lintel_clock_paused(ctx->vcpu);
}

static long vcpu_setup_mce(struct ioctl_context *ctx)
{
	u64 cap = *(u64 *)ctx->arg;
	unsigned int banks = cap & 0xff, i;

	if (!banks || banks > ARRAY_SIZE(ctx->vcpu->mce_banks) / 4 ||
	    (cap & ~LINTEL_MCG_CAP & ~MCG_BANKCNT_MASK))
		return -EINVAL;
	ctx->vcpu->mcg_cap = cap;
	ctx->vcpu->mcg_ctl = cap & MCG_CTL_P ? ~0ULL : 0;
	for (i = 0; i < banks; i++)
		ctx->vcpu->mce_banks[4 * i] = ~0ULL;
	lintel_lapic_set_version(ctx->vcpu);
	return 0;
}

/* No page shares the TPR with user space (KVM_CAP_VAPIC is absent); QEMU says so at reset. */
static long vcpu_vapic_addr(struct ioctl_context *ctx)
{
	const struct kvm_vapic_addr *addr = ctx->arg;

	return !ctx->vcpu->lapic || addr->vapic_addr ? -EINVAL : 0;
}

static long vcpu_translate(struct ioctl_context *ctx)
{
	struct kvm_translation *t = ctx->arg;
	struct guest_walk_fault fault;
	struct guest_paging paging;
	gpa_t gpa = 0;

	lintel_paging_state(ctx->vcpu, &paging);
	paging.cpl = 0;
	paging.system_access = true;
	if (lintel_guest_walk(ctx->vm, &paging, t->linear_address, ACCESS_READ, &gpa, &fault))
		gpa = ~0ULL;
	/* without paging ~0 is translated to itself, which says that there is no translation */
	t->valid = gpa != ~0ULL;
	t->physical_address = gpa;
	t->writeable = 1;
	t->usermode = 0;
	return 0;
}

static long vcpu_pre_fault(struct ioctl_context *ctx)
{
	struct kvm_pre_fault_memory *range = ctx->arg;
	u64 size = range->size;
	long ret;

	if (range->flags || !PAGE_ALIGNED(range->gpa) || !PAGE_ALIGNED(size) ||
	    range->gpa + size <= range->gpa)
		return -EINVAL;
	do {
		ret = lintel_ept_prefault(ctx->vcpu, range->gpa, range->size);
		if (ret > 0) {
			range->gpa += ret;
			range->size -= ret;
		}
	} while (ret > 0 && range->size);
	/* what has been done is told by the range left over */
	return range->size == size ? ret : 0;
}

static long vcpu_stats_fd(struct ioctl_context *ctx)
{
	return lintel_vcpu_stats_fd(ctx->vcpu);
}

static long vcpu_explain_entry(struct ioctl_context *ctx)
{
	return explain_to_user(ctx->vcpu, ctx->arg);
}

static const struct ioctl_row vcpu_rows[] = {
	{ KVM_RUN, LOCK_VCPU, ARG_NUMBER, vcpu_run },
	{ KVM_ENABLE_CAP, LOCK_VCPU, ARG_COPY, lintel_vcpu_enable_cap },
	{ KVM_GET_REGS, LOCK_VCPU_LOADED, ARG_COPY, vcpu_get_regs },
	{ KVM_SET_REGS, LOCK_VCPU_LOADED, ARG_COPY, vcpu_set_regs },
	{ KVM_GET_SREGS, LOCK_VCPU_LOADED, ARG_COPY, vcpu_get_sregs },
	{ KVM_SET_SREGS, LOCK_VCPU_LOADED, ARG_COPY, vcpu_set_sregs },
	{ KVM_GET_SREGS2, LOCK_VCPU_LOADED, ARG_COPY, vcpu_get_sregs2 },
	{ KVM_SET_SREGS2, LOCK_VCPU_LOADED, ARG_COPY, vcpu_set_sregs2 },
	{ KVM_SET_GUEST_DEBUG, LOCK_VCPU_LOADED, ARG_COPY, vcpu_set_guest_debug },
	{ KVM_GET_FPU, LOCK_VCPU, ARG_COPY, vcpu_get_fpu },
	{ KVM_SET_FPU, LOCK_VCPU, ARG_COPY, vcpu_set_fpu },
	{ KVM_GET_XSAVE, LOCK_VCPU, ARG_COPY, vcpu_get_xsave },
	{ KVM_GET_XSAVE2, LOCK_VCPU, ARG_USER, vcpu_get_xsave2 },
	{ KVM_SET_XSAVE, LOCK_VCPU, ARG_COPY, vcpu_set_xsave },
	{ KVM_GET_XCRS, LOCK_VCPU, ARG_COPY, vcpu_get_xcrs },
	{ KVM_SET_XCRS, LOCK_VCPU, ARG_COPY, vcpu_set_xcrs },
	{ KVM_GET_MSRS, LOCK_VCPU_LOADED, ARG_USER, vcpu_get_msrs },
	{ KVM_SET_VAPIC_ADDR, LOCK_VCPU, ARG_COPY, vcpu_vapic_addr },
	{ KVM_SET_MSRS, LOCK_VCPU_LOADED, ARG_USER, vcpu_set_msrs },
	{ KVM_GET_LAPIC, LOCK_VCPU_LOADED, ARG_COPY, vcpu_get_lapic },
	{ KVM_SET_LAPIC, LOCK_VCPU_LOADED, ARG_COPY, vcpu_set_lapic },
	{ KVM_GET_CPUID2, LOCK_VCPU, ARG_USER, vcpu_get_cpuid2 },
	{ KVM_SET_CPUID, LOCK_VCPU, ARG_USER, vcpu_set_cpuid },
	{ KVM_SET_CPUID2, LOCK_VCPU, ARG_USER, vcpu_set_cpuid2 },
	{ KVM_GET_MP_STATE, LOCK_VCPU_LOADED, ARG_COPY, vcpu_get_mp_state },
	{ KVM_SET_MP_STATE, LOCK_VCPU_LOADED, ARG_COPY, vcpu_set_mp_state },
	{ KVM_GET_VCPU_EVENTS, LOCK_VCPU_LOADED, ARG_COPY, vcpu_get_vcpu_events },
	{ KVM_SET_VCPU_EVENTS, LOCK_VCPU_LOADED, ARG_COPY, vcpu_set_vcpu_events },
	{ KVM_GET_DEBUGREGS, LOCK_VCPU_LOADED, ARG_COPY, vcpu_get_debugregs },
	{ KVM_SET_DEBUGREGS, LOCK_VCPU_LOADED, ARG_COPY, vcpu_set_debugregs },
	{ KVM_GET_TSC_KHZ, LOCK_VCPU, ARG_NUMBER, vcpu_get_tsc_khz },
	{ KVM_SET_TSC_KHZ, LOCK_VCPU_LOADED, ARG_NUMBER, vcpu_set_tsc_khz },
	{ KVM_INTERRUPT, LOCK_VCPU_LOADED, ARG_COPY, vcpu_interrupt },
	{ KVM_NMI, LOCK_NONE, ARG_NUMBER, vcpu_nmi },
	{ KVM_SET_SIGNAL_MASK, LOCK_VCPU, ARG_USER, vcpu_signal_mask },
	{ KVM_KVMCLOCK_CTRL, LOCK_VCPU, ARG_NUMBER, vcpu_clock_ctrl },
	{ KVM_X86_SETUP_MCE, LOCK_VCPU, ARG_COPY, vcpu_setup_mce },
	{ KVM_X86_SET_MCE, LOCK_VCPU_LOADED, ARG_COPY, vcpu_set_mce },
	{ KVM_HAS_DEVICE_ATTR, LOCK_VCPU, ARG_COPY, lintel_vcpu_has_attr },
	{ KVM_GET_DEVICE_ATTR, LOCK_VCPU, ARG_COPY, lintel_vcpu_get_attr },
	{ KVM_SET_DEVICE_ATTR, LOCK_VCPU_LOADED, ARG_COPY, lintel_vcpu_set_attr },
	{ KVM_TRANSLATE, LOCK_VCPU_LOADED, ARG_COPY, vcpu_translate },
	{ KVM_PRE_FAULT_MEMORY, LOCK_VCPU, ARG_COPY, vcpu_pre_fault },
	{ KVM_GET_STATS_FD, LOCK_NONE, ARG_NUMBER, vcpu_stats_fd },
	{ LINTEL_EXPLAIN_ENTRY, LOCK_VCPU_LOADED, ARG_COPY, vcpu_explain_entry },
};

static noinline long other_ioctl(struct lintel_vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	struct ioctl_context ctx = { .vm = vcpu->vm, .vcpu = vcpu };

	return lintel_ioctl_dispatch(vcpu_rows, ARRAY_SIZE(vcpu_rows), &ctx, cmd, arg);
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lintel_vcpu *vcpu = file->private_data;

	if (likely(cmd == KVM_RUN))
		return run_ioctl(vcpu, arg);
	return other_ioctl(vcpu, cmd, arg);
}

/* KVM has the data of port accesses there.  Nobody reads it here, but it must not be a hole. */
static struct page *second_page(struct lintel_vcpu *vcpu)
{
	struct page *page, *other;

	if (READ_ONCE(vcpu->second_page))
		return vcpu->second_page;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return NULL;
	other = cmpxchg(&vcpu->second_page, NULL, page);
	if (!other)
		return page;
	__free_page(page);
	return other;
}

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct lintel_vcpu *vcpu = vmf->vma->vm_file->private_data;
	struct page *page = NULL;

	if (!vmf->pgoff)
		page = virt_to_page(vcpu->run);
	else if (vmf->pgoff == 1)
		page = second_page(vcpu);
	else if (vmf->pgoff == KVM_COALESCED_MMIO_PAGE_OFFSET)
		page = lintel_coalesced_page(vcpu->vm);
	else if (vmf->pgoff >= KVM_DIRTY_LOG_PAGE_OFFSET)
		page = lintel_ring_page(vcpu, vmf->pgoff - KVM_DIRTY_LOG_PAGE_OFFSET);
	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_fault,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct lintel_vcpu *vcpu = file->private_data;
	unsigned long last = vma->vm_pgoff + vma_pages(vma) - 1;

	/* a private copy of the dirty ring would never change */
	if (last >= KVM_DIRTY_LOG_PAGE_OFFSET && vcpu->ring.entry &&
	    ((vma->vm_flags & VM_EXEC) || !(vma->vm_flags & VM_SHARED)))
		return -EINVAL;
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_close(struct inode *inode, struct file *file)
{
	struct lintel_vcpu *vcpu = file->private_data;

	/* none: the vCPU could not be made */
	if (vcpu)
		lintel_vm_put(vcpu->vm);
	return 0;
}

/* A descriptor is closed, perhaps because its process ends, whose memory nobody may hold. */
static int vcpu_flush(struct file *file, fl_owner_t id)
{
	lintel_apf_call_off(file->private_data);
	return 0;
}

const struct file_operations lintel_vcpu_fops = {
	.owner = THIS_MODULE,
	.flush = vcpu_flush,
	.release = vcpu_close,
	.unlocked_ioctl = vcpu_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

long lintel_vcpu_open(struct lintel_vm *vm, u32 id)
{
	/* What can fail for want of descriptors fails before the id is used up. */
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct lintel_vcpu *vcpu;
	struct file *file;

	if (fd < 0)
		return fd;
	file = anon_inode_getfile("lintel-vcpu", &lintel_vcpu_fops, NULL, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	vcpu = lintel_vcpu_create(vm, id);
	if (IS_ERR(vcpu)) {
		fput(file);
		put_unused_fd(fd);
		return PTR_ERR(vcpu);
	}
	lintel_vm_get(vm);
	file->private_data = vcpu;
	fd_install(fd, file);
	return fd;
}
