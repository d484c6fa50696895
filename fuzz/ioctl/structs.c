// SPDX-License-Identifier: GPL-2.0-only
/*
 * The argument structures, field by field. What is not named stays as it was: zero, or what the
 * ioctl that reads the state gave.
 */
#include <linux/lintel.h>

#include "structs.h"

#define FIELDS(name, type, ...)							\
	const struct field fields_##name[] = { __VA_ARGS__ { .kind = K_END } }
#define F(type, member, kind_, arg_)						\
	{ .kind = kind_, .size = sizeof(((struct type *)0)->member),		\
	  .offset = offsetof(struct type, member), .count = 1, .arg = arg_ },
/* elements of size bytes, all over a member */
#define ARRAY(type, member, kind_, size_, arg_)					\
	{ .kind = kind_, .size = size_, .offset = offsetof(struct type, member),	\
	  .count = sizeof(((struct type *)0)->member) / (size_), .stride = size_, .arg = arg_ },

FIELDS(none, , );

#define REGION(type)								\
	F(type, slot, K_SMALL, 6) F(type, flags, K_FLAGS, 3)			\
	F(type, guest_phys_addr, K_GPA, 0) F(type, memory_size, K_BYTES, 0)	\
	F(type, userspace_addr, K_HVA, 0)

FIELDS(region, , REGION(kvm_userspace_memory_region));
FIELDS(region2, , REGION(kvm_userspace_memory_region2)
	F(kvm_userspace_memory_region2, guest_memfd, K_ZERO, 0)
	ARRAY(kvm_userspace_memory_region2, pad2, K_ZERO, 8, 0));
FIELDS(dirty, , F(kvm_dirty_log, slot, K_SMALL, 6) F(kvm_dirty_log, padding1, K_ZERO, 0)
	F(kvm_dirty_log, padding2, K_POINTER, 0));
FIELDS(clear, , F(kvm_clear_dirty_log, slot, K_SMALL, 3)
	F(kvm_clear_dirty_log, num_pages, K_MULTIPLE, 64)
	F(kvm_clear_dirty_log, first_page, K_MULTIPLE, 64)
	F(kvm_clear_dirty_log, padding2, K_POINTER, 0));
FIELDS(zone, , F(kvm_coalesced_mmio_zone, addr, K_GPA, 0)
	F(kvm_coalesced_mmio_zone, size, K_SMALL, 8192)
	F(kvm_coalesced_mmio_zone, pio, K_FLAGS, 1));
FIELDS(u64, , { .kind = K_GPA, .size = 8, .offset = 0, .count = 1 },);
FIELDS(irqchip, , F(kvm_irqchip, chip_id, K_SMALL, 3)
	ARRAY(kvm_irqchip, chip.dummy, K_FLIP, 8, 0));
FIELDS(pit_config, , F(kvm_pit_config, flags, K_FLAGS, 1)
	ARRAY(kvm_pit_config, pad, K_ZERO, 4, 0));
FIELDS(pit, , ARRAY(kvm_pit_state2, channels, K_FLIP, 8, 0)
	F(kvm_pit_state2, flags, K_FLAGS, 3));
FIELDS(reinject, , F(kvm_reinject_control, pit_reinject, K_SMALL, 2));
FIELDS(irq, , F(kvm_irq_level, irq, K_SMALL, 28) F(kvm_irq_level, level, K_SMALL, 2));
FIELDS(msi, , F(kvm_msi, address_lo, K_ANY, 0) F(kvm_msi, address_hi, K_SMALL, 2)
	F(kvm_msi, data, K_ANY, 0) F(kvm_msi, flags, K_ZERO, 0) F(kvm_msi, devid, K_ZERO, 0));
FIELDS(irqfd, , F(kvm_irqfd, fd, K_EVENT, 0) F(kvm_irqfd, gsi, K_SMALL, 28)
	F(kvm_irqfd, flags, K_FLAGS, 3) F(kvm_irqfd, resamplefd, K_EVENT, 0));
FIELDS(ioeventfd, , F(kvm_ioeventfd, datamatch, K_SMALL, 4) F(kvm_ioeventfd, addr, K_GPA, 0)
	F(kvm_ioeventfd, len, K_SMALL, 9) F(kvm_ioeventfd, fd, K_EVENT, 0)
	F(kvm_ioeventfd, flags, K_FLAGS, 0xf));
FIELDS(clock, , F(kvm_clock_data, clock, K_ANY, 0) F(kvm_clock_data, flags, K_FLAGS, 0xe)
	F(kvm_clock_data, realtime, K_ANY, 0) F(kvm_clock_data, host_tsc, K_ANY, 0));
FIELDS(cap, , F(kvm_enable_cap, cap, K_CAP, 0) F(kvm_enable_cap, flags, K_ZERO, 0)
	{ .kind = K_SMALL, .size = 8, .offset = offsetof(struct kvm_enable_cap, args),
	  .count = 1, .arg = 4 },);
FIELDS(attr, , F(kvm_device_attr, flags, K_ZERO, 0) F(kvm_device_attr, group, K_SMALL, 2)
	F(kvm_device_attr, attr, K_SMALL, 3) F(kvm_device_attr, addr, K_POINTER, 0));
FIELDS(device, , F(kvm_create_device, type, K_SMALL, 6)
	F(kvm_create_device, flags, K_ZERO, 0));
FIELDS(fpu, , ARRAY(kvm_fpu, fpr, K_FLIP, 8, 0) F(kvm_fpu, mxcsr, K_FLIP, 0)
	F(kvm_fpu, fcw, K_FLIP, 0));
FIELDS(xsave, , ARRAY(kvm_xsave, region, K_FLIP, 4, 0)
	/* MXCSR and its mask; XSTATE_BV, XCOMP_BV and what must be zero behind them */
	{ .kind = K_FLIP, .size = 4, .offset = 24, .count = 2, .stride = 4 },
	{ .kind = K_FLIP, .size = 8, .offset = 512, .count = 4, .stride = 8 },);
FIELDS(xcrs, , F(kvm_xcrs, nr_xcrs, K_SMALL, 3) F(kvm_xcrs, flags, K_ZERO, 0)
	{ .kind = K_SMALL, .size = 4, .offset = offsetof(struct kvm_xcrs, xcrs[0].xcr),
	  .count = 2, .stride = sizeof(struct kvm_xcr), .arg = 2 },
	{ .kind = K_FLIP, .size = 8, .offset = offsetof(struct kvm_xcrs, xcrs[0].value),
	  .count = 2, .stride = sizeof(struct kvm_xcr) },);
FIELDS(lapic, , ARRAY(kvm_lapic_state, regs, K_FLIP, 4, 0));
FIELDS(mp, , F(kvm_mp_state, mp_state, K_SMALL, 5));
FIELDS(events, , F(kvm_vcpu_events, exception, K_FLIP, 0)
	F(kvm_vcpu_events, exception.nr, K_SMALL, 32)
	F(kvm_vcpu_events, exception.injected, K_SMALL, 2)
	F(kvm_vcpu_events, interrupt, K_FLIP, 0) F(kvm_vcpu_events, nmi, K_FLIP, 0)
	F(kvm_vcpu_events, flags, K_FLAGS, 0x37) F(kvm_vcpu_events, sipi_vector, K_ANY, 0)
	F(kvm_vcpu_events, exception_has_payload, K_FLAGS, 1)
	F(kvm_vcpu_events, exception_payload, K_ANY, 0)
	F(kvm_vcpu_events, triple_fault, K_ZERO, 0));
FIELDS(debugregs, , ARRAY(kvm_debugregs, db, K_ANY, 8, 0) F(kvm_debugregs, dr6, K_FLIP, 0)
	F(kvm_debugregs, dr7, K_FLAGS, 0xffff2fff) F(kvm_debugregs, flags, K_ZERO, 0));
FIELDS(interrupt, , F(kvm_interrupt, irq, K_SMALL, 256));
FIELDS(mce_cap, , { .kind = K_FLAGS, .size = 8, .offset = 0, .count = 1, .arg = 0x100031f },);
FIELDS(mce, , F(kvm_x86_mce, status, K_ANY, 0) F(kvm_x86_mce, addr, K_ANY, 0)
	F(kvm_x86_mce, mcg_status, K_FLAGS, 7) F(kvm_x86_mce, bank, K_SMALL, 34));
FIELDS(vapic, , F(kvm_vapic_addr, vapic_addr, K_ZERO, 0));
FIELDS(translate, , F(kvm_translation, linear_address, K_GPA, 0));
FIELDS(prefault, , F(kvm_pre_fault_memory, gpa, K_GPA, 0)
	F(kvm_pre_fault_memory, size, K_BYTES, 0) F(kvm_pre_fault_memory, flags, K_ZERO, 0));
FIELDS(debug, , F(kvm_guest_debug, control, K_FLAGS, 0x1f0003)
	ARRAY(kvm_guest_debug, arch.debugreg, K_ANY, 8, 0));
FIELDS(report, , F(lintel_entry_report, flags, K_ZERO, 0)
	F(lintel_entry_report, reserved, K_ZERO, 0));
FIELDS(sregs2, , ARRAY(kvm_sregs2, cr0, K_FLIP, 8, 0) F(kvm_sregs2, cr3, K_GPA, 0)
	F(kvm_sregs2, cr4, K_FLIP, 0) F(kvm_sregs2, efer, K_FLIP, 0)
	F(kvm_sregs2, flags, K_FLAGS, 1) ARRAY(kvm_sregs2, pdptrs, K_GPA, 8, 0));
FIELDS(vm_info, , F(lintel_vm_info, vm, K_SMALL, 100) F(lintel_vm_info, flags, K_ZERO, 0)
	ARRAY(lintel_vm_info, reserved, K_ZERO, 8, 0));
FIELDS(old_pit, , ARRAY(kvm_pit_state, channels, K_FLIP, 8, 0));
