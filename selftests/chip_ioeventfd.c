// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IOEVENTFD: which writes of a guest ring which eventfd and stay in the kernel, and which still
 * reach user space. One guest makes the writes that the rows ask for.
 */
#include "events.h"
#include "guest.h"

#define PORT	0x600
#define MMIO	0x80000000UL
#define PIO	KVM_IOEVENTFD_FLAG_PIO
#define MATCH	KVM_IOEVENTFD_FLAG_DATAMATCH
#define GONE	KVM_IOEVENTFD_FLAG_DEASSIGN

enum form { OUT, OUTS, MOV, MOV_IMM, STOS };

/* ARG(0): form, ARG(1): bytes, ARG(2): address, ARG(3): value, ARG(4): count of string forms. */
GUEST_CODE static void guest_writes(void)
{
	for (;;) {
		u64 addr = ARG(2), value = ARG(3), n = ARG(4), src = GPA_FREE;
		u32 bytes = ARG(1);

		switch (ARG(0)) {
		case OUT:
			if (bytes == 1)
				outb(addr, value);
			else if (bytes == 2)
				outw(addr, value);
			else
				outl(addr, value);
			break;
		case OUTS:
			asm volatile("rep outsb" : "+S"(src), "+c"(n) : "d"(addr) : "memory");
			G_EQ(n, 0);
			break;
		case MOV:
			if (bytes == 1)
				*(volatile u8 *)addr = value;
			else if (bytes == 2)
				*(volatile u16 *)addr = value;
			else if (bytes == 4)
				*(volatile u32 *)addr = value;
			else
				*(volatile u64 *)addr = value;
			break;
		case MOV_IMM:		/* 12 bytes long, with a SIB byte and a displacement */
			asm volatile("movq $0x11223344, 0x100(%0,%1,2)"
				     :: "r"(addr - 0x100), "r"(0UL) : "memory");
			break;
		case STOS:
			asm volatile("rep stosl" : "+D"(addr), "+c"(n) : "a"(value) : "memory");
			G_EQ(n, 0);
			break;
		}
		guest_sync(1);
	}
}

struct write {
	enum form form;
	u32 bytes;
	u64 addr, value, count;
};

/* Rows of one table share their doorbells: which of them a write rings, or -1. */
static const struct bell {
	u64 addr;
	u32 len, flags;
	u64 data;
} bells[] = {
	{ PORT, 2, PIO, 0 },			/* 0 */
	{ PORT + 8, 4, PIO | MATCH, 0x1234 },
	{ PORT + 8, 4, PIO | MATCH, 0x1235 },	/* 2 */
	{ PORT + 8, 1, PIO | MATCH, 0x34 },
	{ PORT + 9, 0, PIO, 0 },		/* 4 */
	{ MMIO, 4, 0, 0 },
	{ MMIO + 8, 8, MATCH, ~0ULL },		/* 6 */
	{ MMIO + 0x10, 1, MATCH, 0x1ff },	/* no byte is that */
	{ MMIO + 0x1001, 0, 0, 0 },		/* 8 */
	{ MMIO + 0x2ffe, 4, 0, 0 },		/* over a page's end */
	{ GPA_FREE, 0, 0, 0 },			/* 10: there is memory */
	{ PORT, 2, 0, 0 },			/* memory 0x600, not the port */
};

static const struct {
	struct write write;
	int bell;
	u32 rings;		/* 0: 1 */
} rows[] = {
	{ { OUT, 2, PORT, 0xffff, 0 }, 0, 0 },
	{ { OUT, 1, PORT, 0, 0 }, -1, 0 },
	{ { OUT, 4, PORT, 0, 0 }, -1, 0 },
	{ { OUT, 2, PORT + 1, 0, 0 }, -1, 0 },
	{ { OUT, 4, PORT + 8, 0x1234, 0 }, 1, 0 },
	{ { OUT, 4, PORT + 8, 0x1235, 0 }, 2, 0 },
	{ { OUT, 4, PORT + 8, 0x1236, 0 }, -1, 0 },
	{ { OUT, 2, PORT + 8, 0x1234, 0 }, -1, 0 },
	{ { OUT, 1, PORT + 8, 0x1234, 0 }, 3, 0 },
	{ { OUT, 1, PORT + 9, 0, 0 }, 4, 0 },
	{ { OUT, 4, PORT + 9, 5, 0 }, 4, 0 },
	{ { OUTS, 1, PORT + 9, 0, 5 }, 4, 5 },
	{ { OUTS, 1, PORT + 8, 0, 3 }, 3, 3 },
	{ { MOV, 4, MMIO, 1, 0 }, 5, 0 },
	{ { MOV, 2, MMIO, 1, 0 }, -1, 0 },
	{ { MOV, 8, MMIO, 1, 0 }, -1, 0 },
	{ { STOS, 4, MMIO, 7, 1 }, 5, 0 },
	{ { MOV, 8, MMIO + 8, ~0ULL, 0 }, 6, 0 },
	{ { MOV, 8, MMIO + 8, 1, 0 }, -1, 0 },
	{ { MOV, 1, MMIO + 0x10, 0xff, 0 }, -1, 0 },
	{ { MOV, 1, MMIO + 0x1001, 9, 0 }, 8, 0 },
	{ { MOV, 2, MMIO + 0x1001, 9, 0 }, 8, 0 },
	{ { MOV, 4, MMIO + 0x1001, 9, 0 }, 8, 0 },
	{ { MOV, 8, MMIO + 0x1001, 9, 0 }, 8, 0 },
	{ { MOV_IMM, 8, MMIO + 0x1001, 9, 0 }, 8, 0 },
	{ { MOV, 4, MMIO + 0x1002, 9, 0 }, -1, 0 },
	{ { MOV, 4, MMIO + 0x2ffe, 9, 0 }, -1, 0 },	/* two accesses of two bytes */
};

static int bell_fd[ARRAY_SIZE(bells)];

static struct vcpu *start(void)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	REQUIRE_CAP(v->vm->dev, KVM_CAP_IOEVENTFD);
	REQUIRE_CAP(v->vm->dev, KVM_CAP_IOEVENTFD_NO_LENGTH);
	REQUIRE_CAP(v->vm->dev, KVM_CAP_IOEVENTFD_ANY_LENGTH);
	vcpu_set_long(v, guest_writes);
	return v;
}

static void ask(struct vcpu *v, const struct write *w)
{
	volatile struct guest_shared *s = vm_shared(v->vm);

	s->arg[0] = w->form;
	s->arg[1] = w->bytes;
	s->arg[2] = w->addr;
	s->arg[3] = w->value;
	s->arg[4] = w->count;
	memset(gpa_ptr(v->vm, GPA_FREE, 16), 0x34, 16);
}

TEST(which_write_rings)
{
	struct vcpu *v = start();

	for (size_t i = 0; i < ARRAY_SIZE(bells); i++) {
		const struct bell *b = &bells[i];

		bell_fd[i] = event_create();
		REQUIRE_OK(ioevent(v->vm, bell_fd[i], b->addr, b->len, b->flags, b->data));
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 exits = 0, rings = rows[i].bell < 0 ? 0 : rows[i].rings ?: 1;
		int event;

		ktap_row("row %zu", i);
		ask(v, &rows[i].write);
		while ((event = vcpu_next(v)) == KVM_EXIT_IO || event == KVM_EXIT_MMIO)
			exits++;
		REQUIRE_EQ(event, RUN_SYNC);
		CHECK_EQ(!exits, rows[i].bell >= 0);
		for (int j = 0; j < (int)ARRAY_SIZE(bells); j++)
			CHECK_EQ(event_take(bell_fd[j]), j == rows[i].bell ? rings : 0);
	}
}

/* Where a slot has memory it is memory. */
TEST(memory_wins)
{
	static const struct write w = { MOV, 4, GPA_FREE, 0x5a, 0 };
	struct vcpu *v = start();
	int bell = event_create();

	REQUIRE_OK(ioevent(v->vm, bell, GPA_FREE, 0, 0, 0));
	ask(v, &w);
	vcpu_expect_sync(v, 1);
	CHECK_EQ(*(u32 *)gpa_ptr(v->vm, GPA_FREE, 4), 0x5a);
	CHECK_EQ(event_take(bell), 0);
}

/* Each doorbell ends alone, and the write is user space's again. */
TEST(ends)
{
	static const struct write out = { OUT, 4, PORT + 8, 0x1234, 0 };
	struct vcpu *v = start();
	int a = event_create(), b = event_create();

	REQUIRE_OK(ioevent(v->vm, a, PORT + 8, 4, PIO | MATCH, 0x1234));
	REQUIRE_OK(ioevent(v->vm, b, PORT + 8, 4, PIO | MATCH, 0x1235));
	ask(v, &out);
	vcpu_expect_sync(v, 1);
	CHECK_ERRNO(ioevent(v->vm, b, PORT + 8, 4, PIO | MATCH | GONE, 0x1234), ENOENT);
	CHECK_ERRNO(ioevent(v->vm, a, PORT + 8, 4, PIO | GONE, 0x1234), ENOENT);
	CHECK_ERRNO(ioevent(v->vm, a, PORT + 8, 4, MATCH | GONE, 0x1234), ENOENT);
	CHECK_ERRNO(ioevent(v->vm, a, PORT + 8, 2, PIO | MATCH | GONE, 0x1234), ENOENT);
	CHECK_OK(ioevent(v->vm, b, PORT + 8, 4, PIO | MATCH | GONE, 0x1235));
	vcpu_expect_sync(v, 1);
	CHECK_OK(ioevent(v->vm, a, PORT + 8, 4, PIO | MATCH | GONE, 0x1234));
	CHECK_ERRNO(ioevent(v->vm, a, PORT + 8, 4, PIO | MATCH | GONE, 0x1234), ENOENT);
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(event_take(a), 2);
	CHECK_EQ(event_take(b), 0);
}

/* The eventfd may be closed by its owner: the doorbell keeps it. */
TEST(many_come_and_go)
{
	static const struct write w = { MOV, 4, MMIO + 64 * 8, 1, 0 };
	struct vcpu *v = start();
	int fd[128];

	for (u32 i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = event_create();
		REQUIRE_OK(ioevent(v->vm, fd[i], MMIO + (i * 37 % 128) * 8, 4, 0, 0));
	}
	ask(v, &w);
	for (u32 i = 0; i < ARRAY_SIZE(fd); i++) {
		vcpu_expect_sync(v, 1);
		if (i * 37 % 128 == 64) {
			CHECK_EQ(event_take(fd[i]), i + 1);
			close(fd[i]);
			continue;
		}
		CHECK_EQ(event_take(fd[i]), 0);
		CHECK_OK(ioevent(v->vm, fd[i], MMIO + (i * 37 % 128) * 8, 4, GONE, 0));
	}
	vcpu_expect_sync(v, 1);
}
