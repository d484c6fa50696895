// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's TSC: the host's, scaled where the CPU can, and an offset.
 *
 * A VMM sets the TSCs of its vCPUs one after the other to the same value and means the same moment.
 * So the VM remembers the offset set last, for the rate that it was set for, and a vCPU of that
 * rate whose new value would come close to it gets exactly it.
 *
 * A change of the rate leaves the offset alone: the guest's TSC jumps, as it does on KVM, and
 * whoever sets a rate sets the TSC after it.
 */
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "caps.h"
#include "ops.h"
#include "tsc.h"
#include "vmcs.h"
#include "../compat.h"
#include "../irq/irq.h"
#include "../params.h"
#include "../vcpu.h"
#include "../vm.h"

/* What NTP would correct is no other rate: parts per million, as KVM's tsc_tolerance_ppm. */
#define TOLERANCE_PPM	250
/* As in KVM: rates are below the largest signed number. */
#define MOST_KHZ	0x7fffffffUL

u64 lintel_tsc_ratio_of(unsigned long khz)
{
	u32 tolerance = mul_u64_u32_div(tsc_khz, TOLERANCE_PPM, 1000000);

	if (khz >= tsc_khz - tolerance && khz <= tsc_khz + tolerance)
		return TSC_RATIO_ONE;
	if (!lintel_params.tsc_scaling || khz >= MOST_KHZ)
		return 0;
	return tsc_ratio(khz, tsc_khz);
}

static void write_tsc(struct lintel_vcpu *vcpu, u64 offset, u64 ratio)
{
	bool scale = ratio != vcpu->tsc_ratio;

	WRITE_ONCE(vcpu->tsc_offset, offset);
	WRITE_ONCE(vcpu->tsc_ratio, ratio);
	if (!vmx_window_begin(vcpu)) {
		vmcs_write64(TSC_OFFSET, offset);
		if (scale)
			vmcs_write64(TSC_MULTIPLIER, ratio);
		vmx_window_end(vcpu);
	}
	lintel_lapic_timer_tsc_moved(vcpu);
	lintel_vcpu_request(vcpu, REQ_CLOCK);
}

static void write_offset(struct lintel_vcpu *vcpu, u64 offset)
{
	write_tsc(vcpu, offset, vcpu->tsc_ratio);
}

/* The offset with which the guest would read @value now. */
static u64 offset_for(struct lintel_vcpu *vcpu, u64 value)
{
	return value - tsc_scale(rdtsc(), vcpu->tsc_ratio);
}

/* vm->tsc_lock held: vCPUs made later, and the next one whose TSC is set, get this. */
static void remember(struct lintel_vcpu *vcpu, u64 offset)
{
	struct lintel_vm *vm = vcpu->vm;

	vm->tsc_offset = offset;
	vm->tsc_offset_khz = vcpu->tsc_khz;
	vm->tsc_offset_set = true;
}

void lintel_tsc_init(struct lintel_vcpu *vcpu)
{
	struct lintel_vm *vm = vcpu->vm;

	vcpu->tsc_khz = vm->tsc_khz;
	vcpu->tsc_ratio = lintel_tsc_ratio_of(vm->tsc_khz);
	mutex_lock(&vm->tsc_lock);
	if (vm->tsc_offset_set && vm->tsc_offset_khz == vcpu->tsc_khz)
		vcpu->tsc_offset = vm->tsc_offset;
	else	/* it counts from the making of the VM */
		vcpu->tsc_offset = -tsc_scale(vm->tsc_start, vcpu->tsc_ratio);
	mutex_unlock(&vm->tsc_lock);
}

/* Zero, or within a second of what the VM's last offset gives, means that offset. */
void lintel_tsc_set_by_user(struct lintel_vcpu *vcpu, u64 value)
{
	u64 offset = offset_for(vcpu, value);
	struct lintel_vm *vm = vcpu->vm;
	s64 distance;

	mutex_lock(&vm->tsc_lock);
	distance = offset - vm->tsc_offset;
	if (vm->tsc_offset_set && vm->tsc_offset_khz == vcpu->tsc_khz &&
	    (!value || abs(distance) < (s64)vcpu->tsc_khz * 1000))
		offset = vm->tsc_offset;
	remember(vcpu, offset);
	mutex_unlock(&vm->tsc_lock);
	write_offset(vcpu, offset);
}

void lintel_set_tsc_offset(struct lintel_vcpu *vcpu, u64 offset)
{
	mutex_lock(&vcpu->vm->tsc_lock);
	remember(vcpu, offset);
	mutex_unlock(&vcpu->vm->tsc_lock);
	write_offset(vcpu, offset);
}

void lintel_tsc_set_by_guest(struct lintel_vcpu *vcpu, u64 value)
{
	u64 offset = offset_for(vcpu, value);

	vcpu->tsc_adjust += offset - vcpu->tsc_offset;
	write_offset(vcpu, offset);
}

void lintel_tsc_adjust(struct lintel_vcpu *vcpu, u64 value, bool host)
{
	if (!host)
		write_offset(vcpu, vcpu->tsc_offset + (value - vcpu->tsc_adjust));
	vcpu->tsc_adjust = value;
}

int lintel_set_tsc_khz(struct lintel_vcpu *vcpu, unsigned long khz)
{
	u64 ratio = lintel_tsc_ratio_of(khz ? khz : tsc_khz);

	if (!ratio)
		return -EINVAL;
	vcpu->tsc_khz = khz ? khz : tsc_khz;
	write_tsc(vcpu, vcpu->tsc_offset, ratio);
	return 0;
}
