"""One running part of the test bed: its number, its directory, its programs, and how all of it is removed again.

The number n makes everything of an instance its own, so that many run side by side: the directory /tmp/turnkeeper-<n>, the
loopback address 127.77.<n>.1, the networks 10.77.<n>.0/24 and so on, network namespaces and interfaces `tk<n>-...`,
cgroups `turnkeeper-<n>-...`. sweep() removes all that by number alone, so it works for whoever calls it: the part itself, the
guardian (a process that outlives a part that was killed), or the next instance that finds a dead one.
"""

import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import time

from . import cgroups
from .cache import locked
from .failure import Failure, progress

BASE = pathlib.Path("/tmp")
COUNT = 250


class Instance:
    """Claims a free number. Use as a context manager; leaving it removes everything."""

    def __init__(self):
        with locked(BASE / "turnkeeper-instances.lock"):
            _sweep_abandoned()
            for number in _numbers():
                directory = _directory(number)
                try:
                    directory.mkdir(mode=0o755)
                except FileExistsError:
                    continue
                break
            else:
                raise Failure(f"all {COUNT} test bed instances are in use", "see /tmp/turnkeeper-*/owner")
            # Held as long as this process or its guardian lives; released by the kernel however they end.
            self._owner = open(directory / "owner", "w")
            fcntl.flock(self._owner, fcntl.LOCK_EX)
        self.number = number
        self.directory = directory
        self.logs = directory / "logs"
        self.logs.mkdir()
        self.name = f"tk{number}"
        self.loopback = f"127.77.{number}.1"
        self.programs = {}
        self._start_guardian()

    def _start_guardian(self):
        reading, self._alive = os.pipe()
        if os.fork() == 0:
            os.setsid()
            os.close(self._alive)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            swept = os.read(reading, 1)  # end of file: the part is gone without having cleaned up
            os.dup2(null, 2)
            if not swept:
                sweep(self.number)
            os._exit(0)
        os.close(reading)

    def record(self, pid):
        """Remembers a process that sweep() shall end."""
        with open(self.directory / "processes", "a") as file:
            file.write(f"{pid} {_start_time(pid)}\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        keep = os.environ.get("TURNKEEPER_TESTBED_LOGS")
        if keep:
            shutil.copytree(self.logs, pathlib.Path(keep) / self.name, dirs_exist_ok=True, ignore_dangling_symlinks=True)
        sweep(self.number)
        os.write(self._alive, b"x")
        os.close(self._alive)


def sweep(number):
    """Removes everything of that instance, in whatever state it is; does nothing when there is nothing."""
    directory = _directory(number)
    _end_processes(directory / "processes")
    for name in _namespaces(number):
        subprocess.run(["ip", "netns", "delete", name], check=False, stderr=subprocess.DEVNULL)
    cgroups.remove(f"turnkeeper-{number}-")
    # Renamed first: the moment the name is free, another instance may claim the number.
    gone = BASE / f".turnkeeper-gone-{number}-{os.getpid()}"
    try:
        directory.rename(gone)
    except FileNotFoundError:
        return
    shutil.rmtree(gone, ignore_errors=True)


def _numbers():
    """All numbers, beginning after the one claimed last: a number is not used again while somebody looks whether it is gone."""
    last = BASE / "turnkeeper-instances.last"
    begin = int(last.read_text()) + 1 if last.exists() else 0
    for offset in range(COUNT):
        number = (begin + offset) % COUNT
        last.write_text(str(number))
        yield number


def _directory(number):
    return BASE / f"turnkeeper-{number}"


def _sweep_abandoned():
    """Removes instances whose part and guardian were both killed."""
    for number in range(COUNT):
        try:
            with open(_directory(number) / "owner") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # there is none, or it is alive
            continue
        progress(f"removing what was left of {_directory(number)}")
        sweep(number)


def _namespaces(number):
    folder = pathlib.Path("/run/netns")
    return [path.name for path in folder.glob(f"tk{number}-*")] if folder.exists() else []


def _start_time(pid):
    """When a process started, in clock ticks since boot: tells it from a later one with the same pid. None when gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def _end_processes(record):
    try:
        entries = [line.split() for line in record.read_text().splitlines()]
    except FileNotFoundError:
        return
    deadline = time.monotonic() + 20
    while entries and time.monotonic() < deadline:
        entries = [(pid, started) for pid, started in entries if _start_time(pid) == started]
        for pid, _ in entries:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02 if entries else 0)
