/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interpreter against the processor, for what only ring 0 may do: a guest executes one
 * instruction, the interpreter executes the same from the same state in this process, and
 * registers, flags, segments, tables, memory and exceptions must be the same.
 *
 *	main.c		instructions, the loop, the report
 *	client.c	the interpreter's ops on a copy of the guest's state and memory
 *	judge.c		the comparison
 *
 * States, memory and the machine are those of fuzz/guest.
 */
#ifndef LINTEL_FUZZ_RING0_H
#define LINTEL_FUZZ_RING0_H

#include "../guest/fuzz.h"

#undef F_LOCK			/* of <unistd.h>; the opcode tables have one of their own */
#include "../../module/emulate/internal.h"

/* What the interpreter did to its copy. */
struct predicted {
	struct emulate_ctxt c;
	struct kvm_sregs sregs;
	u64 dr[8];
	u8 memory[MEMORY];
	int result;		/* of emulate_one() */
	bool left;		/* an access that is not to RAM, or another reason not to compare */
	bool register_set;	/* a CR or DR: its value is the client's to check */
};

/* client.c */
void predict(struct predicted *p, const struct guest_case *c, const u8 *memory);

/* judge.c */
enum verdict { SAME, DIFFERENT, SKIPPED };
enum verdict judge_case(const struct guest_case *c, const struct predicted *p,
			const struct machine *m, const struct outcome *o, char *why, size_t room);

#endif
