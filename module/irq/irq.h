/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt controllers: the interface of module/irq to the rest of the module.
 *
 * PIC, IOAPIC and PIT belong to the VM, a local APIC to each vCPU, all in software.  An interrupt
 * travels GSI -> routing -> PIC and IOAPIC, or MSI -> local APIC's IRR, and ends with
 * lintel_vcpu_notify_event() on the vCPU; the run loop then asks lintel_irq_pending() and takes it
 * with lintel_irq_ack() when the guest can accept one.
 *
 * Everything here may be called from any context unless said otherwise; the chips' own locks are
 * spinlocks taken with interrupts off (not raw ones: vCPUs are notified under them, and that takes
 * a wait queue's lock), except where an ioctl's sleepable context is named.
 *
 * Order at the end of a VM: lintel_irqchip_destroy() first, because the PIT's timer delivers to
 * vCPUs, then lintel_lapic_destroy() of each vCPU.
 */
#ifndef LINTEL_IRQ_IRQ_H
#define LINTEL_IRQ_IRQ_H

#include <linux/kvm.h>

#include "../types.h"

/* --- the VM's chips: ioctl context, vm->lock held, may sleep --- */

/*
 * lintel_irqchip_create - PIC pair, IOAPIC and the default GSI routing; sets vm->irqchip.
 * -EEXIST twice, -EINVAL when vCPUs exist, -ENOMEM.
 */
int lintel_irqchip_create(struct lintel_vm *vm);
/*
 * lintel_irqchip_split - KVM_CAP_SPLIT_IRQCHIP: local APICs in the kernel, PIC, IOAPIC and PIT in
 * user space.  Level-triggered messages of GSIs below @routes are those of its IOAPIC: their EOI
 * is a KVM_EXIT_IOAPIC_EOI.  -EINVAL: too many; -EEXIST: an irqchip or a vCPU exists; -ENOMEM.
 */
int lintel_irqchip_split(struct lintel_vm *vm, u64 routes);
/* lintel_irqchip_destroy - and the PIT; nothing runs any more.  Harmless when there is none. */
void lintel_irqchip_destroy(struct lintel_vm *vm);
/*
 * lintel_pit_create - KVM_CREATE_PIT2; KVM_CREATE_PIT is flags = KVM_PIT_SPEAKER_DUMMY.
 * -ENOENT without an irqchip, -EEXIST twice, -EINVAL for unknown flags.
 */
int lintel_pit_create(struct lintel_vm *vm, const struct kvm_pit_config *config);
int lintel_pit_get(struct lintel_vm *vm, struct kvm_pit_state2 *state);
int lintel_pit_set(struct lintel_vm *vm, const struct kvm_pit_state2 *state);
/* lintel_pit_reinject - KVM_REINJECT_CONTROL. */
int lintel_pit_reinject(struct lintel_vm *vm, const struct kvm_reinject_control *control);
int lintel_irqchip_get(struct lintel_vm *vm, struct kvm_irqchip *chip);
int lintel_irqchip_set(struct lintel_vm *vm, const struct kvm_irqchip *chip);
/*
 * lintel_routing_set - KVM_SET_GSI_ROUTING on a kernel copy of the entries.
 * -EINVAL: without an irqchip, too many, flags, an unknown type or pin, two pins of one chip or an
 * MSI with something else for one GSI.  -ENOMEM.
 */
int lintel_routing_set(struct lintel_vm *vm, const struct kvm_irq_routing_entry *entries,
		       unsigned int nr, unsigned int flags);

/*
 * lintel_irq_line - KVM_IRQ_LINE(_STATUS) from user space: raise or lower @gsi.
 * Returns >0 delivered, 0 coalesced, -1 ignored (masked, or a GSI that no route has), which
 * KVM_IRQ_LINE_STATUS reports as it is; -ENXIO without an irqchip.  (An unrouted GSI is no error
 * in KVM either: QEMU lowers such lines when it resets, and aborts if that fails.)
 */
int lintel_irq_line(struct lintel_vm *vm, unsigned int gsi, bool level);
/* lintel_msi_send - KVM_SIGNAL_MSI.  >0 delivered, 0 not, -EINVAL. */
int lintel_msi_send(struct lintel_vm *vm, const struct kvm_msi *msi);

/* --- eventfds: ioctl context, vm->lock held, may sleep --- */

/*
 * lintel_irqfd - KVM_IRQFD.  -EINVAL: no irqchip, unknown flags, no such GSI, no eventfd,
 * resampling without an IOAPIC; -EBADF, -EBUSY: the eventfd has a GSI already; -ENOSPC, -ENOMEM.
 */
int lintel_irqfd(struct lintel_vm *vm, const struct kvm_irqfd *args);
/* With the module. */
int lintel_irqfd_init(void);
void lintel_irqfd_exit(void);
/*
 * lintel_ioeventfd - KVM_IOEVENTFD.  -EINVAL: unknown flags, a length that no access has, a range
 * that wraps, data without a length; -EBADF; -EEXIST: a write would ring two; -ENOENT; -ENOSPC.
 */
int lintel_ioeventfd(struct lintel_vm *vm, const struct kvm_ioeventfd *args);
/* lintel_ioeventfd_destroy - with the VM; nothing runs any more. */
void lintel_ioeventfd_destroy(struct lintel_vm *vm);

/* --- the bus: exits, in the vCPU's thread --- */

/*
 * lintel_ioeventfd_write - does an eventfd take this write, to a port or to memory?  Then it was
 * signalled.  With @len 0 (and no @data) only those are asked that take any length.
 */
bool lintel_ioeventfd_write(struct lintel_vcpu *vcpu, bool pio, u64 addr, unsigned int len,
			    const void *data);

/* Might a chip take it?  PIC, PIT and the speaker's port, the PIC's trigger modes. */
static inline bool lintel_chip_port(u16 port)
{
	return (port & ~0x81) == 0x20 || (port & ~3) == 0x40 || port == 0x61 ||
	       (port & ~1) == 0x4d0;
}

/*
 * lintel_chip_pio / lintel_chip_mmio - an access by @vcpu to a chip in the kernel.
 * Returns true if a chip claimed it (and, for a read, filled @data).
 * MMIO: the local APIC page (at this vCPU's APIC base, when enabled in xAPIC mode) and the IOAPIC.
 * PIO: 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 and, with a PIT, 0x40..0x43; port 0x61 only for a PIT
 * made with KVM_PIT_SPEAKER_DUMMY, as in KVM: without it user space has that port.
 */
bool lintel_chip_pio(struct lintel_vcpu *vcpu, u16 port, unsigned int size, void *data, bool write);
bool lintel_chip_mmio(struct lintel_vcpu *vcpu, gpa_t gpa, unsigned int len, void *data,
		      bool write);

/* lintel_chip_at - lintel_chip_mmio() would claim an access at @gpa, or might. */
bool lintel_chip_at(const struct lintel_vcpu *vcpu, gpa_t gpa);

/* --- the local APIC of one vCPU --- */

/* lintel_lapic_create - with the vCPU, when the VM has an irqchip; sets vcpu->lapic.  -ENOMEM. */
int lintel_lapic_create(struct lintel_vcpu *vcpu);
void lintel_lapic_destroy(struct lintel_vcpu *vcpu);
/* lintel_lapic_map_update - a vCPU, or the id or mode of a LAPIC, is new.  May sleep. */
void lintel_lapic_map_update(struct lintel_vm *vm);
/* lintel_lapic_set_version - the version register follows IA32_MCG_CAP.  vcpu->mutex held. */
void lintel_lapic_set_version(struct lintel_vcpu *vcpu);
/* lintel_lapic_cmci - raise the interrupt for corrected machine checks.  vCPU loaded. */
void lintel_lapic_cmci(struct lintel_vcpu *vcpu);
/* lintel_lapic_pmi - a performance counter has overflowed.  Running thread. */
void lintel_lapic_pmi(struct lintel_vcpu *vcpu);
/* lintel_lapic_reset - power-up or INIT (@init) state.  Running thread or creation. */
void lintel_lapic_reset(struct lintel_vcpu *vcpu, bool init);
/* KVM_GET_LAPIC, KVM_SET_LAPIC: vcpu->mutex held.  -EINVAL for impossible bits. */
int lintel_lapic_get(struct lintel_vcpu *vcpu, struct kvm_lapic_state *state);
int lintel_lapic_set(struct lintel_vcpu *vcpu, const struct kvm_lapic_state *state);

/*
 * IA32_APIC_BASE.  set: 0, or -EINVAL (#GP) for reserved bits and illegal transitions.  Without a
 * LAPIC in the kernel (vcpu->lapic is NULL) the core keeps the value and does not call.
 */
u64 lintel_lapic_base(struct lintel_vcpu *vcpu);
int lintel_lapic_set_base(struct lintel_vcpu *vcpu, u64 base, bool host_initiated);
/* CR8: bits 7:4 of the TPR.  Running thread. */
u64 lintel_lapic_cr8(struct lintel_vcpu *vcpu);
/* lintel_lapic_tell - CR8 and IA32_APIC_BASE, as @run has them.  Running thread. */
void lintel_lapic_tell(struct lintel_vcpu *vcpu, struct kvm_run *run);
void lintel_lapic_set_cr8(struct lintel_vcpu *vcpu, u64 cr8);
/* x2APIC MSRs 0x800..0x8ff.  0, or -EINVAL (#GP): not in this mode, no register, reserved bits. */
int lintel_lapic_x2apic_read(struct lintel_vcpu *vcpu, u32 msr, u64 *value);
int lintel_lapic_x2apic_write(struct lintel_vcpu *vcpu, u32 msr, u64 value);
/* IA32_TSC_DEADLINE; 0 when the timer is not in that mode. */
u64 lintel_lapic_tsc_deadline(struct lintel_vcpu *vcpu);
void lintel_lapic_set_tsc_deadline(struct lintel_vcpu *vcpu, u64 deadline);

/*
 * lintel_irq_pending - the vector that lintel_irq_ack() would deliver now, or -1: the PIC's through
 * LINT0 as ExtINT or with the LAPIC disabled, else the LAPIC's by TPR and PPR.  Does not look at
 * RFLAGS.IF.  Running thread.
 */
int lintel_irq_pending(struct lintel_vcpu *vcpu);
/* lintel_irq_to_inject - likewise, but not what the processor delivers by itself. */
int lintel_irq_to_inject(struct lintel_vcpu *vcpu);
/* lintel_irq_ack - take it: IRR -> ISR, or the PIC's INTA cycle.  The vector, -1 if it is gone. */
int lintel_irq_ack(struct lintel_vcpu *vcpu);

/*
 * lintel_irq_eoi_vectors - the vectors whose EOI by this vCPU has to be seen: by an IOAPIC entry
 * that is level-triggered, or by somebody who waits for the end of its interrupts.  REQ_EOI_VECTORS
 * says that the answer may have changed; what a posted-interrupt descriptor holds is to be in the
 * IRR before.  Running thread.
 */
void lintel_irq_eoi_vectors(struct lintel_vcpu *vcpu, u64 bitmap[4]);
/* lintel_irq_eoi_changed - REQ_EOI_VECTORS for each vCPU, with a kick.  Any context. */
void lintel_irq_eoi_changed(struct lintel_vm *vm);

/*
 * Interrupts of a PIC in user space (KVM_INTERRUPT) with the local APIC in the kernel.
 * lintel_irq_extint: the vector waits until the guest takes it.  -ENXIO: the PIC is in the kernel;
 * -EEXIST: one waits already.  lintel_irq_extint_free: one could be given.  vcpu->mutex held.
 */
int lintel_irq_extint(struct lintel_vcpu *vcpu, u8 vector);
bool lintel_irq_extint_free(struct lintel_vcpu *vcpu);
/*
 * lintel_irq_eoi_exit - the vector whose end user space's IOAPIC has to hear of, or -1; each is
 * told once, after REQ_IOAPIC_EOI.  Running thread.
 */
int lintel_irq_eoi_exit(struct lintel_vcpu *vcpu);

/*
 * PV EOI.  lintel_lapic_eoi_private: an interrupt is in service whose end nobody else wants to see,
 * and none waits behind it; the guest may end it without an exit.  lintel_lapic_pv_eoi: it did.
 * Running thread, interrupts may be off.
 */
bool lintel_lapic_eoi_private(struct lintel_vcpu *vcpu);
void lintel_lapic_pv_eoi(struct lintel_vcpu *vcpu);

/*
 * lintel_lapic_eoi_quick - the EOI of x2APIC mode, if nobody else wants to see it; else false, and
 * nothing is done.  Running thread, interrupts may be off.
 */
bool lintel_lapic_eoi_quick(struct lintel_vcpu *vcpu);

/*
 * lintel_lapic_ipi - a message to @target alone: delivery mode and vector of @icr.  True if its
 * local APIC is there and takes such messages.  Any context.
 */
bool lintel_lapic_ipi(struct lintel_vcpu *target, u32 icr);

/* lintel_lapic_listens - it is there, and enabled by software.  Any context. */
bool lintel_lapic_listens(const struct lintel_vcpu *vcpu);

/*
 * INIT and SIPI wait in the LAPIC until the running thread takes them; REQ_INIT_SIPI tells it.
 * lintel_lapic_take_init: true once per INIT; the core resets the vCPU (INIT state) and calls
 * lintel_lapic_reset(vcpu, true).
 * lintel_lapic_take_sipi: the vector 0..255 if a SIPI arrived after the last INIT, else -1.
 */
bool lintel_lapic_take_init(struct lintel_vcpu *vcpu);
int lintel_lapic_take_sipi(struct lintel_vcpu *vcpu);
/* lintel_lapic_has_event - INIT or SIPI waits (wakes a halted or waiting vCPU).  Any context. */
bool lintel_lapic_has_event(struct lintel_vcpu *vcpu);
/*
 * lintel_lapic_timer_update - called before each entry, running thread: moves an expired timer into
 * the IRR.
 */
void lintel_lapic_timer_update(struct lintel_vcpu *vcpu);
/* lintel_lapic_timer_wait - the thread is about to wait for an event, or has waited. */
void lintel_lapic_timer_wait(struct lintel_vcpu *vcpu, bool waiting);
/* lintel_lapic_timer_tsc_moved - the guest's TSC, or the host's below it, has another value. */
void lintel_lapic_timer_tsc_moved(struct lintel_vcpu *vcpu);

/* --- virtual-APIC page and posted interrupts: running thread unless said otherwise --- */

enum lapic_place {
	LAPIC_XAPIC,		/* at the address after reset */
	LAPIC_X2APIC,
	LAPIC_ELSEWHERE,	/* moved or switched off */
};

/* What the VMCS has to be told. */
#define VAPIC_PLACE	BIT(0)
#define VAPIC_EOI_EXITS	BIT(1)
#define VAPIC_STATUS	BIT(2)
#define VAPIC_RAISED	BIT(3)	/* RVI, if it is less than the status's low half */
#define VAPIC_OFF	BIT(4)	/* alone: software delivers */
#define VAPIC_VECTOR_SHIFT	8
struct vapic_update {
	enum lapic_place place;
	bool hold;		/* with the place: see lintel_vapic_hold() */
	u64 eoi_exits[4];
	u16 status;		/* RVI in the low half, SVI in the high one */
};

/* lintel_vapic_on - virtual-interrupt delivery is used for this vCPU.  Any context. */
bool lintel_vapic_on(const struct lintel_vcpu *vcpu);
hpa_t lintel_vapic_page(const struct lintel_vcpu *vcpu);
hpa_t lintel_vapic_descriptor(const struct lintel_vcpu *vcpu);
/*
 * lintel_vapic_enter - with a LAPIC, before an entry, in the window, mode = IN_GUEST: what was
 * posted gets into the IRR.  Returns VAPIC_* bits, for which lintel_vapic_update() has the values,
 * and with VAPIC_RAISED the vector.
 */
unsigned int lintel_vapic_enter(struct lintel_vcpu *vcpu);
void lintel_vapic_update(struct lintel_vcpu *vcpu, unsigned int todo, struct vapic_update *update);
/*
 * lintel_vapic_hold - @hold: the processor delivers nothing, though it keeps the registers, until
 * this is called with false; for a debugger.  The vCPU's mutex.
 */
void lintel_vapic_hold(struct lintel_vcpu *vcpu, bool hold);
/* lintel_vapic_eoi_vectors - REQ_EOI_VECTORS was set. */
void lintel_vapic_eoi_vectors(struct lintel_vcpu *vcpu);
/* On a CPU again, with the notification vector and destination; preempted.  Preemption off. */
void lintel_vapic_load(struct lintel_vcpu *vcpu, u8 vector, u32 ndst);
void lintel_vapic_preempted(struct lintel_vcpu *vcpu);
/* The processor has written the register at @offset; it has ended @vector. */
void lintel_vapic_written(struct lintel_vcpu *vcpu, unsigned int offset);
void lintel_vapic_ended(struct lintel_vcpu *vcpu, u8 vector);
/* lintel_lapic_threshold - without it: an interrupt waits for the TPR to fall below this class. */
unsigned int lintel_lapic_threshold(struct lintel_vcpu *vcpu);

#endif
