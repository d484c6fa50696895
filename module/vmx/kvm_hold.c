// SPDX-License-Identifier: GPL-2.0-only
/*
 * Joined: the hold on KVM.
 *
 * An empty VM of KVM's own keeps kvm_intel loaded and VMX operation on.  It is made with Lintel's
 * first VM and through KVM's device node, as any program makes one, but not by the VMM: a kernel
 * worker does it, with the address space of process 1 borrowed.  KVM registers an MMU notifier with
 * whoever makes a VM, and a VMM would pay for it with each change of its guest's memory.  Nor does
 * the VM appear in the VMM's descriptor table, its cgroup, or after its end keep what it had.
 *
 * When Lintel's last VM has gone the hold lingers for kvm_linger_ms, and a new VM takes it over: to
 * make KVM's VM costs more than to make one of Lintel's.  Till then kvm_intel cannot be unloaded.
 */
#include <linux/cpu.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kthread.h>
#include <linux/kvm.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "cpu.h"
#include "kvm_hold.h"
#include "owner.h"

#define LINGER_MAX_MS	3600000

static DEFINE_MUTEX(hold_lock);		/* what follows, but the work's own */
static struct file *kvm_vm;		/* KVM's empty VM, or NULL */
static bool in_use;			/* Lintel has VMs; else a kvm_vm lingers */
static unsigned int kvm_linger_ms = 1000;

static void linger_over(struct work_struct *work);
/* on a workqueue that is frozen for suspend: meanwhile KVM need not expect the end of a VM */
static DECLARE_DELAYED_WORK(linger_work, linger_over);

/* What a worker does for the caller, who waits: to make KVM's VM, and to end it. */
struct kvm_vm_job {
	struct work_struct work;
	struct file *vm;		/* or an error */
};

/*
 * Process 1's address space and root directory.  Its root and not that of kernel threads, which
 * need not be the same.  It may be about to end and bring the machine down.
 */
static int get_process_1(struct mm_struct **mm, struct path *root)
{
	struct task_struct *task;
	bool has_root = false;

	*mm = NULL;
	rcu_read_lock();
	task = pid_task(find_vpid(1), PIDTYPE_TGID);
	if (task) {
		*mm = get_task_mm(task);
		task_lock(task);
		if (task->fs) {
			get_fs_root(task->fs, root);
			has_root = true;
		}
		task_unlock(task);
	}
	rcu_read_unlock();
	if (*mm && has_root)
		return 0;
	if (*mm)
		mmput(*mm);
	if (has_root)
		path_put(root);
	pr_err_ratelimited("lintel: process 1 has no address space or no root directory: no VM can be made beside KVM\n");
	return -ESRCH;
}

/*
 * KVM's node, as process 1 sees it: what the VMM has put at /dev/kvm may be anything, Lintel's own
 * node included.
 */
static struct file *open_kvm_node(const struct path *root)
{
	struct file *node = file_open_root(root, "dev/kvm", O_RDWR | O_CLOEXEC, 0);

	if (IS_ERR(node)) {
		pr_err_ratelimited("lintel: kvm_intel is loaded, but /dev/kvm cannot be opened (error %ld)\n",
				   PTR_ERR(node));
		return node;
	}
	if (!S_ISCHR(file_inode(node)->i_mode) || node->f_op->owner == THIS_MODULE ||
	    file_inode(node)->i_rdev != MKDEV(MISC_MAJOR, KVM_MINOR) ||
	    !node->f_op->unlocked_ioctl) {
		pr_err_ratelimited("lintel: /dev/kvm is not KVM's node: no VM can be made beside KVM\n");
		fput(node);
		return ERR_PTR(-ENODEV);
	}
	return node;
}

/* By the name that only KVM gives; the owner of its operations is not set on all kernels. */
static bool is_kvm_vm(const struct file *file)
{
	const struct dentry *dentry = file->f_path.dentry;

	return dentry->d_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(dentry->d_name.name, "kvm-vm");
}

/*
 * KVM_CREATE_VM makes a descriptor in the caller's table, which is the one that kernel threads
 * share; it is taken out again at once, and only the file is kept.  Another thread may have put a
 * file of its own there in between: that is no VM of KVM's.
 */
static struct file *create_kvm_vm(struct file *node)
{
	int fd = node->f_op->unlocked_ioctl(node, KVM_CREATE_VM, 0);
	struct file *vm;

	if (fd < 0) {
		pr_err_ratelimited("lintel: /dev/kvm made no VM (error %d)\n", fd);
		return ERR_PTR(fd);
	}
	vm = fget(fd);
	if (vm && !is_kvm_vm(vm)) {
		fput(vm);
		vm = NULL;
	} else if (vm) {
		close_fd(fd);
	}
	return vm ?: ERR_PTR(-EBADF);
}

static void make_kvm_vm(struct work_struct *work)
{
	struct kvm_vm_job *job = container_of(work, struct kvm_vm_job, work);
	struct mm_struct *mm;
	struct file *node;
	struct path root;
	int err = get_process_1(&mm, &root);

	if (err) {
		job->vm = ERR_PTR(err);
		return;
	}
	node = open_kvm_node(&root);
	path_put(&root);
	if (IS_ERR(node)) {
		job->vm = node;
	} else {
		kthread_use_mm(mm);
		job->vm = create_kvm_vm(node);
		kthread_unuse_mm(mm);
		__fput_sync(node);
	}
	mmput(mm);
}

static void end_kvm_vm(struct work_struct *work)
{
	__fput_sync(container_of(work, struct kvm_vm_job, work)->vm);
}

static void in_worker(work_func_t what, struct kvm_vm_job *job)
{
	INIT_WORK_ONSTACK(&job->work, what);
	schedule_work(&job->work);
	flush_work(&job->work);
	destroy_work_on_stack(&job->work);
}

static void enable_ipi(void *unused)
{
	vmx_enable_here();
}

static void forget_ipi(void *unused)
{
	vmx_disable_here();
}

/* On which CPUs KVM is in VMX operation: it must be all. */
static int note_cpus(void)
{
	int cpu, off = -1;

	cpus_read_lock();
	on_each_cpu(enable_ipi, NULL, 1);
	for_each_online_cpu(cpu) {
		if (!per_cpu(lintel_cpu, cpu).on)
			off = cpu;
	}
	cpus_read_unlock();
	if (off < 0)
		return 0;
	pr_err_ratelimited("lintel: KVM did not enter VMX operation on CPU %d\n", off);
	return -EIO;
}

static int make_hold(void)
{
	struct kvm_vm_job job = {};
	int err;

	in_worker(make_kvm_vm, &job);
	if (IS_ERR(job.vm))
		return PTR_ERR(job.vm);
	err = note_cpus();
	if (err) {
		in_worker(end_kvm_vm, &job);
		return err;
	}
	kvm_vm = job.vm;
	vmx_guest_of_kvm_register();
	return 0;
}

static void give_up(void)
{
	struct kvm_vm_job job = { .vm = kvm_vm };

	lockdep_assert_held(&hold_lock);
	if (!kvm_vm)
		return;
	cancel_delayed_work(&linger_work);
	vmx_guest_of_kvm_unregister();
	/* KVM may leave VMX operation with its last VM, which may be this one. */
	cpus_read_lock();
	on_each_cpu(forget_ipi, NULL, 1);
	cpus_read_unlock();
	/*
	 * Gone when this returns, so that kvm_intel can be unloaded; and the next one, which may
	 * get the same descriptor in the same worker, does not find its name taken in KVM's
	 * debugfs.  6.1 has the call for kernel threads only.
	 */
	in_worker(end_kvm_vm, &job);
	kvm_vm = NULL;
}

static void linger(void)
{
	lockdep_assert_held(&hold_lock);
	if (!kvm_vm || in_use)
		return;
	if (kvm_linger_ms)
		mod_delayed_work(system_freezable_wq, &linger_work,
				 msecs_to_jiffies(kvm_linger_ms));
	else
		give_up();
}

/*
 * A VM may have come since this was to begin, too late to cancel it; and gone again: then it is on
 * its way once more.
 */
static void linger_over(struct work_struct *work)
{
	mutex_lock(&hold_lock);
	if (!in_use && !delayed_work_pending(&linger_work))
		give_up();
	mutex_unlock(&hold_lock);
}

static int set_linger(const char *value, const struct kernel_param *kp)
{
	int err;

	mutex_lock(&hold_lock);
	err = param_set_uint_minmax(value, kp, 0, LINGER_MAX_MS);
	if (!err)
		linger();
	mutex_unlock(&hold_lock);
	return err;
}

static const struct kernel_param_ops linger_ops = {
	.set = set_linger,
	.get = param_get_uint,
};

module_param_cb(kvm_linger_ms, &linger_ops, &kvm_linger_ms, 0644);
MODULE_PARM_DESC(kvm_linger_ms,
		 "how long kvm_intel is held after the last VM, 0 to 3600000 ms; 0: not at all (1000)");

int kvm_hold_take(void)
{
	int err = 0;

	mutex_lock(&hold_lock);
	if (kvm_vm)
		cancel_delayed_work(&linger_work);
	else
		err = make_hold();
	in_use = !err;
	mutex_unlock(&hold_lock);
	return err;
}

void kvm_hold_leave(void)
{
	mutex_lock(&hold_lock);
	in_use = false;
	linger();
	mutex_unlock(&hold_lock);
}

void kvm_hold_exit(void)
{
	mutex_lock(&hold_lock);
	give_up();
	mutex_unlock(&hold_lock);
	/* it may wait for the lock since before; nothing queues it without a hold */
	cancel_delayed_work_sync(&linger_work);
}
