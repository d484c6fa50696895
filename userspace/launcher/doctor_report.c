// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two halves: the features of the CPU, from one table (capability MSR and bit, the kernel's name
 * for it, whether Lintel can do without), and the state of the kernel around it, one function for
 * one question. A feature is looked up in the MSR when that could be read, else among the kernel's
 * "vmx flags".
 */
#include "doctor_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MSR_PIN		0x481
#define MSR_PROC	0x482
#define MSR_PROC2	0x48b
#define MSR_EPT_VPID	0x48c

#define FEATURE_LOCKED		(1 << 0)
#define FEATURE_VMX_OUTSIDE_SMX	(1 << 2)

#define HIGH	32	/* in a control word's MSR, bit n may be set if bit 32 + n is 1 */

static const struct feature {
	const char *what;
	unsigned int msr, bit;
	const char *flag;	/* the kernel's name for it; NULL: it has none */
	bool required;
	const char *use;
} features[] = {
	{ "EPT", MSR_PROC2, HIGH + 1, "ept", true, "guest memory" },
	{ "unrestricted guest", MSR_PROC2, HIGH + 7, "unrestricted_guest", true,
	  "real mode without an emulator" },
	{ "virtual NMIs", MSR_PIN, HIGH + 5, "vnmi", true, "NMIs of guest and host apart" },
	{ "MSR bitmaps", MSR_PROC, HIGH + 28, NULL, true, "MSRs that need no exit" },
	{ "EPT, 4-level walks", MSR_EPT_VPID, 6, NULL, true, "the shape of the page tables" },
	{ "EPT, write-back tables", MSR_EPT_VPID, 14, NULL, true, "page tables in cached memory" },
	{ "INVEPT, single context", MSR_EPT_VPID, 25, NULL, true, "flushing one guest" },
	{ "EPT, 2 MiB pages", MSR_EPT_VPID, 16, NULL, false, "fewer page faults and TLB misses" },
	{ "EPT, 1 GiB pages", MSR_EPT_VPID, 17, "ept_1gb", false, "the same, for large guests" },
	{ "EPT, accessed and dirty bits", MSR_EPT_VPID, 21, "ept_ad", false, "page ageing" },
	{ "VPID", MSR_PROC2, HIGH + 5, "vpid", false, "no TLB flush at entry and exit" },
	{ "APIC register virtualisation", MSR_PROC2, HIGH + 8, "vapic_reg", false,
	  "reading the LAPIC without an exit" },
	{ "virtual-interrupt delivery", MSR_PROC2, HIGH + 9, "vid", false,
	  "interrupts and EOI without an exit" },
	{ "virtual x2APIC mode", MSR_PROC2, HIGH + 4, NULL, false, "the same, for x2APIC" },
	{ "posted interrupts", MSR_PIN, HIGH + 7, "posted_intr", false,
	  "interrupts for a running guest without an exit" },
	{ "page-modification logging", MSR_PROC2, HIGH + 17, "pml", false, "cheap dirty logging" },
	{ "TSC scaling", MSR_PROC2, HIGH + 25, "tsc_scaling", false,
	  "a TSC frequency of the guest's own" },
	{ "preemption timer", MSR_PIN, HIGH + 6, "preemption_timer", false,
	  "LAPIC timers without a host timer" },
	{ "mode-based execute control", MSR_PROC2, HIGH + 22, "ept_mode_based_exec", false,
	  "execute permission by privilege" },
	{ "PAUSE-loop exiting", MSR_PROC2, HIGH + 10, "ple", false, "yielding spinning vCPUs" },
	{ "VMCS shadowing", MSR_PROC2, HIGH + 14, "shadow_vmcs", false, "nested guests" },
	{ "notify window", MSR_PROC2, HIGH + 31, "notify_vm_exiting", false,
	  "guests that block events are stopped" },
};

struct report {
	struct doctor_row *rows;
	unsigned int count;
};

static void add(struct report *report, const char *group, const char *what, enum verdict verdict,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void add(struct report *report, const char *group, const char *what, enum verdict verdict,
		const char *fmt, ...)
{
	struct doctor_row *row;
	va_list ap;

	if (report->count == DOCTOR_ROWS_MAX)
		return;
	row = &report->rows[report->count++];
	row->group = group;
	row->what = what;
	row->verdict = verdict;
	va_start(ap, fmt);
	vsnprintf(row->note, sizeof(row->note), fmt, ap);
	va_end(ap);
}

static enum answer has_feature(const struct system_facts *f, const struct feature *feature)
{
	unsigned int i = feature->msr - DOCTOR_MSR_FIRST;
	char flag[40];

	if (f->msr.read & (1u << i))
		return f->msr.value[i] >> feature->bit & 1 ? YES : NO;
	if (!feature->flag || !f->cpu.has_vmx_flags)
		return UNKNOWN;
	snprintf(flag, sizeof(flag), " %s ", feature->flag);
	return strstr(f->cpu.vmx_flags, flag) ? YES : NO;
}

static void report_features(struct report *r, const struct system_facts *f)
{
	unsigned int i;

	if (f->cpu.vmx == NO) {
		add(r, "VT-x", "features", VERDICT_UNKNOWN, "without VT-x there are none to look "
							    "at");
		return;
	}
	for (i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct feature *feature = &features[i];
		enum answer has = has_feature(f, feature);

		if (has == YES)
			add(r, "VT-x", feature->what, VERDICT_OK, "%s", feature->use);
		else if (has == UNKNOWN)
			add(r, "VT-x", feature->what, VERDICT_UNKNOWN,
			    "run as root after `modprobe msr` to see it (%s)", feature->use);
		else if (feature->required)
			add(r, "VT-x", feature->what, VERDICT_MISSING,
			    "this CPU lacks it; Lintel cannot run here (%s)", feature->use);
		else
			add(r, "VT-x", feature->what, VERDICT_ABSENT, "Lintel runs without it (%s)",
			    feature->use);
	}
}

static void report_vmx(struct report *r, const struct system_facts *f)
{
	const char *name = f->cpu.model[0] ? f->cpu.model : "of unknown model";

	if (f->cpu.intel == NO)
		add(r, "CPU", "Intel", VERDICT_MISSING, "%s: VT-x is Intel's; use the test machine",
		    name);
	else
		add(r, "CPU", "Intel", f->cpu.intel == YES ? VERDICT_OK : VERDICT_UNKNOWN, "%s",
		    name);
	if (f->cpu.vmx == YES)
		add(r, "CPU", "VT-x", VERDICT_OK, "shown by CPUID");
	else if (f->cpu.vmx == UNKNOWN)
		add(r, "CPU", "VT-x", VERDICT_UNKNOWN, "/proc/cpuinfo cannot be read");
	else if (f->cpu.hypervisor == YES)
		add(r, "CPU", "VT-x", VERDICT_MISSING, "this is a virtual machine without it; have "
		    "its host allow nested VT-x, or use the test machine");
	else
		add(r, "CPU", "VT-x", VERDICT_MISSING, "not shown by CPUID; look for \"VT-x\" or "
		    "\"Virtualization\" in the firmware's set-up");
}

static void report_feature_control(struct report *r, const struct system_facts *f)
{
	uint64_t value = f->msr.feature_control;
	const char *what = "enabled by the firmware";

	if (f->cpu.vmx == NO)
		return;
	if (!f->msr.feature_control_read)
		add(r, "CPU", what, VERDICT_UNKNOWN,
		    "run as root after `modprobe msr` to read IA32_FEATURE_CONTROL");
	else if (!(value & FEATURE_LOCKED))
		add(r, "CPU", what, VERDICT_OK, "IA32_FEATURE_CONTROL is unlocked; the kernel sets "
						"it");
	else if (value & FEATURE_VMX_OUTSIDE_SMX)
		add(r, "CPU", what, VERDICT_OK, "IA32_FEATURE_CONTROL = %#llx",
		    (unsigned long long)value);
	else
		add(r, "CPU", what, VERDICT_MISSING, "IA32_FEATURE_CONTROL = %#llx: locked without "
		    "VT-x; enable it in the firmware's set-up, then power-cycle",
		    (unsigned long long)value);
}

static void report_version(struct report *r, const struct system_facts *f)
{
	const struct kernel_facts *k = &f->kernel;
	unsigned int version = k->major * 100 + k->minor;

	if (!version)
		add(r, "kernel", "version", VERDICT_UNKNOWN, "%s", f->release);
	else if (version < 601)
		add(r, "kernel", "version", VERDICT_MISSING, "%s: Lintel needs 6.1 or later",
		    f->release);
	else
		add(r, "kernel", "version", VERDICT_OK, "%s", f->release);
	if (version >= 701)
		add(r, "kernel", "kvm_intel for joining",
		    f->kvm_intel == YES ? VERDICT_OK : VERDICT_MISSING,
		    "from 7.1 on Lintel runs beside kvm_intel only%s",
		    f->kvm_intel == YES ? "" : "; modprobe kvm_intel");
}

static void report_config(struct report *r, const struct system_facts *f)
{
	const struct kernel_facts *k = &f->kernel;
	const struct { const char *what; enum answer answer; } need[] = {
		{ "CONFIG_MODULES", k->modules },
		{ "CONFIG_MMU_NOTIFIER", k->mmu_notifier },
		{ "CONFIG_PREEMPT_NOTIFIERS", k->preempt_notifiers },
		{ "CONFIG_EVENTFD", k->eventfd },
	};
	unsigned int i;

	if (k->config_known != YES) {
		add(r, "kernel", "configuration", VERDICT_UNKNOWN, "/boot/config-%s cannot be read",
		    f->release);
		return;
	}
	for (i = 0; i < sizeof(need) / sizeof(need[0]); i++)
		add(r, "kernel", need[i].what, need[i].answer == YES ? VERDICT_OK : VERDICT_MISSING,
		    "%s", need[i].answer == YES ? "built in" :
		    "use a kernel that is built with it (Debian's is)");
}

static void report_signing(struct report *r, const struct system_facts *f)
{
	bool forced = f->kernel.signature_forced == YES || !strcmp(f->lockdown, "integrity") ||
		      !strcmp(f->lockdown, "confidentiality");

	if (f->secure_boot == UNKNOWN)
		add(r, "kernel", "secure boot", VERDICT_OK, "not an EFI boot, or not known to it");
	else
		add(r, "kernel", "secure boot", VERDICT_OK, "%s",
		    f->secure_boot == YES ? "on" : "off");
	add(r, "kernel", "lockdown", forced ? VERDICT_MISSING : VERDICT_OK, "%s%s",
	    f->lockdown[0] ? f->lockdown : "this kernel has none",
	    forced ? ": unsigned modules are refused; sign lintel.ko with a key enrolled by "
		     "mokutil, "
	    "or turn secure boot off" : "");
	add(r, "kernel", "headers", f->headers == YES ? VERDICT_OK : VERDICT_ABSENT, "%s%s",
	    f->headers == YES ? "for building the module" :
	    "to build the module: apt-get install "
	    "linux-headers-", f->headers == YES ? "" : f->release);
}

static void report_fred(struct report *r, const struct system_facts *f)
{
	if (f->cpu.fred == YES)
		add(r, "kernel", "FRED inactive", VERDICT_MISSING, "the kernel uses FRED, and "
								   "Lintel "
		    "hands interrupts on through the IDT; boot with fred=off");
	else if (f->cpu.fred == NO)
		add(r, "kernel", "FRED inactive", VERDICT_OK, "interrupts come through the IDT");
}

static void report_owner(struct report *r, const struct system_facts *f)
{
	const char *what = "VMX operation";

	if (f->virtualbox == YES || f->vmware == YES)
		add(r, "modules", what, VERDICT_MISSING, "%s may own it (CR4.VMXE); unload it: "
		    "rmmod %s", f->virtualbox == YES ? "VirtualBox" : "VMware",
		    f->virtualbox == YES ? "vboxdrv" : "vmmon");
	else if (f->kvm_intel == YES)
		add(r, "modules", what, VERDICT_OK, "owned by kvm_intel%s; Lintel joins it",
		    f->virt_at_load == YES ? " since it was loaded" :
		    " while it has VMs");
	else if (f->lintel == YES)
		add(r, "modules", what, VERDICT_OK, "owned by Lintel");
	else
		add(r, "modules", what, VERDICT_OK, "free: kvm_intel is not loaded");
}

static void report_device(struct report *r, const struct system_facts *f)
{
	add(r, "modules", "lintel", f->lintel == YES ? VERDICT_OK : VERDICT_MISSING, "%s",
	    f->lintel == YES ? "loaded" : "not loaded: insmod lintel.ko (see the README)");
	if (f->device != YES)
		add(r, "modules", "/dev/lintel", VERDICT_MISSING, "%s", f->lintel == YES ?
		    "missing though the module is loaded: is devtmpfs mounted on /dev?" :
		    "comes with the module");
	else if (f->device_usable != YES)
		add(r, "modules", "/dev/lintel", VERDICT_MISSING,
		    "you may not read and write it: run as root, or have root give it to your "
		    "group");
	else
		add(r, "modules", "/dev/lintel", VERDICT_OK, "can be read and written");
}

static void report_bugs(struct report *r, const struct system_facts *f)
{
	unsigned int bug;

	for (bug = 0; bug < BUG_COUNT; bug++) {
		char note[sizeof(r->rows->note)];
		enum verdict verdict = doctor_bug(f, bug, note, sizeof(note));

		add(r, "mitigations", doctor_bug_file[bug], verdict, "%s", note);
	}
}

unsigned int doctor_report(const struct system_facts *facts, struct doctor_row *rows)
{
	struct report r = { .rows = rows };

	report_vmx(&r, facts);
	report_feature_control(&r, facts);
	report_features(&r, facts);
	report_version(&r, facts);
	report_config(&r, facts);
	report_signing(&r, facts);
	report_fred(&r, facts);
	report_owner(&r, facts);
	report_device(&r, facts);
	report_bugs(&r, facts);
	return r.count;
}
