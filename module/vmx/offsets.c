// SPDX-License-Identifier: GPL-2.0-only
/*
 * Offsets of struct lintel_vcpu for entry.S: compiled to assembly, turned into vmx/offsets.h by
 * Kbuild, never linked.
 */
#include <linux/kbuild.h>
#include <asm/vmx.h>

#include "../vcpu.h"

static void __used offsets(void)
{
	OFFSET(VCPU_RAX, lintel_vcpu, gpr[GPR_RAX]);
	OFFSET(VCPU_RCX, lintel_vcpu, gpr[GPR_RCX]);
	OFFSET(VCPU_RDX, lintel_vcpu, gpr[GPR_RDX]);
	OFFSET(VCPU_RBX, lintel_vcpu, gpr[GPR_RBX]);
	OFFSET(VCPU_RBP, lintel_vcpu, gpr[GPR_RBP]);
	OFFSET(VCPU_RSI, lintel_vcpu, gpr[GPR_RSI]);
	OFFSET(VCPU_RDI, lintel_vcpu, gpr[GPR_RDI]);
	OFFSET(VCPU_R8, lintel_vcpu, gpr[GPR_R8]);
	OFFSET(VCPU_R9, lintel_vcpu, gpr[GPR_R9]);
	OFFSET(VCPU_R10, lintel_vcpu, gpr[GPR_R10]);
	OFFSET(VCPU_R11, lintel_vcpu, gpr[GPR_R11]);
	OFFSET(VCPU_R12, lintel_vcpu, gpr[GPR_R12]);
	OFFSET(VCPU_R13, lintel_vcpu, gpr[GPR_R13]);
	OFFSET(VCPU_R14, lintel_vcpu, gpr[GPR_R14]);
	OFFSET(VCPU_R15, lintel_vcpu, gpr[GPR_R15]);
	OFFSET(VCPU_HOST_RSP, lintel_vcpu, host_rsp);
	DEFINE(FIELD_HOST_RSP, HOST_RSP);
}
