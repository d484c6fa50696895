// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous page faults.
 *
 * The guest touches memory that the host has to fetch: from swap, from a file, from whoever
 * serves a userfaultfd.  A worker fetches it.  If the guest has asked for it, it gets a #PF
 * meanwhile whose address is a token ('page not present'), by which it puts the task to sleep that
 * touched the page and runs another; when the page is there it hears the token again, by an
 * interrupt ('page ready').  The word in its memory for the latter holds one token: the next is
 * told when the guest has cleared it and says so by MSR_KVM_ASYNC_PF_ACK.  Where 'page not present'
 * cannot be taken the vCPU waits as in HLT, for the page or for an interrupt.
 *
 * Nothing here is needed for the guest to be right: an instruction that is run again before its
 * page is there faults again.  So at every doubt (no memory, too many fetches, a fetch that
 * failed) the thread fetches the page itself, as without all this.
 *
 * Whenever events are enabled the guest hears APF_WAKE_ALL: it may come from another host, which
 * had given it tokens.
 * Source: the kernel's Documentation/virt/kvm/x86/msr.rst.
 */
#include "apf.h"

#include <linux/kernel.h>
#include <asm/apicdef.h>

#include "../ept/ept.h"
#include "../irq/irq.h"
#include "../trace.h"
#include "../vm.h"
#include "pv.h"

#define RESERVED	0x30ULL
#define AREA_SIZE	64ULL

static gpa_t flags_gpa(const struct lintel_vcpu *vcpu)
{
	return (vcpu->pv.apf.control & ~(AREA_SIZE - 1)) +
	       offsetof(struct kvm_vcpu_pv_apf_data, flags);
}

static gpa_t token_gpa(const struct lintel_vcpu *vcpu)
{
	return (vcpu->pv.apf.control & ~(AREA_SIZE - 1)) +
	       offsetof(struct kvm_vcpu_pv_apf_data, token);
}

/* Both words belong to the guest while they are not 0. */
static bool word_is_free(struct lintel_vcpu *vcpu, gpa_t gpa)
{
	u32 word;

	return !lintel_guest_read(vcpu->vm, gpa, &word, sizeof(word)) && !word;
}

static bool tell_absent(struct lintel_vcpu *vcpu)
{
	const u32 reason = KVM_PV_REASON_PAGE_NOT_PRESENT;
	gpa_t gpa = flags_gpa(vcpu);

	return word_is_free(vcpu, gpa) &&
	       !lintel_guest_write(vcpu->vm, gpa, &reason, sizeof(reason));
}

static enum lintel_apf_start wait_for(struct lintel_apf *apf, unsigned int nr)
{
	apf->awaited = nr;
	apf->vcpu->stats.apf_waits++;
	lintel_vcpu_request(apf->vcpu, REQ_APF_WAIT);
	return APF_WAIT;
}

enum lintel_apf_start lintel_apf_start(struct lintel_vcpu *vcpu, gpa_t gpa, bool write, bool tell,
				       bool halt, u32 *token)
{
	struct lintel_apf *apf;
	hva_t hva;
	int i;

	tell = tell && lintel_apf_enabled(vcpu);
	if ((!tell && !halt) || lintel_gpa_hva(vcpu->vm, gpa, &hva))
		return APF_REFUSED;
	apf = lintel_apf_get(vcpu);
	if (!apf)
		return APF_REFUSED;
	/* another task of the guest waits for it: this one has no token of its own */
	i = apf_find(&apf->book, gpa >> PAGE_SHIFT, READ_ONCE(apf->done));
	if (i >= 0)
		return halt ? wait_for(apf, i) : APF_REFUSED;
	i = apf_start(&apf->book, gpa >> PAGE_SHIFT, vcpu->id);
	if (i < 0)
		return APF_REFUSED;
	lintel_apf_fetch(apf, i, hva, write);
	if (tell && tell_absent(vcpu)) {
		*token = apf->book.page[i].token;
		apf_note_told(&apf->book, i);
		vcpu->stats.apf_not_present++;
		trace_lintel_apf_not_present(vcpu, gpa, *token);
		return APF_TOLD;
	}
	return halt ? wait_for(apf, i) : APF_REFUSED;
}

bool lintel_apf_arrived(const struct lintel_vcpu *vcpu)
{
	const struct lintel_apf *apf = vcpu->pv.apf.queue;

	return !apf || !(apf->book.busy & BIT_ULL(apf->awaited)) ||
	       test_bit(apf->awaited, &apf->done);
}

void lintel_apf_serve(struct lintel_vcpu *vcpu)
{
	struct lintel_apf *apf = vcpu->pv.apf.queue;
	gpa_t gpa = token_gpa(vcpu);
	u64 done;
	u32 token;

	if (!apf)
		return;
	/* REQ_APF was cleared before, with a barrier: what comes later sets it again */
	done = READ_ONCE(apf->done);
	apf_settle(&apf->book, done, READ_ONCE(apf->failed));
	if (!lintel_apf_enabled(vcpu) || !apf_has_news(&apf->book, done) ||
	    !lintel_lapic_listens(vcpu) || !word_is_free(vcpu, gpa))
		return;
	token = apf_next(&apf->book, done);
	if (lintel_guest_write(vcpu->vm, gpa, &token, sizeof(token)))
		return;
	vcpu->stats.apf_ready++;
	trace_lintel_apf_ready(vcpu, token);
	lintel_lapic_ipi(vcpu, APIC_DM_FIXED | vcpu->pv.apf.vector);
}

static int set_control(struct lintel_vcpu *vcpu, u64 value)
{
	struct lintel_apf *apf;

	if ((value & RESERVED) ||
	    ((value & KVM_ASYNC_PF_DELIVERY_AS_PF_VMEXIT) &&
	     !lintel_pv_allows(vcpu, KVM_FEATURE_ASYNC_PF_VMEXIT)) ||
	    ((value & KVM_ASYNC_PF_DELIVERY_AS_INT) &&
	     !lintel_pv_allows(vcpu, KVM_FEATURE_ASYNC_PF_INT)))
		return -EINVAL;
	if (!vcpu->lapic)
		return value ? -EINVAL : 0;
	if ((value & KVM_ASYNC_PF_ENABLED) && (value & KVM_ASYNC_PF_DELIVERY_AS_INT)) {
		if (!lintel_gpa_has_memory(vcpu->vm, value & ~(AREA_SIZE - 1), true))
			return -EINVAL;
		apf = lintel_apf_get(vcpu);
		if (!apf)
			return -EINVAL;
		apf_enable(&apf->book);
		lintel_vcpu_request(vcpu, REQ_APF);
	} else if (vcpu->pv.apf.queue) {
		apf_forget(&vcpu->pv.apf.queue->book);
	}
	vcpu->pv.apf.control = value;
	return 0;
}

/*
 * Without a local APIC there is no vector; but 0 is no wish, and VMMs that restore every register
 * that CPUID announces write it.
 */
static int set_vector(struct lintel_vcpu *vcpu, u64 value)
{
	if (value > KVM_ASYNC_PF_VEC_MASK || (value && !vcpu->lapic))
		return -EINVAL;
	vcpu->pv.apf.vector = value;
	return 0;
}

int lintel_apf_set_msr(struct lintel_vcpu *vcpu, u32 msr, u64 value)
{
	switch (msr) {
	case MSR_KVM_ASYNC_PF_EN:
		return set_control(vcpu, value);
	case MSR_KVM_ASYNC_PF_INT:
		return set_vector(vcpu, value);
	default:	/* MSR_KVM_ASYNC_PF_ACK */
		if (value & 1)
			lintel_vcpu_request(vcpu, REQ_APF);
		return 0;
	}
}

u64 lintel_apf_get_msr(const struct lintel_vcpu *vcpu, u32 msr)
{
	switch (msr) {
	case MSR_KVM_ASYNC_PF_EN:
		return vcpu->pv.apf.control;
	case MSR_KVM_ASYNC_PF_INT:
		return vcpu->pv.apf.vector;
	default:
		return 0;
	}
}

void lintel_apf_reset(struct lintel_vcpu *vcpu)
{
	vcpu->pv.apf.control = 0;
	vcpu->pv.apf.vector = 0;
	clear_bit(REQ_APF_WAIT, &vcpu->requests);
	if (vcpu->pv.apf.queue)
		apf_forget(&vcpu->pv.apf.queue->book);
}
