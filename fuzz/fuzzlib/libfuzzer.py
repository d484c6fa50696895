# SPDX-License-Identifier: GPL-2.0-only
"""The libFuzzer targets: build, run, keep what they found to be of interest.

A target's corpus is kept in the tree as text, fuzz/corpus/TARGET.txt, one input a line (zlib,
base64). The short form unpacks that and runs a fixed number of inputs from a fixed seed. The long
form goes on from build/fuzz/corpus/TARGET, and --keep writes back the smallest set of inputs that
reaches as much. A crash is left in build/fuzz/crashes, with the command that repeats it.
"""
import base64
import pathlib
import re
import subprocess
import tempfile
import zlib

from . import OUT, SetupError, TOP, seeds, tap

# what -> target -> inputs of the short form, longest input
TARGETS = {
    "launcher": {"image": (60000, 8192), "options": (60000, 512), "devices": (40000, 1024),
                 "acpi": (3000, 16)},
    "interpreter": {"execute": (30000, 21)},
}
KEPT = TOP / "fuzz" / "corpus"
CRASHES = OUT / "crashes"
LOADED = re.compile(r"INFO: Loaded 1 modules\s+\((\d+) inline 8-bit counters\)")
DONE = re.compile(r"DONE\s+cov: (\d+) ft: (\d+) corp: (\d+)")
RUNS = re.compile(r"Done (\d+) runs in (\d+) second")


def build():
    done = subprocess.run(["make", "-s", "-j2", "-C", TOP / "fuzz", "-f", "libfuzzer.mk",
                           f"OUTPUT={OUT / 'libfuzzer'}"], check=False)
    if done.returncode:
        raise SetupError("the libFuzzer targets do not build; 'make setup' installs clang-14 and "
                         "libclang-rt-14-dev")


def unpack(name, folder):
    """Put what the tree keeps, and the made seeds, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{name}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    inputs = [zlib.decompress(base64.b64decode(line)) for line in lines if line[:1] not in "#"]
    for number, data in enumerate(inputs + seeds.make(name)):
        (folder / f"kept-{number:04}").write_bytes(data)


def keep(name, program, folder):
    """Write the smallest set of inputs with the same coverage into the tree."""
    with tempfile.TemporaryDirectory() as small:
        subprocess.run([program, "-merge=1", small, folder], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        inputs = sorted((path.read_bytes() for path in pathlib.Path(small).iterdir()),
                        key=lambda data: (len(data), data))
    lines = [base64.b64encode(zlib.compress(data, 9)).decode() for data in inputs]
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{name}.txt").write_text(
        "# SPDX-License-Identifier: GPL-2.0-only\n"
        f"# Inputs for the target {name}, one a line, as zlib and base64: written by fuzz/run "
        "--keep.\n" + "".join(line + "\n" for line in lines))
    print(f"# {len(lines)} inputs are kept in fuzz/corpus/{name}.txt")


def run_target(what, target, settings, share):
    """(fine, sentence) for one target."""
    name = f"{what}-{target}"
    program = OUT / "libfuzzer" / name
    runs, longest = TARGETS[what][target]
    CRASHES.mkdir(parents=True, exist_ok=True)
    words = [program, f"-seed={settings.seed}", f"-max_len={longest}", "-timeout=20",
             "-rss_limit_mb=2048", "-print_final_stats=0", f"-artifact_prefix={CRASHES}/{name}-"]
    with tempfile.TemporaryDirectory() as fresh:
        folder = OUT / "corpus" / name if settings.seconds else pathlib.Path(fresh)
        unpack(name, folder)
        words += ([f"-max_total_time={max(1, round(share))}"] if settings.seconds
                  else [f"-runs={runs}"])
        done = subprocess.run([*words, folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False)
        (OUT / f"{name}.log").write_text(done.stdout)
        if settings.keep and not done.returncode:
            keep(name, program, folder)
    if done.returncode:
        show_crash(name, program, done.stdout)
        return False, f"{name}: an input is not handled as it should (build/fuzz/{name}.log)"
    edges, end = LOADED.search(done.stdout), DONE.search(done.stdout)
    count = RUNS.search(done.stdout)
    for line in done.stdout.splitlines():
        if line.startswith("# "):
            print(line)
    return True, (f"{name}: {count[1]} inputs in {count[2]} s, {end[1]} of {edges[1]} edges, "
                  f"{end[3]} inputs of interest")


def show_crash(name, program, output):
    for line in output.splitlines():
        if re.search(r"ERROR|SUMMARY|broken|runtime error|Test unit written", line):
            print(f"# {line}")
    files = sorted(CRASHES.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime)
    if files:
        print(f"# again with: {program.relative_to(TOP)} {files[-1].relative_to(TOP)}")


def run(settings):
    build()
    targets = TARGETS[settings.what]
    share = (settings.seconds or 0) / len(targets)
    results = [run_target(settings.what, target, settings, share) for target in targets]
    return 0 if tap(results) else 1
