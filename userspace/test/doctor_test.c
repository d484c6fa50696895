// SPDX-License-Identifier: GPL-2.0-only
/*
 * The doctor's parsers with texts as kernels write them, and its verdicts on machines made of
 * facts.
 */
#include "test.h"

#include "../launcher/doctor_report.h"

#include <string.h>

static const char cpuinfo_host[] =
	"processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel name\t: Intel(R) "
	"Core(TM) "
	"i7\nflags\t\t: fpu vme vmx smx fred est\nvmx flags\t: vnmi preemption_timer ept vpid "
	"unrestricted_guest ept_ad\nbugs\t\t: none\n\nprocessor\t: 1\nvendor_id\t: Other\n";
static const char cpuinfo_guest[] =
	"processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vmxx hypervisor svmx\n\n"
	"processor\t: 1\nflags\t\t: vmx\n";
static const char cpuinfo_amd[] = "vendor_id\t: AuthenticAMD\nflags\t\t: svm\n";

static void test_cpuinfo(void)
{
	struct cpu_facts f;

	doctor_parse_cpuinfo(cpuinfo_host, &f);
	CHECK(f.intel == YES && f.vmx == YES && f.fred == YES && f.hypervisor == NO, "host");
	CHECK(!strcmp(f.model, "Intel(R) Core(TM) i7"), "%s", f.model);
	CHECK(f.has_vmx_flags && strstr(f.vmx_flags, " ept "), "%s", f.vmx_flags);
	doctor_parse_cpuinfo(cpuinfo_guest, &f);
	CHECK(f.intel == YES && f.vmx == NO && f.hypervisor == YES && !f.has_vmx_flags,
	      "words are compared whole, and the first processor counts");
	doctor_parse_cpuinfo(cpuinfo_amd, &f);
	CHECK(f.intel == NO && f.vmx == NO, "AMD");
	doctor_parse_cpuinfo("", &f);
	CHECK(f.intel == UNKNOWN && f.vmx == UNKNOWN, "nothing known");
	doctor_parse_cpuinfo("flags", &f);
	CHECK(f.vmx == UNKNOWN, "cut off");
}

static void test_small_texts(void)
{
	static const char modules[] = "kvm_intel 380928 0 - Live 0x0\nkvm 1142784 1 kvm_intel, "
				      "Live\n";
	static const uint8_t on[] = { 6, 0, 0, 0, 1 }, off[] = { 6, 0, 0, 0, 0 };
	struct kernel_facts k = { 0 };
	char mode[24];

	CHECK(doctor_parse_modules(modules, "kvm_intel"), "");
	CHECK(doctor_parse_modules(modules, "kvm"), "");
	CHECK(!doctor_parse_modules(modules, "intel") && !doctor_parse_modules(modules, "kv"), "");
	CHECK(!doctor_parse_modules("", "kvm"), "");
	doctor_parse_lockdown("none [integrity] confidentiality\n", mode, sizeof(mode));
	CHECK(!strcmp(mode, "integrity"), "%s", mode);
	doctor_parse_lockdown("[none] integrity\n", mode, sizeof(mode));
	CHECK(!strcmp(mode, "none"), "%s", mode);
	doctor_parse_lockdown("none [integ", mode, sizeof(mode));
	CHECK(!*mode, "%s", mode);
	doctor_parse_release("6.12.117+deb12-amd64", &k);
	CHECK(k.major == 6 && k.minor == 12, "%u.%u", k.major, k.minor);
	doctor_parse_release("bogus", &k);
	CHECK(k.major == 6, "a release that is none changes nothing");
	CHECK(doctor_parse_secure_boot(on, 5) == YES && doctor_parse_secure_boot(off, 5) == NO, "");
	CHECK(doctor_parse_secure_boot(on, 4) == UNKNOWN, "");
	CHECK(doctor_parse_bool("Y\n") == YES && doctor_parse_bool("0\n") == NO &&
	      doctor_parse_bool("") == UNKNOWN, "");
}

static void test_config(void)
{
	struct kernel_facts k = { 0 };

	doctor_parse_config("CONFIG_X86_64=y\nCONFIG_MODULES=y\n# CONFIG_MODULE_SIG_FORCE is not "
			    "set\n"
			    "CONFIG_MMU_NOTIFIER_X=y\nCONFIG_EVENTFD=y", &k);
	CHECK(k.config_known == YES && k.modules == YES && k.signature_forced == NO, "");
	CHECK(k.mmu_notifier == NO && k.eventfd == YES, "names are compared whole; no newline at "
							"end");
	doctor_parse_config("CONFIG_ARM64=y\n", &k);
	CHECK(k.config_known == NO, "another architecture");
}

void test_doctor_parsers(void)
{
	test_cpuinfo();
	test_small_texts();
	test_config();
}

static const struct doctor_row *find(const struct doctor_row *rows, unsigned int count,
				     const char *what)
{
	static const struct doctor_row none = { .what = "none", .verdict = VERDICT_UNKNOWN };
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!strcmp(rows[i].what, what))
			return &rows[i];
	CHECK(false, "no row \"%s\"", what);
	return &none;
}

static unsigned int missing(const struct doctor_row *rows, unsigned int count)
{
	unsigned int i, n = 0;

	for (i = 0; i < count; i++)
		n += rows[i].verdict == VERDICT_MISSING;
	return n;
}

/* A machine on which nothing is missing. */
static void make_good(struct system_facts *f)
{
	unsigned int i;

	memset(f, 0, sizeof(*f));
	doctor_parse_cpuinfo(cpuinfo_host, &f->cpu);
	f->cpu.fred = NO;
	f->msr.feature_control_read = true;
	f->msr.feature_control = 5;
	f->msr.read = (1u << DOCTOR_MSR_COUNT) - 1;
	for (i = 0; i < DOCTOR_MSR_COUNT; i++)
		f->msr.value[i] = UINT64_MAX;
	f->kernel = (struct kernel_facts){ .major = 6, .minor = 12, .config_known = YES,
		.modules = YES, .signature_forced = NO, .mmu_notifier = YES,
		.preempt_notifiers = YES, .eventfd = YES };
	f->lintel = f->device = f->device_usable = f->headers = YES;
	f->kvm_intel = f->virtualbox = f->vmware = NO;
}

static const struct doctor_row *judge(const struct system_facts *f, const char *what)
{
	static struct doctor_row rows[DOCTOR_ROWS_MAX];
	unsigned int count = doctor_report(f, rows);

	CHECK(missing(rows, count) == 1, "%s: %u things missing, not one", what,
	      missing(rows, count));
	return find(rows, count, what);
}

static void test_what_is_missing(void)
{
	struct system_facts f;

	make_good(&f);
	f.msr.feature_control = 1;
	CHECK(strstr(judge(&f, "enabled by the firmware")->note, "firmware"), "locked");
	make_good(&f);
	f.msr.value[0x48b - 0x480] &= ~(1ULL << (32 + 7));
	CHECK(judge(&f, "unrestricted guest")->verdict == VERDICT_MISSING, "unrestricted guest");
	make_good(&f);
	f.cpu.fred = YES;
	CHECK(strstr(judge(&f, "FRED inactive")->note, "fred=off"), "FRED");
	make_good(&f);
	f.kernel.minor = 0;
	CHECK(strstr(judge(&f, "version")->note, "6.1"), "6.0");
	make_good(&f);
	f.kernel.major = 7;
	f.kernel.minor = 2;
	CHECK(strstr(judge(&f, "kvm_intel for joining")->note, "modprobe kvm_intel"), "7.2");
	make_good(&f);
	strcpy(f.lockdown, "integrity");
	CHECK(strstr(judge(&f, "lockdown")->note, "mokutil"), "lockdown");
	make_good(&f);
	f.virtualbox = YES;
	CHECK(strstr(judge(&f, "VMX operation")->note, "rmmod vboxdrv"), "VirtualBox");
	make_good(&f);
	f.device_usable = NO;
	CHECK(strstr(judge(&f, "/dev/lintel")->note, "root"), "permissions");
	make_good(&f);
	f.kernel.preempt_notifiers = NO;
	CHECK(judge(&f, "CONFIG_PREEMPT_NOTIFIERS")->verdict == VERDICT_MISSING, "configuration");
}

/* What the kernel says of a defect, whether the CPU has the command for it, and what is shown. */
static const struct {
	enum bug bug;
	const char *text;
	enum answer command;
	enum verdict verdict;
	const char *note;
} bugs[] = {
	{ BUG_L1TF, "Not affected", NO, VERDICT_OK, "does not have it" },
	{ BUG_L1TF, "Mitigation: PTE Inversion", YES, VERDICT_OK, "L1 data cache flushed" },
	{ BUG_L1TF, "Mitigation: PTE Inversion; VMX: vulnerable", NO, VERDICT_OK, "displaced" },
	{ BUG_L1TF, "Mitigation: PTE Inversion; VMX: cache flushes, SMT vulnerable", YES,
	  VERDICT_OK, "SMT is on" },
	{ BUG_MDS, "Vulnerable: Clear CPU buffers attempted, no microcode", NO, VERDICT_ABSENT,
	  "no microcode" },
	{ BUG_MDS, "Mitigation: Clear CPU buffers; SMT disabled", NO, VERDICT_OK, "VERW" },
	{ BUG_SPECTRE_V2, "Mitigation: Retpolines; IBPB: conditional", YES, VERDICT_OK,
	  "IBPB between" },
	{ BUG_SPECTRE_V2, "Mitigation: Retpolines", NO, VERDICT_ABSENT, "no IBPB" },
	{ BUG_ITLB_MULTIHIT, "KVM: Mitigation: VMX disabled", NO, VERDICT_OK, "4 KiB" },
	{ BUG_ITLB_MULTIHIT, "KVM: Vulnerable", NO, VERDICT_ABSENT, "adds nothing" },
	{ BUG_VMSCAPE, "Mitigation: IBPB before exit to userspace", YES, VERDICT_OK, "user space" },
	{ BUG_VMSCAPE, "", YES, VERDICT_UNKNOWN, "says nothing" },
	{ BUG_SRBDS, "Unknown: Dependent on hypervisor status", NO, VERDICT_UNKNOWN, "hypervisor" },
};

void test_doctor_bugs(void)
{
	struct doctor_row rows[DOCTOR_ROWS_MAX];
	struct system_facts f;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		const struct doctor_row *row;
		unsigned int count;

		make_good(&f);
		f.cpu.flush_l1d = f.cpu.ibpb = bugs[i].command;
		strcpy(f.bug[bugs[i].bug], bugs[i].text);
		count = doctor_report(&f, rows);
		row = find(rows, count, doctor_bug_file[bugs[i].bug]);
		CHECK_EQ(row->verdict, bugs[i].verdict, bugs[i].text);
		CHECK(strstr(row->note, bugs[i].note), "%s: %s", bugs[i].text, row->note);
		CHECK_EQ(missing(rows, count), 0, "a defect keeps nobody from running");
	}
}

void test_doctor_report(void)
{
	struct doctor_row rows[DOCTOR_ROWS_MAX];
	struct system_facts f;
	unsigned int count;

	make_good(&f);
	count = doctor_report(&f, rows);
	CHECK(count < DOCTOR_ROWS_MAX, "the table is full: rows may be lost");
	CHECK_EQ(missing(rows, count), 0, "a good machine");
	test_what_is_missing();

	/* What is optional may be absent. */
	make_good(&f);
	f.msr.value[0x48b - 0x480] &= ~(1ULL << (32 + 17));
	count = doctor_report(&f, rows);
	CHECK_EQ(missing(rows, count), 0, "no PML");
	CHECK(find(rows, count, "page-modification logging")->verdict == VERDICT_ABSENT, "no PML");

	/* Without the MSRs the kernel's names serve, and what has none is unknown. */
	make_good(&f);
	f.msr.read = 0;
	count = doctor_report(&f, rows);
	CHECK(find(rows, count, "EPT")->verdict == VERDICT_OK, "by name");
	CHECK(find(rows, count, "EPT, 1 GiB pages")->verdict == VERDICT_ABSENT, "by name");
	CHECK(find(rows, count, "MSR bitmaps")->verdict == VERDICT_UNKNOWN, "no name");

	/* A virtual machine without VT-x gets one verdict, not one for each feature. */
	make_good(&f);
	doctor_parse_cpuinfo(cpuinfo_guest, &f.cpu);
	f.msr.read = 0;
	count = doctor_report(&f, rows);
	CHECK_EQ(missing(rows, count), 1, "no VT-x");
	CHECK(strstr(find(rows, count, "VT-x")->note, "nested"), "no VT-x");

	/* Nothing known at all must not look like a machine that can run it. */
	memset(&f, 0, sizeof(f));
	count = doctor_report(&f, rows);
	CHECK(missing(rows, count) > 0, "nothing known");
}
