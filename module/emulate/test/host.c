// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running one instruction on the host's CPU; see host.h.
 *
 * All registers are loaded from a structure and control jumps to the instruction, which stands in
 * a page otherwise full of INT3. Wherever it goes it traps, and the signal handler, on a stack of
 * its own because RSP may be anything, finds all registers in its context. The
 * same handler catches the exceptions that the instruction raises itself.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include <asm/ldt.h>

#include "host.h"

static u8 *code;
static struct host_state *current;
static char signal_stack[64 * 1024];
static const int signals[] = { SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGVTALRM };
static struct sigaction old_actions[ARRAY_SIZE(signals)];
static u64 runs, runs_at_tick;

u64 host_stack __attribute__((used));
/* Where the entry code jumps, after it has no register left to hold it. */
u64 host_target64 __attribute__((used));
struct {
	u32 offset;
	u16 selector;
} __attribute__((packed)) host_target32 __attribute__((used));

void host_enter64(struct host_state *s);
void host_enter32(struct host_state *s);
void host_return(void);

asm(".macro load_registers\n"
    "	pushq %rbx\n"
    "	pushq %rbp\n"
    "	pushq %r12\n"
    "	pushq %r13\n"
    "	pushq %r14\n"
    "	pushq %r15\n"
    "	movq %rsp, host_stack(%rip)\n"
    "	movw 136+8(%rdi), %ds\n"
    "	movw 136+10(%rdi), %es\n"
    "	movw 136+12(%rdi), %gs\n"
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
    "	movdqu 160+16*\\n(%rdi), %xmm\\n\n"
    ".endr\n"
    "	pushq 128(%rdi)\n"
    "	popfq\n"
    "	movq 0(%rdi), %rax\n"
    "	movq 8(%rdi), %rcx\n"
    "	movq 16(%rdi), %rdx\n"
    "	movq 24(%rdi), %rbx\n"
    "	movq 40(%rdi), %rbp\n"
    "	movq 48(%rdi), %rsi\n"
    ".irp n, 8,9,10,11,12,13,14,15\n"
    "	movq 8*\\n(%rdi), %r\\n\n"
    ".endr\n"
    "	movw 136+14(%rdi), %ss\n"
    "	movq 32(%rdi), %rsp\n"
    "	movq 56(%rdi), %rdi\n"
    ".endm\n"
    ".text\n"
    ".globl host_enter64\n"
    "host_enter64:\n"
    "	load_registers\n"
    "	jmp *host_target64(%rip)\n"
    ".globl host_enter32\n"
    "host_enter32:\n"
    "	load_registers\n"
    "	ljmpl *host_target32(%rip)\n"
    /* The signal handler returns here: as if the entry had been a call. */
    "host_return:\n"
    "	movq host_stack(%rip), %rsp\n"
    "	popq %r15\n"
    "	popq %r14\n"
    "	popq %r13\n"
    "	popq %r12\n"
    "	popq %rbp\n"
    "	popq %rbx\n"
    "	ret\n");

static_assert(offsetof(struct host_state, rflags) == 128, "the entry code knows it");
static_assert(offsetof(struct host_state, ds) == 144, "the entry code knows it");
static_assert(offsetof(struct host_state, xmm) == 160, "the entry code knows it");

static void caught(int signal, siginfo_t *info, void *context)
{
	/* By the order of emulate_gpr. */
	static const int gregs[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	};
	mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;
	int i;

	(void)info;
	/* Twice in the same run: it never traps, which no correct prediction lets happen. */
	if (signal == SIGVTALRM && (!current || runs != runs_at_tick)) {
		runs_at_tick = runs;
		return;
	}
	if (!current) {
		fprintf(stderr, "signal %d outside of a test, at %#llx\n", signal,
			(unsigned long long)m->gregs[REG_RIP]);
		_Exit(EXIT_FAILURE);
	}
	for (i = 0; i < 16; i++)
		current->gprs[i] = m->gregs[gregs[i]];
	for (i = 0; i < 16; i++)
		memcpy(current->xmm[i], &m->fpregs->_xmm[i], 16);
	current->rflags = m->gregs[REG_EFL];
	current->rip = m->gregs[REG_RIP];
	current->vector = signal == SIGVTALRM ? HOST_ENDLESS : (u64)m->gregs[REG_TRAPNO];
	current->error_code = m->gregs[REG_ERR];
	current->cr2 = m->gregs[REG_CR2];
	if (current->vector == 3)
		current->rip--;		/* back onto the INT3 */
	current = NULL;
	m->gregs[REG_RIP] = (u64)host_return;
	m->gregs[REG_EFL] = 0x202;
	m->gregs[REG_RSP] = host_stack;
	/* CS is in bits 0 to 15, SS in 48 to 63. */
	m->gregs[REG_CSGSFS] = (m->gregs[REG_CSGSFS] & 0x0000ffffffff0000LL) | USER_CS64 |
			       (greg_t)USER_DS << 48;
}

const char *host_open(void)
{
	stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof(signal_stack) };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	const struct itimerval tick = { { 0, 300000 }, { 0, 300000 } };
	unsigned int i;
	u8 *data;

	code = mmap((void *)CODE_BASE, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	data = mmap((void *)DATA_BASE, DATA_BYTES, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (code != (void *)CODE_BASE || data != (void *)DATA_BASE)
		return "memory that is writable and executable was refused";
	memset(code, 0xcc, CODE_BYTES);
	action.sa_sigaction = caught;
	if (sigaltstack(&stack, NULL))
		return "sigaltstack failed";
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, &old_actions[i]);
	setitimer(ITIMER_VIRTUAL, &tick, NULL);
	return NULL;
}

void host_close(void)
{
	const struct itimerval off = { 0 };
	unsigned int i;

	setitimer(ITIMER_VIRTUAL, &off, NULL);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &old_actions[i], NULL);
	munmap(code, CODE_BYTES);
	munmap((void *)DATA_BASE, DATA_BYTES);
}

void host_set_code(const u8 *bytes, unsigned int length)
{
	static unsigned int old_length;

	memset((void *)CODE_START, 0xcc, old_length);
	memcpy((void *)CODE_START, bytes, length);
	old_length = length;
}

void host_run(struct host_state *state, enum emulate_mode mode)
{
	host_target64 = state->rip;
	host_target32.offset = state->rip;
	host_target32.selector = mode == EMULATE_MODE_PROT16 ? LDT_CS16 : USER_CS32;
	runs++;
	current = state;
	if (mode == EMULATE_MODE_LONG64)
		host_enter64(state);
	else
		host_enter32(state);
}

static bool set_ldt(unsigned int entry, u64 base, u64 bytes, bool code_segment)
{
	struct user_desc d = {
		.entry_number = entry, .base_addr = base, .limit = bytes - 1,
		.contents = code_segment ? 2 : 0,
	};

	return !syscall(SYS_modify_ldt, 1, &d, sizeof(d));
}

bool host_has_mode(enum emulate_mode mode)
{
	/* inc eax; in 64-bit mode the same byte is a REX prefix of the INT3 behind it */
	static const u8 inc_eax[] = { 0x40 };
	struct host_state s = {
		.rip = CODE_START, .rflags = 0x202, .ds = USER_DS, .es = USER_DS, .ss = USER_DS,
		.gprs[EMULATE_RSP] = DATA_BASE + 256,
	};

	if (mode == EMULATE_MODE_PROT16) {
		if (!set_ldt(0, CODE_BASE, CODE_BYTES, true) ||
		    !set_ldt(1, DATA_BASE, DATA_BYTES, false))
			return false;
		s.rip = CODE_START - CODE_BASE;
		s.ds = LDT_DS16;
		s.es = LDT_DS16;
		s.ss = LDT_DS16;
	}
	host_set_code(inc_eax, sizeof(inc_eax));
	host_run(&s, mode);
	return s.vector == 3 && (s.rip & 0xffff) == ((CODE_START + 1) & 0xffff) &&
	       s.gprs[EMULATE_RAX] == 1;
}
