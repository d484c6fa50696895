// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory is the VMM's own memory: what the VMM does to its mapping while the guest runs on
 * it (MADV_DONTNEED, fork, mremap, mprotect, munmap, KSM) is what the guest sees next. The guest
 * reads or writes one word of each of N pages per request, so that stale translations show as
 * wrong values.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "files.h"
#include "guest.h"
#include "vm.h"

#define WINDOW	0x40000000UL
#define PAGE	4096UL
#define PAGES	64UL
#define SIZE	(PAGES * PAGE)

enum { OP_READ, OP_WRITE };

/*
 * ARG(0): operation, ARG(1): number of pages. Word 0 of page i is compared with or set to ARG(2) +
 * i * ARG(3); ARG(4) counts the pages that differ, ARG(5) keeps the first wrong value.
 */
GUEST_CODE static void guest_pages(void)
{
	for (;;) {
		u64 n = ARG(1), base = ARG(2), step = ARG(3), wrong = 0;

		for (u64 i = 0; i < n; i++) {
			volatile u64 *p = (volatile u64 *)(WINDOW + i * PAGE);

			if (ARG(0) == OP_WRITE) {
				*p = base + i * step;
			} else if (*p != base + i * step) {
				if (!wrong++)
					ARG(5) = *p;
			}
		}
		ARG(4) = wrong;
		guest_sync(1);
	}
}

static struct vcpu *start(void *mem, u64 size)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vm_set_region(vm, 1, 0, WINDOW, size, mem);
	vcpu_set_long(v, guest_pages);
	return v;
}

static void guest_does(struct vcpu *v, int op, u64 pages, u64 base, u64 step)
{
	volatile struct guest_shared *s = vm_shared(v->vm);

	s->arg[0] = op;
	s->arg[1] = pages;
	s->arg[2] = base;
	s->arg[3] = step;
	vcpu_expect_sync(v, 1);
	if (op == OP_READ)
		CHECK(!s->arg[4], "%llu of %llu pages differ; the first reads 0x%llx",
		      (unsigned long long)s->arg[4], (unsigned long long)pages,
		      (unsigned long long)s->arg[5]);
}

static u64 *map(u64 size, int flags, int fd)
{
	u64 *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	REQUIRE(p != MAP_FAILED, "mmap: %m");
	return p;
}

/* The VMM's view of the pages. */
static void host_sees(const u64 *mem, u64 pages, u64 base, u64 step)
{
	for (u64 i = 0; i < pages; i++) {
		if (!CHECK_EQ(mem[i * PAGE / 8], base + i * step))
			return;
	}
}

TEST(coherent_with_the_host)
{
	u64 *mem = map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct vcpu *v = start(mem, SIZE);

	guest_does(v, OP_READ, PAGES, 0, 0);		/* the zero page, if the kernel likes */
	for (u64 round = 1; round < 4; round++) {
		for (u64 i = 0; i < PAGES; i++)
			mem[i * PAGE / 8] = round * 1000 + i * 3;
		guest_does(v, OP_READ, PAGES, round * 1000, 3);
		guest_does(v, OP_WRITE, PAGES, round * 2000, 7);
		host_sees(mem, PAGES, round * 2000, 7);
	}
}

TEST(dontneed_gives_zeros)
{
	u64 *mem = map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct vcpu *v = start(mem, SIZE);

	for (int round = 0; round < 5; round++) {
		ktap_row("round %d", round);
		guest_does(v, OP_WRITE, PAGES, 0x100, 1);
		guest_does(v, OP_READ, PAGES, 0x100, 1);
		REQUIRE_OK(madvise(mem, SIZE, MADV_DONTNEED));
		guest_does(v, OP_READ, PAGES, 0, 0);
	}
}

/* Resident pages of this process, by the mapping's own account. */
static u64 resident(void *mem, u64 pages)
{
	static unsigned char vec[4096];
	u64 n = 0;

	REQUIRE_OK(mincore(mem, pages * PAGE, vec));
	for (u64 i = 0; i < pages; i++)
		n += vec[i] & 1;
	return n;
}

TEST(dontneed_frees_memory)
{
	u64 *mem = map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct vcpu *v = start(mem, SIZE);

	guest_does(v, OP_WRITE, PAGES, 1, 1);
	CHECK_EQ(resident(mem, PAGES), PAGES);
	REQUIRE_OK(madvise(mem, SIZE, MADV_DONTNEED));
	CHECK_EQ(resident(mem, PAGES), 0);
}

/*
 * After fork() the parent's pages are copy-on-write: the guest's next write must go to the
 * parent's new copy, and never into the page that the child still sees.
 */
TEST(fork_of_the_vmm)
{
	u64 *mem = map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct vcpu *v = start(mem, SIZE);
	int go[2], status = 0;
	pid_t child;
	char c;

	REQUIRE_OK(pipe(go));
	guest_does(v, OP_WRITE, PAGES, 0x500, 1);
	child = REQUIRE_OK(fork());
	if (!child) {
		if (read(go[0], &c, 1) != 1)
			_exit(2);
		for (u64 i = 0; i < PAGES; i++) {
			if (mem[i * PAGE / 8] != 0x500 + i)
				_exit(3);
		}
		_exit(0);
	}
	guest_does(v, OP_READ, PAGES, 0x500, 1);
	guest_does(v, OP_WRITE, PAGES, 0x900, 2);
	host_sees(mem, PAGES, 0x900, 2);
	REQUIRE_EQ(write(go[1], "x", 1), 1);
	REQUIRE_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status), "status 0x%x", status);
	CHECK(WEXITSTATUS(status) != 3, "the guest wrote into the child's memory");
	CHECK_EQ(WEXITSTATUS(status), 0);
	guest_does(v, OP_READ, PAGES, 0x900, 2);
}

/*
 * The mapping moves away and another one comes to its place: the slot follows the address, not the
 * pages.
 */
TEST(mremap_and_another_mapping)
{
	u64 *mem = map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1), *elsewhere, *other;
	struct vcpu *v = start(mem, SIZE);

	guest_does(v, OP_WRITE, PAGES, 0x100, 1);
	elsewhere = mremap(mem, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	REQUIRE(elsewhere != MAP_FAILED, "mremap: %m");
	other = mmap(mem, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0);
	REQUIRE_EQ((u64)other, (u64)mem);
	for (u64 i = 0; i < PAGES; i++)
		other[i * PAGE / 8] = 0x200 + i;
	guest_does(v, OP_READ, PAGES, 0x200, 1);
	guest_does(v, OP_WRITE, PAGES, 0x300, 1);
	host_sees(elsewhere, PAGES, 0x100, 1);
	host_sees(other, PAGES, 0x300, 1);
}

TEST(munmap_makes_efault)
{
	u64 *mem = map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct vcpu *v = start(mem, SIZE);

	guest_does(v, OP_WRITE, PAGES, 1, 1);
	REQUIRE_OK(munmap(mem, SIZE));
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EFAULT);
	/* The vCPU is not broken by it: with the memory back it goes on. */
	REQUIRE(mmap(mem, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0) == mem,
		"%m");
	vcpu_expect_sync(v, 1);
	guest_does(v, OP_WRITE, PAGES, 5, 1);
	host_sees(mem, PAGES, 5, 1);
}

/* A mapping that becomes read-only: the guest's reads go on, its writes end KVM_RUN with EFAULT. */
TEST(read_only_mapping)
{
	u64 *mem = map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct vcpu *v = start(mem, SIZE);

	guest_does(v, OP_WRITE, PAGES, 0x100, 1);
	REQUIRE_OK(mprotect(mem, SIZE, PROT_READ));
	guest_does(v, OP_READ, PAGES, 0x100, 1);
	vm_shared(v->vm)->arg[0] = OP_WRITE;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EFAULT);
	CHECK_EQ(mem[0], 0x100);
	REQUIRE_OK(mprotect(mem, SIZE, PROT_READ | PROT_WRITE));
	vcpu_expect_sync(v, 1);
}

/* The file grows holes under a running guest: the pages punched out are zero, the rest stays. */
TEST(hole_in_a_memfd)
{
	int fd = file_in_memory(SIZE);
	struct vcpu *v;
	u64 *mem;

	mem = map(SIZE, MAP_SHARED, fd);
	v = start(mem, SIZE);
	guest_does(v, OP_WRITE, PAGES, 0x700, 0);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE / 2) < 0)
		SKIP("fallocate: %m");
	guest_does(v, OP_READ, PAGES / 2, 0, 0);
	host_sees(mem + SIZE / 16, PAGES / 2, 0x700, 0);
}

/* KSM merges equal pages and write-protects them; the guest's writes split them again. */
TEST_SLOW(ksm, 2)
{
	int ksm = open("/sys/kernel/mm/ksm/run", O_WRONLY), fd;
	u64 *mem = map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct vcpu *v;
	char text[32];
	long shared = 0;

	if (ksm < 0)
		SKIP("no KSM: %m");
	v = start(mem, SIZE);
	guest_does(v, OP_WRITE, PAGES, 0x4444, 0);	/* all the same */
	if (madvise(mem, SIZE, MADV_MERGEABLE) < 0)
		SKIP("MADV_MERGEABLE: %m");
	fd = REQUIRE_OK(open("/sys/kernel/mm/ksm/sleep_millisecs", O_WRONLY));
	CHECK_OK(write(fd, "1", 1));
	close(fd);
	CHECK_OK(write(ksm, "1", 1));
	for (int i = 0; i < 2000 && shared < 8; i++) {	/* ksmd works by itself */
		usleep(2000);
		fd = REQUIRE_OK(open("/sys/kernel/mm/ksm/pages_sharing", O_RDONLY));
		text[read(fd, text, sizeof(text) - 1)] = '\0';
		shared = strtol(text, NULL, 10);
		close(fd);
	}
	guest_does(v, OP_READ, PAGES, 0x4444, 0);
	guest_does(v, OP_WRITE, PAGES / 2, 0x5000, 1);
	guest_does(v, OP_READ, PAGES / 2, 0x5000, 1);
	host_sees(mem + SIZE / 16, PAGES / 2, 0x4444, 0);
	CHECK_OK(write(ksm, "2", 1));			/* unmerge, stop */
	guest_does(v, OP_READ, PAGES / 2, 0x5000, 1);
	CHECK(shared >= 8, "ksmd merged only %ld pages", shared);
}
