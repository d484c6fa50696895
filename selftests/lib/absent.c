// SPDX-License-Identifier: GPL-2.0-only
/*
 * A userfaultfd that is read by the test itself: nothing comes without its doing.
 */
#include "absent.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/syscall.h>

#include "vm.h"

#define PAGE		4096UL
#define PATIENCE_MS	10000

struct absent absent_make(u64 size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct absent a = { .size = size };

	a.fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (a.fd < 0)
		SKIP("no userfaultfd: %m");
	REQUIRE_OK(ioctl(a.fd, UFFDIO_API, &api));
	a.mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(a.mem != MAP_FAILED, "mmap: %m");
	range.range.start = (u64)a.mem;
	range.range.len = size;
	REQUIRE_OK(ioctl(a.fd, UFFDIO_REGISTER, &range));
	return a;
}

u64 absent_wait(const struct absent *a)
{
	struct pollfd p = { .fd = a->fd, .events = POLLIN };
	struct uffd_msg msg;

	REQUIRE(poll(&p, 1, PATIENCE_MS) == 1, "nobody asks for a page");
	REQUIRE_EQ(read(a->fd, &msg, sizeof(msg)), sizeof(msg));
	REQUIRE_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
	return (msg.arg.pagefault.address & -PAGE) - (u64)a->mem;
}

void absent_give(const struct absent *a, u64 offset, u64 value)
{
	static __thread u64 page[PAGE / sizeof(u64)];
	struct uffdio_copy copy = {
		.dst = (u64)a->mem + offset, .src = (u64)page, .len = PAGE,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(page); i++)
		page[i] = value;
	REQUIRE_OK(ioctl(a->fd, UFFDIO_COPY, &copy));
}

/* No memory is registered there, which the kernel finds out if there is an address space. */
bool absent_gone(const struct absent *a)
{
	struct uffdio_zeropage zero = { .range = { .start = 1 << 20, .len = PAGE } };

	return ioctl(a->fd, UFFDIO_ZEROPAGE, &zero) < 0 && errno == ESRCH;
}
