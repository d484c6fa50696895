/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the pv_* programs share: the page of kvm-clock, the hypercall instruction, the question
 * whether CPUID offers a feature, and a second vCPU that runs in a thread on a chosen CPU of the
 * host.
 */
#ifndef LINTEL_SELFTESTS_PV_H
#define LINTEL_SELFTESTS_PV_H

#include <asm/kvm_para.h>
#include <linux/kvm_para.h>
#include <pthread.h>
#include <sched.h>

#include "guest.h"
#include "vm.h"

/* The layout that a KVM guest sees (Documentation/virt/kvm/x86/msr.rst). */
struct system_time {
	u32 version;
	u32 pad0;
	u64 tsc_timestamp;
	u64 system_time;
	u32 tsc_to_system_mul;
	signed char tsc_shift;
	u8 flags;
	u8 pad[2];
} __attribute__((packed));

GINLINE u64 hypercall(u64 nr, u64 a0, u64 a1, u64 a2, u64 a3)
{
	asm volatile("vmcall" : "+a"(nr) : "b"(a0), "c"(a1), "d"(a2), "S"(a3) : "memory");
	return nr;
}

static inline bool pv_offered(int dev, unsigned int feature)
{
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;

	cpuid_supported(dev, &c);
	e = cpuid_find(&c, KVM_CPUID_FEATURES, 0);
	return e && e->eax & 1U << feature;
}

static inline void pv_require(struct vm *vm, unsigned int feature, const char *name)
{
	if (!pv_offered(vm->dev, feature))
		SKIP("CPUID does not offer %s", name);
}
#define PV_REQUIRE(vm, feature)	pv_require(vm, KVM_FEATURE_##feature, #feature)

/* The calling thread, and those it makes, stay on the host's first CPU. */
static inline void pin_to_cpu0(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	REQUIRE(!sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity: %m");
}

static void *pv_run_vcpu(void *vcpu)
{
	vcpu_finish(vcpu);
	return NULL;
}

/* A long-mode vCPU that runs `fn` to its guest_done() in a thread of its own. */
static inline pthread_t pv_start(struct vcpu *v, void (*fn)(void))
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	pthread_t thread;

	vcpu_set_long(v, fn);
	REQUIRE_OK(ioctl(v->fd, KVM_SET_MP_STATE, &runnable));
	REQUIRE(!pthread_create(&thread, NULL, pv_run_vcpu, v), "pthread_create");
	return thread;
}

#endif
