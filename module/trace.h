/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, in the group "lintel".  When off, each costs a no-op instruction: arguments are
 * plain values that the caller has at hand, and what is read through the vCPU is read in
 * TP_fast_assign. A VM is told by the thread that recorded the event, a vCPU by its id.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM lintel

#if !defined(LINTEL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define LINTEL_TRACE_H

#include <linux/tracepoint.h>

#include "exit_reasons.h"
#include "vcpu.h"

#define TRACE_REASON_ROW(number, name)	{ number, name },
#define TRACE_REASON_LAST(number, name)	{ number, name }

/* A VM exit, before it is handled: vcpu->exit and vcpu->rip are filled in. */
TRACE_EVENT(lintel_exit,
	TP_PROTO(const struct lintel_vcpu *vcpu),
	TP_ARGS(vcpu),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, reason)
		__field(unsigned long, rip)
		__field(u64, qualification)
		__field(u32, intr_info)
		__field(u32, intr_error)
		__field(u32, idt_info)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->reason = vcpu->exit.reason;
		__entry->rip = vcpu->rip;
		__entry->qualification = vcpu->exit.qualification;
		__entry->intr_info = vcpu->exit.intr_info;
		__entry->intr_error = vcpu->exit.intr_error;
		__entry->idt_info = vcpu->exit.idt_info;
	),
	TP_printk("vcpu %u %s%s rip 0x%lx qual 0x%llx intr 0x%x err 0x%x idt 0x%x",
		  __entry->vcpu,
		  __print_symbolic(__entry->reason & 0xffff,
				   LINTEL_EXIT_REASONS(TRACE_REASON_ROW, TRACE_REASON_LAST)),
		  __entry->reason & VMX_EXIT_REASONS_FAILED_VMENTRY ? " (entry failed)" : "",
		  __entry->rip, __entry->qualification, __entry->intr_info, __entry->intr_error,
		  __entry->idt_info)
);

/* About to enter the guest. */
TRACE_EVENT(lintel_entry,
	TP_PROTO(const struct lintel_vcpu *vcpu),
	TP_ARGS(vcpu),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(unsigned long, rip)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->rip = vcpu->rip;
	),
	TP_printk("vcpu %u rip 0x%lx", __entry->vcpu, __entry->rip)
);

/* An event goes into the VM-entry interruption-information field, with an error code or 0. */
TRACE_EVENT(lintel_inject,
	TP_PROTO(const struct lintel_vcpu *vcpu, u32 intr_info, u32 error),
	TP_ARGS(vcpu, intr_info, error),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, intr_info)
		__field(u32, error)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->intr_info = intr_info;
		__entry->error = intr_info & INTR_INFO_DELIVER_CODE_MASK ? error : 0;
	),
	TP_printk("vcpu %u %s vector 0x%x error 0x%x", __entry->vcpu,
		  __print_symbolic((__entry->intr_info >> 8) & 7,
				   { 0, "interrupt" }, { 2, "nmi" }, { 3, "exception" },
				   { 4, "soft_interrupt" }, { 5, "icebp" },
				   { 6, "soft_exception" }, { 7, "other" }),
		  __entry->intr_info & 0xff, __entry->error)
);

/* An EPT violation was resolved, or not: @result as lintel_ept_fault() returned it. */
TRACE_EVENT(lintel_page_fault,
	TP_PROTO(const struct lintel_vcpu *vcpu, u64 gpa, unsigned int access, int result),
	TP_ARGS(vcpu, gpa, access, result),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, access)
		__field(u64, gpa)
		__field(unsigned long, rip)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->access = access;
		__entry->gpa = gpa;
		__entry->rip = vcpu->rip;
		__entry->result = result;
	),
	TP_printk("vcpu %u gpa 0x%llx %s rip 0x%lx result %d", __entry->vcpu, __entry->gpa,
		  __print_flags(__entry->access, "|", { 1, "read" }, { 2, "write" }, { 4, "exec" }),
		  __entry->rip, __entry->result)
);

/* The guest hears that the page at @gpa is absent, and gets @token to wait for. */
TRACE_EVENT(lintel_apf_not_present,
	TP_PROTO(const struct lintel_vcpu *vcpu, u64 gpa, u32 token),
	TP_ARGS(vcpu, gpa, token),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, token)
		__field(u64, gpa)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->token = token;
		__entry->gpa = gpa;
	),
	TP_printk("vcpu %u gpa 0x%llx token 0x%x", __entry->vcpu, __entry->gpa, __entry->token)
);

/* It hears that the page of @token has come. */
TRACE_EVENT(lintel_apf_ready,
	TP_PROTO(const struct lintel_vcpu *vcpu, u32 token),
	TP_ARGS(vcpu, token),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, token)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->token = token;
	),
	TP_printk("vcpu %u token 0x%x", __entry->vcpu, __entry->token)
);

/* An access to memory-mapped I/O; @value is what is written, 0 for a read. */
TRACE_EVENT(lintel_mmio,
	TP_PROTO(const struct lintel_vcpu *vcpu, bool write, u64 gpa, unsigned int len, u64 value),
	TP_ARGS(vcpu, write, gpa, len, value),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u8, write)
		__field(u8, len)
		__field(u64, gpa)
		__field(u64, value)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->write = write;
		__entry->len = len;
		__entry->gpa = gpa;
		__entry->value = value;
	),
	TP_printk("vcpu %u %s gpa 0x%llx len %u value 0x%llx", __entry->vcpu,
		  __entry->write ? "write" : "read", __entry->gpa, __entry->len, __entry->value)
);

/* An access to a port: @count items of @size bytes; @value is the first that is written. */
TRACE_EVENT(lintel_pio,
	TP_PROTO(const struct lintel_vcpu *vcpu, bool write, u16 port, unsigned int size,
		 u32 count, u32 value),
	TP_ARGS(vcpu, write, port, size, count, value),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u16, port)
		__field(u8, write)
		__field(u8, size)
		__field(u32, count)
		__field(u32, value)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->port = port;
		__entry->write = write;
		__entry->size = size;
		__entry->count = count;
		__entry->value = value;
	),
	TP_printk("vcpu %u %s port 0x%x size %u count %u value 0x%x", __entry->vcpu,
		  __entry->write ? "out" : "in", __entry->port, __entry->size, __entry->count,
		  __entry->value)
);

/* RDMSR or WRMSR by the guest; @fault: it got #GP. */
TRACE_EVENT(lintel_msr,
	TP_PROTO(const struct lintel_vcpu *vcpu, bool write, u32 msr, u64 value, bool fault),
	TP_ARGS(vcpu, write, msr, value, fault),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, msr)
		__field(u64, value)
		__field(u8, write)
		__field(u8, fault)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->msr = msr;
		__entry->value = value;
		__entry->write = write;
		__entry->fault = fault;
	),
	TP_printk("vcpu %u %s 0x%x value 0x%llx%s", __entry->vcpu,
		  __entry->write ? "wrmsr" : "rdmsr", __entry->msr, __entry->value,
		  __entry->fault ? " #GP" : "")
);

/* CPUID by the guest: what it asked and what it got. */
TRACE_EVENT(lintel_cpuid,
	TP_PROTO(const struct lintel_vcpu *vcpu, u32 leaf, u32 index, u32 eax, u32 ebx, u32 ecx,
		 u32 edx),
	TP_ARGS(vcpu, leaf, index, eax, ebx, ecx, edx),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, leaf)
		__field(u32, index)
		__field(u32, eax)
		__field(u32, ebx)
		__field(u32, ecx)
		__field(u32, edx)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->leaf = leaf;
		__entry->index = index;
		__entry->eax = eax;
		__entry->ebx = ebx;
		__entry->ecx = ecx;
		__entry->edx = edx;
	),
	TP_printk("vcpu %u leaf 0x%x.0x%x eax 0x%x ebx 0x%x ecx 0x%x edx 0x%x", __entry->vcpu,
		  __entry->leaf, __entry->index, __entry->eax, __entry->ebx, __entry->ecx,
		  __entry->edx)
);

/* A vector was posted to the vCPU; @notify: it has to be told, else it looks by itself. */
TRACE_EVENT(lintel_posted,
	TP_PROTO(const struct lintel_vcpu *vcpu, u8 vector, bool notify),
	TP_ARGS(vcpu, vector, notify),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u8, vector)
		__field(u8, notify)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->vector = vector;
		__entry->notify = notify;
	),
	TP_printk("vcpu %u vector 0x%x%s", __entry->vcpu, __entry->vector,
		  __entry->notify ? " notify" : "")
);

TRACE_EVENT(lintel_hypercall,
	TP_PROTO(const struct lintel_vcpu *vcpu, unsigned long nr, unsigned long a0,
		 unsigned long a1, unsigned long a2, unsigned long a3),
	TP_ARGS(vcpu, nr, a0, a1, a2, a3),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(unsigned long, nr)
		__field(unsigned long, a0)
		__field(unsigned long, a1)
		__field(unsigned long, a2)
		__field(unsigned long, a3)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->nr = nr;
		__entry->a0 = a0;
		__entry->a1 = a1;
		__entry->a2 = a2;
		__entry->a3 = a3;
	),
	TP_printk("vcpu %u nr %lu a0 0x%lx a1 0x%lx a2 0x%lx a3 0x%lx", __entry->vcpu,
		  __entry->nr, __entry->a0, __entry->a1, __entry->a2, __entry->a3)
);

#endif /* LINTEL_TRACE_H */

/* trace.c is compiled with the directory of this file as an include path (Kbuild). */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
