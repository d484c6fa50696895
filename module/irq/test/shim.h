/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel, as far as module/irq uses it, for a program with one thread.
 *
 * The clock is a variable that the test turns; hrtimers fire while it does.  A lock that is taken
 * twice, or is held when a timer's function runs, ends the program.  The constants of the local
 * APIC are the SDM's, under the names of the kernel's <asm/apicdef.h> and <asm/msr-index.h>.
 */
#ifndef LINTEL_IRQ_TEST_SHIM_H
#define LINTEL_IRQ_TEST_SHIM_H

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>
#include <linux/kvm_types.h>

/* --- plain helpers --- */
#define trace_lintel_posted(vcpu, vector, notify) do { } while (0)
#define BIT(n)			(1ul << (n))
#define BIT_ULL(n)		(1ull << (n))
#define GENMASK(h, l)		((~0ul >> (63 - (h))) & (~0ul << (l)))
#define GENMASK_ULL(h, l)	((~0ull >> (63 - (h))) & (~0ull << (l)))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define min(a, b)		({ __auto_type a_ = (a); __auto_type b_ = (b); a_ < b_ ? a_ : b_; })
#define max(a, b)		({ __auto_type a_ = (a); __auto_type b_ = (b); a_ > b_ ? a_ : b_; })
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define struct_size(p, member, n) (sizeof(*(p)) + (n) * sizeof((p)->member[0]))
#define array_index_nospec(i, n) ((i) < (n) ? (i) : 0)
#define __aligned(n)		__attribute__((aligned(n)))
#define fallthrough		__attribute__((fallthrough))
#define noinline		__attribute__((noinline))
#define lower_32_bits(n)	((u32)(n))
#define upper_32_bits(n)	((u32)((u64)(n) >> 32))
#define fls(x)			((x) ? 32 - __builtin_clz(x) : 0)
#define __fls(x)		(31 - __builtin_clz(x))	/* of what is not 0 */
#define sort(base, n, size, compare, swap) qsort(base, n, size, compare)
#define mul_u64_u32_div(a, mul, div) ((u64)((unsigned __int128)(a) * (mul) / (div)))
#define mul_u64_u64_div_u64(a, mul, div) ((u64)((unsigned __int128)(a) * (mul) / (div)))
#define mul_u64_u64_shr(a, mul, by) ((u64)((unsigned __int128)(a) * (mul) >> (by)))
#define div64_u64(a, b)		((a) / (b))
#define PAGE_SHIFT		12
#define PAGE_SIZE		4096ul
#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define NSEC_PER_SEC		1000000000l
#define NSEC_PER_MSEC		1000000l
#define NSEC_PER_USEC		1000l
#define USEC_PER_SEC		1000000l

/* --- memory --- */
#define __rcu
#define GFP_KERNEL_ACCOUNT	0
#define kzalloc(size, flags)	shim_zalloc(size)
#define roundup_pow_of_two(n)	(((n) + 63) & ~63ul)
#define kvzalloc(size, flags)	calloc(1, size)
#define kfree(p)		free(p)
#define kvfree(p)		free(p)
#define kvfree_rcu(p, member)	free(p)
#define get_zeroed_page(flags)	((unsigned long)calloc(1, PAGE_SIZE))
#define __GFP_ZERO		0
#define alloc_page(flags)	((struct page *)calloc(1, PAGE_SIZE))
#define free_page(address)	free((void *)(address))

static inline void *shim_zalloc(size_t size)
{
	return memset(aligned_alloc(64, (size + 63) & ~63ul), 0, size);
}

/* --- one thread: order and atomicity are plain --- */
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define smp_load_acquire(p)	(*(p))
#define smp_store_release(p, v)	(*(p) = (v))
#define smp_store_mb(x, v)	((x) = (v))
#define smp_mb()
#define smp_wmb()
#define smp_mb__after_atomic()
#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define try_cmpxchg(p, old, new) \
	__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define rcu_read_lock()
#define rcu_read_unlock()
#define rcu_dereference(p)	(p)
#define rcu_dereference_protected(p, c) (p)
#define rcu_assign_pointer(p, v) ((p) = (v))
struct rcu_head { int unused; };

typedef struct { int counter; } atomic_t;
#define atomic_read(a)		((a)->counter)
#define atomic_set(a, v)	((a)->counter = (v))
#define atomic_inc_return(a)	(++(a)->counter)
#define atomic_dec(a)		((void)--(a)->counter)

static inline int atomic_xchg(atomic_t *a, int v)
{
	int old = a->counter;

	a->counter = v;
	return old;
}

static inline int atomic_fetch_or(int bits, atomic_t *a)
{
	int old = a->counter;

	a->counter |= bits;
	return old;
}

static inline int atomic_dec_if_positive(atomic_t *a)
{
	return a->counter > 0 ? --a->counter : a->counter - 1;
}

static inline bool atomic_add_unless(atomic_t *a, int n, int unless)
{
	if (a->counter == unless)
		return false;
	a->counter += n;
	return true;
}

#define BITS_TO_LONGS(n)	(((n) + 63) / 64)
#define DECLARE_BITMAP(name, n)	unsigned long name[BITS_TO_LONGS(n)]
#define bitmap_zero(map, n)	memset(map, 0, BITS_TO_LONGS(n) * 8)

static inline void __set_bit(unsigned int n, unsigned long *map)
{
	map[n / 64] |= BIT(n % 64);
}

static inline void clear_bit(unsigned int n, unsigned long *map)
{
	map[n / 64] &= ~BIT(n % 64);
}

static inline bool test_bit(unsigned int n, const unsigned long *map)
{
	return map[n / 64] & BIT(n % 64);
}

static inline bool test_and_set_bit(unsigned int n, unsigned long *map)
{
	bool old = test_bit(n, map);

	__set_bit(n, map);
	return old;
}

static inline bool test_and_clear_bit(unsigned int n, unsigned long *map)
{
	bool old = test_bit(n, map);

	clear_bit(n, map);
	return old;
}
#define set_bit			__set_bit
#define likely(x)		(x)
#define __pa(p)			((unsigned long)(p))

struct list_head { struct list_head *next, *prev; };
#define INIT_LIST_HEAD(l)	((l)->next = (l)->prev = (l))

/* --- locks --- */
struct mutex { int unused; };
#define mutex_init(m)		((void)(m))
#define mutex_lock(m)		((void)(m))
#define mutex_unlock(m)		((void)(m))
typedef struct { bool held; } spinlock_t;
extern unsigned int shim_locks_held;
void shim_lock(spinlock_t *lock);
void shim_unlock(spinlock_t *lock);
#define spin_lock_init(l)	((l)->held = false)
#define spin_lock_irqsave(l, flags) ((flags) = 0, shim_lock(l))
#define spin_unlock_irqrestore(l, flags) ((void)(flags), shim_unlock(l))

/* --- time --- */
typedef s64 ktime_t;
enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
enum hrtimer_mode { HRTIMER_MODE_ABS, HRTIMER_MODE_ABS_PINNED };
#define CLOCK_MONOTONIC		1
struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	ktime_t expires;
	bool queued;
	struct hrtimer *next;
};
#define ktime_get()		shim_now
#define ktime_get_ns()		((u64)shim_now)
#define ktime_add_ns(t, ns)	((t) + (s64)(ns))
#define ktime_sub(a, b)		((a) - (b))
#define ktime_to_ns(t)		(t)
#define ns_to_ktime(ns)		((ktime_t)(ns))
#define ktime_compare(a, b)	((a) < (b) ? -1 : (a) > (b))
#define hrtimer_is_queued(t)	((t)->queued)
extern ktime_t shim_now;
extern u64 shim_timer_interrupts;	/* how often an hrtimer fired */
void hrtimer_setup(struct hrtimer *timer, enum hrtimer_restart (*function)(struct hrtimer *),
		   int clock, enum hrtimer_mode mode);
void hrtimer_start(struct hrtimer *timer, ktime_t expires, enum hrtimer_mode mode);
int hrtimer_cancel(struct hrtimer *timer);
int hrtimer_try_to_cancel(struct hrtimer *timer);
u64 hrtimer_forward_now(struct hrtimer *timer, ktime_t interval);
/* shim_advance - turn the clock, firing what expires on the way in order. */
void shim_advance(u64 ns);

#define U64_MAX			(~0ull)
#define SHIM_TSC_KHZ		2000000u	/* two cycles each nanosecond */
extern unsigned int tsc_khz;
#define rdtsc()			((u64)shim_now * 2)

/* --- module parameters: what insmod does with them is the kernel's business --- */
struct kernel_param;
struct kernel_param_ops {
	int (*set)(const char *value, const struct kernel_param *kp);
	int (*get)(char *buffer, const struct kernel_param *kp);
};
int param_set_uint_minmax(const char *value, const struct kernel_param *kp, unsigned int low,
			  unsigned int high);
int param_get_uint(char *buffer, const struct kernel_param *kp);
#define module_param_cb(name, ops, arg, mode) \
	const struct kernel_param_ops *const shim_param_##name = (ops)
#define MODULE_PARM_DESC(name, text) extern int shim_desc_##name

extern struct lintel_params {
	bool preemption_timer;
	bool vid;
} lintel_params;

/* --- struct lintel_vm and struct lintel_vcpu: the fields that module/irq reads --- */
#define SHIM_VCPUS		8
enum lintel_request { REQ_EVENT, REQ_APICV, REQ_EOI_VECTORS, REQ_IOAPIC_EOI, REQ_INIT_SIPI };
struct lintel_lapic;
struct lintel_vm {
	struct lintel_vcpu *vcpus[SHIM_VCPUS];
	unsigned int nr_vcpus;
	struct lintel_irqchip *irqchip;
	bool irqchip_split;
	u32 split_routes;
	u32 x2apic_api;
	struct lintel_pit *pit;
	u32 boot_cpu_id;
	struct page *apic_page;
	atomic_t apics_away;
	u32 apic_bus_ns;
	u64 disabled_quirks;
};


static inline bool lintel_quirk(const struct lintel_vm *vm, u64 quirk)
{
	return !(vm->disabled_quirks & quirk);
}

#define LINTEL_TIMER_NEVER	U64_MAX

struct lintel_vcpu {
	struct lintel_vm *vm;
	struct lintel_lapic *lapic;
	struct kvm_cpuid_entry2 *cpuid;
	unsigned int cpuid_nent;
	u64 guest_maxphyaddr_mask;
	u64 tsc_offset, tsc_ratio;
	u64 timer_tsc;
	u32 tsc_khz;
	u64 mcg_cap;
	u32 id;
	/* what the chips did to it */
	unsigned int notified, nmis, notified_posted;
	bool requested;
	bool own;		/* the test plays the vCPU's thread */
	bool eoi_vectors;	/* REQ_EOI_VECTORS */
};

static inline struct lintel_vcpu *lintel_vm_vcpu(struct lintel_vm *vm, unsigned int i)
{
	return i < vm->nr_vcpus ? vm->vcpus[i] : NULL;
}
static inline bool lintel_pic_in_kernel(struct lintel_vm *vm)
{
	return vm->irqchip && !vm->irqchip_split;
}

#define for_each_vcpu(i, vcpu, vm) \
	for ((i) = 0; ((vcpu) = lintel_vm_vcpu((vm), (i))) != NULL; (i)++)
static inline void lintel_vcpu_request(struct lintel_vcpu *vcpu, enum lintel_request request)
{
	if (request == REQ_EOI_VECTORS)
		vcpu->eoi_vectors = true;
	else
		vcpu->requested = true;
}

static inline bool lintel_vcpu_is_own(const struct lintel_vcpu *vcpu)
{
	return vcpu->own;
}

static inline void lintel_vcpu_kick(struct lintel_vcpu *vcpu)
{
}

static inline void lintel_vcpu_notify_event(struct lintel_vcpu *vcpu)
{
	vcpu->notified++;
}

static inline void lintel_vcpu_notify_posted(struct lintel_vcpu *vcpu)
{
	vcpu->notified_posted++;
}

static inline void lintel_ept_drop(struct lintel_vm *vm, gfn_t gfn)
{
}

static inline void lintel_vcpu_queue_nmi(struct lintel_vcpu *vcpu)
{
	vcpu->nmis++;
}

#include "../../tsc_ratio.h"

static inline u64 lintel_vcpu_guest_tsc(const struct lintel_vcpu *vcpu, u64 host_tsc)
{
	return tsc_scale(host_tsc, vcpu->tsc_ratio) + vcpu->tsc_offset;
}

/* --- SDM, "Advanced Programmable Interrupt Controller": register offsets and bits --- */
#define APIC_DEFAULT_PHYS_BASE	0xfee00000
#define APIC_BASE_MSR		0x800
#define MSR_IA32_APICBASE_BSP	BIT(8)
#define X2APIC_ENABLE		BIT(10)
#define MSR_IA32_APICBASE_ENABLE BIT(11)
#define APIC_ID			0x20
#define APIC_LVR		0x30
#define APIC_TASKPRI		0x80
#define APIC_ARBPRI		0x90
#define APIC_PROCPRI		0xa0
#define APIC_EOI		0xb0
#define APIC_LDR		0xd0
#define APIC_DFR		0xe0
#define APIC_SPIV		0xf0
#define APIC_SPIV_APIC_ENABLED	BIT(8)
#define APIC_ISR		0x100
#define APIC_TMR		0x180
#define APIC_IRR		0x200
#define APIC_ESR		0x280
#define APIC_LVTCMCI		0x2f0
#define MCG_CMCI_P		BIT_ULL(10)
#define APIC_ICR		0x300
#define APIC_ICR2		0x310
#define APIC_LVTT		0x320
#define APIC_LVTTHMR		0x330
#define APIC_LVTPC		0x340
#define APIC_LVT0		0x350
#define APIC_LVT1		0x360
#define APIC_LVTERR		0x370
#define APIC_TMICT		0x380
#define APIC_TMCCT		0x390
#define APIC_TDCR		0x3e0
#define APIC_SELF_IPI		0x3f0
#define APIC_LVT_MASKED		0x10000
#define APIC_LVT_TIMER_PERIODIC	0x20000
#define APIC_LVT_TIMER_TSCDEADLINE 0x40000
#define APIC_VECTOR_MASK	0xff
#define APIC_DEST_LOGICAL	0x800
#define APIC_ICR_BUSY		0x1000
#define APIC_INT_ASSERT		0x4000
#define APIC_INT_LEVELTRIG	0x8000
#define APIC_DEST_SELF		0x40000
#define APIC_DEST_ALLINC	0x80000
#define APIC_DEST_ALLBUT	0xc0000

#endif
