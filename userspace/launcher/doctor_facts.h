/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `lintel doctor` knows of a machine, and the parsers that find it in the texts of the kernel.
 * The parsers are pure: they get the text, so a test can give them another machine's.
 */
#ifndef LINTEL_DOCTOR_FACTS_H
#define LINTEL_DOCTOR_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum answer { UNKNOWN, NO, YES };

/* IA32_VMX_BASIC to IA32_VMX_VMFUNC plus one: the capability MSRs are consecutive. */
#define DOCTOR_MSR_FEATURE_CONTROL	0x3a
#define DOCTOR_MSR_FIRST		0x480
#define DOCTOR_MSR_COUNT		19

struct cpu_facts {
	enum answer intel, vmx, fred, hypervisor, flush_l1d, ibpb;
	bool has_vmx_flags;		/* the kernel lists VMX features by name */
	char model[80];
	char vmx_flags[1024];		/* with a blank before and after each name */
};

/* Files of /sys/devices/system/cpu/vulnerabilities, by enum bug. */
enum bug {
	BUG_SPECTRE_V1, BUG_SPECTRE_V2, BUG_RETBLEED, BUG_ITS, BUG_VMSCAPE, BUG_MELTDOWN, BUG_SSB,
	BUG_L1TF, BUG_MDS, BUG_TAA, BUG_RFDS, BUG_MMIO_STALE_DATA, BUG_SRBDS, BUG_GDS,
	BUG_ITLB_MULTIHIT, BUG_COUNT
};

extern const char *const doctor_bug_file[BUG_COUNT];

struct msr_facts {
	bool feature_control_read;
	uint64_t feature_control;
	uint32_t read;			/* bit i: value[i] is valid */
	uint64_t value[DOCTOR_MSR_COUNT];
};

struct kernel_facts {
	unsigned int major, minor;	/* 0.0: not known */
	enum answer config_known;
	enum answer modules, signature_forced, mmu_notifier, preempt_notifiers, eventfd;
};

struct system_facts {
	struct cpu_facts cpu;
	struct msr_facts msr;
	struct kernel_facts kernel;
	char bug[BUG_COUNT][160];	/* the kernel's words; "": it has none */
	char release[80];
	char lockdown[24];		/* "" : the kernel has none */
	enum answer secure_boot;
	enum answer lintel, kvm_intel, virtualbox, vmware;	/* loaded */
	enum answer virt_at_load;	/* kvm.enable_virt_at_load */
	enum answer headers;
	enum answer device, device_usable;
};

/* /proc/cpuinfo; the first processor counts. */
void doctor_parse_cpuinfo(const char *text, struct cpu_facts *facts);

/* Is @module in /proc/modules? */
bool doctor_parse_modules(const char *text, const char *module);

/* /sys/kernel/security/lockdown, "none [integrity] confidentiality": the one in brackets. */
void doctor_parse_lockdown(const char *text, char *mode, size_t size);

/* "6.12.117+deb12-amd64" */
void doctor_parse_release(const char *text, struct kernel_facts *facts);

/* A kernel configuration file. */
void doctor_parse_config(const char *text, struct kernel_facts *facts);

/* The EFI variable SecureBoot: four bytes of attributes, then the value. */
enum answer doctor_parse_secure_boot(const uint8_t *data, size_t size);

/* A module parameter: Y or N, 1 or 0. */
enum answer doctor_parse_bool(const char *text);

#endif
