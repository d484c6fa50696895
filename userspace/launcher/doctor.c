// SPDX-License-Identifier: GPL-2.0-only
/*
 * `lintel doctor`: gathers the facts (files under /proc, /sys, /boot and /dev, the capability MSRs
 * through /dev/cpu/0/msr), has them judged (doctor_report.c) and prints the table. It changes
 * nothing and loads nothing; what it may not read is reported as unknown, with the way to see it.
 */
#include "doctor.h"

#include "doctor_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TEXT_MAX	(1 << 20)
#define EFI_GLOBAL	"8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SECURE_BOOT	"/sys/firmware/efi/efivars/SecureBoot-" EFI_GLOBAL

/* The whole file, ended by a NUL; NULL if it cannot be read. The caller frees it. */
static char *read_text(const char *path, size_t *size)
{
	size_t done = 0;
	ssize_t n = 0;
	char *text;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	text = malloc(TEXT_MAX + 1);
	while (text && done < TEXT_MAX) {
		n = read(fd, text + done, TEXT_MAX - done);
		if (n <= 0)
			break;
		done += n;
	}
	close(fd);
	if (!text || n < 0) {
		free(text);
		return NULL;
	}
	text[done] = '\0';
	if (size)
		*size = done;
	return text;
}

static void gather_cpu(struct system_facts *f)
{
	char *text = read_text("/proc/cpuinfo", NULL);

	if (text)
		doctor_parse_cpuinfo(text, &f->cpu);
	free(text);
}

static void gather_bugs(struct system_facts *f)
{
	unsigned int i;

	for (i = 0; i < BUG_COUNT; i++) {
		char path[120], *text;

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/vulnerabilities/%s",
			 doctor_bug_file[i]);
		text = read_text(path, NULL);
		if (text)
			snprintf(f->bug[i], sizeof(f->bug[i]), "%.*s", (int)strcspn(text, "\n"),
				 text);
		free(text);
	}
}

static void gather_msrs(struct msr_facts *msr)
{
	unsigned int i;
	int fd = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	msr->feature_control_read = pread(fd, &msr->feature_control, sizeof(uint64_t),
					  DOCTOR_MSR_FEATURE_CONTROL) == sizeof(uint64_t);
	for (i = 0; i < DOCTOR_MSR_COUNT; i++)
		if (pread(fd, &msr->value[i], sizeof(uint64_t), DOCTOR_MSR_FIRST + i) ==
		    sizeof(uint64_t))
			msr->read |= 1u << i;
	close(fd);
}

static void gather_kernel(struct system_facts *f)
{
	struct utsname name;
	char path[160];
	char *text;

	if (uname(&name) == 0)
		snprintf(f->release, sizeof(f->release), "%s", name.release);
	doctor_parse_release(f->release, &f->kernel);
	snprintf(path, sizeof(path), "/boot/config-%s", f->release);
	text = read_text(path, NULL);
	if (text)
		doctor_parse_config(text, &f->kernel);
	free(text);
	text = read_text("/sys/kernel/security/lockdown", NULL);
	if (text)
		doctor_parse_lockdown(text, f->lockdown, sizeof(f->lockdown));
	free(text);
	snprintf(path, sizeof(path), "/lib/modules/%s/build/Makefile", f->release);
	f->headers = access(path, R_OK) == 0 ? YES : NO;
}

static void gather_boot(struct system_facts *f)
{
	size_t size = 0;
	char *data = read_text(SECURE_BOOT, &size);

	if (data)
		f->secure_boot = doctor_parse_secure_boot((uint8_t *)data, size);
	free(data);
}

static enum answer loaded(const char *modules, const char *module)
{
	char path[80];

	/* What is built in is in no list, but has a directory of its own. */
	snprintf(path, sizeof(path), "/sys/module/%s", module);
	if (access(path, F_OK) == 0 || (modules && doctor_parse_modules(modules, module)))
		return YES;
	return modules ? NO : UNKNOWN;
}

static void gather_modules(struct system_facts *f)
{
	char *text = read_text("/proc/modules", NULL);

	f->lintel = loaded(text, "lintel");
	f->kvm_intel = loaded(text, "kvm_intel");
	f->virtualbox = loaded(text, "vboxdrv");
	f->vmware = loaded(text, "vmmon");
	free(text);
	text = read_text("/sys/module/kvm/parameters/enable_virt_at_load", NULL);
	if (text)
		f->virt_at_load = doctor_parse_bool(text);
	free(text);
	f->device = access("/dev/lintel", F_OK) == 0 ? YES : NO;
	f->device_usable = access("/dev/lintel", R_OK | W_OK) == 0 ? YES : NO;
}

static void print_table(const struct doctor_row *rows, unsigned int count)
{
	static const struct { const char *word, *colour; } verdicts[] = {
		[VERDICT_OK] = { "ok", "\033[32m" },
		[VERDICT_ABSENT] = { "absent", "\033[36m" },
		[VERDICT_UNKNOWN] = { "unknown", "\033[33m" },
		[VERDICT_MISSING] = { "MISSING", "\033[31m" },
	};
	bool colour = isatty(STDOUT_FILENO);
	const char *group = "";
	unsigned int i;

	for (i = 0; i < count; i++) {
		const struct doctor_row *row = &rows[i];

		if (strcmp(group, row->group))
			printf("%s%s\n", i ? "\n" : "", row->group);
		group = row->group;
		printf("  %-30s %s%-8s%s %s\n", row->what,
		       colour ? verdicts[row->verdict].colour : "", verdicts[row->verdict].word,
		       colour ? "\033[0m" : "", row->note);
	}
}

int doctor_command(char **args)
{
	static struct doctor_row rows[DOCTOR_ROWS_MAX];
	struct system_facts facts = { 0 };
	unsigned int i, count, missing = 0;

	if (args[0] && !strcmp(args[0], "--help")) {
		printf("Usage: lintel doctor\n"
		       "Shows what this CPU and kernel have of what Lintel uses, and what to do "
		       "about\n"
		       "each thing missing. Changes nothing. Run as root it sees more.\n"
		       "Exit codes: 0 Lintel can run now, 1 something required is missing, 2 "
		       "usage.\n");
		return 0;
	}
	if (args[0]) {
		fprintf(stderr, "lintel: doctor: unknown option \"%s\"; it takes none\n", args[0]);
		return 2;
	}
	gather_cpu(&facts);
	gather_msrs(&facts.msr);
	gather_bugs(&facts);
	gather_kernel(&facts);
	gather_boot(&facts);
	gather_modules(&facts);
	count = doctor_report(&facts, rows);
	print_table(rows, count);
	for (i = 0; i < count; i++)
		missing += rows[i].verdict == VERDICT_MISSING;
	printf("\n");
	if (missing)
		printf("%u thing%s missing that Lintel needs.\n", missing, missing == 1 ? "" : "s");
	else
		printf("Lintel can run here.\n");
	return missing ? 1 : 0;
}
