/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual machines for the tests: the device, a VM with 4 MiB of memory at 0, vCPUs in one of
 * three states (real mode, 32-bit protected mode without paging, 64-bit long mode with everything
 * layout.h names), and the run loop.
 *
 * Everything here ends the test with a message when it fails; a test that wants to see a call fail
 * makes it itself, on the descriptors in the structures.
 */
#ifndef LINTEL_SELFTESTS_VM_H
#define LINTEL_SELFTESTS_VM_H

#include <linux/kvm.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "layout.h"
#include "x86.h"

#define MAX_VCPUS	8

struct vm {
	int dev;
	int fd;
	u8 *mem;
	size_t mem_size;
};

struct vcpu {
	struct vm *vm;
	int fd;
	unsigned int id;
	struct kvm_run *run;
	size_t run_size;
	u32 value;		/* of the last PORT_SYNC or PORT_PRINT */
};

struct cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[128];
};

/* What vcpu_next() gives besides KVM_EXIT_*. */
enum { RUN_SYNC = 0x1000, RUN_DONE };

#define VM_IRQCHIP	1
#define VM_PIT		2	/* includes the interrupt controllers */
#define VM_SPLIT	4	/* local APICs alone, KVM_CAP_SPLIT_IRQCHIP with 24 routes */

const char *device_path(void);
int device_open(void);
int device_cap(int fd, long cap);
void require_cap(int fd, long cap, const char *name);
#define REQUIRE_CAP(fd, cap)	require_cap(fd, cap, #cap)

struct vm *vm_create(unsigned int flags);
void vm_set_region(struct vm *vm, u32 slot, u32 flags, u64 gpa, u64 size, void *host);
void vm_destroy(struct vm *vm);
void *gpa_ptr(struct vm *vm, u64 gpa, size_t len);
volatile struct guest_shared *vm_shared(struct vm *vm);
u64 guest_addr(const void *host_addr);

struct vcpu *vcpu_create(struct vm *vm, unsigned int id);
void vcpu_destroy(struct vcpu *v);
void cpuid_supported(int dev, struct cpuid *c);
struct kvm_cpuid_entry2 *cpuid_find(struct cpuid *c, u32 leaf, u32 sub);

/* Ready to run: code at GPA_REAL, or a guest function with two arguments. */
void vcpu_set_real(struct vcpu *v, const void *code, const void *code_end);
void vcpu_set_protected(struct vcpu *v, const void *code, const void *code_end);
void vcpu_set_long(struct vcpu *v, void (*fn)(void));
void vcpu_set_args(struct vcpu *v, u64 rdi, u64 rsi);
void vcpu_get_regs(struct vcpu *v, struct kvm_regs *regs);
void vcpu_set_regs(struct vcpu *v, const struct kvm_regs *regs);
void vcpu_get_sregs(struct vcpu *v, struct kvm_sregs *sregs);
void vcpu_set_sregs(struct vcpu *v, const struct kvm_sregs *sregs);
/* The argument of KVM_GET_MSRS and KVM_SET_MSRS for one register. */
struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

u64 vcpu_get_msr(struct vcpu *v, u32 index);
void vcpu_set_msr(struct vcpu *v, u32 index, u64 value);
void vcpu_dump(struct vcpu *v);

int vcpu_run(struct vcpu *v);				/* one KVM_RUN; its exit reason */
int vcpu_event(struct vcpu *v);				/* what the exit at hand is, for the test */
int vcpu_next(struct vcpu *v);				/* to the next event, see the enum above */
void vcpu_expect(struct vcpu *v, int event);		/* which must be this one */
void vcpu_expect_sync(struct vcpu *v, u32 value);
void vcpu_finish(struct vcpu *v);			/* to the guest's end */
const char *exit_name(int reason);

void vm_irq_line(struct vm *vm, u32 gsi, int level);

/*
 * Real-mode and 32-bit code as text: RM_CODE(name, "mov ...") defines name_start and name_end. It
 * is assembled for address 0, so absolute addresses inside it must be formed from GPA_REAL.
 */
#define CODE_BLOB(name, mode, text)						\
	extern const u8 name##_start[], name##_end[];				\
	asm(".pushsection .rodata\n" mode "\n" #name "_start:\n" text "\n"	\
	    #name "_end:\n.code64\n.popsection\n")
#define RM_CODE(name, text)	CODE_BLOB(name, ".code16", text)
#define PM_CODE(name, text)	CODE_BLOB(name, ".code32", text)
#define CODE(name)		name##_start, name##_end

#endif
