/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Version differences of the kernels that Lintel builds on (6.1, 6.12, 7.x), and nothing else.
 * Code elsewhere uses the newest kernel's name; older kernels get it here.  What cannot be told
 * by the version (distributions backport) is asked of the headers in Kbuild and comes as
 * LINTEL_HAVE_... from the command line.
 */
#ifndef LINTEL_COMPAT_H
#define LINTEL_COMPAT_H

#include <linux/version.h>

/*
 * Branch history after a VM exit.  Up to 7.0 the kernel's macro calls a function of its own, which
 * is KVM's alone later: then ours is called, on the CPUs that the kernel has marked.
 */
#ifdef __ASSEMBLER__
#include <asm/nospec-branch.h>
/* for retbleed=stuff, since 6.2 */
#ifndef CREDIT_CALL_DEPTH
#define CREDIT_CALL_DEPTH
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
#define CLEAR_HISTORY_AFTER_EXIT \
	ALTERNATIVE "", "call vmx_clear_history", X86_FEATURE_CLEAR_BHB_VMEXIT
#else
#define CLEAR_HISTORY_AFTER_EXIT	CLEAR_BRANCH_HISTORY_VMEXIT
#endif

#else /* C */

#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/shrinker.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/vmx.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#include <asm/gsseg.h>		/* load_gs_index() */
#endif
/* 6.16 moved cpuid_count() and its kin from <asm/processor.h>. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#include <asm/cpuid/api.h>
#else
#include <asm/processor.h>
#endif

/*
 * VMSCAPE: a guest's branches must not steer the VMM's.  The kernel has the barrier before the next
 * return to user space on this CPU, if it is told that a guest ran; preemption off.
 */
static inline void lintel_note_guest_branches(void)
{
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
#endif
}

/* 6.16 gave the 64-bit MSR accessors a "q" for their ending. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define rdmsrq(msr, val)	rdmsrl(msr, val)
#define wrmsrq(msr, val)	wrmsrl(msr, val)
#define rdmsrq_safe(msr, p)	rdmsrl_safe(msr, p)
#define wrmsrq_safe(msr, val)	wrmsrl_safe(msr, val)
#endif

/* 6.13 made one call of hrtimer_init() and the assignment after it; 6.15 dropped the former. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/* Since 7.1 the kernel itself does VMXON, for KVM only: there Lintel always joins KVM. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 1, 0)
#define LINTEL_CAN_RUN_ALONE	1
#else
#define LINTEL_CAN_RUN_ALONE	0
#endif

/*
 * What a thread must do before it may run a guest (signals, rescheduling, task work).  The kernel's
 * helper is written for KVM and notes a signal in a struct kvm_vcpu: compat.c lends it one.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#include <linux/entry-kvm.h>
#else
#include <linux/entry-virt.h>
#endif
int lintel_guest_mode_handle_work(void);

static inline bool lintel_guest_mode_work_pending(void)
{
	return __xfer_to_guest_mode_work_pending();
}

/* Newer headers name the exits of TDX's instructions. */
#ifndef EXIT_REASON_SEAMCALL
#define EXIT_REASON_SEAMCALL	76
#endif
#ifndef EXIT_REASON_TDCALL
#define EXIT_REASON_TDCALL	77
#endif

/*
 * The host's policy for split locks, applied to the thread that runs the guest.  False: the host
 * has none, or wants the guest to get #AC.  Later kernels keep the function for KVM.
 */
#if LINTEL_CAN_RUN_ALONE
#include <asm/cpu.h>
#define lintel_split_lock(ip)	handle_guest_split_lock(ip)
#else
#define lintel_split_lock(ip)	false
#endif

/* 6.4 gave the plain name to a macro with a tracepoint that later kernels do not export. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define lintel_send_reschedule(cpu)	smp_send_reschedule(cpu)
#else
#define lintel_send_reschedule(cpu)	arch_smp_send_reschedule(cpu)
#endif

/*
 * The host's own APIC: functions, since newer kernels' <asm/apic.h> has a posted-interrupt
 * descriptor that ours would clash with.
 */
void lintel_send_vector(int cpu, u8 vector);
bool lintel_host_x2apic(void);

/* 6.9 knows the bit. */
#ifndef X86_CR4_FRED
#define X86_CR4_FRED		BIT_ULL(32)
#endif

/* 6.2 dropped the argument. */
#include <linux/rcupdate.h>
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define lintel_rcu_note_guest()	rcu_virt_note_context_switch(smp_processor_id())
#else
#define lintel_rcu_note_guest()	rcu_virt_note_context_switch()
#endif

/* A thread whose sleep has only been put off counts as asleep: 6.12. */
#include <linux/sched.h>
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define task_is_runnable(task)	((task)->on_rq)
#endif

/* How long the current thread has waited for a CPU, ns; a kernel may be built without the count. */
#ifdef CONFIG_SCHED_INFO
#define lintel_run_delay()	(current->sched_info.run_delay)
#else
#define lintel_run_delay()	0ULL
#endif

/* Newer system-core operations get a data pointer; Lintel needs none. */
#ifdef LINTEL_HAVE_REGISTER_SYSCORE
#define SYSCORE_DATA		void *unused
#else
#define SYSCORE_DATA		void
#endif

/* Newer kernels mark the member that user space may change at any time: it is read once. */
#ifdef HINT_UNSAFE_IN_KVM
#define run_immediate_exit(run)	READ_ONCE((run)->immediate_exit__unsafe)
#else
#define run_immediate_exit(run)	READ_ONCE((run)->immediate_exit)
#endif

/* 6.8 dropped the count, which was always 1. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#include <linux/eventfd.h>
#define eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#endif

/* 6.12 gave the control the name that its fellows have. */
#ifndef SECONDARY_EXEC_ENABLE_XSAVES
#define SECONDARY_EXEC_ENABLE_XSAVES	BIT(20)
#endif

/* Older headers do not know these parts of the KVM API. */
#ifndef KVM_CAP_USER_MEMORY2
#define KVM_CAP_USER_MEMORY2	231
#endif
#ifndef KVM_SET_USER_MEMORY_REGION2
struct kvm_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
	__u64 guest_memfd_offset;
	__u32 guest_memfd;
	__u32 pad1;
	__u64 pad2[14];
};
#define KVM_SET_USER_MEMORY_REGION2 _IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
#endif

#ifndef KVM_CAP_MEMORY_FAULT_INFO
#define KVM_CAP_MEMORY_FAULT_INFO	232
#endif
#ifndef KVM_EXIT_MEMORY_FAULT
#define KVM_EXIT_MEMORY_FAULT	39
#endif
/* 6.2: events of a filter by masks. */
#ifndef KVM_CAP_PMU_EVENT_MASKED_EVENTS
#define KVM_CAP_PMU_EVENT_MASKED_EVENTS	226
#endif
#ifndef KVM_PMU_EVENT_FLAG_MASKED_EVENTS
#define KVM_PMU_EVENT_FLAG_MASKED_EVENTS	1UL
#define KVM_PMU_MASKED_ENTRY_UMASK_MASK		(0xffULL << 56)
#define KVM_PMU_MASKED_ENTRY_UMASK_MATCH	(0xffULL << 8)
#define KVM_PMU_MASKED_ENTRY_EXCLUDE		(1ULL << 55)
#define KVM_PMU_MASKED_ENTRY_UMASK_MASK_SHIFT	56
#endif

/* The members of kvm_run that belong to it, which older headers leave without a name. */
static inline void run_memory_fault(struct kvm_run *run, __u64 gpa, __u64 size)
{
	__u64 *fault = (__u64 *)run->padding;

	run->exit_reason = KVM_EXIT_MEMORY_FAULT;
	fault[0] = 0;		/* flags */
	fault[1] = gpa;
	fault[2] = size;
}

/* VFIO's files are of more than one kind since 6.6, which renamed what is about them. */
#ifndef KVM_DEV_VFIO_FILE
#define KVM_DEV_VFIO_FILE	1
#define KVM_DEV_VFIO_FILE_ADD	1
#define KVM_DEV_VFIO_FILE_DEL	2
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define vfio_file_is_valid	vfio_file_is_group
#endif

#ifndef KVM_CAP_VM_TYPES
#define KVM_CAP_VM_TYPES	235
#endif
#ifndef KVM_X86_QUIRK_SLOT_ZAP_ALL
#define KVM_X86_QUIRK_SLOT_ZAP_ALL	0x80
#endif
#ifndef KVM_CAP_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY	236
#endif
#ifndef KVM_CAP_X86_APIC_BUS_CYCLES_NS
#define KVM_CAP_X86_APIC_BUS_CYCLES_NS	237
#endif
#ifndef KVM_PRE_FAULT_MEMORY
struct kvm_pre_fault_memory {
	__u64 gpa;
	__u64 size;
	__u64 flags;
	__u64 padding[5];
};
#define KVM_PRE_FAULT_MEMORY	_IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)
#endif

/* A shrinker that knows neither nodes nor cgroups; NULL: no memory.  Objects since 6.7. */
typedef unsigned long shrinker_fn(struct shrinker *shrinker, struct shrink_control *sc);
struct shrinker *lintel_shrinker_start(const char *name, shrinker_fn *count, shrinker_fn *scan);
void lintel_shrinker_stop(struct shrinker *shrinker);

/* 6.5 dropped the list of areas. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define get_user_pages_remote(mm, start, nr, flags, pages, locked) \
	get_user_pages_remote(mm, start, nr, flags, pages, NULL, locked)
#endif

/* GUP that any signal ends, not only a fatal one: 6.2. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define FOLL_INTERRUPTIBLE	0
#endif

/* The frame behind a VM_PFNMAP address, with its page table locked: 6.12. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
struct follow_pfnmap_args {
	struct vm_area_struct *vma;
	unsigned long address;
	spinlock_t *lock;
	pte_t *ptep;
	unsigned long pfn;
	bool writable;
};

static inline int follow_pfnmap_start(struct follow_pfnmap_args *args)
{
	int ret = follow_pte(args->vma->vm_mm, args->address, &args->ptep, &args->lock);

	if (ret)
		return ret;
	args->pfn = pte_pfn(*args->ptep);
	args->writable = pte_write(*args->ptep);
	return 0;
}

static inline void follow_pfnmap_end(struct follow_pfnmap_args *args)
{
	__acquire(args->lock);		/* sparse does not see that follow_pte() took it */
	pte_unmap_unlock(args->ptep, args->lock);
}
#endif

#endif /* __ASSEMBLER__ */
#endif
