// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workers that fetch absent pages.
 *
 * A fetch may last as long as whoever serves a userfaultfd likes, and its worker holds the VMM's
 * memory meanwhile.  So each VM has a workqueue of its own, in which it can be in nobody's way but
 * its own; and a worker can be called off: while it fetches it lets SIGKILL, from the kernel alone,
 * end its waits, which are the killable ones of a page fault.
 *
 * Fetches are called off when a descriptor of the vCPU is closed, above all by the end of its
 * process: a VMM that is killed goes at once, with its memory, also when the userfaultfd outlives
 * it.  (The vCPU itself ends later: the memory that a worker holds has a mapping of it.)  If the VMM
 * lives on, that is one more fetch that has failed.  A vCPU waits for its workers before it is
 * freed, so nothing of this runs when the module is unloaded.
 */
#include <linux/err.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/slab.h>

#include "../ept/ept.h"
#include "../vm.h"
#include "apf.h"

static bool fetch_begin(struct lintel_apf *apf, struct apf_fetch *f)
{
	bool go;

	allow_kernel_signal(SIGKILL);
	spin_lock(&apf->lock);
	go = !apf->off;
	f->worker = go ? current : NULL;
	spin_unlock(&apf->lock);
	return go;
}

/* With its handler the signal goes too, if it came: the next work finds none. */
static void fetch_end(struct lintel_apf *apf, struct apf_fetch *f)
{
	spin_lock(&apf->lock);
	f->worker = NULL;
	spin_unlock(&apf->lock);
	disallow_signal(SIGKILL);
}

static void fetch_work(struct work_struct *work)
{
	struct apf_fetch *f = container_of(work, struct apf_fetch, work);
	struct lintel_apf *apf = container_of(f - f->nr, struct lintel_apf, fetch[0]);

	if (!fetch_begin(apf, f) || lintel_ept_bring(apf->vcpu->vm, f->hva, f->write))
		set_bit(f->nr, &apf->failed);
	fetch_end(apf, f);
	smp_mb__before_atomic();	/* failed, and what is in @f, before the entry is free */
	set_bit(f->nr, &apf->done);
	lintel_vcpu_request(apf->vcpu, REQ_APF);
	lintel_vcpu_kick(apf->vcpu);
}

void lintel_apf_fetch(struct lintel_apf *apf, unsigned int nr, hva_t hva, bool write)
{
	struct apf_fetch *f = &apf->fetch[nr];

	f->hva = hva;
	f->write = write;
	clear_bit(nr, &apf->failed);
	clear_bit(nr, &apf->done);
	spin_lock(&apf->lock);
	apf->off = false;
	spin_unlock(&apf->lock);
	queue_work(apf->vcpu->vm->apf_wq, &f->work);
}

/* Made by the first vCPU that needs it; two may try. */
static bool get_workqueue(struct lintel_vm *vm)
{
	struct workqueue_struct *wq;

	if (READ_ONCE(vm->apf_wq))
		return true;
	/* as many workers for the VM as one vCPU may use: they are charged to nobody */
	wq = alloc_workqueue("lintel_apf", WQ_UNBOUND, APF_MAX);
	if (wq && cmpxchg(&vm->apf_wq, NULL, wq))
		destroy_workqueue(wq);
	return wq;
}

struct lintel_apf *lintel_apf_get(struct lintel_vcpu *vcpu)
{
	struct lintel_apf *apf = vcpu->pv.apf.queue;
	unsigned int i;

	if (apf)
		return apf;
	if (!get_workqueue(vcpu->vm))
		return NULL;
	apf = kzalloc(sizeof(*apf), GFP_KERNEL_ACCOUNT);
	if (!apf)
		return NULL;
	apf->vcpu = vcpu;
	apf_init(&apf->book);
	spin_lock_init(&apf->lock);
	for (i = 0; i < APF_MAX; i++) {
		INIT_WORK(&apf->fetch[i].work, fetch_work);
		apf->fetch[i].nr = i;
	}
	/* pairs with lintel_apf_call_off() */
	smp_store_release(&vcpu->pv.apf.queue, apf);
	return apf;
}

void lintel_apf_call_off(struct lintel_vcpu *vcpu)
{
	struct lintel_apf *apf;
	unsigned int i;

	/* pairs with lintel_apf_get() */
	apf = smp_load_acquire(&vcpu->pv.apf.queue);
	if (!apf)
		return;
	spin_lock(&apf->lock);
	apf->off = true;
	for (i = 0; i < APF_MAX; i++)
		if (apf->fetch[i].worker)
			send_sig(SIGKILL, apf->fetch[i].worker, 1);
	spin_unlock(&apf->lock);
}

void lintel_apf_free(struct lintel_vcpu *vcpu)
{
	struct lintel_apf *apf = vcpu->pv.apf.queue;
	unsigned int i;

	if (!apf)
		return;
	lintel_apf_call_off(vcpu);
	for (i = 0; i < APF_MAX; i++)
		cancel_work_sync(&apf->fetch[i].work);
	kfree(apf);
	vcpu->pv.apf.queue = NULL;
}

void lintel_apf_free_vm(struct lintel_vm *vm)
{
	if (vm->apf_wq)
		destroy_workqueue(vm->apf_wq);
}
