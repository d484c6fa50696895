# SPDX-License-Identifier: GPL-2.0-only
"""This very computer as the machine: only when MACHINE=host asks for it.

The modules are loaded into the running kernel, and unloaded at the end. The files that a run puts
in appear in an overlay on / in a mount namespace of its own, so that nothing on disk changes, and
all is gone when the command ends.
"""
import os
import subprocess
import tarfile

from . import EXIT_HANG, EXIT_NO_MODULE, SetupError, say

# $1 the work directory, $2 the command; runs in a mount namespace of its own
ENTER = """
set -e
mount -t tmpfs tmpfs "$1/top"
mkdir "$1/top/upper" "$1/top/work" "$1/top/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/top/upper,workdir=$1/top/work" "$1/top/root"
for dir in dev proc sys run tmp; do mount --rbind "/$dir" "$1/top/root/$dir"; done
tar -C "$1/top/root" -xf "$1/put.tar"
exec chroot "$1/top/root" sh -c "$2"
"""


def load(settings):
    """Load what --mode asks for; the list of what has to be unloaded."""
    loaded = []
    wanted = []
    if settings.mode in ("kvm", "joined") and not os.path.exists("/sys/module/kvm_intel"):
        wanted.append((["modprobe", "kvm_intel"], "kvm_intel"))
    if settings.mode in ("alone", "joined"):
        if os.path.exists("/sys/module/lintel"):
            raise SetupError("lintel is loaded already; 'rmmod lintel' first")
        wanted.append((["insmod", settings.module, *settings.module_args.split()], "lintel"))
    for command, name in wanted:
        if subprocess.run(command, check=False).returncode != 0:
            say(f"'{' '.join(command)}' failed; 'dmesg' says why")
            unload(loaded)
            return None
        loaded.append(name)
    return loaded


def unload(loaded):
    for name in reversed(loaded):
        if subprocess.run(["rmmod", name], check=False).returncode != 0:
            say(f"{name} could not be unloaded; something still uses it")


def run(settings, work, archive):
    """Run the command here; its exit code."""
    if os.geteuid() != 0:
        raise SetupError("MACHINE=host loads a module into the running kernel: only root can")
    if settings.get:
        raise SetupError("MACHINE=host has no --get: the command's files are gone with its "
                         "overlay; let it write to /tmp")
    (work / "top").mkdir()
    with tarfile.open(work / "put.tar", "w") as tar:
        archive.add_to_tar(tar)
    loaded = load(settings)
    if loaded is None:
        return EXIT_NO_MODULE
    try:
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", ENTER, "sh", work, settings.command[0]],
            timeout=settings.timeout, check=False).returncode
    except subprocess.TimeoutExpired:
        say(f"no end within the time limit of {settings.timeout:g} s")
        return EXIT_HANG
    finally:
        unload(loaded)
