// SPDX-License-Identifier: GPL-2.0-only
/*
 * Version differences that need code.
 */
#include "compat.h"

#include <linux/kvm_host.h>
#include <asm/apic.h>
#include <linux/slab.h>

struct shrinker *lintel_shrinker_start(const char *name, shrinker_fn *count, shrinker_fn *scan)
{
	struct shrinker *shrinker;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	shrinker = shrinker_alloc(0, "%s", name);
#else
	shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);
#endif
	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->seeks = DEFAULT_SEEKS;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	shrinker_register(shrinker);
#else
	if (register_shrinker(shrinker, "%s", name)) {
		kfree(shrinker);
		return NULL;
	}
#endif
	return shrinker;
}

void lintel_shrinker_stop(struct shrinker *shrinker)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	shrinker_free(shrinker);
#else
	unregister_shrinker(shrinker);
	kfree(shrinker);
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
/*
 * The helper writes two things there when a signal is pending: the exit reason of run, and a
 * counter.  Nobody reads them; all threads may share the one object.
 */
static struct kvm_run lent_run;
static struct kvm_vcpu lent_vcpu = { .run = &lent_run };

int lintel_guest_mode_handle_work(void)
{
	return xfer_to_guest_mode_handle_work(&lent_vcpu);
}
#else
int lintel_guest_mode_handle_work(void)
{
	return xfer_to_guest_mode_handle_work();
}
#endif

/* 6.5 made the calls through the APIC driver static ones. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
void lintel_send_vector(int cpu, u8 vector)
{
	apic->send_IPI(cpu, vector);
}
#else
void lintel_send_vector(int cpu, u8 vector)
{
	__apic_send_IPI_mask(cpumask_of(cpu), vector);
}
#endif

bool lintel_host_x2apic(void)
{
	return x2apic_mode;
}
