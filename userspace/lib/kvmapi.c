// SPDX-License-Identifier: GPL-2.0-only
/*
 * One function for one ioctl, all through call(), which turns errno into a sentence with the
 * ioctl's name in it. What an error number means for one particular ioctl and what to do about it
 * is said here only where the cause is known for sure: the opening of the device.
 */
#include "kvmapi.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int call(int fd, unsigned long request, const char *name, unsigned long arg)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		return error_errno(-errno, "%s", name);
	return ret;
}

#define CALL(fd, request, arg) call(fd, request, #request, (unsigned long)(uintptr_t)(arg))

int kvmapi_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return error_set(-ENOENT, "%s: no such device; load the module (insmod lintel.ko), "
				 "or name another device with --device", path);
	if (errno == EACCES || errno == EPERM)
		return error_set(-EACCES, "%s: permission denied; run as root, or have your user "
				 "added to the group that owns it", path);
	return error_errno(-errno, "%s", path);
}

int kvmapi_get_api_version(int dev)
{
	return CALL(dev, KVM_GET_API_VERSION, 0);
}

int kvmapi_check_extension(int fd, long cap)
{
	return CALL(fd, KVM_CHECK_EXTENSION, cap);
}

int kvmapi_get_vcpu_mmap_size(int dev)
{
	return CALL(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
}

int kvmapi_get_supported_cpuid(int dev, struct kvm_cpuid2 *cpuid)
{
	return CALL(dev, KVM_GET_SUPPORTED_CPUID, cpuid);
}

int kvmapi_create_vm(int dev)
{
	return CALL(dev, KVM_CREATE_VM, 0);
}

int kvmapi_set_tss_addr(int vm, unsigned long addr)
{
	return CALL(vm, KVM_SET_TSS_ADDR, addr);
}

int kvmapi_set_identity_map_addr(int vm, __u64 addr)
{
	return CALL(vm, KVM_SET_IDENTITY_MAP_ADDR, &addr);
}

int kvmapi_create_irqchip(int vm)
{
	return CALL(vm, KVM_CREATE_IRQCHIP, 0);
}

int kvmapi_create_pit2(int vm, const struct kvm_pit_config *config)
{
	return CALL(vm, KVM_CREATE_PIT2, config);
}

int kvmapi_set_gsi_routing(int vm, const struct kvm_irq_routing *routing)
{
	return CALL(vm, KVM_SET_GSI_ROUTING, routing);
}

int kvmapi_set_user_memory_region(int vm, const struct kvm_userspace_memory_region *region)
{
	return CALL(vm, KVM_SET_USER_MEMORY_REGION, region);
}

int kvmapi_irq_line(int vm, unsigned int gsi, int level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	return CALL(vm, KVM_IRQ_LINE, &line);
}

int kvmapi_create_vcpu(int vm, unsigned long id)
{
	return CALL(vm, KVM_CREATE_VCPU, id);
}

int kvmapi_set_cpuid2(int vcpu, const struct kvm_cpuid2 *cpuid)
{
	return CALL(vcpu, KVM_SET_CPUID2, cpuid);
}

int kvmapi_get_regs(int vcpu, struct kvm_regs *regs)
{
	return CALL(vcpu, KVM_GET_REGS, regs);
}

int kvmapi_set_regs(int vcpu, const struct kvm_regs *regs)
{
	return CALL(vcpu, KVM_SET_REGS, regs);
}

int kvmapi_get_sregs(int vcpu, struct kvm_sregs *sregs)
{
	return CALL(vcpu, KVM_GET_SREGS, sregs);
}

int kvmapi_set_sregs(int vcpu, const struct kvm_sregs *sregs)
{
	return CALL(vcpu, KVM_SET_SREGS, sregs);
}

int kvmapi_set_fpu(int vcpu, const struct kvm_fpu *fpu)
{
	return CALL(vcpu, KVM_SET_FPU, fpu);
}

int kvmapi_set_msrs(int vcpu, const struct kvm_msrs *msrs)
{
	return CALL(vcpu, KVM_SET_MSRS, msrs);
}

int kvmapi_get_lapic(int vcpu, struct kvm_lapic_state *lapic)
{
	return CALL(vcpu, KVM_GET_LAPIC, lapic);
}

int kvmapi_set_lapic(int vcpu, const struct kvm_lapic_state *lapic)
{
	return CALL(vcpu, KVM_SET_LAPIC, lapic);
}

int kvmapi_run(int vcpu)
{
	if (ioctl(vcpu, KVM_RUN, 0) < 0)
		return -errno;
	return 0;
}

int kvmapi_get_stats_fd(int fd)
{
	return CALL(fd, KVM_GET_STATS_FD, 0);
}

int kvmapi_next_vm(int dev, struct lintel_vm_info *info)
{
	return CALL(dev, LINTEL_NEXT_VM, info);
}

int kvmapi_get_flight(int dev, struct lintel_flight *flight)
{
	return CALL(dev, LINTEL_GET_FLIGHT, flight);
}

int kvmapi_clear_dead(int dev)
{
	return CALL(dev, LINTEL_CLEAR_DEAD, 0);
}

int kvmapi_get_snapshot(int dev, struct lintel_snapshot *snapshot)
{
	return CALL(dev, LINTEL_GET_SNAPSHOT, snapshot);
}

int kvmapi_peek(int dev, struct lintel_peek *peek)
{
	return CALL(dev, LINTEL_PEEK, peek);
}

int kvmapi_get_vm_stats_fd(int dev, const struct lintel_vm_stats *which)
{
	return CALL(dev, LINTEL_GET_STATS_FD, which);
}

int kvmapi_explain_entry(int vcpu, struct lintel_entry_report *report)
{
	return CALL(vcpu, LINTEL_EXPLAIN_ENTRY, report);
}
