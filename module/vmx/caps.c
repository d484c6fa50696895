// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capability MSRs -> control words.
 *
 * Each control word is a row of a table: what Lintel cannot do without (must), what it uses where
 * present (want, each bit switchable by a module parameter), and the MSR that says what the CPU
 * may and has to set.  A missing must is said by name.  All MSRs are read with rdmsrq_safe: in a
 * virtual machine any of them may be absent.
 */
#include <linux/cpu.h>
#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>
#include <asm/tsc.h>

#include "caps.h"
#include "../compat.h"
#include "../params.h"

struct vmx_caps lintel_caps;

struct control_name {
	u32 bit;
	const char *name;
};

struct control_word {
	const char *what;
	u32 msr, true_msr;	/* true_msr: used when IA32_VMX_BASIC bit 55 says it exists */
	u32 must, want;
	size_t offset;		/* of the word in struct vmx_caps */
	struct control_name names[12];
};

/* All of them, or none: a local APIC that is half in hardware has no mode for the other half. */
#define APICV_CONTROLS								\
	(SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES | SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE |	\
	 SECONDARY_EXEC_APIC_REGISTER_VIRT | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)

#define WORD(member)	offsetof(struct vmx_caps, member)

static const struct control_word words[] = {
	{
		"pin-based controls", MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS,
		.must = PIN_BASED_EXT_INTR_MASK | PIN_BASED_NMI_EXITING | PIN_BASED_VIRTUAL_NMIS,
		.want = PIN_BASED_VMX_PREEMPTION_TIMER | PIN_BASED_POSTED_INTR,
		.offset = WORD(pin),
		.names = {
			{ PIN_BASED_EXT_INTR_MASK, "external-interrupt exiting" },
			{ PIN_BASED_NMI_EXITING, "NMI exiting" },
			{ PIN_BASED_VIRTUAL_NMIS, "virtual NMIs" },
		},
	}, {
		"primary processor-based controls", MSR_IA32_VMX_PROCBASED_CTLS,
		MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
		.must = CPU_BASED_HLT_EXITING | CPU_BASED_USE_TSC_OFFSETTING |
			CPU_BASED_MOV_DR_EXITING | CPU_BASED_UNCOND_IO_EXITING |
			CPU_BASED_USE_MSR_BITMAPS | CPU_BASED_ACTIVATE_SECONDARY_CONTROLS |
			CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING |
			CPU_BASED_MONITOR_EXITING | CPU_BASED_MWAIT_EXITING |
			CPU_BASED_RDPMC_EXITING,
		.want = CPU_BASED_TPR_SHADOW,
		.offset = WORD(proc),
		.names = {
			{ CPU_BASED_HLT_EXITING, "HLT exiting" },
			{ CPU_BASED_USE_TSC_OFFSETTING, "TSC offsetting" },
			{ CPU_BASED_MOV_DR_EXITING, "MOV-DR exiting" },
			{ CPU_BASED_UNCOND_IO_EXITING, "unconditional I/O exiting" },
			{ CPU_BASED_USE_MSR_BITMAPS, "MSR bitmaps" },
			{ CPU_BASED_ACTIVATE_SECONDARY_CONTROLS, "secondary controls" },
			{ CPU_BASED_CR8_LOAD_EXITING, "CR8-load exiting" },
			{ CPU_BASED_CR8_STORE_EXITING, "CR8-store exiting" },
			{ CPU_BASED_MONITOR_EXITING, "MONITOR exiting" },
			{ CPU_BASED_MWAIT_EXITING, "MWAIT exiting" },
			{ CPU_BASED_RDPMC_EXITING, "RDPMC exiting" },
		},
	}, {
		"secondary processor-based controls", MSR_IA32_VMX_PROCBASED_CTLS2,
		.must = SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_UNRESTRICTED_GUEST,
		.want = SECONDARY_EXEC_ENABLE_VPID | SECONDARY_EXEC_ENABLE_RDTSCP |
			SECONDARY_EXEC_ENABLE_INVPCID | SECONDARY_EXEC_WBINVD_EXITING |
			SECONDARY_EXEC_ENABLE_PML | SECONDARY_EXEC_PAUSE_LOOP_EXITING |
			SECONDARY_EXEC_TSC_SCALING | SECONDARY_EXEC_ENABLE_XSAVES |
			SECONDARY_EXEC_BUS_LOCK_DETECTION | SECONDARY_EXEC_NOTIFY_VM_EXITING |
			APICV_CONTROLS,
		.offset = WORD(proc2),
		.names = {
			{ SECONDARY_EXEC_ENABLE_EPT, "EPT" },
			{ SECONDARY_EXEC_UNRESTRICTED_GUEST, "unrestricted guest" },
		},
	}, {
		"VM-exit controls", MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS,
		.must = VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_SAVE_IA32_EFER |
			VM_EXIT_LOAD_IA32_EFER | VM_EXIT_SAVE_IA32_PAT | VM_EXIT_LOAD_IA32_PAT |
			VM_EXIT_SAVE_DEBUG_CONTROLS,
		.want = VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL | VM_EXIT_ACK_INTR_ON_EXIT,
		.offset = WORD(exit),
		.names = {
			{ VM_EXIT_HOST_ADDR_SPACE_SIZE, "host address-space size" },
			{ VM_EXIT_SAVE_IA32_EFER, "save IA32_EFER" },
			{ VM_EXIT_LOAD_IA32_EFER, "load IA32_EFER" },
			{ VM_EXIT_SAVE_IA32_PAT, "save IA32_PAT" },
			{ VM_EXIT_LOAD_IA32_PAT, "load IA32_PAT" },
			{ VM_EXIT_SAVE_DEBUG_CONTROLS, "save debug controls" },
		},
	}, {
		"VM-entry controls", MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS,
		.must = VM_ENTRY_LOAD_IA32_EFER | VM_ENTRY_LOAD_IA32_PAT |
			VM_ENTRY_LOAD_DEBUG_CONTROLS,
		.want = VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL,
		.offset = WORD(entry),
		.names = {
			{ VM_ENTRY_LOAD_IA32_EFER, "load IA32_EFER" },
			{ VM_ENTRY_LOAD_IA32_PAT, "load IA32_PAT" },
			{ VM_ENTRY_LOAD_DEBUG_CONTROLS, "load debug controls" },
		},
	},
};

/* IA32_VMX_BASIC bit 55: the "true" control MSRs exist. */
#define VMX_BASIC_HAS_TRUE_CTLS	BIT_ULL(55)

static int choose_word(const struct control_word *word, struct vmx_caps *caps)
{
	u32 *chosen = (void *)caps + word->offset;
	u32 msr = word->msr, must_be_one, may_be_one, missing;
	const struct control_name *name;
	u64 value;

	if (word->true_msr && (caps->basic & VMX_BASIC_HAS_TRUE_CTLS))
		msr = word->true_msr;
	if (rdmsrq_safe(msr, &value)) {
		pr_err("lintel: this CPU's VMX has no %s (MSR 0x%x)\n", word->what, msr);
		return -EOPNOTSUPP;
	}
	must_be_one = lower_32_bits(value);
	may_be_one = upper_32_bits(value);

	missing = word->must & ~may_be_one;
	if (missing) {
		for (name = word->names; name->name; name++)
			if (name->bit & missing)
				pr_err("lintel: this CPU's VMX lacks \"%s\", which Lintel needs\n",
				       name->name);
		return -EOPNOTSUPP;
	}
	*chosen = ((word->must | word->want) & may_be_one) | must_be_one;
	return 0;
}

/* EPT must have 4-level walks, write-back tables and single-context INVEPT. */
static int check_ept(struct vmx_caps *caps)
{
	static const struct {
		u64 bit;
		const char *name;
	} need[] = {
		{ VMX_EPT_PAGE_WALK_4_BIT, "4-level EPT" },
		{ VMX_EPTP_WB_BIT, "write-back EPT tables" },
		{ VMX_EPT_INVEPT_BIT, "INVEPT" },
		{ VMX_EPT_EXTENT_CONTEXT_BIT, "single-context INVEPT" },
	};
	int i;

	if (rdmsrq_safe(MSR_IA32_VMX_EPT_VPID_CAP, &caps->ept))
		caps->ept = 0;
	for (i = 0; i < ARRAY_SIZE(need); i++) {
		if (caps->ept & need[i].bit)
			continue;
		pr_err("lintel: this CPU's VMX lacks \"%s\", which Lintel needs\n", need[i].name);
		return -EOPNOTSUPP;
	}
	return 0;
}

/*
 * Steppings whose specification updates say that the timer does not count at the rate it tells;
 * only those that also have unrestricted guest.
 */
static bool preemption_timer_broken(void)
{
	u32 signature = cpuid_eax(1);

	return signature == 0x20652 || signature == 0x20655 || signature == 0x306a8;
}

/*
 * Models (Westmere's) whose specification updates say that an exit which loads PERF_GLOBAL_CTRL may
 * leave another value in it; only those that also have unrestricted guest.
 */
static bool perf_ctrl_broken(void)
{
	return boot_cpu_data.x86 == 6 &&
	       (boot_cpu_data.x86_model == 0x25 || boot_cpu_data.x86_model == 0x2c);
}

static void settle_apicv(struct vmx_caps *caps)
{
	struct lintel_params *p = &lintel_params;

	if (!p->apicv)
		caps->proc &= ~CPU_BASED_TPR_SHADOW;
	p->apicv = !!(caps->proc & CPU_BASED_TPR_SHADOW);
	if (!p->apicv || !p->vid || (caps->proc2 & APICV_CONTROLS) != APICV_CONTROLS)
		caps->proc2 &= ~APICV_CONTROLS;
	p->vid = !!(caps->proc2 & APICV_CONTROLS);
	/* The host knows the notification vector only if it was built for KVM. */
	if (!p->vid || !p->posted_interrupts || !IS_ENABLED(CONFIG_KVM) ||
	    !(caps->pin & PIN_BASED_POSTED_INTR) || !(caps->exit & VM_EXIT_ACK_INTR_ON_EXIT)) {
		caps->pin &= ~PIN_BASED_POSTED_INTR;
		caps->exit &= ~VM_EXIT_ACK_INTR_ON_EXIT;
	}
	p->posted_interrupts = vmx_has_posted_interrupts();
}

/* A parameter says what is used: off when the CPU lacks the feature, and off means not used. */
static void settle_params(struct vmx_caps *caps)
{
	struct lintel_params *p = &lintel_params;

	p->ept_ad &= !!(caps->ept & VMX_EPT_AD_BIT);
	p->ept_2m &= !!(caps->ept & VMX_EPT_2MB_PAGE_BIT);
	p->ept_1g &= !!(caps->ept & VMX_EPT_1GB_PAGE_BIT);

	if (!(caps->ept & VMX_VPID_INVVPID_BIT) ||
	    !(caps->ept & VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT) || !p->vpid)
		caps->proc2 &= ~SECONDARY_EXEC_ENABLE_VPID;
	p->vpid = !!(caps->proc2 & SECONDARY_EXEC_ENABLE_VPID);
	/* The log is of entries whose dirty bit is set. */
	if (!p->pml || !p->ept_ad)
		caps->proc2 &= ~SECONDARY_EXEC_ENABLE_PML;
	p->pml = !!(caps->proc2 & SECONDARY_EXEC_ENABLE_PML);
	if (!p->ple)
		caps->proc2 &= ~SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	p->ple = !!(caps->proc2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING);
	if (!p->tsc_scaling || !boot_cpu_has(X86_FEATURE_CONSTANT_TSC) || !tsc_khz)
		caps->proc2 &= ~SECONDARY_EXEC_TSC_SCALING;
	p->tsc_scaling = !!(caps->proc2 & SECONDARY_EXEC_TSC_SCALING);
	if (!p->xsaves || !boot_cpu_has(X86_FEATURE_XSAVES))
		caps->proc2 &= ~SECONDARY_EXEC_ENABLE_XSAVES;
	p->xsaves = !!(caps->proc2 & SECONDARY_EXEC_ENABLE_XSAVES);
	/* the deadline is kept in cycles of the TSC */
	if (!boot_cpu_has(X86_FEATURE_CONSTANT_TSC) || !tsc_khz || preemption_timer_broken())
		p->preemption_timer = false;
	if (!p->preemption_timer)
		caps->pin &= ~PIN_BASED_VMX_PREEMPTION_TIMER;
	p->preemption_timer = !!(caps->pin & PIN_BASED_VMX_PREEMPTION_TIMER);
	if (!boot_cpu_has(X86_FEATURE_RDTSCP))
		caps->proc2 &= ~SECONDARY_EXEC_ENABLE_RDTSCP;

	settle_apicv(caps);

	/* Both halves, or neither: a value loaded at exit must have been replaced at entry. */
	if (!boot_cpu_has(X86_FEATURE_ARCH_PERFMON) || perf_ctrl_broken() ||
	    !(caps->entry & VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL) ||
	    !(caps->exit & VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL)) {
		caps->entry &= ~VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL;
		caps->exit &= ~VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL;
	}
}

static int read_caps(struct vmx_caps *caps)
{
	int i, err;

	memset(caps, 0, sizeof(*caps));
	if (rdmsrq_safe(MSR_IA32_VMX_BASIC, &caps->basic) ||
	    rdmsrq_safe(MSR_IA32_VMX_MISC, &caps->misc) ||
	    rdmsrq_safe(MSR_IA32_VMX_CR0_FIXED0, &caps->cr0_fixed0) ||
	    rdmsrq_safe(MSR_IA32_VMX_CR0_FIXED1, &caps->cr0_fixed1) ||
	    rdmsrq_safe(MSR_IA32_VMX_CR4_FIXED0, &caps->cr4_fixed0) ||
	    rdmsrq_safe(MSR_IA32_VMX_CR4_FIXED1, &caps->cr4_fixed1)) {
		pr_err("lintel: this CPU does not show its VMX capability MSRs\n");
		return -EOPNOTSUPP;
	}
	caps->revision = vmx_basic_vmcs_revision_id(caps->basic);
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		err = choose_word(&words[i], caps);
		if (err)
			return err;
	}
	return check_ept(caps);
}

int vmx_caps_init(void)
{
	int err;

	/* Host NMIs and interrupts are handed on through the IDT, which is not in use then. */
	if (__read_cr4() & X86_CR4_FRED) {
		pr_err("lintel: the host takes interrupts by FRED, which Lintel cannot do yet\n");
		return -EOPNOTSUPP;
	}
	err = read_caps(&lintel_caps);
	if (!err)
		settle_params(&lintel_caps);
	return err;
}

int vmx_caps_check_cpu(void)
{
	u64 basic, ept;

	if (rdmsrq_safe(MSR_IA32_VMX_BASIC, &basic) || basic != lintel_caps.basic ||
	    rdmsrq_safe(MSR_IA32_VMX_EPT_VPID_CAP, &ept) || ept != lintel_caps.ept)
		return -EIO;
	return 0;
}
