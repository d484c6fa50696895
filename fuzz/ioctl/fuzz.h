/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fuzzer of the ioctl surface: what its parts share.
 *
 *	calls.c		the table of the calls: each ioctl, its descriptor, its argument
 *	structs.c	the fields of the argument structures
 *	make.c		arguments that are no plain structure: lists, and tails of variable length
 *	grammar.c	fills in a structure by its fields; good, boundary and bad pointers
 *	world.c		what the threads of a process share: descriptors, memory, mappings
 *	actions.c	what happens between the calls: closes, mappings, forks, signals
 *	main.c		rounds, processes and threads; the report
 *
 * A round is a process with a world and some threads, each with a random stream of its own, made
 * of the seed, the round and the thread's number. What a thread decides depends on its stream
 * alone; how the threads meet does not, so that --threads 1 is exact, and more are nearly so.
 */
#ifndef LINTEL_FUZZ_IOCTL_H
#define LINTEL_FUZZ_IOCTL_H

#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

#include "../lib/newer.h"
#include "../lib/random.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

enum fd_kind { FD_SYSTEM, FD_VM, FD_VCPU, FD_EVENT, FD_STATS, FD_DEVICE, FD_KINDS };

#define FDS		8		/* descriptors of each kind that a world keeps */
#define MAPPINGS	8		/* mappings of vCPUs */
#define MAX_THREADS	16
#define MAX_ARG		8192		/* bytes of an argument */

#define ARENA		0x200000000UL	/* the memory of the guests, and of other pointers */
#define ARENA_BYTES	(8UL << 20)
#define HOLE		0x300000000UL	/* nothing is ever mapped here */
#define EDGE		0x400000000UL	/* a page that can be written, then none */
#define READ_ONLY_PAGE	0x500000000UL

struct world {
	_Atomic int fd[FD_KINDS][FDS];
	_Atomic unsigned long mapping[MAPPINGS];	/* address, and pages in the low bits */
	_Atomic int tid[MAX_THREADS];
	_Atomic int done;		/* threads that have ended */
	int threads;
	const char *device;
};

struct thread {
	struct world *world;
	struct random random;
	unsigned int number;
	u64 round;
	u64 step;
};

/* How a field is filled in. */
enum field_kind {
	K_END,
	K_ANY,		/* any bits */
	K_SMALL,	/* below arg, else any */
	K_FLAGS,	/* some bits of arg, else any */
	K_ZERO,		/* zero, seldom something else */
	K_GPA,		/* an address where the guests have memory, or devices */
	K_BYTES,	/* a size in bytes, of pages */
	K_HVA,		/* memory of the arena, or a hole */
	K_EVENT,	/* an eventfd */
	K_POINTER,	/* room for data in the arena, or a bad pointer */
	K_MULTIPLE,	/* a small multiple of arg */
	K_MSR,
	K_CAP,
	K_FLIP,		/* as it was, with some bits turned over */
};

struct field {
	u8 kind;
	u8 size;		/* of one element */
	u16 offset;
	u16 count;
	u16 stride;
	u64 arg;
};

/* What an argument is. */
enum arg_kind {
	A_NUMBER,	/* a number below .arg, else any */
	A_STRUCT,	/* a structure, filled in by .fields */
	A_MADE,		/* .make fills it in, and gives its size */
};

struct call {
	const char *name;
	unsigned int cmd;
	u8 fd;			/* enum fd_kind */
	u8 arg_kind;
	u8 weight;
	bool lintel_only;
	bool absent;		/* Lintel does not know it: ENOTTY is the answer */
	bool in_vain;		/* it takes what no test machine has, and may never succeed */
	enum fd_kind opens;	/* FD_SYSTEM: no descriptor */
	u64 arg;		/* of A_NUMBER; of others, the ioctl that fills in a valid state */
	const struct field *fields;
	unsigned int (*make)(struct thread *t, u8 *buffer);
};

extern const struct call calls[];
extern const unsigned int nr_calls;

/* grammar.c */
void fill_struct(struct thread *t, u8 *buffer, const struct field *fields);
u64 make_field(struct thread *t, const struct field *field, u64 old);
u64 some_gpa(struct random *r);
u32 some_msr(struct random *r);
/* Where the argument lies, when it is not in @buffer: a bad or a narrow place. */
void *place_argument(struct thread *t, u8 *buffer, size_t size);

/* make.c */
unsigned int make_msrs(struct thread *t, u8 *buffer);
unsigned int make_msr_list(struct thread *t, u8 *buffer);
unsigned int make_cpuid(struct thread *t, u8 *buffer);
unsigned int make_cpuid_v1(struct thread *t, u8 *buffer);
unsigned int make_routing(struct thread *t, u8 *buffer);
unsigned int make_msr_filter(struct thread *t, u8 *buffer);
unsigned int make_pmu_filter(struct thread *t, u8 *buffer);
unsigned int make_signal_mask(struct thread *t, u8 *buffer);
unsigned int make_noise(struct thread *t, u8 *buffer);
unsigned int make_sregs(struct thread *t, u8 *buffer);
unsigned int make_regs(struct thread *t, u8 *buffer);
unsigned int make_flight(struct thread *t, u8 *buffer);
unsigned int make_vm_stats(struct thread *t, u8 *buffer);
unsigned int make_snapshot(struct thread *t, u8 *buffer);
unsigned int make_peek(struct thread *t, u8 *buffer);

/* world.c */
void world_open(struct world *w, struct random *r);
int world_fd(struct thread *t, enum fd_kind kind);
void world_keep_fd(struct thread *t, enum fd_kind kind, int fd);
/* Put a mapping, or none, into a slot; what was there is unmapped. */
void world_keep_mapping(struct world *w, unsigned int slot, void *map, size_t bytes);
void write_guest_code(struct random *r, u8 *to, size_t bytes);

/* actions.c */
enum action {
	ACT_CLOSE, ACT_DUP, ACT_OPEN, ACT_MAP, ACT_UNMAP, ACT_SCRIBBLE, ACT_MEMORY, ACT_CODE,
	ACT_SIGNAL, ACT_EVENT, ACT_READ, ACT_FORK, ACT_COUNT,
};
extern const char *const action_name[ACT_COUNT];
void act(struct thread *t, enum action what);
void catch_faults(void);

#define TICK_SIGNAL	SIGUSR1		/* what ends a KVM_RUN; no mask of ours blocks it */

#endif
