// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the devices see of the machine (device.h): interrupt lines are the device's ioctl, the
 * console is standard output, the clocks are the host's. All of it runs in a vCPU's thread, under
 * the lock of the devices.
 */
#include "machine.h"

#include "../lib/error.h"
#include "../lib/kvmapi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S	1000000000ULL

static void host_irq(void *ctx, unsigned int gsi, int level)
{
	struct machine *machine = ctx;

	if (machine->options->no_irqchip)
		return;
	if (kvmapi_irq_line(machine->vm, gsi, level) < 0)
		machine_stop(machine, END_SETUP, "%s (interrupt line %u)", error_text(), gsi);
}

static void host_stop(void *ctx, enum end end, const char *why)
{
	machine_stop(ctx, end, "%s", why);
}

static void look_for_mark(struct machine *machine, const uint8_t *bytes, size_t count)
{
	const char *mark = machine->options->mark;
	size_t len = mark ? strlen(mark) : 0;

	if (!len || machine->marked.seen)
		return;
	while (count--) {
		memmove(machine->tail, machine->tail + 1, len - 1);
		machine->tail[len - 1] = *bytes++;
		if (!memcmp(machine->tail, mark, len)) {
			moment_take(&machine->marked);
			return;
		}
	}
}

static void host_output(void *ctx, const uint8_t *bytes, size_t count)
{
	struct machine *machine = ctx;

	look_for_mark(machine, bytes, count);
	while (count) {
		ssize_t n = write(STDOUT_FILENO, bytes, count);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			machine_stop(machine, END_SETUP, "standard output, the guest's console: %s",
				     strerror(errno));
			return;
		}
		bytes += n;
		count -= n;
	}
}

static void host_input_room(void *ctx)
{
	struct machine *machine = ctx;
	uint64_t one = 1;

	if (write(machine->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

static int64_t host_now(void *ctx)
{
	(void)ctx;
	return time(NULL);
}

static uint64_t host_monotonic_ns(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

void machine_set_host(struct machine *machine)
{
	machine->host = (struct device_host){
		.ctx = machine, .irq = host_irq, .stop = host_stop, .output = host_output,
		.input_room = host_input_room, .now = host_now, .monotonic_ns = host_monotonic_ns,
	};
}
