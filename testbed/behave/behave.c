// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frame: lines, and catching exceptions by signal handlers. The handler leaves by siglongjmp,
 * so whatever state the exception left is thrown away.
 */
#define _GNU_SOURCE
#include "behave.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile struct caught last;

void say(const char *name, const char *format, ...)
{
	va_list args;

	printf("%s: ", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	last.signal = signal;
	last.code = info->si_code;
	last.vector = regs[REG_TRAPNO];
	last.error = regs[REG_ERR];
	last.address = regs[REG_CR2];
	last.at = regs[REG_RIP];
	siglongjmp(back, 1);
}

struct caught catch(void (*fn)(void))
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct sigaction action = { .sa_sigaction = on_signal,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK };
	static char stack[64 * 1024];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	unsigned int i;

	sigaltstack(&alternate, NULL);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	last = (struct caught){ 0 };
	if (!sigsetjmp(back, 1))
		fn();
	/* alignment checks and traps of the test are not for what follows */
	asm volatile("pushfq; andq $~0x40100, (%%rsp); popfq" : : : "memory", "cc");
	return last;
}

int main(void)
{
	behave_traps();
	behave_segments();
	behave_numbers();
	behave_identity();
	behave_state();
	behave_debug();
	say("end", "all was asked");
	return 0;
}
