# SPDX-License-Identifier: GPL-2.0-only
"""The test machine: what its parts share.

cli.py reads the command line, initramfs.py makes the machine's root file system, bochs.py and
qemu.py turn it into an emulator's command, supervise.py runs that command and judges what comes
back. host.py runs the same commands on this very machine instead.
"""
import os
import pathlib
import subprocess
import sys

TESTBED = pathlib.Path(__file__).resolve().parent.parent
TOP = TESTBED.parent
CACHE = pathlib.Path(os.environ.get("LINTEL_CACHE") or
                     os.path.join(os.environ.get("XDG_CACHE_HOME") or
                                  os.path.expanduser("~/.cache"), "lintel"))

# What a run ends with when the reason is not the command's own exit code.
EXIT_COMPLAINT = 121    # the command passed, but the kernel complained
EXIT_NO_MODULE = 122    # a module could not be loaded, the command did not run
EXIT_HANG = 124         # no end within the time limit
EXIT_DIED = 125         # the machine did not boot, panicked, oopsed or reset
EXIT_USAGE = 126        # the run could not be set up


class SetupError(Exception):
    """The run cannot be set up; the text names the cause and the cure."""


def say(text):
    """A line of progress, on stderr: stdout belongs to the machine's console."""
    bold, plain = ("\033[1m", "\033[0m") if sys.stderr.isatty() else ("", "")
    print(f"{bold}machine{plain}: {text}", file=sys.stderr, flush=True)


def describe_kernel(name):
    """What testbed/kernel knows about a kernel, as a dictionary; it may build the kernel first."""
    done = subprocess.run([TESTBED / "kernel", "--describe", name], stdout=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"the kernel '{name}' is not available (see above)")
    return dict(line.split("=", 1) for line in done.stdout.splitlines())
