// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's state while a vCPU is loaded.
 *
 * A VM exit loads most host registers from the VMCS: per-CPU values are written there when the
 * vCPU comes to a CPU, values that change with the thread or the mm when they differ.  What an
 * exit destroys without loading it (GDT and IDT limits, the TSS limit, data segments) and the
 * MSRs the guest uses directly are put back when the vCPU leaves the CPU.  Joined, KVM may have
 * left guest values of its own in those MSRs, and then counts on finding them: so what was found is
 * put back, whatever it was.  That it has not, which is the rule, is told by a flag of the thread;
 * then the MSRs hold what the kernel wrote there when the CPU came up, and need not be read.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/thread_info.h>
#include <asm/cpu_entry_area.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/msr.h>
#include <asm/segment.h>

#include "caps.h"
#include "cpu.h"
#include "host.h"
#include "ops.h"
#include "../compat.h"
#include "../pmu/pmu.h"
#include "../vcpu.h"
#include "../vm.h"

/* Each MSR with the guest's value; unrolled, as it is on the way of every KVM_RUN. */
#define FOR_EACH_SWITCHED(vcpu, DO)						\
	do {									\
		if (cpu_feature_enabled(X86_FEATURE_RDTSCP))			\
			DO(SWITCH_TSC_AUX, MSR_TSC_AUX, (vcpu)->msr_tsc_aux);	\
		if (!(vcpu)->vmx.syscall_switched)				\
			break;							\
		DO(SWITCH_STAR, MSR_STAR, (vcpu)->msr_star);			\
		DO(SWITCH_LSTAR, MSR_LSTAR, (vcpu)->msr_lstar);			\
		DO(SWITCH_SFMASK, MSR_SYSCALL_MASK, (vcpu)->msr_sfmask);	\
	} while (0)

/* What the kernel has written into them when the CPU came up. */
static DEFINE_PER_CPU(struct {
	u64 msr[NR_SWITCHED_MSRS];
	bool known;
}, host_msrs);

/* Without the kernel's tracepoint, and so inline. */
static __always_inline void write_msr(u32 msr, u64 value)
{
	native_wrmsr(msr, (u32)value, value >> 32);
}

/* Per-CPU host state: written when the vCPU comes to another CPU. */
static void write_cpu_state(struct vmx_vcpu *vmx)
{
	int cpu = smp_processor_id();
	u64 value;

	if (vmx->host_cpu == cpu)
		return;
	vmx->host_cpu = cpu;
	/* they stay where they are while the CPU is up */
	native_store_gdt(&vmx->host_gdt);
	store_idt(&vmx->host_idt);
	vmx->host_fs_base = ~0UL;	/* not written yet */
	vmcs_writel(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_writel(HOST_GDTR_BASE, vmx->host_gdt.address);
	vmcs_writel(HOST_IDTR_BASE, vmx->host_idt.address);
	rdmsrq(MSR_GS_BASE, value);
	vmcs_writel(HOST_GS_BASE, value);
	rdmsrq(MSR_IA32_SYSENTER_ESP, value);
	vmcs_writel(HOST_IA32_SYSENTER_ESP, value);
}

/* Data segment selectors of the thread: nearly always zero in 64-bit programs. */
static void write_thread_state(struct vmx_vcpu *vmx)
{
	unsigned long fs_base;

	savesegment(ds, vmx->host_ds);
	savesegment(es, vmx->host_es);
	savesegment(fs, vmx->host_fs);
	savesegment(gs, vmx->host_gs);
	store_ldt(vmx->host_ldt);
	vmx->host_selectors = vmx->host_ds | vmx->host_es | vmx->host_fs | vmx->host_gs |
			      vmx->host_ldt;
	/* what RDFSBASE needs was set up with the kernel's own use of it */
	fs_base = cpu_feature_enabled(X86_FEATURE_FSGSBASE) ? rdfsbase() : __rdmsr(MSR_FS_BASE);
	if (fs_base != vmx->host_fs_base) {
		vmx->host_fs_base = fs_base;
		vmcs_writel(HOST_FS_BASE, fs_base);
	}
}

/*
 * KVM leaves a guest's values where they are until its thread, or the one that comes behind it,
 * returns to user mode, and marks that thread for it.
 */
static __always_inline bool msrs_are_lent(void)
{
	return read_thread_flags() & _TIF_USER_RETURN_NOTIFY;
}

static noinline const u64 *read_host_msrs(struct vmx_vcpu *vmx)
{
	bool lent = msrs_are_lent();
	u64 *to = lent ? vmx->found : this_cpu_ptr(&host_msrs)->msr;

	if (cpu_feature_enabled(X86_FEATURE_RDTSCP))
		to[SWITCH_TSC_AUX] = __rdmsr(MSR_TSC_AUX);
	to[SWITCH_STAR] = __rdmsr(MSR_STAR);
	to[SWITCH_LSTAR] = __rdmsr(MSR_LSTAR);
	to[SWITCH_SFMASK] = __rdmsr(MSR_SYSCALL_MASK);
	if (!lent)
		this_cpu_write(host_msrs.known, true);
	return to;
}

/*
 * Without EFER.SCE a guest's SYSCALL is #UD, and its three MSRs are looked at by nobody: RDMSR and
 * WRMSR exit.
 */
static void load_msrs(struct lintel_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = &vcpu->vmx;
	const u64 *host;

#define LOAD(i, msr, value)							\
	do {									\
		if ((value) != host[i])						\
			write_msr(msr, value);					\
	} while (0)

	host = this_cpu_ptr(&host_msrs)->msr;
	if (unlikely(!this_cpu_read(host_msrs.known) || msrs_are_lent()))
		host = read_host_msrs(vmx);
	vmx->host_msrs = host;
	vmx->syscall_switched = vcpu->efer & EFER_SCE;
	FOR_EACH_SWITCHED(vcpu, LOAD);
	vmx->host_kernel_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
	if (vcpu->msr_kernel_gs_base != vmx->host_kernel_gs_base)
		write_msr(MSR_KERNEL_GS_BASE, vcpu->msr_kernel_gs_base);
#undef LOAD
}

static void put_msrs(struct lintel_vcpu *vcpu)
{
	const u64 *host = vcpu->vmx.host_msrs;

#define PUT(i, msr, value)							\
	do {									\
		if ((value) != host[i])						\
			write_msr(msr, host[i]);				\
	} while (0)

	FOR_EACH_SWITCHED(vcpu, PUT);
	/* The only one that the guest changes without an exit (SWAPGS, WRMSR). */
	vcpu->msr_kernel_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
	if (vcpu->msr_kernel_gs_base != vcpu->vmx.host_kernel_gs_base)
		write_msr(MSR_KERNEL_GS_BASE, vcpu->vmx.host_kernel_gs_base);
#undef PUT
}

/* One guest's branch predictions must not steer another's. */
static void barrier_between_vms(struct lintel_vcpu *vcpu)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&lintel_cpu);

	if (cpu->last_vm == vcpu->vm->identity.number)
		return;
	cpu->last_vm = vcpu->vm->identity.number;
	/* the kernel's own barrier function is not for modules on all kernels */
	if (boot_cpu_has(X86_FEATURE_IBPB))
		wrmsrq(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
}

void vmx_host_load(struct lintel_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = &vcpu->vmx;

	write_cpu_state(vmx);
	write_thread_state(vmx);
	load_msrs(vcpu);
	barrier_between_vms(vcpu);
	vmx->switched = true;
}

/* An exit leaves all of them null. */
static noinline void put_selectors(struct vmx_vcpu *vmx)
{
	if (vmx->host_ldt)
		asm volatile("lldt %0" : : "m" (vmx->host_ldt));
	if (vmx->host_ds | vmx->host_es) {
		loadsegment(ds, vmx->host_ds);
		loadsegment(es, vmx->host_es);
	}
	if (vmx->host_fs) {
		loadsegment(fs, vmx->host_fs);
		wrmsrq(MSR_FS_BASE, vmx->host_fs_base);
	}
	if (vmx->host_gs) {
		/* it leaves the user's GS base in MSR_KERNEL_GS_BASE as the selector says */
		load_gs_index(vmx->host_gs);
		wrmsrq(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs_base);
	}
}

/* The thread has the bitmap: the limit is needed before the scheduler looks after it. */
static noinline void reload_tss_limit(void)
{
	invalidate_tss_limit();
}

void vmx_host_put(struct lintel_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = &vcpu->vmx;
	unsigned long flags;

	if (!vmx->switched)
		return;
	local_irq_save(flags);
	put_msrs(vcpu);
	/* An exit sets these limits to 0xffff, and the TSS limit to 0x67: less than its I/O bitmap. */
	native_load_gdt(&vmx->host_gdt);
	native_load_idt(&vmx->host_idt);
	/* what invalidate_tss_limit() does for nearly all threads */
	if (unlikely(test_thread_flag(TIF_IO_BITMAP)))
		reload_tss_limit();
	else
		this_cpu_write(__tss_limit_invalid, true);
	if (unlikely(vmx->host_selectors))
		put_selectors(vmx);
	vmx->switched = false;
	local_irq_restore(flags);
}

/*
 * The host's counters stop in the guest, but for those that count guests alone: perf turns them
 * off in the host by this register.  Which of them are PEBS's may change while it stays as it is.
 */
void vmx_write_perf_ctrl(struct vmx_vcpu *vmx, u64 ctrl)
{
	bool pebs = boot_cpu_has(X86_FEATURE_PEBS);
	u64 guest = pmu_guests_only(lintel_pmu_host.all, ctrl,
				    pebs ? __rdmsr(MSR_IA32_PEBS_ENABLE) : 0);

	vmcs_write64(HOST_IA32_PERF_GLOBAL_CTRL, ctrl);
	vmcs_write64(GUEST_IA32_PERF_GLOBAL_CTRL, guest);
	vmx->host_perf_global_ctrl = guest && pebs ? PERF_CTRL_UNKNOWN : ctrl;
}
