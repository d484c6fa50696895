// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_X86_SET_MCE: a machine check for the guest, as a VMM reports it that got SIGBUS for guest
 * memory. SDM, chapter "Machine-Check Architecture".
 */
#include <linux/nospec.h>
#include <asm/mce.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "event.h"
#include "mce.h"
#include "../regs.h"

int lintel_set_mce(struct lintel_vcpu *vcpu, const struct kvm_x86_mce *mce)
{
	unsigned int banks = vcpu->mcg_cap & 0xff;
	u64 *bank;

	if (mce->bank >= banks || !(mce->status & MCI_STATUS_VAL))
		return -EINVAL;
	bank = &vcpu->mce_banks[4 * array_index_nospec(mce->bank, banks)];
	if (mce->status & MCI_STATUS_UC) {
		/* disabled: the CPU would not have reported it */
		if (((vcpu->mcg_cap & MCG_CTL_P) && vcpu->mcg_ctl != ~0ULL) || bank[0] != ~0ULL)
			return 0;
		/* one on top of another, or one that the guest cannot take */
		if ((vcpu->mcg_status & MCG_STATUS_MCIP) ||
		    !(lintel_cr4(vcpu) & X86_CR4_MCE)) {
			lintel_vcpu_request(vcpu, REQ_TRIPLE_FAULT);
			return 0;
		}
		vcpu->mcg_status = mce->mcg_status;
		lintel_queue_exception(vcpu, X86_TRAP_MC, false, 0);
	} else if ((bank[1] & MCI_STATUS_VAL) && (bank[1] & MCI_STATUS_UC)) {
		/* a corrected error does not overwrite an uncorrected one */
		bank[1] |= MCI_STATUS_OVER;
		return 0;
	}
	bank[1] = mce->status | (bank[1] & MCI_STATUS_VAL ? MCI_STATUS_OVER : 0);
	bank[2] = mce->addr;
	bank[3] = mce->misc;
	return 0;
}
