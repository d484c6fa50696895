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
#include "../irq/irq.h"
#include "../regs.h"

/* "Uncorrected no action required": told by the interrupt for corrected errors, if at all. */
static bool is_ucna(const struct kvm_x86_mce *mce)
{
	return !mce->mcg_status && !(mce->status & (MCI_STATUS_PCC | MCI_STATUS_S | MCI_STATUS_AR));
}

int lintel_set_mce(struct lintel_vcpu *vcpu, const struct kvm_x86_mce *mce)
{
	unsigned int banks = vcpu->mcg_cap & MCG_BANKCNT_MASK, nr;
	bool machine_check;
	u64 *bank;

	if (mce->bank >= banks || !(mce->status & MCI_STATUS_VAL))
		return -EINVAL;
	nr = array_index_nospec(mce->bank, banks);
	bank = &vcpu->mce_banks[4 * nr];
	machine_check = (mce->status & MCI_STATUS_UC) && !is_ucna(mce);
	if (machine_check) {
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
	} else if (!(mce->status & MCI_STATUS_UC) && (bank[1] & MCI_STATUS_VAL) &&
		   (bank[1] & MCI_STATUS_UC)) {
		/* a corrected error does not overwrite an uncorrected one */
		bank[1] |= MCI_STATUS_OVER;
		return 0;
	}
	bank[1] = mce->status | (bank[1] & MCI_STATUS_VAL ? MCI_STATUS_OVER : 0);
	bank[2] = mce->addr;
	bank[3] = mce->misc;
	if (!machine_check && (vcpu->mcg_cap & MCG_CMCI_P) &&
	    (vcpu->mce_ctl2[nr] & MCI_CTL2_CMCI_EN))
		lintel_lapic_cmci(vcpu);
	return 0;
}
