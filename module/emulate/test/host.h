/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running one instruction on the host's CPU, in ring 3, and catching what it did.
 */
#ifndef LINTEL_EMULATE_TEST_HOST_H
#define LINTEL_EMULATE_TEST_HOST_H

#include "../emulate.h"

/* Fixed places below 4 GiB, so that 32-bit code reaches them. Around each is nothing. */
#define CODE_BASE	0x10000000UL
#define CODE_BYTES	0x10000UL
#define CODE_START	(CODE_BASE + CODE_BYTES / 2)	/* where the instruction stands */
#define DATA_BASE	0x20000000UL
#define DATA_BYTES	0x1000UL

struct host_state {
	u64 gprs[16];
	u64 rflags;
	u64 rip;		/* an offset in the code segment */
	u16 ds, es, gs, ss;
	u64 pad2;
	u8 xmm[16][16];
	/* After a run: the exception that ended it; VEC_BP if the instruction is complete. */
	u64 vector;
	u64 error_code;
	u64 cr2;
};

/* Map code and data and catch signals. NULL, or why it cannot be done. */
const char *host_open(void);
void host_close(void);
/* Can code of the mode run? Asked once, after host_open(). */
bool host_has_mode(enum emulate_mode mode);

/* Put the bytes at CODE_START, everything else of the code area being INT3. */
void host_set_code(const u8 *bytes, unsigned int length);

/*
 * Run from state->rip until an exception; state is updated. In 16-bit mode the segments are these
 * of the LDT: code and data begin at CODE_BASE and DATA_BASE and have their sizes as limits.
 */
void host_run(struct host_state *state, enum emulate_mode mode);

/* The vector of a run that had to be interrupted. */
#define HOST_ENDLESS	256

#define USER_CS64	0x33
#define USER_CS32	0x23
#define USER_DS		0x2b
#define LDT_CS16	0x07
#define LDT_DS16	0x0f

#endif /* LINTEL_EMULATE_TEST_HOST_H */
