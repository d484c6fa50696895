# SPDX-License-Identifier: GPL-2.0-only
"""Boots machines, runs lintel-bench in them, and collects what it prints."""
import concurrent.futures
import json
import os
import re
import subprocess
import sys

from . import OUT, TOP, BenchError

TWO_CPU_ROWS = ("ipi_running", "ipi_halted", "irqfd", "vcpu_migrate")
GUEST_ROWS = ("boot", "boot_qemu")     # take minutes, and have boots of the machine for themselves
EMULATORS = 2           # that the test machine lets run at a time
SKIP = re.compile(r"ok \d+ (\S+) # SKIP (.*)")
# by the launcher and by QEMU, which testbed/checks/with-qemu puts into the machine: the same guest
BY_LAUNCHER = ("lintel run --kernel /guest/vmlinuz --initrd /guest/initrd --append console=ttyS0 "
               "--mem 256M --no-terminal --device \\$LINTEL_DEVICE >/dev/null")
BY_QEMU = ("qemu-on \\$LINTEL_DEVICE -machine microvm -cpu host -m 256 -net none -display none "
           "-monitor none -serial stdio -kernel /guest/vmlinuz -initrd /guest/initrd "
           "-append console=ttyS0 </dev/null >/dev/null")


# A kernel that has just booted has work of its own to do, among which a vCPU that sleeps is late:
# until every CPU has been idle for most of half a second.
REST = ("idle() {{ awk '{{ print int($2 * 100) }}' /proc/uptime; }}; "
        "until before=$(idle); sleep 0.5; [ $(($(idle) - before)) -ge $((40 * {cpus})) ]; "
        "do :; done; ")


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def test_name(row):
    """A row is a test of the harness; its name must not be a function's."""
    return row + "_row"


class Boot:
    """One boot of the machine and the rows that are measured in it."""

    def __init__(self, kernel, mode, cpus, settings, mitigated=False, guests=False):
        self.kernel, self.mode, self.cpus = kernel, mode, cpus
        self.mitigated, self.guests = mitigated, guests
        self.lintel_only = settings.lintel_only
        group = GUEST_ROWS if guests else TWO_CPU_ROWS if cpus > 1 else ()
        rows = [one for one in settings.rows or group
                if (one in group if group else one not in GUEST_ROWS)]
        self.rows = [test_name(one) for one in rows]
        self.empty = bool(group or settings.rows) and not rows
        self.name = f"{kernel} {mode}, {cpus} CPU{'s' if cpus > 1 else ''}" + \
            (", mitigations on" if mitigated else "") + (", guests" if guests else "")

    def devices(self):
        """Configuration and device, for each pass over the rows."""
        suffix = "+m" if self.mitigated else ""
        passes = [(self.mode + suffix, "/dev/lintel")]
        if self.mode == "joined" and not self.lintel_only:
            passes.append(("kvm" + suffix, "/dev/kvm"))
        return passes

    def command(self):
        one = REST.format(cpus=self.cpus)
        if self.guests:
            one += f'export BENCH_BOOT="{BY_LAUNCHER}" BENCH_BOOT_QEMU="{BY_QEMU}"; '
        for configuration, device in self.devices():
            one += (f"echo bench-pass {configuration}; LINTEL_DEVICE={device} "
                    f"lintel-bench {' '.join(self.rows)}; ")
        return one + "true"

    def arguments(self):
        """The program that boots the machine, and what it wants in the environment."""
        if self.guests:
            put = f"{OUT}/lintel-bench {TOP}/build/userspace/lintel"
            return [TOP / "testbed" / "checks" / "with-qemu", self.kernel, self.mode,
                    self.command()], {"GUEST": find_vmlinux(), "PUT": put}
        arguments = [TOP / "testbed" / "machine", "run", "--mode", self.mode,
                     "--cpus", str(self.cpus), "--timeout", "1200",
                     "--put", OUT / "lintel-bench"]
        if self.kernel != "running":
            arguments += ["--kernel", self.kernel]
        if self.mitigated:
            arguments += ["--append", "mitigations=auto"]
        return arguments + ["--", self.command()], {}

    def run(self):
        """Boot, and give what was printed; the whole of it is kept beside the results."""
        arguments, more = self.arguments()
        done = subprocess.run(arguments, env={**os.environ, **more}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        log = OUT / ("log " + self.name).replace(", ", "-").replace(" ", "-")
        log.write_text(done.stdout)
        if done.returncode != 0:
            raise BenchError(f"{self.name} ended with code {done.returncode}; see {log}")
        say(f"{self.name}: done")
        return done.stdout


def find_vmlinux():
    """Debian's 6.1 as an ELF file: the guest that is booted."""
    done = subprocess.run([TOP / "testbed" / "kernel", "--vmlinux", "6.1"],
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise BenchError("there is no guest kernel (see above)")
    return done.stdout.strip()


def must(*command):
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        raise BenchError(f"'{' '.join(map(str, command))}' failed (see above)")


def make_program():
    must(TOP / "testbed" / "build", "bench")


def make_module(kernel):
    must(TOP / "testbed" / "module", kernel)


def build(boots):
    make_program()
    if any(boot.guests for boot in boots):
        must(TOP / "testbed" / "build", "userspace", "all", "guest")
    for kernel in dict.fromkeys(boot.kernel for boot in boots):
        make_module(kernel)


def collect(boot, output, results):
    """Sort what one boot printed into the results."""
    configuration = None
    rows = results["rows"].setdefault(boot.kernel, {})
    failed = []
    for line in output.splitlines():
        if line.startswith("bench-pass "):
            configuration = line.split()[1]
        elif line.startswith("bench: {"):
            row = json.loads(line[len("bench: "):])
            row["cpus"] = boot.cpus
            rows.setdefault(configuration, {})[row["row"]] = row
        elif line.startswith("not ok"):
            failed.append(f"{configuration}: {line}")
        elif SKIP.match(line):
            name, reason = SKIP.match(line).groups()
            absent = results["absent"].setdefault(boot.kernel, {}).setdefault(configuration, {})
            if "CPUs" not in reason and "BENCH_BOOT" not in reason:
                absent[name.removesuffix("_row")] = reason
    results["boots"].append({"name": boot.name, "failed": failed})
    for line in failed:
        say(f"{boot.name}: {line}")


def run_all(boots):
    boots = [boot for boot in boots if not boot.empty]
    build(boots)
    results = {"rows": {}, "absent": {}, "boots": []}
    OUT.mkdir(parents=True, exist_ok=True)
    at_once = 1 if os.environ.get("MACHINE") == "host" else EMULATORS
    say(f"{len(boots)} boots of the machine, about {len(boots) * 60 // at_once} s")
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for boot, output in zip(boots, pool.map(Boot.run, boots)):
            collect(boot, output, results)
    return results


def write(results, path):
    path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
