/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the interpreter share; private to it.
 *
 * Every function that returns int returns enum emulate_result, and EMU_TRY() passes on all but
 * EMULATE_OK. A handler, emu_do_*(), finds its source operands in insn.src.val and insn.src2.val
 * and, with F_READ, the destination's old value in insn.dst.val. It leaves the new value there
 * for the caller to write (F_WRITE), the flags in new_rflags, the next instruction in
 * next_rip; and changes registers only after its last access to memory.
 */
#ifndef LINTEL_EMULATE_INTERNAL_H
#define LINTEL_EMULATE_INTERNAL_H

#include "emulate.h"
#include "opcode.h"

#define EMU_TRY(expr)				\
	do {					\
		int emu_try_result = (expr);	\
						\
		if (emu_try_result)		\
			return emu_try_result;	\
	} while (0)

#define FLAG_CF		BIT(0)
#define FLAG_FIXED	BIT(1)
#define FLAG_PF		BIT(2)
#define FLAG_AF		BIT(4)
#define FLAG_ZF		BIT(6)
#define FLAG_SF		BIT(7)
#define FLAG_TF		BIT(8)
#define FLAG_IF		BIT(9)
#define FLAG_DF		BIT(10)
#define FLAG_OF		BIT(11)
#define FLAG_IOPL	(3UL << 12)
#define FLAG_IOPL_SHIFT	12
#define FLAG_NT		BIT(14)
#define FLAG_RF		BIT(16)
#define FLAG_VM		BIT(17)
#define FLAG_AC		BIT(18)
#define FLAG_VIF	BIT(19)
#define FLAG_VIP	BIT(20)
#define FLAG_ID		BIT(21)
#define FLAGS_ARITH	(FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#define CR0_PE		BIT(0)
#define CR0_MP		BIT(1)
#define CR0_EM		BIT(2)
#define CR0_TS		BIT(3)
#define CR0_PG		BIT(31)
#define CR4_VME		BIT(0)
#define CR4_PVI		BIT(1)
#define CR4_TSD		BIT(2)
#define CR4_DE		BIT(3)
#define CR4_OSFXSR	BIT(9)
#define CR4_UMIP	BIT(11)
#define CR4_LA57	BIT(12)
#define DR6_BT		BIT(15)
#define EFER_LMA	BIT(10)

#define VEC_DE		0
#define VEC_DB		1
#define VEC_BP		3
#define VEC_OF		4
#define VEC_UD		6
#define VEC_NM		7
#define VEC_TS		10
#define VEC_NP		11
#define VEC_SS		12
#define VEC_GP		13
#define VEC_PF		14

static inline bool emu_long(const struct emulate_ctxt *c)
{
	return c->mode == EMULATE_MODE_LONG64;
}

/* Real or virtual-8086 mode: a selector is a paragraph. */
static inline bool emu_paragraphs(const struct emulate_ctxt *c)
{
	return c->mode == EMULATE_MODE_REAL || c->mode == EMULATE_MODE_VM86;
}

static inline u64 emu_mask(unsigned int bytes)
{
	return bytes >= 8 ? ~0ULL : (1ULL << (bytes * 8)) - 1;
}

static inline u64 emu_sign_bit(unsigned int bytes)
{
	return 1ULL << (bytes * 8 - 1);
}

static inline u64 emu_sign_extend(u64 val, unsigned int bytes)
{
	u64 sign = emu_sign_bit(bytes);

	val &= emu_mask(bytes);
	return (val ^ sign) - sign;
}

/* operand.c: registers */
u64 emu_get_gpr(const struct emulate_ctxt *c, unsigned int reg, unsigned int bytes);
void emu_set_gpr(struct emulate_ctxt *c, unsigned int reg, unsigned int bytes, u64 val);

/* operand.c: operands of the decoded instruction */
u64 emu_mem_offset(const struct emulate_ctxt *c);
int emu_mem_address(struct emulate_ctxt *c, u64 delta, unsigned int n, bool write);
int emu_read_operand(struct emulate_ctxt *c, struct emulate_operand *o);
void emu_write_register(struct emulate_ctxt *c, const struct emulate_operand *o);
int emu_write_dst(struct emulate_ctxt *c);
unsigned int emu_data_segment(const struct emulate_ctxt *c);
int emu_check_sse(struct emulate_ctxt *c);

/* exec_xmm.c: is it a move of a part of an XMM register?  A question of opcode and prefix. */
bool emu_is_part_move(const struct emulate_insn *insn);

/* memory.c */
int emu_segment(struct emulate_ctxt *c, unsigned int seg, struct emulate_segment **s);
int emu_linear(struct emulate_ctxt *c, unsigned int seg, u64 offset, unsigned int n, bool write,
	       u64 *linear);
int emu_check_rip(struct emulate_ctxt *c, u64 rip);
bool emu_canonical(const struct emulate_ctxt *c, u64 linear);
int emu_read(struct emulate_ctxt *c, u64 linear, void *val, unsigned int n);
int emu_write(struct emulate_ctxt *c, u64 linear, const void *val, unsigned int n);
int emu_probe(struct emulate_ctxt *c, u64 linear, unsigned int n);
int emu_read_system(struct emulate_ctxt *c, u64 linear, void *val, unsigned int n);
int emu_cmpxchg(struct emulate_ctxt *c, u64 linear, const void *old, const void *new,
		unsigned int n);

/* alu.c: pure functions. flags in and out; a and b are truncated to bytes by them. */
u64 emu_alu(unsigned int op, u64 a, u64 b, unsigned int bytes, u64 *flags);
u64 emu_shift(unsigned int op, u64 a, unsigned int count, unsigned int bytes, u64 *flags);
u64 emu_shift_double(unsigned int op, u64 a, u64 b, unsigned int count, unsigned int bytes,
		     u64 *flags);
bool emu_condition(unsigned int code, u64 flags);

/* stack.c */
int emu_push(struct emulate_ctxt *c, u64 *sp, u64 val, unsigned int n);
int emu_pop(struct emulate_ctxt *c, u64 *sp, u64 *val, unsigned int n);
int emu_drop(struct emulate_ctxt *c, u64 *sp, u64 bytes);
u64 emu_writable_flags(const struct emulate_ctxt *c);

/* segment.c */
struct emu_descriptor {
	u64 raw;
	u64 linear;		/* where it was read */
	struct emulate_segment seg;
};

/* types of system descriptors */
#define EMU_LDT		2
#define EMU_TSS16	1
#define EMU_TSS32	9	/* in long mode the 64-bit TSS */
#define EMU_TSS_BUSY	2

int emu_bad_selector(struct emulate_ctxt *c, u8 vector, u16 selector);
unsigned int emu_dpl(const struct emulate_segment *s);
int emu_read_descriptor(struct emulate_ctxt *c, u16 selector, unsigned int bytes, u8 vector,
			struct emu_descriptor *d);
int emu_mark_type(struct emulate_ctxt *c, struct emu_descriptor *d, u8 clear, u8 set);
int emu_set_segment(struct emulate_ctxt *c, unsigned int seg, const struct emulate_segment *s);
int emu_load_segment(struct emulate_ctxt *c, unsigned int seg, u16 selector, u8 vector);
int emu_fetch_code_segment(struct emulate_ctxt *c, u16 selector, u64 rip, bool ret,
			   struct emulate_segment *s);
int emu_commit_code_segment(struct emulate_ctxt *c, const struct emulate_segment *s);

/* io.c */
int emu_check_io(struct emulate_ctxt *c, u16 port, unsigned int size);

#define X(op, handler) int emu_do_##handler(struct emulate_ctxt *c);
EMULATE_OPS(X)
#undef X

#endif /* LINTEL_EMULATE_INTERNAL_H */
