/* SPDX-License-Identifier: GPL-2.0-only */
/* What the checks say of a state, and so what the processor has to do with it. */
#ifndef ENTRYCHECK_JUDGE_H
#define ENTRYCHECK_JUDGE_H

#include "../../module/vmx/explain.h"

struct machine;

/* What comes of an attempt to enter. */
enum outcome {
	OUTCOME_CONTROL,	/* VM-instruction error 7 */
	OUTCOME_HOST,		/* VM-instruction error 8 */
	OUTCOME_GUEST,		/* exit reason 33 */
	OUTCOME_MSR,		/* exit reason 34 */
	OUTCOME_ENTERED,
	OUTCOME_OTHER,
	NR_OUTCOMES
};

#define MAX_FINDINGS	48

struct verdict {
	u32 expected;		/* bit for each outcome that the SDM allows */
	u32 emulated;		/* the same, with the known deviations of the emulator */
	u32 deviations;		/* which of them have a part in that */
	int nr;
	struct explain_finding finding[MAX_FINDINGS];
};

/* Where the emulator is known to differ from the SDM. */
struct deviation {
	const char *name;
	const char *text;
	/* a rule that it does not check, of this field (NULL: any) */
	enum explain_rule rule;
	const char *field;
	/* if given, only where this holds; without a rule: what it refuses, and how */
	bool (*when)(const struct vmcs_fields *f);
	bool refuses;
	enum outcome with;
	bool fatal;		/* the emulator ends when it goes on with such a state */
};

extern const struct deviation entrycheck_deviations[];
extern const unsigned int entrycheck_nr_deviations;

/* Set by a parameter: the processor is Bochs, and its known deviations are no failures. */
extern bool entrycheck_bochs;

/* judge - @f is what was read back from the VMCS. */
void judge(const struct machine *m, const struct vmcs_fields *f, struct verdict *v);

/*
 * judge_survivable - false if what is expected to happen, by the SDM or by the emulator's ways, is
 * an end: a host state that enter.S does not come back from, or a guest that does not exit.
 */
bool judge_survivable(const struct machine *m, const struct vmcs_fields *f,
		      const struct verdict *v);

extern const char *const entrycheck_outcomes[NR_OUTCOMES];

#endif
