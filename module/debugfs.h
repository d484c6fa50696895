/* SPDX-License-Identifier: GPL-2.0-only */
/* Files in debugfs; without debugfs there are none, and nothing fails. */
#ifndef LINTEL_DEBUGFS_H
#define LINTEL_DEBUGFS_H

/* With the module; process context. */
void lintel_debugfs_init(void);
void lintel_debugfs_exit(void);

#endif
