/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual machine as one object: guest memory, devices, vCPUs and why it ended. Each vCPU has a
 * thread; the main thread attends to the terminal (console.c). What they share is guarded as
 * follows:
 *   (d) device_lock     (e) end_lock     (c) constant once the threads run     (t) of one thread
 */
#ifndef LINTEL_MACHINE_H
#define LINTEL_MACHINE_H

#include "device.h"
#include "devices.h"
#include "image.h"
#include "memory.h"
#include "options.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define EXIT_REASONS	64
#define MARK_MAX	256

/* A moment, in host time and in ticks of the time stamp counter. */
struct moment {
	bool seen;
	struct timespec time;
	uint64_t ticks;
};

struct vcpu {
	struct machine *machine;	/* (c) */
	unsigned int id;		/* (c) */
	int fd;				/* (c) */
	struct kvm_run *run;		/* (t), but for immediate_exit */
	pthread_t thread;		/* (c) */
	uint64_t exits[EXIT_REASONS];	/* (t): by exit reason; the last one is all others */
	uint64_t interrupted;		/* (t): KVM_RUN ended by a signal */
};

struct machine {
	const struct run_options *options;	/* (c) */
	int dev, vm;				/* (c) */
	int run_size;				/* (c) bytes mapped from a vCPU */
	bool gsi_routing;			/* (c) the PIT is on pin 2 of the IOAPIC */
	struct memory memory;			/* (c) its layout; the guest writes it */
	unsigned int vcpu_count;		/* (c) */
	struct vcpu *vcpus;			/* (c) */

	pthread_mutex_t device_lock;
	struct device_host host;		/* (c) */
	struct devices devices;			/* (d) */
	uint64_t mmio_reads, mmio_writes;	/* (d) to nothing */
	char tail[MARK_MAX];			/* (d) last bytes of console output */
	struct moment marked;			/* (d) */

	pthread_mutex_t end_lock;
	pthread_cond_t start;			/* (e) the gate before the first KVM_RUN */
	bool started;				/* (e) */
	bool ended;				/* (e) */
	enum end end;				/* (e) */
	char why[3072];				/* (e) */
	struct moment first_run, end_time;	/* (e) */
	atomic_bool stopping;
	int wake_fd;				/* (c) wakes the main thread */
};

/* Makes an empty machine, which machine_destroy() may be given; cannot fail. */
void machine_init(struct machine *machine, const struct run_options *options);

/* Makes VM, memory and vCPUs. On failure machine_destroy() undoes what was done. */
int machine_create(struct machine *machine, const struct run_options *options);
void machine_destroy(struct machine *machine);

/* Sets the registers of the first vCPU for the entry of a kernel. */
int machine_set_entry(struct machine *machine, const struct image *image);

/* Makes the threads, which wait at the gate; lets them through; ends and joins them. */
int machine_start_threads(struct machine *machine);
void machine_open_gate(struct machine *machine);
void machine_join(struct machine *machine);

/* Ends the run, from any thread. The first call counts. */
void machine_stop(struct machine *machine, enum end end, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void moment_take(struct moment *moment);

/* machine_host.c: what the devices see. */
void machine_set_host(struct machine *machine);

/* vcpu.c: registers of a vCPU; the thread. */
int vcpu_set_boot_state(struct vcpu *vcpu, const struct image *image);
int vcpu_set_common_state(struct vcpu *vcpu);
void *vcpu_thread(void *arg);

#endif
