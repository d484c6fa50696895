/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine checks of the guest.
 */
#ifndef LINTEL_VMX_MCE_H
#define LINTEL_VMX_MCE_H

#include <linux/kvm.h>

#include "../types.h"

/*
 * lintel_set_mce - log an error in a bank; an uncorrected one raises #MC, or shuts the guest down when
 * it cannot take it.  vCPU loaded.  -EINVAL: no such bank, or a status that is not valid.
 */
int lintel_set_mce(struct lintel_vcpu *vcpu, const struct kvm_x86_mce *mce);

#endif
