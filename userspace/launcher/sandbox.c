// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that breaks out of a device model should find a process that can do nothing: no new
 * privileges, and of the system calls only those of a running VM. Nothing can be opened, connected,
 * executed or made executable; of the ioctls only the KVM API's and the terminal's are left. A call
 * outside the list raises SIGSYS, whose handler (main.c) names it.
 */
#include "sandbox.h"

#include "../lib/error.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/lintel.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static const unsigned int allowed[] = {
	SYS_read, SYS_write, SYS_pread64, SYS_poll, SYS_ppoll, SYS_futex, SYS_close,
	SYS_clock_gettime, SYS_gettimeofday, SYS_time, SYS_clock_nanosleep,
	SYS_munmap, SYS_madvise, SYS_brk, SYS_mremap,
	SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_rt_sigreturn, SYS_tgkill, SYS_getpid, SYS_gettid,
	SYS_fstat, SYS_newfstatat, SYS_lseek, SYS_restart_syscall, SYS_exit, SYS_exit_group,
	SYS_writev, SYS_rseq, SYS_set_robust_list,
	SYS_sysinfo,	/* qsort() asks how much memory there is before it sorts a large array */
};

/* mmap and mprotect: their third argument must not ask for execution. */
static const unsigned int no_exec[] = { SYS_mmap, SYS_mprotect };

/* Beside KVM's: the terminal's, and the question why a VM entry failed. */
static const unsigned int other_ioctls[] = {
	TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ, LINTEL_EXPLAIN_ENTRY,
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define PROGRAM_MAX	(16 + 2 * COUNT(allowed) + 6 * COUNT(no_exec) + \
			 8 + 2 * COUNT(other_ioctls))

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short len;
};

static void emit(struct program *p, unsigned short code, unsigned char jt, unsigned char jf,
		 unsigned int k)
{
	p->code[p->len++] = (struct sock_filter){ code, jt, jf, k };
}

/* Low halves: the filter sees arguments as two words each, and little end first. */
static void load_argument(struct program *p, unsigned int i)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args) + 8 * i);
}

static void allow_if_equal(struct program *p, unsigned int k)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, k);
	emit(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
}

static void refuse(struct program *p)
{
	emit(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP);
}

/* KVM_RUN is nearly every call there is, and the kernel runs the filter for each: it goes first. */
static void build_ioctl(struct program *p)
{
	unsigned int i;

	/* Another call jumps over the block. */
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 6 + 2 * COUNT(other_ioctls), SYS_ioctl);
	load_argument(p, 1);
	emit(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, _IOC_TYPEMASK << _IOC_TYPESHIFT);
	allow_if_equal(p, KVMIO << _IOC_TYPESHIFT);
	load_argument(p, 1);
	for (i = 0; i < COUNT(other_ioctls); i++)
		allow_if_equal(p, other_ioctls[i]);
	refuse(p);
}

static void build(struct program *p)
{
	unsigned int i;

	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
	refuse(p);
	/* Numbers of the x32 interface have bit 30 set, so they equal none of these. */
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	build_ioctl(p);
	for (i = 0; i < COUNT(allowed); i++)
		allow_if_equal(p, allowed[i]);
	for (i = 0; i < COUNT(no_exec); i++) {
		/* Jump over the block: load, test, two results. */
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, no_exec[i]);
		load_argument(p, 2);
		emit(p, BPF_JMP | BPF_JSET | BPF_K, 1, 0, PROT_EXEC);
		emit(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
		refuse(p);
	}
	refuse(p);
}

int sandbox_enter(void)
{
	static struct program program;
	struct sock_fprog fprog;
	long ret;

	/* without it only root may set a filter */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(-errno, "prctl(PR_SET_NO_NEW_PRIVS)");
	program.len = 0;
	build(&program);
	fprog = (struct sock_fprog){ .len = program.len, .filter = program.code };
	ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &fprog);
	if (ret < 0)
		return error_errno(-errno, "seccomp; --no-sandbox runs without it");
	if (ret > 0)
		return error_set(-EBUSY, "seccomp: thread %ld cannot be included", ret);
	return 0;
}
