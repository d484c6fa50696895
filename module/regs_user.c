// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register state as user space sees it: KVM's structures, checked as a whole before anything is
 * changed.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "irq/irq.h"
#include "regs.h"
#include "vm.h"
#include "vmx/cr.h"
#include "vmx/debug.h"
#include "vmx/event.h"
#include "vmx/guest_debug.h"
#include "vmx/msr.h"
#include "vmx/ops.h"

void lintel_get_regs(struct lintel_vcpu *vcpu, struct kvm_regs *regs)
{
	lintel_reg_need(vcpu, REG_ALL);
	regs->rax = vcpu->gpr[GPR_RAX];
	regs->rbx = vcpu->gpr[GPR_RBX];
	regs->rcx = vcpu->gpr[GPR_RCX];
	regs->rdx = vcpu->gpr[GPR_RDX];
	regs->rsi = vcpu->gpr[GPR_RSI];
	regs->rdi = vcpu->gpr[GPR_RDI];
	regs->rsp = vcpu->gpr[GPR_RSP];
	regs->rbp = vcpu->gpr[GPR_RBP];
	regs->r8 = vcpu->gpr[GPR_R8];
	regs->r9 = vcpu->gpr[GPR_R9];
	regs->r10 = vcpu->gpr[GPR_R10];
	regs->r11 = vcpu->gpr[GPR_R11];
	regs->r12 = vcpu->gpr[GPR_R12];
	regs->r13 = vcpu->gpr[GPR_R13];
	regs->r14 = vcpu->gpr[GPR_R14];
	regs->r15 = vcpu->gpr[GPR_R15];
	regs->rip = vcpu->rip;
	regs->rflags = vcpu->rflags;
	if (lintel_debug_steps(vcpu))
		regs->rflags &= ~(u64)X86_EFLAGS_TF;
}

/*
 * User space puts the vCPU elsewhere: an access that it was asked for, and the instruction that
 * waits for it, are forgotten.
 */
static void forget_instruction(struct lintel_vcpu *vcpu)
{
	if (vcpu->emul)
		emulate_reset(vcpu->emul);
	memset(&vcpu->io, 0, sizeof(vcpu->io));
}

void lintel_set_regs(struct lintel_vcpu *vcpu, const struct kvm_regs *regs)
{
	if (regs->rip != lintel_rip(vcpu))
		forget_instruction(vcpu);
	vcpu->gpr[GPR_RAX] = regs->rax;
	vcpu->gpr[GPR_RBX] = regs->rbx;
	vcpu->gpr[GPR_RCX] = regs->rcx;
	vcpu->gpr[GPR_RDX] = regs->rdx;
	vcpu->gpr[GPR_RSI] = regs->rsi;
	vcpu->gpr[GPR_RDI] = regs->rdi;
	lintel_set_gpr(vcpu, GPR_RSP, regs->rsp);
	vcpu->gpr[GPR_RBP] = regs->rbp;
	vcpu->gpr[GPR_R8] = regs->r8;
	vcpu->gpr[GPR_R9] = regs->r9;
	vcpu->gpr[GPR_R10] = regs->r10;
	vcpu->gpr[GPR_R11] = regs->r11;
	vcpu->gpr[GPR_R12] = regs->r12;
	vcpu->gpr[GPR_R13] = regs->r13;
	vcpu->gpr[GPR_R14] = regs->r14;
	vcpu->gpr[GPR_R15] = regs->r15;
	lintel_set_rip(vcpu, regs->rip);
	lintel_set_rflags(vcpu, regs->rflags | X86_EFLAGS_FIXED);
	vcpu->events.exception.pending = false;
	lintel_vcpu_request(vcpu, REQ_EVENT);
}

static void segment_to_user(const struct lintel_segment *s, struct kvm_segment *u)
{
	memset(u, 0, sizeof(*u));
	u->base = s->base;
	u->limit = s->limit;
	u->selector = s->selector;
	u->type = s->ar & EMULATE_AR_TYPE;
	u->s = !!(s->ar & EMULATE_AR_S);
	u->dpl = (s->ar & EMULATE_AR_DPL) >> EMULATE_AR_DPL_SHIFT;
	u->unusable = !!(s->ar & EMULATE_AR_UNUSABLE);
	u->present = (s->ar & EMULATE_AR_P) && !u->unusable;
	u->avl = !!(s->ar & EMULATE_AR_AVL);
	u->l = !!(s->ar & EMULATE_AR_L);
	u->db = !!(s->ar & EMULATE_AR_DB);
	u->g = !!(s->ar & EMULATE_AR_G);
}

static void segment_from_user(const struct kvm_segment *u, struct lintel_segment *s)
{
	s->base = u->base;
	s->limit = u->limit;
	s->selector = u->selector;
	/* of an unusable segment, too: the DPL of SS is the CPL */
	s->ar = (u->type & EMULATE_AR_TYPE) | (u->s ? EMULATE_AR_S : 0) |
		((u->dpl & 3) << EMULATE_AR_DPL_SHIFT) | (u->present ? EMULATE_AR_P : 0) |
		(u->avl ? EMULATE_AR_AVL : 0) | (u->l ? EMULATE_AR_L : 0) |
		(u->db ? EMULATE_AR_DB : 0) | (u->g ? EMULATE_AR_G : 0);
	if (u->unusable || !u->present)
		s->ar |= EMULATE_AR_UNUSABLE;
}

/* kvm_sregs names its segments; this is where each of ours is. */
static struct kvm_segment *user_segment(struct kvm_sregs *sregs, enum lintel_seg seg)
{
	struct kvm_segment *const segments[NR_SEGS] = {
		[SEG_ES] = &sregs->es, [SEG_CS] = &sregs->cs, [SEG_SS] = &sregs->ss,
		[SEG_DS] = &sregs->ds, [SEG_FS] = &sregs->fs, [SEG_GS] = &sregs->gs,
		[SEG_LDTR] = &sregs->ldt, [SEG_TR] = &sregs->tr,
	};

	return segments[seg];
}

void lintel_get_sregs(struct lintel_vcpu *vcpu, struct kvm_sregs *sregs)
{
	struct lintel_segment s;
	enum lintel_seg seg;

	memset(sregs, 0, sizeof(*sregs));
	for (seg = 0; seg < NR_SEGS; seg++) {
		lintel_get_segment(vcpu, seg, &s);
		segment_to_user(&s, user_segment(sregs, seg));
	}
	if (!vmx_window_begin(vcpu)) {
		sregs->gdt.base = vmcs_readl(GUEST_GDTR_BASE);
		sregs->gdt.limit = vmcs_read32(GUEST_GDTR_LIMIT);
		sregs->idt.base = vmcs_readl(GUEST_IDTR_BASE);
		sregs->idt.limit = vmcs_read32(GUEST_IDTR_LIMIT);
		vmx_window_end(vcpu);
	}
	sregs->cr0 = lintel_cr0(vcpu);
	sregs->cr2 = vcpu->cr2;
	sregs->cr3 = lintel_cr3(vcpu);
	sregs->cr4 = lintel_cr4(vcpu);
	sregs->cr8 = vcpu->lapic ? lintel_lapic_cr8(vcpu) : vcpu->cr8;
	sregs->efer = vcpu->efer;
	lintel_msr_get(vcpu, MSR_IA32_APICBASE, &sregs->apic_base, true);
	if (vcpu->events.interrupt.injected || vcpu->events.interrupt.pending)
		__set_bit(vcpu->events.interrupt.nr, (unsigned long *)sregs->interrupt_bitmap);
}

/* A combination of modes that no CPU can be in. */
static bool sregs_valid(struct lintel_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	if (!lintel_cr0_valid(sregs->cr0) || !lintel_efer_valid(vcpu, sregs->efer))
		return false;
	if (sregs->cr4 & vcpu->cr4_reserved)
		return false;
	if (sregs->cr8 & ~15ULL)
		return false;
	if ((sregs->efer & EFER_LME) && (sregs->cr0 & X86_CR0_PG)) {
		/* IA-32e mode */
		if (!(sregs->cr4 & X86_CR4_PAE) || !(sregs->efer & EFER_LMA))
			return false;
		if (sregs->cr3 & vcpu->guest_maxphyaddr_mask)
			return false;
	} else if ((sregs->efer & EFER_LMA) || sregs->cs.l) {
		return false;
	}
	return true;
}

/*
 * What no CPU would have loaded is not mended here: the entry fails, and says why.  One bit is, as
 * in KVM: "accessed" (of TR: "busy"), which a VMM that fills in a descriptor forgets.
 */
static void write_segments(struct lintel_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	struct kvm_sregs copy = *sregs;
	struct lintel_segment s;
	enum lintel_seg seg;

	for (seg = 0; seg < NR_SEGS; seg++) {
		segment_from_user(user_segment(&copy, seg), &s);
		if (seg != SEG_LDTR)
			s.ar |= EMULATE_AR_ACCESSED;
		lintel_set_segment(vcpu, seg, &s);
	}
}

static void write_tables(struct lintel_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	if (vmx_window_begin(vcpu))
		return;
	vmcs_writel(GUEST_GDTR_BASE, sregs->gdt.base);
	vmcs_write32(GUEST_GDTR_LIMIT, sregs->gdt.limit);
	vmcs_writel(GUEST_IDTR_BASE, sregs->idt.base);
	vmcs_write32(GUEST_IDTR_LIMIT, sregs->idt.limit);
	vmcs_writel(GUEST_CR3, sregs->cr3);
	vmx_window_end(vcpu);
}

/* Without a LAPIC in the kernel at most one interrupt waits for injection. */
static void write_interrupt_bitmap(struct lintel_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	unsigned int nr = find_first_bit((const unsigned long *)sregs->interrupt_bitmap,
					 KVM_NR_INTERRUPTS);

	if (nr >= KVM_NR_INTERRUPTS)
		return;
	vcpu->events.interrupt.pending = true;
	vcpu->events.interrupt.nr = nr;
}

static bool pae_paging(const struct kvm_sregs *sregs)
{
	return (sregs->cr0 & X86_CR0_PG) && (sregs->cr4 & X86_CR4_PAE) && !(sregs->efer & EFER_LMA);
}

static const u32 pdptr_fields[4] = { GUEST_PDPTR0, GUEST_PDPTR1, GUEST_PDPTR2, GUEST_PDPTR3 };

static int write_pdptrs(struct lintel_vcpu *vcpu, const u64 *pdptrs)
{
	int i;

	if (vmx_window_begin(vcpu))
		return -EIO;
	for (i = 0; i < 4; i++)
		vmcs_write64(pdptr_fields[i], pdptrs[i]);
	vmx_window_end(vcpu);
	return 0;
}

/* @pdptrs: NULL where they are to be read from guest memory. */
static int set_sregs(struct lintel_vcpu *vcpu, const struct kvm_sregs *sregs, const u64 *pdptrs)
{
	int ret;

	if (!sregs_valid(vcpu, sregs) || lintel_set_apic_base(vcpu, sregs->apic_base, true))
		return -EINVAL;
	if (vcpu->lapic)
		lintel_lapic_set_cr8(vcpu, sregs->cr8);
	else
		vcpu->cr8 = sregs->cr8;
	write_tables(vcpu, sregs);
	vcpu->cr2 = sregs->cr2;
	lintel_write_efer(vcpu, sregs->efer);
	lintel_write_cr4(vcpu, sregs->cr4);
	lintel_write_cr0(vcpu, sregs->cr0);
	write_segments(vcpu, sregs);
	if (pae_paging(sregs)) {
		ret = pdptrs ? write_pdptrs(vcpu, pdptrs) : lintel_load_pdptrs(vcpu, sregs->cr3);
		if (ret < 0)
			return ret;
	}
	write_interrupt_bitmap(vcpu, sregs);
	/* the bootstrap processor of a VMM that jumps straight into the kernel */
	if (vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED && !(sregs->cr0 & X86_CR0_PE) &&
	    sregs->cs.selector == 0xf000 && vcpu->id == vcpu->vm->boot_cpu_id)
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);
	lintel_vcpu_request(vcpu, REQ_EVENT);
	return vcpu->vm->dead ? -EIO : 0;
}

int lintel_set_sregs(struct lintel_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	return set_sregs(vcpu, sregs, NULL);
}

/* The second form is the first up to the bitmap, in whose place it has the PDPTEs. */
#define SREGS_COMMON	offsetof(struct kvm_sregs2, flags)
static_assert(offsetof(struct kvm_sregs, interrupt_bitmap) == SREGS_COMMON);

void lintel_get_sregs2(struct lintel_vcpu *vcpu, struct kvm_sregs2 *sregs2)
{
	struct kvm_sregs sregs;
	int i;

	lintel_get_sregs(vcpu, &sregs);
	memset(sregs2, 0, sizeof(*sregs2));
	memcpy(sregs2, &sregs, SREGS_COMMON);
	if (!pae_paging(&sregs) || vmx_window_begin(vcpu))
		return;
	for (i = 0; i < 4; i++)
		sregs2->pdptrs[i] = vmcs_read64(pdptr_fields[i]);
	vmx_window_end(vcpu);
	sregs2->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
}

int lintel_set_sregs2(struct lintel_vcpu *vcpu, const struct kvm_sregs2 *sregs2)
{
	struct kvm_sregs sregs = {};

	memcpy(&sregs, sregs2, SREGS_COMMON);
	if (sregs2->flags & ~(u64)KVM_SREGS2_FLAGS_PDPTRS_VALID)
		return -EINVAL;
	if (!sregs2->flags)
		return set_sregs(vcpu, &sregs, NULL);
	return pae_paging(&sregs) ? set_sregs(vcpu, &sregs, sregs2->pdptrs) : -EINVAL;
}

void lintel_get_debugregs(struct lintel_vcpu *vcpu, struct kvm_debugregs *regs)
{
	memset(regs, 0, sizeof(*regs));
	memcpy(regs->db, vcpu->dr, sizeof(regs->db));
	regs->dr6 = vcpu->dr6;
	regs->dr7 = vcpu->dr7;
}

int lintel_set_debugregs(struct lintel_vcpu *vcpu, const struct kvm_debugregs *regs)
{
	if (regs->flags || (regs->dr6 >> 32) || (regs->dr7 >> 32))
		return -EINVAL;
	memcpy(vcpu->dr, regs->db, sizeof(regs->db));
	vcpu->dr6 = regs->dr6;
	vcpu->dr7 = (regs->dr7 & ~0xd000ULL) | 0x400;
	return lintel_write_dr7(vcpu);
}

#define SHADOW_STATE	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

void lintel_get_vcpu_events(struct lintel_vcpu *vcpu, struct kvm_vcpu_events *events)
{
	const struct lintel_events *ev = &vcpu->events;
	u32 state = lintel_interruptibility(vcpu);

	/* a VMM that does not know of payloads reads CR2 and DR6 as registers, after this */
	if (!vcpu->vm->exception_payload)
		lintel_apply_payload(vcpu);
	memset(events, 0, sizeof(*events));
	events->exception.injected = ev->exception.injected;
	if (vcpu->vm->exception_payload) {
		events->exception.pending = ev->exception.pending;
		events->exception_has_payload = ev->exception.has_payload;
		events->exception_payload = ev->exception.payload;
		events->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	} else {
		events->exception.injected |= ev->exception.pending;
	}
	events->exception.nr = ev->exception.nr;
	events->exception.has_error_code = ev->exception.has_error;
	events->exception.error_code = ev->exception.error;
	/* what KVM_INTERRUPT queued as well: else who restores these events loses it */
	events->interrupt.injected = (ev->interrupt.injected && !ev->interrupt.soft) ||
				     ev->interrupt.pending;
	events->interrupt.nr = ev->interrupt.nr;
	events->interrupt.soft = ev->interrupt.soft && !ev->interrupt.pending;
	if (state & GUEST_INTR_STATE_STI)
		events->interrupt.shadow |= KVM_X86_SHADOW_INT_STI;
	if (state & GUEST_INTR_STATE_MOV_SS)
		events->interrupt.shadow |= KVM_X86_SHADOW_INT_MOV_SS;
	events->nmi.injected = ev->nmi.injected;
	events->nmi.pending = min(ev->nmi.pending + atomic_read(&vcpu->nmi_queued), 2);
	events->nmi.masked = !!(state & GUEST_INTR_STATE_NMI);
	events->flags |= KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	if (vcpu->vm->triple_fault_event) {
		events->triple_fault.pending = test_bit(REQ_TRIPLE_FAULT, &vcpu->requests);
		events->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
}

#define EVENT_FLAGS	(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW | \
			 KVM_VCPUEVENT_VALID_SIPI_VECTOR)

static bool events_valid(const struct lintel_vm *vm, const struct kvm_vcpu_events *events,
			 bool pending)
{
	u32 flags = EVENT_FLAGS;

	if (vm->exception_payload)
		flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	if (vm->triple_fault_event)
		flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	if (events->flags & ~flags)
		return false;
	return !(events->exception.injected || pending) ||
	       (events->exception.nr < 32 && events->exception.nr != X86_TRAP_NMI);
}

int lintel_set_vcpu_events(struct lintel_vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	struct lintel_events *ev = &vcpu->events;
	u32 state = lintel_interruptibility(vcpu) & ~GUEST_INTR_STATE_NMI;
	bool pending = (events->flags & KVM_VCPUEVENT_VALID_PAYLOAD) && events->exception.pending;
	u8 len = ev->exception.len;

	if (!events_valid(vcpu->vm, events, pending))
		return -EINVAL;

	memset(&ev->exception, 0, sizeof(ev->exception));
	ev->exception.injected = events->exception.injected && !pending;
	ev->exception.pending = pending;
	ev->exception.has_payload = pending && events->exception_has_payload;
	ev->exception.payload = events->exception_payload;
	if (events->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT)
		assign_bit(REQ_TRIPLE_FAULT, &vcpu->requests, events->triple_fault.pending);
	ev->exception.nr = events->exception.nr;
	ev->exception.has_error = events->exception.has_error_code;
	/* a VM entry refuses more; a processor has no more */
	ev->exception.error = (u16)events->exception.error_code;
	/* INT3 and INTO are traps: delivered, RIP is behind them.  A byte, unless an exit told */
	ev->exception.soft = ev->exception.nr == X86_TRAP_BP || ev->exception.nr == X86_TRAP_OF;
	ev->exception.len = ev->exception.soft && len ? len : 1;
	/* without a local APIC it waits like one of KVM_INTERRUPT, until the guest can take it */
	ev->interrupt.pending = events->interrupt.injected && !events->interrupt.soft &&
				!vcpu->lapic;
	ev->interrupt.injected = events->interrupt.injected && !ev->interrupt.pending;
	ev->interrupt.nr = events->interrupt.nr;
	ev->interrupt.soft = events->interrupt.soft;
	if (!ev->interrupt.len)
		ev->interrupt.len = 2;		/* INT n of another vCPU's */
	ev->nmi.injected = events->nmi.injected;
	if (events->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		ev->nmi.pending = min_t(u8, events->nmi.pending, 2);
		atomic_set(&vcpu->nmi_queued, 0);
	}
	if (events->nmi.masked)
		state |= GUEST_INTR_STATE_NMI;
	if (events->flags & KVM_VCPUEVENT_VALID_SHADOW) {
		state &= ~SHADOW_STATE;
		/* no processor has both; as in KVM, the one that holds back more */
		if (events->interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS)
			state |= GUEST_INTR_STATE_MOV_SS;
		else if (events->interrupt.shadow & KVM_X86_SHADOW_INT_STI)
			state |= GUEST_INTR_STATE_STI;
	}
	lintel_set_interruptibility(vcpu, state);
	lintel_vcpu_request(vcpu, REQ_EVENT);
	return 0;
}
