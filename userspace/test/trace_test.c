// SPDX-License-Identifier: GPL-2.0-only
/*
 * A record of exits, as text and as a page: each kind of exit in words, the times, and that nothing
 * which a record or a thread's name may hold gets into a page as anything but text.
 */
#include "test.h"

#include "../observe/flight.h"
#include "../observe/names.h"
#include "../observe/trace.h"

#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	struct lintel_flight_exit exit;
	const char *reason, *what, *result;
} rows[] = {
	{ { .reason = 10, .qualification = 0x80000001 }, "cpuid", "leaf 0x80000001", "short" },
	{ { .reason = 31, .qualification = 0xc0000080, .result = LINTEL_FLIGHT_RESUMED },
	  "msr_read",
	  "MSR 0xc0000080",
	  "handled" },
	{ { .reason = 18, .qualification = 5 }, "vmcall", "hypercall 5", "short" },
	{ { .reason = 30,
	    .qualification = 0x03f80000,
	    .result = LINTEL_FLIGHT_USER,
	    .detail = KVM_EXIT_IO },
	  "io_instruction",
	  "out 0x3f8, 1 byte",
	  "to user space: IO" },
	{ { .reason = 30, .qualification = 0x00600038 | 3 },
	  "io_instruction",
	  "ins 0x60, 4 bytes, rep",
	  "short" },
	{ { .reason = 48,
	    .qualification = 0x182,
	    .gpa = 0xfee000b0,
	    .result = LINTEL_FLIGHT_USER,
	    .detail = KVM_EXIT_MMIO },
	  "ept_violation",
	  "write to 0xfee000b0, not mapped",
	  "to user space: MMIO" },
	{ { .reason = 48, .qualification = 0xbc, .gpa = 0x1000 },
	  "ept_violation",
	  "fetch from 0x1000, by the page walk",
	  "short" },
	{ { .reason = 0, .intr_info = 0x80000b0e }, "exception_nmi", "#PF", "short" },
	{ { .reason = 0, .intr_info = 0x80000202 }, "exception_nmi", "NMI of the host", "short" },
	{ { .reason = 1, .intr_info = 0x800000ec },
	  "external_interrupt",
	  "vector 0xec of the host",
	  "short" },
	{ { .reason = 1 }, "external_interrupt", "", "short" },
	{ { .reason = 28, .qualification = 0x303 }, "cr_access", "mov rbx to cr3", "short" },
	{ { .reason = 28, .qualification = 0xf18 }, "cr_access", "mov cr8 to r15", "short" },
	{ { .reason = 28, .qualification = 0x20 }, "cr_access", "clts", "short" },
	{ { .reason = 28, .qualification = 0xabcd0030 }, "cr_access", "lmsw 0xabcd", "short" },
	{ { .reason = 29, .qualification = 0x17 }, "dr_access", "mov from dr7", "short" },
	{ { .reason = 45, .qualification = 0x31 }, "eoi_induced", "vector 0x31", "short" },
	{ { .reason = 48, .result = LINTEL_FLIGHT_ERROR, .detail = 14 },
	  "ept_violation",
	  "access to 0, not mapped",
	  "KVM_RUN failed: Bad address" },
	{ { .reason = 0x80000021, .result = LINTEL_FLIGHT_USER, .detail = KVM_EXIT_FAIL_ENTRY },
	  "invalid_state",
	  "the entry failed: guest state that no processor can be in",
	  "to user space: FAIL_ENTRY" },
	{ { .reason = 12, .result = LINTEL_FLIGHT_HANDLING }, "hlt", "", "in its handler" },
	{ { .reason = 65, .qualification = 7, .result = 99 },
	  "reason 65",
	  "qualification 0x7",
	  "result 99" },
	{ { .reason = 40000, .result = LINTEL_FLIGHT_USER, .detail = 77 },
	  "reason 40000",
	  "",
	  "to user space: exit 77" },
};

void test_names(void)
{
	char text[80];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct lintel_flight_exit *e = &rows[i].exit;
		const char *name = name_of_reason(e->reason);

		CHECK(!strcmp(name, rows[i].reason), "row %zu: \"%s\"", i, name);
		describe_exit(e, text, sizeof(text));
		CHECK(!strcmp(text, rows[i].what), "row %zu: \"%s\"", i, text);
		describe_result(e, text, sizeof(text));
		CHECK(!strcmp(text, rows[i].result), "row %zu: \"%s\"", i, text);
	}
	describe_ticks(3000, 1000000, text, sizeof(text));
	CHECK(!strcmp(text, "3000 ns"), "%s", text);
	describe_ticks(3000000, 2000000, text, sizeof(text));
	CHECK(!strcmp(text, "1500.0 us"), "%s", text);
	describe_ticks(60000000000, 1000000, text, sizeof(text));
	CHECK(!strcmp(text, "60.0 s"), "%s", text);
	describe_ticks(5, 0, text, sizeof(text));
	CHECK(!strcmp(text, "5 ticks"), "%s", text);
}

/* Two vCPUs; the last exit of the second is in user space. */
static void make_vm(struct flight_vm *vm, const char *comm)
{
	unsigned int v, i;

	memset(vm, 0, sizeof(*vm));
	vm->count = 2;
	vm->vcpu = calloc(2, sizeof(*vm->vcpu));
	vm->info = (struct lintel_vm_info){ .vm = 7,
					    .pid = 123,
					    .uid = 1000,
					    .vcpus = 2,
					    .flags = LINTEL_VM_DEAD,
					    .died = 5000000000 };
	memcpy(vm->info.comm, comm, strnlen(comm, sizeof(vm->info.comm)));
	for (v = 0; v < 2; v++) {
		struct flight_vcpu *vcpu = &vm->vcpu[v];

		vcpu->head = (struct lintel_flight){ .vcpu = v,
						     .vcpu_id = v,
						     .nr = 4,
						     .count = 400 + v,
						     .tsc = 1000000,
						     .tsc_khz = 1000000 };
		for (i = 0; i < 4; i++) {
			vcpu->exit[i] = rows[i].exit;
			vcpu->exit[i].number = vcpu->head.count - 3 + i;
			vcpu->exit[i].rip = 0xffffffff81000000 + i;
			vcpu->exit[i].out = 990000 + 1000 * i;
			vcpu->exit[i].resumed = v && i == 3 ? 0 : 990300 + 1000 * i;
		}
	}
}

static char *print(void (*to)(const struct flight_vm *vm, FILE *file), const struct flight_vm *vm)
{
	size_t size;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);

	to(vm, file);
	fclose(file);
	return text;
}

void test_trace_text(void)
{
	static const char *const lines[] = {
		"VM #7 of \"qemu\", process 123, user 1000, 2 vCPUs, made ",
		"\nvCPU 0: 400 exits, the last of them:\n",
		"       398      9000 ns      700 ns      300 ns  ffffffff81000001  "
		"msr_read            MSR 0xc0000080                   handled\n",
		/* nothing before the first, nothing after the last */
		"       398      10.0 us                  300 ns  ffffffff81000000  cpuid  ",
		"       401      7000 ns      700 ns              ffffffff81000003  "
		"io_instruction      out 0x3f8, 1 byte                to user space: IO\n",
	};
	struct flight_vm vm;
	char *text;
	size_t i;

	make_vm(&vm, "qemu");
	text = print(trace_text, &vm);
	for (i = 0; i < ARRAY_SIZE(lines); i++)
		CHECK(strstr(text, lines[i]), "line %zu \"%s\" is not in:\n%s", i, lines[i], text);
	free(text);
	flight_free(&vm);

	make_vm(&vm, "\033[2J\x80\"x");
	vm.vcpu[0].head.nr = 0;
	vm.vcpu[0].head.entry_error = 7;
	text = print(trace_text, &vm);
	CHECK(!strchr(text, '\033'), "an escape reaches the terminal");
	CHECK(strstr(text, "\"?[2J?\"x\""), "the name: %s", text);
	CHECK(strstr(text, "an entry failed with VM-instruction error 7\n"), "%s", text);
	free(text);
	flight_free(&vm);
}

static unsigned int count(const char *text, const char *part)
{
	unsigned int n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

void test_trace_page(void)
{
	struct flight_vm vm;
	char *text;

	make_vm(&vm, "<script>&'\"\n\\");
	text = print(trace_html, &vm);
	CHECK(!strncmp(text, "<!DOCTYPE html>", 15), "no page");
	/* the record's and the script's own, and no third */
	CHECK_EQ(count(text, "<script"), 2, "scripts");
	CHECK_EQ(count(text, "</script>"), 2, "ends of scripts");
	CHECK_EQ(count(text, "</style>"), 1, "ends of styles");
	CHECK(strstr(text, "&#60;script&#62;&#38;&#39;&#34;?\\"), "the name");
	CHECK_EQ(count(text, "<tr id=\"exit-"), 8, "rows");
	CHECK(strstr(text, "<tr id=\"exit-1-3\">"), "the last row");
	CHECK(strstr(text,
		     "{\"khz\":1000000,\"end\":10000,\"vcpus\":[{\"id\":0,\"exits\":[[397,0,300,"
		     "\"cpuid\",\"leaf 0x80000001\",0],"),
	      "the record");
	CHECK(strstr(text, "[401,3000,-1,\"io_instruction\",\"out 0x3f8, 1 byte\",3]]}]}"),
	      "the record's end");
	/* it loads nothing */
	CHECK(!strstr(text, "://") && !strstr(text, "src="), "something is loaded");
	free(text);
	flight_free(&vm);
}

void test_trace_hostile(void)
{
	struct flight_vm vm;
	unsigned int round, i;
	char *text;

	for (round = 0; round < 200; round++) {
		make_vm(&vm, "x");
		vm.info.flags = test_random();
		vm.info.born = (uint64_t)test_random() << 32 | test_random();
		for (i = 0; i < sizeof(vm.info.comm); i++)
			vm.info.comm[i] = test_random();
		for (i = 0; i < sizeof(vm.vcpu[0].exit) / 4; i++)
			((uint32_t *)vm.vcpu[0].exit)[i] = test_random();
		for (i = 0; i < LINTEL_FLIGHT_EXITS; i++)
			vm.vcpu[0].exit[i].reason &= 0x8000007f;
		vm.vcpu[0].head.nr = test_random() % (LINTEL_FLIGHT_EXITS + 1);
		vm.vcpu[0].head.tsc_khz = test_random() % 2 ? 0 : test_random();
		text = print(trace_text, &vm);
		CHECK_EQ(strspn(text, "\n") < strlen(text), true, "text");
		free(text);
		text = print(trace_html, &vm);
		CHECK_EQ(count(text, "<script"), 2, "scripts");
		CHECK_EQ(count(text, "<tr id=\"exit-0"), vm.vcpu[0].head.nr, "rows");
		free(text);
		flight_free(&vm);
	}
}
