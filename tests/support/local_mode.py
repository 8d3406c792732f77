"""A real `turnctl up` with the machine's coturn, on a loopback address of the test's own."""

import ctypes
import json
import os
import pathlib
import queue
import random
import re
import signal
import subprocess
import threading
import time

TURNCTL = pathlib.Path(os.environ["TURNKEEPER_BIN"]) / "turnctl"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)

CLUSTER = """\
apiVersion: turnkeeper.io/v1alpha1
kind: TurnCluster
metadata: {name: demo}
spec:
  realm: turn.example.org
  relay:
    replicas: 2
    ports: {turn: 3478, relayMin: 49152, relayMax: 50151}
  regions:
  - {name: eu}
  - {name: us, relay: {replicas: 1}}
"""


def run(*arguments, home=None, timeout=60):
    """One turnctl command to its end. Without a home it can write nothing."""
    environment = {**os.environ, "XDG_STATE_HOME": str(home or "/dev/null")}
    return subprocess.run([TURNCTL, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout, env=environment)


def address_of_ones_own():
    """Nobody else on this machine uses it: tests may run beside each other, and beside a demo."""
    return f"127.{random.randint(64, 254)}.{random.randint(0, 254)}.{random.randint(1, 254)}"


class Up:
    """`turnctl up`, started and watched; ended by its own pid."""

    def __init__(self, directory, address, listen="127.0.0.1:0"):
        self.home = directory / "state"
        self.address = address
        self.file = directory / "cluster.yaml"
        self.file.write_text(CLUSTER)
        self.listen = listen
        self.lines = []
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [TURNCTL, "up", "-f", self.file, "--address", self.address, "--listen", self.listen],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "XDG_STATE_HOME": str(self.home)},
            preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))
        self._queue = queue.Queue()
        threading.Thread(target=self._read, args=(self.process.stdout, self._queue), daemon=True).start()
        self.url = re.search(r"status page (http://\S+?)/ ", self.wait_for("status page")).group(1)
        return self

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    def wait_for(self, pattern, seconds=30):
        """The next line that matches."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            assert line is not None, f"no line matched {pattern!r}; it said:\n" + "\n".join(self.lines)
            self.lines.append(line)
            if re.search(pattern, line):
                return line

    def wait_until_healthy(self):
        waiting = {"eu-0", "eu-1", "us-0"}
        while waiting:
            waiting.discard(self.wait_for(r"^\S+ \S+ Healthy").split()[1])
        return self

    def turnctl(self, *arguments, timeout=60):
        return run(*arguments, home=self.home, timeout=timeout)

    def keys(self):
        return json.loads((self.home / "turnkeeper/demo/keys.json").read_text())

    def end(self, number=signal.SIGTERM):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
