// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of the device itself: version, capabilities, creation, CPUID and MSR lists, and what
 * bad numbers, bad pointers and wrong kinds of descriptors get.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "vm.h"

#define BAD_POINTER	((void *)8)

TEST(api_version)
{
	int dev = device_open();

	CHECK_EQ(ioctl(dev, KVM_GET_API_VERSION, 0), KVM_API_VERSION);
	CHECK_EQ(KVM_API_VERSION, 12);
	CHECK_ERRNO(ioctl(dev, KVM_GET_API_VERSION, 1L), EINVAL);
}

TEST(device_node)
{
	struct stat st;

	REQUIRE_OK(stat(device_path(), &st));
	CHECK(S_ISCHR(st.st_mode), "mode %o", st.st_mode);
	CHECK(!(st.st_mode & 07) || strstr(device_path(), "kvm"),
	      "the node is open to everybody: mode %o", st.st_mode);
}

/*
 * Numbers that no descriptor of this kind knows: one of another kind, one of KVM's type, one of
 * another type.
 */
TEST(unknown_ioctls)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	static const unsigned long none[] = {
		_IO(KVMIO, 0xff), _IOW(KVMIO, 0xfe, int), _IO('x', 1), 0, ~0U,
	};

	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		ktap_row("number 0x%lx", none[i]);
		CHECK(ioctl(vm->dev, none[i], 0) == -1 && (errno == ENOTTY || errno == EINVAL),
		      "device: errno %d", errno);
		CHECK_ERRNO(ioctl(vm->fd, none[i], 0), ENOTTY);
		CHECK(ioctl(v->fd, none[i], 0) == -1 && (errno == ENOTTY || errno == EINVAL),
		      "vCPU: errno %d", errno);
	}
}

TEST(wrong_descriptor_kinds)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_regs regs;

	CHECK(ioctl(vm->dev, KVM_RUN, 0) == -1 && (errno == ENOTTY || errno == EINVAL), "errno %d",
	      errno);
	CHECK(ioctl(vm->dev, KVM_CREATE_VCPU, 0) == -1 && (errno == ENOTTY || errno == EINVAL),
	      "errno %d", errno);
	CHECK_ERRNO(ioctl(vm->fd, KVM_RUN, 0), ENOTTY);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VM, 0), ENOTTY);
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_REGS, &regs), ENOTTY);
	CHECK(ioctl(v->fd, KVM_CREATE_VM, 0) == -1 && (errno == ENOTTY || errno == EINVAL),
	      "errno %d", errno);
	CHECK(ioctl(v->fd, KVM_CREATE_VCPU, 1) == -1 && (errno == ENOTTY || errno == EINVAL),
	      "errno %d", errno);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, vm->dev, 0) == MAP_FAILED,
	      "the device cannot be mapped");
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, vm->fd, 0) == MAP_FAILED,
	      "a VM cannot be mapped");
	close(v->fd);
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EBADF);
}

/* The capabilities that every VMM of interest asks for; value: at least. */
static const struct cap_row {
	const char *name;
	long cap;
	int least;
} caps[] = {
#define CAP(name, least) { #name, KVM_CAP_##name, least }
	CAP(USER_MEMORY, 1),
	CAP(DESTROY_MEMORY_REGION_WORKS, 1),
	CAP(JOIN_MEMORY_REGIONS_WORKS, 1),
	CAP(NR_MEMSLOTS, 32),
	CAP(NR_VCPUS, 1),
	CAP(MAX_VCPUS, 1),
	CAP(SET_TSS_ADDR, 1),
	CAP(SET_IDENTITY_MAP_ADDR, 1),
	CAP(EXT_CPUID, 1),
	CAP(HLT, 1),
	CAP(IRQCHIP, 1),
	CAP(MP_STATE, 1),
	CAP(VCPU_EVENTS, 1),
	CAP(DEBUGREGS, 1),
	CAP(XSAVE, 1),
	CAP(XCRS, 1),
	CAP(PIT2, 1),
	CAP(PIT_STATE2, 1),
	CAP(GET_TSC_KHZ, 1),
	CAP(IMMEDIATE_EXIT, 1),
	CAP(INTERNAL_ERROR_DATA, 1),
	CAP(SYNC_MMU, 1),
	CAP(READONLY_MEM, 1),
	CAP(USER_NMI, 1),
	CAP(CHECK_EXTENSION_VM, 1),
	CAP(TSC_DEADLINE_TIMER, 1),
};

TEST(capabilities)
{
	struct vm *vm = vm_create(0);

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		int value = ioctl(vm->dev, KVM_CHECK_EXTENSION, caps[i].cap);

		ktap_row("%s", caps[i].name);
		CHECK(value >= caps[i].least, "value %d, expected at least %d", value,
		      caps[i].least);
		CHECK_EQ(ioctl(vm->fd, KVM_CHECK_EXTENSION, caps[i].cap), value);
	}
	ktap_row("vCPU limits");
	CHECK(device_cap(vm->dev, KVM_CAP_MAX_VCPUS) >= device_cap(vm->dev, KVM_CAP_NR_VCPUS),
	      "maximum too small");
	ktap_row("capabilities that do not exist");
	CHECK_EQ(ioctl(vm->dev, KVM_CHECK_EXTENSION, 100000L), 0);
	CHECK_EQ(ioctl(vm->dev, KVM_CHECK_EXTENSION, -1L), 0);
	CHECK_EQ(ioctl(vm->fd, KVM_CHECK_EXTENSION, 100000L), 0);
}

TEST(create_vm_type)
{
	int dev = device_open();

	CHECK_ERRNO(ioctl(dev, KVM_CREATE_VM, 0x1000L), EINVAL);
	CHECK_ERRNO(ioctl(dev, KVM_CREATE_VM, -1L), EINVAL);
}

TEST(create_vcpu_id)
{
	struct vm *vm = vm_create(0);
	long max_id = device_cap(vm->dev, KVM_CAP_MAX_VCPU_ID);

	if (!max_id)
		max_id = device_cap(vm->dev, KVM_CAP_MAX_VCPUS);
	REQUIRE_OK(ioctl(vm->fd, KVM_CREATE_VCPU, 3L));
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 3L), EEXIST);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, max_id), EINVAL);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, -1L), EINVAL);
	CHECK_OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0L));
}

TEST(vcpu_mapping)
{
	struct vm *vm = vm_create(0);
	int fd = REQUIRE_OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0L));
	long size = REQUIRE_OK(ioctl(vm->dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	struct kvm_run *run;

	CHECK(size >= (long)sizeof(struct kvm_run) && !(size & 4095), "size %ld", size);
	CHECK_ERRNO(ioctl(vm->dev, KVM_GET_VCPU_MMAP_SIZE, 1L), EINVAL);
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(run != MAP_FAILED, "%m");
	for (long i = 0; i < size; i += 4096)
		((volatile u8 *)run)[i] |= 0;	/* every page is there */
}

TEST(supported_cpuid)
{
	int dev = device_open();
	struct cpuid c;
	u32 n;

	cpuid_supported(dev, &c);
	n = c.head.nent;
	CHECK(n > 5 && n < ARRAY_SIZE(c.entry), "%u entries", n);
	CHECK(cpuid_find(&c, 1, 0), "no leaf 1");
	for (u32 less = 0; less < n; less += n - 1) {
		c.head.nent = less;
		CHECK_ERRNO(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &c.head), E2BIG);
	}
	c.head.nent = n;
	CHECK_OK(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &c.head));
	CHECK_EQ(c.head.nent, n);
	CHECK_ERRNO(ioctl(dev, KVM_GET_SUPPORTED_CPUID, BAD_POINTER), EFAULT);
}

TEST(supported_cpuid_is_sane)
{
	int dev = device_open();
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;

	cpuid_supported(dev, &c);
	e = cpuid_find(&c, 1, 0);
	REQUIRE(e, "no leaf 1");
	CHECK(e->ecx & CPUID1_ECX_X2APIC, "x2APIC can be offered by software: ecx 0x%x", e->ecx);
	CHECK(!(e->ecx & CPUID1_ECX_MONITOR), "MONITOR is not offered: ecx 0x%x", e->ecx);
	CHECK(e->edx & CPUID1_EDX_APIC, "edx 0x%x", e->edx);
	for (u32 i = 0; i < c.head.nent; i++) {
		for (u32 k = i + 1; k < c.head.nent; k++) {
			CHECK(c.entry[i].function != c.entry[k].function ||
				      c.entry[i].index != c.entry[k].index,
			      "leaf 0x%x.%u is there twice", c.entry[i].function, c.entry[i].index);
		}
	}
}

struct msr_list {
	struct kvm_msr_list head;
	u32 index[1024];
};

static void check_list(int dev, unsigned long cmd)
{
	struct msr_list l = { .head.nmsrs = 0 };
	u32 n;

	CHECK_ERRNO(ioctl(dev, cmd, &l), E2BIG);
	n = l.head.nmsrs;
	REQUIRE(n > 0 && n <= ARRAY_SIZE(l.index), "nmsrs is %u", n);
	l.head.nmsrs = n - 1;
	CHECK_ERRNO(ioctl(dev, cmd, &l), E2BIG);
	CHECK_EQ(l.head.nmsrs, n);
	l.head.nmsrs = ARRAY_SIZE(l.index);
	CHECK_OK(ioctl(dev, cmd, &l));
	CHECK_EQ(l.head.nmsrs, n);
	CHECK_ERRNO(ioctl(dev, cmd, BAD_POINTER), EFAULT);
	for (u32 i = 0; i < n; i++) {
		for (u32 k = i + 1; k < n; k++)
			CHECK(l.head.indices[i] != l.head.indices[k], "MSR 0x%x is there twice",
			      l.head.indices[i]);
	}
}

TEST(msr_lists)
{
	int dev = device_open();

	ktap_row("KVM_GET_MSR_INDEX_LIST");
	check_list(dev, KVM_GET_MSR_INDEX_LIST);
	if (device_cap(dev, KVM_CAP_GET_MSR_FEATURES)) {
		ktap_row("KVM_GET_MSR_FEATURE_INDEX_LIST");
		check_list(dev, KVM_GET_MSR_FEATURE_INDEX_LIST);
	}
}

TEST(bad_pointers)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v = vcpu_create(vm, 0);
	static const struct { const char *name; unsigned long cmd;
	} vm_cmds[] = {
		{ "SET_USER_MEMORY_REGION", KVM_SET_USER_MEMORY_REGION }, { "IRQ_LINE", KVM_IRQ_LINE },
		{ "GET_IRQCHIP", KVM_GET_IRQCHIP }, { "SET_IRQCHIP", KVM_SET_IRQCHIP },
		{ "CREATE_PIT2", KVM_CREATE_PIT2 },
	}, vcpu_cmds[] = {
		{ "GET_REGS", KVM_GET_REGS }, { "SET_REGS", KVM_SET_REGS }, { "GET_SREGS", KVM_GET_SREGS },
		{ "SET_SREGS", KVM_SET_SREGS }, { "GET_FPU", KVM_GET_FPU }, { "SET_FPU", KVM_SET_FPU },
		{ "GET_MSRS", KVM_GET_MSRS }, { "SET_MSRS", KVM_SET_MSRS }, { "SET_CPUID2", KVM_SET_CPUID2 },
		{ "GET_LAPIC", KVM_GET_LAPIC }, { "SET_LAPIC", KVM_SET_LAPIC },
		{ "GET_MP_STATE", KVM_GET_MP_STATE }, { "SET_MP_STATE", KVM_SET_MP_STATE },
		{ "GET_VCPU_EVENTS", KVM_GET_VCPU_EVENTS }, { "SET_VCPU_EVENTS", KVM_SET_VCPU_EVENTS },
		{ "GET_DEBUGREGS", KVM_GET_DEBUGREGS }, { "SET_DEBUGREGS", KVM_SET_DEBUGREGS },
		{ "GET_XSAVE", KVM_GET_XSAVE }, { "SET_XSAVE", KVM_SET_XSAVE }, { "GET_XCRS", KVM_GET_XCRS },
		{ "SET_XCRS", KVM_SET_XCRS }, { "SET_SIGNAL_MASK", KVM_SET_SIGNAL_MASK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(vm_cmds); i++) {
		ktap_row("%s", vm_cmds[i].name);
		CHECK_ERRNO(ioctl(vm->fd, vm_cmds[i].cmd, BAD_POINTER), EFAULT);
	}
	for (size_t i = 0; i < ARRAY_SIZE(vcpu_cmds); i++) {
		ktap_row("%s", vcpu_cmds[i].name);
		CHECK_ERRNO(ioctl(v->fd, vcpu_cmds[i].cmd, BAD_POINTER), EFAULT);
	}
}

TEST(descriptors_close_on_exec)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	CHECK_EQ(fcntl(vm->fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(v->fd, F_GETFD), FD_CLOEXEC);
}

TEST(irqchip_order)
{
	struct vm *vm = vm_create(VM_IRQCHIP), *late = vm_create(0);
	struct kvm_pit_config pit = { 0 };

	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST);
	CHECK_OK(ioctl(vm->fd, KVM_CREATE_PIT2, &pit));
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_PIT2, &pit), EEXIST);
	/* Without interrupt controllers; KVM of Linux 6.1 still lets it pass. */
	CHECK(ioctl(late->fd, KVM_CREATE_PIT2, &pit) == 0 || errno == ENOENT, "errno %d", errno);
	vcpu_create(late, 0);
	CHECK_ERRNO(ioctl(late->fd, KVM_CREATE_IRQCHIP, 0), EINVAL);
}
