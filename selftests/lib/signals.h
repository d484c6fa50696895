/* SPDX-License-Identifier: GPL-2.0-only */
/* Ending a KVM_RUN by a signal. */
#ifndef LINTEL_SELFTESTS_SIGNALS_H
#define LINTEL_SELFTESTS_SIGNALS_H

#include "vm.h"

/*
 * One KVM_RUN that ends with EINTR, by a SIGUSR1 whose handler does nothing. It is sent every `ms`
 * ms (1 to 999): the first may come before the KVM_RUN.
 */
void vcpu_run_until_signal(struct vcpu *v, unsigned int ms);

#endif
