# SPDX-License-Identifier: GPL-2.0-only
"""A recorded path: its steps are cut into operations and resolved to functions."""
import bisect
import collections

from . import BenchError


class Symbols:
    """Functions by address, from /proc/kallsyms."""

    def __init__(self, text):
        found = {}
        for line in text.splitlines():
            address, kind, name, *module = line.split()
            if kind in "tTwW":
                found.setdefault(int(address, 16), (name, module[0].strip("[]") if module else ""))
        self.starts = sorted(found)
        self.names = [found[start] for start in self.starts]

    def find(self, address):
        """Name and module; code that has no symbol belongs to the one before it."""
        place = bisect.bisect_right(self.starts, address) - 1
        return self.names[place] if place >= 0 else (f"{address:#x}", "")


def one_operation(text, row):
    """The steps of one operation: from the guest's last instruction before an exit to its first one
    behind it, or the whole batch where the host does the marking."""
    steps = []
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["trace"] and words[1] == row:
            steps.append((words[2], int(words[3], 16)))
    if not steps:
        raise BenchError(f"no path of '{row}' was recorded: an unknown row, or the wrong batch")
    # the guest leaves before the first step of each excursion into the host
    leaves = [place for place in range(1, len(steps))
              if steps[place - 1][0] == "guest" and steps[place][0] != "guest"]
    if len(leaves) < 3:
        return steps
    return steps[leaves[-2]:leaves[-1]]


def runs_of(path, symbols):
    """The path as (mode, function, module, number of instructions), neighbours joined."""
    joined = []
    for mode, address in path:
        name, module = symbols.find(address) if mode == "kernel" else (f"({mode})", "")
        if joined and joined[-1][:2] == [mode, name]:
            joined[-1][3] += 1
        else:
            joined.append([mode, name, module, 1])
    return joined


def text(row, path, symbols, sequence):
    joined = runs_of(path, symbols)
    total = collections.Counter()
    times = collections.Counter()
    for _, name, module, count in joined:
        total[name, module] += count
        times[name, module] += 1
    host = sum(count for mode, _, _, count in joined if mode != "guest")
    lines = [f"{row}: {host} instructions of the host for one operation", "",
             f"{'self':>7}{'share':>7}{'entered':>9}  function"]
    for (name, module), count in total.most_common():
        share = "" if name == "(guest)" else f"{count / host:.0%}"
        place = f" [{module}]" if module else ""
        lines.append(f"{count:7}{share:>7}{times[name, module]:9}  {name}{place}")
    if sequence:
        lines += ["", "In order:"] + [f"{count:7}  {name}" for _, name, _, count in joined]
    return "\n".join(lines) + "\n"
