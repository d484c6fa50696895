// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts from several threads, and from vCPU to vCPU, to vCPUs that halt, wake, run with
 * interrupts off, are moved between CPUs and are interrupted by signals: none is lost, and none
 * arrives more often than it was sent. What is posted singly, the next after the last was taken,
 * arrives exactly as often; what is posted in a burst at least once and at most as often as that.
 *
 * POSTS (environment) is the number of posts from threads, 20000 if it is not set.
 *
 * The same while the threads that run vCPUs end, while a CPU goes and comes, while the VMM is
 * killed, while all is closed. Then storms, which must not keep KVM_RUN from a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#include "chips.h"
#include "vm.h"

#define CPUS		2
#define SENDERS		3
#define BURST		8
/* One for each sender; a marker has a lower priority than any burst. */
#define VEC_SINGLE	0x40
#define VEC_MARKER	0x38
#define VEC_BURST	0x50
#define VEC_PEER	0x60
#define VEC_STOP	0x70

/* At GPA_HIGH. */
struct scene {
	u32 stop;
	u32 ready[CPUS];			/* the local APIC accepts interrupts */
	u32 halts;				/* of all */
	u32 got[CPUS][128];
	u32 sent_to_peer[CPUS];
};
#define SCENE	((volatile struct scene *)GPA_HIGH)

struct vcpu_thread {
	struct vcpu *v;
	volatile bool leave;			/* at the next signal */
	pthread_t thread;
	unsigned long signals, runs;
};

static struct vm *vm;
static int post_fd;				/* of that VM */
static volatile struct scene *scene;
static struct vcpu_thread vcpus[CPUS];
static volatile bool posted_all;
static unsigned long posts_each, delivered[SENDERS];

GUEST_CODE static void on_interrupt(struct trap_frame *f)
{
	u32 me = apic_read(APIC_ID) >> 24;

	SCENE->got[me][f->vector]++;
	apic_write(APIC_EOI, 0);
}

/* Halts, waits with interrupts on, works with them off, and keeps an IPI to the peer going. */
GUEST_CODE static void guest_takes(u64 self)
{
	u32 peer = !self, seed = 12345 + self;

	apic_enable();
	SCENE->ready[self] = 1;
	while (!SCENE->ready[peer])
		cpu_relax();
	while (!SCENE->stop) {
		if (SCENE->got[peer][VEC_PEER] == SCENE->sent_to_peer[self]) {
			SCENE->sent_to_peer[self]++;
			apic_write(APIC_ICR2, peer << 24);
			apic_write(APIC_ICR, VEC_PEER | APIC_ASSERT);
		}
		seed = seed * 1664525 + 1013904223;
		switch (seed >> 29) {
		case 0 ... 3:
			SCENE->halts++;
			sti_hlt();
			break;
		case 4 ... 5:
			sti();
			for (u32 i = 0; i < (seed >> 20 & 127); i++)
				cpu_relax();
			break;
		default:
			cli();
			for (u32 i = 0; i < (seed >> 20 & 127); i++)
				cpu_relax();
			break;
		}
		cli();
	}
	guest_done();
}

static void *run_vcpu(void *arg)
{
	struct vcpu_thread *t = arg;

	for (;;) {
		t->runs++;
		if (!ioctl(t->v->fd, KVM_RUN, 0)) {
			if (t->v->run->exit_reason == KVM_EXIT_IO &&
			    t->v->run->io.port == PORT_DONE)
				return NULL;
			ktap_failed(__FILE__, __LINE__, "exit %s, port 0x%x",
				    exit_name(t->v->run->exit_reason), t->v->run->io.port);
			ktap_end_test();
		}
		if (errno != EINTR && errno != EAGAIN) {
			ktap_failed(__FILE__, __LINE__, "KVM_RUN: %m");
			ktap_end_test();
		}
		t->signals += errno == EINTR;
		if (t->leave)
			return NULL;
	}
}

static int post(unsigned int cpu, u8 vector)
{
	struct kvm_msi msi = { .address_lo = APIC_BASE | cpu << 12, .data = vector };

	return ioctl(post_fd, KVM_SIGNAL_MSI, &msi);
}

static void await(unsigned int cpu, u8 vector, u32 count)
{
	while (scene->got[cpu][vector] < count)
		sched_yield();
}

static void *send_interrupts(void *arg)
{
	unsigned long self = (unsigned long)arg, posts = 0;
	u32 singles[CPUS] = { 0 }, markers[CPUS] = { 0 }, bursts[CPUS] = { 0 };
	u8 single = VEC_SINGLE + self, marker = VEC_MARKER + self, burst = VEC_BURST + self;

	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		while (!scene->ready[cpu])
			sched_yield();
	while (posts < posts_each) {
		unsigned int cpu = posts / 64 % CPUS;

		for (int i = 0; i < 8; i++) {
			CHECK(post(cpu, single) > 0, "not delivered");
			await(cpu, single, ++singles[cpu]);
			CHECK_EQ(scene->got[cpu][single], singles[cpu]);
		}
		for (int i = 0; i < BURST; i++)
			CHECK(post(cpu, burst) >= 0, "refused");
		post(cpu, marker);
		await(cpu, marker, ++markers[cpu]);
		CHECK_EQ(scene->got[cpu][marker], markers[cpu]);
		CHECK(scene->got[cpu][burst] > bursts[cpu] &&
		      scene->got[cpu][burst] <= bursts[cpu] + BURST, "%u arrivals of a burst of %u",
		      scene->got[cpu][burst] - bursts[cpu], BURST);
		bursts[cpu] = scene->got[cpu][burst];
		posts += 8 + BURST + 1;
	}
	delivered[self] = posts;
	return NULL;
}

static void on_signal(int signal)
{
	(void)signal;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	REQUIRE_OK(sigaction(SIGUSR1, &action, NULL));
}

/* Signals and moves the vCPUs' threads until all is posted. */
static void *disturb(void *moves)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct timespec pause = { .tv_nsec = 200000 };

	for (unsigned int i = 0; !posted_all; i++) {
		struct vcpu_thread *t = &vcpus[i % CPUS];

		if (i % 3 == 0) {
			pthread_kill(t->thread, SIGUSR1);
		} else if (cpus > 1) {
			cpu_set_t set;

			CPU_ZERO(&set);
			CPU_SET(i / 3 % cpus, &set);
			if (!pthread_setaffinity_np(t->thread, sizeof(set), &set))
				++*(unsigned long *)moves;
		}
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void make_vcpus(void (*fn)(u64))
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	volatile struct guest_shared *shared;

	vm = vm_create(VM_IRQCHIP);
	post_fd = vm->fd;
	scene = gpa_ptr(vm, GPA_HIGH, sizeof(*scene));
	shared = vm_shared(vm);
	for (unsigned int i = 0; i < CPUS; i++) {
		vcpus[i].v = vcpu_create(vm, i);
		vcpu_set_long(vcpus[i].v, (void (*)(void))fn);
		vcpu_set_args(vcpus[i].v, i, 0);
		REQUIRE_OK(ioctl(vcpus[i].v->fd, KVM_SET_MP_STATE, &runnable));
	}
	for (unsigned int v = VEC_MARKER; v < 128; v++)
		shared->handler[v] = guest_addr(on_interrupt);
}

static unsigned long total_posts(void)
{
	const char *text = getenv("POSTS");

	return text ? strtoul(text, NULL, 0) : 20000;
}

/* `posts` in all, from all senders, while `disturber` does its work. */
static unsigned long post_all(unsigned long posts, void *(*disturber_fn)(void *), void *arg)
{
	pthread_t sender[SENDERS], disturber;
	unsigned long sum = 0;

	posts_each = posts / SENDERS;
	catch_signals();
	make_vcpus(guest_takes);
	for (unsigned int i = 0; i < CPUS; i++)
		REQUIRE(!pthread_create(&vcpus[i].thread, NULL, run_vcpu, &vcpus[i]), "thread");
	REQUIRE(!pthread_create(&disturber, NULL, disturber_fn, arg), "thread");
	for (unsigned long i = 0; i < SENDERS; i++)
		REQUIRE(!pthread_create(&sender[i], NULL, send_interrupts, (void *)i), "thread");
	for (unsigned int i = 0; i < SENDERS; i++) {
		pthread_join(sender[i], NULL);
		sum += delivered[i];
	}
	posted_all = true;
	pthread_join(disturber, NULL);
	scene->stop = 1;
	for (unsigned int i = 0; i < CPUS; i++)
		post(i, VEC_STOP);
	for (unsigned int i = 0; i < CPUS; i++)
		pthread_join(vcpus[i].thread, NULL);

	for (unsigned int i = 0; i < CPUS; i++) {
		u32 sent = scene->sent_to_peer[i], got = scene->got[!i][VEC_PEER];

		/* the last one may still be on its way */
		CHECK(sent && (got == sent || got + 1 == sent), "vCPU %u sent %u IPIs, %u came",
		      i, sent, got);
	}
	return sum;
}

TEST_SLOW(none_lost_none_doubled, 1000)
{
	unsigned long moves = 0, posts = post_all(total_posts(), disturb, &moves);

	ktap_note("%lu posts, %u IPIs; %u halts, %lu signals, %lu moves", posts,
		  scene->sent_to_peer[0] + scene->sent_to_peer[1], scene->halts,
		  vcpus[0].signals + vcpus[1].signals, moves);
}

static u32 arrived(unsigned int cpu)
{
	u32 sum = 0;

	for (unsigned int v = VEC_MARKER; v < 128; v++)
		sum += scene->got[cpu][v];
	return sum;
}

/*
 * Whoever runs a vCPU ends, and after a while another thread goes on with it. The next one
 * does so when that vCPU has taken something: without that nobody would get anywhere.
 */
static void *replace_threads(void *replaced)
{
	for (unsigned int i = 0; !posted_all; i++) {
		struct vcpu_thread *t = &vcpus[i % CPUS];
		u32 before = arrived(i % CPUS);

		t->leave = true;
		while (pthread_tryjoin_np(t->thread, NULL)) {
			pthread_kill(t->thread, SIGUSR1);
			sched_yield();
		}
		t->leave = false;
		usleep(i % 4 * 100);
		REQUIRE(!pthread_create(&t->thread, NULL, run_vcpu, t), "thread");
		++*(unsigned long *)replaced;
		while (!posted_all && arrived(i % CPUS) == before)
			usleep(200);
	}
	return NULL;
}

TEST_SLOW(threads_end_while_others_post, 20)
{
	unsigned long replaced = 0, posts = post_all(2000, replace_threads, &replaced);

	CHECK(replaced > 10, "only %lu threads replaced", replaced);
	ktap_note("%lu posts, %lu threads ended", posts, replaced);
}

#define CPU1_ONLINE	"/sys/devices/system/cpu/cpu1/online"

static void *unplug(void *times)
{
	int fd = REQUIRE_OK(open(CPU1_ONLINE, O_WRONLY | O_CLOEXEC));

	for (unsigned int i = 0; !posted_all || i % 2; i++) {
		CHECK(pwrite(fd, i % 2 ? "1" : "0", 1, 0) == 1, "CPU 1: %m");
		*(unsigned long *)times += i % 2;
		usleep(2000);
	}
	close(fd);
	return NULL;
}

TEST_SLOW(a_cpu_goes_while_others_post, 60)
{
	unsigned long times = 0, posts;

	if (access(CPU1_ONLINE, W_OK) || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("no CPU 1 that can go offline");
	posts = post_all(5000, unplug, &times);
	CHECK(times > 0, "the CPU did not go");
	ktap_note("%lu posts, a CPU went and came %lu times", posts, times);
}

static void *post_to_the_end(void *unused)
{
	while (!posted_all)
		for (unsigned int i = 0; i < CPUS; i++)
			post(i, VEC_SINGLE);
	return unused;
}

/* The VMM is killed while its threads post and run. */
TEST_SLOW(killed_while_it_posts, 20)
{
	for (unsigned int round = 0; round < 20; round++) {
		pid_t child = REQUIRE_OK(fork());
		int status;

		if (!child) {
			pthread_t thread;

			make_vcpus(guest_takes);
			for (unsigned int i = 0; i < CPUS; i++)
				pthread_create(&thread, NULL, run_vcpu, &vcpus[i]);
			pthread_create(&thread, NULL, post_to_the_end, NULL);
			post_to_the_end(NULL);
		}
		usleep(2000 + round * 1000);
		REQUIRE_OK(kill(child, SIGKILL));
		REQUIRE_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status 0x%x", status);
	}
}

/* The vCPUs are closed, and then the VM, while a thread posts by a descriptor of its own. */
TEST_SLOW(closed_while_others_post, 20)
{
	for (unsigned int round = 0; round < 20; round++) {
		pthread_t poster;

		posted_all = false;
		make_vcpus(guest_takes);
		post_fd = REQUIRE_OK(dup(vm->fd));
		REQUIRE(!pthread_create(&poster, NULL, post_to_the_end, NULL), "thread");
		usleep(round * 200);
		for (unsigned int i = 0; i < CPUS; i++)
			vcpu_destroy(vcpus[i].v);
		CHECK(post(0, VEC_SINGLE) >= 0, "%m");
		vm_destroy(vm);
		CHECK(post(0, VEC_SINGLE) >= 0, "%m");
		posted_all = true;
		pthread_join(poster, NULL);
		close(post_fd);
	}
}

/* --- storms --- */

/* Each interrupt sends the next before it ends. */
GUEST_CODE static void on_self(struct trap_frame *f)
{
	apic_write(APIC_ICR, (u32)f->vector | APIC_ASSERT | APIC_DEST_SELF);
	SCENE->got[0][f->vector]++;
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_storms(u64 self)
{
	(void)self;
	guest_set_handler(VEC_SINGLE, on_self);
	apic_enable();
	apic_write(APIC_ICR, VEC_SINGLE | APIC_ASSERT | APIC_DEST_SELF);
	for (;;)
		sti_hlt();
}

/* Takes one interrupt and never ends it. */
GUEST_CODE static void on_first(struct trap_frame *f)
{
	SCENE->got[0][f->vector]++;
}

GUEST_CODE static void guest_never_ends(u64 self)
{
	(void)self;
	guest_set_handler(VEC_SINGLE, on_first);
	apic_enable();
	sti();
	for (;;)
		cpu_relax();
}

static void *post_for_good(void *unused)
{
	while (!posted_all)
		post(0, VEC_SINGLE);
	return unused;
}

static void *signal_later(void *thread)
{
	struct timespec pause = { .tv_nsec = 20000000 };

	nanosleep(&pause, NULL);
	while (!posted_all) {
		pthread_kill(*(pthread_t *)thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Under a storm of either kind KVM_RUN returns when a signal comes, again and again. */
static void run_storm(void (*fn)(u64), bool from_outside)
{
	pthread_t self = pthread_self(), signaller, poster;

	catch_signals();
	make_vcpus(fn);
	scene->ready[1] = 1;		/* only the first runs: it shall not wait for the other */
	if (from_outside)
		REQUIRE(!pthread_create(&poster, NULL, post_for_good, NULL), "thread");
	REQUIRE(!pthread_create(&signaller, NULL, signal_later, &self), "thread");
	for (int i = 0; i < 5; i++)
		CHECK_ERRNO(ioctl(vcpus[0].v->fd, KVM_RUN, 0), EINTR);
	posted_all = true;
	pthread_join(signaller, NULL);
	if (from_outside)
		pthread_join(poster, NULL);
}

TEST(storm_to_itself)
{
	run_storm(guest_storms, false);
	CHECK(scene->got[0][VEC_SINGLE] > 1, "the storm did not start");
}

TEST(storm_without_eoi)
{
	run_storm(guest_never_ends, true);
	CHECK_EQ(scene->got[0][VEC_SINGLE], 1);
}

TEST(storm_with_eoi)
{
	run_storm(guest_takes, true);
	CHECK(scene->got[0][VEC_SINGLE] > 1, "the storm did not start");
}
