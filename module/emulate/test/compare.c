// SPDX-License-Identifier: GPL-2.0-only
/*
 * The comparison with the real CPU: random instances of every form of forms.c, executed by the
 * interpreter on a copy of the data and by the host's CPU on the data, must leave the same
 * registers, memory, defined flags and RIP, or raise the same exception with the same error code
 * and address. The sequence is fixed: what fails once fails again.
 *
 * Where the SDM leaves open which of two faults comes first, or what of the stack is written
 * before one, the interpreter does what Intel's processors do; the forms that others do otherwise
 * (FORM_INTEL) are compared with Intel's alone.
 */
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../internal.h"
#include "instance.h"
#include "tests.h"

#define INSTANCES	1000	/* of each form, in each mode */

static u8 shadow[DATA_BYTES];
static u8 xmm[16][16];
static enum emulate_mode mode;

/* How much of n bytes at linear is data; 0 and a page fault if not all of it. */
static int access(struct emulate_ctxt *c, u64 linear, unsigned int n, bool write)
{
	u64 first_bad = linear;

	if (linear >= DATA_BASE && linear + n <= DATA_BASE + DATA_BYTES)
		return EMULATE_OK;
	if (linear >= DATA_BASE && linear < DATA_BASE + DATA_BYTES)
		first_bad = DATA_BASE + DATA_BYTES;
	return emulate_raise_pf(c, first_bad, 4 | (write ? 2 : 0));
}

static int op_fetch(struct emulate_ctxt *c, u64 linear, void *bytes, unsigned int n)
{
	(void)c;
	memcpy(bytes, (void *)linear, n);
	return EMULATE_OK;
}

static int op_read(struct emulate_ctxt *c, u64 linear, void *val, unsigned int n)
{
	EMU_TRY(access(c, linear, n, false));
	memcpy(val, shadow + (linear - DATA_BASE), n);
	return EMULATE_OK;
}

static int op_write(struct emulate_ctxt *c, u64 linear, const void *val, unsigned int n)
{
	EMU_TRY(access(c, linear, n, true));
	memcpy(shadow + (linear - DATA_BASE), val, n);
	return EMULATE_OK;
}

static int op_probe(struct emulate_ctxt *c, u64 linear, unsigned int n)
{
	return access(c, linear, n, true);
}

static int op_cmpxchg(struct emulate_ctxt *c, u64 linear, const void *old, const void *new,
		      unsigned int n)
{
	EMU_TRY(access(c, linear, n, true));
	if (memcmp(shadow + (linear - DATA_BASE), old, n))
		return EMULATE_RETRY;
	memcpy(shadow + (linear - DATA_BASE), new, n);
	return EMULATE_OK;
}

static int op_io_allowed(struct emulate_ctxt *c, u16 port, unsigned int size)
{
	(void)c;
	(void)port;
	(void)size;
	return EMULATE_FAULT;
}

static int op_get_segment(struct emulate_ctxt *c, enum emulate_seg seg, struct emulate_segment *s)
{
	(void)c;
	*s = (struct emulate_segment){ .limit = 0xffffffff, .ar = 0xc0f3 };
	if (mode == EMULATE_MODE_PROT16 && seg <= EMULATE_DS) {
		bool code = seg == EMULATE_CS;

		s->base = code ? CODE_BASE : DATA_BASE;
		s->limit = (code ? CODE_BYTES : DATA_BYTES) - 1;
		s->ar = code ? 0xfb : 0xf3;
		s->selector = code ? LDT_CS16 : LDT_DS16;
	} else if (seg == EMULATE_CS) {
		s->selector = mode == EMULATE_MODE_LONG64 ? USER_CS64 : USER_CS32;
		s->ar = mode == EMULATE_MODE_LONG64 ? 0xa0fb : 0xc0fb;
	} else if (seg == EMULATE_SS) {
		s->selector = USER_DS;
	} else if (seg <= EMULATE_DS && mode == EMULATE_MODE_PROT32) {
		s->selector = USER_DS;
	} else {
		s->ar = EMULATE_AR_UNUSABLE;
	}
	return EMULATE_OK;
}

static int op_set_segment(struct emulate_ctxt *c, enum emulate_seg seg,
			  const struct emulate_segment *s)
{
	(void)c;
	(void)seg;
	(void)s;
	return EMULATE_OK;
}

static int op_get_xmm(struct emulate_ctxt *c, unsigned int nr, void *val)
{
	(void)c;
	memcpy(val, xmm[nr], 16);
	return EMULATE_OK;
}

static int op_set_xmm(struct emulate_ctxt *c, unsigned int nr, const void *val)
{
	(void)c;
	memcpy(xmm[nr], val, 16);
	return EMULATE_OK;
}

static const struct emulate_ops ops = {
	.fetch = op_fetch, .read_mem = op_read, .write_mem = op_write, .cmpxchg_mem = op_cmpxchg,
	.probe_write = op_probe, .io_allowed = op_io_allowed, .get_segment = op_get_segment,
	.set_segment = op_set_segment, .get_xmm = op_get_xmm, .set_xmm = op_set_xmm,
};

static void load_context(struct emulate_ctxt *c, const struct instance *in)
{
	memset(c, 0, sizeof(*c));
	c->ops = &ops;
	memcpy(c->gprs, in->state.gprs, sizeof(c->gprs));
	memcpy(xmm, in->state.xmm, sizeof(xmm));
	c->rip = in->state.rip;
	c->rflags = in->state.rflags;
	c->mode = in->mode;
	c->cpl = 3;
	c->cr0 = 0x80000031;
	c->cr4 = CR4_OSFXSR;
	c->efer = 0x500;
	mode = in->mode;
}

/* Flags that are undefined in this instance; for shifts that depends on the count. */
static u64 undefined_flags(const struct instance *in, const struct emulate_ctxt *c)
{
	const struct emulate_insn *insn = &c->insn;
	unsigned int size = insn->dst.size, count;
	u64 undefined = in->form->undefined;

	if (!(in->form->flags & FORM_SHIFT))
		return undefined;
	if (insn->op == OP_SHLD || insn->op == OP_SHRD)
		count = insn->src2.val;
	else
		count = insn->src.val;
	count &= size == 8 ? 63 : 31;
	if (!count)
		return 0;
	if (count == 1)
		undefined &= ~FLAG_OF;
	if ((insn->op == OP_SHL || insn->op == OP_SHR || insn->op == OP_SAL) && count >= size * 8)
		undefined |= FLAG_CF;
	return undefined;
}

/* The SDM leaves result and flags of a 16-bit SHLD or SHRD by more than 16 undefined. */
static bool undefined_result(const struct emulate_ctxt *c)
{
	const struct emulate_insn *insn = &c->insn;

	return (insn->op == OP_SHLD || insn->op == OP_SHRD) && insn->dst.size == 2 &&
	       (insn->src2.val & 31) > 16;
}

static unsigned int mismatches;

static unsigned int bits_of(enum emulate_mode m)
{
	return m == EMULATE_MODE_LONG64 ? 64 : m == EMULATE_MODE_PROT32 ? 32 : 16;
}

static void complain(const struct instance *in, const struct emulate_ctxt *c,
		     const struct host_state *real, const char *what, u64 ours, u64 cpu)
{
	char hex[64] = "";
	unsigned int i;

	if (++mismatches > 3)
		return;
	for (i = 0; i < in->length; i++)
		sprintf(hex + 3 * i, "%02x ", in->bytes[i]);
	tap_note("%u-bit %s: %s differs: %#llx, CPU %#llx; bytes %s", bits_of(in->mode),
		 in->form->name, what, (unsigned long long)ours, (unsigned long long)cpu, hex);
	tap_note("  rax %#llx rcx %#llx rdx %#llx rflags %#llx; exceptions %d, CPU %llu",
		 (unsigned long long)in->state.gprs[0], (unsigned long long)in->state.gprs[1],
		 (unsigned long long)in->state.gprs[2], (unsigned long long)in->state.rflags,
		 c->exception.valid ? c->exception.vector : -1, (unsigned long long)real->vector);
}

static const char *const reg_name[16] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

static void compare_exception(const struct instance *in, const struct emulate_ctxt *c,
			      const struct host_state *real)
{
	const struct emulate_exception *e = &c->exception;

	if (!e->valid) {
		if (real->vector != VEC_BP)
			complain(in, c, real, "vector", VEC_BP, real->vector);
		return;
	}
	if (e->vector != real->vector) {
		complain(in, c, real, "vector", e->vector, real->vector);
		return;
	}
	if (e->has_error_code && (e->error_code & 7) != (real->error_code & 7))
		complain(in, c, real, "error code", e->error_code, real->error_code);
	if (e->vector == VEC_PF && e->address != real->cr2)
		complain(in, c, real, "cr2", e->address, real->cr2);
}

static void compare(const struct instance *in, const struct emulate_ctxt *c,
		    const struct host_state *real, u64 undefined)
{
	u64 mask = in->long_mode ? ~0ULL : 0xffffffff, flags = FLAGS_ARITH | FLAG_DF;
	unsigned int i, before = mismatches;

	compare_exception(in, c, real);
	if (mismatches != before)
		return;
	for (i = 0; i < (in->long_mode ? 16U : 8U); i++) {
		/* The kernel's return to a 16-bit stack may lose the upper half of ESP. */
		if (in->mode == EMULATE_MODE_PROT16)
			mask = i == EMULATE_RSP ? 0xffff : 0xffffffff;
		if ((c->gprs[i] ^ real->gprs[i]) & mask)
			complain(in, c, real, reg_name[i], c->gprs[i], real->gprs[i]);
	}
	if (!c->exception.valid)
		flags &= ~undefined;
	if ((c->rflags ^ real->rflags) & flags)
		complain(in, c, real, "flags", c->rflags & flags, real->rflags & flags);
	if (c->rip != real->rip)
		complain(in, c, real, "rip", c->rip, real->rip);
	if (memcmp(xmm, real->xmm, in->long_mode ? 256 : 128))
		complain(in, c, real, "an XMM register", 0, 0);
	if (memcmp(shadow, (void *)DATA_BASE, DATA_BYTES)) {
		for (i = 0; shadow[i] == ((u8 *)DATA_BASE)[i]; i++)
			;
		complain(in, c, real, "memory", i, shadow[i]);
	}
}

static void fill_data(void)
{
	u64 *words = (u64 *)DATA_BASE;
	unsigned int i;

	for (i = 0; i < DATA_BYTES / 8; i++)
		words[i] = random64();
}

/*
 * May the real CPU run it? Not where it would jump out of the area that traps, and page faults
 * only beside the data and in the first page: elsewhere this process may have memory.
 */
static bool lands_safely(const struct instance *in, const struct emulate_ctxt *c)
{
	u64 address = c->exception.address;

	if (c->exception.valid && c->exception.vector == VEC_PF)
		return address < 0x10000 ||
		       (address >= DATA_BASE - 0x100000 && address < DATA_BASE + 0x8000000);
	if (c->exception.valid)
		return true;
	if (c->rip >= in->code && c->rip < in->code + in->length)
		return false;
	return c->rip >= in->code - CODE_BYTES / 2 && c->rip < in->code + CODE_BYTES / 2 - 16;
}

static bool alone;	/* the interpreter is executed, and not compared */

/* One instance; true if it was compared. */
static bool run_instance(const struct form *form, enum emulate_mode m, unsigned int *faults)
{
	static struct emulate_ctxt c;
	struct host_state real;
	struct instance in;
	u64 undefined;
	int r, calls = 0;

	make_instance(&in, form, m, (u8 *)DATA_BASE);
	memcpy(shadow, (void *)DATA_BASE, DATA_BYTES);
	host_set_code(in.bytes, in.length);
	load_context(&c, &in);
	do {
		r = emulate_one(&c);
	} while (r == EMULATE_OK && !c.retired && ++calls < 100);
	if (r == EMULATE_UNHANDLED || r == EMULATE_TO_USER || calls == 100) {
		complain(&in, &c, &in.state, "result (interpreter alone)", r, 0);
		return true;
	}
	if (r == EMULATE_OK)
		coverage_note(&c);
	if (alone || !lands_safely(&in, &c) || (r == EMULATE_OK && undefined_result(&c)))
		return false;
	*faults += r == EMULATE_FAULT;
	undefined = undefined_flags(&in, &c);
	real = in.state;
	host_run(&real, m);
	compare(&in, &c, &real, undefined);
	return true;
}

/* The two instructions of forms.c that are younger than 64-bit mode. */
static bool cpu_has(const struct form *form)
{
	unsigned int eax, ebx, ecx = 0, edx;

	__get_cpuid(1, &eax, &ebx, &ecx, &edx);
	if (form->opcode[1] == 0x38)
		return ecx & bit_MOVBE;
	return form->opcode[1] != 0xb8 || (ecx & bit_POPCNT);
}

static void run_mode(const struct form *form, enum emulate_mode m)
{
	unsigned int i, compared = 0, faults = 0;

	if (!cpu_has(form)) {
		tap_skip(form->name, "this CPU does not have it");
		return;
	}

	if (form->flags & (m == EMULATE_MODE_LONG64 ? FORM_NO64 : FORM_ONLY64))
		return;
	alone = (form->flags & FORM_INTEL) && !__builtin_cpu_is("intel");
	seed_random((form - forms) * 8 + m + 1);
	mismatches = 0;
	for (i = 0; i < INSTANCES; i++) {
		if (i % 32 == 0)
			fill_data();
		compared += run_instance(form, m, &faults);
	}
	if (alone)
		tap_skip(form->name, "this is no Intel processor: others do it otherwise");
	else
		tap_ok(!mismatches && compared > INSTANCES / 8,
		       "real CPU, %u-bit: %s: %u compared, %u of them exceptions, %u differ",
		       bits_of(m), form->name, compared, faults, mismatches);
}

bool test_host_cpu(void)
{
	static const enum emulate_mode modes[] = {
		EMULATE_MODE_LONG64, EMULATE_MODE_PROT32, EMULATE_MODE_PROT16,
	};
	const char *reason = host_open();
	unsigned int i, k, modes_run = 0;
	char name[64];

	if (reason) {
		tap_skip("comparison with the real CPU", reason);
		return false;
	}
	for (k = 0; k < ARRAY_SIZE(modes); k++) {
		snprintf(name, sizeof(name), "comparison with the real CPU in %u-bit mode",
			 bits_of(modes[k]));
		if (k && !host_has_mode(modes[k])) {
			tap_skip(name, "the kernel does not run such code");
			continue;
		}
		modes_run++;
		for (i = 0; i < form_count; i++)
			run_mode(&forms[i], modes[k]);
	}
	host_close();
	return modes_run == ARRAY_SIZE(modes);
}
