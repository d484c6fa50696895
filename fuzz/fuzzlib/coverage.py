# SPDX-License-Identifier: GPL-2.0-only
"""How much of the module a run has reached, by basic blocks and functions.

The module was built with --coverage: each basic block calls the coverage module once. The calls
that there are come from the relocations of the object file, those that were made from the
machine; a function is the symbol before an address, its file the object that defines it.
"""
import bisect
import collections
import re
import subprocess

from . import OUT, TOP

CALL = "__sanitizer_cov_trace_pc"
# module init and exit are over, or not yet, when a fuzzer runs
SECTIONS = (".text", ".noinstr.text", ".text.unlikely", ".static_call.text")


def tool(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout


def all_calls(module):
    """section -> offsets behind the calls."""
    calls, section = collections.defaultdict(list), None
    for line in tool("objdump", "-r", module).splitlines():
        match = re.match(r"RELOCATION RECORDS FOR \[(.*)\]", line)
        if match:
            section = match[1]
        elif CALL in line and section in SECTIONS:
            # the relocation stands at the call's operand of four bytes
            calls[section].append(int(line.split()[0], 16) + 4)
    return calls


def functions(module):
    """section -> sorted (offset, name)."""
    found = collections.defaultdict(list)
    for line in tool("objdump", "-t", module).splitlines():
        match = re.match(r"([0-9a-f]+) .{5} F (\S+)\s+[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
        if not match:
            match = re.match(r"([0-9a-f]+) .....\s?F (\S+)\s+[0-9a-f]+ (\S+)$", line)
        if match:
            found[match[2]].append((int(match[1], 16), match[3]))
    return {section: sorted(rows) for section, rows in found.items()}


def files(folder):
    """function -> the file that defines it, by the objects in the build tree"""
    found = {}
    for path in sorted((folder / "src" / "module").rglob("*.o")):
        name = str(path.relative_to(folder / "src"))[:-2] + ".c"
        if not (TOP / name).exists():
            continue
        for line in tool("nm", path).splitlines():
            words = line.split()
            if len(words) == 3 and words[1] in "tT":
                found.setdefault(words[2], name)
    return found


def collect(folder):
    """(section, offset) -> whether it ran, with function names."""
    module = folder / "lintel.ko"
    base = {}
    for line in (folder / "sections").read_text().splitlines():
        section, address = line.split()
        base[section] = int(address, 16)
    ran = {int(line, 16) for line in (folder / "coverage").read_text().split()}
    names, rows = functions(module), []
    for section, offsets in all_calls(module).items():
        starts = [start for start, _ in names.get(section, [])]
        for offset in offsets:
            place = bisect.bisect_right(starts, offset - 1) - 1
            name = names[section][place][1] if place >= 0 else "?"
            rows.append((name, base.get(section, 0) + offset in ran))
    return rows


def report(settings):
    folder = TOP / "build" / f"{settings.kernel}-coverage"
    rows, where = collect(folder), files(folder)
    by_function, by_file = collections.defaultdict(list), collections.defaultdict(list)
    for name, hit in rows:
        by_function[name].append(hit)
        by_file[where.get(name.split(".")[0], where.get(name, "?"))].append(hit)
    lines = [f"{sum(hits):5} of {len(hits):5} blocks  {name}"
             for name, hits in sorted(by_file.items())]
    lines += ["", "functions that were never entered:"]
    lines += [f"  {where.get(name, '?')}: {name}" for name, hits in
              sorted(by_function.items(), key=lambda row: (where.get(row[0], "?"), row[0]))
              if not any(hits)]
    path = OUT / f"{settings.what}-{settings.kernel}-{settings.mode}.coverage"
    total, hit = len(rows), sum(one for _, one in rows)
    entered = sum(any(hits) for hits in by_function.values())
    head = (f"coverage of lintel.ko: {hit} of {total} basic blocks, "
            f"{entered} of {len(by_function)} functions")
    path.write_text(head + "\n" + "\n".join(lines) + "\n")
    print(f"# {head}; by file: {path.relative_to(TOP)}")
