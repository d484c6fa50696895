# SPDX-License-Identifier: GPL-2.0-only
"""The results as text: the costs with their ratios, and the costly operations in them."""
from . import cost, exits, guests, host_count, runs

# What instructions cost unequally, as the second table's columns.
OPERATIONS = (
    ("vmread+vmwrite", ("vmread", "vmwrite")),
    ("VMCS switch", ("vmptrld", "vmclear")),
    ("inv", ("invept", "invvpid")),
    ("rdmsr", ("rdmsr",)),
    ("wrmsr", ("wrmsr",)),
    ("xsave/xrstor", ("xsave", "xrstor", "xsetbv")),
    ("CR, DR", ("cr_write", "dr_write")),
    ("locked", ("locked",)),
)


def number(value):
    if value is None:
        return "absent"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def ratio(ours, theirs):
    """As the goals are written: kvm_intel on the same kernel is 1."""
    if ours is None or theirs is None:
        return ""
    if theirs <= 0:
        return "=" if ours <= 0 else "more"
    return f"{ours / theirs:.2f}"


def operations(row, names):
    return sum(host_count(row, name) for name in names)


def row_names(by_configuration):
    names = {}
    for rows in by_configuration.values():
        for name, row in rows.items():
            names.setdefault(name, row)
    return names


def costs(kernel, rows, suffix):
    """One table: what one operation costs, on KVM, on Lintel beside it, on Lintel alone."""
    columns = [one + suffix for one in ("kvm", "joined", "alone") if one + suffix in rows]
    lines = [f"{'row':20}" + "".join(f"{one:>12}" for one in columns) +
             "".join(f"{one + '/kvm':>14}" for one in columns[1:]) + "  per"]
    for name, sample in row_names({one: rows[one] for one in columns}).items():
        values = [cost(rows[one][name]) if name in rows[one] else None for one in columns]
        unit = {"bytes": "bytes, "}.get(sample["unit"], "")
        lines.append(f"{name:20}" + "".join(f"{number(value):>12}" for value in values) +
                     "".join(f"{ratio(value, values[0]):>14}" for value in values[1:]) +
                     f"  {unit}{sample['per']}")
    return lines


def costly(rows, suffix):
    """The second table: exits and costly operations, kvm_intel's and ours, for one operation."""
    theirs, ours = rows.get("kvm" + suffix), rows.get("joined" + suffix)
    if not theirs or not ours:
        return []
    lines = [f"{'row (kvm:joined)':20}{'exits':>14}" +
             "".join(f"{name:>16}" for name, _ in OPERATIONS)]
    for name in row_names({"ours": ours, "theirs": theirs}):
        pair = [one.get(name) for one in (theirs, ours)]
        if None in pair or "exits" not in pair[0]:
            continue
        cells = [[exits(one) for one in pair]]
        cells += [[operations(one, names) for one in pair] for _, names in OPERATIONS]
        texts = [f"{number(a)}:{number(b)}{'!' if b > a else ''}" if a or b else ""
                 for a, b in cells]
        lines.append(f"{name:20}{texts[0]:>14} " + " ".join(f"{text:>15}" for text in texts[1:]))
    return lines


def text(results):
    lines = []
    for kernel, rows in results["rows"].items():
        for suffix, title in (("", ""), ("+m", ", mitigations on")):
            if not any(one.endswith(suffix) and ("+" in one) == bool(suffix) for one in rows):
                continue
            unit = next((row["unit"] for one in rows.values() for row in one.values()), "")
            lines += ["", f"Kernel {kernel}{title}: {unit} of the host for one operation", ""]
            lines += costs(kernel, rows, suffix)
            more = costly(rows, suffix)
            if more:
                lines += ["", "Costly operations of the host for one operation; ! where Lintel's "
                          "are more", ""] + more
        # the order of the first table; mitigations are no matter of these rows
        more = guests.text({one: rows[one] for one in ("kvm", "joined", "alone") if one in rows},
                           runs.GUEST_ROWS)
        if more:
            lines += ["", "What the boot of a guest is made of; operations are the host's"] + more
        for configuration, absent in results["absent"].get(kernel, {}).items():
            lines += [f"absent, {configuration}: {name}: {reason}"
                      for name, reason in absent.items()]
    return "\n".join(lines) + "\n"
