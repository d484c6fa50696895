// SPDX-License-Identifier: GPL-2.0-only
/*
 * `lintel inspect`: one snapshot of a vCPU, and walks of addresses. The module lets only
 * administrators do that, and not more often than 20 times a second.
 */
#include "inspect.h"

#include "../lib/error.h"
#include "../lib/kvmapi.h"
#include "command.h"
#include "flight.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADDRESSES 16

struct settings {
	const char *device, *vm;
	unsigned int vcpu;
	unsigned int addresses;
	struct {
		bool physical;
		uint64_t value;
	} address[ADDRESSES];
};

static const char usage[] =
	"Usage: lintel inspect [OPTION]... [VM]\n"
	"Shows a vCPU's registers, its VMCS with the bits in words, the local APIC, the IOAPIC\n"
	"and the posted-interrupt descriptor. A running guest is stopped for it once, for a\n"
	"moment; of a VM that has ended, the first four vCPUs' last state is there, without\n"
	"IOAPIC and memory. VM is a process id, or # and a number of 'lintel trace --list';\n"
	"without it the newest one is shown.\n\n"
	"  --vcpu N        which vCPU, from 0\n"
	"  --walk ADDRESS  also the guest's page tables for a linear address, and the EPT\n"
	"                  behind them; 'rip' stands for where the guest is\n"
	"  --ept ADDRESS   also the EPT for a guest-physical address\n"
	"  --device PATH   /dev/lintel\n"
	"  --help          this text\n"
	"For root (CAP_SYS_ADMIN).\n"
	"Exit codes: 0 done, 1 it failed, 2 usage.\n";

#define AT_RIP (~UINT64_C(0))

static int parse_number(const char *name, const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || *value > max)
		return error_set(-EINVAL, "inspect: %s does not take \"%s\"", name, text);
	return 0;
}

static int add_address(struct settings *s, const char *name, const char *text)
{
	bool physical = !strcmp(name, "--ept");
	uint64_t value = AT_RIP;
	int ret = 0;

	if (s->addresses == ADDRESSES)
		return error_set(-EINVAL, "inspect: at most %d addresses", ADDRESSES);
	if (physical || strcmp(text, "rip"))
		ret = parse_number(name, text, AT_RIP - 1, &value);
	s->address[s->addresses].physical = physical;
	s->address[s->addresses++].value = value;
	return ret;
}

static int parse_value(struct settings *s, const char *name, const char *text)
{
	uint64_t value;
	int ret = 0;

	if (!strcmp(name, "--walk") || !strcmp(name, "--ept")) {
		ret = add_address(s, name, text);
	} else if (!strcmp(name, "--vcpu")) {
		ret = parse_number(name, text, UINT32_MAX, &value);
		s->vcpu = value;
	} else if (!strcmp(name, "--device")) {
		s->device = text;
	} else {
		ret = error_set(-EINVAL,
				"inspect: unknown option \"%s\"; see lintel inspect --help", name);
	}
	return ret;
}

static int parse(char **args, void *settings)
{
	struct settings *s = settings;
	int ret = 0;

	for (; *args && !ret; args++) {
		if (**args != '-') {
			if (s->vm)
				return error_set(-EINVAL, "inspect: one VM at a time");
			s->vm = *args;
		} else if (!args[1]) {
			return error_set(-EINVAL,
					 "inspect: %s is unknown, or lacks a value; see lintel "
					 "inspect --help",
					 *args);
		} else {
			ret = parse_value(s, args[0], args[1]);
			args++;
		}
	}
	return ret;
}

struct memory {
	int dev;
	uint64_t vm;
};

static int peek(void *arg, struct lintel_peek *p)
{
	const struct memory *memory = arg;

	p->vm = memory->vm;
	return kvmapi_peek(memory->dev, p);
}

static int show_ept(struct memory *memory, uint64_t gpa)
{
	struct lintel_peek p = { .gpa = gpa & ~UINT64_C(7) };
	int ret = peek(memory, &p);

	if (ret < 0)
		return ret;
	inspect_ept(&p, stdout);
	return 0;
}

static int show_walk(struct memory *memory, const struct lintel_snapshot *s, uint64_t address)
{
	struct walk_state state;
	struct walk walk;
	int ret;

	inspect_state(s, &state);
	ret = walk_guest(&state, address, peek, memory, &walk);
	if (ret < 0)
		return ret;
	inspect_walk(address, &walk, stdout);
	return walk.end == WALK_MAPPED ? show_ept(memory, walk.gpa) : 0;
}

/* RIP is an offset in CS, whose base is 0 in 64-bit mode alone. */
static uint64_t linear_rip(const struct lintel_snapshot *s)
{
	uint64_t rip = 0, base = 0;
	uint32_t i;

	for (i = 0; i < s->fields; i++) {
		if (s->field[i].encoding == 0x681e)
			rip = s->field[i].value;
		else if (s->field[i].encoding == 0x6808)
			base = s->field[i].value;
	}
	return rip + base;
}

static int show(int dev, void *arg)
{
	const struct settings *settings = arg;
	struct lintel_snapshot s = { 0 };
	struct lintel_vm_info info;
	struct memory memory;
	unsigned int i;
	int ret;

	ret = flight_find(dev, settings->vm, &info);
	if (ret < 0)
		return ret;
	s.vm = info.vm;
	s.vcpu = settings->vcpu;
	ret = kvmapi_get_snapshot(dev, &s);
	if (ret == -EPERM)
		return error_set(ret,
				 "a VM's inside is for root, on a kernel that is not locked down");
	if (ret == -ENOENT)
		return error_set(ret, "the VM has no vCPU %u, or its state was not kept",
				 settings->vcpu);
	if (ret < 0)
		return ret;
	trace_print_name(&info, stdout);
	inspect_registers(&s, stdout);
	inspect_vmcs(&s, stdout);
	inspect_lapic(&s, stdout);
	inspect_ioapic(&s, stdout);
	inspect_pi(&s, stdout);
	memory = (struct memory){ dev, info.vm };
	if (settings->addresses && s.flags & LINTEL_VM_DEAD)
		return error_set(-ENOENT,
				 "the VM has ended, and its memory with it: there is nothing "
				 "to walk");
	for (i = 0; i < settings->addresses && ret >= 0; i++) {
		uint64_t at = settings->address[i].value;

		if (settings->address[i].physical)
			ret = show_ept(&memory, at);
		else
			ret = show_walk(&memory, &s, at == AT_RIP ? linear_rip(&s) : at);
	}
	return ret;
}

int inspect_command(char **args)
{
	static const struct observe_command command = { usage, parse, show };
	struct settings s = { .device = "/dev/lintel" };

	return observe_command(&command, args, &s, &s.device);
}
