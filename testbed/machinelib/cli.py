# SPDX-License-Identifier: GPL-2.0-only
"""The command line of the test machine."""
import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile

from . import (EXIT_DIED, EXIT_USAGE, SetupError, TOP, bochs, describe_kernel, host, initramfs,
               qemu, say, supervise)
from .terminal import Terminal

# Seconds of the emulator's CPU time, for one CPU; a stock kernel needs about 40 to boot.
TIMEOUTS = {"small": 120, "debug": 900, "kcsan": 600}
STOCK_TIMEOUT = 300

DESCRIPTION = """\
Boots a machine that has VT-x, runs a shell command in it as root, streams its console, and ends
with the command's exit code. Other codes: 121 the kernel complained, 122 a module did not load,
124 no end within the time limit, 125 the machine died or did not boot, 126 it could not be set up.
"""


def parse_pair(text):
    source, _, destination = text.partition(":")
    return source, destination


def parse_get(text):
    source, _, destination = text.partition(":")
    if not source.startswith("/") or not destination:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form /path/in/machine:here")
    return source, destination


def parser():
    top = argparse.ArgumentParser(prog="testbed/machine", description=DESCRIPTION)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="run|shell")
    for verb, text in (("run", "run a command in the machine"),
                       ("shell", "a prompt in the machine; Ctrl-A X leaves")):
        one = verbs.add_parser(verb, help=text, description=DESCRIPTION)
        one.add_argument("--kernel", default="small", metavar="K",
                         choices=("small", "debug", "kcsan", "6.1", "6.12", "sid"),
                         help="small (default), debug, kcsan, 6.1, 6.12 or sid")
        one.add_argument("--cpus", type=int, default=1, metavar="N")
        one.add_argument("--memory", type=int, default=1024, metavar="MIB")
        one.add_argument("--mode", default="alone", choices=("alone", "joined", "kvm", "none"),
                         help="lintel (default); kvm_intel, then lintel; kvm_intel; nothing")
        one.add_argument("--module", metavar="FILE", help="default: build/K/lintel.ko")
        one.add_argument("--module-args", default="", metavar="ARGS", help="lintel's parameters")
        one.add_argument("--append", default="", metavar="ARGS", help="kernel arguments")
        one.add_argument("--put", type=parse_pair, action="append", default=[],
                         metavar="SRC[:DST]", help="default DST: /usr/local/bin/")
        one.add_argument("--get", type=parse_get, action="append", default=[], metavar="SRC:DST")
        one.add_argument("--cpu-model", default="corei7_skylake_x", metavar="MODEL",
                         help="of Bochs' models")
        one.add_argument("--pmu", action="store_true",
                         help="with performance counters, which Bochs has only then")
        one.add_argument("--console", metavar="FILE", help="keep the console there too")
        one.add_argument("--timeout", type=float, metavar="SECONDS",
                         help="of the emulator's CPU time")
        one.add_argument("--quiet", action="store_true", help="no console, but after a failure")
        one.add_argument("--reboots", action="store_true", help="a second boot is no failure")
        one.add_argument("--panics", action="store_true",
                         help="nor is a panic; what follows it is waited for")
        one.add_argument("--allow-complaints", action="store_true",
                         help="a warning of the kernel is no failure")
        if verb == "run":
            one.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    return top


def complete(settings):
    """Fill in what follows from other settings, and refuse what cannot be."""
    settings.interactive = settings.verb == "shell"
    if settings.interactive:
        settings.command = ["true"]
    elif len(settings.command) > 1:
        settings.command = [" ".join(settings.command)]
    if settings.cpus < 1 or settings.cpus > 8:
        raise SetupError("--cpus must be between 1 and 8")
    if settings.memory < 64 or settings.memory > 16384:
        raise SetupError("--memory must be between 64 and 16384")
    settings.window = ""
    if settings.interactive and sys.stdout.isatty():
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        settings.window = f"rows {rows} cols {columns}" if rows and columns else ""
    complete_module(settings)
    if settings.timeout is None:
        settings.timeout = TIMEOUTS.get(settings.kernel, STOCK_TIMEOUT) * (settings.cpus + 1) / 2
    settings.counts_cpu_time = settings.backend == "bochs"


def complete_module(settings):
    """lintel.ko goes into the machine whenever it is there, and has to be when it is loaded."""
    kernel = "running" if settings.backend == "host" else settings.kernel
    wanted = settings.module or str(TOP / "build" / kernel / "lintel.ko")
    if os.path.exists(wanted):
        settings.module = wanted
    elif settings.module or settings.mode in ("alone", "joined"):
        raise SetupError(f"{wanted} is missing; 'make module KERNEL={kernel}' builds it")


def choose_backend():
    """MACHINE says which; else nested KVM where this computer has it, else Bochs."""
    chosen = os.environ.get("MACHINE") or ("bochs" if qemu.nested_kvm() else "qemu")
    if chosen not in ("bochs", "qemu", "tcg", "host"):
        raise SetupError(f"MACHINE={chosen}: there are bochs, qemu, host and tcg")
    return chosen


def run(settings, work, terminal=None):
    if settings.backend == "host":
        return host.run(settings, work, initramfs.for_host(settings))
    kernel = describe_kernel(settings.kernel)
    initramfs.make(work / "initrd.gz", kernel, settings)
    one = supervise.Run(work, settings, terminal)
    ports = one.open_ports()
    emulator = bochs if settings.backend == "bochs" else qemu
    command = emulator.command(work, kernel, settings, ports)
    with bochs.Slot():
        one.supervise(command)
    code = supervise.report(one)
    if one.outcome.files is not None:
        supervise.unpack(one.outcome.files, settings.get)
    return code


def shell(settings, work):
    if settings.backend == "host":
        raise SetupError("MACHINE=host needs no shell of its own: load lintel.ko and use yours")
    say("booting; Ctrl-A X leaves")
    with Terminal() as terminal:
        return run(settings, work, terminal)


def main(arguments):
    settings = parser().parse_args(arguments)
    # a signal becomes an exception, so that every way out cleans up
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(EXIT_DIED))
    work = pathlib.Path(tempfile.mkdtemp(prefix="lintel-machine."))
    try:
        settings.backend = choose_backend()
        complete(settings)
        return (shell if settings.interactive else run)(settings, work)
    except SetupError as error:
        say(f"error: {error}")
        return EXIT_USAGE
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    finally:
        shutil.rmtree(work, ignore_errors=True)
