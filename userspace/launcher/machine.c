// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life and death of a VM, in the order that the KVM API asks for: capabilities, VM, the pages it
 * keeps below 4 GiB, interrupt chips, timer, memory, vCPUs. What the launcher cannot do without is
 * a table of capabilities, each with a name for the refusal.
 */
#include "machine.h"

#include "../lib/error.h"
#include "../lib/kvmapi.h"
#include "boot.h"
#include "cpuid.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#define CPUID_ENTRIES	256
#define JOIN_PATIENCE	5	/* seconds before a vCPU that does not stop is mentioned */

/* The last two rows are not asked for with --no-irqchip. */
static const struct { long cap; const char *name; } required[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_PIT2, "KVM_CAP_PIT2" },
};

#define CHIP_CAPS	2

void moment_take(struct moment *moment)
{
	moment->ticks = __rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &moment->time);
	moment->seen = true;
}

void machine_stop(struct machine *machine, enum end end, const char *fmt, ...)
{
	uint64_t one = 1;
	va_list ap;

	pthread_mutex_lock(&machine->end_lock);
	if (!machine->ended) {
		machine->ended = true;
		machine->end = end;
		moment_take(&machine->end_time);
		va_start(ap, fmt);
		vsnprintf(machine->why, sizeof(machine->why), fmt, ap);
		va_end(ap);
	}
	pthread_mutex_unlock(&machine->end_lock);
	atomic_store(&machine->stopping, true);
	if (write(machine->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();	/* an eventfd of our own cannot fail otherwise */
}

static int open_device(struct machine *machine)
{
	const char *path = machine->options->device;
	size_t i, count = sizeof(required) / sizeof(required[0]);
	int version;

	machine->dev = kvmapi_open(path);
	if (machine->dev < 0)
		return machine->dev;
	version = kvmapi_get_api_version(machine->dev);
	if (version < 0)
		return error_set(version, "%s: not a device with the KVM API (%s)", path,
				 error_text());
	if (version != KVM_API_VERSION)
		return error_set(-EPROTO, "%s: speaks version %d of the KVM API; this launcher "
				 "speaks %d", path, version, KVM_API_VERSION);
	if (machine->options->no_irqchip)
		count -= CHIP_CAPS;
	for (i = 0; i < count; i++)
		if (kvmapi_check_extension(machine->dev, required[i].cap) <= 0)
			return error_set(-ENOTSUP, "%s: lacks %s, which the launcher needs", path,
					 required[i].name);
	return 0;
}

static int check_vcpu_count(struct machine *machine)
{
	int max;

	if (machine->options->no_irqchip && machine->options->cpus > 1)
		return error_set(-EINVAL, "--cpus: without interrupt chips (--no-irqchip) nobody "
				 "starts a second CPU");
	max = kvmapi_check_extension(machine->dev, KVM_CAP_MAX_VCPUS);

	if (max <= 0)
		max = kvmapi_check_extension(machine->dev, KVM_CAP_NR_VCPUS);
	if (max <= 0)
		max = 4;	/* as the API says of a device that tells neither */
	if (machine->options->cpus > (uint64_t)max)
		return error_set(-EINVAL, "--cpus: %llu virtual CPUs; %s has %d at most",
				 (unsigned long long)machine->options->cpus,
				 machine->options->device, max);
	/* APIC ids are those of the vCPUs, from 0 */
	max = kvmapi_check_extension(machine->dev, KVM_CAP_MAX_VCPU_ID);
	if (max > 0 && machine->options->cpus > (uint64_t)max)
		return error_set(-EINVAL, "--cpus: %llu virtual CPUs; the ids of %s end at %d",
				 (unsigned long long)machine->options->cpus,
				 machine->options->device, max - 1);
	return 0;
}

/*
 * The PIT raises GSI 0. On PCs its line is on pin 2 of the IOAPIC and on input 0 of the 8259; all
 * other lines are on the same input of both. Where the device cannot route, line 0 stays on pin 0
 * and the ACPI tables say nothing of it.
 */
static int set_routing(struct machine *machine)
{
	struct kvm_irq_routing *routing;
	struct kvm_irq_routing_entry *e;
	unsigned int gsi;
	int ret;

	if (kvmapi_check_extension(machine->dev, KVM_CAP_IRQ_ROUTING) <= 0)
		return 0;
	routing = calloc(1, sizeof(*routing) + (16 + KVM_IOAPIC_NUM_PINS) * sizeof(*e));
	if (!routing)
		return error_set(-ENOMEM, "no memory");
	e = routing->entries;
	for (gsi = 0; gsi < 16; gsi++) {
		if (gsi == 2)
			continue;	/* the cascade of the two 8259s */
		e->gsi = gsi;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
		e->u.irqchip.pin = gsi % 8;
		e++;
	}
	for (gsi = 0; gsi < KVM_IOAPIC_NUM_PINS; gsi++) {
		if (gsi == 2)
			continue;	/* pin 2 belongs to GSI 0 */
		e->gsi = gsi;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = gsi ? gsi : 2;
		e++;
	}
	routing->nr = e - routing->entries;
	ret = kvmapi_set_gsi_routing(machine->vm, routing);
	free(routing);
	machine->gsi_routing = ret == 0;
	return ret;
}

static int create_vm(struct machine *machine)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int ret;

	machine->vm = kvmapi_create_vm(machine->dev);
	if (machine->vm < 0)
		return machine->vm;
	if (kvmapi_check_extension(machine->dev, KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0) {
		ret = kvmapi_set_identity_map_addr(machine->vm, BOOT_IDENTITY_MAP);
		if (ret < 0)
			return ret;
	}
	ret = kvmapi_set_tss_addr(machine->vm, BOOT_TSS);
	if (ret < 0 || machine->options->no_irqchip)
		return ret;
	ret = kvmapi_create_irqchip(machine->vm);
	if (ret == 0)
		ret = kvmapi_create_pit2(machine->vm, &pit);
	if (ret == 0)
		ret = set_routing(machine);
	return ret;
}

static int add_memory(struct machine *machine)
{
	unsigned int i;
	int ret;

	ret = memory_create(&machine->memory, machine->options->memory, memory_host_total());
	for (i = 0; i < machine->memory.count && ret == 0; i++) {
		const struct memory_piece *piece = &machine->memory.piece[i];
		struct kvm_userspace_memory_region region = {
			.slot = i,
			.guest_phys_addr = piece->start,
			.memory_size = piece->size,
			.userspace_addr = (uintptr_t)machine->memory.base + piece->offset,
		};

		ret = kvmapi_set_user_memory_region(machine->vm, &region);
	}
	return ret;
}

static int set_cpuid(struct vcpu *vcpu, const struct kvm_cpuid2 *supported)
{
	struct machine *machine = vcpu->machine;
	struct cpuid_policy policy = {
		.apic_id = vcpu->id,
		.cpus = machine->vcpu_count,
		.tsc_deadline = kvmapi_check_extension(machine->dev,
						       KVM_CAP_TSC_DEADLINE_TIMER) > 0,
	};
	struct kvm_cpuid2 *cpuid;
	int ret;

	cpuid = calloc(1, sizeof(*cpuid) +
		       (supported->nent + CPUID_EXTRA) * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return error_set(-ENOMEM, "no memory");
	cpuid_build(cpuid, supported, &policy);
	ret = kvmapi_set_cpuid2(vcpu->fd, cpuid);
	free(cpuid);
	return ret;
}

static int create_vcpu(struct machine *machine, unsigned int id, const struct kvm_cpuid2 *cpuid)
{
	struct vcpu *vcpu = &machine->vcpus[id];
	void *run;
	int ret;

	vcpu->machine = machine;
	vcpu->id = id;
	vcpu->fd = kvmapi_create_vcpu(machine->vm, id);
	if (vcpu->fd < 0)
		return vcpu->fd;
	run = mmap(NULL, machine->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return error_errno(-errno, "cannot map struct kvm_run of vCPU %u", id);
	vcpu->run = run;
	ret = set_cpuid(vcpu, cpuid);
	if (ret == 0)
		ret = vcpu_set_common_state(vcpu);
	return ret;
}

static int create_vcpus(struct machine *machine)
{
	struct kvm_cpuid2 *cpuid;
	unsigned int i;
	int ret;

	machine->run_size = kvmapi_get_vcpu_mmap_size(machine->dev);
	if (machine->run_size < 0)
		return machine->run_size;
	if ((size_t)machine->run_size < sizeof(struct kvm_run))
		return error_set(-EPROTO, "KVM_GET_VCPU_MMAP_SIZE: %d bytes are less than struct "
				 "kvm_run", machine->run_size);
	machine->vcpus = calloc(machine->options->cpus, sizeof(*machine->vcpus));
	cpuid = calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	if (!machine->vcpus || !cpuid) {
		free(cpuid);
		return error_set(-ENOMEM, "no memory");
	}
	machine->vcpu_count = machine->options->cpus;
	for (i = 0; i < machine->vcpu_count; i++)
		machine->vcpus[i].fd = -1;
	cpuid->nent = CPUID_ENTRIES;
	ret = kvmapi_get_supported_cpuid(machine->dev, cpuid);
	for (i = 0; i < machine->vcpu_count && ret == 0; i++)
		ret = create_vcpu(machine, i, cpuid);
	free(cpuid);
	return ret;
}

void machine_init(struct machine *machine, const struct run_options *options)
{
	memset(machine, 0, sizeof(*machine));
	machine->options = options;
	machine->dev = -1;
	machine->vm = -1;
	machine->wake_fd = -1;
	pthread_mutex_init(&machine->device_lock, NULL);
	pthread_mutex_init(&machine->end_lock, NULL);
	pthread_cond_init(&machine->start, NULL);
	machine_set_host(machine);
	devices_init(&machine->devices, &machine->host);
}

int machine_create(struct machine *machine, const struct run_options *options)
{
	int ret;

	if (options->mark && strlen(options->mark) > MARK_MAX)
		return error_set(-EINVAL, "--mark: longer than %d characters", MARK_MAX);
	machine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (machine->wake_fd < 0)
		return error_errno(-errno, "eventfd");
	ret = open_device(machine);
	if (ret == 0)
		ret = check_vcpu_count(machine);
	if (ret == 0)
		ret = create_vm(machine);
	if (ret == 0)
		ret = add_memory(machine);
	if (ret == 0)
		ret = create_vcpus(machine);
	return ret;
}

void machine_destroy(struct machine *machine)
{
	unsigned int i;

	for (i = 0; i < machine->vcpu_count; i++) {
		struct vcpu *vcpu = &machine->vcpus[i];

		if (vcpu->run)
			munmap(vcpu->run, machine->run_size);
		if (vcpu->fd >= 0)
			close(vcpu->fd);
	}
	free(machine->vcpus);
	if (machine->vm >= 0)
		close(machine->vm);
	if (machine->dev >= 0)
		close(machine->dev);
	if (machine->wake_fd >= 0)
		close(machine->wake_fd);
	memory_destroy(&machine->memory);
	pthread_cond_destroy(&machine->start);
	pthread_mutex_destroy(&machine->end_lock);
	pthread_mutex_destroy(&machine->device_lock);
}

int machine_set_entry(struct machine *machine, const struct image *image)
{
	return vcpu_set_boot_state(&machine->vcpus[0], image);
}

int machine_start_threads(struct machine *machine)
{
	unsigned int i;
	int err;

	for (i = 0; i < machine->vcpu_count; i++) {
		struct vcpu *vcpu = &machine->vcpus[i];

		err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
		if (err) {
			vcpu->thread = 0;
			return error_errno(-err, "cannot start the thread of vCPU %u", i);
		}
	}
	return 0;
}

void machine_open_gate(struct machine *machine)
{
	pthread_mutex_lock(&machine->end_lock);
	moment_take(&machine->first_run);
	machine->started = true;
	pthread_cond_broadcast(&machine->start);
	pthread_mutex_unlock(&machine->end_lock);
}

void machine_join(struct machine *machine)
{
	unsigned int i;

	for (i = 0; i < machine->vcpu_count; i++)
		machine->vcpus[i].run->immediate_exit = 1;
	for (i = 0; i < machine->vcpu_count; i++) {
		struct vcpu *vcpu = &machine->vcpus[i];
		struct timespec limit;

		if (!vcpu->thread)
			continue;
		/* With immediate_exit set first, one signal suffices: it cannot come too early. */
		pthread_kill(vcpu->thread, SIGUSR1);
		clock_gettime(CLOCK_REALTIME, &limit);
		limit.tv_sec += JOIN_PATIENCE;
		if (pthread_timedjoin_np(vcpu->thread, NULL, &limit)) {
			fprintf(stderr, "lintel: vCPU %u has not returned from KVM_RUN for %d "
					"seconds "
				"though it was asked to; still waiting\n", i, JOIN_PATIENCE);
			pthread_join(vcpu->thread, NULL);
		}
		vcpu->thread = 0;
	}
}
