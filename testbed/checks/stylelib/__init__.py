# SPDX-License-Identifier: GPL-2.0-only
"""What the style checks share: the files of the tree, their code without comments, the report.

A rule is a function that yields findings, each a place and a sentence. Report prints one TAP line
for a rule: 'ok' when nothing was found that the list of exceptions does not allow. The list is
testbed/checks/exceptions; each of its rows says how many findings it allows in which files, and
why. More than that is a failure, and so is a row with nothing left to allow.
"""
import fnmatch
import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[3]
EXCEPTIONS = TOP / "testbed" / "checks" / "exceptions"
SOURCES = (".c", ".h", ".S")
EXIT_SKIP = 4


class Finding:
    def __init__(self, path, line, text):
        self.path, self.line, self.text = str(path), line, text

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


def tree():
    """Every file of the project, tracked or about to be, as a path below the top."""
    done = subprocess.run(["git", "-C", TOP, "ls-files", "-co", "--exclude-standard"],
                          capture_output=True, text=True, check=False)
    if done.returncode == 0:
        names = done.stdout.splitlines()
    else:       # an unpacked archive
        names = [os.path.relpath(os.path.join(folder, name), TOP)
                 for folder, folders, files in os.walk(TOP) for name in files
                 if not folders.sort() and not os.path.relpath(folder, TOP).startswith("build")]
    return sorted(name for name in set(names) if (TOP / name).is_file())


def read(name):
    return (TOP / name).read_text(errors="replace")


def sources(*folders, tests=False):
    """C files, headers and assembler below the folders."""
    return [name for name in tree() if name.endswith(SOURCES)
            and any(name.startswith(folder) for folder in folders)
            and (tests or "/test/" not in name)]


COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|'
                               r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)


def code(name, strings=False):
    """The text of a C file with its comments, and its strings unless asked for, made blanks."""
    def blank(match):
        if strings and match[0][0] in "\"'":
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])
    return COMMENT_OR_STRING.sub(blank, read(name))


def lines_with(name, pattern, text=None):
    """(line number, match) of a regular expression in the code of a file."""
    regex = re.compile(pattern)
    for number, line in enumerate((code(name) if text is None else text).splitlines(), 1):
        match = regex.search(line)
        if match:
            yield number, match


def read_exceptions():
    rows = []
    for number, line in enumerate(EXCEPTIONS.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 4 or not fields[2].isdigit() or not fields[3]:
            sys.exit(f"{EXCEPTIONS.relative_to(TOP)}:{number}: "
                     "expected 'rule | files | count | reason'")
        rows.append({"rule": fields[0], "files": fields[1], "allowed": int(fields[2]),
                     "reason": fields[3], "line": number})
    return rows


class Report:
    """TAP lines for rules, with the exceptions taken into account."""

    def __init__(self, plan):
        self.exceptions = read_exceptions()
        self.passed = self.failed = self.skipped = 0
        print(f"1..{plan}")

    @property
    def number(self):
        return self.passed + self.failed + self.skipped

    def settle(self, slug, findings):
        """Findings that no exception covers, and complaints about exceptions without use."""
        left, notes = list(findings), []
        for row in (row for row in self.exceptions if row["rule"] == slug):
            covered = [one for one in left if fnmatch.fnmatch(one.path, row["files"])]
            if len(covered) > row["allowed"]:
                notes.append(f"{row['files']}: {len(covered)} findings, {row['allowed']} allowed:"
                             f" {row['reason']}")
                continue
            left = [one for one in left if one not in covered]
            notes.append(f"{row['files']}: {len(covered)} of {row['allowed']} allowed: "
                         f"{row['reason']}")
            if not covered:
                left.append(Finding(EXCEPTIONS.relative_to(TOP), row["line"],
                                    "allows what is no longer there: delete the row"))
        return left, notes

    def rule(self, slug, sentence, findings):
        left, notes = self.settle(slug, findings)
        for note in notes:
            print(f"#   {note}")
        if left:
            self.failed += 1
        else:
            self.passed += 1
        print(f"{'not ok' if left else 'ok'} {self.number} - {slug}: {sentence}", flush=True)
        for one in left[:100]:
            print(f"#   {one}")
        if len(left) > 100:
            print(f"#   and {len(left) - 100} more")

    def skip(self, slug, reason):
        self.skipped += 1
        print(f"ok {self.number} - {slug} # SKIP {reason}", flush=True)

    def close(self):
        print(f"# {self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        if self.failed:
            return 1
        return 0 if self.passed else EXIT_SKIP
