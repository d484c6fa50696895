// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single step and debug registers: where RFLAGS.TF stops, over instructions that a hypervisor may
 * have to execute itself too, and what breakpoints of each kind catch, set by ptrace.
 */
#define _GNU_SOURCE
#include "behave.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

extern char stepped[], stepped_end[];
extern void step_through(void);
asm(".pushsection .text\n"
    "step_through: push %rbx\n"
    " pushfq; orq $0x100, (%rsp); popfq\n"
    "stepped: nop\n"
    " xor %eax, %eax\n"
    " cpuid\n"
    " mov $39, %eax\n"			/* getpid */
    " syscall\n"
    " rdtsc\n"
    " mov $3, %ecx; lea -64(%rsp), %rdi; rep stosb\n"
    " mov %ss, %eax\n"
    " mov %eax, %ss\n"			/* no trap behind it */
    " nop\n"
    " mov $-1, %eax; xor %ecx, %ecx; xgetbv\n"
    " pushfq; pop %rdx\n"
    " pushfq; andq $~0x100, (%rsp)\n"
    " popfq\n"
    "stepped_end: nop\n"
    " pop %rbx; ret\n"
    ".popsection");

static volatile uint64_t traps, places;
static char steps[512];

static void on_step(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	unsigned long at = c->uc_mcontext.gregs[REG_RIP] - (unsigned long)stepped;
	size_t used = strlen(steps);

	(void)signal;
	traps++;
	places = hash(places, at);
	if (used < sizeof(steps) - 16)
		snprintf(steps + used, sizeof(steps) - used, " %lx%s", at,
			 info->si_code == TRAP_TRACE ? "" : "?");
}

static void single_step(void)
{
	struct sigaction action = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &action, NULL);
	step_through();
	say("single step", "%llu stops:%s", (unsigned long long)traps, steps);
}

static volatile uint64_t watched[2];

static void __attribute__((noinline)) called(void)
{
	asm volatile("" : : : "memory");
}

/* What the child does under its parent's breakpoints. */
static void child(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	called();
	*(volatile uint8_t *)watched = 1;
	*(volatile uint32_t *)((char *)watched + 4) = 1;
	(void)*(volatile uint16_t *)((char *)watched + 2);
	asm volatile("rep stosb" : : "D"(watched), "c"(16L), "a"(0) : "memory");
	asm volatile("lock incq %0" : "+m"(watched[0]));
	_exit(0);
}

#define DEBUG_REGISTER(n)	(offsetof(struct user, u_debugreg) + (n) * sizeof(long))

static const struct {
	const char *name;
	unsigned long type;		/* R/W and LEN of DR7, for breakpoint 0 */
	long offset;			/* of what is watched; -1: the function */
} rows[] = {
	{ "instruction", 0x0, -1 },
	{ "write of 1 byte", 0x1, 0 },
	{ "write of 2 bytes", 0x5, 2 },
	{ "write of 4 bytes", 0xd, 4 },
	{ "write of 8 bytes", 0x9, 0 },
	{ "access of 1 byte", 0x3, 3 },
	{ "access of 8 bytes", 0xb, 8 },
};

static void breakpoint(unsigned int row)
{
	unsigned long where = rows[row].offset < 0 ? (unsigned long)called :
			      (unsigned long)watched + rows[row].offset;
	unsigned int stops = 0;
	uint64_t sum = 0;
	char name[64];
	long dr6 = 0;
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		child();
	waitpid(pid, &status, 0);
	ptrace(PTRACE_POKEUSER, pid, DEBUG_REGISTER(0), where);
	ptrace(PTRACE_POKEUSER, pid, DEBUG_REGISTER(7), rows[row].type << 16 | 1);
	for (;;) {
		struct user_regs_struct regs;

		ptrace(PTRACE_CONT, pid, 0, 0);
		if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
			break;
		dr6 |= ptrace(PTRACE_PEEKUSER, pid, DEBUG_REGISTER(6), 0);
		ptrace(PTRACE_POKEUSER, pid, DEBUG_REGISTER(6), 0);
		ptrace(PTRACE_GETREGS, pid, 0, &regs);
		sum = hash(sum, regs.rip - (unsigned long)child);
		if (++stops > 100)
			break;
	}
	kill(pid, SIGKILL);
	snprintf(name, sizeof(name), "debug register, %s", rows[row].name);
	say(name, "%u stops, DR6 %#lx, places %016llx, end %#x", stops, dr6,
	    (unsigned long long)sum, status);
}

void behave_debug(void)
{
	unsigned int i;

	single_step();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		breakpoint(i);
}
