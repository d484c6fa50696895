# SPDX-License-Identifier: GPL-2.0-only
"""Our terminal, joined to the machine's first serial port through a pseudo-terminal.

Ctrl-A is the escape key: x ends the machine, Ctrl-A again sends one. The terminal is put back on
every way out.
"""
import os
import sys
import termios
import tty

ESCAPE = b"\x01"


class Terminal:
    def __init__(self):
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.slave = slave      # kept open: a pseudo-terminal without one gives EIO
        self.path = os.ttyname(slave)
        self.saved = None
        self.escaped = False
        os.set_blocking(self.master, False)

    def __enter__(self):
        if sys.stdin.isatty():
            self.saved = termios.tcgetattr(sys.stdin)
            tty.setraw(sys.stdin)
        return self

    def __exit__(self, *_):
        if self.saved:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self.saved)
        os.close(self.master)
        os.close(self.slave)

    def typed(self):
        """Pass on what was typed; False when the machine is to end."""
        data = os.read(sys.stdin.fileno(), 1024)
        if not data:
            return False
        out = b""
        for byte in (data[i:i + 1] for i in range(len(data))):
            if self.escaped:
                self.escaped = False
                if byte in (b"x", b"X"):
                    return False
                out += byte
            elif byte == ESCAPE:
                self.escaped = True
            else:
                out += byte
        if out:
            os.write(self.master, out)
        return True
