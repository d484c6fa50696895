/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interpreter put to work on a vCPU, and the exits to user space that it needs.
 */
#ifndef LINTEL_VMX_INTERPRET_H
#define LINTEL_VMX_INTERPRET_H

#include "../types.h"

/* lintel_interpret - execute the instruction at RIP in software.  Preemptible, may sleep.
 * RESUME, TO_USER (MMIO, port, internal error), -errno. */
int lintel_interpret(struct lintel_vcpu *vcpu);

/* lintel_io_exit - tell user space about the next queued MMIO fragment, or about string I/O. */
int lintel_mmio_exit(struct lintel_vcpu *vcpu);

#endif
