// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions: which vector, which error code, which address, and whether it is a fault or a trap
 * (the distance of RIP from the instruction). Each snippet is a function in assembly, whose
 * instruction in question is at the label in its name.
 */
#include "behave.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>

unsigned char *guarded;		/* a readable page, a page without access behind it */

/* SNIPPET(name, before, instruction) */
#define SNIPPET(name, before, instruction) \
	asm(".pushsection .text\n" #name ": " before "\n" #name "_at: " instruction "\n ret\n" \
	    ".popsection"); \
	extern void name(void); extern char name##_at[]

SNIPPET(ud2, "", "ud2");
SNIPPET(lock_nop, "", ".byte 0xf0, 0x90");
SNIPPET(fifteen_bytes, "", ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,"
	"0x66,0x66,0x90");
SNIPPET(divide_zero, "xor %ecx, %ecx; mov $1, %eax; xor %edx, %edx", "div %ecx");
SNIPPET(divide_overflow, "mov $1, %ecx; mov $1, %eax; mov $1, %edx", "div %ecx");
SNIPPET(idiv_overflow, "mov $-1, %rcx; movabs $0x8000000000000000, %rax; cqo", "idiv %rcx");
SNIPPET(int3, "", "int3");
SNIPPET(int_3, "", ".byte 0xcd, 3");
SNIPPET(int_4, "", "int $4");
SNIPPET(int1, "", ".byte 0xf1");
SNIPPET(int_81, "", "int $0x81");
SNIPPET(int_14, "", "int $14");
SNIPPET(hlt, "", "hlt");
SNIPPET(cli, "", "cli");
SNIPPET(port_in, "mov $0x80, %edx", "in %dx, %al");
SNIPPET(port_outs, "mov $0x80, %edx; lea port_outs(%rip), %rsi", "outsb");
SNIPPET(read_cr0, "", "mov %cr0, %rax");
SNIPPET(write_cr4, "", "mov %rax, %cr4");
SNIPPET(read_dr7, "", "mov %dr7, %rax");
SNIPPET(clts, "", "clts");
SNIPPET(lmsw, "", "lmsw %ax");
SNIPPET(rdmsr, "mov $0x1b, %ecx", "rdmsr");
SNIPPET(wrmsr, "mov $0x1b, %ecx", "wrmsr");
SNIPPET(rdpmc, "xor %ecx, %ecx", "rdpmc");
SNIPPET(lgdt, "", "lgdt -16(%rsp)");
SNIPPET(lldt, "xor %eax, %eax", "lldt %ax");
SNIPPET(ltr, "mov $0x40, %eax", "ltr %ax");
SNIPPET(invlpg, "", "invlpg (%rsp)");
SNIPPET(invd, "", "invd");
SNIPPET(wbinvd, "", "wbinvd");
SNIPPET(swapgs, "", "swapgs");
SNIPPET(sysret, "", "sysretq");
SNIPPET(monitor, "xor %ecx, %ecx; xor %edx, %edx; mov %rsp, %rax", "monitor");
SNIPPET(mwait, "xor %ecx, %ecx; xor %eax, %eax", "mwait");
SNIPPET(xsetbv, "xor %ecx, %ecx; mov $7, %eax; xor %edx, %edx", "xsetbv");
SNIPPET(xgetbv_bad, "mov $9, %ecx", "xgetbv");
SNIPPET(vmcall, "mov $-1, %rax", "vmcall");
SNIPPET(vmmcall, "mov $-1, %rax", "vmmcall");
SNIPPET(vmxoff, "", "vmxoff");
SNIPPET(vmread, "xor %eax, %eax", "vmread %rax, %rcx");
SNIPPET(rsm, "", "rsm");
SNIPPET(read_null, "xor %eax, %eax", "mov (%rax), %ecx");
SNIPPET(write_null, "xor %eax, %eax", "mov %ecx, 8(%rax)");
SNIPPET(jump_null, "sub $8, %rsp; movq $0x10, (%rsp)", "ret");
SNIPPET(read_kernel, "movabs $0xffffffff81000000, %rax", "mov (%rax), %ecx");
SNIPPET(write_code, "lea write_code(%rip), %rax", "mov %ecx, (%rax)");
SNIPPET(run_data, "mov guarded(%rip), %rax", "jmp *%rax");
SNIPPET(across_pages, "mov guarded(%rip), %rax", "mov 0xffe(%rax), %ecx");
SNIPPET(string_across, "mov guarded(%rip), %rdi; add $0xff0, %rdi; mov $32, %ecx", "rep stosb");
SNIPPET(read_noncanonical, "movabs $0x800000000000, %rax", "mov (%rax), %ecx");
SNIPPET(stack_noncanonical, "mov %rsp, %rdx; movabs $0x800000000000, %rsp", "pop %rax");
SNIPPET(push_noncanonical, "mov %rsp, %rdx; movabs $0x800000000000, %rsp", "push %rax");
SNIPPET(jump_noncanonical, "movabs $0x800000000000, %rax", "jmp *%rax");
SNIPPET(prefetch_noncanonical, "movabs $0x800000000000, %rax", "prefetcht0 (%rax)");
SNIPPET(movaps_unaligned, "lea -9(%rsp), %rax", "movaps %xmm0, (%rax)");
SNIPPET(alignment_check, "pushfq; orq $0x40000, (%rsp); popfq; lea -15(%rsp), %rax",
	"mov %ecx, (%rax)");
SNIPPET(cmpxchg16b_unaligned, "lea -40(%rsp), %rdi; and $-16, %rdi; add $8, %rdi",
	"cmpxchg16b (%rdi)");
SNIPPET(ds_beyond, "mov $0xfff8, %eax", "mov %eax, %ds");
SNIPPET(ss_null, "xor %eax, %eax", "mov %eax, %ss");
SNIPPET(fs_kernel, "mov $0x10, %eax", "mov %eax, %fs");
SNIPPET(cs_load, "mov $0x33, %eax", ".byte 0x8e, 0xc8");
SNIPPET(far_return, "sub $16, %rsp; movq $0x1238, 8(%rsp); movq $0, (%rsp)", "lretq");
SNIPPET(iret_bad_cs, "mov %rsp, %rdx; pushq $0x2b; push %rdx; pushfq; pushq $0x1238; pushq $0",
	"iretq");
SNIPPET(sse_divide, "sub $8, %rsp; movl $0x1d80, (%rsp); ldmxcsr (%rsp); add $8, %rsp; "
	"xorps %xmm1, %xmm1; mov $1, %eax; cvtsi2ss %eax, %xmm0", "divss %xmm1, %xmm0");
SNIPPET(x87_divide, "sub $8, %rsp; movw $0x37b, (%rsp); fldcw (%rsp); add $8, %rsp; fldz; fld1; "
	"fdivp", "fwait");

static const struct {
	const char *name;
	void (*fn)(void);
	char *at;
} snippets[] = {
#define ROW(name) { #name, name, name##_at }
	ROW(ud2), ROW(lock_nop), ROW(fifteen_bytes), ROW(divide_zero), ROW(divide_overflow),
	ROW(idiv_overflow), ROW(int3), ROW(int_3), ROW(int_4), ROW(int1), ROW(int_81), ROW(int_14),
	ROW(hlt), ROW(cli), ROW(port_in), ROW(port_outs), ROW(read_cr0), ROW(write_cr4),
	ROW(read_dr7), ROW(clts), ROW(lmsw), ROW(rdmsr), ROW(wrmsr), ROW(rdpmc), ROW(lgdt),
	ROW(lldt), ROW(ltr), ROW(invlpg), ROW(invd), ROW(wbinvd), ROW(swapgs), ROW(sysret),
	ROW(monitor), ROW(mwait), ROW(xsetbv), ROW(xgetbv_bad), ROW(vmcall), ROW(vmmcall),
	ROW(vmxoff), ROW(vmread), ROW(rsm), ROW(read_null), ROW(write_null), ROW(jump_null),
	ROW(read_kernel), ROW(write_code), ROW(run_data), ROW(across_pages), ROW(string_across),
	ROW(read_noncanonical), ROW(stack_noncanonical), ROW(push_noncanonical),
	ROW(jump_noncanonical), ROW(prefetch_noncanonical), ROW(movaps_unaligned),
	ROW(alignment_check), ROW(cmpxchg16b_unaligned), ROW(ds_beyond), ROW(ss_null),
	ROW(fs_kernel), ROW(cs_load), ROW(far_return), ROW(iret_bad_cs), ROW(sse_divide),
	ROW(x87_divide),
#undef ROW
};

/* An address in terms that are the same in every run. */
static void place(char *text, size_t size, unsigned long address)
{
	if (guarded && address - (unsigned long)guarded < 0x2000)
		snprintf(text, size, "guarded+%#lx", address - (unsigned long)guarded);
	else
		snprintf(text, size, "%#lx", address);
}

void behave_traps(void)
{
	static const uint32_t mxcsr = 0x1f80;
	char where[64] = "", name[64], address[64];
	struct caught c;
	unsigned int i;

	guarded = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(guarded + 0x1000, 0x1000, PROT_NONE);
	*guarded = 0xc3;
	for (i = 0; i < sizeof(snippets) / sizeof(snippets[0]); i++) {
		c = catch(snippets[i].fn);
		asm volatile("fninit; ldmxcsr %0" : : "m"(mxcsr));
		snprintf(name, sizeof(name), "trap %s", snippets[i].name);
		if (!c.signal) {
			say(name, "none");
			continue;
		}
		if (c.at - (unsigned long)snippets[i].at < 64)
			snprintf(where, sizeof(where), "+%lu",
				 c.at - (unsigned long)snippets[i].at);
		else
			place(where, sizeof(where), c.at);
		/* CR2 says something only for page faults; of others it is an old one's */
		place(address, sizeof(address), c.vector == 14 ? c.address : 0);
		say(name, "vector %ld error %#lx address %s at %s signal %d code %d", c.vector,
		    c.error, address, where, c.signal, c.code);
	}
}
