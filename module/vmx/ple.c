// SPDX-License-Identifier: GPL-2.0-only
/*
 * PAUSE-loop exiting.
 *
 * The CPU notes PAUSEs that follow each other within ple_gap cycles as one loop, and exits when
 * the loop is older than the window.  A lock that is held by a running vCPU is free again soon,
 * and the exit was for nothing: so the window grows with each exit, and falls back when the
 * thread was scheduled, after which lock holders may be other ones.
 */
#include "ple.h"

#include <linux/module.h>

#include "ops.h"
#include "../paravirt/window.h"
#include "../vcpu.h"

#define PLE_GAP_CYCLES	128

/* Names, defaults and meaning are KVM's. */
static unsigned int ple_window = 4096;
module_param(ple_window, uint, 0444);
MODULE_PARM_DESC(ple_window, "cycles that a guest may spin on PAUSE, to begin with (4096)");

static unsigned int ple_window_grow = 2;
module_param(ple_window_grow, uint, 0444);
MODULE_PARM_DESC(ple_window_grow,
		 "growth at an exit: a factor if below ple_window, else added; 0: none (2)");

static unsigned int ple_window_shrink;
module_param(ple_window_shrink, uint, 0444);
MODULE_PARM_DESC(ple_window_shrink,
		 "shrinking: a divisor if below ple_window, else taken off; 0: to ple_window (0)");

static unsigned int ple_window_max = UINT_MAX;
module_param(ple_window_max, uint, 0444);
MODULE_PARM_DESC(ple_window_max, "the largest window (4294967295)");

static struct window_rules ple_rules(void)
{
	return (struct window_rules){
		.start = ple_window, .grow = ple_window_grow, .shrink = ple_window_shrink,
		.max = ple_window_max,
	};
}

void vmx_ple_init(struct lintel_vcpu *vcpu, bool on)
{
	vcpu->vmx.ple_window = on ? ple_window : 0;
	vcpu->vmx.ple_written = vcpu->vmx.ple_window;
	if (!on)
		return;
	vmcs_write32(PLE_GAP, PLE_GAP_CYCLES);
	vmcs_write32(PLE_WINDOW, ple_window);
}

void vmx_ple_spun(struct lintel_vcpu *vcpu)
{
	const struct window_rules rules = ple_rules();

	vcpu->vmx.ple_window = ple_grow(vcpu->vmx.ple_window, &rules);
}

void vmx_ple_rested(struct lintel_vcpu *vcpu)
{
	const struct window_rules rules = ple_rules();

	if (vcpu->vmx.ple_window > ple_window)
		vcpu->vmx.ple_window = ple_shrink(vcpu->vmx.ple_window, &rules);
}

void vmx_ple_write(struct lintel_vcpu *vcpu)
{
	vcpu->vmx.ple_written = vcpu->vmx.ple_window;
	vmcs_write32(PLE_WINDOW, vcpu->vmx.ple_window);
}
