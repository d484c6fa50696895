// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-clock.
 *
 * The guest computes  time = system_time + (TSC - tsc_timestamp) * mul / 2^(32 - shift)  from a
 * page that the host writes.  Which host clock does it follow?  The raw monotonic one: it runs
 * at the TSC's own rate, as the page does between two updates, so an update never makes a step.
 * A clock that NTP steers would: at each update the guest would jump by what the steering added
 * up to. Time that the host slept is added, as CLOCK_BOOTTIME has it.
 *
 * With a stable TSC there is one base (host TSC, nanoseconds) per VM, taken when the VM is
 * made, and everything is computed from it with the same multiplication the guest does: the
 * pages of all vCPUs and KVM_GET_CLOCK agree to the nanosecond, and a page written again says
 * what it said before. The guest may then trust the clock across vCPUs
 * (PVCLOCK_TSC_STABLE_BIT).  Without a stable TSC each update takes a pair of its own, the flag
 * stays off, and the guest makes time monotonic.
 *
 * Where the guest's TSC is scaled, its factor is made from the host's rate and that scale, exact to
 * 32 bits: what it computes may differ from the base's arithmetic by 0.25 ns in a second.
 */
#include "clock.h"

#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>
#include <asm/cpufeature.h>
#include <asm/kvm_para.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>

#include "../compat.h"
#include "../ept/ept.h"
#include "../vcpu.h"
#include "../vm.h"
#include "rate.h"

bool lintel_clock_stable(void)
{
	return boot_cpu_has(X86_FEATURE_CONSTANT_TSC) && !check_tsc_unstable();
}

/* CLOCK_MONOTONIC_RAW and the time the host slept. */
static s64 host_ns(void)
{
	return ktime_get_raw_ns() + ktime_to_ns(ktime_mono_to_any(0, TK_OFFS_BOOT));
}

/* Both clocks at one moment: the TSC before and after, and the middle of the two. */
static struct clock_pair read_pair(void)
{
	struct clock_pair pair;
	unsigned long flags;
	u64 before;

	local_irq_save(flags);
	before = rdtsc_ordered();
	pair.ns = host_ns();
	pair.tsc = before + (rdtsc_ordered() - before) / 2;
	local_irq_restore(flags);
	return pair;
}

/* A later moment by the base's arithmetic. */
static s64 base_ns_at(const struct clock_pair *base, u64 tsc)
{
	u32 mul;
	s8 shift;

	clock_rate(tsc_khz, &mul, &shift);
	return base->ns + clock_ticks_to_ns(tsc > base->tsc ? tsc - base->tsc : 0, mul, shift);
}

/* The pair to count from now: the VM's, or a fresh one.  clock->lock held. */
static struct clock_pair current_base(const struct lintel_clock *clock)
{
	return lintel_clock_stable() ? clock->base : read_pair();
}

void lintel_clock_init(struct lintel_vm *vm)
{
	struct lintel_clock *clock = &vm->clock;

	spin_lock_init(&clock->lock);
	clock->base = read_pair();
	clock->offset = -clock->base.ns;
}

static void request_all(struct lintel_vm *vm)
{
	struct lintel_vcpu *vcpu;
	unsigned int i;

	for_each_vcpu(i, vcpu, vm) {
		lintel_vcpu_request(vcpu, REQ_CLOCK);
		lintel_vcpu_kick(vcpu);
	}
}

/* The VM's clock now, and the host TSC it belongs to.  clock->lock held. */
static s64 clock_now(const struct lintel_clock *clock, u64 *host_tsc)
{
	struct clock_pair base = current_base(clock);

	*host_tsc = lintel_clock_stable() ? rdtsc_ordered() : base.tsc;
	return base_ns_at(&base, *host_tsc) + clock->offset;
}

/*
 * Both structures are read by the guest while they change: an odd version says that they do.  A
 * page at an address without memory is the guest's mistake; it then has no clock, and nothing
 * else breaks.
 */
static int write_versioned(struct lintel_vm *vm, gpa_t gpa, void *data, size_t len, u32 version)
{
	u32 odd = version - 1;
	int ret;

	ret = lintel_guest_write(vm, gpa, &odd, sizeof(odd));
	if (ret)
		return ret;
	smp_wmb();
	ret = lintel_guest_write(vm, gpa + sizeof(u32), data + sizeof(u32), len - sizeof(u32));
	if (ret)
		return ret;
	smp_wmb();
	return lintel_guest_write(vm, gpa, &version, sizeof(version));
}

/* The next even version after what stands in memory. */
static u32 next_version(u32 found)
{
	return (found | 1) + 1;
}

static void write_wall_clock(struct lintel_vcpu *vcpu, gpa_t gpa)
{
	struct pvclock_wall_clock wall = {};
	struct lintel_vm *vm = vcpu->vm;
	u32 found, nsec;
	u64 tsc, at_zero;

	if (lintel_guest_read(vm, gpa, &found, sizeof(found)))
		return;
	spin_lock(&vm->clock.lock);
	at_zero = ktime_get_real_ns() - clock_now(&vm->clock, &tsc);
	spin_unlock(&vm->clock.lock);
	/* The ABI has 32 bits of seconds since 1970. */
	wall.sec = (u32)div_u64_rem(at_zero, NSEC_PER_SEC, &nsec);
	wall.nsec = nsec;
	write_versioned(vm, gpa, &wall, sizeof(wall), next_version(found));
}

void lintel_clock_update(struct lintel_vcpu *vcpu)
{
	struct pvclock_vcpu_time_info info = {}, found;
	u64 msr = vcpu->pvclock.system_time_msr;
	struct lintel_vm *vm = vcpu->vm;
	gpa_t gpa = msr & ~(u64)KVM_MSR_ENABLED;
	struct clock_pair base;
	u32 mul;
	s8 shift;

	if (!(msr & KVM_MSR_ENABLED))
		return;
	if (lintel_guest_read(vm, gpa, &found, sizeof(found)))
		return;

	spin_lock(&vm->clock.lock);
	base = current_base(&vm->clock);
	info.system_time = base.ns + vm->clock.offset;
	spin_unlock(&vm->clock.lock);

	clock_rate_scaled(tsc_khz, vcpu->tsc_ratio, &mul, &shift);
	info.tsc_timestamp = lintel_vcpu_guest_tsc(vcpu, base.tsc);
	info.tsc_to_system_mul = mul;
	info.tsc_shift = shift;
	/* The guest takes the flag back when it has seen it. */
	info.flags = found.flags & PVCLOCK_GUEST_STOPPED;
	if (vcpu->pvclock.paused)
		info.flags |= PVCLOCK_GUEST_STOPPED;
	vcpu->pvclock.paused = false;
	if (lintel_clock_stable())
		info.flags |= PVCLOCK_TSC_STABLE_BIT;

	write_versioned(vm, gpa, &info, sizeof(info), next_version(found.version));
}

int lintel_clock_paused(struct lintel_vcpu *vcpu)
{
	if (!(vcpu->pvclock.system_time_msr & KVM_MSR_ENABLED))
		return -EINVAL;
	vcpu->pvclock.paused = true;
	lintel_vcpu_request(vcpu, REQ_CLOCK);
	return 0;
}

int lintel_clock_set_msr(struct lintel_vcpu *vcpu, u32 msr, u64 value)
{
	switch (msr) {
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		if (value & 2)		/* bit 1 is reserved, the address is aligned to 4 bytes */
			return -EINVAL;
		vcpu->pvclock.system_time_msr = value;
		lintel_vcpu_request(vcpu, REQ_CLOCK);
		return 0;
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		vcpu->pvclock.wall_clock_msr = value;
		if (value)		/* 0 is what a VMM restores when the guest asked never */
			write_wall_clock(vcpu, value);
		return 0;
	default:
		return -ENOENT;
	}
}

int lintel_clock_get_msr(struct lintel_vcpu *vcpu, u32 msr, u64 *value)
{
	switch (msr) {
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		*value = vcpu->pvclock.system_time_msr;
		return 0;
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*value = vcpu->pvclock.wall_clock_msr;
		return 0;
	default:
		return -ENOENT;
	}
}

/* The VM's clock, wall-clock time and the host TSC at one moment.  clock->lock held. */
static s64 clock_now_with_wall(const struct lintel_clock *clock, u64 *wall_ns, u64 *host_tsc)
{
	unsigned long flags;
	s64 now;

	local_irq_save(flags);
	now = clock_now(clock, host_tsc);
	*wall_ns = ktime_get_real_ns();
	local_irq_restore(flags);
	return now;
}

void lintel_clock_get(struct lintel_vm *vm, struct kvm_clock_data *data)
{
	u64 wall_ns, tsc;

	memset(data, 0, sizeof(*data));
	spin_lock(&vm->clock.lock);
	data->clock = clock_now_with_wall(&vm->clock, &wall_ns, &tsc);
	spin_unlock(&vm->clock.lock);
	data->realtime = wall_ns;
	data->flags = KVM_CLOCK_REALTIME;
	if (lintel_clock_stable()) {
		data->host_tsc = tsc;
		data->flags |= KVM_CLOCK_HOST_TSC | KVM_CLOCK_TSC_STABLE;
	}
}

int lintel_clock_set(struct lintel_vm *vm, const struct kvm_clock_data *data)
{
	u64 wall_ns, tsc, target = data->clock;

	/* What KVM_GET_CLOCK gave may be handed back whole; only REALTIME has a meaning here. */
	if (data->flags & ~LINTEL_CLOCK_FLAGS)
		return -EINVAL;
	spin_lock(&vm->clock.lock);
	/* The offset takes up the difference; the base stays. */
	vm->clock.offset -= clock_now_with_wall(&vm->clock, &wall_ns, &tsc);
	if ((data->flags & KVM_CLOCK_REALTIME) && wall_ns > data->realtime)
		target += wall_ns - data->realtime;	/* it was saved that long ago */
	vm->clock.offset += target;
	spin_unlock(&vm->clock.lock);
	request_all(vm);
	return 0;
}

bool lintel_clock_wall(struct timespec64 *wall, u64 *host_tsc)
{
	unsigned long flags;

	if (!lintel_clock_stable())
		return false;
	local_irq_save(flags);
	*host_tsc = rdtsc_ordered();
	ktime_get_real_ts64(wall);
	local_irq_restore(flags);
	return true;
}
