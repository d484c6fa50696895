// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's last exits as one page for a browser: style, script and record stand in it, and it loads
 * nothing. The tables are there without a script; the timelines are drawn by trace.js from the
 * record, which is a JSON object in a script element of its own.
 *
 * Whatever is not ours (a thread's name) goes through the two escapes below.
 */
#include "trace.h"

#include "names.h"
#include "trace_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void html(const char *text, FILE *to)
{
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
			fprintf(to, "&#%u;", c);
		else
			fputc(c < ' ' || c > '~' ? '?' : c, to);
	}
}

/* A JSON string, which is also safe between <script> and </script>. */
static void json(const char *text, FILE *to)
{
	fputc('"', to);
	for (; *text; text++) {
		unsigned char c = *text;

		if (c < ' ' || c > '~' || strchr("\"\\<>&'", c))
			fprintf(to, "\\u%04x", c);
		else
			fputc(c, to);
	}
	fputc('"', to);
}

/* The range of time that the page shows: from the first exit to the reading, or the end. */
static void range(const struct flight_vm *vm, uint64_t *begin, uint64_t *end)
{
	unsigned int i;

	*begin = UINT64_MAX;
	*end = 0;
	for (i = 0; i < vm->count; i++) {
		const struct flight_vcpu *vcpu = &vm->vcpu[i];

		if (!vcpu->head.nr)
			continue;
		if (vcpu->exit[0].out < *begin)
			*begin = vcpu->exit[0].out;
		if (vcpu->head.tsc > *end)
			*end = vcpu->head.tsc;
	}
	if (*begin > *end)
		*begin = *end;
}

static void record_vcpu(const struct flight_vcpu *vcpu, uint64_t begin, FILE *to)
{
	char what[80];
	unsigned int i;

	fprintf(to, "{\"id\":%u,\"exits\":[", vcpu->head.vcpu_id);
	for (i = 0; i < vcpu->head.nr; i++) {
		const struct lintel_flight_exit *e = &vcpu->exit[i];

		describe_exit(e, what, sizeof(what));
		fprintf(to, "%s[%" PRIu64 ",%" PRIu64, i ? ",\n" : "", (uint64_t)e->number,
			(uint64_t)e->out - begin);
		if (e->resumed)
			fprintf(to, ",%" PRIu64 ",", (uint64_t)e->resumed - begin);
		else
			fputs(",-1,", to);
		json(name_of_reason(e->reason), to);
		fputc(',', to);
		json(what, to);
		fprintf(to, ",%u]", e->result);
	}
	fputs("]}", to);
}

static void record(const struct flight_vm *vm, FILE *to)
{
	uint64_t begin, end;
	unsigned int i;

	range(vm, &begin, &end);
	fprintf(to,
		"<script type=\"application/json\" id=\"record\">\n{\"khz\":%u,\"end\":%" PRIu64
		",\"vcpus\":[",
		vm->count ? vm->vcpu[0].head.tsc_khz : 0, end - begin);
	for (i = 0; i < vm->count; i++) {
		if (i)
			fputc(',', to);
		record_vcpu(&vm->vcpu[i], begin, to);
	}
	fputs("]}\n</script>\n", to);
}

static void table_row(const struct flight_vcpu *vcpu, unsigned int v, unsigned int i, FILE *to)
{
	const struct lintel_flight_exit *e = &vcpu->exit[i];
	uint32_t khz = vcpu->head.tsc_khz;
	char guest[32] = "", host[32] = "", what[80], result[80];

	if (i && vcpu->exit[i - 1].resumed)
		describe_ticks(e->out - vcpu->exit[i - 1].resumed, khz, guest, sizeof(guest));
	if (e->resumed)
		describe_ticks(e->resumed - e->out, khz, host, sizeof(host));
	describe_exit(e, what, sizeof(what));
	describe_result(e, result, sizeof(result));
	fprintf(to,
		"<tr id=\"exit-%u-%u\"><td class=\"number\">%" PRIu64 "<td class=\"number\">%s"
		"<td class=\"number\">%s<td>%016" PRIx64 "<td>",
		v, i, (uint64_t)e->number, guest, host, (uint64_t)e->rip);
	html(name_of_reason(e->reason), to);
	fputs("<td>", to);
	html(what, to);
	fputs("<td>", to);
	html(result, to);
	fputs("</tr>\n", to);
}

static void vcpu_part(const struct flight_vcpu *vcpu, unsigned int v, FILE *to)
{
	unsigned int i;

	fprintf(to,
		"<h2>vCPU %u: %" PRIu64 " exits</h2>\n<svg id=\"timeline-%u\" "
		"preserveAspectRatio=\"none\"></svg>\n",
		vcpu->head.vcpu_id, (uint64_t)vcpu->head.count, v);
	if (vcpu->head.entry_error)
		fprintf(to, "<p>An entry failed with VM-instruction error %u.</p>\n",
			vcpu->head.entry_error);
	fprintf(to,
		"<details open><summary>the last %u</summary><table>\n"
		"<tr><th class=\"number\">exit<th class=\"number\">guest, before"
		"<th class=\"number\">host<th>RIP<th>reason<th>what<th>result</tr>\n",
		vcpu->head.nr);
	for (i = 0; i < vcpu->head.nr; i++)
		table_row(vcpu, v, i, to);
	fputs("</table></details>\n", to);
}

static void name(const struct lintel_vm_info *info, FILE *to)
{
	char comm[sizeof(info->comm) + 1] = { 0 };

	memcpy(comm, info->comm, sizeof(info->comm));
	html(comm, to);
	fprintf(to, ", VM #%" PRIu64, (uint64_t)info->vm);
	if (info->pid)
		fprintf(to, ", process %u", info->pid);
	fputs(info->flags & LINTEL_VM_KILLED ? ", killed" : "", to);
	fputs(info->flags & LINTEL_VM_DEAD ? ", ended" : "", to);
}

static void controls(FILE *to)
{
	static const char *const kinds[][2] = {
		{ "guest", "the guest runs" }, { "short", "exit finished at once" },
		{ "resumed", "by a handler" }, { "handling", "in its handler" },
		{ "user", "user space" },      { "error", "KVM_RUN failed" },
	};
	size_t i;

	fputs("<div id=\"bar\">width: <select id=\"by\"><option value=\"time\">by time"
	      "<option value=\"exit\">each exit the same</select> "
	      "<button id=\"all\">show all</button> <span id=\"range\"></span>",
	      to);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		fprintf(to, "<i class=\"%s\"></i>%s", kinds[i][0], kinds[i][1]);
	fputs("<div id=\"about\">the wheel zooms, a click leads to the exit's row, a double click "
	      "shows all</div></div>\n",
	      to);
}

void trace_html(const struct flight_vm *vm, FILE *to)
{
	unsigned int i;

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<title>lintel trace: ",
	      to);
	name(&vm->info, to);
	fprintf(to,
		"</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n%s</style></head>"
		"<body>\n<h1>",
		trace_page_style);
	name(&vm->info, to);
	fputs("</h1>\n", to);
	controls(to);
	for (i = 0; i < vm->count; i++)
		vcpu_part(&vm->vcpu[i], i, to);
	record(vm, to);
	fprintf(to, "<script>\n%s</script>\n</body></html>\n", trace_page_script);
}
