/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of a vCPU for an administrator: registers, VMCS, interrupt controllers, and the EPT.
 *
 * A vCPU's state belongs to the thread that runs it.  Who wants to see it puts a struct
 * lintel_inspection into vcpu->inspection, sets REQ_INSPECT and kicks; the thread takes it (xchg)
 * when it serves its requests, which costs the guest one exit, fills it and completes it.  Where no
 * thread runs the vCPU, its mutex is free, and who asks fills it himself.  Whoever got the pointer
 * out of vcpu->inspection owns it, so neither waits for a thread that has gone away.
 */
#ifndef LINTEL_INSPECT_H
#define LINTEL_INSPECT_H

#include "vcpu.h"

struct lintel_peek;
struct lintel_snapshot;

/* lintel_inspect_serve - REQ_INSPECT was set.  Running thread, vCPU loaded; may sleep. */
void lintel_inspect_serve(struct lintel_vcpu *vcpu);

/* lintel_inspect_served - the same if REQ_INSPECT is set; true if it was. */
bool lintel_inspect_served(struct lintel_vcpu *vcpu);

/*
 * lintel_inspect_snapshot, lintel_inspect_peek - LINTEL_GET_SNAPSHOT and LINTEL_PEEK, on a kernel
 * copy of the argument whose reserved members were checked.  May sleep.
 */
int lintel_inspect_snapshot(struct lintel_snapshot *snapshot);
int lintel_inspect_peek(struct lintel_peek *peek);

/*
 * lintel_inspect_vcpu - fill what a snapshot has of a vCPU.  vcpu->mutex held, vCPU loaded.
 * 0 or -ENOMEM.
 */
int lintel_inspect_vcpu(struct lintel_vcpu *vcpu, struct lintel_snapshot *to);

#endif
