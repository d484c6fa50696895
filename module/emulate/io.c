// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: IN and OUT, and the permission check that they share with INS and OUTS.
 */
#include "internal.h"

/* The TSS's bitmap is asked where I/O privilege does not suffice, as the processor does. */
int emu_check_io(struct emulate_ctxt *c, u16 port, unsigned int size)
{
	unsigned int iopl = (c->rflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
	int r;

	if (c->mode == EMULATE_MODE_REAL || !c->ops->io_allowed ||
	    (c->mode != EMULATE_MODE_VM86 && c->cpl <= iopl))
		return EMULATE_OK;
	r = c->ops->io_allowed(c, port, size);
	if (r == EMULATE_FAULT && !c->exception.valid)
		return emulate_raise_error(c, VEC_GP, 0);
	return r;
}

static unsigned int io_size(const struct emulate_ctxt *c)
{
	unsigned int size = c->insn.dst.size;

	return size > 4 ? 4 : size;	/* REX.W is ignored */
}

int emu_do_in(struct emulate_ctxt *c)
{
	unsigned int size = io_size(c);
	u16 port = c->insn.src.val;
	u32 val = 0;

	EMU_TRY(emu_check_io(c, port, size));
	if (!c->ops->pio_in)
		return EMULATE_UNHANDLED;
	EMU_TRY(c->ops->pio_in(c, port, size, &val, 1));
	emu_set_gpr(c, EMULATE_RAX, size, val);
	return EMULATE_OK;
}

int emu_do_out(struct emulate_ctxt *c)
{
	unsigned int size = io_size(c);
	u16 port = c->insn.src.val;
	u32 val = emu_get_gpr(c, EMULATE_RAX, size);

	EMU_TRY(emu_check_io(c, port, size));
	if (!c->ops->pio_out)
		return EMULATE_UNHANDLED;
	return c->ops->pio_out(c, port, size, &val, 1);
}
