// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's registers: what each can hold, and what a write to it does.
 *
 * One table says which registers exist, in which mode, and which bits they hold.  xAPIC accesses
 * (MMIO) and x2APIC accesses (MSRs) both go through it: a reserved bit is dropped by the former
 * and refused, for a #GP, by the latter; a register that does not exist is an error in the ESR
 * for the former and a #GP for the latter.
 */
#include "lapic.h"
#include "chips.h"

#define REG_READ	BIT(0)
#define REG_WRITE	BIT(1)
#define REG_XAPIC	BIT(2)		/* in xAPIC mode only */
#define REG_X2APIC	BIT(3)		/* in x2APIC mode only */
#define REG_X2APIC_RO	BIT(4)		/* written in xAPIC mode only */
#define REG_CMCI	BIT(5)		/* with MCG_CMCI_P only */
#define REG_RW		(REG_READ | REG_WRITE)

#define LVT_VECTOR	0x000ffu
#define LVT_MODE	0x00700u
#define LVT_STATUS	0x01000u	/* delivery status: reads as 0, idle */
#define LVT_PIN		0x0e000u	/* polarity, remote IRR, trigger mode */
#define LVT_PLAIN	(LVT_VECTOR | LVT_STATUS | APIC_LVT_MASKED)

#define SPIV_VALID	0x3ffu
#define TDCR_VALID	0xbu
#define MAX_SLOT	(APIC_SELF_IPI / 16)
/* reserved bits are kept as they are written, as in KVM */
#define ICR_XAPIC_VALID	(~(u32)APIC_ICR_BUSY)
/* bits of the MSR's low half that the SDM reserves; bit 12 may be written, and reads as 0 */
#define ICR_X2APIC_RESERVED (GENMASK(31, 20) | GENMASK(17, 16) | BIT(13))

struct lapic_reg {
	u8 flags;
	u32 valid;	/* bits that a write may set */
};

static const struct lapic_reg lapic_regs[MAX_SLOT + 1] = {
	[APIC_ID / 16 ... APIC_LVR / 16] = { REG_READ, 0 },
	[APIC_TASKPRI / 16]	= { REG_RW, 0xff },
	[APIC_ARBPRI / 16]	= { REG_READ | REG_XAPIC, 0 },
	[APIC_PROCPRI / 16]	= { REG_READ, 0 },
	[APIC_EOI / 16]		= { REG_WRITE, 0 },
	[APIC_LDR / 16]		= { REG_RW | REG_X2APIC_RO, 0xff000000 },
	[APIC_DFR / 16]		= { REG_RW | REG_XAPIC, 0xf0000000 },
	[APIC_SPIV / 16]	= { REG_RW, SPIV_VALID },
	[APIC_ISR / 16 ... APIC_IRR / 16 + 7] = { REG_READ, 0 },
	[APIC_ESR / 16]		= { REG_RW, 0 },
	[APIC_LVTCMCI / 16]	= { REG_RW | REG_CMCI, LVT_PLAIN | LVT_MODE },
	[APIC_ICR / 16]		= { REG_RW, ICR_XAPIC_VALID },
	[APIC_ICR2 / 16]	= { REG_RW | REG_XAPIC, 0xff000000 },
	[APIC_LVTT / 16]	= { REG_RW, LVT_PLAIN | LAPIC_TIMER_MODES },
	[APIC_LVTTHMR / 16]	= { REG_RW, LVT_PLAIN | LVT_MODE },
	[APIC_LVTPC / 16]	= { REG_RW, LVT_PLAIN | LVT_MODE },
	[APIC_LVT0 / 16]	= { REG_RW, LVT_PLAIN | LVT_MODE | LVT_PIN },
	[APIC_LVT1 / 16]	= { REG_RW, LVT_PLAIN | LVT_MODE | LVT_PIN },
	[APIC_LVTERR / 16]	= { REG_RW, LVT_PLAIN },
	[APIC_TMICT / 16]	= { REG_RW, 0xffffffff },
	[APIC_TMCCT / 16]	= { REG_READ, 0 },
	[APIC_TDCR / 16]	= { REG_RW, TDCR_VALID },
	[APIC_SELF_IPI / 16]	= { REG_WRITE | REG_X2APIC, 0xff },
};

/* The register at @offset if it exists in this mode and allows @access, else NULL. */
static const struct lapic_reg *reg_find(struct lintel_lapic *lapic, unsigned int offset, u8 access)
{
	bool x2apic = lapic_x2apic(lapic);
	const struct lapic_reg *reg;

	if (offset & 0xf || offset / 16 > MAX_SLOT)
		return NULL;
	reg = &lapic_regs[array_index_nospec(offset / 16, MAX_SLOT + 1)];
	if (!(reg->flags & access))
		return NULL;
	if (reg->flags & REG_CMCI && !(lapic->vcpu->mcg_cap & MCG_CMCI_P))
		return NULL;
	if (reg->flags & (x2apic ? REG_XAPIC : REG_X2APIC))
		return NULL;
	if (access == REG_WRITE && x2apic && reg->flags & REG_X2APIC_RO)
		return NULL;
	return reg;
}

int lintel_lapic_reg_read(struct lintel_lapic *lapic, unsigned int offset, u32 *value)
{
	*value = 0;
	if (!reg_find(lapic, offset, REG_READ))
		return -EINVAL;

	switch (offset) {
	case APIC_PROCPRI:
		*value = lintel_lapic_update_ppr(lapic);
		break;
	case APIC_TMCCT:
		*value = lintel_lapic_timer_count(lapic);
		break;
	default:
		*value = lapic_get(lapic, offset);
		break;
	}
	return 0;
}

static void reg_write_spiv(struct lintel_lapic *lapic, u32 value)
{
	unsigned int offset;

	lapic_put(lapic, APIC_SPIV, value);
	if (value & APIC_SPIV_APIC_ENABLED)
		return;
	/* while the LAPIC is disabled by software every LVT entry is masked */
	for (offset = APIC_LVTT; offset <= APIC_LVTERR; offset += 16)
		lapic_put(lapic, offset, lapic_get(lapic, offset) | APIC_LVT_MASKED);
	lapic_put(lapic, APIC_LVTCMCI, lapic_get(lapic, APIC_LVTCMCI) | APIC_LVT_MASKED);
}

static void reg_write_lvt(struct lintel_lapic *lapic, unsigned int offset, u32 value)
{
	u32 old = lapic_get(lapic, offset);

	value &= ~LVT_STATUS;
	if (!lapic_software_enabled(lapic))
		value |= APIC_LVT_MASKED;
	if (offset == APIC_LVTT)
		lintel_lapic_timer_update(lapic->vcpu);
	lapic_put(lapic, offset, value);
	if (offset == APIC_LVTT)
		lintel_lapic_timer_lvt(lapic, old, value);
}

/* @value holds valid bits only. */
static void reg_write(struct lintel_lapic *lapic, unsigned int offset, u32 value)
{
	switch (offset) {
	case APIC_EOI:
		lintel_lapic_eoi(lapic);
		return;
	case APIC_ICR:
		lapic_put(lapic, APIC_ICR, value);
		lintel_lapic_send_ipi(lapic, value, lapic_get(lapic, APIC_ICR2));
		return;
	case APIC_SELF_IPI:
		lintel_lapic_send_ipi(lapic, APIC_DEST_SELF | value, 0);
		return;
	case APIC_ESR:
		lapic_put(lapic, APIC_ESR, atomic_xchg(&lapic->esr, 0));
		return;
	case APIC_DFR:
		lapic_put(lapic, APIC_DFR, value | 0x0fffffff);
		lintel_vcpu_request(lapic->vcpu, REQ_EOI_VECTORS);
		return;
	case APIC_LDR:
		lapic_put(lapic, APIC_LDR, value);
		lintel_vcpu_request(lapic->vcpu, REQ_EOI_VECTORS);
		return;
	case APIC_SPIV:
		reg_write_spiv(lapic, value);
		break;
	case APIC_TMICT:
		lintel_lapic_timer_update(lapic->vcpu);
		if ((lapic_get(lapic, APIC_LVTT) & LAPIC_TIMER_MODES) ==
		    APIC_LVT_TIMER_TSCDEADLINE)
			return;
		lapic_put(lapic, APIC_TMICT, value);
		lintel_lapic_timer_start(lapic, value);
		return;
	case APIC_TDCR:
		lintel_lapic_timer_divide(lapic, value);
		return;
	case APIC_LVTCMCI:
	case APIC_LVTT ... APIC_LVTERR:
		reg_write_lvt(lapic, offset, value);
		break;
	default:
		lapic_put(lapic, offset, value);
		break;
	}
	/* TPR, SPIV and LVT0 decide what can be delivered */
	lintel_vcpu_request(lapic->vcpu, REQ_EVENT);
}

int lintel_lapic_reg_write(struct lintel_lapic *lapic, unsigned int offset, u32 value)
{
	const struct lapic_reg *reg = reg_find(lapic, offset, REG_WRITE);

	if (!reg)
		return -EINVAL;
	if (lapic_x2apic(lapic) && value & ~reg->valid)
		return -EINVAL;
	reg_write(lapic, offset, value & reg->valid);
	return 0;
}

void lintel_lapic_guest_write(struct lintel_lapic *lapic, unsigned int offset, u32 value)
{
	/* the ID is read-only, and writing it no error */
	if (lintel_lapic_reg_write(lapic, offset, value) && offset != APIC_ID)
		lintel_lapic_error(lapic, ESR_ILLEGAL_REGISTER);
}

/* KVM's old behaviour: a local APIC that is not in this mode reads as ones, and takes no write. */
static bool lapic_mmio_hole(struct lintel_vcpu *vcpu, unsigned int len, void *data, bool write)
{
	if (!lintel_quirk(vcpu->vm, KVM_X86_QUIRK_LAPIC_MMIO_HOLE))
		return false;
	if (!write)
		memset(data, 0xff, len);
	return true;
}

/*
 * The SDM asks for aligned 32-bit accesses.  Reads of fewer bytes work, as on the hardware;
 * other accesses are claimed and have no effect.
 */
bool lintel_lapic_mmio(struct lintel_vcpu *vcpu, gpa_t gpa, unsigned int len, void *data,
		       bool write)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	unsigned int offset, byte;
	u32 value;

	if (!(lapic->base & MSR_IA32_APICBASE_ENABLE) || lapic->base & X2APIC_ENABLE)
		return lapic_mmio_hole(vcpu, len, data, write);
	offset = (gpa & ~PAGE_MASK) & ~0xfu;
	byte = gpa & 0xf;

	if (write) {
		if (len != 4 || byte)
			return true;
		memcpy(&value, data, 4);
		lintel_lapic_guest_write(lapic, offset, value);
	} else {
		memset(data, 0, len);
		if (byte + len > 4)
			return true;
		if (lintel_lapic_reg_read(lapic, offset, &value))
			lintel_lapic_error(lapic, ESR_ILLEGAL_REGISTER);
		memcpy(data, (u8 *)&value + byte, len);
	}
	return true;
}

int lintel_lapic_x2apic_read(struct lintel_vcpu *vcpu, u32 msr, u64 *value)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	unsigned int offset = (msr - APIC_BASE_MSR) * 16;
	u32 low;
	int ret;

	if (!lapic || !lapic_x2apic(lapic) || msr < APIC_BASE_MSR)
		return -EINVAL;
	ret = lintel_lapic_reg_read(lapic, offset, &low);
	*value = low;
	if (!ret && offset == APIC_ICR)
		*value |= (u64)lapic_get(lapic, APIC_ICR2) << 32;
	return ret;
}

int lintel_lapic_x2apic_write(struct lintel_vcpu *vcpu, u32 msr, u64 value)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	unsigned int offset = (msr - APIC_BASE_MSR) * 16;

	if (!lapic || !lapic_x2apic(lapic) || msr < APIC_BASE_MSR)
		return -EINVAL;
	if (offset == APIC_ICR) {
		if ((u32)value & ICR_X2APIC_RESERVED)
			return -EINVAL;
		value &= ~(u64)APIC_ICR_BUSY;
		lapic_put(lapic, APIC_ICR, value);
		lapic_put(lapic, APIC_ICR2, value >> 32);
		lintel_lapic_send_ipi(lapic, value, value >> 32);
		return 0;
	}
	if (value >> 32)
		return -EINVAL;
	return lintel_lapic_reg_write(lapic, offset, value);
}

void lintel_lapic_sanitize(struct lintel_lapic *lapic)
{
	unsigned int slot;

	for (slot = 0; slot <= MAX_SLOT; slot++) {
		const struct lapic_reg *reg = &lapic_regs[slot];

		if ((reg->flags & REG_RW) == REG_RW && slot != APIC_ESR / 16 &&
		    slot != APIC_DFR / 16 && !(lapic_x2apic(lapic) && slot == APIC_ICR2 / 16))
			lapic_put(lapic, slot * 16, lapic_get(lapic, slot * 16) & reg->valid);
	}
	lapic_put(lapic, APIC_ICR, lapic_get(lapic, APIC_ICR) & ~APIC_ICR_BUSY);
	/* vectors 0 to 15 cannot be in service; in the IRR they are of too low a priority for that */
	lapic_put(lapic, APIC_ISR, lapic_get(lapic, APIC_ISR) & ~0xffffu);
}
