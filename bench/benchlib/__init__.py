# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmark's parts share: runs.py boots machines and collects rows, table.py, guests.py
and plot.py show them, budget.py compares them with bench/budget.json, trace.py resolves a recorded
path.

A result is a dictionary of one row as lintel-bench prints it, found by results["rows"][KERNEL]
[CONFIGURATION][ROW]; a configuration is one of CONFIGURATIONS.
"""
import pathlib

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
OUT = TOP / "build" / "bench"

# Who ran: the device, and what else was loaded; "+m" is with the CPU's mitigations.
CONFIGURATIONS = ("kvm", "joined", "alone", "kvm+m", "joined+m")


class BenchError(Exception):
    """The benchmark cannot be run; the text names the cause."""


def cost(row):
    """Of one operation."""
    return row["cost"] / row["ops"]


def host_count(row, name):
    """How often the host executed an instruction of this class, for one operation."""
    _, kernel, user = row.get("classes", {}).get(name, (0, 0, 0))
    return (kernel + user) / row["ops"]


def exits(row):
    return sum(row.get("exits", {}).values()) / row["ops"]
