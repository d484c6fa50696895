# SPDX-License-Identifier: GPL-2.0-only
"""Whether the ioctls that were called are all that there are, and their errors the documented ones.

The sections of Documentation/api.rst name for each ioctl the errors it may give. An errno that the
fuzzer saw and no section names is a defect of the one or the other.
"""
import re

from . import TOP

PAGE = TOP / "Documentation" / "api.rst"
TITLES = {"system": "System ioctls", "vm": "VM ioctls", "vcpu": "vCPU ioctls"}
SOURCES = {"system": ("dev.c", "dev_rows"), "vm": ("vm.c", "vm_rows"),
           "vcpu": ("vcpu.c", "vcpu_rows")}
# what the page says of all of them, and what a descriptor gives that another thread has closed,
# or whose number is another kind of file by now
ANY = {"ENOTTY", "EIO", "EFAULT", "ENOMEM", "EINTR", "EBADF"}
# too many open files: the fuzzer's own limit
OPENS = {"EMFILE"}


def sections():
    """(descriptor, ioctl) -> the text of its section."""
    text = PAGE.read_text()
    found = {}
    for kind, title in TITLES.items():
        part = re.search(rf"^{title}\n=+\n(.*?)(?=^[^\n]+\n=+\n|\Z)", text, re.M | re.S)
        pieces = re.split(r"^(\w+)\n-+$", part[1], flags=re.M)
        for name, body in zip(pieces[1::2], pieces[2::2]):
            found[kind, name] = body
    return found


def allowed(found, key, depth=3):
    """The errnos of a section, and of those that its errors refer to."""
    text = found.get(key, "")
    names = set(re.findall(r"``(E[A-Z0-9]+)``", text))
    errors = re.search(r"^:Errors:(.*(?:\n    .*)*)", text, re.M)
    for other in re.findall(r"\b((?:KVM|LINTEL)_\w+)", errors[1]) if errors and depth else ():
        for kind in TITLES:
            if (kind, other) in found and other != key[1]:
                names |= allowed(found, (kind, other), depth - 1)
    return names


def rows():
    for kind, (path, name) in SOURCES.items():
        text = (TOP / "module" / "ioctl" / path).read_text()
        table = re.search(rf"{name}\[\] = \{{(.*?)\n\}};", text, re.S)
        for command in re.findall(r"\{\s*(\w+),\s*LOCK_", table[1]):
            yield kind, command


def judge(lines):
    """TAP results for the lines '# call KIND NAME calls N ok N ERRNO N ...'."""
    seen = {}
    for line in lines:
        words = line.split()
        if words[:2] == ["#", "call"] and len(words) >= 8:
            seen[words[2], words[3]] = set(words[8::2])
    if not seen:
        yield False, "the fuzzer came to its end, and told what it called"
        return
    missing = [f"{kind} {command}" for kind, command in rows() if (kind, command) not in seen]
    for one in missing:
        print(f"# not in fuzz/ioctl/calls.c: {one}")
    found, strange = sections(), []
    for key, errors in seen.items():
        if key in found:
            more = errors - ANY - allowed(found, key)
            strange += [f"{key[0]} {key[1]}: {error}" for error in sorted(more - OPENS)]
    for one in strange:
        print(f"# not documented: {one}")
    yield not missing, "the table of the fuzzer has every ioctl of the module"
    yield not strange, "every errno that came is documented for its ioctl"
