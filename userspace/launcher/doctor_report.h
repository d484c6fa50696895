/* SPDX-License-Identifier: GPL-2.0-only */
/* From the facts about a machine to the rows of the table that `lintel doctor` shows. Pure. */
#ifndef LINTEL_DOCTOR_REPORT_H
#define LINTEL_DOCTOR_REPORT_H

#include "doctor_facts.h"

#define DOCTOR_ROWS_MAX	64

enum verdict {
	VERDICT_OK,
	VERDICT_ABSENT,		/* optional, and not there */
	VERDICT_UNKNOWN,
	VERDICT_MISSING,	/* required, and not there */
};

struct doctor_row {
	const char *group, *what;
	enum verdict verdict;
	char note[160];		/* what it is for, what was found, or what to do */
};

/* doctor_bugs.c: what the host does about a defect of the processor, and what Lintel does. */
enum verdict doctor_bug(const struct system_facts *f, enum bug bug, char *note, size_t size);

/* Returns the number of rows. */
unsigned int doctor_report(const struct system_facts *facts, struct doctor_row *rows);

#endif
