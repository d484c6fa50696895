/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU that does not run: in HLT, waiting for INIT and SIPI, or for a page.
 */
#ifndef LINTEL_HALT_H
#define LINTEL_HALT_H

#include "types.h"

/*
 * lintel_block - wait until the vCPU is runnable, or INIT or SIPI is to be taken.  The running
 * thread, vCPU loaded; sleeps.  RESUME, or -EINTR: a signal.
 */
int lintel_block(struct lintel_vcpu *vcpu);

/*
 * lintel_block_for_page - REQ_APF_WAIT: wait for an absent page, or for what would end HLT.
 * Likewise.
 */
int lintel_block_for_page(struct lintel_vcpu *vcpu);

#endif
