/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Directed yield: the CPU that a spinning vCPU wastes is given to a vCPU of the same VM that
 * wants to run.
 */
#ifndef LINTEL_PARAVIRT_YIELD_H
#define LINTEL_PARAVIRT_YIELD_H

#include "../types.h"

/* lintel_yield_note_thread - the current thread is the one to boost.  vcpu->mutex; may sleep. */
void lintel_yield_note_thread(struct lintel_vcpu *vcpu);

/* lintel_yield_on_spin - @me spins: let another vCPU run that was preempted, if there is one. */
void lintel_yield_on_spin(struct lintel_vcpu *me);

/* lintel_yield_to - @me waits for @target, NULL: a vCPU that does not exist.  @me's thread. */
void lintel_yield_to(struct lintel_vcpu *me, struct lintel_vcpu *target);

#endif
