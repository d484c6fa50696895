/* SPDX-License-Identifier: GPL-2.0-only */
/* The command `lintel doctor`; see doctor.c. */
#ifndef LINTEL_DOCTOR_H
#define LINTEL_DOCTOR_H

/* Returns 0 when Lintel can run here, 1 when something required is missing, 2 for wrong usage. */
int doctor_command(char **args);

#endif
