// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves of a part of an XMM register from and to a device's memory: what copies of odd lengths end
 * in. KVM's interpreter does not know them and says so, which is a skip.
 */
#include "guest.h"
#include "vm.h"

#define DEVICE_AT	0xf0000000UL

GUEST_CODE static void guest_parts(void)
{
	volatile u64 *out = (u64 *)GPA_PAGE;
	u64 in[2] = { 0x1111111122222222, 0x3333333344444444 };

	asm volatile("movdqu %0, %%xmm3" :: "m"(in) : "memory");
	asm volatile("movss %%xmm3, (%0)" :: "r"(DEVICE_AT) : "memory");
	asm volatile("movhps %%xmm3, 8(%0)" :: "r"(DEVICE_AT) : "memory");
	asm volatile("movq (%0), %%xmm4; movdqu %%xmm4, (%1)" :: "r"(DEVICE_AT + 16), "r"(out)
		     : "memory");
	asm volatile("movlps (%0), %%xmm3; movdqu %%xmm3, (%1)" :: "r"(DEVICE_AT + 24), "r"(out + 2)
		     : "memory");
	guest_done();
}

static const struct {
	u64 at, value;
	u32 len, write;
} steps[] = {
	{ 0, 0x22222222, 4, 1 },
	{ 8, 0x3333333344444444, 8, 1 },
	{ 16, 0x5555555566666666, 8, 0 },
	{ 24, 0x7777777788888888, 8, 0 },
};

TEST(parts)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	u64 *out = gpa_ptr(v->vm, GPA_PAGE, 32);

	vcpu_set_long(v, guest_parts);
	for (u32 i = 0; i < ARRAY_SIZE(steps); i++) {
		u64 value = 0;
		int event = vcpu_next(v);

		if (event == KVM_EXIT_INTERNAL_ERROR)
			SKIP("this interpreter does not know the instruction");
		ktap_row("step %u", i);
		REQUIRE_EQ(event, KVM_EXIT_MMIO);
		CHECK_EQ(v->run->mmio.phys_addr, DEVICE_AT + steps[i].at);
		CHECK_EQ(v->run->mmio.len, steps[i].len);
		CHECK_EQ(v->run->mmio.is_write, steps[i].write);
		if (steps[i].write) {
			memcpy(&value, v->run->mmio.data, steps[i].len);
			CHECK_EQ(value, steps[i].value);
		} else {
			memcpy(v->run->mmio.data, &steps[i].value, 8);
		}
	}
	vcpu_finish(v);
	CHECK_EQ(out[0], 0x5555555566666666);
	CHECK_EQ(out[1], 0);
	CHECK_EQ(out[2], 0x7777777788888888);
	CHECK_EQ(out[3], 0x3333333344444444);
}
