# SPDX-License-Identifier: GPL-2.0-only
"""The machine's root file system: a cpio archive that the kernel unpacks into memory.

It holds busybox, the scripts of testbed/root/, the KVM modules of the kernel that is booted,
lintel.ko, the user's command, and what the user puts in. A program that is linked dynamically
brings its shared libraries along, at the paths where its loader looks for them.
"""
import gzip
import io
import lzma
import os
import pathlib
import re
import stat
import subprocess
import tarfile

from . import SetupError, TESTBED

# In the order in which they are loaded; what they depend on is found with modinfo.
KVM_MODULES = ("irqbypass", "kvm", "kvm-intel")
EXTRA_MODULES = ("msr", "cpuid")
SWAP_MODULES = ("zram",)

DIRECTORIES = ("bin", "dev", "etc", "proc", "root", "sys", "tmp", "run", "lib", "lib64", "mnt",
               "usr/local/bin", "usr/lib", "testbed")
PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
GROUP = "root:x:0:\ntty:x:5:\nkvm:x:106:\nnogroup:x:65534:\n"


class Archive:
    """Files by their path in the machine; written in cpio's newc format."""

    def __init__(self, directories):
        self.entries = {}
        for path in directories:
            self.directory(path)

    def directory(self, path):
        self.parents(path)
        self.entries.setdefault(path, (stat.S_IFDIR | 0o755, b""))

    def parents(self, path):
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.directory(parent)

    def data(self, path, content, mode=0o644):
        path = path.strip("/")
        self.parents(path)
        self.entries[path] = (stat.S_IFREG | mode, content)

    def link(self, path, target):
        path = path.strip("/")
        self.parents(path)
        self.entries[path] = (stat.S_IFLNK | 0o777, target.encode())

    def file(self, path, source):
        """One file, with its execute bit; a dynamic program's libraries come along, unless a loader
        of its own is beside it (testbed/foreign)."""
        source = pathlib.Path(source)
        content = source.read_bytes()
        self.data(path, content, 0o755 if os.access(source, os.X_OK) else 0o644)
        if content.startswith(b"\x7fELF") and not (source.parent / "loader.so").exists():
            for library in shared_libraries(source):
                where = library.strip("/")
                if where not in self.entries:
                    self.data(where, pathlib.Path(library).read_bytes(), 0o755)

    def tree(self, path, source):
        """A file, or a directory with all that is in it."""
        source = pathlib.Path(source)
        if not source.is_dir():
            self.file(path, source)
            return
        self.directory(path.strip("/"))
        for entry in sorted(source.iterdir()):
            inside = f"{path.rstrip('/')}/{entry.name}"
            if entry.is_symlink() and not entry.is_dir() and not entry.exists():
                self.link(inside, os.readlink(entry))
            else:
                self.tree(inside, entry)

    def write(self, stream):
        for number, (path, (mode, content)) in enumerate(sorted(self.entries.items()), 1):
            write_entry(stream, path, mode, content, number)
        write_entry(stream, "TRAILER!!!", 0, b"", 0)


    def add_to_tar(self, tar):
        """The files and links, as members of a tar file; no directory, for those exist."""
        for path, (mode, content) in sorted(self.entries.items()):
            if stat.S_ISDIR(mode):
                continue
            member = tarfile.TarInfo(path)
            member.mode = stat.S_IMODE(mode)
            if stat.S_ISLNK(mode):
                member.type, member.linkname = tarfile.SYMTYPE, content.decode()
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def write_entry(stream, path, mode, content, inode):
    name = path.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    stream.write(header + b"\0" * (-len(header) % 4))
    stream.write(content + b"\0" * (-len(content) % 4))


def shared_libraries(program):
    """The paths of the libraries and the loader of a dynamic program; none for a static one."""
    done = subprocess.run(["ldd", str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        return []
    if "not found" in done.stdout:
        raise SetupError(f"{program} needs libraries that this machine lacks:\n{done.stdout}")
    return re.findall(r"(?:=>\s+|^\s+)(/\S+)", done.stdout, re.MULTILINE)


def read_module(path):
    """A module's bytes, unpacked: the machine's busybox cannot load a compressed one."""
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    return path.read_bytes()


def find_modules(directory):
    """Every module under a directory, by its name with '-' for '_'."""
    found = {}
    for path in pathlib.Path(directory).rglob("*.ko*"):
        found[path.name.split(".ko")[0].replace("_", "-")] = path
    return found


def load_order(found, names):
    """The named modules and all that they depend on, the dependencies first."""
    order = []

    def visit(name):
        name = name.replace("_", "-")
        if name in order or name not in found:
            return
        depends = subprocess.run(["modinfo", "-F", "depends", str(found[name])],
                                 stdout=subprocess.PIPE, text=True, check=True).stdout
        for other in filter(None, depends.strip().split(",")):
            visit(other)
        order.append(name)

    for name in names:
        visit(name)
    return order


def add_modules(archive, kernel):
    found = find_modules(kernel["modules"])
    order = load_order(found, KVM_MODULES)
    extra = load_order(found, EXTRA_MODULES)
    swap = load_order(found, SWAP_MODULES)
    where = f"lib/modules/{kernel['release']}"
    for name in dict.fromkeys(order + extra + swap):
        archive.data(f"{where}/{name}.ko", read_module(found[name]))
    # load-kvm and unload-kvm read these
    archive.data(f"{where}/kvm.order", "".join(f"{name}\n" for name in order).encode())
    # tests that want swap read this
    archive.data(f"{where}/swap.order", "".join(f"{name}\n" for name in swap).encode())


def add_busybox(archive):
    busybox = pathlib.Path("/bin/busybox")
    if not busybox.exists():
        raise SetupError("/bin/busybox is missing; 'make setup' installs busybox-static")
    archive.data("bin/busybox", busybox.read_bytes(), 0o755)
    applets = subprocess.run([busybox, "--list"], stdout=subprocess.PIPE, text=True, check=True)
    for applet in applets.stdout.split():
        if applet != "busybox":
            archive.link(f"bin/{applet}", "busybox")


def add_put(archive, source, destination):
    """One --put; without a destination the file becomes a command."""
    if not os.path.exists(source):
        raise SetupError(f"--put {source}: there is no such file")
    name = os.path.basename(os.path.abspath(source))
    if not destination:
        destination = f"/usr/local/bin/{name}"
    elif destination.endswith("/"):
        destination += name
    archive.tree(destination, source)


def add_own(archive, place):
    """The scripts of testbed/root/, as commands."""
    for script in sorted((TESTBED / "root").iterdir()):
        if script.name != "init":
            archive.data(f"{place}/{script.name}", script.read_bytes(), 0o755)


def for_host(settings):
    """What a run on this very computer needs: the commands, and what the user puts in."""
    archive = Archive(())
    add_own(archive, "usr/local/bin")
    if settings.module:
        archive.data("lib/lintel.ko", pathlib.Path(settings.module).read_bytes())
    for source, destination in settings.put:
        add_put(archive, source, destination)
    return archive


def make(path, kernel, settings):
    """Write the archive for one run; settings is the command line, as cli.py parsed it."""
    archive = Archive(DIRECTORIES)
    add_busybox(archive)
    add_own(archive, "bin")
    archive.data("init", (TESTBED / "root" / "init").read_bytes(), 0o755)
    archive.data("etc/passwd", PASSWD.encode())
    archive.data("etc/group", GROUP.encode())
    archive.data("etc/hostname", b"testbed\n")
    add_modules(archive, kernel)
    if settings.module:
        archive.data("lib/lintel.ko", pathlib.Path(settings.module).read_bytes())
    for source, destination in settings.put:
        add_put(archive, source, destination)
    archive.data("testbed/command", (settings.command[0] + "\n").encode(), 0o755)
    variables = {"mode": settings.mode, "module_args": settings.module_args,
                 "interactive": "1" if settings.interactive else "",
                 "window": settings.window, "get": " ".join(one for one, _ in settings.get)}
    archive.data("testbed/settings", "".join(
        f"{name}='{value}'\n" for name, value in variables.items()).encode())
    with gzip.open(path, "wb", compresslevel=0) as stream:
        archive.write(stream)
