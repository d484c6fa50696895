// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coalesced writes: what goes to the ring and what to user space, the order, a full ring, an index
 * that user space has spoilt, and what unregistering takes away.
 */
#include "guest.h"
#include "vm.h"

#define ZONE		0x40000100UL
#define ZONE_SIZE	0x100UL
#define PORT		0x300
#define RING_MAX	((4096 - sizeof(struct kvm_coalesced_mmio_ring)) / \
			 sizeof(struct kvm_coalesced_mmio))

enum { OP_WRITE, OP_OUT, OP_OUTS, OP_READ };

/* ARG(0) operation, ARG(1) address or port, ARG(2) bytes of each, ARG(3) count, ARG(4) value. */
GUEST_CODE static void guest_writes(void)
{
	for (;;) {
		u64 at = ARG(1), size = ARG(2), n = ARG(3);

		if (ARG(0) == OP_OUTS) {
			for (u64 i = 0; i < n; i++)
				*(volatile u16 *)(GPA_FREE + 2 * i) = ARG(4) + i;
			asm volatile("rep outsw" :: "d"(at), "S"(GPA_FREE), "c"(n) : "memory");
			n = 0;
		}
		for (u64 i = 0; i < n; i++) {
			u64 value = ARG(4) + i;

			if (ARG(0) == OP_OUT)
				outl(at, value);
			else if (ARG(0) == OP_READ)
				ARG(5) = *(volatile u32 *)at;
			else if (size == 1)
				*(volatile u8 *)at = value;
			else if (size == 4)
				*(volatile u32 *)at = value;
			else
				*(volatile u64 *)at = value;
		}
		guest_sync(1);
	}
}

static volatile struct kvm_coalesced_mmio_ring *ring_of(struct vcpu *v)
{
	long page = device_cap(v->vm->dev, KVM_CAP_COALESCED_MMIO);

	if (page <= 0)
		SKIP("no KVM_CAP_COALESCED_MMIO");
	REQUIRE((page + 1) * 4096UL <= v->run_size, "page %ld of %zu bytes", page, v->run_size);
	return (void *)((u8 *)v->run + page * 4096);
}

static struct vcpu *start(void)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	vcpu_set_long(v, guest_writes);
	return v;
}

static int zone(struct vcpu *v, unsigned long cmd, u64 addr, u32 size, u32 pio)
{
	struct kvm_coalesced_mmio_zone z = { .addr = addr, .size = size, .pio = pio };

	return ioctl(v->vm->fd, cmd, &z);
}

static void order(struct vcpu *v, int op, u64 at, u64 size, u64 n, u64 value)
{
	volatile struct guest_shared *s = vm_shared(v->vm);

	s->arg[0] = op;
	s->arg[1] = at;
	s->arg[2] = size;
	s->arg[3] = n;
	s->arg[4] = value;
}

/* The next entry of the ring must be this one. */
static void take(struct vcpu *v, u64 addr, u32 len, u64 value, u32 pio)
{
	volatile struct kvm_coalesced_mmio_ring *ring = ring_of(v);
	volatile struct kvm_coalesced_mmio *e = &ring->coalesced_mmio[ring->first];
	u64 data = 0;

	REQUIRE(ring->first != ring->last, "the ring is empty at %u", ring->first);
	memcpy(&data, (void *)e->data, len);
	CHECK_EQ(e->phys_addr, addr);
	CHECK_EQ(e->len, len);
	CHECK_EQ(e->pio, pio);
	CHECK_EQ(data, value);
	ring->first = (ring->first + 1) % RING_MAX;
}

static void expect_mmio(struct vcpu *v, u64 addr, u32 len, u64 value)
{
	u64 data = 0;

	vcpu_expect(v, KVM_EXIT_MMIO);
	CHECK_EQ(v->run->mmio.phys_addr, addr);
	CHECK_EQ(v->run->mmio.len, len);
	CHECK_EQ(v->run->mmio.is_write, 1);
	memcpy(&data, v->run->mmio.data, len);
	CHECK_EQ(data, value);
}

TEST(memory)
{
	static const struct { const char *name; u64 at; u32 size; bool inside; } rows[] = {
		{ "first dword", ZONE, 4, true },
		{ "byte in the middle", ZONE + 0x33, 1, true },
		{ "last quadword", ZONE + ZONE_SIZE - 8, 8, true },
		{ "over the end", ZONE + ZONE_SIZE - 4, 8, false },
		{ "over the start", ZONE - 4, 8, false },
		{ "behind", ZONE + ZONE_SIZE, 4, false },
		{ "another page", ZONE + 0x1000, 4, false },
	};
	struct vcpu *v = start();
	volatile struct kvm_coalesced_mmio_ring *ring = ring_of(v);

	REQUIRE_OK(zone(v, KVM_REGISTER_COALESCED_MMIO, ZONE, ZONE_SIZE, 0));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ktap_row("%s", rows[i].name);
		order(v, OP_WRITE, rows[i].at, rows[i].size, 1, 0x41 + i);
		if (!rows[i].inside)
			expect_mmio(v, rows[i].at, rows[i].size, 0x41 + i);
		vcpu_expect_sync(v, 1);
		if (rows[i].inside)
			take(v, rows[i].at, rows[i].size, 0x41 + i, 0);
		CHECK_EQ(ring->first, ring->last);
	}
	ktap_row("reading");
	order(v, OP_READ, ZONE, 4, 1, 0);
	vcpu_expect(v, KVM_EXIT_MMIO);
	CHECK_EQ(v->run->mmio.is_write, 0);
	vcpu_expect_sync(v, 1);
	ktap_row("a port of the same number");
	order(v, OP_OUT, PORT, 4, 1, 7);
	vcpu_expect(v, KVM_EXIT_IO);
	vcpu_expect_sync(v, 1);
}

TEST(ports)
{
	struct vcpu *v = start();
	volatile struct kvm_coalesced_mmio_ring *ring = ring_of(v);

	REQUIRE_CAP(v->vm->dev, KVM_CAP_COALESCED_PIO);
	REQUIRE_OK(zone(v, KVM_REGISTER_COALESCED_MMIO, PORT, 8, 1));
	order(v, OP_OUT, PORT + 4, 4, 3, 0x1000);
	vcpu_expect_sync(v, 1);
	for (u32 i = 0; i < 3; i++)
		take(v, PORT + 4, 4, 0x1000 + i, 1);
	ktap_row("string");
	order(v, OP_OUTS, PORT, 2, 5, 0x2000);
	vcpu_expect_sync(v, 1);
	for (u32 i = 0; i < 5; i++)
		take(v, PORT, 2, 0x2000 + i, 1);
	ktap_row("over the end");
	order(v, OP_OUT, PORT + 6, 4, 1, 1);
	vcpu_expect(v, KVM_EXIT_IO);
	vcpu_expect_sync(v, 1);
	CHECK_EQ(ring->first, ring->last);
}

/* One entry stays free; what no longer fits is an exit, and nothing is lost or out of order. */
TEST(full_ring)
{
	struct vcpu *v = start();
	volatile struct kvm_coalesced_mmio_ring *ring = ring_of(v);
	u32 n = RING_MAX + 9;

	REQUIRE_OK(zone(v, KVM_REGISTER_COALESCED_MMIO, ZONE, ZONE_SIZE, 0));
	order(v, OP_WRITE, ZONE, 4, n, 100);
	for (u32 i = RING_MAX - 1; i < n; i++)
		expect_mmio(v, ZONE, 4, 100 + i);
	vcpu_expect_sync(v, 1);
	for (u32 i = 0; i < RING_MAX - 1; i++)
		take(v, ZONE, 4, 100 + i, 0);
	CHECK_EQ(ring->first, ring->last);
	ktap_row("round the end");
	order(v, OP_WRITE, ZONE, 4, 3, 5);
	vcpu_expect_sync(v, 1);
	for (u32 i = 0; i < 3; i++)
		take(v, ZONE, 4, 5 + i, 0);
}

TEST(spoilt_ring)
{
	static const u32 bad[] = { RING_MAX, RING_MAX + 1, 0x7fffffff, ~0u };
	struct vcpu *v = start();
	volatile struct kvm_coalesced_mmio_ring *ring = ring_of(v);

	REQUIRE_OK(zone(v, KVM_REGISTER_COALESCED_MMIO, ZONE, ZONE_SIZE, 0));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ktap_row("last 0x%x", bad[i]);
		ring->last = bad[i];
		order(v, OP_WRITE, ZONE, 4, 1, 9);
		expect_mmio(v, ZONE, 4, 9);
		vcpu_expect_sync(v, 1);
		CHECK_EQ(ring->last, bad[i]);
	}
	ktap_row("first out of range");
	ring->first = ~0u;
	ring->last = 0;
	order(v, OP_WRITE, ZONE, 4, 1, 9);
	vcpu_expect_sync(v, 1);
	CHECK_EQ(ring->last, 1);
}

/* All vCPUs of a VM have one ring; another VM has its own. */
TEST(one_ring_per_vm)
{
	struct vcpu *a = start(), *b = vcpu_create(a->vm, 1), *other = start();

	vcpu_set_long(b, guest_writes);
	REQUIRE_OK(zone(a, KVM_REGISTER_COALESCED_MMIO, ZONE, ZONE_SIZE, 0));
	order(a, OP_WRITE, ZONE, 4, 1, 1);
	vcpu_expect_sync(a, 1);
	vcpu_expect_sync(b, 1);
	CHECK_EQ(ring_of(a)->last, 2);
	take(b, ZONE, 4, 1, 0);
	take(a, ZONE, 4, 1, 0);
	order(other, OP_WRITE, ZONE, 4, 1, 1);
	expect_mmio(other, ZONE, 4, 1);
	CHECK_EQ(ring_of(other)->last, 0);
}

TEST(unregister)
{
	struct vcpu *v = start();

	ring_of(v);
	ktap_row("neither memory nor ports");
	CHECK_ERRNO(zone(v, KVM_REGISTER_COALESCED_MMIO, ZONE, ZONE_SIZE, 2), EINVAL);
	CHECK_ERRNO(zone(v, KVM_UNREGISTER_COALESCED_MMIO, ZONE, ZONE_SIZE, 2), EINVAL);
	ktap_row("none there");
	CHECK_OK(zone(v, KVM_UNREGISTER_COALESCED_MMIO, ZONE, ZONE_SIZE, 0));
	ktap_row("a larger one leaves it");
	REQUIRE_OK(zone(v, KVM_REGISTER_COALESCED_MMIO, ZONE, ZONE_SIZE, 0));
	CHECK_OK(zone(v, KVM_UNREGISTER_COALESCED_MMIO, ZONE, 2 * ZONE_SIZE, 0));
	order(v, OP_WRITE, ZONE, 4, 1, 1);
	vcpu_expect_sync(v, 1);
	take(v, ZONE, 4, 1, 0);
	ktap_row("the same numbers as ports leave it");
	CHECK_OK(zone(v, KVM_UNREGISTER_COALESCED_MMIO, ZONE, ZONE_SIZE, 1));
	vcpu_expect_sync(v, 1);
	take(v, ZONE, 4, 1, 0);
	ktap_row("a part takes it, twice registered, away");
	CHECK_OK(zone(v, KVM_REGISTER_COALESCED_MMIO, ZONE, ZONE_SIZE, 0));
	CHECK_OK(zone(v, KVM_UNREGISTER_COALESCED_MMIO, ZONE + 16, 4, 0));
	expect_mmio(v, ZONE, 4, 1);
	vcpu_expect_sync(v, 1);
	ktap_row("too many");
	for (int i = 0; i < 1000; i++) {
		if (!CHECK_OK(zone(v, KVM_REGISTER_COALESCED_MMIO, ZONE + i * 0x1000, 8, 0)))
			break;
	}
	CHECK_ERRNO(zone(v, KVM_REGISTER_COALESCED_MMIO, 0x10, 8, 0), ENOSPC);
}
