"""Starting and ending the processes that a command needs. Nothing but Python's own library."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("PEERWAY_CACHE") or ROOT / ".cache").absolute()
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def ends_with_us(number):
    """For Popen's `preexec_fn`: the kernel sends the signal to the child should we be killed."""
    return lambda: libc.prctl(PR_SET_PDEATHSIG, number)


class Failed(Exception):
    """What a person has to read; the command ends with it."""


def free_ports(count):
    """Ports that are free now. Held together while choosing, so that they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Process:
    """A server in the background, which writes to `log`.

    It has a session of its own, so that Ctrl-C reaches only us and we choose the order of the ends."""

    def __init__(self, name, argv, log, end=signal.SIGTERM, **options):
        self.name, self.log, self.end = name, Path(log), end
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(
                [str(a) for a in argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=ends_with_us(end),
                **options,
            )

    def running(self):
        return self.popen.poll() is None

    def wait_until(self, answers, seconds=30):
        """Waits until `answers()` is true; fails at once when the process ends."""
        deadline = time.monotonic() + seconds
        while not answers():
            if not self.running():
                raise Failed(f"{self.name} ended at its start:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.name} did not answer within {seconds} s:\n{self.tail()}")
            time.sleep(0.02)

    def tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def stop(self, seconds=15):
        if self.running():
            self.popen.send_signal(self.end)
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            print(f"{self.name} did not end within {seconds} s: killed", file=sys.stderr)
            self.popen.kill()
            self.popen.wait()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def end_on_signals():
    """Makes SIGTERM and SIGHUP run the `finally` blocks, as SIGINT does already."""

    def end(number, _frame):
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
