# SPDX-License-Identifier: GPL-2.0-only
"""Compares rows with what they may cost.

On one CPU the emulator counts the same instructions in every run, so that a row may not grow at
all. Where it does not, the reason stands in INEXACT, and the row may grow by TOLERANCE, as rows
with two CPUs may. With another compiler or kernel than the budget was recorded with (the world has
moved) nothing is exact: then every row may grow by MOVED, and what moved is said.
"""
import json

from . import cost

TOLERANCE = 0.02
MOVED = 0.05
INEXACT = {
    "hlt_wake": "the host's own timers, which it reprograms on its way to sleep and back",
    "vm_create_destroy": "grace periods of SRCU and RCU end in other tasks",
    "vm_vcpu_life": "as vm_create_destroy",
    "vcpu_create": "the kernel's allocators, whose lists are a page longer or shorter: 2 of 23,900",
    "idle_vm_memory": "pages that the allocators of the kernel keep",
    "idle_vcpu_memory": "as idle_vm_memory",
}


def keep(rows):
    """What the file holds of a measurement."""
    kept = ("cost", "ops", "cpus", "control", "classes", "exits")
    return {mode: {name: {key: row[key] for key in kept if key in row}
                   for name, row in of_mode.items()} for mode, of_mode in rows.items()}


def dumps(world, rows):
    """The file's text: a row is a line, so that a change of the budget can be read."""
    modes = []
    for mode, of_mode in sorted(keep(rows).items()):
        lines = ",\n".join(f'  {json.dumps(name)}: {json.dumps(row)}'
                           for name, row in sorted(of_mode.items()))
        modes.append(f' {json.dumps(mode)}: {{\n{lines}\n }}')
    return f'{{"world": {json.dumps(world)},\n"rows": {{\n' + ",\n".join(modes) + "\n}}\n"


def allowed(name, row, moved=False):
    """The most that a row may cost."""
    if row["cpus"] == 1 and name not in INEXACT and not moved:
        return row["cost"]
    # a difference is as uncertain as what it is the difference of
    return row["cost"] + (MOVED if moved else TOLERANCE) * (row["cost"] + row.get("control", 0))


def where(old, new):
    """Which counters of the host moved, for one operation."""
    moved = []
    for name in {**old.get("classes", {}), **new.get("classes", {})}:
        before, after = (row.get("classes", {}).get(name, [0, 0, 0]) for row in (old, new))
        for mode, place in (("kernel", 1), ("user", 2)):
            change = (after[place] - before[place]) / new["ops"]
            if change:
                moved.append(f"{name} in {mode} mode {change:+.2f}")
    for reason in {**old.get("exits", {}), **new.get("exits", {})}:
        before, after = (row.get("exits", {}).get(reason, 0) for row in (old, new))
        if before != after:
            moved.append(f"exits of reason {reason} {(after - before) / new['ops']:+.2f}")
    return "; ".join(moved)


def judge(name, old, new, moved=False):
    """The verdict on one row: whether it is fine, and what there is to say."""
    if new is None:
        return False, "is in the budget, but was not measured"
    if old is None:
        return False, f"costs {cost(new):.2f} and has no budget: 'make bench-budget' records it"
    change = f"{cost(old):.2f} to {cost(new):.2f} ({new['cost'] / max(old['cost'], 1) - 1:+.2%})"
    most = allowed(name, old, moved)
    if new["cost"] > most:
        return False, f"grew from {change}: {where(old, new)}"
    if new["cost"] < old["cost"] - (most - old["cost"]):
        return True, f"fell from {change}: lower its budget with 'make bench-budget'"
    return True, ""


def compare(kept, rows, moved=False):
    """TAP lines, and whether any row failed."""
    lines, failed, number = [], False, 0
    for mode in kept:
        names = {**kept[mode], **rows.get(mode, {})}
        for name in names:
            fine, remark = judge(name, kept[mode].get(name), rows.get(mode, {}).get(name), moved)
            number += 1
            failed |= not fine
            lines.append(f"{'ok' if fine else 'not ok'} {number} {mode} {name} {remark}".rstrip())
    return [f"1..{number}"] + lines, failed
