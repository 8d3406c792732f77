"""Starting parts from Python tests.

    with Part("cluster", "--nodes", "2") as cluster:
        cluster.info["kubeconfig"]
        cluster.command({"cmd": "blackhole", "region": "us-east", "on": True})
"""

import ctypes
import json
import os
import pathlib
import select
import signal
import subprocess
import time

RUN = pathlib.Path(__file__).parent / "run"
_libc = ctypes.CDLL(None)


class Part:
    """A running part; `info` is what it said when it was ready. Its progress goes to this process's stderr.

    The first use on a machine may build what the cache lacks, which takes minutes: `run prepare` does that ahead of time.
    """

    def __init__(self, *arguments, seconds=900):
        self._process = subprocess.Popen(
            [str(RUN), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            preexec_fn=lambda: _libc.prctl(1, signal.SIGTERM))  # PR_SET_PDEATHSIG
        self._pending = b""
        try:
            self.info = json.loads(self._read_line(seconds))
        except BaseException:
            self.close()
            raise

    @property
    def pid(self):
        return self._process.pid

    def command(self, request, seconds=60):
        """The part's answer; raises RuntimeError when it says that it could not."""
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._read_line(seconds))
        if not answer.pop("ok"):
            raise RuntimeError(f"{request}: {answer['error']}")
        return answer

    def close(self):
        """Ends the part; when this returns, everything it made is gone."""
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def kill(self):
        """kill -9 of the part itself. What it made is removed all the same, shortly after."""
        self._process.kill()
        self._process.wait()
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read_line(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\n" not in self._pending:
            if not select.select([self._process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"the part said nothing in {seconds} s")
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:
                raise RuntimeError(f"the part ended with exit code {self._process.wait()}; see its messages above")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line
