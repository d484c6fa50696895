/* SPDX-License-Identifier: GPL-2.0-only */
/* Where enter.S finds the members of struct recovery; machine.c asserts that they are there. */
#ifndef ENTRYCHECK_OFFSETS_H
#define ENTRYCHECK_OFFSETS_H

#define RECOVERY_TEST	0
#define RECOVERY_SOUND	8
#define RECOVERY_CR0	16
#define RECOVERY_CR3	24
#define RECOVERY_CR4	32
#define RECOVERY_EFER	40

#define FIELD_HOST_RSP	0x6c14

#endif
