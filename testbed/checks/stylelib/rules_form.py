# SPDX-License-Identifier: GPL-2.0-only
"""Rules on the form of files: length, width, functions, labels, the opening, names of places."""
import ast
import re
import shutil
import subprocess

from . import Finding, TOP, code, lines_with, read, sources, tree

MAX_LINES = 600
MAX_COLUMNS = 100
MAX_FUNCTION = 80       # the aim is 60; between the two a reviewer decides
PROGRAMS = (".c", ".h", ".S", ".py", ".sh")
# data that tools write or read line by line, and texts of others
NO_HEADER = re.compile(r"^(COPYING|.*\.config|.*\.patch|\.gitignore|testbed/patches/.*|"
                       r"bench/budget\.json)$")
PROSE = (".md", ".rst", ".1")


def is_script(name):
    return "." not in name.rsplit("/", 1)[-1] and read(name).startswith("#!")


def is_program(name):
    return name.endswith(PROGRAMS) or name.endswith("Makefile") or is_script(name)


def file_length():
    for name in filter(is_program, tree()):
        count = len(read(name).splitlines())
        if count > MAX_LINES:
            yield Finding(name, 0, f"{count} lines")


def columns():
    for name in filter(is_program, tree()):
        for number, line in enumerate(read(name).splitlines(), 1):
            width = len(line.expandtabs(8))
            # a message is not broken in two, so that it can be searched for
            message = name.endswith(".c") and re.match(r"\s*(pr_\w+\(|\w+\(\w*,? ?)?\"", line)
            if width > MAX_COLUMNS and not message:
                yield Finding(name, number, f"{width} columns")


def trailing_blanks():
    for name in tree():
        if name.endswith(".patch") or name == "COPYING":
            continue
        for number, line in enumerate(read(name).splitlines(), 1):
            if line != line.rstrip():
                yield Finding(name, number, "blanks at the end")


def shell_scripts():
    """Without shellcheck, at least the syntax, by the shell that the script names."""
    scripts = {name: read(name).split("\n")[0] for name in tree() if is_script(name)}
    for name, first in scripts.items():
        shell = re.search(r"\b(bash|sh)\b", first)
        if not shell:
            continue
        if shutil.which("shellcheck"):
            # 2034, 2154: variables that the sourced file, or the kernel's command line, brings
            words = ["shellcheck", "-S", "warning", "-e", "SC2034,SC2154", "-f", "gcc", name]
        else:
            words = [shell[1], "-n", name]
        done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False)
        for line in (done.stdout + done.stderr).splitlines() if done.returncode else ():
            yield Finding(name, 0, line)


def c_functions(name):
    """(name, first line, length of the body) of each function: '{' and '}' in the first column."""
    begin = None
    lines = code(name).splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            begin = number
        elif line.startswith("}") and begin:
            head = " ".join(lines[max(0, begin - 5):begin - 1])
            called = re.findall(r"(\w+)\s*\(", head)
            yield called[-1] if called else "?", begin, number - begin - 1
            begin = None


def py_functions(name):
    for node in ast.walk(ast.parse(read(name))):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node.lineno, node.end_lineno - node.lineno


def function_length():
    for name in tree():
        if name.endswith(".c"):
            found = c_functions(name)
        elif name.endswith(".py") or (is_script(name) and "python" in read(name).split("\n")[0]):
            found = py_functions(name)
        else:
            continue
        for function, line, length in found:
            if length > MAX_FUNCTION:
                yield Finding(name, line, f"{function}() has {length} lines")


def numbered_labels():
    for name in (name for name in tree() if name.endswith((".c", ".h"))):
        for number, match in lines_with(name, r"^\s*([A-Za-z_]+\d+):(?!:)\s*$"):
            yield Finding(name, number, f"the label {match[1]} does not say what it undoes")


def opening_paragraph(name, text):
    """The comment or docstring at the beginning, without the licence line."""
    if name.endswith((".py",)) or text.startswith("#!/usr/bin/env python"):
        return ast.get_docstring(ast.parse(text)) or ""
    if name.endswith((".c", ".cc", ".h", ".S", ".css", ".js")):
        match = re.match(r"\s*/\*(.*?)\*/", text.split("\n", 1)[1] if "\n" in text else "", re.S)
        return match[1] if match else ""
    signs = ("#", "//", '.\\"')
    lines = [line for line in text.split("\n")[:12]
             if line.startswith(signs) and "SPDX" not in line and not line.startswith("#!")]
    return " ".join(lines)


def spdx():
    for name in tree():
        if NO_HEADER.match(name) or not read(name):
            continue
        if "SPDX-License-Identifier: GPL-2.0-only" not in "\n".join(read(name).split("\n")[:3]):
            yield Finding(name, 0, "no SPDX-License-Identifier: GPL-2.0-only in its first lines")


def opening():
    for name in tree():
        text = read(name)
        if NO_HEADER.match(name) or name.endswith((".md", ".rst")) or not text.strip():
            continue
        words = re.findall(r"[A-Za-z]{2,}", opening_paragraph(name, text))
        if len(words) < 4:
            yield Finding(name, 0, "does not open with a sentence on what it is for")


# the test itself must not hold what it looks for
MACHINE_PATH = re.compile("/" + r"work/|/home/\w+/|/" + r"tmp/bash_jobs")
URL = re.compile("https?:" + r"//[^\s\"'<>)]+")
HOST = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev)\b")


def places():
    for name in tree():
        if name == "COPYING":
            continue
        for number, line in enumerate(read(name).splitlines(), 1):
            for pattern in (MACHINE_PATH, URL, HOST):
                match = pattern.search(line)
                if match:
                    yield Finding(name, number, f"names a place outside the tree: {match[0]}")
                    break


def sdm_by_title():
    """Editions of the manual renumber its sections; titles stay."""
    for name in sources("module", "selftests", "userspace", "uapi", tests=True):
        for number, line in enumerate(read(name).splitlines(), 1):
            if re.search(r"\bSDM\b.*?(\bVol\w*\.? ?\d|\b[Ss]ection \d|\b\d+\.\d+\.\d+)", line):
                yield Finding(name, number, "cites the SDM by a number")


def no_debris():
    for name in tree():
        base = name.rsplit("/", 1)[-1]
        if base.startswith(".checkpatch") or base.endswith(("~", ".orig", ".rej")):
            yield Finding(name, 0, "left behind by a tool")


RULES = [
    ("file-length", f"a file has at most {MAX_LINES} lines (rule 1)", file_length),
    ("function-length", f"a function has at most {MAX_FUNCTION} lines (rule 1)", function_length),
    ("columns", f"a line has at most {MAX_COLUMNS} columns (rule 1)", columns),
    ("blanks", "no line ends in blanks", trailing_blanks),
    ("shell", "shellcheck is silent about the scripts, where it is installed", shell_scripts),
    ("labels", "no label ends with a number (rule 9)", numbered_labels),
    ("spdx", "each file names its licence (rule 17)", spdx),
    ("opening", "each file opens with what it is for (rule 17)", opening),
    ("sdm-titles", "the SDM is cited by section title (rule 17)", sdm_by_title),
    ("places", "no host name and no path of somebody's machine", places),
    ("debris", "no file that a tool left behind", no_debris),
]
