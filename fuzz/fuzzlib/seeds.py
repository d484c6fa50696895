# SPDX-License-Identifier: GPL-2.0-only
"""First inputs of the libFuzzer targets, made by rule: what random bytes would not come upon."""
import struct

XLF_KERNEL_64 = 1


def bzimage(version=0x20f, setup=1, payload=0x300, loadflags=1, pref=0x1000000, init=0x400000):
    data = bytearray((setup + 1) * 512 + payload)
    data[0x1f1] = setup
    data[0x201] = 0x6a
    struct.pack_into("<I", data, 0x1f4, (payload + 15) // 16)
    struct.pack_into("<H", data, 0x1fe, 0xaa55)
    struct.pack_into("<4sH", data, 0x202, b"HdrS", version)
    data[0x211] = loadflags
    struct.pack_into("<I", data, 0x22c, 0x7fffffff)
    struct.pack_into("<H", data, 0x236, XLF_KERNEL_64)
    struct.pack_into("<I", data, 0x238, 2047)
    struct.pack_into("<QI", data, 0x258, pref, init)
    return bytes(data)


def elf(segments=2, kind=2, machine=62):
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", kind, machine, 1, 0x1000000,
                       64, 0, 0, 64, 56, segments, 0, 0, 0)
    table = b"".join(struct.pack("<IIQQQQQQ", 1, 7, 64, 0, 0x1000000 + i * 0x1000, 32, 0x800, 0)
                     for i in range(segments))
    return head + table


def options():
    words = ["--kernel", "--initrd", "--append", "--mem", "--cpus", "--device", "--timeout",
             "--stats", "--mark", "--no-terminal", "--no-sandbox", "--no-irqchip", "--help"]
    yield b"--kernel\nvmlinuz\n--mem=1G\n--cpus\n4\n--timeout=10"
    yield from (f"{word}=1".encode() for word in words)
    yield from (size.encode() for size in ("512M", "1GiB", "16T", "99999999999999999999", "1K"))


def devices():
    """Accesses of eight bytes; see fuzz/launcher/devices.c."""
    for port in range(20):
        yield b"".join(struct.pack("<BBBBI", kind, port, 0, 0, value) for kind, value in
                       ((0, 0), (4, 0x83), (0, 0), (4, 0x3f), (1, 0), (5, 0x2000), (0x70, 0x41)))


def execute():
    """Head of six bytes, then an instruction; see fuzz/interpreter/execute.c."""
    for opcode in range(256):
        for first in (b"", b"\x0f"):
            yield bytes([opcode % 5, 0, opcode, 1, 2, 0]) + first + bytes([opcode, 0x06, 1, 2, 3])


MADE = {
    "launcher-image": lambda: [bzimage(), bzimage(version=0x20b), bzimage(setup=4),
                               bzimage(pref=0x2000000), elf(), elf(1), elf(16), elf(machine=3),
                               b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"],
    "launcher-options": lambda: list(options()),
    "launcher-devices": lambda: list(devices()),
    "launcher-acpi": lambda: [struct.pack("<HHQB", cpus, room, 0xe0000, 1)
                              for cpus in (0, 7, 255, 1000) for room in (100, 4096, 65535)],
    "interpreter-execute": lambda: list(execute()),
}


def make(name):
    return MADE[name]()
