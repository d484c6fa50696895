/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine checks of the guest.
 */
#ifndef LINTEL_VMX_MCE_H
#define LINTEL_VMX_MCE_H

#include <linux/kvm.h>
#include <asm/mce.h>

#include "../types.h"

/*
 * IA32_MCG_CAP: what a VMM may give.  A control register, recovery by software, and corrected
 * errors by interrupt.
 */
#define LINTEL_MCG_CAP	(MCG_CTL_P | MCG_SER_P | MCG_CMCI_P)

/*
 * lintel_set_mce - log an error in a bank; an uncorrected one raises #MC, or shuts the guest down when
 * it cannot take it.  vCPU loaded.  -EINVAL: no such bank, or a status that is not valid.
 */
int lintel_set_mce(struct lintel_vcpu *vcpu, const struct kvm_x86_mce *mce);

#endif
