/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the life_* programs: the module behind the device under test, its reference count, loading
 * and unloading. LINTEL_DEVICE's last component tells the module:
 * `kvm` is kvm_intel, else the name itself. LINTEL_MODULE names the .ko file for the tests that
 * load it again (default: where the test machine keeps it).
 */
#ifndef LINTEL_SELFTESTS_MODULE_H
#define LINTEL_SELFTESTS_MODULE_H

#include "vm.h"

const char *module_name(void);
const char *module_file(void);
const char *kvm_intel_file(void);
bool module_loaded(const char *name);
int module_references(const char *name);		/* -1: not loaded */
int module_unload(const char *name);			/* 0 or -1 and errno */
int module_load(const char *file, const char *args);

/* Skips the test without root or the file, or when the module is not loaded or in use. */
void module_needed(void);
void module_reload(void);				/* no args */
void module_works(void);				/* a VM is made, runs and ends */

/*
 * Waits at most ms for the count to come down to `want`: the last reference of a file goes after
 * its close returns.
 */
bool module_references_settle(int want, unsigned int ms);

#endif
