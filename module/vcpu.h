/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct lintel_vcpu: one virtual CPU, its requests, and how other contexts reach it.
 *
 * A vCPU is run by the thread that calls KVM_RUN, under vcpu->mutex.  Everything else talks to it
 * through a request bit and a kick:
 *
 *	lintel_vcpu_request(vcpu, REQ_...);	set the bit
 *	lintel_vcpu_kick(vcpu);			leave the guest, or wake from HLT
 *
 * The entry path sets mode = IN_GUEST with interrupts off, then looks at the requests; a sender
 * sets the bit, then looks at the mode.  Full barriers on both sides make one see the other, so
 * no request waits for an exit that has another cause.
 *
 * Lock legend: [I] immutable after creation, [M] vcpu->mutex (the running thread), [A] atomic or
 * READ_ONCE/WRITE_ONCE from any context, [irq] guarded inside module/irq, [cpu] with preemption
 * off by the running thread.
 */
#ifndef LINTEL_VCPU_H
#define LINTEL_VCPU_H

#include <linux/kvm.h>
#include <linux/lintel.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/signal_types.h>
#include <linux/smp.h>

#include "types.h"
#include "emulate/emulate.h"
#include "irq/posted.h"
#include "ept/ept.h"
#include "paravirt/pv.h"
#include "tsc_ratio.h"
#include "vmx/fpu.h"
#include "vmx/host.h"
#include "vmx/vmcs.h"

struct lintel_inspection;
struct lintel_lapic;
struct lintel_pmu;
struct lintel_recorder;
struct lintel_vm;

/* General-purpose registers in the order in which instructions encode them. */
enum lintel_gpr {
	GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI,
	GPR_R8, GPR_R9, GPR_R10, GPR_R11, GPR_R12, GPR_R13, GPR_R14, GPR_R15,
	NR_GPRS,
};

/* Registers that live in the VMCS and are read and written back lazily: regs.c. */
enum lintel_cached_reg {
	REG_RIP = 1,
	REG_RSP = 2,
	REG_RFLAGS = 4,
	REG_INTERRUPTIBILITY = 8,
	REG_ALL = 15,
};

/* Requests: looked at before each entry; all of them kick a running vCPU. */
enum lintel_request {
	REQ_TLB_FLUSH,		/* forget what the CPU cached of the guest's own page tables */
	REQ_EPT_FLUSH,		/* forget what it cached of this VM's EPT */
	REQ_EVENT,		/* what to inject, and the windows, are to be settled anew */
	REQ_APICV,		/* the local APIC has something for the processor to deliver */
	REQ_CLOCK,		/* write the pvclock page again */
	REQ_IOAPIC_EOI,		/* lintel_irq_eoi_exit() has something to say */
	REQ_EOI_VECTORS,	/* lintel_irq_eoi_vectors() would give something else */
	REQ_STEAL,		/* tell the guest that it runs again, and how long it did not */
	REQ_PV_EOI,		/* the guest's EOI flag could not be read in the window */
	REQ_INIT_SIPI,		/* the LAPIC holds one of them */
	REQ_DEAD,		/* the VM was killed */
	REQ_RING_FULL,		/* the dirty ring has reached its soft limit */
	REQ_TRIPLE_FAULT,	/* a fault while delivering #DF: shut down */
	REQ_DEBUG_STEP,		/* the debugger's single step is done */
	REQ_MSR_FILTER,		/* KVM_X86_SET_MSR_FILTER: the MSR bitmap is to follow */
	REQ_EXITS,		/* KVM_CAP_X86_DISABLE_EXITS and its like: likewise the controls */
	REQ_BUS_LOCK,		/* the guest has held the bus */
	REQ_FLIGHT,		/* it is to run: the recorder's memory */
	REQ_APF,		/* asynchronous page faults: the guest may have to hear something */
	REQ_APF_WAIT,		/* an absent page is on its way, and the vCPU is to wait for it */
	REQ_INSPECT,		/* somebody wants to see the vCPU's state: inspect.h */
	REQ_PMU,		/* lintel_pmu_serve(): counters have to follow, or overflowed */
};

/* Who has something to do behind each instruction that software finishes. */
enum lintel_watch {
	WATCH_STEP = 1,		/* lintel_debug_steps() */
	WATCH_COUNTERS = 2,	/* lintel_pmu_retired() */
};

/* An event that is to be injected, or whose injection an exit has cut short. */
struct lintel_events {
	struct {
		bool pending;		/* not yet tried */
		bool injected;		/* was under way: inject again as it is */
		bool has_error;
		bool has_payload;	/* payload is CR2 (#PF) or DR6 bits (#DB), not yet applied */
		bool soft;		/* INT3, INTO: needs the instruction's length */
		u8 nr;
		u8 len;			/* of the last of them that made the guest exit; 0: none */
		u32 error;
		u64 payload;
	} exception;
	struct {
		bool pending;		/* KVM_INTERRUPT without an in-kernel irqchip: waits for IF */
		bool injected;
		bool soft;
		u8 nr;
		u8 len;
	} interrupt;
	struct {
		bool injected;
		u8 pending;		/* taken over from nmi_queued */
	} nmi;
	bool stale;			/* a failed entry left the last event in its VMCS field */
};

/* A MOV between a register and memory: exit_mmio.c. */
struct lintel_mov {
	u8 size;			/* of the memory operand */
	u8 result;			/* what of the register is written; 4: all, zero-extended */
	u8 reg;
	bool high;			/* AH, CH, DH, BH */
	bool write, sign;
};

/* Port or MMIO access that user space has to finish. */
struct lintel_io_fragment {
	gpa_t gpa;
	u8 len;
	bool write;
	u8 data[8];
};

#define LINTEL_IO_FRAGMENTS	16

struct lintel_io {
	/* runs at the next KVM_RUN, before anything else; RESUME, TO_USER or -errno */
	int (*complete)(struct lintel_vcpu *vcpu);
	struct lintel_io_fragment fragment[LINTEL_IO_FRAGMENTS];
	u8 nr_fragments;	/* MMIO that the instruction in hand queued for user space */
	u8 done;		/* of those, finished by user space */
	bool reading;		/* they are reads: the instruction is restarted when all are done */
	bool pio_valid;		/* string input: kvm_run's data page holds pio_count items */
	bool pio_out;		/* string output waits in the data page */
	u8 pio_size;
	u16 pio_port;
	u32 pio_count;
	struct lintel_mov mov;	/* of a read that user space answers */
	unsigned long rip;	/* of the instruction that user space finishes */
};

/* What the last VM exit left in the VMCS, copied while it was current. */
struct lintel_exit {
	u32 reason;
	u32 intr_info;
	u32 intr_error;
	u32 instruction_len;
	u32 idt_info;
	u32 idt_error;
	u64 qualification;
	/* of EPT violations */
	int fault;		/* lintel_ept_fault() in the window; EPT_FIXED: was not asked */
	u64 guest_linear;
	gpa_t gpa;
	unsigned long cr3;
	u32 cs_ar, ss_ar;
	u32 instruction_error;	/* of a VM entry that failed before the guest state was loaded */
};

#define LINTEL_NR_EXIT_REASONS	80
#define LINTEL_TIMER_NEVER	U64_MAX

struct lintel_vcpu_stats {
	u64 exits;
	u64 exits_by_reason[LINTEL_NR_EXIT_REASONS];
	u64 exits_to_user;
	u64 emulated;
	u64 injected_irqs;
	u64 injected_nmis;
	u64 injected_exceptions;
	u64 halts;
	u64 halt_wakeups;
	u64 halt_attempted_poll;
	u64 halt_successful_poll;
	u64 halt_poll_success_ns;
	u64 halt_poll_fail_ns;
	u64 halt_wait_ns;
	u64 directed_yield_attempted;
	u64 directed_yield_successful;
	u64 pv_eois;		/* interrupts that the guest ended by a store */
	u64 pv_tlb_flushes;	/* asked for while the vCPU was preempted */
	u64 apf_not_present;	/* absent pages that the guest was told of, ... */
	u64 apf_ready;		/* ... and those it was told had come */
	u64 apf_waits;		/* absent pages that the vCPU waited for as in HLT */
	u64 ept_faults;
	u64 tlb_flushes;	/* requests of either kind that were served */
	u64 invepts;		/* instructions that it took */
	u64 invvpids;
};

struct lintel_vcpu {
	/* --- touched at every exit: keep together --- */
	unsigned long gpr[NR_GPRS];			/* [M] RSP is loaded from the VMCS with rip */
	unsigned long rip, rflags;			/* [M] valid where reg_cached says so */
	u32 interruptibility;				/* [M] likewise: STI, MOV-SS, NMI blocking */
	u32 reg_cached, reg_dirty;			/* [M] bits of enum lintel_cached_reg */
	unsigned long cr2;				/* [M] */
	unsigned long host_rsp;				/* [M] what HOST_RSP holds */
	u64 timer_tsc;		/* [M] the host's TSC at which the LAPIC's timer is due, or NEVER */
	struct vmcs_handle vmcs;			/* [M]+[cpu] */
	struct vmx_vcpu vmx;				/* [M]+[cpu] */
	unsigned long requests;				/* [A] bits of enum lintel_request */
	int mode;					/* [A] enum lintel_vcpu_mode */
	int cpu;					/* [A] where it is loaded, -1: nowhere */
	int notified_cpu;				/* [cpu] whom posts notify, -1: none */
	struct lintel_vm *vm;				/* [I] holds no reference: vCPUs die with it */
	struct kvm_run *run;				/* [I] first page of the mapping; user-writable! */
	void *pio_data;					/* [I] at its end: LINTEL_PIO_OFFSET */
	struct page *second_page;			/* [A] of the mapping, once touched */
	struct lintel_lapic *lapic;			/* [I] NULL without an in-kernel irqchip */
	struct lintel_exit exit;			/* [M] */
	struct lintel_recorder *flight;			/* [A] flight.h says who writes it */
	struct lintel_flight_exit *flight_slot;		/* [M] of the last exit */
	u64 flight_entered;				/* [M] the exit answered last */
	u32 flight_entry_error;				/* [M] of the last such entry, or 0 */
	struct lintel_ring ring;			/* [M]+[A] ept.h says which */

	/* --- control and system registers the VMCS does not hold, or holds in part --- */
	unsigned long cr0, cr4;				/* [M] as the guest sees them, TS and owned bits aside */
	u64 efer;					/* [M] as the guest sees it */
	u64 xcr0;					/* [M] */
	u64 cr8;					/* [M] without a LAPIC in the kernel */
	u64 apic_base;					/* [M] likewise */
	unsigned long dr[4], dr6, dr7;			/* [M] */
	u64 msr_star, msr_lstar, msr_cstar, msr_sfmask;	/* [M] while not loaded into the CPU */
	u64 msr_kernel_gs_base, msr_tsc_aux;		/* [M] likewise */
	u64 msr_misc_enable, msr_pat, msr_power_ctl;			/* [M] */
	u64 mtrr_def_type, mtrr_fixed[11], mtrr_var[16];/* [M] stored; the EPT's type is write-back */
	u64 ucode_rev;					/* [M] */
	u64 msr_hwcr;					/* [M] */
	u64 msr_platform_info;				/* [M] */
	u64 msr_arch_capabilities;			/* [M] */
	u64 mcg_cap, mcg_status, mcg_ctl;		/* [M] */
	u64 mce_banks[4 * 32], mce_ctl2[32];		/* [M] */
	u64 tsc_offset;					/* [M] guest TSC = scaled host TSC + this */
	u64 tsc_ratio;					/* [M] the scale: tsc_ratio.h */
	u32 tsc_khz;					/* [M] */
	u64 tsc_adjust;					/* [M] */

	struct lintel_events events;			/* [M] */
	atomic_t nmi_queued;				/* [A] NMIs sent and not yet taken */
	u32 mp_state;					/* [M] KVM_MP_STATE_*; changed by others through the LAPIC */
	struct lintel_io io;				/* [M] */
	struct lintel_slot_hint slot_hint;		/* [M] the memory slot that faulted last */
	struct lintel_mmio_hint mmio_hint;		/* [M] the page without one that did */

	struct emulate_ctxt *emul;			/* [M] NULL before its first use */
	struct lintel_fetch fetch;			/* [M] */
	struct guest_fpu fpu;				/* [M]+[cpu] */

	struct kvm_cpuid_entry2 *cpuid;			/* [M] KVM_SET_CPUID2 */
	unsigned int cpuid_nent;			/* [M] */
	const struct cpuid_index *cpuid_index;		/* [M] behind the entries, NULL: none */
	bool ran;					/* [M] KVM_RUN got as far as the guest */
	bool full_width_writes;				/* [M] IA32_PERF_CAPABILITIES, bit 13 */
	u64 guest_maxphyaddr_mask;			/* [M] bits of a physical address beyond MAXPHYADDR */
	u64 cr4_reserved;				/* [M] bits that this guest's CPUID does not allow */
	u64 xcr0_allowed;				/* [M] */

	struct {
		u32 control;				/* [M] KVM_GUESTDBG_*; 0: nobody debugs */
		u32 watched;				/* [M] bits of enum lintel_watch */
		unsigned long dr[4], dr7;		/* [M] its breakpoints */
	} debug;

	struct {
		u64 system_time_msr;			/* [M] MSR_KVM_SYSTEM_TIME_NEW */
		u64 wall_clock_msr;			/* [M] MSR_KVM_WALL_CLOCK_NEW */
		bool paused;				/* [M] KVM_KVMCLOCK_CTRL: tell the guest */
	} pvclock;

	struct lintel_pv pv;				/* [M], [cpu] and [A], by member */
	struct lintel_pmu *pmu;				/* [M] NULL: the guest has no counters */

	/* --- the thread that runs it --- */
	struct pid __rcu *pid;				/* [M] who ran it last; read under RCU */
	bool ready;					/* [A] preempted, or woken: wants a CPU */
	bool spinning;					/* [A] in lintel_yield_on_spin() */
	struct mutex mutex;				/* one ioctl at a time; KVM_RUN holds it throughout */
	struct preempt_notifier preempt_notifier;	/* [M] */
	struct task_struct *thread;			/* [A] that has loaded it, or NULL */
	struct lintel_inspection *inspection;		/* [A] waits for REQ_INSPECT; xchg */
	struct rcuwait wait;				/* [A] HLT waits here */
	u32 halt_window;				/* [M] ns that the next HLT polls first */
	u32 id;						/* [I] KVM_CREATE_VCPU's argument: the APIC id */
	u32 index;					/* [I] into vm->vcpus */
	bool sigset_active;				/* [M] KVM_SET_SIGNAL_MASK */
	sigset_t sigset;				/* [M] */
	struct lintel_flight_exit flight_scrap;		/* [M] flight_slot without a recorder */
	struct lintel_vcpu_stats stats;			/* [M] written by the running thread only */
};

/*
 * lintel_vcpu_request - set a request bit.  Any context.
 * A request alone does not make a running guest exit: lintel_vcpu_kick() does.
 */
static inline void lintel_vcpu_request(struct lintel_vcpu *vcpu, enum lintel_request req)
{
	set_bit(req, &vcpu->requests);
	smp_mb__after_atomic();
}

/* lintel_vcpu_watch - @who has something to do, or no more.  vcpu->mutex held. */
static inline void lintel_vcpu_watch(struct lintel_vcpu *vcpu, enum lintel_watch who, bool on)
{
	vcpu->debug.watched = on ? vcpu->debug.watched | who : vcpu->debug.watched & ~who;
}

/*
 * lintel_vcpu_kick - make the vCPU look at its requests soon: an IPI if it is in the guest, a wake-up
 * if it waits in HLT.  Any context, hard interrupt included; does not wait.
 */
void lintel_vcpu_kick(struct lintel_vcpu *vcpu);

/* lintel_vcpu_notify_event - REQ_EVENT and a kick: an interrupt may be deliverable.  Any context. */
void lintel_vcpu_notify_event(struct lintel_vcpu *vcpu);

/* lintel_vcpu_notify_posted - a vector was posted, and pi_post() says: notify.  Any context. */
void lintel_vcpu_notify_posted(struct lintel_vcpu *vcpu);

/*
 * lintel_vcpu_is_own - the caller is the vCPU's thread, not an interrupt on top of it, and has the
 * vCPU loaded: so the guest does not run, and what is said to it needs no kick.
 */
static inline bool lintel_vcpu_is_own(const struct lintel_vcpu *vcpu)
{
	return in_task() && READ_ONCE(vcpu->thread) == current;
}

/* lintel_vcpu_queue_nmi - one NMI for this vCPU.  Any context. */
void lintel_vcpu_queue_nmi(struct lintel_vcpu *vcpu);

/* lintel_vcpu_guest_tsc - the guest's TSC at host TSC @host_tsc.  Any context. */
static inline u64 lintel_vcpu_guest_tsc(const struct lintel_vcpu *vcpu, u64 host_tsc)
{
	return tsc_scale(host_tsc, READ_ONCE(vcpu->tsc_ratio)) + READ_ONCE(vcpu->tsc_offset);
}

/*
 * lintel_vcpu_load - bind the vCPU to this CPU until lintel_vcpu_put(), following the thread when
 * it is preempted.  vcpu->mutex held; may sleep.
 */
void lintel_vcpu_load(struct lintel_vcpu *vcpu);
void lintel_vcpu_put(struct lintel_vcpu *vcpu);

#endif
