// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMX instruction failed: say which, on what, and why, and stop the VM it belongs to.
 *
 * This is where the out-of-line halves of vmx/ops.h end.  Nothing here is fatal for the host: the
 * message is rate limited, and the VM whose VMCS is current is marked dead, so that its KVM_RUN
 * ends with -EIO.
 */
#include <linux/kernel.h>
#include <linux/ratelimit.h>

#include "cpu.h"
#include "ops.h"
#include "../vcpu.h"
#include "../vm.h"

/* SDM, "VM-Instruction Error Numbers". */
static const char *const vm_instruction_errors[] = {
	[1] = "VMCALL executed in VMX root operation",
	[2] = "VMCLEAR with invalid physical address",
	[3] = "VMCLEAR with VMXON pointer",
	[4] = "VMLAUNCH with non-clear VMCS",
	[5] = "VMRESUME with non-launched VMCS",
	[6] = "VMRESUME after VMXOFF",
	[7] = "VM entry with invalid control field(s)",
	[8] = "VM entry with invalid host-state field(s)",
	[9] = "VMPTRLD with invalid physical address",
	[10] = "VMPTRLD with VMXON pointer",
	[11] = "VMPTRLD with incorrect VMCS revision identifier",
	[12] = "VMREAD/VMWRITE from/to unsupported VMCS component",
	[13] = "VMWRITE to read-only VMCS component",
	[15] = "VMXON executed in VMX root operation",
	[26] = "VM entry with events blocked by MOV SS",
	[28] = "invalid operand to INVEPT/INVVPID",
};

const char *vmx_instruction_error_name(u32 error)
{
	if (error < ARRAY_SIZE(vm_instruction_errors) && vm_instruction_errors[error])
		return vm_instruction_errors[error];
	return "unknown error";
}

u32 vmx_instruction_error(void)
{
	unsigned long error = 0;

	/* Not by vmcs_read32(): its failure would lead back here. */
	asm goto("1: vmread %1, %%rax\n\t"
		 "mov %%rax, %0\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : "m" (error), "r" ((unsigned long)VM_INSTRUCTION_ERROR)
		 : "cc", "memory", "rax" : failed);
	return READ_ONCE(error);
failed:
	return 0;
}

noinline __cold void vmx_insn_failed(const char *insn, u64 operand, u64 value, bool fault)
{
	struct lintel_vcpu *vcpu = vmx_current_vcpu();
	u32 error = fault ? 0 : vmx_instruction_error();

	if (fault)
		pr_err_ratelimited("lintel: %s 0x%llx (0x%llx) raised an exception: this CPU is not in VMX operation\n",
				   insn, operand, value);
	else if (error)
		pr_err_ratelimited("lintel: %s 0x%llx (0x%llx) failed: error %u, %s\n", insn,
				   operand, value, error, vmx_instruction_error_name(error));
	else
		pr_err_ratelimited("lintel: %s 0x%llx (0x%llx) failed without a current VMCS\n",
				   insn, operand, value);
	if (vcpu)
		lintel_vm_kill(vcpu->vm);
}
