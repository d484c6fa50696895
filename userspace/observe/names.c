// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exit reasons and exit qualifications in words, as the SDM's chapter "VM Exits" has them. A bit or
 * a number that is unknown is shown as it is: a record may come from a newer processor.
 */
#include "names.h"

#include <linux/kvm.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FAILED_ENTRY (1U << 31)

static const char *const reasons[] = {
	"exception_nmi",
	"external_interrupt",
	"triple_fault",
	"init_signal",
	"sipi_signal",
	"smi_io",
	"smi_other",
	"interrupt_window",
	"nmi_window",
	"task_switch",
	"cpuid",
	"getsec",
	"hlt",
	"invd",
	"invlpg",
	"rdpmc",
	"rdtsc",
	"rsm",
	"vmcall",
	"vmclear",
	"vmlaunch",
	"vmptrld",
	"vmptrst",
	"vmread",
	"vmresume",
	"vmwrite",
	"vmoff",
	"vmon",
	"cr_access",
	"dr_access",
	"io_instruction",
	"msr_read",
	"msr_write",
	"invalid_state",
	"msr_load_fail",
	NULL,
	"mwait_instruction",
	"monitor_trap_flag",
	NULL,
	"monitor_instruction",
	"pause_instruction",
	"mce_during_vmentry",
	NULL,
	"tpr_below_threshold",
	"apic_access",
	"eoi_induced",
	"gdtr_idtr",
	"ldtr_tr",
	"ept_violation",
	"ept_misconfig",
	"invept",
	"rdtscp",
	"preemption_timer",
	"invvpid",
	"wbinvd",
	"xsetbv",
	"apic_write",
	"rdrand",
	"invpcid",
	"vmfunc",
	"encls",
	"rdseed",
	"pml_full",
	"xsaves",
	"xrstors",
	NULL,
	NULL,
	"umwait",
	"tpause",
	NULL,
	NULL,
	NULL,
	NULL,
	NULL,
	"bus_lock",
	"notify",
};

enum {
	EXCEPTION = 0,
	INTERRUPT = 1,
	CPUID = 10,
	VMCALL = 18,
	CR = 28,
	DR = 29,
	IO = 30,
	RDMSR = 31,
	WRMSR = 32,
	APIC_ACCESS = 44,
	EOI = 45,
	EPT_VIOLATION = 48,
	EPT_MISCONFIG = 49,
	APIC_WRITE = 56
};

static const char *const kvm_exits[] = {
	[KVM_EXIT_UNKNOWN] = "UNKNOWN",
	[KVM_EXIT_EXCEPTION] = "EXCEPTION",
	[KVM_EXIT_IO] = "IO",
	[KVM_EXIT_HYPERCALL] = "HYPERCALL",
	[KVM_EXIT_DEBUG] = "DEBUG",
	[KVM_EXIT_HLT] = "HLT",
	[KVM_EXIT_MMIO] = "MMIO",
	[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
	[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
	[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
	[KVM_EXIT_INTR] = "INTR",
	[KVM_EXIT_SET_TPR] = "SET_TPR",
	[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
	[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
	[KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
	[KVM_EXIT_X86_RDMSR] = "X86_RDMSR",
	[KVM_EXIT_X86_WRMSR] = "X86_WRMSR",
	[KVM_EXIT_DIRTY_RING_FULL] = "DIRTY_RING_FULL",
	[39] = "MEMORY_FAULT",
};

#define LIST(list) (sizeof(list) / sizeof((list)[0]))

static const char *from_list(const char *const *list, size_t count, uint32_t number,
			     const char *unknown)
{
	static __thread char text[32];

	if (number < count && list[number])
		return list[number];
	snprintf(text, sizeof(text), "%s %u", unknown, number);
	return text;
}

const char *name_of_reason(uint32_t reason)
{
	return from_list(reasons, LIST(reasons), reason & 0xffff, "reason");
}

const char *name_of_kvm_exit(uint32_t exit)
{
	return from_list(kvm_exits, LIST(kvm_exits), exit, "exit");
}

/* SDM, "Format of the VM-Exit Interruption-Information Field". */
static void describe_event(uint32_t info, char *to, size_t size)
{
	static const char *const exceptions[] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", NULL,  "#TS",
		"#NP", "#SS", "#GP", "#PF", NULL,  "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
	};
	unsigned int vector = info & 0xff, type = info >> 8 & 7;

	if (!(info >> 31))
		to[0] = '\0';
	else if (type == 0)
		snprintf(to, size, "vector %#x of the host", vector);
	else if (type == 2)
		snprintf(to, size, "NMI of the host");
	else if (vector < LIST(exceptions) && exceptions[vector])
		snprintf(to, size, "%s", exceptions[vector]);
	else
		snprintf(to, size, "vector %#x", vector);
}

/* SDM, "Exit Qualification for Control-Register Accesses". */
static void describe_cr(uint64_t q, char *to, size_t size)
{
	static const char *const gprs[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"
	};
	unsigned int cr = q & 15;
	const char *gpr = gprs[q >> 8 & 15];

	switch (q >> 4 & 3) {
	case 0:
		snprintf(to, size, "mov %s to cr%u", gpr, cr);
		break;
	case 1:
		snprintf(to, size, "mov cr%u to %s", cr, gpr);
		break;
	case 2:
		snprintf(to, size, "clts");
		break;
	default:
		snprintf(to, size, "lmsw %#x", (unsigned int)(q >> 16 & 0xffff));
	}
}

/* SDM, "Exit Qualification for EPT Violations". */
static void describe_ept(const struct lintel_flight_exit *e, char *to, size_t size)
{
	uint64_t q = e->qualification;
	const char *access = q & 4 ? "fetch from" :
			     q & 2 ? "write to" :
			     q & 1 ? "read from" :
				     "access to";
	const char *walk = (q & 0x180) == 0x80 ? ", by the page walk" : "";
	const char *mapped = q & 0x38 ? "" : ", not mapped";

	snprintf(to, size, "%s %#" PRIx64 "%s%s", access, (uint64_t)e->gpa, walk, mapped);
}

void describe_exit(const struct lintel_flight_exit *e, char *to, size_t size)
{
	uint64_t q = e->qualification;

	if (e->reason & FAILED_ENTRY) {
		snprintf(to, size, "the entry failed%s",
			 (e->reason & 0xffff) == 33 ? ": guest state that no processor can be in" :
						      "");
		return;
	}
	switch (e->reason) {
	case EXCEPTION:
	case INTERRUPT:
		describe_event(e->intr_info, to, size);
		break;
	case CPUID:
		snprintf(to, size, "leaf %#" PRIx64, q);
		break;
	case VMCALL:
		snprintf(to, size, "hypercall %" PRIu64, q);
		break;
	case RDMSR:
	case WRMSR:
		snprintf(to, size, "MSR %#" PRIx64, q);
		break;
	case CR:
		describe_cr(q, to, size);
		break;
	case DR:
		snprintf(to, size, "mov %s dr%u", q & 16 ? "from" : "to", (unsigned int)(q & 7));
		break;
	case IO:
		snprintf(to, size, "%s%s %#x, %u byte%s%s", q & 8 ? "in" : "out", q & 16 ? "s" : "",
			 (unsigned int)(q >> 16 & 0xffff), (unsigned int)(q & 7) + 1,
			 q & 7 ? "s" : "", q & 32 ? ", rep" : "");
		break;
	case APIC_ACCESS:
	case APIC_WRITE:
		snprintf(to, size, "register %#x", (unsigned int)(q & 0xfff));
		break;
	case EOI:
		snprintf(to, size, "vector %#x", (unsigned int)(q & 0xff));
		break;
	case EPT_VIOLATION:
		describe_ept(e, to, size);
		break;
	case EPT_MISCONFIG:
		snprintf(to, size, "at %#" PRIx64, (uint64_t)e->gpa);
		break;
	default:
		to[0] = '\0';
		if (q)
			snprintf(to, size, "qualification %#" PRIx64, q);
	}
}

void describe_result(const struct lintel_flight_exit *e, char *to, size_t size)
{
	switch (e->result) {
	case LINTEL_FLIGHT_SHORT:
		snprintf(to, size, "short");
		break;
	case LINTEL_FLIGHT_HANDLING:
		snprintf(to, size, "in its handler");
		break;
	case LINTEL_FLIGHT_RESUMED:
		snprintf(to, size, "handled");
		break;
	case LINTEL_FLIGHT_USER:
		snprintf(to, size, "to user space: %s", name_of_kvm_exit(e->detail));
		break;
	case LINTEL_FLIGHT_ERROR:
		snprintf(to, size, "KVM_RUN failed: %s", strerror(e->detail));
		break;
	default:
		snprintf(to, size, "result %u", e->result);
	}
}

void describe_ticks(uint64_t ticks, uint32_t khz, char *to, size_t size)
{
	double ns = khz ? ticks * 1e6 / khz : 0;

	if (!khz)
		snprintf(to, size, "%" PRIu64 " ticks", ticks);
	else if (ns < 1e4)
		snprintf(to, size, "%.0f ns", ns);
	else if (ns < 1e7)
		snprintf(to, size, "%.1f us", ns / 1e3);
	else if (ns < 1e10)
		snprintf(to, size, "%.1f ms", ns / 1e6);
	else
		snprintf(to, size, "%.1f s", ns / 1e9);
}
