"""An example as somebody starts it who tries it."""

import ctypes
import os
import pathlib
import re
import signal
import subprocess
import time

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "examples"
SIGNALLING = EXAMPLES / "signalling"
KEY = "a key for the tests"
_libc = ctypes.CDLL(None)


class Program:
    """Ended by its own pid."""

    def __init__(self, log, *command, **environment):
        self.log = log
        with open(log, "wb") as out:
            self._process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out,
                                             env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
                                             preexec_fn=lambda: _libc.prctl(1, signal.SIGKILL))  # PR_SET_PDEATHSIG

    def wait_for(self, pattern, count=1, seconds=20):
        """What the group in the pattern is in its newest match, once there are that many."""
        deadline = time.monotonic() + seconds
        while len(found := re.findall(pattern, self.log.read_text())) < count:
            assert time.monotonic() < deadline and self._process.poll() is None, \
                f"no {pattern!r} within {seconds} s; it said:\n{self.log.read_text()[-3000:]}"
            time.sleep(0.02)
        return found[-1]

    def end(self):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
