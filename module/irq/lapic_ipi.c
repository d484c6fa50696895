// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt messages: who a message is for, and what a local APIC does with it.
 *
 * A message to one physical id, or to x2APIC's logical ids when all LAPICs are in that mode, finds
 * its LAPICs in the map by physical id (lapic_map.c), in one step or 16.  Others look at each vCPU
 * once.  Either way the destinations' registers are read while they run: a LAPIC whose ID or mode
 * changes at the same moment is addressed by the old or the new one, as on a bus.
 */
#include "lapic.h"
#include "chips.h"

/* @x2apic: the mode of who may receive it. */
static bool message_broadcast(const struct lapic_message *m, bool x2apic)
{
	return m->dest == X2APIC_DEST_BROADCAST ||
	       (m->dest == LAPIC_DEST_BROADCAST && !(m->x2apic && x2apic));
}

static bool message_matches(const struct lintel_lapic *lapic, const struct lapic_message *m)
{
	bool x2apic = lapic_x2apic(lapic);
	u32 ldr, dfr;

	if (message_broadcast(m, x2apic))
		return true;
	if (!m->logical)
		return m->dest == lapic_physical_id(lapic);

	ldr = lapic_get(lapic, APIC_LDR);
	if (x2apic)
		return m->dest >> 16 == ldr >> 16 && (m->dest & ldr & 0xffff);
	if (m->dest > 0xff)
		return false;
	ldr >>= 24;
	dfr = lapic_get(lapic, APIC_DFR) >> 28;
	if (dfr == 0xf)			/* flat */
		return m->dest & ldr;
	if (dfr == 0)			/* cluster */
		return m->dest >> 4 == ldr >> 4 && (m->dest & ldr & 0xf);
	return false;
}

void lintel_lapic_note_eoi(struct lintel_lapic *lapic, const struct lapic_message *m,
			   u64 bitmap[4])
{
	u8 bit = m->vector % 32;

	if (m->mode != MODE_FIXED && m->mode != MODE_LOWEST)
		return;
	if (message_matches(lapic, m) || test_bit(bit, lapic_bitmap(lapic, APIC_IRR, m->vector)) ||
	    test_bit(bit, lapic_bitmap(lapic, APIC_ISR, m->vector)))
		bitmap[m->vector / 64] |= BIT_ULL(m->vector % 64);
}

/* Nearly always it is so already: then no locked operation. */
static void mark_trigger_mode(unsigned long *tmr, unsigned int bit, bool level)
{
	if (level && !test_bit(bit, tmr))
		set_bit(bit, tmr);
	else if (!level && test_bit(bit, tmr))
		clear_bit(bit, tmr);
}

static int accept_vector(struct lintel_lapic *lapic, u8 vector, bool level)
{
	if (!lapic_software_enabled(lapic))
		return -1;
	if (vector < 16) {
		lintel_lapic_error(lapic, ESR_RECEIVE_ILLEGAL_VECTOR);
		return -1;
	}
	mark_trigger_mode(lapic_bitmap(lapic, APIC_TMR, vector), vector % 32, level);
	if (lapic->vid)
		return lintel_vapic_post(lapic, vector, level);
	if (test_and_set_bit(vector % 32, lapic_bitmap(lapic, APIC_IRR, vector)))
		return 0;
	lintel_vcpu_notify_event(lapic->vcpu);
	return 1;
}

int lintel_lapic_accept(struct lintel_lapic *lapic, u8 mode, u8 vector, bool level)
{
	switch (mode) {
	case MODE_FIXED:
	case MODE_LOWEST:
		return accept_vector(lapic, vector, level);
	case MODE_NMI:
		lintel_vcpu_queue_nmi(lapic->vcpu);
		return 1;
	case MODE_INIT:
		/* drops a SIPI that has not been taken: only one after the INIT counts */
		xchg(&lapic->events, BIT(EVENT_INIT));
		lintel_vcpu_request(lapic->vcpu, REQ_INIT_SIPI);
		lintel_vcpu_notify_event(lapic->vcpu);
		return 1;
	case MODE_SIPI:
		WRITE_ONCE(lapic->sipi_vector, vector);
		smp_wmb();	/* the vector before the event that tells of it */
		set_bit(EVENT_SIPI, &lapic->events);
		lintel_vcpu_request(lapic->vcpu, REQ_INIT_SIPI);
		lintel_vcpu_notify_event(lapic->vcpu);
		return 1;
	default:
		/* no SMM; ExtINT messages: the PIC is wired to LINT0 */
		return -1;
	}
}

/* The LAPICs that match a message, each once: search_begin(), then search_next() until NULL. */
struct lapic_search {
	struct lintel_vm *vm;
	const struct lapic_message *m;
	const struct lapic_map *map;	/* NULL: all vCPUs are candidates, by index */
	u32 base;			/* physical id of the first candidate */
	u32 start, next, count;
};

/* Under RCU.  @turn: where to start, so that equals take turns. */
static void search_begin(struct lapic_search *s, struct lintel_vm *vm,
			 const struct lapic_message *m, u32 turn)
{
	*s = (struct lapic_search) { .vm = vm, .m = m };
	s->map = rcu_dereference(lintel_irqchip(vm)->map);
	if (s->map && message_broadcast(m, s->map->x2apic))
		s->map = NULL;
	if (s->map && !m->logical) {
		s->base = m->dest;
		s->count = 1;
	} else if (s->map && m->x2apic && s->map->x2apic) {
		s->base = m->dest >> 16 << 4;
		s->count = 16;
	} else {
		s->map = NULL;
		s->count = smp_load_acquire(&vm->nr_vcpus);
	}
	s->start = s->count ? turn % s->count : 0;
}

static struct lintel_lapic *search_candidate(const struct lapic_search *s, u32 i)
{
	struct lintel_vcpu *vcpu;
	u32 id = s->base + i;

	if (s->map)
		return id < s->map->nr ? s->map->lapic[array_index_nospec(id, s->map->nr)] : NULL;
	vcpu = lintel_vm_vcpu(s->vm, i);
	return vcpu ? vcpu->lapic : NULL;
}

static struct lintel_lapic *search_next(struct lapic_search *s)
{
	while (s->next < s->count) {
		u32 i = (s->start + s->next++) % s->count;
		struct lintel_lapic *lapic = search_candidate(s, i);

		if (lapic && lapic_enabled(lapic) && message_matches(lapic, s->m))
			return lapic;
	}
	return NULL;
}

/* Of the LAPICs that match, the one with the lowest priority; equals take turns. */
static int deliver_lowest(struct lintel_vm *vm, const struct lapic_message *m)
{
	struct lintel_lapic *lapic, *best = NULL;
	struct lapic_search search;
	u32 best_ppr = 0;

	search_begin(&search, vm, m, atomic_inc_return(&lintel_irqchip(vm)->arbitration));
	while ((lapic = search_next(&search))) {
		u32 ppr;

		if (!lapic_software_enabled(lapic))
			continue;
		ppr = max(lapic_get(lapic, APIC_PROCPRI), lapic_get(lapic, APIC_TASKPRI)) & 0xf0;
		if (!best || ppr < best_ppr) {
			best = lapic;
			best_ppr = ppr;
		}
	}
	return best ? accept_vector(best, m->vector, m->level) : -1;
}

static int deliver_all(struct lintel_vm *vm, const struct lapic_message *m)
{
	struct lapic_search search;
	struct lintel_lapic *lapic;
	int ret = -1;

	search_begin(&search, vm, m, 0);
	while ((lapic = search_next(&search))) {
		int r = lintel_lapic_accept(lapic, m->mode, m->vector, m->level);

		if (r >= 0)
			ret = max(ret, 0) + r;
	}
	return ret;
}

/* Under RCU.  A message to one physical id, which the map knows: nearly all are.  -ENOENT: no. */
static int deliver_to_one(struct lintel_vm *vm, const struct lapic_message *m)
{
	const struct lapic_map *map = rcu_dereference(lintel_irqchip(vm)->map);
	struct lintel_lapic *lapic;

	if (m->logical || !map || m->dest >= map->nr || message_broadcast(m, map->x2apic))
		return -ENOENT;
	lapic = map->lapic[array_index_nospec(m->dest, map->nr)];
	if (!lapic || !lapic_enabled(lapic) || m->dest != lapic_physical_id(lapic))
		return -1;
	return lintel_lapic_accept(lapic, m->mode, m->vector, m->level);
}

int lintel_lapic_deliver(struct lintel_vm *vm, const struct lapic_message *m)
{
	int ret;

	rcu_read_lock();
	ret = deliver_to_one(vm, m);
	if (ret == -ENOENT)
		ret = m->mode == MODE_LOWEST ? deliver_lowest(vm, m) : deliver_all(vm, m);
	rcu_read_unlock();
	return ret;
}

static void ipi_to_all(struct lintel_lapic *self, const struct lapic_message *m, bool and_self)
{
	struct lintel_vcpu *vcpu;
	unsigned int i;

	for_each_vcpu(i, vcpu, self->vcpu->vm) {
		struct lintel_lapic *lapic = vcpu->lapic;

		if (!lapic || !lapic_enabled(lapic) || (lapic == self && !and_self))
			continue;
		lintel_lapic_accept(lapic, m->mode, m->vector, false);
	}
}

/* Delivery is at once, so the ICR's status bit is never seen set. */
void lintel_lapic_send_ipi(struct lintel_lapic *lapic, u32 icr, u32 icr2)
{
	struct lapic_message message = {
		.vector = icr & APIC_VECTOR_MASK,
		.mode = (icr >> 8) & 7,
		.logical = icr & APIC_DEST_LOGICAL,
		.x2apic = lapic_x2apic(lapic),
		.dest = lapic_x2apic(lapic) ? icr2 : icr2 >> 24,
	};

	/* the trigger mode matters for INIT alone: level de-assert, which the P6 ignores */
	if (message.mode == MODE_INIT && icr & APIC_INT_LEVELTRIG && !(icr & APIC_INT_ASSERT))
		return;
	if ((message.mode == MODE_FIXED || message.mode == MODE_LOWEST) && message.vector < 16) {
		lintel_lapic_error(lapic, ESR_SEND_ILLEGAL_VECTOR);
		return;
	}

	switch (icr & APIC_DEST_ALLBUT) {
	case APIC_DEST_SELF:
		lintel_lapic_accept(lapic, message.mode, message.vector, false);
		break;
	case APIC_DEST_ALLINC:
		ipi_to_all(lapic, &message, true);
		break;
	case APIC_DEST_ALLBUT:
		ipi_to_all(lapic, &message, false);
		break;
	default:
		lintel_lapic_deliver(lapic->vcpu->vm, &message);
		break;
	}
}

bool lintel_lapic_ipi(struct lintel_vcpu *target, u32 icr)
{
	struct lintel_lapic *lapic = target->lapic;

	return lapic && lapic_enabled(lapic) &&
	       lintel_lapic_accept(lapic, (icr >> 8) & 7, icr & APIC_VECTOR_MASK, false) >= 0;
}

bool lintel_lapic_listens(const struct lintel_vcpu *vcpu)
{
	const struct lintel_lapic *lapic = vcpu->lapic;

	return lapic && lapic_enabled(lapic) && lapic_software_enabled(lapic);
}

void lintel_lapic_local(struct lintel_lapic *lapic, unsigned int offset)
{
	u32 lvt = lapic_get(lapic, offset);
	u8 mode = (lvt >> 8) & 7;

	if (!lapic_enabled(lapic) || lvt & APIC_LVT_MASKED)
		return;
	if (mode == MODE_FIXED || mode == MODE_NMI)
		lintel_lapic_accept(lapic, mode, lvt & APIC_VECTOR_MASK, false);
}

void lintel_lapic_cmci(struct lintel_vcpu *vcpu)
{
	if (vcpu->lapic)
		lintel_lapic_local(vcpu->lapic, APIC_LVTCMCI);
}

/* SDM, "Local Vector Table": the delivery masks the entry; software opens it again. */
void lintel_lapic_pmi(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	u32 lvt;

	if (!lapic || !lapic_enabled(lapic))
		return;
	lvt = lapic_get(lapic, APIC_LVTPC);
	if (lvt & APIC_LVT_MASKED)
		return;
	lintel_lapic_local(lapic, APIC_LVTPC);
	lapic_put(lapic, APIC_LVTPC, lvt | APIC_LVT_MASKED);
}

void lintel_lapic_error(struct lintel_lapic *lapic, u32 bit)
{
	/* once for each kind until the ESR is written; so a bad LVTERR vector ends the recursion */
	if (!(atomic_fetch_or(bit, &lapic->esr) & bit))
		lintel_lapic_local(lapic, APIC_LVTERR);
}
