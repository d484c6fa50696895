# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own compiler command, so that one file can be compiled without a whole Kbuild run.

Kbuild is asked once to compile an empty module and notes the command it used; everything else is
done with that command and another file.
"""
import os
import pathlib
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

from . import TOP

WORK = TOP / "build" / "checks"


class Unavailable(Exception):
    """What is missing, and how to get it."""


def headers(name):
    """The build directory of a Debian kernel by its name in testbed/kernel."""
    done = subprocess.run([TOP / "testbed" / "kernel", "--build-dir", name], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Unavailable(done.stderr.strip().split("\n")[-1] or f"no headers of {name}")
    return pathlib.Path(done.stdout.strip())


class Compiler:
    def __init__(self, name):
        self.name, self.cwd = name, headers(name)
        self.work = WORK / f"compile-{name}"
        self.work.mkdir(parents=True, exist_ok=True)
        self.flags = self.probe()

    def probe(self):
        (self.work / "Kbuild").write_text("obj-m := probe.o\n")
        (self.work / "probe.c").write_text("#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n")
        (self.work / "probe.o").unlink(missing_ok=True)
        done = subprocess.run(["make", "-C", self.cwd, f"M={self.work}", "probe.o"], text=True,
                              capture_output=True, check=False)
        command = self.work / ".probe.o.cmd"
        if done.returncode or not command.exists():
            raise Unavailable(f"the headers of {self.name} do not compile an empty module: "
                              + done.stderr.strip()[-200:])
        line = command.read_text().split("\n", 1)[0].split(":=", 1)[1].split(" ; ")[0]
        words = shlex.split(line)
        # what is compiled, into what, and the notes for make are for each call to say
        keep = [word for word in words[:words.index("-c")] if not word.startswith("-Wp,-MMD")]
        # warnings are the business of the module's own build; W=1 there makes them errors
        return keep + [f"-I{TOP}/uapi", f"-I{TOP}/module", "-Wno-unused"]

    def command(self, source, *more):
        return [*self.flags, *more, "-x", "c", "-c", "-o", "/dev/null", str(source)]

    def run(self, name, text, *more):
        """Compile text; the errors of the compiler, empty when there are none."""
        source = self.work / name
        source.write_text(text)
        # where the kernel's relative include directories are
        done = subprocess.run(self.command(source, *more), cwd=self.build_dir(), text=True,
                              capture_output=True, check=False,
                              env=dict(os.environ, LC_ALL="C"))
        if done.returncode == 0:
            return ""
        errors = re.findall(r"^.*(?:error|undefined).*$", done.stderr, re.M | re.I)
        return errors[0] if errors else done.stderr.strip()[:200] or "the compiler failed"

    def build_dir(self):
        return self.cwd.resolve()


def in_parallel(work, items):
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(work, items))
