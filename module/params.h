/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters, defined in main.c: one bool for each optional CPU feature that Lintel uses
 * where present.  All are read-only after load; module/vmx/caps.c turns a parameter off when the
 * CPU lacks the feature, so that /sys/module/lintel/parameters shows what is in use.
 */
#ifndef LINTEL_PARAMS_H
#define LINTEL_PARAMS_H

#include <linux/types.h>

struct lintel_params {
	bool vpid;		/* virtual-processor identifiers */
	bool ept_ad;		/* accessed and dirty bits in EPT entries */
	bool ept_2m;		/* 2 MiB EPT entries */
	bool ept_1g;		/* 1 GiB EPT entries */
	bool pml;		/* page-modification logging */
	bool ple;		/* PAUSE-loop exiting */
	bool tsc_scaling;	/* guests whose TSC has another rate */
	bool xsaves;		/* XSAVES and XRSTORS for guests */
	bool preemption_timer;	/* VMX-preemption timer, for the guest's local APIC timer */
	bool apicv;		/* TPR shadow */
	bool vid;		/* virtual-interrupt delivery, APIC registers; needs apicv */
	bool pmu;		/* performance counters for guests */
	bool posted_interrupts;	/* interrupts from outside without an exit; needs vid */
};

extern struct lintel_params lintel_params;

#endif
