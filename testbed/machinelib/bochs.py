# SPDX-License-Identifier: GPL-2.0-only
"""The machine in Bochs: VT-x in software, on any computer.

A run boots an ISO (isolinux, kernel, initramfs) and needs no disk. Each serial port writes into a
FIFO that supervise.py reads; for a prompt, the first one is a pseudo-terminal instead.

The clock counts retired instructions at 100 MHz (sync=none), so time in the machine says how much
was executed, not how long it took here.
"""
import fcntl
import os
import pathlib
import subprocess
import time

from . import CACHE, SetupError, TESTBED, say

BIOS = pathlib.Path("/usr/share/bochs/BIOS-bochs-latest")
VGA_BIOS = pathlib.Path("/usr/share/vgabios/vgabios.bin")
ISOLINUX = pathlib.Path("/usr/lib/ISOLINUX/isolinux.bin")
LDLINUX = pathlib.Path("/usr/lib/syslinux/modules/bios/ldlinux.c32")
SLOTS = 2
MOST_HELD = 2048        # MiB that the emulator keeps in memory; it puts the rest into a file

# What the kernel would believe from CPUID, 3.5 GHz, makes every timer 35 times off.
KERNEL_ARGUMENTS = ("console=ttyS2 loglevel=5 nokaslr mitigations=off tsc=reliable "
                    "tsc_early_khz=100000 panic=0 oops=panic "
                    "reboot=p random.trust_cpu=on")

CONFIGURATION = """\
cpu: model={model}, count={cpus}, ips=100000000, reset_on_triple_fault=0{features}
memory: guest={memory}, host={held}
romimage: file={bios}, options=fastboot
vgaromimage: file={vga_bios}
display_library: nogui
boot: cdrom
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path={iso}, status=inserted
com1: enabled=1, mode={console_mode}, dev={console}
com2: enabled=1, mode=file, dev={result}
com3: enabled=1, mode=file, dev={kernel_log}
log: {log}
info: action=ignore
error: action=ignore
debug: action=ignore
panic: action=fatal
clock: sync=none
"""

ISOLINUX_CFG = """\
DEFAULT l
PROMPT 0
LABEL l
 KERNEL /vmlinuz
 INITRD /initrd.gz
 APPEND {arguments}
"""


class Slot:
    """One of the emulators that may run on this computer at a time; the locks die with us.

    Only who holds the queue's lock looks for a free slot, and the kernel hands that lock on in
    the order in which it was asked for: nobody is overtaken.
    """

    def __enter__(self):
        CACHE.mkdir(parents=True, exist_ok=True)
        with open(CACHE / "emulator-queue", "a") as queue:
            self.take(self.wait_in(queue))
        return self

    @staticmethod
    def wait_in(queue):
        """Come to the head of the queue; whether that took waiting."""
        try:
            fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting: {SLOTS} emulators already run on this computer, and others wait")
            fcntl.flock(queue, fcntl.LOCK_EX)
            return True
        return False

    def take(self, waited):
        self.files = [open(CACHE / f"emulator-slot-{number}", "a") for number in range(SLOTS)]
        while True:
            for file in self.files:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                except BlockingIOError:
                    continue
            if not waited:
                say(f"waiting: {SLOTS} emulators already run on this computer")
                waited = True
            time.sleep(0.5)

    def __exit__(self, *_):
        for file in self.files:
            file.close()


def make_iso(work, image, arguments):
    iso = work / "iso"
    iso.mkdir()
    os.link(work / "initrd.gz", iso / "initrd.gz")
    for source, name in ((image, "vmlinuz"), (ISOLINUX, "isolinux.bin"), (LDLINUX, "ldlinux.c32")):
        if not pathlib.Path(source).exists():
            raise SetupError(f"{source} is missing; 'make setup' installs what the machine needs")
        (iso / name).write_bytes(pathlib.Path(source).read_bytes())
    (iso / "isolinux.cfg").write_text(ISOLINUX_CFG.format(arguments=arguments))
    done = subprocess.run(
        ["xorriso", "-as", "mkisofs", "-quiet", "-o", work / "machine.iso", "-b", "isolinux.bin",
         "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", iso],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"xorriso could not make the boot image:\n{done.stdout}")
    return work / "machine.iso"


def command(work, kernel, settings, ports):
    """The emulator's command line; ports names the three serial ports' files."""
    for needed in (BIOS, VGA_BIOS):
        if not needed.exists():
            raise SetupError(f"{needed} is missing; 'make setup' installs it")
    built = subprocess.run([TESTBED / "bochs-build"], stdout=subprocess.PIPE, text=True,
                           check=False)
    if built.returncode != 0:
        raise SetupError("the emulator Bochs could not be built (see above)")
    arguments = f"{KERNEL_ARGUMENTS} {settings.append}".strip()
    iso = make_iso(work, kernel["image"], arguments)
    (work / "bochsrc").write_text(CONFIGURATION.format(
        model=settings.cpu_model, cpus=settings.cpus, memory=settings.memory,
        features=", add_features=perfmon" if settings.pmu else "",
        held=min(settings.memory, MOST_HELD), bios=BIOS,
        vga_bios=VGA_BIOS, iso=iso, console=ports["console"], result=ports["result"],
        kernel_log=ports["kernel"], log=work / "bochs.log",
        console_mode="term" if settings.interactive else "file"))
    return [built.stdout.strip(), "-q", "-f", str(work / "bochsrc")]
