// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two tables: the names of fields by their encoding, and, for the fields that are made of bits, the
 * names of those. Names of bits are the SDM's, in short.
 */
#include "vmcs.h"

#include "names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	uint32_t encoding;
	const char *name;
} fields[] = {
	{ 0x0000, "vpid" },
	{ 0x0002, "posted_intr_nv" },
	{ 0x0800, "guest_es_selector" },
	{ 0x0802, "guest_cs_selector" },
	{ 0x0804, "guest_ss_selector" },
	{ 0x0806, "guest_ds_selector" },
	{ 0x0808, "guest_fs_selector" },
	{ 0x080a, "guest_gs_selector" },
	{ 0x080c, "guest_ldtr_selector" },
	{ 0x080e, "guest_tr_selector" },
	{ 0x0810, "guest_intr_status" },
	{ 0x0812, "guest_pml_index" },
	{ 0x0c00, "host_es" },
	{ 0x0c02, "host_cs" },
	{ 0x0c04, "host_ss" },
	{ 0x0c06, "host_ds" },
	{ 0x0c08, "host_fs" },
	{ 0x0c0a, "host_gs" },
	{ 0x0c0c, "host_tr" },
	{ 0x2000, "io_bitmap_a" },
	{ 0x2002, "io_bitmap_b" },
	{ 0x2004, "msr_bitmap" },
	{ 0x2006, "exit_msr_store_addr" },
	{ 0x2008, "exit_msr_load_addr" },
	{ 0x200a, "entry_msr_load_addr" },
	{ 0x200e, "pml_address" },
	{ 0x2010, "tsc_offset" },
	{ 0x2012, "virtual_apic_page" },
	{ 0x2014, "apic_access_addr" },
	{ 0x2016, "posted_intr_desc" },
	{ 0x201a, "ept_pointer" },
	{ 0x201c, "eoi_exit_bitmap0" },
	{ 0x201e, "eoi_exit_bitmap1" },
	{ 0x2020, "eoi_exit_bitmap2" },
	{ 0x2022, "eoi_exit_bitmap3" },
	{ 0x2026, "vmread_bitmap" },
	{ 0x2028, "vmwrite_bitmap" },
	{ 0x2032, "tsc_multiplier" },
	{ 0x2400, "guest_physical_address" },
	{ 0x2800, "vmcs_link" },
	{ 0x2802, "guest_debugctl" },
	{ 0x2804, "guest_pat" },
	{ 0x2806, "guest_efer" },
	{ 0x280a, "guest_pdpte0" },
	{ 0x280c, "guest_pdpte1" },
	{ 0x280e, "guest_pdpte2" },
	{ 0x2810, "guest_pdpte3" },
	{ 0x2c00, "host_pat" },
	{ 0x2c02, "host_efer" },
	{ 0x4000, "pin_controls" },
	{ 0x4002, "proc_controls" },
	{ 0x4004, "exception_bitmap" },
	{ 0x4006, "page_fault_error_code_mask" },
	{ 0x4008, "page_fault_error_code_match" },
	{ 0x400a, "cr3_target_count" },
	{ 0x400c, "exit_controls" },
	{ 0x400e, "exit_msr_store_count" },
	{ 0x4010, "exit_msr_load_count" },
	{ 0x4012, "entry_controls" },
	{ 0x4014, "entry_msr_load_count" },
	{ 0x4016, "entry_intr_info" },
	{ 0x4018, "entry_error_code" },
	{ 0x401a, "entry_instruction_len" },
	{ 0x401c, "tpr_threshold" },
	{ 0x401e, "proc2_controls" },
	{ 0x4020, "ple_gap" },
	{ 0x4022, "ple_window" },
	{ 0x4400, "instruction_error" },
	{ 0x4402, "exit_reason" },
	{ 0x4404, "exit_intr_info" },
	{ 0x4406, "exit_intr_error_code" },
	{ 0x4408, "idt_vectoring_info" },
	{ 0x440a, "idt_vectoring_error_code" },
	{ 0x440c, "exit_instruction_len" },
	{ 0x440e, "exit_instruction_info" },
	{ 0x4800, "guest_es_limit" },
	{ 0x4802, "guest_cs_limit" },
	{ 0x4804, "guest_ss_limit" },
	{ 0x4806, "guest_ds_limit" },
	{ 0x4808, "guest_fs_limit" },
	{ 0x480a, "guest_gs_limit" },
	{ 0x480c, "guest_ldtr_limit" },
	{ 0x480e, "guest_tr_limit" },
	{ 0x4810, "guest_gdtr_limit" },
	{ 0x4812, "guest_idtr_limit" },
	{ 0x4814, "guest_es_ar" },
	{ 0x4816, "guest_cs_ar" },
	{ 0x4818, "guest_ss_ar" },
	{ 0x481a, "guest_ds_ar" },
	{ 0x481c, "guest_fs_ar" },
	{ 0x481e, "guest_gs_ar" },
	{ 0x4820, "guest_ldtr_ar" },
	{ 0x4822, "guest_tr_ar" },
	{ 0x4824, "guest_interruptibility" },
	{ 0x4826, "guest_activity" },
	{ 0x482a, "guest_sysenter_cs" },
	{ 0x482e, "preemption_timer" },
	{ 0x4c00, "host_sysenter_cs" },
	{ 0x6000, "cr0_guest_host_mask" },
	{ 0x6002, "cr4_guest_host_mask" },
	{ 0x6004, "cr0_read_shadow" },
	{ 0x6006, "cr4_read_shadow" },
	{ 0x6400, "exit_qualification" },
	{ 0x640a, "guest_linear_address" },
	{ 0x6800, "guest_cr0" },
	{ 0x6802, "guest_cr3" },
	{ 0x6804, "guest_cr4" },
	{ 0x6806, "guest_es_base" },
	{ 0x6808, "guest_cs_base" },
	{ 0x680a, "guest_ss_base" },
	{ 0x680c, "guest_ds_base" },
	{ 0x680e, "guest_fs_base" },
	{ 0x6810, "guest_gs_base" },
	{ 0x6812, "guest_ldtr_base" },
	{ 0x6814, "guest_tr_base" },
	{ 0x6816, "guest_gdtr_base" },
	{ 0x6818, "guest_idtr_base" },
	{ 0x681a, "guest_dr7" },
	{ 0x681c, "guest_rsp" },
	{ 0x681e, "guest_rip" },
	{ 0x6820, "guest_rflags" },
	{ 0x6822, "guest_pending_dbg" },
	{ 0x6824, "guest_sysenter_esp" },
	{ 0x6826, "guest_sysenter_eip" },
	{ 0x6c00, "host_cr0" },
	{ 0x6c02, "host_cr3" },
	{ 0x6c04, "host_cr4" },
	{ 0x6c06, "host_fs_base" },
	{ 0x6c08, "host_gs_base" },
	{ 0x6c0a, "host_tr_base" },
	{ 0x6c0c, "host_gdtr_base" },
	{ 0x6c0e, "host_idtr_base" },
	{ 0x6c10, "host_sysenter_esp" },
	{ 0x6c12, "host_sysenter_eip" },
	{ 0x6c14, "host_rsp" },
	{ 0x6c16, "host_rip" },
};

struct bit {
	unsigned int nr;
	const char *name;
};

static const struct bit pin_bits[] = {
	{ 0, "external-interrupt exiting" }, { 3, "NMI exiting" },	 { 5, "virtual NMIs" },
	{ 6, "preemption timer" },	     { 7, "posted interrupts" },
};

static const struct bit proc_bits[] = {
	{ 2, "interrupt-window exiting" },
	{ 3, "TSC offsetting" },
	{ 7, "HLT exiting" },
	{ 9, "INVLPG exiting" },
	{ 10, "MWAIT exiting" },
	{ 11, "RDPMC exiting" },
	{ 12, "RDTSC exiting" },
	{ 15, "CR3-load exiting" },
	{ 16, "CR3-store exiting" },
	{ 17, "tertiary controls" },
	{ 19, "CR8-load exiting" },
	{ 20, "CR8-store exiting" },
	{ 21, "TPR shadow" },
	{ 22, "NMI-window exiting" },
	{ 23, "MOV-DR exiting" },
	{ 24, "unconditional I/O exiting" },
	{ 25, "I/O bitmaps" },
	{ 27, "monitor trap flag" },
	{ 28, "MSR bitmaps" },
	{ 29, "MONITOR exiting" },
	{ 30, "PAUSE exiting" },
	{ 31, "secondary controls" },
};

static const struct bit proc2_bits[] = {
	{ 0, "virtualize APIC accesses" },
	{ 1, "EPT" },
	{ 2, "descriptor-table exiting" },
	{ 3, "RDTSCP" },
	{ 4, "virtualize x2APIC mode" },
	{ 5, "VPID" },
	{ 6, "WBINVD exiting" },
	{ 7, "unrestricted guest" },
	{ 8, "APIC-register virtualization" },
	{ 9, "virtual-interrupt delivery" },
	{ 10, "PAUSE-loop exiting" },
	{ 11, "RDRAND exiting" },
	{ 12, "INVPCID" },
	{ 13, "VM functions" },
	{ 14, "VMCS shadowing" },
	{ 15, "ENCLS exiting" },
	{ 16, "RDSEED exiting" },
	{ 17, "PML" },
	{ 18, "EPT-violation #VE" },
	{ 19, "conceal VMX from PT" },
	{ 20, "XSAVES/XRSTORS" },
	{ 22, "mode-based execute" },
	{ 25, "TSC scaling" },
	{ 26, "user wait and pause" },
	{ 28, "ENCLV exiting" },
	{ 30, "bus-lock detection" },
	{ 31, "notification exiting" },
};

static const struct bit exit_bits[] = {
	{ 2, "save debug controls" },
	{ 9, "64-bit host" },
	{ 12, "load PERF_GLOBAL_CTRL" },
	{ 15, "acknowledge interrupt" },
	{ 18, "save PAT" },
	{ 19, "load PAT" },
	{ 20, "save EFER" },
	{ 21, "load EFER" },
	{ 22, "save preemption timer" },
	{ 23, "clear BNDCFGS" },
};

static const struct bit entry_bits[] = {
	{ 2, "load debug controls" },	 { 9, "IA-32e mode guest" }, { 10, "entry to SMM" },
	{ 13, "load PERF_GLOBAL_CTRL" }, { 14, "load PAT" },	     { 15, "load EFER" },
	{ 16, "load BNDCFGS" },
};

static const struct bit cr0_bits[] = {
	{ 0, "PE" },  { 1, "MP" },  { 2, "EM" },  { 3, "TS" },	{ 4, "ET" },  { 5, "NE" },
	{ 16, "WP" }, { 18, "AM" }, { 29, "NW" }, { 30, "CD" }, { 31, "PG" },
};

static const struct bit cr4_bits[] = {
	{ 0, "VME" },	      { 1, "PVI" },    { 2, "TSD" },	  { 3, "DE" },	  { 4, "PSE" },
	{ 5, "PAE" },	      { 6, "MCE" },    { 7, "PGE" },	  { 8, "PCE" },	  { 9, "OSFXSR" },
	{ 10, "OSXMMEXCPT" }, { 11, "UMIP" },  { 12, "LA57" },	  { 13, "VMXE" }, { 14, "SMXE" },
	{ 16, "FSGSBASE" },   { 17, "PCIDE" }, { 18, "OSXSAVE" }, { 20, "SMEP" }, { 21, "SMAP" },
	{ 22, "PKE" },	      { 23, "CET" },   { 24, "PKS" },	  { 32, "FRED" },
};

static const struct bit efer_bits[] = {
	{ 0, "SCE" },
	{ 8, "LME" },
	{ 10, "LMA" },
	{ 11, "NXE" },
};

static const struct bit flag_bits[] = {
	{ 0, "CF" },  { 1, "1" },   { 2, "PF" },   { 4, "AF" },	  { 6, "ZF" },	{ 7, "SF" },
	{ 8, "TF" },  { 9, "IF" },  { 10, "DF" },  { 11, "OF" },  { 14, "NT" }, { 16, "RF" },
	{ 17, "VM" }, { 18, "AC" }, { 19, "VIF" }, { 20, "VIP" }, { 21, "ID" },
};

static const struct bit shadow_bits[] = {
	{ 0, "blocking by STI" }, { 1, "blocking by MOV SS" },	 { 2, "blocking by SMI" },
	{ 3, "blocking by NMI" }, { 4, "enclave interruption" },
};

static const struct bit exception_bits[] = {
	{ 0, "#DE" },  { 1, "#DB" },  { 3, "#BP" },  { 4, "#OF" },  { 5, "#BR" },  { 6, "#UD" },
	{ 7, "#NM" },  { 8, "#DF" },  { 10, "#TS" }, { 11, "#NP" }, { 12, "#SS" }, { 13, "#GP" },
	{ 14, "#PF" }, { 16, "#MF" }, { 17, "#AC" }, { 18, "#MC" }, { 19, "#XM" }, { 21, "#CP" },
};

#define BITS(list) list, sizeof(list) / sizeof((list)[0])

static const struct {
	const char *name;
	const struct bit *bit;
	size_t count;
} bit_fields[] = {
	{ "pin_controls", BITS(pin_bits) },	   { "proc_controls", BITS(proc_bits) },
	{ "proc2_controls", BITS(proc2_bits) },	   { "exit_controls", BITS(exit_bits) },
	{ "entry_controls", BITS(entry_bits) },	   { "exception_bitmap", BITS(exception_bits) },
	{ "guest_cr0", BITS(cr0_bits) },	   { "host_cr0", BITS(cr0_bits) },
	{ "cr0_guest_host_mask", BITS(cr0_bits) }, { "cr0_read_shadow", BITS(cr0_bits) },
	{ "guest_cr4", BITS(cr4_bits) },	   { "host_cr4", BITS(cr4_bits) },
	{ "cr4_guest_host_mask", BITS(cr4_bits) }, { "cr4_read_shadow", BITS(cr4_bits) },
	{ "guest_efer", BITS(efer_bits) },	   { "host_efer", BITS(efer_bits) },
	{ "guest_rflags", BITS(flag_bits) },	   { "guest_interruptibility", BITS(shadow_bits) },
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

const char *vmcs_name(uint32_t encoding)
{
	size_t i;

	for (i = 0; i < COUNT(fields); i++)
		if (fields[i].encoding == encoding)
			return fields[i].name;
	return NULL;
}

const char *vmcs_area(uint32_t encoding)
{
	static const char *const areas[] = { "controls", "exit information", "guest state",
					     "host state" };

	return areas[encoding >> 10 & 3];
}

unsigned int vmcs_digits(uint32_t encoding)
{
	static const unsigned int digits[] = { 4, 16, 8, 16 };

	return digits[encoding >> 13 & 3];
}

bool vmcs_value(const struct lintel_snapshot *snapshot, const char *name, uint64_t *value)
{
	uint32_t i;

	for (i = 0; i < snapshot->fields && i < LINTEL_VMCS_FIELDS; i++) {
		const char *own = vmcs_name(snapshot->field[i].encoding);

		if (own && !strcmp(own, name)) {
			*value = snapshot->field[i].value;
			return true;
		}
	}
	return false;
}

/* Adds to a text; what does not fit is left out whole. */
static void more(char *to, size_t size, const char *text)
{
	size_t have = strlen(to), need = strlen(text) + (have ? 2 : 0);

	if (have + need < size)
		snprintf(to + have, size - have, "%s%s", have ? ", " : "", text);
}

/* More than two bits without a name are those that must be set, or all bits of a mask. */
static void describe_bits(const struct bit *bit, size_t count, uint64_t value, char *to,
			  size_t size)
{
	unsigned int nr, unnamed = 0;
	uint64_t named = 0;
	char text[32];
	size_t i;

	for (i = 0; i < count; i++) {
		named |= UINT64_C(1) << bit[i].nr;
		if (value >> bit[i].nr & 1)
			more(to, size, bit[i].name);
	}
	for (nr = 0; nr < 64; nr++)
		unnamed += (value & ~named) >> nr & 1;
	for (nr = 0; nr < 64 && unnamed <= 2; nr++) {
		snprintf(text, sizeof(text), "bit %u", nr);
		if ((value & ~named) >> nr & 1)
			more(to, size, text);
	}
	snprintf(text, sizeof(text), "and %u more bits", unnamed);
	if (unnamed > 2)
		more(to, size, text);
}

/* SDM, "Format of Access Rights". */
static void describe_rights(uint64_t ar, char *to, size_t size)
{
	static const char *const system[] = { NULL, NULL, "LDT", "16-bit busy TSS",
					      NULL, NULL, NULL,	 NULL,
					      NULL, NULL, NULL,	 "busy TSS" };
	unsigned int type = ar & 15;

	if (ar >> 16 & 1) {
		snprintf(to, size, "unusable");
		return;
	}
	if (ar & 16)
		snprintf(to, size, "%s%s%s, DPL %u%s%s%s%s", type & 8 ? "code" : "data",
			 type & 8 ? type & 2 ? ", readable" : "" :
			 type & 2 ? ", writable" :
				    "",
			 type & 4 ? type & 8 ? ", conforming" : ", expand-down" : "",
			 (unsigned int)(ar >> 5 & 3), ar & 128 ? "" : ", not present",
			 ar & 0x2000 ? ", 64-bit" : "", ar & 0x4000 ? ", 32-bit" : "",
			 ar & 0x8000 ? ", in pages" : "");
	else
		snprintf(to, size, "%s%s",
			 type < COUNT(system) && system[type] ?
				 system[type] :
				 "a system type that no register can hold",
			 ar & 128 ? "" : ", not present");
}

/* SDM, "Format of the VM-Exit Interruption-Information Field", and its kin. */
static void describe_event(uint64_t info, char *to, size_t size)
{
	static const char *const types[] = {
		"external interrupt", "reserved type",	    "NMI",
		"exception",	      "software interrupt", "privileged software exception",
		"software exception", "other event"
	};

	if (!(info >> 31 & 1))
		snprintf(to, size, "not valid");
	else
		snprintf(to, size, "%s, vector %u%s", types[info >> 8 & 7],
			 (unsigned int)(info & 255), info & 1 << 11 ? ", with error code" : "");
}

/* SDM, "Extended-Page-Table Pointer (EPTP)". */
static void describe_eptp(uint64_t eptp, char *to, size_t size)
{
	snprintf(to, size, "tables at %#" PRIx64 ", %u levels, %s%s", eptp & ~UINT64_C(0xfff),
		 (unsigned int)(eptp >> 3 & 7) + 1, (eptp & 7) == 6 ? "write-back" : "uncacheable",
		 eptp & 64 ? ", accessed and dirty bits" : "");
}

static bool ends_with(const char *name, const char *end)
{
	size_t a = strlen(name), b = strlen(end);

	return a >= b && !strcmp(name + a - b, end);
}

static bool describe_special(const char *name, uint64_t value, char *to, size_t size)
{
	static const char *const activities[] = { "active", "HLT", "shutdown", "wait for SIPI" };

	if (!strcmp(name, "exit_reason"))
		snprintf(to, size, "%s%s", value >> 31 & 1 ? "failed entry: " : "",
			 name_of_reason(value));
	else if (!strcmp(name, "guest_activity"))
		snprintf(to, size, "%s", value < 4 ? activities[value] : "no state that exists");
	else if (!strcmp(name, "guest_intr_status"))
		snprintf(to, size, "requested vector %u, in service %u",
			 (unsigned int)(value & 255), (unsigned int)(value >> 8 & 255));
	else if (!strcmp(name, "ept_pointer"))
		describe_eptp(value, to, size);
	else if (!strcmp(name, "entry_intr_info") || !strcmp(name, "exit_intr_info") ||
		 !strcmp(name, "idt_vectoring_info"))
		describe_event(value, to, size);
	else if (ends_with(name, "_ar"))
		describe_rights(value, to, size);
	else
		return false;
	return true;
}

void vmcs_describe(uint32_t encoding, uint64_t value, char *to, size_t size)
{
	const char *name = vmcs_name(encoding);
	size_t i;

	to[0] = '\0';
	if (!name || describe_special(name, value, to, size))
		return;
	for (i = 0; i < COUNT(bit_fields); i++)
		if (!strcmp(bit_fields[i].name, name))
			describe_bits(bit_fields[i].bit, bit_fields[i].count, value, to, size);
}
