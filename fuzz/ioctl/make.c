// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments that are more than one structure: lists of MSRs and of CPUID leaves, routes, filters,
 * signal masks; and the registers, which must make sense together for a guest to run at all.
 */
#include <linux/lintel.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fuzz.h"

/* How many entries the head says there are: as many as there are, or not. */
static u32 told_count(struct random *r, u32 count)
{
	switch (random_below(r, 24)) {
	case 0:
		return random_number(r);
	case 1:
		return 0;
	case 2:
		return count * 2 + 1;
	default:
		return count;
	}
}

unsigned int make_msrs(struct thread *t, u8 *buffer)
{
	struct kvm_msrs *msrs = (void *)buffer;
	u32 count = 1 + random_below(&t->random, one_in(&t->random, 16) ? 300 : 6);

	msrs->pad = 0;
	for (u32 i = 0; i < count; i++) {
		msrs->entries[i].index = some_msr(&t->random);
		/* what a paravirtual register holds is an address, and bit 0 */
		msrs->entries[i].data = one_in(&t->random, 3) ? some_gpa(&t->random) | 1 :
								random_number(&t->random);
	}
	msrs->nmsrs = told_count(&t->random, count);
	return sizeof(*msrs) + count * sizeof(msrs->entries[0]);
}

unsigned int make_msr_list(struct thread *t, u8 *buffer)
{
	struct kvm_msr_list *list = (void *)buffer;

	list->nmsrs = told_count(&t->random, random_below(&t->random, 300));
	return sizeof(*list) + 300 * 4;
}

unsigned int make_cpuid(struct thread *t, u8 *buffer)
{
	struct kvm_cpuid2 *cpuid = (void *)buffer;
	struct random *r = &t->random;
	u32 room = 100;

	memset(buffer, 0, sizeof(*cpuid) + room * sizeof(cpuid->entries[0]));
	cpuid->nent = room;
	if (ioctl(world_fd(t, FD_SYSTEM), KVM_GET_SUPPORTED_CPUID, cpuid) || one_in(r, 4))
		cpuid->nent = random_below(r, 32);
	for (u32 i = 0; i < cpuid->nent; i++) {
		u32 *word = (u32 *)&cpuid->entries[i];

		if (one_in(r, 8))
			word[random_below(r, 7)] ^= 1U << random_below(r, 32);
	}
	cpuid->nent = told_count(r, cpuid->nent);
	return sizeof(*cpuid) + room * sizeof(cpuid->entries[0]);
}

unsigned int make_cpuid_v1(struct thread *t, u8 *buffer)
{
	struct kvm_cpuid *cpuid = (void *)buffer;
	u32 count = random_below(&t->random, 40);

	random_bytes(&t->random, buffer, sizeof(*cpuid) + count * sizeof(cpuid->entries[0]));
	for (u32 i = 0; i < count; i++)
		cpuid->entries[i].function = random_below(&t->random, 32);
	cpuid->nent = told_count(&t->random, count);
	return sizeof(*cpuid) + count * sizeof(cpuid->entries[0]);
}

unsigned int make_routing(struct thread *t, u8 *buffer)
{
	struct kvm_irq_routing *routing = (void *)buffer;
	struct random *r = &t->random;
	u32 count = random_below(r, one_in(r, 8) ? 100 : 8);

	memset(buffer, 0, sizeof(*routing) + count * sizeof(routing->entries[0]));
	for (u32 i = 0; i < count; i++) {
		struct kvm_irq_routing_entry *e = &routing->entries[i];

		e->gsi = random_below(r, one_in(r, 16) ? 5000 : 28);
		e->type = 1 + random_below(r, 2);
		if (one_in(r, 32))
			e->type = random_number(r);
		if (one_in(r, 32))
			e->flags = random_number(r);
		if (e->type == KVM_IRQ_ROUTING_IRQCHIP) {
			e->u.irqchip.irqchip = random_below(r, one_in(r, 16) ? 8 : 3);
			e->u.irqchip.pin = random_below(r, one_in(r, 16) ? 64 : 8);
		} else {
			random_bytes(r, &e->u, sizeof(e->u));
			e->u.msi.address_hi = random_below(r, 2) << 8;
		}
	}
	routing->nr = told_count(r, count);
	return sizeof(*routing) + count * sizeof(routing->entries[0]);
}

unsigned int make_msr_filter(struct thread *t, u8 *buffer)
{
	struct kvm_msr_filter *filter = (void *)buffer;
	struct random *r = &t->random;
	unsigned int count = random_below(r, 5);

	memset(filter, 0, sizeof(*filter));
	filter->flags = one_in(r, 4);
	for (unsigned int i = 0; i < count; i++) {
		struct kvm_msr_filter_range *range = &filter->ranges[i];

		range->flags = 1 + random_below(r, 3);
		range->nmsrs = random_below(r, one_in(r, 8) ? 20000 : 64);
		range->base = some_msr(r);
		range->bitmap = (void *)(one_in(r, 12) ? HOLE : ARENA + random_below(r, 65536));
	}
	if (one_in(r, 24))
		random_bytes(r, buffer, 64);
	return sizeof(*filter);
}

unsigned int make_pmu_filter(struct thread *t, u8 *buffer)
{
	struct kvm_pmu_event_filter *filter = (void *)buffer;
	struct random *r = &t->random;
	unsigned int count = one_in(r, 12) ? 301 : random_below(r, 12);

	*filter = (struct kvm_pmu_event_filter){
		.action = random_below(r, one_in(r, 12) ? 5 : 2), .nevents = count,
		.fixed_counter_bitmap = random_below(r, 16), .flags = random_below(r, 2),
	};
	for (unsigned int i = 0; i < count; i++)
		filter->events[i] = (one_in(r, 2) ? 0xc0 : 0x3c) |
				    (one_in(r, 3) ? random_number(r) : 0);
	return sizeof(*filter) + count * sizeof(filter->events[0]);
}

/* The signal that ends KVM_RUN is never blocked: the fuzzer's own end depends on it. */
unsigned int make_signal_mask(struct thread *t, u8 *buffer)
{
	struct kvm_signal_mask *mask = (void *)buffer;
	u64 set = random_next(&t->random) & ~(1ULL << (TICK_SIGNAL - 1));

	mask->len = one_in(&t->random, 8) ? random_number(&t->random) : 8;
	memcpy(mask->sigset, &set, 8);
	return sizeof(*mask) + 8;
}

unsigned int make_noise(struct thread *t, u8 *buffer)
{
	unsigned int bytes = 8 + random_below(&t->random, 256);

	memset(buffer, 0, MAX_ARG);
	if (one_in(&t->random, 2))
		random_bytes(&t->random, buffer, bytes);
	return bytes;
}

static void real_mode(struct kvm_sregs *s)
{
	struct kvm_segment *segments[] = { &s->ds, &s->es, &s->fs, &s->gs, &s->ss, &s->cs };

	for (unsigned int i = 0; i < ARRAY_SIZE(segments); i++)
		*segments[i] = (struct kvm_segment){ .limit = 0xffff, .type = 3, .present = 1,
						     .s = 1 };
	s->cs.type = 0xb;
	s->tr = (struct kvm_segment){ .limit = 0xffff, .type = 0xb, .present = 1 };
	s->ldt = (struct kvm_segment){ .limit = 0xffff, .type = 2, .present = 1 };
	s->cr0 = 0x10;
	s->cr4 = 0;
	s->efer = 0;
}

/* Seldom what the vCPU has, often real mode, and then some bits turned over. */
unsigned int make_sregs(struct thread *t, u8 *buffer)
{
	struct kvm_sregs *s = (void *)buffer;
	struct random *r = &t->random;
	unsigned int flips = one_in(r, 2) ? random_below(r, 4) : 0;

	memset(s, 0, sizeof(*s));
	if (ioctl(world_fd(t, FD_VCPU), KVM_GET_SREGS, s) || one_in(r, 2))
		real_mode(s);
	if (one_in(r, 8))
		s->cr3 = some_gpa(r);
	if (one_in(r, 8))
		s->apic_base = 0xfee00800 | random_below(r, 4) << 10;
	while (flips--)
		buffer[random_below(r, sizeof(*s))] ^= 1 << random_below(r, 8);
	return sizeof(*s);
}

unsigned int make_regs(struct thread *t, u8 *buffer)
{
	struct kvm_regs *regs = (void *)buffer;
	struct random *r = &t->random;
	u64 *word = (u64 *)regs;

	for (unsigned int i = 0; i < 16; i++)
		word[i] = one_in(r, 2) ? some_gpa(r) : random_number(r);
	regs->rip = one_in(r, 16) ? random_number(r) : random_below(r, 8) << 8;
	regs->rsp = one_in(r, 8) ? random_number(r) : 0x7000;
	regs->rflags = 2 | (one_in(r, 2) ? random_next(r) & 0x3fffd5 : 0);
	return sizeof(*regs);
}

/* The number of a VM that is there, most often: the module has counted for a while. */
static u64 some_vm(struct thread *t)
{
	struct lintel_vm_info info = { 0 };

	for (unsigned int n = random_below(&t->random, 8); n; n--)
		if (ioctl(world_fd(t, FD_SYSTEM), LINTEL_NEXT_VM, &info))
			break;
	return one_in(&t->random, 12) ? random_number(&t->random) : info.vm;
}

unsigned int make_flight(struct thread *t, u8 *buffer)
{
	struct lintel_flight *flight = (void *)buffer;
	struct random *r = &t->random;

	memset(flight, 0, sizeof(*flight));
	flight->vm = some_vm(t);
	flight->vcpu = one_in(r, 12) ? random_number(r) : random_below(r, 3);
	flight->exits = one_in(r, 12) ? HOLE : ARENA + random_below(r, ARENA_BYTES / 2);
	flight->nr = one_in(r, 12) ? random_number(r) : random_below(r, 300);
	flight->flags = one_in(r, 24);
	flight->reserved[random_below(r, 4)] = one_in(r, 24);
	return sizeof(*flight);
}

unsigned int make_vm_stats(struct thread *t, u8 *buffer)
{
	struct lintel_vm_stats *stats = (void *)buffer;

	stats->vm = some_vm(t);
	stats->vcpu = one_in(&t->random, 3) ? LINTEL_ALL_VCPUS : random_below(&t->random, 4);
	stats->flags = one_in(&t->random, 24);
	return sizeof(*stats);
}

unsigned int make_snapshot(struct thread *t, u8 *buffer)
{
	struct lintel_snapshot *snapshot = (void *)buffer;

	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->vm = some_vm(t);
	snapshot->vcpu = random_below(&t->random, 3);
	snapshot->flags = one_in(&t->random, 24);
	snapshot->reserved = one_in(&t->random, 24);
	return sizeof(*snapshot);
}

unsigned int make_peek(struct thread *t, u8 *buffer)
{
	struct lintel_peek *peek = (void *)buffer;

	memset(peek, 0, sizeof(*peek));
	peek->vm = some_vm(t);
	peek->gpa = some_gpa(&t->random) & ~7ULL;
	if (one_in(&t->random, 8))
		peek->gpa = random_number(&t->random);
	peek->flags = one_in(&t->random, 24);
	return sizeof(*peek);
}
