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
	enum emulate_mode mode;
	bool long_mode;		/* the mode is 64-bit mode */
	u64 code, data;		/* offsets of the instruction and of the data */
	u8 bytes[32];
	unsigned int length;
	struct host_state state;
};

/* data is what the data area will hold; some registers are chosen to match it. */
void make_instance(struct instance *in, const struct form *form, enum emulate_mode mode, u8 *data);

#endif /* LINTEL_EMULATE_TEST_INSTANCE_H */
