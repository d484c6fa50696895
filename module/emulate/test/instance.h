/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A random instance of a form: its bytes, and the registers that make it do something.
 */
#ifndef LINTEL_EMULATE_TEST_INSTANCE_H
#define LINTEL_EMULATE_TEST_INSTANCE_H

#include "forms.h"
#include "host.h"

struct instance {
	const struct form *form;
	bool long_mode;
	u8 bytes[32];
	unsigned int length;
	struct host_state state;
	bool shift_by_cl, byte_operand;
};

/* data is what the data area will hold; some registers are chosen to match it. */
void make_instance(struct instance *in, const struct form *form, bool long_mode, u8 *data);

#endif /* LINTEL_EMULATE_TEST_INSTANCE_H */
