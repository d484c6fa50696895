// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of a guest's performance counters: which registers there are, what they take, what a
 * counter counts, and what a filter allows.
 */
#include <stdlib.h>

#include "../../test/tap.h"
#include "../model.h"

/* Leaf 0xA: version, counters and their width; fixed counters and theirs. */
#define EAX(version, nr, width)	((version) | (nr) << 8 | (width) << 16 | 7U << 24)
#define EDX(nr, width)		((nr) | (width) << 5)

static const struct pmu_shape host = { 2, 4, 3, 48, 48 };

static void shapes(void)
{
	struct pmu_shape s = pmu_shape_of(&host, EAX(2U, 4, 48), EDX(3, 48));

	tap_ok(!memcmp(&s, &host, sizeof(s)), "a guest may have all that the host has");
	s = pmu_shape_of(&host, EAX(5U, 8, 64), EDX(12, 64));
	tap_ok(!memcmp(&s, &host, sizeof(s)), "and no more");
	s = pmu_shape_of(&host, EAX(2U, 1, 40), EDX(2, 33));
	tap_ok(s.version == 2 && s.nr_gp == 1 && s.gp_width == 40 && s.nr_fixed == 2 &&
	       s.fixed_width == 33, "or less of each");
	s = pmu_shape_of(&host, EAX(1U, 4, 48), EDX(3, 48));
	tap_ok(s.version == 1 && s.nr_gp == 4 && !s.nr_fixed, "version 1 has no fixed counters");
	tap_ok(!pmu_shape_of(&host, 0, EDX(3, 48)).version, "no version, no counters");
	s = pmu_shape_of(&host, EAX(2U, 4, 31), EDX(3, 48));
	tap_ok(!s.version && !s.nr_gp && !s.nr_fixed, "nor with counters of 31 bits");
	s = pmu_shape_of(&host, EAX(2U, 4, 48), EDX(3, 31));
	tap_ok(s.version == 2 && !s.nr_fixed, "fixed ones of 31 bits are none");
	s = pmu_shape_of(&(struct pmu_shape){ }, EAX(2U, 4, 48), EDX(3, 48));
	tap_ok(!s.version && !s.nr_gp, "a host without counters has none to give");
	tap_ok(pmu_valid(&host) == 0x70000000f && pmu_at_reset(&host) == 0xf &&
	       pmu_counter_mask(&host, 0) == 0xffffffffffff, "their bits");
}

static bool is(const struct pmu_shape *shape, u32 msr, enum pmu_reg reg, unsigned int counter)
{
	struct pmu_msr m = pmu_msr_of(shape, msr);

	return m.reg == reg && (reg == PMU_NO_REG || m.counter == counter);
}

static void registers(void)
{
	struct pmu_shape one = { 1, 2, 0, 40, 0 }, none = { };
	bool good = true;
	u32 msr;

	tap_ok(is(&host, 0xc1, PMU_COUNTER, 0) && is(&host, 0xc4, PMU_COUNTER, 3) &&
	       is(&host, 0xc5, PMU_NO_REG, 0) && is(&host, 0xc0, PMU_NO_REG, 0),
	       "IA32_PMCx");
	tap_ok(is(&host, 0x186, PMU_SELECT, 0) && is(&host, 0x189, PMU_SELECT, 3) &&
	       is(&host, 0x18a, PMU_NO_REG, 0), "IA32_PERFEVTSELx");
	tap_ok(is(&host, 0x4c1, PMU_COUNTER_FULL, 0) && is(&host, 0x4c5, PMU_NO_REG, 0),
	       "IA32_A_PMCx");
	tap_ok(is(&host, 0x309, PMU_FIXED_COUNTER, 8) && is(&host, 0x30b, PMU_FIXED_COUNTER, 10) &&
	       is(&host, 0x30c, PMU_NO_REG, 0), "IA32_FIXED_CTRx");
	tap_ok(is(&host, 0x38d, PMU_FIXED_CTRL, 0) && is(&host, 0x38e, PMU_GLOBAL_STATUS, 0) &&
	       is(&host, 0x38f, PMU_GLOBAL_CTRL, 0) && is(&host, 0x390, PMU_GLOBAL_OVF_CTRL, 0),
	       "those of version 2");
	tap_ok(is(&one, 0x38f, PMU_NO_REG, 0) && is(&one, 0x309, PMU_NO_REG, 0) &&
	       is(&one, 0xc2, PMU_COUNTER, 1) && is(&one, 0xc3, PMU_NO_REG, 0),
	       "which version 1 has not");
	for (msr = 0; msr < 0x2000; msr++)
		good &= pmu_msr_of(&none, msr).reg == PMU_NO_REG;
	tap_ok(good, "none at all without counters");
	tap_ok(pmu_is_legacy(0xc1) && pmu_is_legacy(0xc2) && pmu_is_legacy(0x187) &&
	       !pmu_is_legacy(0xc3) && !pmu_is_legacy(0x188), "older processors' two");
}

/* Is the write taken, and what does the register hold then? */
static bool writes(u32 msr, u64 value, bool by_host, u64 holds)
{
	int err = pmu_check_write(&host, pmu_msr_of(&host, msr), &value, by_host);

	return !err && value == holds;
}

static bool refuses(u32 msr, u64 value, bool by_host)
{
	return pmu_check_write(&host, pmu_msr_of(&host, msr), &value, by_host) == -EINVAL;
}

static void values(void)
{
	tap_ok(writes(0xc1, 0x7fffffff, false, 0x7fffffff) &&
	       writes(0xc1, 0x80000000, false, 0xffff80000000) &&
	       writes(0xc1, 0x1234500000001, false, 1), "a guest writes 32 bits, with their sign");
	tap_ok(writes(0xc1, 0x800080000000, true, 0x800080000000) &&
	       writes(0xc1, ~0ULL, true, 0xffffffffffff), "a VMM all that there are");
	tap_ok(writes(0x4c1, 0xffffffffffff, false, 0xffffffffffff) &&
	       refuses(0x4c1, 1ULL << 48, false) && refuses(0x4c1, 1ULL << 48, true),
	       "the full width, and no bit more");
	tap_ok(writes(0x309, 0xffff80000000, false, 0xffff80000000), "fixed counters likewise");
	tap_ok(writes(0x186, 0xffdfffff, false, 0xffdfffff) && refuses(0x186, 1 << 21, false) &&
	       refuses(0x186, 1ULL << 32, false), "an event select's reserved bits");
	tap_ok(writes(0x38d, 0xbbb, false, 0xbbb) && refuses(0x38d, 4, false) &&
	       refuses(0x38d, 0x1000, true), "three bits for each fixed counter");
	tap_ok(writes(0x38f, 0x70000000f, false, 0x70000000f) && refuses(0x38f, 0x10, false) &&
	       refuses(0x38f, 1ULL << 35, false) && refuses(0x38f, 1ULL << 63, true),
	       "a bit for each counter");
	tap_ok(refuses(0x38e, 0, false) && writes(0x38e, 0xc00000070000000fULL, true,
						  0xc00000070000000fULL) &&
	       refuses(0x38e, 0x10, true), "the status is the VMM's to write");
	tap_ok(writes(0x390, 0xc00000070000000fULL, false, 0xc00000070000000fULL) &&
	       refuses(0x390, 1ULL << 61, false), "what may be cleared");
	tap_ok(refuses(0x391, 0, true), "what is no register takes nothing");
}

static void reads(void)
{
	struct pmu_shape none = { };

	tap_ok(pmu_rdpmc_counter(&host, 0) == 0 && pmu_rdpmc_counter(&host, 3) == 3 &&
	       pmu_rdpmc_counter(&host, 4) == -1, "RDPMC of the counters");
	tap_ok(pmu_rdpmc_counter(&host, 1U << 30) == 8 &&
	       pmu_rdpmc_counter(&host, 1U << 30 | 2) == 10 &&
	       pmu_rdpmc_counter(&host, 1U << 30 | 3) == -1, "of the fixed ones");
	tap_ok(pmu_rdpmc_counter(&host, 1U << 31) == -1 &&
	       pmu_rdpmc_counter(&host, 1U << 29) == -1 &&
	       pmu_rdpmc_counter(&host, 3U << 30) == -1 &&
	       pmu_rdpmc_counter(&host, 1U << 16) == -1, "and of no other kind");
	tap_ok(pmu_rdpmc_counter(&none, 0) == -1, "of none where there is none");
}

static void distances(void)
{
	u64 mask = pmu_counter_mask(&host, 0);

	tap_ok(pmu_distance(0, mask) == 1ULL << 48 && pmu_distance(mask, mask) == 1 &&
	       pmu_distance(0xffff80000000, mask) == 0x80000000, "events until the overflow");
	tap_ok(pmu_guests_only(0x70000000f, 0x70000000d, 0) == 2 &&
	       pmu_guests_only(0x70000000f, 0x30000000f, 0) == 0x400000000,
	       "what the host has turned off counts guests");
	tap_ok(!pmu_guests_only(0x70000000f, 0x70000000d, 2), "but for PEBS");
	tap_ok(!pmu_guests_only(0, 0, 0), "nothing where guests have no counters");
}

#define ENABLE	(1ULL << 22)
#define OS	(1ULL << 17)
#define USR	(1ULL << 16)
#define INT	(1ULL << 20)

static void events(void)
{
	struct pmu_shape one = { 1, 2, 0, 40, 0 };
	struct pmu_event e = pmu_event_of(&host, 1, ENABLE | OS | INT | 0x4100c4, 0, 2);

	tap_ok(e.on && e.os && e.user && e.pmi && e.event == 0xc4, "enabled here and globally");
	tap_ok(!pmu_event_of(&host, 1, ENABLE | OS, 0, 0x70000000d).on &&
	       !pmu_event_of(&host, 1, OS, 0, 2).on, "not with one of the two alone");
	tap_ok(!pmu_event_of(&host, 1, ENABLE | 0xc0, 0, 2).on, "nor at no level");
	tap_ok(pmu_event_of(&one, 1, ENABLE | USR | 0xc0, 0, 0).on, "version 1 knows no other");
	e = pmu_event_of(&host, 0, ENABLE | USR | 0xff8c12c0, 0, 1);
	tap_ok(e.event == 0xff8412c0, "edge, inversion and counter mask belong to it");
	e = pmu_event_of(&host, 8, ~0ULL, 0x001, 1ULL << 32);
	tap_ok(e.on && e.os && !e.user && !e.pmi && e.event == 0xc0, "the first fixed counter");
	e = pmu_event_of(&host, 10, 0, 0xa00, 1ULL << 34);
	tap_ok(e.on && !e.os && e.user && e.pmi && e.event == 0x300, "the last");
	tap_ok(!pmu_event_of(&host, 9, 0, 0x3, 1ULL << 33).on &&
	       !pmu_event_of(&host, 9, 0, 0x80, 1ULL << 33).on, "which another's bits leave alone");
	e = pmu_event_of(&host, 0, ENABLE | OS | 0xc0, 0, 1);
	tap_ok(pmu_counts(&e, PMU_INSTRUCTIONS) && !pmu_counts(&e, PMU_CYCLES),
	       "what it counts");
	e.on = false;
	tap_ok(!pmu_counts(&e, PMU_INSTRUCTIONS), "nothing that is off");
}

static struct pmu_filter *filter(bool allow, bool masked, u32 nr, const u64 *list)
{
	struct pmu_filter *f = calloc(1, sizeof(*f) + nr * sizeof(u64));

	f->allow = allow;
	f->nr = nr;
	memcpy(f->events, list, nr * sizeof(u64));
	if (pmu_filter_settle(f, masked)) {
		free(f);
		return NULL;
	}
	return f;
}

#define ENTRY(event, mask, match, exclude)						\
	((event) | (u64)(match) << 8 | (u64)(mask) << 56 | (u64)(exclude) << 55)

static void filters(void)
{
	const u64 plain[] = { 0xc0, 0x1c4, 1ULL << 20 | 0x3c };
	const u64 masked[] = { ENTRY(0xd0, 0x7c, 0, 0), ENTRY(0xd0, 0xff, 0x83, 1) };
	struct pmu_filter *f = filter(true, false, 3, plain);

	tap_ok(f->nr == 2 && pmu_filter_allows(f, 0, 0xc0) && pmu_filter_allows(f, 0, 0x1c4),
	       "what a list allows");
	tap_ok(!pmu_filter_allows(f, 0, 0xc4) && !pmu_filter_allows(f, 0, 0x1c0) &&
	       !pmu_filter_allows(f, 0, 0x3c), "and nothing else");
	tap_ok(pmu_filter_allows(f, 0, 0x840000c0), "event and unit mask decide alone");
	tap_ok(!pmu_filter_allows(f, 8, 0xc0), "no fixed counter is in it");
	f->fixed = 2;
	tap_ok(!pmu_filter_allows(f, 8, 0xc0) && pmu_filter_allows(f, 9, 0x3c), "but by its bit");
	f->allow = false;
	tap_ok(pmu_filter_allows(f, 8, 0xc0) && !pmu_filter_allows(f, 9, 0x3c) &&
	       !pmu_filter_allows(f, 0, 0xc0) && pmu_filter_allows(f, 0, 0xc4),
	       "what a list denies");
	free(f);
	f = filter(true, true, 2, masked);
	tap_ok(pmu_filter_allows(f, 0, 0x81d0) && pmu_filter_allows(f, 0, 0x82d0) &&
	       !pmu_filter_allows(f, 0, 0x84d0) && !pmu_filter_allows(f, 0, 0x81d1),
	       "unit masks by their bits");
	tap_ok(!pmu_filter_allows(f, 0, 0x83d0), "an exclusion is stronger");
	f->allow = false;
	tap_ok(pmu_filter_allows(f, 0, 0x83d0) && !pmu_filter_allows(f, 0, 0x81d0),
	       "of what is denied, too");
	free(f);
	tap_ok(!filter(true, true, 1, &(u64){ 1ULL << 16 }) &&
	       !filter(true, true, 1, &(u64){ 1ULL << 32 | 0xc0 }), "bits that no entry has");
	f = filter(false, false, 0, plain);
	tap_ok(pmu_filter_allows(f, 3, 0x3c), "an empty list denies nothing");
	free(f);
}

int main(void)
{
	tap_begin();
	shapes();
	registers();
	values();
	reads();
	distances();
	events();
	filters();
	return tap_end();
}
