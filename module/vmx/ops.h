/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMX instructions, VMLAUNCH and VMRESUME aside (entry.S has those), and width-checked
 * accessors of VMCS fields.
 *
 * Each instruction tests CF and ZF (VMfailInvalid, VMfailValid) and has an exception-table entry:
 * after a VMXOFF by a reboot or by KVM it raises #UD.  Failure is out of line and never fatal for
 * the host: vmx_insn_failed() names the instruction, its operands and the VM-instruction error
 * (rate limited) and kills the VM whose VMCS is current.  A failed VMREAD reads zero.
 *
 * All of these run with interrupts off; VMREAD and VMWRITE inside a window (vmx/vmcs.h).
 * Source: SDM, "VMX Instruction Reference".
 */
#ifndef LINTEL_VMX_OPS_H
#define LINTEL_VMX_OPS_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/vmx.h>

#include "../types.h"

/* out of line, in fail.c; @fault: the instruction raised an exception */
void __cold vmx_insn_failed(const char *insn, u64 operand, u64 value, bool fault);

/* An instruction with one memory operand that is a physical address. */
#define VMX_INSN_PA(insn, pa)							\
({										\
	u64 __pa = (pa);							\
	int __ret = 0;								\
	asm goto("1: " insn " %0\n\t"						\
		 "jbe %l[fail]\n\t"						\
		 _ASM_EXTABLE(1b, %l[fault])					\
		 : : "m" (__pa) : "cc", "memory" : fail, fault);		\
	if (0) {								\
fail:										\
		vmx_insn_failed(insn, __pa, 0, false);				\
		__ret = -EIO;							\
	}									\
	if (0) {								\
fault:										\
		vmx_insn_failed(insn, __pa, 0, true);				\
		__ret = -EIO;							\
	}									\
	__ret;									\
})

/* vmxon - enter VMX operation with the region at @pa.  0 or -EIO. */
static inline int vmxon(hpa_t pa)
{
	return VMX_INSN_PA("vmxon", pa);
}

/* vmclear - make the VMCS at @pa inactive and not launched.  0 or -EIO. */
static inline int vmclear(hpa_t pa)
{
	return VMX_INSN_PA("vmclear", pa);
}

/* vmptrld - make the VMCS at @pa current.  0 or -EIO. */
static inline int vmptrld(hpa_t pa)
{
	return VMX_INSN_PA("vmptrld", pa);
}

#define VMCS_NONE	(~0ULL)		/* what VMPTRST stores when no VMCS is current */

/* vmptrst - store in @pa which VMCS is current; VMCS_NONE: none, or VMX operation was left. */
static inline void vmptrst(hpa_t *pa)
{
	/* VMPTRST cannot VMfail; it may raise #UD. */
	asm goto("1: vmptrst %0\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : "m" (*pa) : "cc", "memory" : failed);
	return;
failed:
	vmx_insn_failed("vmptrst", 0, 0, true);
	*pa = VMCS_NONE;
}

/* vmxoff - leave VMX operation on this CPU.  0 or -EIO. */
static inline int vmxoff(void)
{
	asm goto("1: vmxoff\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : : "cc", "memory" : failed);
	return 0;
failed:
	return -EIO;
}

struct vmx_inv_descriptor {
	u64 first;		/* INVEPT: EPTP; INVVPID: VPID */
	u64 second;		/* INVEPT: zero; INVVPID: linear address */
};

/* invept_single - drop what this CPU cached of one EPT: combined and guest-physical mappings. */
static inline int invept_single(u64 eptp)
{
	struct vmx_inv_descriptor desc = { .first = eptp };
	unsigned long type = VMX_EPT_EXTENT_CONTEXT;

	asm goto("1: invept %0, %1\n\t"
		 "jbe %l[fail]\n\t"
		 _ASM_EXTABLE(1b, %l[fault])
		 : : "m" (desc), "r" (type) : "cc", "memory" : fail, fault);
	return 0;
fail:
	vmx_insn_failed("invept", eptp, type, false);
	return -EIO;
fault:
	vmx_insn_failed("invept", eptp, type, true);
	return -EIO;
}

/* invvpid_single - drop linear and combined mappings of one VPID (not 0) on this CPU. */
static inline int invvpid_single(u16 vpid)
{
	struct vmx_inv_descriptor desc = { .first = vpid };
	unsigned long type = VMX_VPID_EXTENT_SINGLE_CONTEXT;

	asm goto("1: invvpid %0, %1\n\t"
		 "jbe %l[fail]\n\t"
		 _ASM_EXTABLE(1b, %l[fault])
		 : : "m" (desc), "r" (type) : "cc", "memory" : fail, fault);
	return 0;
fail:
	vmx_insn_failed("invvpid", vpid, type, false);
	return -EIO;
fault:
	vmx_insn_failed("invvpid", vpid, type, true);
	return -EIO;
}

static __always_inline unsigned long __vmcs_read(unsigned long field)
{
	unsigned long value;

	asm_goto_output("1: vmread %[field], %[value]\n\t"
			"jbe %l[fail]\n\t"
			_ASM_EXTABLE(1b, %l[fault])
			: [value] "=r" (value) : [field] "r" (field) : "cc" : fail, fault);
	return value;
fail:
	vmx_insn_failed("vmread", field, 0, false);
	return 0;
fault:
	vmx_insn_failed("vmread", field, 0, true);
	return 0;
}

static __always_inline void __vmcs_write(unsigned long field, unsigned long value)
{
	asm goto("1: vmwrite %[value], %[field]\n\t"
		 "jbe %l[fail]\n\t"
		 _ASM_EXTABLE(1b, %l[fault])
		 : : [field] "r" (field), [value] "rm" (value) : "cc" : fail, fault);
	return;
fail:
	vmx_insn_failed("vmwrite", field, value, false);
	return;
fault:
	vmx_insn_failed("vmwrite", field, value, true);
}

/* Field encodings carry their width in bits 14:13 (SDM, "Field Encoding in VMCS"). */
#define VMCS_WIDTH(field)	(((field) >> 13) & 3)
#define VMCS_WIDTH_16		0
#define VMCS_WIDTH_64		1
#define VMCS_WIDTH_32		2
#define VMCS_WIDTH_NATURAL	3

/* A constant field of another width does not compile; its high half is never named. */
#define VMCS_CHECK(field, width)							\
	BUILD_BUG_ON_MSG(__builtin_constant_p(field) &&					\
			 (VMCS_WIDTH(field) != (width) || ((field) & 1)),		\
			 "VMCS accessor of the wrong width")

static __always_inline u16 vmcs_read16(unsigned long field)
{
	VMCS_CHECK(field, VMCS_WIDTH_16);
	return __vmcs_read(field);
}

static __always_inline u32 vmcs_read32(unsigned long field)
{
	VMCS_CHECK(field, VMCS_WIDTH_32);
	return __vmcs_read(field);
}

static __always_inline u64 vmcs_read64(unsigned long field)
{
	VMCS_CHECK(field, VMCS_WIDTH_64);
	return __vmcs_read(field);
}

static __always_inline unsigned long vmcs_readl(unsigned long field)
{
	VMCS_CHECK(field, VMCS_WIDTH_NATURAL);
	return __vmcs_read(field);
}

static __always_inline void vmcs_write16(unsigned long field, u16 value)
{
	VMCS_CHECK(field, VMCS_WIDTH_16);
	__vmcs_write(field, value);
}

static __always_inline void vmcs_write32(unsigned long field, u32 value)
{
	VMCS_CHECK(field, VMCS_WIDTH_32);
	__vmcs_write(field, value);
}

static __always_inline void vmcs_write64(unsigned long field, u64 value)
{
	VMCS_CHECK(field, VMCS_WIDTH_64);
	__vmcs_write(field, value);
}

static __always_inline void vmcs_writel(unsigned long field, unsigned long value)
{
	VMCS_CHECK(field, VMCS_WIDTH_NATURAL);
	__vmcs_write(field, value);
}

#endif
