"""How a part runs: one line of JSON when it is ready, then commands, one JSON object a line, each answered by one line;
the end of standard input, SIGTERM or SIGINT ends it, and everything it made is gone before the process is."""

import json
import os
import select
import signal

from .failure import Failure, progress
from .instance import Instance


class _Stop(Exception):
    pass


def run(start):
    """start(instance) -> (description, handler); handler(request) -> answer."""
    def stop(*_):
        # Once only: a second signal must not interrupt the clean-up.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        raise _Stop

    with Instance() as instance:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, stop)
        try:
            description, handler = start(instance)
            print(json.dumps(description), flush=True)
            progress("ready")
            _serve(instance, handler)
        except _Stop:
            pass
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            progress("cleaning up")
    progress("gone")


def _serve(instance, handler):
    known_dead = set()
    pending = b""
    while True:
        readable, _, _ = select.select([0], [], [], 1.0)
        if readable:
            data = os.read(0, 65536)
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                print(json.dumps(_answer(handler, line)), flush=True)
        for name, program in instance.programs.items():
            if program.running():
                known_dead.discard(name)
            elif name not in known_dead:
                known_dead.add(name)
                progress(f"{name} has ended (exit code {program.process.returncode}); its log: {program.log}")


def _answer(handler, line):
    try:
        return {"ok": True, **(handler(json.loads(line)) or {})}
    except (Failure, ValueError, KeyError, TypeError) as error:
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}


