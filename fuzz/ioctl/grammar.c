// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values by their kind: most often what a careful program would give, then what lies at a bound,
 * then anything.
 */
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"

/* Memory, the hole for devices, the chips, the reset vector, beyond what a CPU addresses. */
u64 some_gpa(struct random *r)
{
	static const u64 places[] = {
		0, 0x1000, 0xa0000, 0xf0000, 0x100000, 0x7ff000, 0x800000, 0xfec00000, 0xfee00000,
		0xfffbc000, 0xfffff000, 0x100000000, 1ULL << 39, 1ULL << 46, 1ULL << 52, ~0xfffULL,
	};
	u64 gpa = places[random_below(r, one_in(r, 4) ? ARRAY_SIZE(places) : 6)];

	gpa += random_below(r, 16) << 12;
	return one_in(r, 16) ? gpa + random_below(r, 4096) : gpa;
}

u32 some_msr(struct random *r)
{
	static const u32 msrs[] = {
		0x10, 0x1b, 0x3a, 0x3b, 0x48, 0x49, 0x8b, 0xcd, 0xce, 0xfe, 0x10a, 0x10b, 0x140,
		0x174, 0x175, 0x176, 0x179, 0x17a, 0x17b, 0x186, 0x1a0, 0x1d9, 0x1dd, 0x200, 0x201,
		0x20f, 0x250, 0x258, 0x268, 0x26f, 0x277, 0x2ff, 0x309, 0x345, 0x38d, 0x38e, 0x38f,
		0x390, 0x400, 0x401, 0x403, 0x47f, 0x480, 0x48f, 0x4c1, 0x560, 0x570, 0x6e0, 0x802,
		0x808, 0x80b, 0x830, 0x83f, 0xd90, 0xda0, 0xc1,
		0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
		0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0xc0010015, 0x11, 0x12, 0x4b564d00,
		0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d04, 0x4b564d05, 0x40000000, 0x40000001,
	};

	if (one_in(r, 8))
		return random_number(r);
	if (one_in(r, 6))
		return 0x800 + random_below(r, 0x100);
	return msrs[random_below(r, ARRAY_SIZE(msrs))] + (one_in(r, 8) ? random_below(r, 4) : 0);
}

static u32 some_cap(struct random *r)
{
	static const u32 caps[] = {
		KVM_CAP_X86_DISABLE_EXITS, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		KVM_CAP_DIRTY_LOG_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_SPLIT_IRQCHIP,
		KVM_CAP_X2APIC_API, KVM_CAP_HALT_POLL, KVM_CAP_MAX_VCPU_ID,
		KVM_CAP_X86_USER_SPACE_MSR, KVM_CAP_EXCEPTION_PAYLOAD,
		KVM_CAP_X86_TRIPLE_FAULT_EVENT, KVM_CAP_EXIT_ON_EMULATION_FAILURE,
		KVM_CAP_MSR_PLATFORM_INFO, KVM_CAP_X86_APIC_BUS_CYCLES_NS,
		KVM_CAP_X86_BUS_LOCK_EXIT, KVM_CAP_X86_NOTIFY_VMEXIT,
		KVM_CAP_ENFORCE_PV_FEATURE_CPUID, KVM_CAP_HYPERV_SYNIC, KVM_CAP_SGX_ATTRIBUTE,
	};

	return one_in(r, 8) ? random_below(r, 245) : caps[random_below(r, ARRAY_SIZE(caps))];
}

static u64 some_hva(struct random *r)
{
	if (one_in(r, 8))
		return HOLE + random_below(r, 16) * 4096;
	if (one_in(r, 32))
		return random_number(r);
	return ARENA + random_below(r, ARENA_BYTES >> 12) * 4096;
}

static u64 some_pointer(struct random *r)
{
	switch (random_below(r, 16)) {
	case 0:
		return HOLE;
	case 1:
		return READ_ONLY_PAGE;
	case 2:
		return random_number(r);
	case 3:
		return EDGE + 4096 - random_below(r, 64);
	default:
		return ARENA + random_below(r, ARENA_BYTES - 65536);
	}
}

static u64 some_size(struct random *r)
{
	if (one_in(r, 16))
		return random_number(r);
	if (one_in(r, 64))
		return 1ULL << 30;
	return random_below(r, one_in(r, 4) ? 2049 : 17) << 12;
}

static u64 flipped(struct random *r, u64 old)
{
	unsigned int n = random_below(r, 3);

	while (n--)
		old ^= 1ULL << random_below(r, 64);
	return old;
}

u64 make_field(struct thread *t, const struct field *field, u64 old)
{
	struct random *r = &t->random;
	bool wild = one_in(r, 24);

	switch (field->kind) {
	case K_SMALL:
		return wild ? random_number(r) : random_below(r, field->arg);
	case K_FLAGS:
		return wild ? random_number(r) : random_next(r) & random_next(r) & field->arg;
	case K_ZERO:
		return wild ? random_number(r) : 0;
	case K_GPA:
		return wild ? random_number(r) : some_gpa(r);
	case K_BYTES:
		return some_size(r);
	case K_HVA:
		return some_hva(r);
	case K_EVENT:
		return wild ? random_number(r) : (u64)world_fd(t, FD_EVENT);
	case K_POINTER:
		return some_pointer(r);
	case K_MULTIPLE:
		return wild ? random_number(r) : random_below(r, 8) * field->arg;
	case K_MSR:
		return some_msr(r);
	case K_CAP:
		return one_in(r, 8) ? random_number(r) : some_cap(r);
	case K_FLIP:
		return one_in(r, 4) ? flipped(r, old) : old;
	default:
		return random_number(r);
	}
}

void fill_struct(struct thread *t, u8 *buffer, const struct field *fields)
{
	const struct field *f;

	for (f = fields; f->kind != K_END; f++) {
		for (unsigned int i = 0; i < f->count; i++) {
			u8 *at = buffer + f->offset + i * f->stride;
			u64 value = 0;

			/* of long arrays only some elements */
			if (f->count > 8 && !one_in(&t->random, 4))
				continue;
			memcpy(&value, at, f->size);
			value = make_field(t, f, value);
			memcpy(at, &value, f->size);
		}
	}
}

void *place_argument(struct thread *t, u8 *buffer, size_t size)
{
	struct random *r = &t->random;

	if (!one_in(r, 12))
		return buffer;
	switch (random_below(r, 8)) {
	case 0:
		return NULL;
	case 1:
		return (void *)HOLE;
	case 2:
		return (void *)0xffff888000000000UL;	/* the kernel's */
	case 3:
		return (void *)0x8000000000000000UL;	/* nobody's */
	case 4:
		return (void *)READ_ONLY_PAGE;
	case 5:
		/* all of it, or all but its end, before a page that is not there */
		size = size > 4096 ? 4096 : size;
		memcpy((void *)(EDGE + 4096 - size), buffer, size);
		return (void *)(EDGE + 4096 - size + (one_in(r, 2) ? random_below(r, size) : 0));
	default:
		/* not aligned, and other threads may write and unmap it */
		return (void *)(ARENA + random_below(r, ARENA_BYTES - MAX_ARG));
	}
}
