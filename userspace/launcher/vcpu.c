// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of a vCPU before its first instruction, and its thread. The first vCPU starts as the
 * boot protocol says: long mode, or protected mode without paging for a 32-bit kernel; flat
 * segments, interrupts off, the boot parameters in RSI. The others keep the state after reset and
 * wait for INIT and SIPI, which the device delivers.
 */
#include "machine.h"

#include "../lib/error.h"
#include "../lib/kvmapi.h"
#include "boot.h"
#include "exits.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define CR0_PE		(1 << 0)
#define CR0_ET		(1 << 4)
#define CR0_NE		(1 << 5)
#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1 << 5)
#define EFER_LME	(1 << 8)
#define EFER_LMA	(1 << 10)
#define RFLAGS_ONE	(1 << 1)

#define TYPE_CODE	0xb	/* execute, read, accessed */
#define TYPE_DATA	0x3	/* read, write, accessed */
#define TYPE_TSS	0xb	/* busy */

#define FPU_CONTROL	0x37f
#define FPU_MXCSR	0x1f80

/* Local vector table of the LAPIC in its register page, and what a PC wires to its two pins. */
#define LAPIC_LINT0	0x350
#define LAPIC_LINT1	0x360
#define DELIVERY_NMI	(4 << 8)
#define DELIVERY_EXTINT	(7 << 8)

#define MSR_TSC			0x010
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_MISC_ENABLE		0x1a0
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_SYSCALL_MASK	0xc0000084
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MISC_ENABLE_FAST_STRING	1
#define MTRR_ENABLED_WRITE_BACK	(1 << 11 | 6)

static const struct { uint32_t index; uint64_t value; const char *name; } boot_msrs[] = {
	{ MSR_SYSENTER_CS, 0, "IA32_SYSENTER_CS" },
	{ MSR_SYSENTER_ESP, 0, "IA32_SYSENTER_ESP" },
	{ MSR_SYSENTER_EIP, 0, "IA32_SYSENTER_EIP" },
	{ MSR_STAR, 0, "IA32_STAR" },
	{ MSR_CSTAR, 0, "IA32_CSTAR" },
	{ MSR_KERNEL_GS_BASE, 0, "IA32_KERNEL_GS_BASE" },
	{ MSR_SYSCALL_MASK, 0, "IA32_FMASK" },
	{ MSR_LSTAR, 0, "IA32_LSTAR" },
	{ MSR_TSC, 0, "IA32_TIME_STAMP_COUNTER" },
	{ MSR_MISC_ENABLE, MISC_ENABLE_FAST_STRING, "IA32_MISC_ENABLE" },
	{ MSR_MTRR_DEF_TYPE, MTRR_ENABLED_WRITE_BACK, "IA32_MTRR_DEF_TYPE" },
};

#define BOOT_MSRS	(sizeof(boot_msrs) / sizeof(boot_msrs[0]))

static int set_msrs(struct vcpu *vcpu)
{
	char room[sizeof(struct kvm_msrs) + BOOT_MSRS * sizeof(struct kvm_msr_entry)]
		__attribute__((aligned(__alignof__(struct kvm_msrs)))) = { 0 };
	struct kvm_msrs *msrs = (struct kvm_msrs *)room;
	unsigned int i;
	int ret;

	msrs->nmsrs = BOOT_MSRS;
	for (i = 0; i < BOOT_MSRS; i++) {
		msrs->entries[i].index = boot_msrs[i].index;
		msrs->entries[i].data = boot_msrs[i].value;
	}
	ret = kvmapi_set_msrs(vcpu->fd, msrs);
	if (ret < 0)
		return ret;
	/* The result is how many were set; the first that was not is the next one. */
	if ((unsigned int)ret < BOOT_MSRS)
		return error_set(-EINVAL, "KVM_SET_MSRS: the device refused %s (%#x = %#llx)",
				 boot_msrs[ret].name, boot_msrs[ret].index,
				 (unsigned long long)boot_msrs[ret].value);
	return 0;
}

static int set_lapic_pins(struct vcpu *vcpu)
{
	struct kvm_lapic_state lapic;
	uint32_t lint0 = DELIVERY_EXTINT, lint1 = DELIVERY_NMI;
	int ret;

	ret = kvmapi_get_lapic(vcpu->fd, &lapic);
	if (ret < 0)
		return ret;
	memcpy(lapic.regs + LAPIC_LINT0, &lint0, sizeof(lint0));
	memcpy(lapic.regs + LAPIC_LINT1, &lint1, sizeof(lint1));
	return kvmapi_set_lapic(vcpu->fd, &lapic);
}

int vcpu_set_common_state(struct vcpu *vcpu)
{
	struct kvm_fpu fpu = { .fcw = FPU_CONTROL, .mxcsr = FPU_MXCSR };
	int ret;

	ret = set_msrs(vcpu);
	if (ret == 0)
		ret = kvmapi_set_fpu(vcpu->fd, &fpu);
	if (ret == 0 && !vcpu->machine->options->no_irqchip)
		ret = set_lapic_pins(vcpu);
	return ret;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.selector = selector, .type = type, .limit = 0xffffffff,
		.present = 1, .s = 1, .g = 1, .db = type == TYPE_DATA, .l = type == TYPE_CODE,
	};
}

int vcpu_set_boot_state(struct vcpu *vcpu, const struct image *image)
{
	struct kvm_regs regs = {
		.rip = image->entry, .rsi = BOOT_PARAMS, .rsp = BOOT_STACK, .rflags = RFLAGS_ONE,
	};
	struct kvm_sregs sregs;
	int ret;

	ret = kvmapi_get_sregs(vcpu->fd, &sregs);
	if (ret < 0)
		return ret;
	sregs.cs = segment(BOOT_CS, TYPE_CODE);
	sregs.ds = segment(BOOT_DS, TYPE_DATA);
	sregs.es = sregs.ds;
	sregs.ss = sregs.ds;
	sregs.fs = sregs.ds;
	sregs.gs = sregs.ds;
	sregs.tr = (struct kvm_segment){ .type = TYPE_TSS, .present = 1, .limit = 0x67 };
	sregs.ldt = (struct kvm_segment){ .unusable = 1 };
	sregs.gdt = (struct kvm_dtable){ .base = BOOT_GDT, .limit = 4 * 8 - 1 };
	/* No IDT: an exception before the kernel has its own is a triple fault, and is reported. */
	sregs.idt = (struct kvm_dtable){ .base = 0, .limit = 0 };
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE;
	sregs.cr4 = 0;
	sregs.efer = 0;
	if (image->entry32) {
		sregs.cs.l = 0;
		sregs.cs.db = 1;
	} else {
		sregs.cr0 |= CR0_PG;
		sregs.cr3 = BOOT_PML4;
		sregs.cr4 = CR4_PAE;
		sregs.efer = EFER_LME | EFER_LMA;
	}
	ret = kvmapi_set_sregs(vcpu->fd, &sregs);
	if (ret == 0)
		ret = kvmapi_set_regs(vcpu->fd, &regs);
	return ret;
}

static void wait_at_gate(struct machine *machine)
{
	pthread_mutex_lock(&machine->end_lock);
	while (!machine->started && !machine->ended)
		pthread_cond_wait(&machine->start, &machine->end_lock);
	pthread_mutex_unlock(&machine->end_lock);
}

void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct machine *machine = vcpu->machine;

	wait_at_gate(machine);
	while (!atomic_load(&machine->stopping)) {
		int ret = kvmapi_run(vcpu->fd);

		if (ret == 0) {
			exits_handle(vcpu);
		} else if (ret == -EINTR || ret == -EAGAIN) {
			/* EAGAIN: a CPU that waits for SIPI was disturbed. */
			vcpu->interrupted++;
		} else {
			exits_run_failed(vcpu, -ret);
		}
	}
	return NULL;
}
