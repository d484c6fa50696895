# SPDX-License-Identifier: GPL-2.0-only
"""What the boot of a guest is made of: instructions by who executed them, VM exits by reason, and
the operations that cost more than an instruction. The numbers are of a whole boot."""
import pathlib
import re

from . import exits, host_count

HEADER = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/vmx.h")
MODES = (("host kernel", 1), ("host user", 2), ("guest", 0))


def reason_names(text):
    """The exit reasons of the kernel's header, by number."""
    return {number: name.lower() for name, number in
            re.findall(r"^#define EXIT_REASON_(\w+)\s+(\d+)$", text, re.MULTILINE)}


def parts(rows, names):
    """(what, values in the order of the rows) for each line of the table."""
    for text, place in MODES:
        yield f"instructions, {text}", [row["classes"]["instructions"][place] for row in rows]
    yield "VM exits", [exits(row) for row in rows]
    reasons = {number for row in rows for number in row["exits"]}
    for number in sorted(reasons, key=lambda one: -max(row["exits"].get(one, 0) for row in rows)):
        yield "  " + names.get(number, f"reason {number}"), \
            [row["exits"].get(number, 0) for row in rows]
    for name in sorted({name for row in rows for name in row["classes"]} - {"instructions"}):
        counts = [host_count(row, name) for row in rows]
        if any(counts):
            yield name, counts


def text(by_configuration, row_names, names=None):
    """Tables for the rows that boot a guest, of the configurations that have them."""
    names = reason_names(HEADER.read_text()) if names is None else names
    lines = []
    for name in row_names:
        have = {one: rows[name] for one, rows in by_configuration.items()
                if "exits" in rows.get(name, {})}
        if not have:
            continue
        lines += ["", f"{name:26}" + "".join(f"{one:>16}" for one in have)]
        lines += [f"{what:26}" + "".join(f"{value:>16,.0f}" for value in values)
                  for what, values in parts(list(have.values()), names)]
    return lines
