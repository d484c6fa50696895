// SPDX-License-Identifier: GPL-2.0-only
/*
 * entrycheck: the rules of VM entry against the processor, where no ioctl reaches.
 *
 * Lintel's list of those rules (module/vmx/explain.h) is compiled in here; a VMCS is spoilt, the
 * list says what has to come of it, and the processor is asked.  selftests/exit_entry_rules.c does
 * that for guest state by ioctls; control fields and the host's state are the keys to the host, and
 * no interface of lintel.ko writes them.  So this is a module of its own, for the test machine: it
 * loads host states that are wrong by design, and interrupts in the midst of that would end the
 * machine.  It needs a CPU that is not in VMX operation, runs all there is at load, and prints KTAP
 * into the kernel's log.
 *
 * Parameters: states (how many random ones), seed; risky (the name of one row of risky.c, instead
 * of all else); bochs (its known deviations from the SDM are counted, and are no failures); verbose
 * (each state before it is tried: who is lost, was the last).
 */
#include <linux/bitmap.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "edit.h"
#include "machine.h"
#include "risky.h"

static unsigned int states = 20000;
module_param(states, uint, 0444);
static unsigned long seed = 20261129;
module_param(seed, ulong, 0444);
static char *risky = "";
module_param(risky, charp, 0444);
module_param_named(bochs, entrycheck_bochs, bool, 0444);
static bool verbose;
module_param(verbose, bool, 0444);

#define say(fmt, ...)	pr_info("entrycheck: " fmt, ##__VA_ARGS__)
#define MOST_TOLD	30	/* disagreements that are printed */

struct tally {
	u32 states, untried, wrong;
	u32 outcome[NR_OUTCOMES];
	u32 deviation[32];
	DECLARE_BITMAP(rules, NR_EXPLAIN_RULES);	/* broken alone, and refused for it */
	unsigned int tests, failed;
};

static void result(struct tally *t, bool ok, const char *what)
{
	t->tests++;
	t->failed += !ok;
	say("%sok %u %s\n", ok ? "" : "not ", t->tests, what);
}

static void tell_state(const struct machine *m, const struct vmcs_fields *f)
{
	unsigned int i;

	for (i = 0; i < entrycheck_nr_fields; i++) {
		const struct field *field = &entrycheck_fields[i];

		if (member_of(f, field->offset) != member_of(&m->sound, field->offset))
			say("#     %s = 0x%llx\n", field->name, member_of(f, field->offset));
	}
}

static void tell(const struct machine *m, const struct vmcs_fields *f, const struct attempt *a,
		 const char *what)
{
	int i;

	say("# %s: %s (error %u, reason 0x%x, qualification %llu)\n", what,
	    entrycheck_outcomes[a->outcome], a->error, a->reason, a->qualification);
	tell_state(m, f);
	for (i = 0; i < min(a->verdict.nr, 4); i++)
		say("#   rule: %s: %s\n", a->verdict.finding[i].field, a->verdict.finding[i].text);
}

/* Whether the processor did as the rules say, or as the emulator is known to do. */
static bool agrees(struct tally *t, const struct attempt *a)
{
	unsigned int i;

	t->states++;
	t->outcome[a->outcome]++;
	if (a->verdict.expected & BIT(a->outcome))
		return true;
	if (!(a->verdict.emulated & BIT(a->outcome)))
		return false;
	for (i = 0; i < entrycheck_nr_deviations; i++)
		if (a->verdict.deviations & BIT(i))
			t->deviation[i]++;
	return true;
}

static bool compare(struct machine *m, struct tally *t, const struct vmcs_fields *f,
		    struct attempt *a, const char *what)
{
	if (verbose) {
		say("# next: %s\n", what);
		tell_state(m, f);
	}
	machine_try(m, f, a, false);
	if (!a->tried) {
		t->untried++;
		return true;
	}
	if (agrees(t, a))
		return true;
	if (t->wrong++ < MOST_TOLD)
		tell(m, f, a, what);
	return false;
}

/* The row breaks what it says, unless this processor lacks the control that it is about. */
static bool row_is_right(struct tally *t, const struct row *row, const struct attempt *a)
{
	const struct verdict *v = &a->verdict;
	bool found = false, lacks = false;
	int i;

	for (i = 0; i < min(v->nr, MAX_FINDINGS); i++) {
		enum explain_rule rule = v->finding[i].rule;

		found |= rule == row->rule;
		lacks |= rule == RULE_CTL_PIN || rule == RULE_CTL_PROC || rule == RULE_CTL_PROC2 ||
			 rule == RULE_CTL_EXIT || rule == RULE_CTL_ENTRY || rule == RULE_HOST_CR4;
	}
	if (row->kind == ROW_HOLDS)
		return !v->nr || lacks;
	if (found && a->tried && (row->kind == ROW_BREAKS_TOO || v->nr == 1))
		set_bit(row->rule, t->rules);
	return (found && (row->kind == ROW_BREAKS_TOO || v->nr == 1)) || lacks;
}

static void run_rows(struct machine *m, struct tally *t, struct attempt *a, const struct row *rows,
		     unsigned int nr, const char *what)
{
	struct vmcs_fields *f = &a->wanted;
	unsigned int i;
	bool ok = true;

	for (i = 0; i < nr; i++) {
		machine_begin(m);
		*f = m->sound;
		edit_apply(m, f, &rows[i]);
		ok &= compare(m, t, f, a, rows[i].name);
		if (!row_is_right(t, &rows[i], a)) {
			ok = false;
			tell(m, f, a, "row of a rule that is not the one found");
			say("#   row %u: %s\n", i, rows[i].name);
		}
		machine_end(m);
		cond_resched();
	}
	result(t, ok, what);
}

/* Pairs of entries, of which the second cannot be loaded: the exit says which one it was. */
static void run_bad_msrs(struct machine *m, struct tally *t, struct attempt *a)
{
	struct vmcs_fields *f = &a->wanted;
	unsigned int i;
	bool ok = true;

	for (i = 0; i < PAGE_SIZE / 32; i++) {
		machine_begin(m);
		*f = m->sound;
		f->entry_msr_load_addr = page_pa(m, PAGE_BAD_MSRS) + 32 * i;
		f->entry_msr_load_count = 2;
		ok &= compare(m, t, f, a, "MSR-load area");
		if (a->outcome == OUTCOME_MSR && a->qualification != 2) {
			ok = false;
			tell(m, f, a, "not the second entry");
		}
		machine_end(m);
	}
	result(t, ok, "entries of the MSR-load area that cannot be loaded fail with reason 34");
}

static void run_random(struct machine *m, struct tally *t, struct attempt *a)
{
	struct vmcs_fields *f = &a->wanted;
	unsigned int i, batch;
	bool ok = true;

	random_seed(seed);
	for (i = 0; i < states; i += batch) {
		machine_begin(m);
		for (batch = 0; batch < 16 && i + batch < states; batch++) {
			*f = m->sound;
			random_state(m, f);
			ok &= compare(m, t, f, a, "random");
		}
		machine_end(m);
		cond_resched();
	}
	result(t, ok, "random states");
}

static void tell_rules(struct tally *t)
{
	static const char *const names[] = {
#define RULE(id, area, text) #id,
		EXPLAIN_RULES(RULE)
#undef RULE
	};
	unsigned int i, alone = 0, all = 0;

	for (i = 0; i < NR_EXPLAIN_RULES && names[i][0] != 'G' && names[i][0] != 'S'; i++) {
		all++;
		if (test_bit(i, t->rules))
			alone++;
		else
			say("# no row broke %s\n", names[i]);
	}
	say("# %u of %u rules on controls and host state were broken by a row of their own\n",
	    alone, all);
}

static void tell_tally(struct tally *t, const char *what)
{
	unsigned int i;

	say("# %s: %u states tried, %u not (they would not be survived), %u disagreements\n", what,
	    t->states, t->untried, t->wrong);
	for (i = 0; i < NR_OUTCOMES; i++)
		if (t->outcome[i])
			say("#   %-18s %u\n", entrycheck_outcomes[i], t->outcome[i]);
	for (i = 0; i < entrycheck_nr_deviations; i++)
		if (t->deviation[i])
			say("#   known deviation, %u states: %s: %s\n", t->deviation[i],
			    entrycheck_deviations[i].name, entrycheck_deviations[i].text);
}

static void run_all(struct machine *m, struct tally *t, struct attempt *a)
{
	say("KTAP version 1\n");
	say("1..6\n");
	run_rows(m, t, a, entrycheck_control_rows, entrycheck_nr_control_rows,
		 "rules on control fields, row by row");
	run_rows(m, t, a, entrycheck_host_rows, entrycheck_nr_host_rows,
		 "rules on the host state, row by row");
	run_rows(m, t, a, entrycheck_guest_rows, entrycheck_nr_guest_rows,
		 "rules on guest state that no ioctl sets, row by row");
	run_bad_msrs(m, t, a);
	tell_tally(t, "rows");
	tell_rules(t);
	run_random(m, t, a);
	tell_tally(t, "with random states");
	/* what only refuses, or only enters, compares nothing */
	result(t, t->outcome[OUTCOME_ENTERED] > t->states / 20 &&
	       t->outcome[OUTCOME_CONTROL] > t->states / 20 &&
	       t->outcome[OUTCOME_HOST] > t->states / 20, "enough of each kind");
}

static void run_risky(struct machine *m, struct attempt *a)
{
	int err = risky_row(m, risky, a);

	if (err)
		say("there is no row %s\n", risky);
	else
		tell(m, &m->sound, a, "came back");
}

static int __init entrycheck_init(void)
{
	struct machine *m = kzalloc(sizeof(*m), GFP_KERNEL);
	struct attempt *a = kzalloc(sizeof(*a), GFP_KERNEL);
	struct tally *t = kzalloc(sizeof(*t), GFP_KERNEL);
	int err = -ENOMEM;

	if (m && a && t) {
		err = machine_start(m);
		if (!err && *risky)
			run_risky(m, a);
		else if (!err)
			run_all(m, t, a);
		machine_stop(m);
	}
	kfree(m);
	kfree(a);
	kfree(t);
	return err;
}

static void __exit entrycheck_exit(void)
{
}

module_init(entrycheck_init);
module_exit(entrycheck_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The rules of VM entry against the processor; for the test machine alone");
