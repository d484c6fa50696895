// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that become interrupts: an eventfd that raises a GSI (an irqfd).
 *
 * Whoever signals the eventfd calls irqfd_wake() from its wait queue, with interrupts off, and the
 * GSI is raised there and then: the routing is read under RCU, and all chips and local APICs may be
 * driven from any context.  So there is no work item on the way, for pins as for messages, and a
 * new routing counts from the next event on.
 *
 * Without a resample eventfd an event is an edge: the line goes up and down.  With one the line
 * stays up until the guest ends the interrupt (lintel_irqfd_acked()); then it goes down, and the
 * resample eventfd asks the device, which raises it again if it still needs service.  Irqfds of one
 * GSI share the line: all are lowered, then all are asked, so that a request which the lowering
 * swallowed is made again.
 *
 * The end comes by KVM_IRQFD_FLAG_DEASSIGN, with the VM, or with the eventfd: its last close calls
 * irqfd_wake() with EPOLLHUP, where nothing can be waited for, so a work item does the rest.
 * Whoever takes the irqfd off the list frees it.
 *
 * The kernel's IRQ bypass could make a device interrupt post itself to a vCPU.  It is not used:
 * what it would program is the posted-interrupt form of VT-d's interrupt remapping, which needs a
 * device assigned by VFIO; and for any other eventfd there is nothing to program.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/workqueue.h>

#include "chips.h"

struct irqfd {
	struct lintel_vm *vm;
	struct list_head link;		/* irqchip->irqfds; empty: it is on its way out */
	struct list_head resample_link;	/* irqchip->resamplers */
	struct eventfd_ctx *eventfd;
	struct eventfd_ctx *resample;	/* NULL: edges */
	u32 gsi;
	wait_queue_entry_t wait;	/* in the eventfd's queue */
	poll_table poll;
	struct work_struct shutdown;
};

static struct workqueue_struct *irqfd_wq;

static void irqfd_raise(const struct irqfd *irqfd)
{
	if (irqfd->resample) {
		lintel_gsi_set(irqfd->vm, SOURCE_RESAMPLE, irqfd->gsi, true);
		return;
	}
	lintel_gsi_pulse(irqfd->vm, SOURCE_USER, irqfd->gsi);
}

void lintel_irqfd_acked(struct lintel_vm *vm, u64 pins)
{
	struct lintel_irqchip *chip = lintel_irqchip(vm);
	struct irqfd *irqfd;
	int idx;

	if (list_empty(&chip->resamplers))
		return;
	idx = srcu_read_lock(&vm->io_srcu);
	list_for_each_entry_srcu(irqfd, &chip->resamplers, resample_link,
				 srcu_read_lock_held(&vm->io_srcu))
		if (pins & lintel_gsi_pins(vm, irqfd->gsi))
			lintel_gsi_set(vm, SOURCE_RESAMPLE, irqfd->gsi, false);
	list_for_each_entry_srcu(irqfd, &chip->resamplers, resample_link,
				 srcu_read_lock_held(&vm->io_srcu))
		if (pins & lintel_gsi_pins(vm, irqfd->gsi))
			eventfd_signal(irqfd->resample);
	srcu_read_unlock(&vm->io_srcu, idx);
}

u64 lintel_irqfd_pins(struct lintel_vm *vm)
{
	struct irqfd *irqfd;
	u64 pins = 0;
	int idx;

	idx = srcu_read_lock(&vm->io_srcu);
	list_for_each_entry_srcu(irqfd, &lintel_irqchip(vm)->resamplers, resample_link,
				 srcu_read_lock_held(&vm->io_srcu))
		pins |= lintel_gsi_pins(vm, irqfd->gsi);
	srcu_read_unlock(&vm->io_srcu, idx);
	return pins;
}

/* The last irqfd of a GSI lowers its line: nobody is left who would be asked. */
static void irqfd_stop_resampling(struct irqfd *irqfd)
{
	struct lintel_vm *vm = irqfd->vm;
	struct lintel_irqchip *chip = lintel_irqchip(vm);
	struct irqfd *other;

	spin_lock_irq(&chip->irqfd_lock);
	list_del_rcu(&irqfd->resample_link);
	list_for_each_entry(other, &chip->resamplers, resample_link)
		if (other->gsi == irqfd->gsi)
			goto unlock;
	lintel_gsi_set(vm, SOURCE_RESAMPLE, irqfd->gsi, false);
unlock:
	spin_unlock_irq(&chip->irqfd_lock);
	synchronize_srcu_expedited(&vm->io_srcu);
	lintel_irq_eoi_changed(vm);
	eventfd_ctx_put(irqfd->resample);
}

/* It is off the list.  When this returns, no event raises the GSI any more. */
static void irqfd_free(struct irqfd *irqfd)
{
	u64 count;

	eventfd_ctx_remove_wait_queue(irqfd->eventfd, &irqfd->wait, &count);
	if (irqfd->resample)
		irqfd_stop_resampling(irqfd);
	eventfd_ctx_put(irqfd->eventfd);
	kfree(irqfd);
}

static void irqfd_shutdown(struct work_struct *work)
{
	irqfd_free(container_of(work, struct irqfd, shutdown));
}

static void irqfd_closed(struct irqfd *irqfd)
{
	struct lintel_irqchip *chip = lintel_irqchip(irqfd->vm);
	unsigned long flags;

	spin_lock_irqsave(&chip->irqfd_lock, flags);
	if (!list_empty(&irqfd->link)) {
		list_del_init(&irqfd->link);
		chip->nr_irqfds--;
		queue_work(irqfd_wq, &irqfd->shutdown);
	}
	spin_unlock_irqrestore(&chip->irqfd_lock, flags);
}

/* The eventfd was signalled or closed; the lock of its wait queue is held, interrupts are off. */
static int irqfd_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->eventfd, &count);
		irqfd_raise(irqfd);
	}
	if (events & EPOLLHUP)
		irqfd_closed(irqfd);
	return !!(events & EPOLLIN);
}

static void irqfd_queue(struct file *file, wait_queue_head_t *head, poll_table *poll)
{
	struct irqfd *irqfd = container_of(poll, struct irqfd, poll);

	add_wait_queue_priority(head, &irqfd->wait);
}

/* -EBUSY: the eventfd drives another interrupt of this VM already. */
static int irqfd_enlist(struct lintel_irqchip *chip, struct irqfd *irqfd)
{
	struct irqfd *other;
	int ret = 0;

	spin_lock_irq(&chip->irqfd_lock);
	if (chip->nr_irqfds >= LINTEL_MAX_IRQFDS)
		ret = -ENOSPC;
	list_for_each_entry(other, &chip->irqfds, link)
		if (other->eventfd == irqfd->eventfd)
			ret = -EBUSY;
	if (!ret) {
		chip->nr_irqfds++;
		list_add_tail(&irqfd->link, &chip->irqfds);
		if (irqfd->resample)
			list_add_tail_rcu(&irqfd->resample_link, &chip->resamplers);
	}
	spin_unlock_irq(&chip->irqfd_lock);
	return ret;
}

/* @file keeps EPOLLHUP away until all is in place; vm->lock keeps KVM_IRQFD_FLAG_DEASSIGN away. */
static int irqfd_assign(struct lintel_vm *vm, const struct kvm_irqfd *args, struct file *file)
{
	struct irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!irqfd)
		return -ENOMEM;
	irqfd->vm = vm;
	irqfd->gsi = args->gsi;
	INIT_WORK(&irqfd->shutdown, irqfd_shutdown);
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wake);
	/* the event is ours alone: other waiters would find nothing to read */
	irqfd->wait.flags |= WQ_FLAG_EXCLUSIVE;
	init_poll_funcptr(&irqfd->poll, irqfd_queue);
	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE) {
		irqfd->resample = eventfd_ctx_fdget(args->resamplefd);
		if (IS_ERR(irqfd->resample)) {
			ret = PTR_ERR(irqfd->resample);
			goto free;
		}
	}
	irqfd->eventfd = eventfd_ctx_fileget(file);
	ret = irqfd_enlist(lintel_irqchip(vm), irqfd);
	if (ret)
		goto put;
	if (irqfd->resample)
		lintel_irq_eoi_changed(vm);
	/* an event that came before us counts */
	if (vfs_poll(file, &irqfd->poll) & EPOLLIN)
		irqfd_raise(irqfd);
	return 0;
put:
	eventfd_ctx_put(irqfd->eventfd);
	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
free:
	kfree(irqfd);
	return ret;
}

/* Off the list: the first of @eventfd (NULL: of all) on @gsi. */
static struct irqfd *irqfd_take(struct lintel_irqchip *chip, const struct eventfd_ctx *eventfd,
				u32 gsi)
{
	struct irqfd *irqfd, *found = NULL;

	spin_lock_irq(&chip->irqfd_lock);
	list_for_each_entry(irqfd, &chip->irqfds, link)
		if (!eventfd || (irqfd->eventfd == eventfd && irqfd->gsi == gsi)) {
			found = irqfd;
			list_del_init(&irqfd->link);
			chip->nr_irqfds--;
			break;
		}
	spin_unlock_irq(&chip->irqfd_lock);
	return found;
}

static int irqfd_deassign(struct lintel_vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(args->fd);
	struct irqfd *irqfd;

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	irqfd = lintel_irqchip(vm) ? irqfd_take(lintel_irqchip(vm), eventfd, args->gsi) : NULL;
	if (irqfd)
		irqfd_free(irqfd);
	eventfd_ctx_put(eventfd);
	return 0;
}

int lintel_irqfd(struct lintel_vm *vm, const struct kvm_irqfd *args)
{
	struct file *file;
	int ret;

	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return irqfd_deassign(vm, args);
	if (!lintel_irqchip(vm) || args->gsi >= ROUTES_MAX)
		return -EINVAL;
	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE && !lintel_pic_in_kernel(vm))
		return -EINVAL;
	file = eventfd_fget(args->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = irqfd_assign(vm, args, file);
	fput(file);
	return ret;
}

void lintel_irqfd_destroy(struct lintel_irqchip *chip)
{
	struct irqfd *irqfd;

	while ((irqfd = irqfd_take(chip, NULL, 0)))
		irqfd_free(irqfd);
	/* those whose eventfd was closed are the work items' */
	flush_workqueue(irqfd_wq);
}

int lintel_irqfd_init(void)
{
	irqfd_wq = alloc_workqueue("lintel-irqfd", WQ_UNBOUND, 0);
	return irqfd_wq ? 0 : -ENOMEM;
}

void lintel_irqfd_exit(void)
{
	destroy_workqueue(irqfd_wq);
}
