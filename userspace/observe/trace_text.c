// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's last exits as text: for each vCPU one line an exit, oldest first. "at" counts back from
 * the moment of reading, or from the VM's end; "guest" is how long the guest ran before the exit,
 * "host" how long it took until it ran again.
 */
#include "trace.h"

#include "names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS UINT64_C(1000000000)

static void print_moment(const char *what, uint64_t ns, FILE *to)
{
	time_t seconds = ns / NS;
	struct tm tm;
	char text[40];

	if (!localtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%F %T", &tm))
		snprintf(text, sizeof(text), "%" PRIu64 " s", ns / NS);
	fprintf(to, ", %s %s", what, text);
}

void trace_print_name(const struct lintel_vm_info *info, FILE *to)
{
	char name[sizeof(info->comm) + 1] = { 0 };
	size_t i;

	/* a thread's name is anything: nothing of it reaches the terminal as a control */
	memcpy(name, info->comm, sizeof(info->comm));
	for (i = 0; name[i]; i++)
		if (name[i] < ' ' || name[i] > '~')
			name[i] = '?';
	fprintf(to, "VM #%" PRIu64 " of \"%s\"", (uint64_t)info->vm, name);
	if (info->pid)
		fprintf(to, ", process %u", info->pid);
	fprintf(to, ", user %u, %u vCPU%s", info->uid, info->vcpus, info->vcpus == 1 ? "" : "s");
	print_moment("made", info->born, to);
	if (info->died)
		print_moment("ended", info->died, to);
	if (info->flags & LINTEL_VM_KILLED)
		fprintf(to, ", killed: a VMX instruction failed");
	fputc('\n', to);
}

static void print_exit(const struct lintel_flight *head, const struct lintel_flight_exit *e,
		       const struct lintel_flight_exit *before, FILE *to)
{
	char at[32], guest[32] = "", host[32] = "", what[80], result[80];

	describe_ticks(head->tsc - e->out, head->tsc_khz, at, sizeof(at));
	if (before && before->resumed)
		describe_ticks(e->out - before->resumed, head->tsc_khz, guest, sizeof(guest));
	if (e->resumed)
		describe_ticks(e->resumed - e->out, head->tsc_khz, host, sizeof(host));
	describe_exit(e, what, sizeof(what));
	describe_result(e, result, sizeof(result));
	fprintf(to, "%10" PRIu64 " %12s %11s %11s  %016" PRIx64 "  %-19s %-32s %s\n",
		(uint64_t)e->number, at, guest, host, (uint64_t)e->rip, name_of_reason(e->reason),
		what, result);
}

static void print_vcpu(const struct flight_vcpu *vcpu, FILE *to)
{
	const struct lintel_flight *head = &vcpu->head;
	unsigned int i;

	fprintf(to, "\nvCPU %u: %" PRIu64 " exit%s", head->vcpu_id, (uint64_t)head->count,
		head->count == 1 ? "" : "s");
	if (head->entry_error)
		fprintf(to, "; an entry failed with VM-instruction error %u", head->entry_error);
	if (!head->nr) {
		fprintf(to, "\n");
		return;
	}
	fprintf(to, "%s\n%10s %12s %11s %11s  %-16s  %-19s %-32s %s\n",
		head->count > head->nr ? ", the last of them:" : "", "exit", "at, before", "guest",
		"host", "RIP", "reason", "what", "result");
	for (i = 0; i < head->nr; i++)
		print_exit(head, &vcpu->exit[i], i ? &vcpu->exit[i - 1] : NULL, to);
}

void trace_text(const struct flight_vm *vm, FILE *to)
{
	unsigned int i;

	trace_print_name(&vm->info, to);
	for (i = 0; i < vm->count; i++)
		print_vcpu(&vm->vcpu[i], to);
}
