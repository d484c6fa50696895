/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The KVM ioctl API, one thin function for one ioctl. Each takes the descriptor it acts on and
 * returns zero or a result, or a negative errno with a sentence that names the ioctl (error.h).
 * Nothing is retried, cached or interpreted here; the structures are those of <linux/kvm.h>.
 */
#ifndef LINTEL_KVMAPI_H
#define LINTEL_KVMAPI_H

#include <linux/kvm.h>
#include <linux/lintel.h>

/* The system descriptor. */
int kvmapi_open(const char *path);
int kvmapi_get_api_version(int dev);
int kvmapi_check_extension(int fd, long cap);
int kvmapi_get_vcpu_mmap_size(int dev);
int kvmapi_get_supported_cpuid(int dev, struct kvm_cpuid2 *cpuid);
int kvmapi_create_vm(int dev);

/* The VM descriptor. */
int kvmapi_set_tss_addr(int vm, unsigned long addr);
int kvmapi_set_identity_map_addr(int vm, __u64 addr);
int kvmapi_create_irqchip(int vm);
int kvmapi_create_pit2(int vm, const struct kvm_pit_config *config);
int kvmapi_set_gsi_routing(int vm, const struct kvm_irq_routing *routing);
int kvmapi_set_user_memory_region(int vm, const struct kvm_userspace_memory_region *region);
int kvmapi_irq_line(int vm, unsigned int gsi, int level);
int kvmapi_create_vcpu(int vm, unsigned long id);

/* The vCPU descriptor. */
int kvmapi_set_cpuid2(int vcpu, const struct kvm_cpuid2 *cpuid);
int kvmapi_get_regs(int vcpu, struct kvm_regs *regs);
int kvmapi_set_regs(int vcpu, const struct kvm_regs *regs);
int kvmapi_get_sregs(int vcpu, struct kvm_sregs *sregs);
int kvmapi_set_sregs(int vcpu, const struct kvm_sregs *sregs);
int kvmapi_set_fpu(int vcpu, const struct kvm_fpu *fpu);
int kvmapi_set_msrs(int vcpu, const struct kvm_msrs *msrs);
int kvmapi_get_lapic(int vcpu, struct kvm_lapic_state *lapic);
int kvmapi_set_lapic(int vcpu, const struct kvm_lapic_state *lapic);

/*
 * Runs the guest. The hot path: returns zero or a negative errno and leaves no sentence, for -EINTR
 * is an everyday result.
 */
int kvmapi_run(int vcpu);

/* VM and vCPU descriptors. */
int kvmapi_get_stats_fd(int fd);

/* Lintel's own: which rules of VM entry the vCPU breaks. Fails on other devices. */
int kvmapi_explain_entry(int vcpu, struct lintel_entry_report *report);

/* Lintel's own, on the device: VMs from outside. uapi/linux/lintel.h says what each does. */
int kvmapi_next_vm(int dev, struct lintel_vm_info *info);
int kvmapi_get_flight(int dev, struct lintel_flight *flight);
int kvmapi_clear_dead(int dev);
int kvmapi_get_snapshot(int dev, struct lintel_snapshot *snapshot);
int kvmapi_peek(int dev, struct lintel_peek *peek);
int kvmapi_get_vm_stats_fd(int dev, const struct lintel_vm_stats *which);

#endif
