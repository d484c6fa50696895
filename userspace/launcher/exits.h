/* SPDX-License-Identifier: GPL-2.0-only */
/* What the launcher does when KVM_RUN returns; see exits.c. */
#ifndef LINTEL_EXITS_H
#define LINTEL_EXITS_H

#include "machine.h"

/* Handles the exit described in vcpu->run: the guest goes on, or machine_stop() was called. */
void exits_handle(struct vcpu *vcpu);

/* KVM_RUN itself failed with errno @err. */
void exits_run_failed(struct vcpu *vcpu, int err);

/* The name of an exit reason, for --stats. */
const char *exits_name(unsigned int reason);

#endif
