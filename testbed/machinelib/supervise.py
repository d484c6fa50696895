# SPDX-License-Identifier: GPL-2.0-only
"""Runs an emulator and judges what comes back.

Three byte streams arrive: the command's terminal, the kernel's console and the result. The first
two go to our terminal as they come; the kernel's console is also read for complaints. A panic or
an oops ends the run at once. So does a machine that boots a second time, and one that finds no
end: its time is counted as the emulator's CPU time, so that a busy computer makes no false hang;
four times as long by the clock ends it in any case, for an emulator that sleeps for ever.
"""
import ctypes
import hashlib
import io
import os
import re
import selectors
import signal
import subprocess
import sys
import tarfile
import time

from . import EXIT_COMPLAINT, EXIT_DIED, EXIT_HANG, SetupError, say

FATAL = re.compile(r"Kernel panic - not syncing|\bOops: |BUG: unable to handle|"
                   r"general protection fault.*SMP|kernel BUG at")
COMPLAINT = re.compile(r"\bBUG: |WARNING: |UBSAN: |KASAN: |KCSAN: |kmemleak: [1-9]|"
                       r"INFO: (?:rcu|task)|rcu: INFO|unchecked MSR access|"
                       r"circular locking|suspicious RCU|inconsistent lock state|"
                       r"sleeping function called|scheduling while atomic|soft lockup|hard LOCKUP|"
                       r"Bad page state|refcount_t: |list_(?:add|del) corruption|stack-protector:")
KEEP = 50               # console lines that are shown after a failure
AFTER_FATAL = 3.0       # seconds for the rest of an oops to arrive
PR_SET_PDEATHSIG = 1


class Outcome:
    """What a run came to."""

    def __init__(self):
        self.code = None        # the command's exit code, when it came back
        self.files = None       # the tar archive of the wanted files
        self.failure = None     # (exit code, text) when the run failed as a run
        self.complaints = []
        self.seconds = 0.0


class Lines:
    """Cuts a byte stream into lines and keeps the unfinished rest."""

    def __init__(self):
        self.rest = b""

    def feed(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [line.decode(errors="replace").rstrip("\r") for line in lines]


class Run:
    """One run of an emulator, from its start to its end."""

    def __init__(self, work, settings, terminal=None):
        self.work = work
        self.terminal = terminal
        self.settings = settings
        self.outcome = Outcome()
        self.result = b""
        self.boots = 0
        self.fatal_at = None
        self.recent = []
        self.lines = {"console": Lines(), "kernel": Lines()}
        self.live = sys.stdout.isatty()
        self.log = open(settings.console, "w") if settings.console else None
        self.selector = selectors.DefaultSelector()
        self.process = None
        self.left = False       # somebody at the terminal ended the machine
        if terminal:
            self.selector.register(sys.stdin, selectors.EVENT_READ, "typed")

    def open_ports(self):
        """A FIFO for each serial port, open on our side before the emulator starts."""
        ports = {}
        for name in ("console", "result", "kernel"):
            if self.terminal and name == "console":
                self.selector.register(self.terminal.master, selectors.EVENT_READ, name)
                ports[name] = self.terminal.path
                continue
            path = self.work / name
            os.mkfifo(path)
            # read and write: so no open blocks, and the end of a writer is no end of file
            descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            self.selector.register(descriptor, selectors.EVENT_READ, name)
            ports[name] = path
        return ports

    def start(self, command):
        def die_with_parent():
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        with open(self.work / "emulator.out", "wb") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                cwd=self.work, start_new_session=True, preexec_fn=die_with_parent)

    def cpu_seconds(self):
        try:
            with open(f"/proc/{self.process.pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, IndexError):
            return 0.0

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    # what arrives

    def drain(self, timeout):
        """Handle what has arrived; False when nothing had."""
        events = self.selector.select(timeout)
        for key, _ in events:
            if key.data == "typed":
                self.left |= not self.terminal.typed()
                continue
            try:
                data = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            if key.data == "result":
                self.take_result(data)
            else:
                self.take_console(key.data, data)
        return bool(events)

    def take_console(self, name, data):
        # the kernel's own boot is of interest only when it fails; the log file has all of it
        shown = not self.settings.quiet and (name == "console" or self.boots > 0)
        if shown and self.live:
            sys.stdout.buffer.write(data)
        for line in self.lines[name].feed(data):
            self.take_line(name, line, shown)
        sys.stdout.flush()

    def take_line(self, name, line, shown):
        # two streams go into one: whole lines only, but on a terminal, where somebody waits
        if shown and not self.live:
            sys.stdout.write(line + "\n")
        if self.log:
            self.log.write(line + "\n")
            self.log.flush()
        self.recent = self.recent[-(KEEP - 1):] + [line]
        if name == "kernel":
            self.judge(line)

    def end_lines(self):
        """What stands after the last newline is a line too."""
        for name in self.lines:
            if self.lines[name].rest:
                self.take_console(name, b"\n")

    def judge(self, line):
        if self.settings.panics and FATAL.search(line):
            return
        if "end Kernel panic" in line and self.fatal_at is not None:
            self.fatal_at -= AFTER_FATAL
        elif FATAL.search(line) and self.fatal_at is None:
            self.fatal_at = time.monotonic()
            self.outcome.failure = (EXIT_DIED, f"the machine's kernel died: {line.strip()}")
        elif COMPLAINT.search(line) and self.boots:
            # before the first process runs, it is the emulator that is complained about
            self.outcome.complaints.append(line.strip())

    def take_result(self, data):
        self.result += data
        while b"\n" in self.result:
            line, rest = self.result.split(b"\n", 1)
            words = line.decode(errors="replace").split()
            if words[:1] == ["lintel-boot"]:
                self.result = rest
                self.boots += 1
                if self.boots > 1 and not self.settings.reboots:
                    self.outcome.failure = (EXIT_DIED, "the machine reset and booted again")
                continue
            if words[:1] == ["lintel-result"] and len(words) == 4:
                self.finish_result(int(words[1]), int(words[2]), words[3], rest)
            return

    def finish_result(self, code, size, digest, body):
        if len(body) < size:
            return
        if hashlib.sha256(body[:size]).hexdigest() != digest:
            self.outcome.failure = (EXIT_DIED, "the result was damaged on its way")
            return
        self.outcome.code = code
        self.outcome.files = body[:size]

    # the whole

    def expired(self, begin):
        if self.terminal:
            return False
        limit = self.settings.timeout
        if self.settings.counts_cpu_time and self.cpu_seconds() > limit:
            return True
        factor = 4 if self.settings.counts_cpu_time else 1
        return time.monotonic() - begin > limit * factor

    def supervise(self, command):
        begin = time.monotonic()
        outcome = self.outcome
        try:
            self.start(command)
            while self.process.poll() is None:
                self.drain(0.5)
                if self.left:
                    outcome.code = 0
                    break
                if self.fatal_at is not None:
                    if time.monotonic() - self.fatal_at > AFTER_FATAL:
                        break
                elif outcome.failure:
                    break
                elif self.expired(begin):
                    outcome.failure = (EXIT_HANG, "no end within the time limit of "
                                       f"{self.settings.timeout:g} s: the machine was stopped")
                    break
            while not self.left and self.drain(0):
                pass
            self.end_lines()
        finally:
            self.stop()
            outcome.seconds = time.monotonic() - begin
            if self.log:
                self.log.close()
        if outcome.code is None and outcome.failure is None:
            outcome.failure = (EXIT_DIED, self.emulator_ended())
        return outcome

    def emulator_ended(self):
        """The text for an emulator that went away before a result came."""
        text = (f"the emulator ended with status {self.process.returncode} before the command did"
                if self.boots else "the machine did not boot")
        for name in ("emulator.out", "bochs.log"):
            path = self.work / name
            if path.exists():
                tail = path.read_text(errors="replace").splitlines()[-5:]
                text += "".join(f"\n  {name}: {line}" for line in tail)
        return text


def report(run):
    """Say what went wrong, and give the exit code of the whole."""
    outcome = run.outcome
    if outcome.failure:
        code, text = outcome.failure
        if run.settings.quiet or code == EXIT_HANG or not run.boots:
            say(f"the last {len(run.recent)} lines of its console:")
            for line in run.recent:
                print(f"  | {line}", file=sys.stderr)
        say(text)
        return code
    if outcome.complaints and not run.settings.allow_complaints:
        say("the machine's kernel complained:")
        for line in outcome.complaints[:10]:
            print(f"  | {line}", file=sys.stderr)
        return outcome.code or EXIT_COMPLAINT
    return outcome.code


def unpack(files, wanted):
    """Write the files that came back to where --get wants them."""
    if not wanted:
        return
    if not files:
        raise SetupError("the command left none of the wanted files in the machine")
    with tarfile.open(fileobj=io.BytesIO(files)) as archive:
        for source, destination in wanted:
            name = source.strip("/")
            members = [entry for entry in archive.getmembers()
                       if entry.name == name or entry.name.startswith(name + "/")]
            if not members:
                raise SetupError(f"--get {source}: the command left no such file in the machine")
            for entry in members:
                if not entry.isfile():
                    continue
                target = destination + entry.name[len(name):]
                os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
                with open(target, "wb") as file:
                    file.write(archive.extractfile(entry).read())
