"""Runs a command on a terminal of its own: run-on-terminal.py COLUMNSxROWS own|foreign PATTERN COMMAND...

With "own" the terminal is the one that controls the command, which the kernel then signals when it is closed. The terminal is closed
once the command has written something that matches PATTERN; an empty one never closes it. Prints what came of it as JSON.
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

BOUND_S = 60

size, control, pattern, *command = sys.argv[1:]
columns, rows = map(int, size.split("x"))
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

child = os.fork()
if child == 0:
    os.setsid()
    if control == "own":
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.closerange(3, 64)
    os.execvp(command[0], command)
os.close(slave)

began = time.monotonic()
written = b""
closed = False
bounded = True
while True:
    pid, status, usage = os.wait4(child, os.WNOHANG)
    if pid == child:
        break
    if bounded and time.monotonic() - began > BOUND_S:
        os.kill(child, 9)
        bounded = False
    if not closed and pattern and re.search(pattern.encode(), written):
        os.close(master)
        closed = True
    if closed:
        time.sleep(0.02)
        continue
    ready, _, _ = select.select([master], [], [], 0.05)
    if ready:
        try:
            written += os.read(master, 65536)
        except OSError:  # the command has closed its side, and is about to end
            time.sleep(0.02)

print(
    json.dumps(
        {
            "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status),
            "signal": None if os.WIFEXITED(status) else os.WTERMSIG(status),
            "bounded": bounded,
            "written": written.decode("utf8", "replace"),
            "megabytes": usage.ru_maxrss // 1024,
        }
    )
)
