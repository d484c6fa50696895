// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments that cannot be copied: each ioctl with a structure gets a pointer to nothing, to the
 * kernel, to a page that ends within the structure, and, where it answers, to a page that cannot be
 * written. All are EFAULT, and the VM runs on.
 */
#include "guest.h"
#include "vm.h"

#define PAGE	4096UL

enum { ON_DEVICE, ON_VM, ON_VCPU };

struct row {
	unsigned int on;
	unsigned long cmd;
	const char *name;
	unsigned int size;	/* of what is copied in any case; 0: the ioctl's number says it */
};

#define ROW(on, cmd)		{ on, cmd, #cmd, 0 }
#define ROW_N(on, cmd, size)	{ on, cmd, #cmd, size }

static const struct row rows[] = {
	ROW_N(ON_DEVICE, KVM_GET_MSR_INDEX_LIST, 4),
	ROW_N(ON_DEVICE, KVM_GET_MSR_FEATURE_INDEX_LIST, 4),
	ROW_N(ON_DEVICE, KVM_GET_MSRS, 4),
	ROW_N(ON_DEVICE, KVM_GET_SUPPORTED_CPUID, 4),
	ROW_N(ON_DEVICE, KVM_GET_EMULATED_CPUID, 4),
	ROW(ON_DEVICE, KVM_X86_GET_MCE_CAP_SUPPORTED),
	ROW(ON_VM, KVM_ENABLE_CAP),
	ROW(ON_VM, KVM_SET_USER_MEMORY_REGION),
	ROW(ON_VM, KVM_GET_DIRTY_LOG),
	ROW(ON_VM, KVM_CLEAR_DIRTY_LOG),
	ROW(ON_VM, KVM_REGISTER_COALESCED_MMIO),
	ROW(ON_VM, KVM_UNREGISTER_COALESCED_MMIO),
	ROW(ON_VM, KVM_GET_IRQCHIP),
	ROW(ON_VM, KVM_SET_IRQCHIP),
	ROW(ON_VM, KVM_GET_PIT2),
	ROW(ON_VM, KVM_SET_PIT2),
	ROW_N(ON_VM, KVM_REINJECT_CONTROL, sizeof(struct kvm_reinject_control)),
	ROW(ON_VM, KVM_IRQ_LINE),
	ROW(ON_VM, KVM_IRQ_LINE_STATUS),
	ROW(ON_VM, KVM_SET_GSI_ROUTING),
	ROW(ON_VM, KVM_SIGNAL_MSI),
	ROW(ON_VM, KVM_IRQFD),
	ROW(ON_VM, KVM_IOEVENTFD),
	ROW(ON_VM, KVM_GET_CLOCK),
	ROW(ON_VM, KVM_SET_CLOCK),
	ROW(ON_VM, KVM_X86_SET_MSR_FILTER),
	ROW(ON_VCPU, KVM_GET_REGS),
	ROW(ON_VCPU, KVM_SET_REGS),
	ROW(ON_VCPU, KVM_GET_SREGS),
	ROW(ON_VCPU, KVM_SET_SREGS),
	ROW(ON_VCPU, KVM_SET_GUEST_DEBUG),
	ROW(ON_VCPU, KVM_GET_FPU),
	ROW(ON_VCPU, KVM_SET_FPU),
	ROW(ON_VCPU, KVM_GET_XSAVE),
	ROW(ON_VCPU, KVM_SET_XSAVE),
	ROW(ON_VCPU, KVM_GET_XCRS),
	ROW(ON_VCPU, KVM_SET_XCRS),
	ROW_N(ON_VCPU, KVM_GET_MSRS, 4),
	ROW_N(ON_VCPU, KVM_SET_MSRS, 4),
	ROW(ON_VCPU, KVM_GET_LAPIC),
	ROW(ON_VCPU, KVM_SET_LAPIC),
	ROW_N(ON_VCPU, KVM_SET_CPUID2, 4),
	ROW_N(ON_VCPU, KVM_GET_CPUID2, 4),
	ROW(ON_VCPU, KVM_GET_MP_STATE),
	ROW(ON_VCPU, KVM_SET_MP_STATE),
	ROW(ON_VCPU, KVM_GET_VCPU_EVENTS),
	ROW(ON_VCPU, KVM_SET_VCPU_EVENTS),
	ROW(ON_VCPU, KVM_GET_DEBUGREGS),
	ROW(ON_VCPU, KVM_SET_DEBUGREGS),
	ROW(ON_VCPU, KVM_INTERRUPT),
	ROW_N(ON_VCPU, KVM_SET_SIGNAL_MASK, 4),
	ROW(ON_VCPU, KVM_X86_SETUP_MCE),
	ROW(ON_VCPU, KVM_X86_SET_MCE),
	ROW(ON_VCPU, KVM_TRANSLATE),
};

GUEST_CODE static void guest_works(void)
{
	for (;;) {
		*(volatile u64 *)GPA_HIGH += 1;
		guest_sync(1);
	}
}

struct place {
	struct vm *vm;
	struct vcpu *v;
	u8 *pages;	/* one that can be written, one that can be read, one of nothing */
	unsigned int calls;
};

static void expect_fault(struct place *p, const struct row *row, void *arg, const char *what)
{
	int fd = row->on == ON_DEVICE ? p->vm->dev : row->on == ON_VM ? p->vm->fd : p->v->fd;

	ktap_row("%s, %s", row->name, what);
	p->calls++;
	errno = 0;
	CHECK(ioctl(fd, row->cmd, arg) == -1 && errno == EFAULT, "errno %d", errno);
}

static void try_row(struct place *p, const struct row *row)
{
	unsigned int size = row->size ? row->size : _IOC_SIZE(row->cmd), cut;
	u8 *end = p->pages + 2 * PAGE;

	if (row->cmd != KVM_SET_SIGNAL_MASK)	/* there it is an answer */
		expect_fault(p, row, NULL, "NULL");
	expect_fault(p, row, (void *)0xffff888000000000UL, "the kernel's");
	expect_fault(p, row, (void *)0x4000000000000000UL, "not canonical");
	expect_fault(p, row, p->pages + 2 * PAGE, "nothing");
	for (cut = 1; cut < size; cut += cut < 8 ? 1 : 61)
		expect_fault(p, row, end - size + cut, "cut off");
	if (row->on == ON_VCPU && _IOC_DIR(row->cmd) == _IOC_READ)
		expect_fault(p, row, p->pages + PAGE, "read-only");
}

TEST_SLOW(every_structure, 3)
{
	struct place p = { .vm = vm_create(VM_PIT) };

	p.v = vcpu_create(p.vm, 0);
	p.pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(p.pages != MAP_FAILED, "mmap: %m");
	REQUIRE_OK(mprotect(p.pages + PAGE, PAGE, PROT_READ));
	REQUIRE_OK(munmap(p.pages + 2 * PAGE, PAGE));
	vcpu_set_long(p.v, guest_works);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		try_row(&p, &rows[i]);
		vcpu_expect_sync(p.v, 1);
	}
	CHECK_EQ(*(u64 *)(p.vm->mem + GPA_HIGH), ARRAY_SIZE(rows));
	ktap_row("at the end");
	ktap_note("%zu ioctls, %u calls", ARRAY_SIZE(rows), p.calls);
}
