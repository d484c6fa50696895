/* SPDX-License-Identifier: GPL-2.0-only */
/* For the life_* programs: the kernel's memory. */
#ifndef LINTEL_SELFTESTS_MEMORY_H
#define LINTEL_SELFTESTS_MEMORY_H

/* kB that no process and no page cache accounts for, once freeing by RCU has come to rest. */
long kernel_memory(void);

#endif
