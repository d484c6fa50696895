# SPDX-License-Identifier: GPL-2.0-only
"""The fuzzers that run in the test machine: build, boot, run, and judge what was printed."""
import subprocess
import sys

from . import OUT, SetupError, TOP, coverage, documented, tap

# program, its options in the short form, what is judged besides by its output
FUZZERS = {
    "ioctl": ("fuzz-ioctl", "--rounds 20", documented.judge),
    "guest": ("fuzz-guest", "--cases 600", None),
    "ring0": ("fuzz-ring0", "--cases 2500", None),
}
BOOT = {"small": 60, "debug": 900}      # seconds of the emulator until the command runs
SHORT = {"small": 60, "debug": 700}     # seconds of the machine that a short form takes at most
# what the emulator's CPU time may be for each second of the machine
FACTOR = 4
SAVE = ("cat /sys/kernel/debug/lintel_coverage > /coverage; for file in "
        "/sys/module/lintel/sections/.*text*; do echo \"${file##*/} $(cat $file)\"; "
        "done > /sections")
# leaks are found by a scan that lets some time pass between allocation and verdict
LEAKS = ("; code=$?; if [ -e /sys/kernel/debug/kmemleak ]; then sleep 6; "
         "echo scan > /sys/kernel/debug/kmemleak; sleep 6; "
         "echo scan > /sys/kernel/debug/kmemleak; grep -A20 'unreferenced' "
         "/sys/kernel/debug/kmemleak && code=1; fi; (exit $code)")


def build(settings):
    done = subprocess.run([TOP / "testbed" / "build", "fuzz"], check=False)
    if done.returncode:
        raise SetupError("the fuzzers do not build (see above)")
    if settings.mode == "kvm":
        return []
    words = [TOP / "testbed" / "module", settings.kernel]
    done = subprocess.run(words + (["--coverage"] if settings.coverage else []),
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SetupError("the module does not build (see above)")
    module = done.stdout.strip().splitlines()[-1]
    extra = ["--module", module]
    if settings.coverage:
        folder = module.rsplit("/", 1)[0]
        extra += ["--put", f"{folder}/lintel_coverage.ko:/lib/lintel_coverage.ko",
                  "--get", f"/coverage:{folder}/coverage",
                  "--get", f"/sections:{folder}/sections"]
    return extra


def command_line(settings, program, short):
    device = "/dev/kvm" if settings.mode == "kvm" else "/dev/lintel"
    amount = f"--seconds {settings.seconds:g}" if settings.seconds else short
    words = [program, "--seed", str(settings.seed), amount, "--device", device]
    if settings.against:
        words += ["--against", "/dev/kvm"]
    words += settings.more
    return " ".join(words) + LEAKS + (f"; code=$?; {SAVE}; (exit $code)" if settings.coverage
                                      else "")


def run(settings):
    program, short, judge = FUZZERS[settings.what]
    extra = build(settings)
    seconds = settings.seconds or SHORT.get(settings.kernel, 60)
    limit = BOOT.get(settings.kernel, 300) + FACTOR * seconds
    words = [TOP / "testbed" / "machine", "run", "--kernel", settings.kernel, "--mode",
             settings.mode, "--cpus", str(settings.cpus), "--timeout", str(int(limit)),
             "--put", OUT / program, *extra, "--", command_line(settings, program, short)]
    OUT.mkdir(parents=True, exist_ok=True)
    log = OUT / f"{settings.what}-{settings.kernel}-{settings.mode}.log"
    if settings.against and (settings.mode, settings.what) != ("joined", "guest"):
        raise SetupError("--against is for guest, and needs both modules: --mode joined")
    lines = []
    with open(log, "w") as file, subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stdout:
            file.write(line)
            lines.append(line.rstrip())
            # the long tables are for the log
            if not line.startswith(("# call ", "# cover ")):
                sys.stdout.write(line)
                sys.stdout.flush()
    code = process.returncode
    results = list(judge(lines)) if judge and settings.mode != "kvm" else []
    fine = tap(results) if results else True
    print(f"# the whole output: {log.relative_to(TOP)}")
    if settings.coverage and code in (0, 1):
        coverage.report(settings)
    return code or (0 if fine else 1)
