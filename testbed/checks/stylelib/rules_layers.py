# SPDX-License-Identifier: GPL-2.0-only
"""The layers of the module: who may include whom, and which calls would point back.

    module/main.c -> ioctl -> vm.c vcpu.c vcpu_life.c regs.c -> vmx irq ept paravirt pmu -> emulate

Headers at the top of module/ hold the structures that all layers share; a lower layer includes
them for the structures and for the few services that any context may use (a request, a kick).
What it may not do is decide over a VM's or a vCPU's life: those functions are named below.
"""
import os
import re

from . import Finding, lines_with, read, sources, tree

# headers of the structures and the services without a layer
SHARED = {"types.h", "compat.h", "params.h", "vm.h", "vcpu.h", "trace.h", "exit_reasons.h",
          "flight.h", "tsc_ratio.h"}
# folder -> what its files may include beside their own folder: folders, headers of others
MAY_INCLUDE = {
    "main.c": {"ioctl", "dead.h", "debugfs.h", "vcpu_life.h", "irq/irq.h", "pmu/pmu.h",
               "vmx/cpu.h", "vmx/fpu.h", "vmx/msr.h", "vmx/l1d.h", "vmx/msr_bitmap.h"},
    "ioctl": {"irq", "paravirt", "pmu/pmu.h", "regs.h", "registry.h", "stats.h", "inspect.h",
              "vcpu_life.h", "vmx/cpuid.h", "vmx/msr.h", "vmx/explain_capture.h",
              "vmx/guest_debug.h", "vmx/mce.h",
              "vmx/msr_filter.h", "vmx/controls.h", "vmx/tsc.h", "vmx/watch.h", "uapi",
              "ept/ept.h"},
    "top": {"vmx", "irq", "ept", "paravirt", "pmu/pmu.h", "emulate", "regs.h", "stats.h",
            "vcpu_life.h"},
    "vmx": {"irq/irq.h", "ept/ept.h", "paravirt", "pmu/pmu.h", "emulate/emulate.h", "regs.h",
            "stats.h"},
    "ept": {"vmx/cpu.h", "vmx/ops.h"},
    "irq": set(),
    "paravirt": {"ept/ept.h", "irq/irq.h", "pmu/pmu.h"},
    "pmu": {"irq/irq.h", "vmx/caps.h", "vmx/cpuid.h"},
    "emulate": set(),
}
# what decides over the life of a VM or a vCPU
FROM_ABOVE = re.compile(r"\b(lintel_vm_(?:create|get|put)|"
                        r"lintel_vcpu_(?:create|destroy|run|load|put)"
                        r"|lintel_vcpu_open|lintel_ioctl_dispatch|lintel_check_extension)\s*\(")


def layer(name):
    parts = name.split("/")[1:]
    if len(parts) > 1:
        return parts[0]
    return parts[0] if parts[0] == "main.c" else "top"


def includes(name):
    """(line, path below module/ or whatever else it is) of each #include in quotes."""
    for number, line in enumerate(read(name).splitlines(), 1):
        match = re.match(r'\s*#\s*include "([^"]+)"', line)
        if match:
            path = os.path.normpath(os.path.join(os.path.dirname(name), match[1]))
            yield number, path


def may_include(own, path):
    if not path.startswith("module/"):
        return path.startswith("uapi/") and "uapi" in MAY_INCLUDE[own]
    inner = path[len("module/"):]
    folder = inner.split("/")[0] if "/" in inner else "top"
    allowed = MAY_INCLUDE[own]
    return folder == own or inner in allowed or folder in allowed or (
        inner in SHARED and own != "emulate")


def include_layers():
    for name in sources("module"):
        own = layer(name)
        if own not in MAY_INCLUDE:
            yield Finding(name, 0, "belongs to no layer that DESIGN names")
            continue
        for number, path in includes(name):
            if not may_include(own, path):
                yield Finding(name, number, f"includes {path}: not below its layer")


def calls_down():
    for name in sources("module"):
        if layer(name) not in ("vmx", "ept", "irq", "paravirt", "pmu", "emulate"):
            continue
        for number, match in lines_with(name, FROM_ABOVE.pattern):
            yield Finding(name, number, f"calls {match[1]}(), which is above it")


def userspace_apart():
    """Launcher and tests know the module by its uapi header only."""
    for name in tree():
        if not name.endswith((".c", ".h")) or not name.startswith(("userspace/", "selftests/")):
            continue
        for number, path in includes(name):
            if path.startswith("module/") or "../module/" in path:
                yield Finding(name, number, f"includes {path}")


def own_header_first():
    """A C file with a header of its own name includes it before any other of the project."""
    names = set(tree())
    for name in sources("module"):
        own = name[:-2] + ".h"
        if not name.endswith(".c") or own not in names:
            continue
        first = next((path for _, path in includes(name)), None)
        all_paths = [path for _, path in includes(name)]
        if own in all_paths and first != own:
            folder = os.path.dirname(name)
            before = all_paths[:all_paths.index(own)]
            # kernel style sorts the project's headers; only another folder's may not come first
            if any(os.path.dirname(path) != folder for path in before):
                yield Finding(name, 0, f"includes {before[0]} before its own header")


RULES = [
    ("includes", "includes point down the layers", include_layers),
    ("calls", "no call points up the layers", calls_down),
    ("userspace", "userspace and selftests include nothing of module/", userspace_apart),
    ("own-header", "a C file includes its own header before other folders' (rule 18)",
     own_header_first),
]
