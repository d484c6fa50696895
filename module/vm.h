/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct lintel_vm: one virtual machine, and its lifetime.
 *
 * A VM is reference-counted: its file descriptor holds one reference and each vCPU's descriptor
 * another, so descriptors may be closed in any order.  The VM belongs to the mm of the process
 * that made it: guest memory is that process's memory, and an ioctl from another mm is refused
 * with -EIO.
 *
 * Lock legend of the fields: [I] immutable after creation, [L] vm->lock, [S] vm->slots_lock for
 * writers and vm->srcu for readers, [A] atomic, [irq] guarded inside module/irq.
 */
#ifndef LINTEL_VM_H
#define LINTEL_VM_H

#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/srcu.h>
#include <linux/xarray.h>

#include "coalesced.h"
#include "ept/ept.h"
#include "paravirt/clock.h"
#include "registry.h"
#include "types.h"

struct lintel_ioeventfds;
struct lintel_irqchip;
struct lintel_msr_filter;
struct lintel_pit;
struct lintel_pmu_filter;
struct workqueue_struct;

struct lintel_vm {
	struct kref refs;				/* [A] */
	struct lintel_identity identity;		/* [I] whose it is */
	struct list_head registered;			/* [A] under registry.c's lock */
	struct mm_struct *mm;				/* [I] mmgrab()ed: the VMM's address space */
	struct mutex lock;				/* vCPU creation, irqchip creation, VM settings */
	struct mutex slots_lock;			/* writers of memslots */
	struct srcu_struct srcu;			/* readers of memslots */
	struct srcu_struct io_srcu;			/* readers of eventfds; do not sleep */
	struct lintel_ept ept;				/* the EPT and the memory slots */

	struct xarray vcpus;				/* [L] by index; added to only, read under RCU */
	unsigned int nr_vcpus;				/* [L] grows only, smp_store_release after vcpus */

	struct lintel_irqchip *irqchip;			/* [L] set once with smp_store_release, [irq] */
	bool irqchip_split;				/* [L] before irqchip: no PIC */
	u32 split_routes;				/* [L] likewise: its IOAPIC's GSIs */
	u32 x2apic_api;					/* [A] KVM_CAP_X2APIC_API */
	struct lintel_ioeventfds __rcu *ioeventfds;	/* [L] writers, io_srcu readers */
	struct lintel_pit *pit;				/* [L] set once with smp_store_release, [irq] */
	struct page *apic_page;				/* [L] the APIC-access page: vapic.c */
	atomic_t apics_away;				/* [A] LAPICs not at the reset address */

	struct lintel_coalesced coalesced;		/* [A] its own locks */

	bool dead;					/* [A] a VMX instruction failed: nothing runs any more */
	u32 disabled_exits;				/* [L] KVM_X86_DISABLE_EXITS_*: grows only */
	u64 disabled_quirks;				/* [A] KVM_X86_QUIRK_* */
	struct lintel_msr_filter __rcu *msr_filter;	/* [L] writers; NULL: all is allowed */
	u32 user_space_msr;				/* [A] KVM_MSR_EXIT_REASON_*: user space's */
	u32 pmu_filter_number;				/* [L] writers; of the one below */
	struct lintel_pmu_filter __rcu *pmu_filter;	/* [L] writers; NULL: all is allowed */
	bool pmu_off;			/* [L] KVM_PMU_CAP_DISABLE; [I] once vCPUs exist */
	/* capabilities turned on by KVM_ENABLE_CAP, by their names */
	bool exception_payload;				/* [A] */
	bool triple_fault_event;			/* [A] */
	bool exit_on_emulation_failure;			/* [A] */
	bool bus_lock_exits;				/* [A] */
	u64 notify;			/* [L] KVM_CAP_X86_NOTIFY_VMEXIT's; [I] once vCPUs exist */
	bool hide_platform_info;			/* [A] not KVM_CAP_MSR_PLATFORM_INFO */
	u32 apic_bus_ns;				/* [L] of an APIC bus cycle; [I] once vCPUs exist */
	u32 boot_cpu_id;				/* [L] KVM_SET_BOOT_CPU_ID */
	unsigned int last_boosted;			/* [A] the index that a spinner boosted last */
	u32 max_vcpu_id;				/* [L] ids are below; 0 before the first vCPU */
	u64 halt_poll_max;				/* [A] ns; more than 32 bits: not set */
	u32 tsc_khz;					/* [L] default of new vCPUs */
	u64 tsc_start;					/* [I] the host's when the VM was made */
	struct mutex tsc_lock;				/* the three below; inside vcpu->mutex */
	u64 tsc_offset;					/* as last set by the VMM, ... */
	u32 tsc_offset_khz;				/* ... for vCPUs with this rate */
	bool tsc_offset_set;
	struct workqueue_struct *apf_wq;		/* [A] NULL until it is needed; cmpxchg */
	struct lintel_clock clock;			/* own lock: the time base of kvm-clock */
	bool has_vfio;					/* [L] ioctl/device.c */
	u32 incoherent_dma;				/* [A] its files with such DMA; changed by [L] */
	u32 mmu_pages;					/* [S] KVM_SET_NR_MMU_PAGES: likewise */
	gpa_t tss_addr;					/* [L] KVM_SET_TSS_ADDR: remembered, not needed */
	gpa_t identity_map_addr;			/* [L] KVM_SET_IDENTITY_MAP_ADDR: likewise */
};

/*
 * lintel_vm_create - make a VM for the current mm.  Process context, may sleep.
 * Returns the VM with one reference, or ERR_PTR(-ENOMEM, -EBUSY, ...).
 */
struct lintel_vm *lintel_vm_create(void);
void lintel_vm_get(struct lintel_vm *vm);
/* lintel_vm_put - drop a reference; the last one frees the VM.  May sleep. */
void lintel_vm_put(struct lintel_vm *vm);

/* lintel_vm_kill - nothing runs in this VM any more: each KVM_RUN answers -EIO.  Any context. */
void lintel_vm_kill(struct lintel_vm *vm);

/* lintel_vm_vcpu - the vCPU with index @i, or NULL.  Lock-free; vCPUs live as long as the VM. */
static inline struct lintel_vcpu *lintel_vm_vcpu(struct lintel_vm *vm, unsigned int i)
{
	return i < smp_load_acquire(&vm->nr_vcpus) ? xa_load(&vm->vcpus, i) : NULL;
}

#define for_each_vcpu(i, vcpu, vm) \
	for ((i) = 0; ((vcpu) = lintel_vm_vcpu((vm), (i))) != NULL; (i)++)

/* lintel_irqchip_in_kernel - vCPUs have a local APIC in the kernel.  Any context. */
static inline bool lintel_irqchip_in_kernel(struct lintel_vm *vm)
{
	return smp_load_acquire(&vm->irqchip) != NULL;
}

/* lintel_quirk - KVM's old behaviour @quirk (KVM_X86_QUIRK_*) is wanted.  Any context. */
static inline bool lintel_quirk(const struct lintel_vm *vm, u64 quirk)
{
	return !(READ_ONCE(vm->disabled_quirks) & quirk);
}

/* lintel_pic_in_kernel - PIC and IOAPIC too: user space injects nothing.  Any context. */
static inline bool lintel_pic_in_kernel(struct lintel_vm *vm)
{
	return lintel_irqchip_in_kernel(vm) && !vm->irqchip_split;
}

#endif
