/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small machine without a CPU: RAM, a device in memory, ports and registers behind the
 * interpreter's ops. It plays the client as the contract of emulate.h says, user space included.
 */
#ifndef LINTEL_EMULATE_TEST_MACHINE_H
#define LINTEL_EMULATE_TEST_MACHINE_H

#include "../internal.h"

#define RAM_BYTES	0x100000UL
#define READ_ONLY	0x0f0000UL	/* to the end of RAM: writes fault */
#define SUPERVISOR	0x0e0000UL	/* one page: an access by the user faults */
#define DEVICE		0xfee00000UL	/* one page that needs user space to be read */
#define CODE_AT		0x1000U		/* offset of the code in CS */
#define STACK_AT	0x8000U

struct machine_access {
	u64 where;
	u64 val;
	unsigned int n;
	unsigned int count;
};

struct machine {
	struct emulate_ctxt c;
	u8 ram[RAM_BYTES];
	struct emulate_segment seg[EMULATE_NR_SEGS];
	struct emulate_desc_table table[2];
	u64 cr[16], dr[8], msr, invlpg;
	u8 xmm[16][16];
	/* The device and the ports: reads wait for user space unless immediate. */
	bool immediate;
	bool pending, completed;	/* a read is with user space; has been answered */
	u64 pending_where;
	u64 next_value;			/* what the device answers; increases with every read */
	unsigned int reads;		/* answered by the device */
	unsigned int exits;
	struct machine_access writes[32];
	unsigned int write_count;
	u16 port_allowed;
	bool race;			/* the next cmpxchg_mem finds another value */
	unsigned int wbinvds;
};

/* Registers, segments and tables of the mode; code is put where RIP points. */
void machine_init(struct machine *m, enum emulate_mode mode, const void *code, unsigned int n);
/* One instruction to its end, user space answering; the last result. */
int machine_run(struct machine *m);
/* The same, but at most one call of the interpreter and no answer of user space. */
int machine_call(struct machine *m);
/* User space answers the pending read. */
void machine_answer(struct machine *m);
u64 machine_ram(const struct machine *m, u64 linear, unsigned int n);
void machine_set_ram(struct machine *m, u64 linear, u64 val, unsigned int n);
bool machine_raised(const struct machine *m, int result, int vector, int error_code);

#define CODE(...)	(const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ })

#endif /* LINTEL_EMULATE_TEST_MACHINE_H */
