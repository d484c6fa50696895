// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine of machine.h.
 */
#include <string.h>

#include "machine.h"
#include "tests.h"

static struct machine *machine_of(struct emulate_ctxt *c)
{
	return c->private;
}

static int check(struct emulate_ctxt *c, u64 linear, unsigned int n, bool write)
{
	bool user = c->cpl == 3 && !c->system_access;
	u32 error = (write ? 2 : 0) | (user ? 4 : 0);

	if (linear >= DEVICE && linear + n <= DEVICE + 0x1000)
		return EMULATE_TO_USER;
	if (linear + n > RAM_BYTES)
		return emulate_raise_pf(c, linear < RAM_BYTES ? RAM_BYTES : linear, error);
	if (write && linear + n > READ_ONLY)
		return emulate_raise_pf(c, linear, error | 1);
	if (user && linear + n > SUPERVISOR && linear < SUPERVISOR + 0x1000)
		return emulate_raise_pf(c, linear, error | 1);
	return EMULATE_OK;
}

/* A read that user space must answer: ask once, take the answer once. */
static int ask(struct machine *m, u64 where, u64 *val)
{
	if (!m->immediate && !(m->completed && m->pending_where == where)) {
		m->pending = true;
		m->completed = false;
		m->pending_where = where;
		m->exits++;
		return EMULATE_TO_USER;
	}
	m->pending = m->completed = false;
	m->reads++;
	*val = m->next_value++;
	return EMULATE_OK;
}

static void note_write(struct emulate_ctxt *c, u64 where, const void *val, unsigned int n,
		       unsigned int count)
{
	struct machine *m = machine_of(c);
	struct machine_access *w = &m->writes[m->write_count % ARRAY_SIZE(m->writes)];

	m->write_count++;
	*w = (struct machine_access){ .where = where, .n = n, .count = count };
	memcpy(&w->val, val, n > 8 ? 8 : n);
	c->stop = true;
}

static int op_fetch(struct emulate_ctxt *c, u64 linear, void *bytes, unsigned int n)
{
	/* Execution is not allowed from the last page of RAM; no fetch may cross a page. */
	if (linear + n > RAM_BYTES - 0x1000)
		return emulate_raise_pf(c, linear, 0x11);
	if ((linear & 0xfff) + n > 0x1000)
		return EMULATE_UNHANDLED;
	memcpy(bytes, machine_of(c)->ram + linear, n);
	return EMULATE_OK;
}

static int op_read(struct emulate_ctxt *c, u64 linear, void *val, unsigned int n)
{
	struct machine *m = machine_of(c);
	u64 answer[2] = { 0, 0 };
	int r = check(c, linear, n, false);

	if (r == EMULATE_TO_USER) {
		if (n > 16)
			return EMULATE_UNHANDLED;
		EMU_TRY(ask(m, linear, answer));
		memcpy(val, answer, n);
		return EMULATE_OK;
	}
	if (r == EMULATE_OK)
		memcpy(val, m->ram + linear, n);
	return r;
}

static int op_write(struct emulate_ctxt *c, u64 linear, const void *val, unsigned int n)
{
	int r = check(c, linear, n, true);

	if (r == EMULATE_TO_USER) {
		if (n > 16)
			return EMULATE_UNHANDLED;
		note_write(c, linear, val, n, 1);
		return EMULATE_OK;
	}
	if (r == EMULATE_OK)
		memcpy(machine_of(c)->ram + linear, val, n);
	return r;
}

static int op_cmpxchg(struct emulate_ctxt *c, u64 linear, const void *old, const void *new,
		      unsigned int n)
{
	struct machine *m = machine_of(c);

	if (m->race && linear < RAM_BYTES) {
		m->race = false;
		m->ram[linear]++;
		return EMULATE_RETRY;
	}
	if (linear < RAM_BYTES && memcmp(m->ram + linear, old, n))
		return EMULATE_RETRY;
	return op_write(c, linear, new, n);
}

static int op_probe(struct emulate_ctxt *c, u64 linear, unsigned int n)
{
	return check(c, linear, n, true);
}

static int op_pio_in(struct emulate_ctxt *c, u16 port, unsigned int size, void *val,
		     unsigned int count)
{
	struct machine *m = machine_of(c);
	unsigned int i;
	u64 first;

	EMU_TRY(ask(m, port, &first));
	for (i = 0; i < count; i++, first++)
		memcpy((u8 *)val + i * size, &first, size);
	m->next_value = first;
	return EMULATE_OK;
}

static int op_pio_out(struct emulate_ctxt *c, u16 port, unsigned int size, const void *val,
		      unsigned int count)
{
	note_write(c, port, val, size, count);
	return EMULATE_OK;
}

static int op_io_allowed(struct emulate_ctxt *c, u16 port, unsigned int size)
{
	(void)size;
	return machine_of(c)->port_allowed == port ? EMULATE_OK : EMULATE_FAULT;
}

static int op_get_segment(struct emulate_ctxt *c, enum emulate_seg seg, struct emulate_segment *s)
{
	*s = machine_of(c)->seg[seg];
	return EMULATE_OK;
}

static int op_set_segment(struct emulate_ctxt *c, enum emulate_seg seg,
			  const struct emulate_segment *s)
{
	machine_of(c)->seg[seg] = *s;
	return EMULATE_OK;
}

static int op_get_table(struct emulate_ctxt *c, enum emulate_table table,
			struct emulate_desc_table *t)
{
	*t = machine_of(c)->table[table];
	return EMULATE_OK;
}

static int op_set_table(struct emulate_ctxt *c, enum emulate_table table,
			const struct emulate_desc_table *t)
{
	machine_of(c)->table[table] = *t;
	return EMULATE_OK;
}

static int op_get_cr(struct emulate_ctxt *c, unsigned int nr, u64 *val)
{
	*val = machine_of(c)->cr[nr];
	return EMULATE_OK;
}

static int op_set_cr(struct emulate_ctxt *c, unsigned int nr, u64 val)
{
	machine_of(c)->cr[nr] = val;
	if (nr == 0)
		c->cr0 = val;
	return EMULATE_OK;
}

static int op_get_dr(struct emulate_ctxt *c, unsigned int nr, u64 *val)
{
	*val = machine_of(c)->dr[nr];
	return EMULATE_OK;
}

static int op_set_dr(struct emulate_ctxt *c, unsigned int nr, u64 val)
{
	machine_of(c)->dr[nr] = val;
	return EMULATE_OK;
}

static int op_get_msr(struct emulate_ctxt *c, u32 msr, u64 *val)
{
	*val = machine_of(c)->msr;
	return msr == 0x10 ? EMULATE_OK : emulate_raise_error(c, VEC_GP, 0);
}

static int op_set_msr(struct emulate_ctxt *c, u32 msr, u64 val)
{
	machine_of(c)->msr = val;
	return msr == 0x10 ? EMULATE_OK : emulate_raise_error(c, VEC_GP, 0);
}

static int op_get_xmm(struct emulate_ctxt *c, unsigned int nr, void *val)
{
	memcpy(val, machine_of(c)->xmm[nr], 16);
	return EMULATE_OK;
}

static int op_set_xmm(struct emulate_ctxt *c, unsigned int nr, const void *val)
{
	memcpy(machine_of(c)->xmm[nr], val, 16);
	return EMULATE_OK;
}

static int op_cpuid(struct emulate_ctxt *c, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	(void)c;
	*ebx = *eax + 1;
	*edx = *ecx + 1;
	*eax = 100;
	*ecx = 200;
	return EMULATE_OK;
}

static int op_rdtsc(struct emulate_ctxt *c, u64 *tsc)
{
	(void)c;
	*tsc = 0x1122334455667788;
	return EMULATE_OK;
}

static int op_rdpid(struct emulate_ctxt *c, u64 *pid)
{
	(void)c;
	*pid = 0x89abcdef;
	return EMULATE_OK;
}

static int op_invlpg(struct emulate_ctxt *c, u64 linear)
{
	machine_of(c)->invlpg = linear;
	return EMULATE_OK;
}

static int op_wbinvd(struct emulate_ctxt *c)
{
	machine_of(c)->wbinvds++;
	return EMULATE_OK;
}

static const struct emulate_ops machine_ops = {
	.fetch = op_fetch, .read_mem = op_read, .write_mem = op_write, .cmpxchg_mem = op_cmpxchg,
	.probe_write = op_probe, .pio_in = op_pio_in, .pio_out = op_pio_out,
	.io_allowed = op_io_allowed, .get_segment = op_get_segment, .set_segment = op_set_segment,
	.get_desc_table = op_get_table, .set_desc_table = op_set_table,
	.get_cr = op_get_cr, .set_cr = op_set_cr, .get_dr = op_get_dr, .set_dr = op_set_dr,
	.get_msr = op_get_msr, .set_msr = op_set_msr, .get_xmm = op_get_xmm,
	.set_xmm = op_set_xmm, .cpuid = op_cpuid, .rdtsc = op_rdtsc, .rdpid = op_rdpid,
	.invlpg = op_invlpg, .wbinvd = op_wbinvd,
};

static void init_segments(struct machine *m, enum emulate_mode mode)
{
	bool paragraphs = mode == EMULATE_MODE_REAL || mode == EMULATE_MODE_VM86;
	unsigned int i;

	for (i = 0; i < EMULATE_NR_SEGS; i++) {
		struct emulate_segment *s = &m->seg[i];

		s->limit = paragraphs ? 0xffff : 0xffffffff;
		s->ar = paragraphs ? 0x93 : 0x8093;	/* flat data, ring 0 */
		if (mode == EMULATE_MODE_PROT32 || mode == EMULATE_MODE_LONG64)
			s->ar |= EMULATE_AR_DB;
		s->selector = paragraphs ? 0 : 0x10;
	}
	if (!paragraphs) {
		m->seg[EMULATE_CS].ar |= EMULATE_AR_CODE;
		m->seg[EMULATE_CS].selector = 0x08;
	}
	if (mode == EMULATE_MODE_LONG64)
		m->seg[EMULATE_CS].ar = 0xa09b;
	m->seg[EMULATE_LDTR].ar = EMULATE_AR_UNUSABLE;
	m->seg[EMULATE_TR].selector = 0x40;
}

void machine_init(struct machine *m, enum emulate_mode mode, const void *code, unsigned int n)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	m->c.ops = &machine_ops;
	m->c.private = m;
	m->c.mode = mode;
	m->c.rip = CODE_AT;
	m->c.rflags = FLAG_FIXED;
	m->c.gprs[EMULATE_RSP] = STACK_AT;
	m->c.cr0 = mode == EMULATE_MODE_REAL ? 0x10 : 0x11;
	m->c.cr4 = CR4_OSFXSR;
	m->c.efer = mode == EMULATE_MODE_LONG64 ? 0x500 : 0;
	if (mode == EMULATE_MODE_VM86) {
		m->c.cpl = 3;
		m->c.rflags |= FLAG_VM | FLAG_IOPL;
	}
	init_segments(m, mode);
	m->table[EMULATE_GDT] = (struct emulate_desc_table){ .base = 0x2000, .limit = 0xff };
	m->table[EMULATE_IDT] = (struct emulate_desc_table){ .base = 0, .limit = 0x3ff };
	for (i = 0; i < 16; i++)
		m->cr[i] = 0x1000 + i;
	m->next_value = 0x50;
	memcpy(m->ram + CODE_AT, code, n);
}

int machine_call(struct machine *m)
{
	int r = emulate_one(&m->c);

	if (r == EMULATE_OK && m->c.retired)
		coverage_note(&m->c);
	return r;
}

void machine_answer(struct machine *m)
{
	m->completed = m->pending;
}

int machine_run(struct machine *m)
{
	int calls, r = EMULATE_UNHANDLED;

	for (calls = 0; calls < 10000; calls++) {
		r = machine_call(m);
		if (r == EMULATE_TO_USER)
			machine_answer(m);
		else if (r != EMULATE_OK || m->c.retired)
			break;
	}
	return r;
}

u64 machine_ram(const struct machine *m, u64 linear, unsigned int n)
{
	u64 val = 0;

	memcpy(&val, m->ram + linear, n);
	return val;
}

void machine_set_ram(struct machine *m, u64 linear, u64 val, unsigned int n)
{
	memcpy(m->ram + linear, &val, n);
}

/* error_code -1: there must be none. */
bool machine_raised(const struct machine *m, int result, int vector, int error_code)
{
	const struct emulate_exception *e = &m->c.exception;

	return result == EMULATE_FAULT && e->valid && e->vector == vector &&
	       e->has_error_code == (error_code >= 0) &&
	       (error_code < 0 || e->error_code == (u32)error_code);
}
