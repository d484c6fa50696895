// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous page faults: a page that the host has to fetch is told to the guest, which runs on,
 * and is told again when it is there. Where the guest cannot be told, the vCPU waits as in HLT, or
 * its thread fetches the page. pv_apf_end.c has what ends in the midst of it.
 */
#include "apf.h"
#include "stats.h"

/* Of Lintel; another host has no such number. */
static void check_waits(struct vcpu *v, bool some)
{
	long waits = stat_read(v->fd, "apf_waits");

	if (waits >= 0)
		CHECK(some == (waits > 0), "%ld waits", waits);
}

/* Gives pages as they are asked for, each after a moment. */
static void *serve(void *arg)
{
	const struct absent *a = arg;

	for (u64 n = a->size / PAGE; n; n--) {
		u64 offset = absent_wait(a);

		usleep(5000);
		absent_give(a, offset, CONTENT + offset / PAGE);
	}
	return NULL;
}

static pthread_t start_serving(struct absent *a)
{
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, serve, a), "pthread_create");
	return thread;
}

/* --- told, and told again --- */

GINLINE u64 touch(u64 page)
{
	volatile u64 *p = (volatile u64 *)(WINDOW + page * PAGE);

	if (page & 1)
		p[1] = 7;
	return p[0];
}

#define PAGES	4UL

GUEST_CODE static void guest_is_told(void)
{
	apf_start(KVM_ASYNC_PF_SEND_ALWAYS);
	for (u64 i = 0; i < PAGES; i++) {
		irqs_on();
		G_EQ(touch(i), CONTENT + i);
		cli();
		G_EQ(ARG(1), i + 1);
		G_EQ(ARG(2), ARG(0));
		G_EQ(AREA->token, 0);
	}
	guest_done();
}

TEST(told_and_ready)
{
	struct absent a = absent_make(PAGES * PAGE);
	struct vcpu *v = apf_vcpu(&a, guest_is_told);
	volatile struct guest_shared *s = vm_shared(v->vm);
	u64 last = 0;

	for (u64 i = 0; i < PAGES; i++) {
		ktap_row("page %llu", (unsigned long long)i);
		apf_run_on(v);
		REQUIRE_EQ(v->value, ABSENT);
		CHECK(s->arg[0] && s->arg[0] < WAKE_ALL && s->arg[0] != last, "token 0x%llx",
		      (unsigned long long)s->arg[0]);
		last = s->arg[0];
		REQUIRE_EQ(absent_wait(&a), i * PAGE);
		/* the guest runs while nobody has the page */
		for (int n = 0; n < 5; n++)
			vcpu_expect_sync(v, RAN_ON);
		CHECK_EQ(s->arg[3], i + 1);		/* one of them was WAKE_ALL */
		absent_give(&a, i * PAGE, CONTENT + i);
	}
	apf_run_on(v);
	REQUIRE_EQ(v->value, 0);
	for (u64 i = 1; i < PAGES; i += 2)
		CHECK_EQ(((u64 *)(a.mem + i * PAGE))[1], 7);
	check_waits(v, false);
}

/* --- the word of 'page ready' holds one token --- */

#define TOKEN(n)	ARG(8 + (n))

/* The first page's handler touches the second; that one's waits for both, with the word in use. */
GUEST_CODE static void on_absent_nested(struct trap_frame *f)
{
	u64 n = ARG(1);

	(void)f;
	TOKEN(n) = take_absent();
	irqs_on();
	if (!n)
		touch(1);
	else
		guest_sync(ABSENT);
	while (ARG(3) < 2)
		run_on(1);
	cli();
}

GUEST_CODE static void on_ready_held(struct trap_frame *f)
{
	(void)f;
	ARG(10 + ARG(3)) = AREA->token;
	ARG(3)++;
	ARG(2) = AREA->token;
	apic_eoi();
}

GUEST_CODE static void guest_holds_the_word(void)
{
	apf_start(KVM_ASYNC_PF_SEND_ALWAYS);
	ARG(3) = 0;
	guest_set_handler(VEC_PF, on_absent_nested);
	guest_set_handler(VECTOR, on_ready_held);
	irqs_on();
	touch(0);
	cli();
	guest_done();
}

TEST(one_token_at_a_time)
{
	struct absent a = absent_make(2 * PAGE);
	struct vcpu *v = apf_vcpu(&a, guest_holds_the_word);
	volatile struct guest_shared *s = vm_shared(v->vm);
	volatile struct kvm_vcpu_pv_apf_data *area = gpa_ptr(v->vm, AREA_GPA, 8);

	vcpu_expect_sync(v, ABSENT);
	for (int i = 0; i < 2; i++)
		REQUIRE_EQ(absent_wait(&a), i * PAGE);
	for (int i = 0; i < 2; i++)
		absent_give(&a, i * PAGE, CONTENT + i);
	/* time for both to come, and exits at which they could be told */
	for (int i = 0; i < 20; i++) {
		usleep(2000);
		vcpu_expect_sync(v, RAN_ON);
	}
	CHECK_EQ(s->arg[3], 1);
	CHECK_EQ(area->token, s->arg[10]);
	/* what the guest does after its interrupt, done for it */
	area->token = 0;
	vcpu_set_msr(v, MSR_KVM_ASYNC_PF_ACK, 1);
	apf_run_on(v);
	REQUIRE_EQ(v->value, 0);
	CHECK_EQ(s->arg[3], 2);
	CHECK((s->arg[10] == s->arg[8] && s->arg[11] == s->arg[9]) ||
	      (s->arg[10] == s->arg[9] && s->arg[11] == s->arg[8]), "other tokens came back");
}

/* --- many --- */

#define LIMIT	64UL		/* fetches of a vCPU at a time */
#define MANY	(LIMIT + 4)

/* The task gives up instead of waiting. */
GUEST_CODE static void on_absent_skipped(struct trap_frame *f)
{
	ARG(8) += take_absent();
	f->rip = SHARED->fixup;
	SHARED->fixup = 0;
}

GUEST_CODE static void on_ready_summed(struct trap_frame *f)
{
	ARG(9) += AREA->token;
	on_ready(f);
}

GUEST_CODE static void guest_asks_for_many(void)
{
	apf_start(KVM_ASYNC_PF_SEND_ALWAYS);
	guest_set_handler(VEC_PF, on_absent_skipped);
	guest_set_handler(VECTOR, on_ready_summed);
	irqs_on();
	for (u64 i = 0; i < MANY; i++)
		G_EQ(TRY1("mov (%%rax), %%rbx", WINDOW + i * PAGE), i < LIMIT ? VEC_PF : NO_TRAP);
	G_EQ(ARG(1), LIMIT);
	guest_sync(STAGE);
	/* without an exit of its own doing */
	while (ARG(3) < 1 + LIMIT)
		cpu_relax();
	cli();
	G_EQ(ARG(8), ARG(9));
	guest_done();
}

/* Gives those that the thread waits for, when all have been asked for that came before. */
static void *serve_beyond(void *arg)
{
	const struct absent *a = arg;

	for (u64 n = 0; n < MANY; n++) {
		u64 offset = absent_wait(a);

		if (offset >= LIMIT * PAGE)
			absent_give(a, offset, CONTENT);
	}
	return NULL;
}

TEST(more_than_there_is_room_for)
{
	struct absent a = absent_make(MANY * PAGE);
	struct vcpu *v = apf_vcpu(&a, guest_asks_for_many);
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, serve_beyond, &a), "pthread_create");
	vcpu_expect_sync(v, STAGE);
	pthread_join(thread, NULL);
	for (u64 i = 0; i < LIMIT; i++)
		absent_give(&a, i * PAGE, CONTENT);
	vcpu_finish(v);
}

/* --- where the guest cannot be told --- */

GUEST_CODE static void on_tick(struct trap_frame *f)
{
	(void)f;
	if (++ARG(5) == 5)
		guest_sync(TICKED);
	apic_eoi();
}

/* ARG(6): events are on, but not for CPL 0. */
GUEST_CODE static void guest_with_a_timer(void)
{
	if (ARG(6))
		apf_start(0);
	apic_enable();
	guest_set_handler(VECTOR + 1, on_tick);
	apic_write(APIC_LVTT, (VECTOR + 1) | APIC_TIMER_PERIODIC);
	apic_write(APIC_TMICT, 2000000);
	irqs_on();
	G_EQ(touch(0), CONTENT);
	cli();
	G_EQ(ARG(1), 0);
	G_CHECK(ARG(5) >= 5);
	guest_done();
}

/* Nobody would give the page if the guest's timer stood still. */
static void timers_go_on(bool events)
{
	struct absent a = absent_make(PAGE);
	struct vcpu *v = apf_vcpu(&a, guest_with_a_timer);

	vm_shared(v->vm)->arg[6] = events;
	vcpu_expect_sync(v, TICKED);
	REQUIRE_EQ(absent_wait(&a), 0);
	absent_give(&a, 0, CONTENT);
	vcpu_finish(v);
	check_waits(v, true);
}

TEST(waits_as_in_hlt) { timers_go_on(true); }
TEST(waits_without_events) { timers_go_on(false); }

/* The guest hears nothing of its absent pages, and ends when they have been given. */
static void run_served(void (*guest)(void), unsigned int pages, bool waits)
{
	struct absent a = absent_make(pages * PAGE);
	struct vcpu *v = apf_vcpu(&a, guest);
	pthread_t server = start_serving(&a);

	vcpu_finish(v);
	pthread_join(server, NULL);
	check_waits(v, waits);
}

GUEST_CODE static void guest_interrupts_off(void)
{
	apf_start(KVM_ASYNC_PF_SEND_ALWAYS);
	G_EQ(touch(0), CONTENT);
	G_EQ(touch(1), CONTENT + 1);
	G_EQ(ARG(1), 0);
	window();
	G_EQ(ARG(3), 1);
	guest_done();
}

TEST(interrupts_off) { run_served(guest_interrupts_off, 2, false); }

/* The area says that the guest is still busy with the last event. */
GUEST_CODE static void guest_flags_in_use(void)
{
	apf_start(0);
	AREA->flags = KVM_PV_REASON_PAGE_NOT_PRESENT;
	irqs_on();
	G_EQ(touch(0), CONTENT);
	cli();
	G_EQ(ARG(1), 0);
	AREA->flags = 0;
	guest_done();
}

TEST(kernel_mode) { run_served(guest_flags_in_use, 1, true); }

GUEST_CODE static void guest_user_code(void)
{
	touch(0);
	touch(1);
	asm volatile("ud2");
}

GUEST_CODE static void on_user_end(struct trap_frame *f)
{
	G_EQ(f->cs, SEL_USER_CODE);
	G_EQ(ARG(1), 2);
	G_EQ(ARG(2), ARG(0));
	guest_done();
}

GUEST_CODE static void guest_user_mode(void)
{
	apf_start(0);
	guest_set_handler(VEC_UD, on_user_end);
	asm volatile("pushq %0; pushq %1; pushq $0x202; pushq %2; pushq %3; iretq"
		     ::"i"(SEL_USER_DATA), "r"(0x60000UL), "i"(SEL_USER_CODE), "r"(guest_user_code)
		     : "memory");
}

TEST(user_mode)
{
	struct absent a = absent_make(2 * PAGE);
	struct vcpu *v = apf_vcpu(&a, guest_user_mode);
	pthread_t server = start_serving(&a);

	for (int i = 0; i < 2; i++) {
		apf_run_on(v);
		REQUIRE_EQ(v->value, ABSENT);
	}
	apf_run_on(v);
	REQUIRE_EQ(v->value, 0);
	pthread_join(server, NULL);
}

/* --- the MSRs --- */

GUEST_CODE static void guest_rules(void)
{
	u64 value;

	for (u64 bit = 0x10; bit < 0x40; bit <<= 1)
		G_EQ(try_wrmsr(MSR_KVM_ASYNC_PF_EN, AREA_GPA | EVENTS | bit), VEC_GP);
	G_EQ(try_wrmsr(MSR_KVM_ASYNC_PF_EN, 0x40000000000UL | EVENTS), VEC_GP);
	for (u64 bit = 0x100; bit; bit <<= 1)
		G_EQ(try_wrmsr(MSR_KVM_ASYNC_PF_INT, bit | VECTOR), VEC_GP);
	apf_start(0);
	G_EQ(rdmsr(MSR_KVM_ASYNC_PF_EN), AREA_GPA | EVENTS);
	G_EQ(rdmsr(MSR_KVM_ASYNC_PF_INT), VECTOR);
	G_EQ(try_rdmsr(MSR_KVM_ASYNC_PF_ACK, &value), NO_TRAP);
	G_EQ(value, 0);
	guest_sync(STAGE);
	window();
	G_EQ(ARG(2), WAKE_ALL);
	G_EQ(ARG(3), 2);
	/* one half of the enable bits is none */
	wrmsr(MSR_KVM_ASYNC_PF_EN, AREA_GPA | KVM_ASYNC_PF_ENABLED);
	window();
	G_EQ(ARG(3), 2);
	guest_done();
}

/* A VMM that restores what it has saved enables once more: the guest may wait for lost tokens. */
TEST(rules_and_restore)
{
	struct absent a = absent_make(PAGE);
	struct vcpu *v = apf_vcpu(&a, guest_rules);

	vcpu_expect_sync(v, STAGE);
	CHECK_EQ(vcpu_get_msr(v, MSR_KVM_ASYNC_PF_ACK), 0);
	CHECK_EQ(vcpu_get_msr(v, MSR_KVM_ASYNC_PF_INT), VECTOR);
	vcpu_set_msr(v, MSR_KVM_ASYNC_PF_EN, vcpu_get_msr(v, MSR_KVM_ASYNC_PF_EN));
	vcpu_finish(v);
}

static bool takes_msr(struct vcpu *v, u32 index, u64 value)
{
	struct one_msr m = { .head.nmsrs = 1, .entry = { .index = index, .data = value } };

	return ioctl(v->fd, KVM_SET_MSRS, &m) == 1;
}

GUEST_CODE static void guest_looks_at_cpuid(void)
{
	u32 a, b, c, d;

	cpuid(KVM_CPUID_FEATURES, 0, &a, &b, &c, &d);
	ARG(0) = a;
	guest_done();
}

/* KVM refuses also a vector of 0, and shows the features all the same. */
TEST(without_local_apic)
{
	const u32 features = 1U << KVM_FEATURE_ASYNC_PF | 1U << KVM_FEATURE_ASYNC_PF_INT;
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	PV_REQUIRE(v->vm, ASYNC_PF_INT);
	CHECK_EQ(device_cap(v->vm->dev, KVM_CAP_ASYNC_PF), 1);
	CHECK_EQ(device_cap(v->vm->dev, KVM_CAP_ASYNC_PF_INT), 1);
	CHECK(!takes_msr(v, MSR_KVM_ASYNC_PF_EN, AREA_GPA | EVENTS), "no local APIC");
	CHECK(!takes_msr(v, MSR_KVM_ASYNC_PF_INT, VECTOR), "no local APIC");
	CHECK(takes_msr(v, MSR_KVM_ASYNC_PF_EN, 0), "0 is no wish");
	vcpu_set_long(v, guest_looks_at_cpuid);
	vcpu_finish(v);
	if (stat_read(v->fd, "apf_waits") < 0)
		return;
	CHECK(takes_msr(v, MSR_KVM_ASYNC_PF_INT, 0), "0 is no wish");
	CHECK_EQ(vm_shared(v->vm)->arg[0] & features, 0);
}
