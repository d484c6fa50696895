# SPDX-License-Identifier: GPL-2.0-only
"""The machine in QEMU: with KVM and nested VMX where this computer has that, fast; or with TCG,
which emulates no VMX and so shows what the module says on a computer without it.
"""
import os
import pathlib
import shutil

from . import SetupError

PROGRAM = "qemu-system-x86_64"
KERNEL_ARGUMENTS = ("console=ttyS2 loglevel=5 nokaslr mitigations=off panic=0 oops=panic "
                    "random.trust_cpu=on")


def nested_kvm():
    """Why this computer cannot run the machine with KVM; None when it can."""
    if not os.path.exists("/dev/kvm"):
        return "there is no /dev/kvm"
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm may not be opened by this user"
    nested = pathlib.Path("/sys/module/kvm_intel/parameters/nested")
    if not nested.exists():
        return "kvm_intel is not loaded"
    if nested.read_text().strip() not in ("Y", "1"):
        return "kvm_intel was loaded with nested=0"
    return None


def command(work, kernel, settings, ports):
    """The emulator's command line; ports names the three serial ports' files."""
    if not shutil.which(PROGRAM):
        raise SetupError(f"{PROGRAM} is missing; 'make setup' installs it")
    if settings.backend == "tcg":
        # not "max": on this model, programs of glibc abort in TCG's emulation
        hardware = ["-accel", "tcg", "-cpu", "Haswell"]
    else:
        reason = nested_kvm()
        if reason:
            raise SetupError(f"MACHINE=qemu needs KVM with nested VMX, and {reason}; "
                             "MACHINE=bochs runs anywhere")
        hardware = ["-accel", "kvm", "-cpu", "host,+vmx"]
    serial = []
    for name in ("console", "result", "kernel"):
        # a pseudo-terminal can also be typed into
        kind = "serial" if settings.interactive and name == "console" else "file"
        serial += ["-chardev", f"{kind},id={name},path={ports[name]}", "-serial",
                   f"chardev:{name}"]
    return [PROGRAM, "-nodefaults", "-no-user-config", "-display", "none", *hardware,
            "-m", str(settings.memory), "-smp", str(settings.cpus), "-kernel", kernel["image"],
            "-initrd", str(work / "initrd.gz"),
            "-append", f"{KERNEL_ARGUMENTS} {settings.append}".strip(), *serial]
