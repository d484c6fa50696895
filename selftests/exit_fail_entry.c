// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest state that user space sets and the CPU refuses: KVM_RUN must say so (KVM_EXIT_FAIL_ENTRY
 * with the reason, or KVM_EXIT_INTERNAL_ERROR, or EINVAL from KVM_SET_SREGS already), again and
 * again, without harm to the host, and the same vCPU must run once its state is right.
 */
#include <linux/lintel.h>

#include "guest.h"
#include "vm.h"

GUEST_CODE static void guest_ends(void) { guest_done(); }

static void bad_cs(struct kvm_sregs *s) { s->cs.l = 1; s->cs.db = 1; }
static void bad_tr(struct kvm_sregs *s) { s->tr.type = 3; }
static void no_tr(struct kvm_sregs *s) { s->tr.unusable = 1; s->tr.present = 0; }
static void bad_ss(struct kvm_sregs *s) { s->ss.type = 11; s->ss.dpl = 2; }
static void bad_granularity(struct kvm_sregs *s) { s->ds.limit = 0x12345; s->ds.g = 1; }
static void bad_base(struct kvm_sregs *s) { s->gdt.base = 0x0000900000000000; }
static void bad_fs(struct kvm_sregs *s) { s->fs.base = 0x0000900000000000; }
static void bad_ldt(struct kvm_sregs *s) { s->ldt = s->ds; s->ldt.s = 1; }

static const struct bad_row {
	const char *name;
	void (*spoil)(struct kvm_sregs *s);
	const char *field; /* that Lintel must name as the one that breaks a rule */
} rows[] = {
	{ "CS with L and D", bad_cs, "guest_cs_ar" },
	{ "TR of a 16-bit type in long mode", bad_tr, "guest_tr_ar" },
	{ "TR unusable", no_tr, "guest_tr_ar" },
	{ "SS with a code type", bad_ss, "guest_ss_ar" },
	{ "limit and granularity disagree", bad_granularity, "guest_ds_ar" },
	{ "GDT base not canonical", bad_base, "guest_gdtr_base" },
	{ "FS base not canonical", bad_fs, "guest_fs_base" },
	{ "LDTR with a data descriptor", bad_ldt, "guest_ldtr_ar" },
};

/* Lintel says which rules the state breaks; kvm_intel has no such capability. */
static void explained(struct vcpu *v, const char *field)
{
	struct lintel_entry_report report = { 0 };
	bool named = false;

	if (ioctl(v->vm->fd, KVM_CHECK_EXTENSION, LINTEL_CAP_EXPLAIN_ENTRY) <= 0) {
		CHECK(!strstr(device_path(), "lintel"), "the capability is absent");
		return;
	}
	REQUIRE_OK(ioctl(v->fd, LINTEL_EXPLAIN_ENTRY, &report));
	CHECK(report.broken >= 1 && report.findings >= 1, "broken %u", report.broken);
	for (u32 i = 0; i < report.findings; i++)
		named |= !strcmp(report.finding[i].field, field);
	CHECK(named, "the first of %u findings is %s: %s; %s was expected", report.broken,
	      report.finding[0].field, report.finding[0].rule, field);
}

TEST(refused_and_recovered)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kvm_sregs good, bad;

		ktap_row("%s", rows[i].name);
		vcpu_set_long(v, guest_ends);
		vcpu_get_sregs(v, &good);
		bad = good;
		rows[i].spoil(&bad);
		errno = 0;
		if (ioctl(v->fd, KVM_SET_SREGS, &bad) < 0) {
			CHECK_EQ(errno, EINVAL);
		} else {
			for (int again = 0; again < 3; again++) {
				int reason = vcpu_run(v);

				CHECK(reason == KVM_EXIT_FAIL_ENTRY ||
					      reason == KVM_EXIT_INTERNAL_ERROR,
				      "exit %d (%s)", reason, exit_name(reason));
				/*
				 * Bit 31 and basic reason 33: entry failed by invalid guest state.
				 */
				if (reason == KVM_EXIT_FAIL_ENTRY)
					CHECK_EQ(v->run->fail_entry.hardware_entry_failure_reason,
						 0x80000021);
				explained(v, rows[i].field);
			}
		}
		vcpu_set_sregs(v, &good);
		vcpu_set_long(v, guest_ends);
		vcpu_finish(v);
	}
}

/* RFLAGS and RIP are checked by the CPU too. */
TEST(registers)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_regs regs;
	int reason;

	vcpu_set_long(v, guest_ends);
	vcpu_get_regs(v, &regs);
	regs.rip = 0x0000900000000000;
	vcpu_set_regs(v, &regs);
	reason = vcpu_run(v);
	CHECK(reason == KVM_EXIT_FAIL_ENTRY || reason == KVM_EXIT_INTERNAL_ERROR ||
		      reason == KVM_EXIT_SHUTDOWN || v->run->io.port == PORT_ABORT,
	      "exit %d (%s)", reason, exit_name(reason));
	vcpu_set_long(v, guest_ends);
	vcpu_finish(v);
	vcpu_get_regs(v, &regs);
	regs.rip = guest_addr(guest_ends);
	regs.rflags = FLAG_FIXED | 1UL << 17;		/* VM in long mode */
	if (ioctl(v->fd, KVM_SET_REGS, &regs) == 0) {
		reason = vcpu_run(v);
		CHECK(reason == KVM_EXIT_FAIL_ENTRY || reason == KVM_EXIT_INTERNAL_ERROR,
		      "exit %d (%s)", reason, exit_name(reason));
	}
	vcpu_set_long(v, guest_ends);
	vcpu_finish(v);
}
